/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files a guest sends: where they may go, and that none is seen half written.
 */
#include "tools/run/out.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cw/util.h"
#include "tests/tap.h"

static char out_dir[64];

/* A receiver into a fresh folder. */
static void out_start(struct ct_out *o, uint64_t limit)
{
	strcpy(out_dir, "/tmp/t_out-XXXXXX");
	CHECK(mkdtemp(out_dir));
	CHECK_EQ(ct_out_init(o, out_dir, NULL, limit), 0);
}

static int out_open(struct ct_out *o, const char *path)
{
	struct ct_msg_out_open msg = { .kind = CT_OUT_FILE, .mode = 0644 };

	snprintf(msg.path, sizeof(msg.path), "%s", path);
	return ct_out_open(o, &msg);
}

static int out_count(void)
{
	DIR *dir = opendir(out_dir);
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static void out_end(struct ct_out *o)
{
	char cmd[128];

	ct_out_finish(o);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", out_dir);
	CHECK_EQ(system(cmd), 0);
}

TEST(complete_file_has_its_name_content_and_mode)
{
	char path[128], buf[8] = "";
	struct ct_out o;
	struct stat st;
	FILE *f;

	out_start(&o, 100);
	umask(022);
	CHECK_EQ(out_open(&o, "a/b/c"), 0);
	CHECK_EQ(ct_out_data(&o, "hel", 3), 0);
	CHECK_EQ(ct_out_data(&o, "lo", 2), 0);
	CHECK_EQ(ct_out_close(&o), 0);
	snprintf(path, sizeof(path), "%s/a/b/c", out_dir);
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0644);
	f = fopen(path, "r");
	CHECK(f && fread(buf, 1, sizeof(buf), f) == 5);
	fclose(f);
	CHECK_STR(buf, "hello");
	out_end(&o);
}

TEST(file_that_is_not_complete_is_dropped)
{
	struct ct_out o;

	out_start(&o, 100);
	CHECK_EQ(out_open(&o, "a"), 0);
	CHECK_EQ(ct_out_data(&o, "half", 4), 0);
	CHECK_EQ(out_count(), 1);
	ct_out_finish(&o);
	CHECK_EQ(out_count(), 0);
	out_end(&o);
}

TEST(path_that_leads_out_is_refused)
{
	static const char *const paths[] = { "../a", "a/../../b", "/etc/a", "",	 "a//b",
					     ".",    "a/.",	  "..",	    "a/" };
	struct ct_out o;

	out_start(&o, 100);
	for (size_t i = 0; i < CW_ARRAY_SIZE(paths); i++) {
		printf("# path '%s'\n", paths[i]);
		CHECK_EQ(out_open(&o, paths[i]), -EPERM);
		CHECK_EQ(o.fd, -1);
	}
	out_end(&o);
}

TEST(link_on_the_way_is_not_followed)
{
	char link[128];
	struct ct_out o;

	out_start(&o, 100);
	snprintf(link, sizeof(link), "%s/l", out_dir);
	CHECK_EQ(symlink("/tmp", link), 0);
	CHECK(out_open(&o, "l/a") < 0);
	CHECK_EQ(o.fd, -1);
	out_end(&o);
}

TEST(link_in_the_place_of_the_file_is_replaced)
{
	char link[128];
	struct ct_out o;
	struct stat st;

	out_start(&o, 100);
	snprintf(link, sizeof(link), "%s/l", out_dir);
	CHECK_EQ(symlink("/tmp/t_out-never", link), 0);
	CHECK_EQ(out_open(&o, "l"), 0);
	CHECK_EQ(ct_out_close(&o), 0);
	CHECK_EQ(lstat(link, &st), 0);
	CHECK(S_ISREG(st.st_mode));
	out_end(&o);
}

TEST(more_bytes_than_the_limit_are_refused)
{
	struct ct_out o;

	out_start(&o, 5);
	CHECK_EQ(out_open(&o, "a"), 0);
	CHECK_EQ(ct_out_data(&o, "1234", 4), 0);
	CHECK_EQ(ct_out_data(&o, "56", 2), -EDQUOT);
	out_end(&o);
}

TEST(steps_out_of_order_are_refused)
{
	struct ct_out o;

	out_start(&o, 100);
	CHECK_EQ(ct_out_data(&o, "x", 1), -EBADMSG);
	CHECK_EQ(ct_out_close(&o), -EBADMSG);
	CHECK_EQ(out_open(&o, "a"), 0);
	CHECK_EQ(out_open(&o, "b"), -EBADMSG);
	out_end(&o);
}

TEST(path_without_an_end_is_refused)
{
	struct ct_msg_out_open msg = { .kind = CT_OUT_FILE };
	struct ct_out o;

	memset(msg.path, 'a', sizeof(msg.path));
	out_start(&o, 100);
	CHECK_EQ(ct_out_open(&o, &msg), -EBADMSG);
	out_end(&o);
}

TEST(trace_that_was_not_asked_for_is_refused)
{
	struct ct_msg_out_open msg = { .kind = CT_OUT_TRACE, .path = "a" };
	struct ct_out o;

	out_start(&o, 100);
	CHECK_EQ(ct_out_open(&o, &msg), -EBADMSG);
	out_end(&o);
}

TAP_MAIN()
