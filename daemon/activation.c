/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/activation.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cw/util.h"

/* More than a daemon has kinds of sockets makes no sense, and is not believed. */
#define ACTIVATION_FDS_MAX 16

/* A number, or -1. */
static long activation_number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long n;

	if (!text || *text < '0' || *text > '9')
		return -1;
	n = strtol(text, &end, 10);
	return *end ? -1 : n;
}

/* A path, or with '@' in front a name without a file. */
static int activation_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (!len || len >= sizeof(addr.sun_path) || (*path != '/' && *path != '@'))
		return -1;
	memcpy(addr.sun_path, path, len);
	if (*path == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr,
			       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len))) {
		close(fd);
		return -1;
	}
	return fd;
}

/**
 * cd_activation_take() - Take what is in the environment, and out of it
 * @a:	filled
 *
 * Variables for another process (LISTEN_PID) are left out. Nothing of it is
 * there for workers, which have guests' code in them.
 *
 * Context: before there is another process or thread.
 */
void cd_activation_take(struct cd_activation *a)
{
	long n = activation_number("LISTEN_FDS");

	*a = (struct cd_activation){ .notify_fd = -1 };
	if (activation_number("LISTEN_PID") == getpid() && n > 0)
		a->n_fds = (int)cw_min(n, (long)ACTIVATION_FDS_MAX);
	for (int i = 0; i < a->n_fds; i++)
		fcntl(CD_ACTIVATION_FIRST + i, F_SETFD, FD_CLOEXEC);
	a->notify_fd = activation_connect(getenv("NOTIFY_SOCKET"));
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	unsetenv("NOTIFY_SOCKET");
}

/**
 * cd_activation_tell() - Tell whoever started this process
 * @a:		from cd_activation_take()
 * @state:	"READY=1", "STOPPING=1"
 */
void cd_activation_tell(const struct cd_activation *a, const char *state)
{
	/* Who does not listen any more need not know. */
	if (a->notify_fd >= 0)
		(void)!send(a->notify_fd, state, strlen(state), MSG_NOSIGNAL);
}
