/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts the GPU daemon for one run, waits until it answers, stops it.
 */
#include "tools/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/ct.h"
#include "tools/launch.h"

#define DAEMON_REL "bin/vhost-user-cuda"
#define DAEMON_SOFT_REL "lib/causeway/soft/libcuda.so.1"
/* A start takes milliseconds; this only ends a wait that would never end. */
#define DAEMON_START_TICKS 6000
#define DAEMON_TICK_NS 5000000

int ct_gpu_parse(const char *value, bool none_too)
{
	if (!strcmp(value, "auto") || !strcmp(value, "nvidia") || !strcmp(value, "soft") ||
	    (none_too && !strcmp(value, "none")))
		return 0;
	ct_error("--gpu wants auto, nvidia%s soft%s, not '%s'", none_too ? "," : " or",
		 none_too ? " or none" : "", value);
	return -EINVAL;
}

/* The card's control node: there with NVIDIA's kernel driver, and only then. */
static bool daemon_nvidia_is_there(void)
{
	return !access("/dev/nvidiactl", R_OK | W_OK);
}

const char *ct_gpu_backend(const char *gpu)
{
	if (strcmp(gpu, "auto"))
		return gpu;
	if (daemon_nvidia_is_there())
		return "nvidia";
	ct_error("no NVIDIA GPU found, the software GPU is in use");
	return "soft";
}

static int daemon_connect(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, err = 0;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		err = -errno;
	close(fd);
	return err;
}

int ct_daemon_answers(const char *path)
{
	return daemon_connect(path);
}

int ct_daemon_check_socket(const char *path)
{
	int err = daemon_connect(path);

	if (err == -EPROTOTYPE)
		ct_error("'%s' is a socket of another kind, not a daemon's", path);
	else if (err)
		ct_error("no daemon answers at '%s' (%s); causeway serve --socket %s starts one",
			 path, strerror(-err), path);
	return err;
}

static int daemon_spawn(struct ct_daemon *d, const char *gpu, const char *how, const int *keep,
			const struct ct_limits *limits)
{
	char path[PATH_MAX], lib[PATH_MAX], backend[32];
	char *argv[CT_LIMIT_ARGS + 4] = { path, (char *)how, backend };
	const struct ct_helper h = { .argv = argv, .keep = keep };
	pid_t pid;

	for (size_t i = 0; limits && i < limits->args.n && i < CT_LIMIT_ARGS; i++)
		argv[3 + i] = limits->args.s[i];
	snprintf(backend, sizeof(backend), "--backend=%s", ct_gpu_backend(gpu));
	if (ct_path(path, sizeof(path), DAEMON_REL)) {
		ct_error("the GPU daemon %s is missing; ./do build makes it", path);
		return -ENOENT;
	}
	/* The daemon would say so too, but as the second of three lines. */
	if (!strcmp(backend, "--backend=soft") && ct_path(lib, sizeof(lib), DAEMON_SOFT_REL)) {
		ct_error("the software GPU %s is missing; ./do build makes it", lib);
		return -ENOENT;
	}
	pid = ct_spawn_helper(&h);
	if (pid < 0) {
		ct_error("cannot start the GPU daemon: %s", strerror(-pid));
		return pid;
	}
	d->pid = pid;
	return 0;
}

/* Waits until @d takes connections; fails at once where it has ended. */
static int daemon_wait(struct ct_daemon *d)
{
	const struct timespec tick = { .tv_nsec = DAEMON_TICK_NS };

	for (int i = 0; i < DAEMON_START_TICKS; i++) {
		if (!daemon_connect(d->socket))
			return 0;
		if (waitpid(d->pid, NULL, WNOHANG) == d->pid) {
			d->pid = 0;
			ct_error("the GPU daemon did not start; its own lines above say why");
			return -ECHILD;
		}
		nanosleep(&tick, NULL);
	}
	ct_error("the GPU daemon does not answer at its socket");
	return -ETIMEDOUT;
}

int ct_daemon_start_client(struct ct_daemon *d, const char *gpu, const struct ct_limits *limits)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	char how[192];
	int err;

	*d = (struct ct_daemon){ 0 };
	/* A socket path has 108 bytes, so a long TMPDIR is of no use here. */
	if (!run || strlen(run) > 64 || access(run, W_OK))
		run = "/tmp";
	snprintf(d->dir, sizeof(d->dir), "%s/causeway-XXXXXX", run);
	if (!mkdtemp(d->dir)) {
		ct_error("cannot make a folder in %s: %s", run, strerror(errno));
		return -errno;
	}
	snprintf(d->socket, sizeof(d->socket), "%s/gpu", d->dir);
	snprintf(how, sizeof(how), "--client-socket=%s", d->socket);
	err = daemon_spawn(d, gpu, how, NULL, limits);
	if (!err)
		err = daemon_wait(d);
	if (err)
		ct_daemon_stop(d);
	return err;
}

int ct_daemon_start_vhost(struct ct_daemon *d, const char *gpu, const struct ct_limits *limits,
			  int *ret_fd)
{
	int pair[2], keep[2], err;

	*d = (struct ct_daemon){ 0 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		ct_error("cannot make a socket: %s", strerror(errno));
		return -errno;
	}
	keep[0] = pair[0];
	keep[1] = -1;
	err = daemon_spawn(d, gpu, "--fd=3", keep, limits);
	close(pair[0]);
	if (err) {
		close(pair[1]);
		return err;
	}
	*ret_fd = pair[1];
	return 0;
}

bool ct_daemon_stop(struct ct_daemon *d)
{
	bool alive = d->pid > 0 && waitpid(d->pid, NULL, WNOHANG) == 0;

	if (alive)
		ct_stop_helper(d->pid);
	d->pid = 0;
	if (d->dir[0]) {
		unlink(d->socket);
		rmdir(d->dir);
		d->dir[0] = '\0';
	}
	return alive;
}
