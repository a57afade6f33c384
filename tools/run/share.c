/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared folders: one virtiofsd each.
 *
 * Two kinds are about: the one in C that came with QEMU up to 7.2, and the one
 * in Rust that took its place. Both take a listening socket as --fd. Its name is
 * one the kernel picks, and the VMM's connection is already queued when
 * virtiofsd starts, which takes one and no more: nobody else gets in.
 *
 * Read-only is enforced here, by a read-only mount in a namespace of its own,
 * not in the guest.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/ct.h"
#include "tools/launch.h"
#include "tools/run/qemu.h"
#include "tools/run/run.h"

const char *ct_virtiofsd_path(void)
{
	static const char *const paths[] = { "/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd" };
	const char *own = getenv("CAUSEWAY_VIRTIOFSD");

	if (own && *own)
		return own;
	for (size_t i = 0; i < CW_ARRAY_SIZE(paths); i++) {
		if (!access(paths[i], X_OK))
			return paths[i];
	}
	return NULL;
}

/* A listening socket with one connection to it waiting, which is returned. */
static int share_sockets(int *ret_listen)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa.sun_family);
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* An address of the family alone: the kernel picks a free abstract name. */
	if (listening < 0 || fd < 0 || bind(listening, (struct sockaddr *)&sa, len) ||
	    listen(listening, 1))
		goto fail;
	len = sizeof(sa);
	if (getsockname(listening, (struct sockaddr *)&sa, &len) ||
	    connect(fd, (struct sockaddr *)&sa, len))
		goto fail;
	*ret_listen = listening;
	return fd;
fail:
	ct_error("cannot make the socket of a share: %s", strerror(errno));
	close(listening);
	close(fd);
	return -1;
}

/*
 * In the child: leaves for a mount namespace where the folder is read-only.
 * Whoever is not root becomes root of a user namespace for it.
 */
static int share_make_read_only(const void *arg)
{
	const struct ct_share *share = arg;
	const unsigned long again = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV;

	if (!share->ro)
		return 0;
	if (!unshare(CLONE_NEWNS | (getuid() ? CLONE_NEWUSER : 0)) &&
	    !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	    !mount(share->dir, share->dir, NULL, MS_BIND | MS_REC, NULL) &&
	    !mount(NULL, share->dir, NULL, again, NULL))
		return 0;
	ct_error("cannot make %s read-only for the share: %s", share->dir, strerror(errno));
	return CT_EXIT_OWN;
}

int ct_share_start(const struct ct_share *share, int messages, pid_t *ret_pid, int *ret_fd)
{
	const char *path = ct_virtiofsd_path();
	char source[PATH_MAX + 16];
	char *in_c[] = { (char *)path, "--fd=3",	"-o", source, "-o", "cache=auto",
			 "-o",	       "log_level=err", NULL };
	char *in_rust[] = { (char *)path, "--fd=3", "--shared-dir", (char *)share->dir, NULL };
	int keep[2] = { -1, -1 };
	const struct ct_helper h = {
		.argv = path && strstr(path, "/qemu/") ? in_c : in_rust,
		.keep = keep,
		.messages = messages,
		.prepare = share_make_read_only,
		.arg = share,
	};
	pid_t pid;
	int fd;

	if (!path) {
		ct_error("there is no virtiofsd for --share; apt-get install virtiofsd brings it");
		return -ENOENT;
	}
	if (access(path, X_OK)) {
		ct_error("cannot execute virtiofsd %s for --share: %s", path, strerror(errno));
		return -errno;
	}
	fd = share_sockets(&keep[0]);
	if (fd < 0)
		return -ENOTCONN;
	snprintf(source, sizeof(source), "source=%s", share->dir);
	pid = ct_spawn_helper(&h);
	close(keep[0]);
	if (pid < 0) {
		ct_error("cannot share %s: %s", share->dir, strerror(-pid));
		close(fd);
		return pid;
	}
	*ret_pid = pid;
	*ret_fd = fd;
	return 0;
}
