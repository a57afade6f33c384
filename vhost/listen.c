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

static int path_to_addr(const char *path, struct sockaddr_un *ret_addr)
{
	*ret_addr = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!*path || strlen(path) >= sizeof(ret_addr->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret_addr->sun_path, path, strlen(path) + 1);
	return 0;
}

/* Removes a socket that nobody listens on any more; leaves all else alone. */
static void remove_stale(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return;
	if (!lstat(addr->sun_path, &st) && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 && errno == ECONNREFUSED)
		unlink(addr->sun_path);
	close(fd);
}

/**
 * vu_listen() - Listen on a path
 * @path:	of the socket. What a dead program left there is replaced.
 * @mode:	permission bits, set before anybody can connect
 *
 * Return: a listening socket, or -errno; -EADDRINUSE where somebody listens
 * there or the path is something else.
 */
int vu_listen(const char *path, unsigned int mode)
{
	struct sockaddr_un addr;
	int ret = path_to_addr(path, &addr), fd;

	if (ret)
		return ret;
	remove_stale(&addr);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* Nobody gets in between bind() and listen(). */
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 || chmod(path, mode) < 0 ||
	    listen(fd, 4) < 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
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
