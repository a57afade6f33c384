/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receives the files a guest sends, into one folder.
 *
 * The guest is not trusted: each part of a path is opened without following
 * links, ".." is refused, and the sum of all bytes has a limit. A file has a
 * temporary name in its folder until its last byte is there, and is then renamed.
 */
#include "tools/run/out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/ct.h"

int ct_out_init(struct ct_out *o, const char *dir, const char *trace, uint64_t limit)
{
	*o = (struct ct_out){ .dir = -1, .fd = -1, .where = -1, .trace = trace, .left = limit };
	if (!dir)
		return 0;
	if (mkdir(dir, 0777) && errno != EEXIST)
		goto fail;
	o->dir = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (o->dir < 0 || faccessat(o->dir, ".", W_OK | X_OK, AT_EACCESS))
		goto fail;
	return 0;
fail:
	ct_error("--out %s: %s", dir, strerror(errno));
	return -errno;
}

/* Opens (and makes) the next folder on the way; @where is closed. */
static int out_descend(int where, const char *part)
{
	int fd;

	mkdirat(where, part, 0777);
	fd = openat(where, part, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	close(where);
	return fd;
}

/* Leaves in @o->where the folder and in @o->name the name of @path. */
static int out_walk(struct ct_out *o, const char *path)
{
	int where = fcntl(o->dir, F_DUPFD_CLOEXEC, 3);

	while (where >= 0) {
		size_t len = strcspn(path, "/");
		char part[NAME_MAX + 1];

		if (!len || len > NAME_MAX || (len == 1 && *path == '.') ||
		    (len == 2 && !memcmp(path, "..", 2))) {
			close(where);
			return -EPERM;
		}
		snprintf(part, sizeof(part), "%.*s", (int)len, path);
		if (!path[len]) {
			strcpy(o->name, part);
			o->where = where;
			return 0;
		}
		path += len + 1;
		where = out_descend(where, part);
	}
	return where;
}

/* The trace goes where the user said, so links are followed. */
static int out_walk_trace(struct ct_out *o)
{
	const char *slash = strrchr(o->trace, '/');
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - o->trace) + 1 : 1,
		 slash ? o->trace : ".");
	snprintf(o->name, sizeof(o->name), "%s", slash ? slash + 1 : o->trace);
	o->where = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	return o->where < 0 ? -errno : 0;
}

int ct_out_open(struct ct_out *o, const struct ct_msg_out_open *msg)
{
	int err;

	if (o->fd >= 0 || !memchr(msg->path, '\0', sizeof(msg->path)))
		return -EBADMSG;
	if (msg->kind == CT_OUT_TRACE && o->trace)
		err = out_walk_trace(o);
	else if (msg->kind == CT_OUT_FILE && o->dir >= 0)
		err = out_walk(o, msg->path);
	else
		return -EBADMSG;
	if (err)
		return err;
	snprintf(o->temp, sizeof(o->temp), ".causeway-%d-%u", getpid(), o->received);
	o->mode = msg->mode & 0777;
	o->fd = openat(o->where, o->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (o->fd >= 0)
		return 0;
	err = -errno;
	close(o->where);
	o->where = -1;
	return err;
}

int ct_out_data(struct ct_out *o, const void *data, size_t len)
{
	const char *p = data;

	if (o->fd < 0)
		return -EBADMSG;
	if (len > o->left)
		return -EDQUOT;
	o->left -= len;
	while (len) {
		ssize_t n = write(o->fd, p, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			p += n;
			len -= n;
		}
	}
	return 0;
}

int ct_out_close(struct ct_out *o)
{
	int err = 0;
	mode_t mask;

	if (o->fd < 0)
		return -EBADMSG;
	mask = umask(0);
	umask(mask);
	fchmod(o->fd, o->mode & ~mask);
	if (close(o->fd) || renameat(o->where, o->temp, o->where, o->name)) {
		err = -errno;
		unlinkat(o->where, o->temp, 0);
	}
	o->fd = -1;
	close(o->where);
	o->where = -1;
	o->received++;
	return err;
}

void ct_out_finish(struct ct_out *o)
{
	if (o->fd >= 0) {
		unlinkat(o->where, o->temp, 0);
		close(o->fd);
		close(o->where);
	}
	if (o->dir >= 0)
		close(o->dir);
	o->fd = o->where = o->dir = -1;
}
