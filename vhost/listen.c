/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of a vhost-user program: --socket-path and --fd.
 */
#include "vhost/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Clients that may wait to be accepted. */
enum { BACKLOG = 64 };

/* Leaves room for one byte more. */
static int path_to_addr(const char *path, struct sockaddr_un *ret_addr)
{
	*ret_addr = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!*path || strlen(path) + 1 >= sizeof(ret_addr->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret_addr->sun_path, path, strlen(path) + 1);
	return 0;
}

/* Removes a socket that nobody listens on any more; leaves all else alone. */
static void remove_stale(const struct sockaddr_un *addr, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return;
	if (!lstat(addr->sun_path, &st) && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 && errno == ECONNREFUSED)
		unlink(addr->sun_path);
	close(fd);
}

/*
 * Binds and listens beside the path and then gives the socket its name there:
 * link() replaces nothing, so the loser of two programs leaves no trace.
 */
static int listen_beside(int fd, const struct sockaddr_un *addr, const char *path,
			 unsigned int mode)
{
	int ret = 0;

	if (bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0)
		return -errno;
	if (chmod(addr->sun_path, mode) < 0 || listen(fd, BACKLOG) < 0)
		ret = -errno;
	else if (link(addr->sun_path, path) < 0)
		ret = errno == EEXIST ? -EADDRINUSE : -errno;
	unlink(addr->sun_path);
	return ret;
}

/**
 * vu_listen() - Listen on a path
 * @path:	of the socket, one byte shorter than a socket address allows.
 *		What a dead program left there is replaced.
 * @type:	SOCK_STREAM or SOCK_SEQPACKET
 * @mode:	permission bits
 *
 * Who sees a socket at the path can connect to it: it gets its name there after
 * listen() and with its permission bits.
 *
 * Return: a listening socket, or -errno; -EADDRINUSE where somebody listens
 * there or the path is something else.
 */
int vu_listen(const char *path, int type, unsigned int mode)
{
	struct sockaddr_un addr;
	int ret = path_to_addr(path, &addr), fd;

	if (ret)
		return ret;
	remove_stale(&addr, type);
	/* What a program leaves that dies in between is stale too. */
	strcat(addr.sun_path, "~");
	remove_stale(&addr, type);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	ret = listen_beside(fd, &addr, path, mode);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

/**
 * vu_adopt_fd() - Look at a socket that was handed in by --fd
 * @fd:		descriptor; close-on-exec is set
 * @ret_listening: whether it is to be accepted from, or connected already
 *
 * Return: 0, -ENOTSOCK, or -EINVAL for a socket of another family or type.
 */
int vu_adopt_fd(int fd, bool *ret_listening)
{
	int listening, domain, type;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return -errno;
	if (domain != AF_UNIX || type != SOCK_STREAM)
		return -EINVAL;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	*ret_listening = listening;
	return 0;
}

/**
 * vu_accept() - Accept a front end
 * @listen_fd:	listening socket
 *
 * Return: a connected socket, or -errno; -EAGAIN where nobody waits.
 */
int vu_accept(int listen_fd)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return fd < 0 ? -errno : fd;
}
