/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes an initramfs.
 */
#include "tools/run/cpio.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cw/util.h"

#define CPIO_LINKS_MAX 40
#define CPIO_FDS 32

static int cpio_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Whether @path is new; remembers it. */
static bool cpio_first_time(struct ct_cpio *c, const char *path)
{
	char *copy = strdup(path);
	char **slot = copy ? tsearch(copy, &c->seen, cpio_compare) : NULL;

	if (!slot && !c->err)
		c->err = -ENOMEM;
	if (!slot || *slot != copy) {
		free(copy);
		return false;
	}
	return true;
}

static void cpio_fail(struct ct_cpio *c, int err, const char *path)
{
	if (c->err)
		return;
	c->err = err;
	c->err_path = strdup(path);
}

static void cpio_put(struct ct_cpio *c, const void *data, size_t len)
{
	const char *p = data;

	while (!c->err && len) {
		ssize_t n = write(c->fd, p, len);

		if (n < 0 && errno != EINTR)
			cpio_fail(c, -errno, "the initramfs");
		if (n > 0) {
			p += n;
			len -= n;
			c->size += n;
		}
	}
}

static void cpio_pad(struct ct_cpio *c)
{
	cpio_put(c, "\0\0\0", -c->size & 3);
}

/* Head and name of an entry; the kernel wants no leading slash. */
static void cpio_head(struct ct_cpio *c, const char *path, struct ct_cpio_node node, uint64_t len)
{
	char head[112];
	const char *name = *path == '/' && path[1] ? path + 1 : path;

	if (len > UINT32_MAX) {
		cpio_fail(c, -EFBIG, path);
		return;
	}
	snprintf(head, sizeof(head), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		 ++c->ino, node.mode, node.uid, node.gid, 1, 0, (unsigned int)len, 0, 0, 0, 0,
		 (unsigned int)strlen(name) + 1, 0);
	cpio_put(c, head, 110);
	cpio_put(c, name, strlen(name) + 1);
	cpio_pad(c);
}

void ct_cpio_init(struct ct_cpio *c, int fd)
{
	*c = (struct ct_cpio){ .fd = fd };
}

void ct_cpio_data(struct ct_cpio *c, const char *path, struct ct_cpio_node node, const void *data,
		  size_t len)
{
	if (c->err || !cpio_first_time(c, path))
		return;
	cpio_head(c, path, node, len);
	cpio_put(c, data, len);
	cpio_pad(c);
}

void ct_cpio_dir(struct ct_cpio *c, const char *path, mode_t mode)
{
	struct ct_cpio_node node = { .mode = S_IFDIR | mode };

	ct_cpio_data(c, path, node, NULL, 0);
}

/* Content of an open file; a file that shrinks meanwhile is an error. */
static void cpio_content(struct ct_cpio *c, int fd, uint64_t len, const char *path)
{
	while (!c->err && len) {
		ssize_t n = sendfile(c->fd, fd, NULL, cw_min(len, (uint64_t)1 << 30));

		if (n <= 0) {
			cpio_fail(c, n ? -errno : -ESTALE, path);
			return;
		}
		len -= n;
		c->size += n;
	}
	cpio_pad(c);
}

static void cpio_file(struct ct_cpio *c, const char *from, const char *path,
		      const struct ct_cpio_node *as)
{
	struct ct_cpio_node node;
	struct stat st;
	int fd;

	if (c->err || !cpio_first_time(c, path))
		return;
	fd = open(from, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		cpio_fail(c, -errno, from);
	} else {
		node = as ? *as : (struct ct_cpio_node){ st.st_mode, st.st_uid, st.st_gid };
		cpio_head(c, path, node, st.st_size);
		cpio_content(c, fd, st.st_size, from);
	}
	if (fd >= 0)
		close(fd);
}

void ct_cpio_file(struct ct_cpio *c, const char *from, const char *path, mode_t mode)
{
	struct ct_cpio_node node = { .mode = S_IFREG | mode };

	cpio_file(c, from, path, &node);
}

