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
 * not in the guest. In such a namespace virtiofsd also runs for one who is not
 * root, with the files of that one user (namespace.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/ct.h"
#include "tools/launch.h"
#include "tools/run/hostroot.h"
#include "tools/run/namespace.h"
#include "tools/run/qemu.h"
#include "tools/run/run.h"

/* It takes milliseconds; this only ends a wait that would never end. */
#define SHARE_START_MS 120000

/**
 * struct share_start - A virtiofsd about to start
 * @messages:	descriptor for what it has to say
 */
struct share_start {
	const struct ct_share *share;
	int messages;
};

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
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

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
	err = -errno;
	close(listening);
	close(fd);
	return err;
}

/*
 * In the child: what virtiofsd is to see of the file system. Says on the
 * descriptor for messages what failed, for that is where the parent looks.
 */
static int share_prepare(const void *arg)
{
	const struct share_start *start = arg;
	const struct ct_share *share = start->share;
	char why[512] = "", shim[PATH_MAX];
	int err = 0;

	err = ct_namespace_enter();
	if (err)
		snprintf(why, sizeof(why), "no namespace for virtiofsd: %s", strerror(-err));
	else if (share->host)
		err = ct_hostroot_assemble(why, sizeof(why));
	else if (share->ro && (err = ct_namespace_bind(share->dir, share->dir)))
		snprintf(why, sizeof(why), "cannot make %s read-only: %s", share->dir,
			 strerror(-err));
	if (!err && getuid() && !ct_path(shim, sizeof(shim), "lib/causeway/causeway-noatime.so"))
		setenv("LD_PRELOAD", shim, 1);
	if (err)
		dprintf(start->messages, "%s\n", why);
	return err ? CT_EXIT_OWN : 0;
}

/*
 * Waits until virtiofsd serves: asks what a VMM asks first, and takes the answer
 * away. It answers when it has entered its sandbox, the last thing that fails.
 */
static int share_wait(int fd)
{
	static const uint32_t get_features[3] = { 1, 1, 0 };
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint32_t answer[5];

	/* One that has ended already is no reason to be killed. */
	if (send(fd, get_features, sizeof(get_features), MSG_NOSIGNAL) != sizeof(get_features))
		return -EPIPE;
	if (poll(&pfd, 1, SHARE_START_MS) <= 0)
		return -ETIMEDOUT;
	return recv(fd, answer, sizeof(answer), MSG_WAITALL) == sizeof(answer) ? 0 : -ECONNRESET;
}

/* -o of the virtiofsd in C takes a comma for the end of its value. */
static void share_source(char *buf, size_t len, const char *dir)
{
	size_t n = snprintf(buf, len, "source=");

	for (; *dir && n + 3 < len; dir++) {
		if (*dir == ',' || *dir == '\\')
			buf[n++] = '\\';
		buf[n++] = *dir;
	}
	buf[n] = '\0';
}

/* Starts virtiofsd @path; returns its pid or a negative errno. */
static pid_t share_spawn(const struct share_start *start, const char *path, int listening)
{
	const char *dir = start->share->host ? CT_HOSTROOT_AT : start->share->dir;
	char source[2 * PATH_MAX];
	char *in_c[] = { (char *)path, "--fd=3",	"-o", source, "-o", "cache=auto",
			 "-o",	       "log_level=err", NULL };
	char *in_rust[9] = { (char *)path, "--fd=3", "--shared-dir", (char *)dir,
			     "--log-level", "error" };
	int n = 6;
	const int keep[2] = { listening, -1 };
	const struct ct_helper h = {
		.argv = strstr(path, "/qemu/") ? in_c : in_rust,
		.keep = keep,
		.messages = start->messages,
		.prepare = share_prepare,
		.arg = start,
	};

	share_source(source, sizeof(source), dir);
	/* Its own namespace would have one user, 0; ours has the right one. */
	if (getuid())
		in_rust[n++] = "--sandbox=none";
	/* The guest mounts the tree below an overlay, which cannot cross them. */
	if (start->share->host)
		in_rust[n++] = "--no-announce-submounts";
	return ct_spawn_helper(&h);
}

int ct_share_start(const struct ct_share *share, int messages, pid_t *ret_pid, int *ret_fd)
{
	const struct share_start start = { share, messages };
	const char *path = ct_virtiofsd_path();
	int listening = -1, fd, err;
	pid_t pid;

	if (!path)
		return -ENOENT;
	if (access(path, X_OK)) {
		dprintf(messages, "cannot execute virtiofsd %s: %s\n", path, strerror(errno));
		return -EACCES;
	}
	fd = share_sockets(&listening);
	if (fd < 0) {
		dprintf(messages, "cannot make a socket: %s\n", strerror(-fd));
		return fd;
	}
	pid = share_spawn(&start, path, listening);
	close(listening);
	err = pid < 0 ? pid : share_wait(fd);
	if (err) {
		close(fd);
		ct_stop_helper(pid);
		return err;
	}
	*ret_pid = pid;
	*ret_fd = fd;
	return 0;
}

/* The last line that a virtiofsd left, or what the error says. */
static void shares_why(const struct ct_vm *vm, int err, char *why, size_t len)
{
	ssize_t n = read(vm->messages, why, len - 1);
	char *line;

	while (n > 0 && strchr("\r\n ", why[n - 1]))
		n--;
	if (n <= 0) {
		snprintf(why, len, "%s", err == -ENOENT ? "there is no virtiofsd; apt-get install "
							  "virtiofsd brings it"
							: strerror(-err));
		return;
	}
	why[n] = '\0';
	line = strrchr(why, '\n');
	if (line)
		memmove(why, line + 1, strlen(line));
}

/* The tree of the host, where that is wanted and works. */
static int shares_start_host(struct ct_vm *vm, struct ct_run *run)
{
	const struct ct_share host = { .dir = CT_HOSTROOT_AT, .ro = true, .host = true };
	size_t at = run->n_shares;
	char why[1024];
	int err = -EOPNOTSUPP;

	if (!ct_hostroot_fits(&run->kernel)) {
		snprintf(why, sizeof(why), "this guest kernel has no virtiofs or no overlayfs");
	} else {
		err = ct_share_start(&host, vm->share_messages, &vm->shares[at],
				     &vm->share_fds[at]);
		if (err)
			shares_why(vm, err, why, sizeof(why));
	}
	if (!err) {
		run->root = CT_ROOT_HOST;
	} else if (run->root == CT_ROOT_HOST) {
		ct_error("--root=host does not work here: %s", why);
		return err;
	} else {
		ct_error("the guest sees the program's files alone (--root=pack): %s", why);
		run->root = CT_ROOT_PACK;
	}
	return 0;
}

int ct_shares_start(struct ct_vm *vm, struct ct_run *run)
{
	int pipefd[2];

	if (pipe2(pipefd, O_CLOEXEC)) {
		ct_error("cannot start the VM: %s", strerror(errno));
		return -errno;
	}
	fcntl(pipefd[0], F_SETFL, O_NONBLOCK);
	vm->messages = pipefd[0];
	vm->share_messages = pipefd[1];
	for (size_t i = 0; i < run->n_shares; i++) {
		char why[1024];
		int err = ct_share_start(&run->shares[i], pipefd[1], &vm->shares[i],
					 &vm->share_fds[i]);

		if (err) {
			shares_why(vm, err, why, sizeof(why));
			ct_error("--share %s: %s", run->shares[i].dir, why);
			return err;
		}
	}
	return run->root == CT_ROOT_PACK ? 0 : shares_start_host(vm, run);
}
