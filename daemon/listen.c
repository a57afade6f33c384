/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets in the file system.
 */
#include "daemon/listen.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/codes.h"
#include "daemon/msg.h"

/* Whether the file is a socket that nobody listens at, left by a crash. */
static bool is_stale(const struct sockaddr_un *addr, int type)
{
	struct stat st;
	int fd, ret;

	if (lstat(addr->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	ret = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	ret = ret && errno == ECONNREFUSED;
	close(fd);
	return ret;
}

static int listen_at(int fd, const struct sockaddr_un *addr, int type)
{
	int ret = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));

	if (ret && errno == EADDRINUSE && is_stale(addr, type)) {
		unlink(addr->sun_path);
		ret = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
	}
	if (ret)
		return -errno;
	/* Nobody can connect before listen(), so the mode is never too wide. */
	if (chmod(addr->sun_path, 0600) || listen(fd, 64)) {
		ret = -errno;
		unlink(addr->sun_path);
		return ret;
	}
	return 0;
}

/**
 * cd_listen() - Listen at a path, for the owner only (mode 0600)
 * @path:	where; a stale socket there is replaced, anything else is not
 * @type:	SOCK_STREAM or SOCK_SEQPACKET
 *
 * Return: descriptor, or -errno after one line in the log.
 */
int cd_listen(const char *path, int type)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, ret;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		ret = -ENAMETOOLONG;
		goto fail;
	}
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		ret = -errno;
		goto fail;
	}
	ret = listen_at(fd, &addr, type);
	if (!ret)
		return fd;
	close(fd);
fail:
	cd_complain(CW_LOG_ERROR, CD_E_SOCKET, "path=\"%s\" why=\"%s\"", path, strerror(-ret));
	return ret;
}
