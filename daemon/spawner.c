/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's side of the spawner.
 */
#include "daemon/spawner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/jail.h"
#include "daemon/msg.h"

/* The spawner kills and reaps within a second; then it is not waited for. */
#define FINISH_MS 1500

/**
 * cd_spawner_init() - Fork the spawner
 * @s:	filled in
 * @o:	command line
 *
 * Comes first of all in main(): what the daemon opens later, guest memory
 * above all, the spawner never has.
 *
 * Return: 0 or -errno.
 */
int cd_spawner_init(struct cd_spawner *s, const struct cd_options *o)
{
	struct cd_jail jail;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	s->pid = cd_jail_fork(&jail, o->sandbox);
	if (s->pid < 0) {
		int ret = -errno;

		cd_close_all(pair, 2);
		return ret;
	}
	if (!s->pid) {
		close(pair[0]);
		cd_jail_furnish(&jail, o);
		cd_spawner_main(pair[1], &jail);
	}
	close(pair[1]);
	s->sock = pair[0];
	return 0;
}

static int spawner_send(struct cd_spawner *s, const struct cd_spawn_msg *msg, int fd)
{
	struct iovec iov = { .iov_base = (void *)msg, .iov_len = sizeof(*msg) };

	return cd_msg_send(s->sock, &iov, 1, &fd, fd >= 0);
}

/**
 * cd_spawner_start() - Have a worker started
 * @s:		spawner
 * @cookie:	name of the worker
 * @probe:	the probe worker rather than one for a client
 * @fd:		its end of the socket pair; the caller keeps it
 *
 * Return: 0: CD_SPAWN_STARTED will come, and one CD_SPAWN_EXITED for certain;
 * -errno: nothing will.
 */
int cd_spawner_start(struct cd_spawner *s, uint64_t cookie, bool probe, int fd)
{
	struct cd_spawn_msg msg = {
		.type = probe ? CD_SPAWN_PROBE : CD_SPAWN_WORKER,
		.cookie = cookie,
	};

	return spawner_send(s, &msg, fd);
}

/**
 * cd_spawner_kill() - Have a worker killed
 * @s:		spawner
 * @cookie:	name of the worker
 *
 * The parent of a process is the only one that can kill by pid and be sure to
 * hit the right one, so the daemon does not do it.
 *
 * Return: 0, or -errno where the spawner could not be told: to be tried again.
 */
int cd_spawner_kill(struct cd_spawner *s, uint64_t cookie)
{
	struct cd_spawn_msg msg = { .type = CD_SPAWN_KILL, .cookie = cookie };

	return spawner_send(s, &msg, -1);
}

/**
 * cd_spawner_hold() - Have a worker stopped where it is, or let it run again
 * @s:		spawner
 * @cookie:	name of the worker
 * @why:	enum cd_hold
 * @stop:	stop it; else it runs, unless there is another reason not to
 *
 * A stop for CD_HOLD_PAUSE is answered by CD_SPAWN_STOPPED, unless the worker
 * ends before.
 *
 * Return: 0, or -errno where the spawner could not be told: to be tried again.
 */
int cd_spawner_hold(struct cd_spawner *s, uint64_t cookie, enum cd_hold why, bool stop)
{
	struct cd_spawn_msg msg = {
		.type = stop ? CD_SPAWN_STOP : CD_SPAWN_CONT, .cookie = cookie, .why = why
	};

	return spawner_send(s, &msg, -1);
}

/**
 * cd_spawner_recv() - Next message of the spawner
 * @s:		spawner
 * @ret:	the message
 *
 * Return: 0, -EAGAIN where there is none, -EPIPE where the spawner is gone.
 */
int cd_spawner_recv(struct cd_spawner *s, struct cd_spawn_msg *ret)
{
	int fds[CD_MSG_MAX_FDS];
	size_t nfds;
	ssize_t n = cd_msg_recv(s->sock, ret, sizeof(*ret), fds, &nfds);

	cd_close_all(fds, nfds);
	if (n == -EAGAIN)
		return -EAGAIN;
	return n == sizeof(*ret) ? 0 : -EPIPE;
}

/**
 * cd_spawner_finish() - Kill all workers and the spawner
 * @s:	spawner
 */
void cd_spawner_finish(struct cd_spawner *s)
{
	struct pollfd p = { .fd = s->sock, .events = POLLIN };
	struct cd_spawn_msg msg;
	int ret;

	if (s->sock < 0)
		return;
	shutdown(s->sock, SHUT_WR);
	do {
		ret = poll(&p, 1, FINISH_MS);
		if (ret > 0)
			ret = cd_spawner_recv(s, &msg) != -EPIPE;
	} while (ret > 0 || (ret < 0 && errno == EINTR));
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	cd_close(&s->sock);
}