/* One existing path of the host; a link is added as a link. */
static void cpio_node(struct ct_cpio *c, const char *path, const struct stat *st)
{
	struct ct_cpio_node node = { st->st_mode, st->st_uid, st->st_gid };
	char target[PATH_MAX];
	ssize_t n;

	if (c->left_out && c->left_out(path))
		return;
	if (S_ISREG(st->st_mode)) {
		cpio_file(c, path, path, NULL);
	} else if (S_ISDIR(st->st_mode)) {
		ct_cpio_data(c, path, node, NULL, 0);
	} else if (S_ISLNK(st->st_mode)) {
		n = readlink(path, target, sizeof(target));
		if (n < 0)
			cpio_fail(c, -errno, path);
		else
			ct_cpio_data(c, path, node, target, n);
	}
}

/**
 * cpio_follow() - Make of "DIR/LINK" + "/REST" the path it stands for
 * @path:	path, changed
 * @len:	bytes of it up to the end of LINK
 *
 * Return: 0 or a negative errno.
 */
static int cpio_follow(char *path, size_t len)
{
	char target[PATH_MAX], prefix[PATH_MAX], joined[2 * PATH_MAX];
	char rest[PATH_MAX];
	ssize_t n;
	int dir;

	snprintf(rest, sizeof(rest), "%s", path + len);
	snprintf(prefix, sizeof(prefix), "%.*s", (int)len, path);
	n = readlink(prefix, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	dir = *target == '/' ? 0 : strrchr(prefix, '/') - prefix + 1;
	if (snprintf(joined, sizeof(joined), "%.*s%s%s", dir, prefix, target, rest) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(path, joined);
	return 0;
}

/* Adds what is on the way of @path up to its next link; follows that. */
static int cpio_walk(struct ct_cpio *c, char *path)
{
	size_t len = strlen(path);

	for (size_t at = 1; at <= len; at++) {
		char part[PATH_MAX];
		struct stat st;

		if (path[at] != '/' && path[at])
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)at, path);
		if (lstat(part, &st))
			return -errno;
		/* "a/../b" and "a/./b": the walk has been there already. */
		if (!strcmp(part + at - 1, "/") || (at >= 2 && !strcmp(part + at - 2, "/.")) ||
		    (at >= 3 && !strcmp(part + at - 3, "/..")))
			continue;
		cpio_node(c, part, &st);
		if (S_ISLNK(st.st_mode)) {
			int err = cpio_follow(path, at);

			return err ? err : 1;
		}
	}
	return 0;
}

void ct_cpio_mirror(struct ct_cpio *c, const char *path)
{
	char buf[PATH_MAX];
	int more = 1;

	if (snprintf(buf, sizeof(buf), "%s", path) >= (int)sizeof(buf)) {
		cpio_fail(c, -ENAMETOOLONG, path);
		return;
	}
	for (int i = 0; more > 0 && i < CPIO_LINKS_MAX; i++)
		more = cpio_walk(c, buf);
	if (more)
		cpio_fail(c, more < 0 ? more : -ELOOP, path);
}

/* nftw() has no argument for its function; one archive is walked at a time. */
static struct ct_cpio *cpio_walked;

static int cpio_visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_NS || type == FTW_DNR)
		cpio_fail(cpio_walked, -EACCES, path);
	else
		cpio_node(cpio_walked, path, st);
	return cpio_walked->err;
}

void ct_cpio_mirror_tree(struct ct_cpio *c, const char *path)
{
	char real[PATH_MAX];
	struct stat st;

	ct_cpio_mirror(c, path);
	if (c->err || stat(path, &st) || !S_ISDIR(st.st_mode) || !realpath(path, real))
		return;
	cpio_walked = c;
	nftw(real, cpio_visit, CPIO_FDS, FTW_PHYS);
	cpio_walked = NULL;
}

int ct_cpio_finish(struct ct_cpio *c)
{
	cpio_head(c, "TRAILER!!!", (struct ct_cpio_node){ 0 }, 0);
	tdestroy(c->seen, free);
	c->seen = NULL;
	return c->err;
}
