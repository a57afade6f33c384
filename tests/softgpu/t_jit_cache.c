/* SPDX-License-Identifier: Apache-2.0 */
/*
 * softgpu/jit/run/cache.c: what is kept on disk comes back, what was tampered
 * with does not. A process of its own for each look: the folder is opened once.
 */
#define EMBED_JIT 1
#include "tests/softgpu/ptx_embed.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "softgpu/jit/run/unit.h"

static char dir[] = "/tmp/cw-jit-cache-XXXXXX";

enum { FAILED, COMPILED, CACHED, INTERPRETED };

/* In a child: run a kernel that stores @value; where did its code come from? */
static int look_child(uint32_t value)
{
	uint64_t params[1] = { EMBED_DATA };
	uint32_t have;
	char text[512];
	int n = snprintf(text, sizeof(text), EMBED_HEAD ".entry k(.param .u64 p)\n{\n"
			 ".reg .b64 %%w;\n.reg .b32 %%r;\nld.param.u64 %%w, [p];\n"
			 "mov.u32 %%r, %u;\nst.global.u32 [%%w], %%r;\nret;\n}\n", value);

	if (embed_load(text, n) || embed_run("k", 32, params, sizeof(params)))
		return FAILED;
	memcpy(&have, embed_data(0), 4);
	if (have != value)
		return FAILED;
	if (!strcmp(sg_jit_records()->origin, "cached"))
		return CACHED;
	return strcmp(sg_jit_records()->origin, "compiled") ? INTERPRETED : COMPILED;
}

static pid_t look_start(uint32_t value, const char *size)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	setenv("CAUSEWAY_SOFT_CACHE_DIR", dir, 1);
	if (size)
		setenv("CAUSEWAY_SOFT_CACHE_SIZE", size, 1);
	_exit(look_child(value));
}

static int look_end(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return FAILED;
	return WEXITSTATUS(status);
}

static int look(uint32_t value)
{
	return look_end(look_start(value, NULL));
}

/* Names of entries; how many. */
static int entries(char names[][128], int max)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (n < max)
			snprintf(names[n], 128, "%s/%.64s", dir, e->d_name);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

static void clear(void)
{
	char names[64][128];
	int n = entries(names, 64);

	CHECK_EQ(chmod(dir, 0700), 0);
	for (int i = 0; i < n && i < 64; i++)
		unlink(names[i]);
}

TEST(a_kernel_is_compiled_once_and_comes_back)
{
	char names[4][128];
	struct stat st;

	clear();
	CHECK_EQ(look(1), COMPILED);
	CHECK_EQ(look(1), CACHED);
	CHECK_EQ(look(2), COMPILED);
	CHECK_EQ(look(1), CACHED);
	CHECK_EQ(entries(names, 4), 2);
	CHECK_EQ(stat(names[0], &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0600);
}

/* Each byte in turn would take long; some of each part of the file do. */
TEST(a_byte_changed_anywhere_is_a_miss)
{
	static const int places[] = { 0, 9, 20, 47, 48, 70, 200, 700, -1, -100 };
	char names[2][128];

	for (size_t i = 0; i < CW_ARRAY_SIZE(places); i++) {
		unsigned char c;
		int fd;

		clear();
		CHECK_EQ(look(1), COMPILED);
		CHECK_EQ(entries(names, 2), 1);
		fd = open(names[0], O_RDWR);
		CHECK(lseek(fd, places[i], places[i] < 0 ? SEEK_END : SEEK_SET) >= 0);
		CHECK_EQ(read(fd, &c, 1), 1);
		c ^= 0x10;
		CHECK(lseek(fd, -1, SEEK_CUR) >= 0);
		CHECK_EQ(write(fd, &c, 1), 1);
		close(fd);
		CHECK_EQ(look(1), COMPILED);
		CHECK_EQ(look(1), CACHED);
	}
}

TEST(an_entry_that_is_cut_open_to_others_or_another_kernels_is_a_miss)
{
	char names[2][128], other[128], kept[128];

	clear();
	CHECK_EQ(look(1), COMPILED);
	CHECK_EQ(entries(names, 2), 1);
	CHECK_EQ(truncate(names[0], 100), 0);
	CHECK_EQ(look(1), COMPILED);
	CHECK_EQ(chmod(names[0], 0644), 0);
	CHECK_EQ(look(1), COMPILED);
	strcpy(kept, names[0]);
	/* The second kernel's file under the first one's name. */
	CHECK_EQ(look(2), COMPILED);
	CHECK_EQ(entries(names, 2), 2);
	strcpy(other, strcmp(names[0], kept) ? names[0] : names[1]);
	CHECK_EQ(rename(other, kept), 0);
	CHECK_EQ(look(1), COMPILED);
	/* A link to it, in a folder of somebody's. */
	snprintf(other, sizeof(other), "%s/x", dir);
	CHECK_EQ(rename(kept, other), 0);
	CHECK_EQ(symlink(other, kept), 0);
	CHECK_EQ(look(1), COMPILED);
}

TEST(a_folder_others_may_write_to_is_not_used)
{
	char names[2][128];

	clear();
	CHECK_EQ(look(1), COMPILED);
	CHECK_EQ(chmod(dir, 0770), 0);
	CHECK_EQ(look(1), COMPILED);
	CHECK_EQ(look(3), COMPILED);
	CHECK_EQ(entries(names, 2), 1);
	CHECK_EQ(chmod(dir, 0700), 0);
	CHECK_EQ(look(1), CACHED);
}

TEST(processes_may_share_the_folder)
{
	pid_t pid[6];

	clear();
	for (int i = 0; i < 6; i++)
		pid[i] = look_start(7 + i % 2, NULL);
	for (int i = 0; i < 6; i++) {
		int from = look_end(pid[i]);

		CHECK(from == COMPILED || from == CACHED);
	}
	CHECK_EQ(look(7), CACHED);
	CHECK_EQ(look(8), CACHED);
}

TEST(the_folder_stays_below_its_size)
{
	char names[8][128];

	clear();
	for (int i = 0; i < 6; i++)
		CHECK_EQ(look_end(look_start(20 + i, "8000")), COMPILED);
	CHECK(entries(names, 8) < 6);
	CHECK(entries(names, 8) > 0);
}

int main(int argc, char **argv)
{
	int failed;

	unsetenv("CAUSEWAY_SOFT_CACHE");
	if (!mkdtemp(dir))
		return 1;
	failed = tap_run(argc > 1 ? argv[1] : NULL);
	clear();
	rmdir(dir);
	return failed;
}
