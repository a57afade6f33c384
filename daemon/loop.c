/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: one epoll set, one kind per descriptor, one handler per kind.
 *
 * Theory of operation: an event carries (kind, id, generation), never a
 * pointer. A handler may free any client, also one for which an event of the
 * same batch is still to come; that event's generation then fits no client,
 * and it is dropped. Time limits are fields of what they limit; the loop
 * sleeps until the first of them, or for ever: an idle daemon does not wake.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/broker.h"
#include "daemon/client.h"
#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/msg.h"
#include "daemon/socket.h"
#include "daemon/vm.h"

#define BATCH 32

_Static_assert(CD_FD_KINDS <= 256 && CD_MAX_CLIENTS <= 1 << 16, "fit into a key");

/**
 * cd_now_ns() - Time for deadlines
 *
 * Return: CLOCK_MONOTONIC in nanoseconds.
 */
uint64_t cd_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/**
 * cd_fd_key() - Name of a descriptor in the loop
 * @kind:	what it is
 * @id:		index of the client it belongs to, or 0
 * @gen:	generation of that client, or 0
 *
 * Return: the key.
 */
uint64_t cd_fd_key(enum cd_fd_kind kind, uint32_t id, uint32_t gen)
{
	return (uint64_t)gen << 32 | id << 8 | kind;
}

/**
 * cd_fd_watch() - Have the loop call the handler when there is something to read
 * @d:		daemon
 * @fd:		descriptor
 * @key:	of cd_fd_key()
 *
 * Return: 0 or -errno.
 */
int cd_fd_watch(struct cd_daemon *d, int fd, uint64_t key)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = key };

	return epoll_ctl(d->epfd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

/**
 * cd_fd_unwatch() - Comes before the close() of a watched descriptor
 * @d:	daemon
 * @fd:	descriptor
 *
 * close() alone is not enough where another process has the same file open.
 */
void cd_fd_unwatch(struct cd_daemon *d, int fd)
{
	epoll_ctl(d->epfd, EPOLL_CTL_DEL, fd, NULL);
}

/**
 * cd_fd_pause() - Stop or go on reading a watched descriptor
 * @d:		daemon
 * @fd:		descriptor
 * @key:	as it was given to cd_fd_watch()
 * @pause:	stop; its end (EPOLLHUP) is still seen
 */
void cd_fd_pause(struct cd_daemon *d, int fd, uint64_t key, bool pause)
{
	struct epoll_event ev = { .events = pause ? 0 : EPOLLIN, .data.u64 = key };

	epoll_ctl(d->epfd, EPOLL_CTL_MOD, fd, &ev);
}

static void on_signal(struct cd_daemon *d, struct cd_client *c)
{
	struct signalfd_siginfo info;

	if (read(d->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	cw_info("signal %u: ending", info.ssi_signo);
	d->stop = true;
}

static void on_spawner(struct cd_daemon *d, struct cd_client *c)
{
	struct cd_spawn_msg msg;
	int ret = cd_spawner_recv(&d->spawner, &msg);

	if (ret == -EPIPE) {
		cd_complain(CW_LOG_ERROR, CD_E_SPAWNER, "pid=%d", d->spawner.pid);
		cd_daemon_fail(d);
	}
	if (ret)
		return;
	if (msg.cookie != d->probe.cookie)
		cd_clients_spawned(d, &msg);
	else if (msg.type == CD_SPAWN_EXITED)
		cd_probe_exited(d, msg.status);
}

static void on_probe(struct cd_daemon *d, struct cd_client *c)
{
	cd_probe_event(d);
}

static void on_listen(struct cd_daemon *d, struct cd_client *c)
{
	cd_socket_accept(d);
}

static void on_client(struct cd_daemon *d, struct cd_client *c)
{
	cd_socket_event(c);
}

static void on_worker(struct cd_daemon *d, struct cd_client *c)
{
	cd_link_event(c);
}

static void on_broker(struct cd_daemon *d, struct cd_client *c)
{
	cd_broker_event(c);
}

static void on_vm_signal(struct cd_daemon *d, struct cd_client *c)
{
	cd_vm_signalled(c);
}

static void on_vm_listen(struct cd_daemon *d, struct cd_client *c)
{
	cd_vm_accept(d->vm);
}

static void on_vm_wake(struct cd_daemon *d, struct cd_client *c)
{
	cd_vm_copies_done(d->vm);
}

static const struct {
	void (*handle)(struct cd_daemon *d, struct cd_client *c);
	bool of_client; /* id and generation name a client */
} kinds[] = {
	[CD_FD_SIGNAL] = { on_signal, false },
	[CD_FD_SPAWNER] = { on_spawner, false },
	[CD_FD_PROBE] = { on_probe, false },
	[CD_FD_LISTEN] = { on_listen, false },
	[CD_FD_CLIENT] = { on_client, true },
	[CD_FD_WORKER] = { on_worker, true },
	[CD_FD_BROKER] = { on_broker, true },
	[CD_FD_VM_SIGNAL] = { on_vm_signal, true },
	[CD_FD_VM_LISTEN] = { on_vm_listen, false },
	[CD_FD_VM_WAKE] = { on_vm_wake, false },
	[CD_FD_VM] = { NULL, false }, /* dispatch() does it: it has its own ids */
};
_Static_assert(CW_ARRAY_SIZE(kinds) == CD_FD_KINDS, "a handler per kind");

static void dispatch(struct cd_daemon *d, uint64_t key)
{
	uint32_t kind = key & 0xff, id = key >> 8 & 0xffff, gen = key >> 32;
	struct cd_client *c = NULL;

	if (kind == CD_FD_VM) {
		cd_vm_ready(d->vm, id, gen);
		return;
	}
	if (kinds[kind].of_client) {
		c = d->client[id];
		if (!c || c->gen != gen)
			return;
	}
	kinds[kind].handle(d, c);
}

/* Milliseconds until the first deadline, rounded up; -1: there is none. */
static int next_timeout(struct cd_daemon *d)
{
	uint64_t first = d->probe.deadline ? d->probe.deadline : UINT64_MAX;
	uint64_t now;

	if (d->watch_at)
		first = cw_min(first, d->watch_at);
	for (int i = 0; i < CD_MAX_CLIENTS; i++) {
		if (d->client[i] && d->client[i]->deadline)
			first = cw_min(first, d->client[i]->deadline);
	}
	if (first == UINT64_MAX)
		return -1;
	now = cd_now_ns();
	return first <= now ? 0 : (int)((first - now + 999999) / 1000000);
}

static void expire(struct cd_daemon *d)
{
	uint64_t now = cd_now_ns();

	if (d->probe.deadline && d->probe.deadline <= now)
		cd_probe_expired(d);
	for (int i = 0; i < CD_MAX_CLIENTS; i++) {
		if (d->client[i] && d->client[i]->deadline && d->client[i]->deadline <= now)
			cd_client_expired(d->client[i]);
	}
	if (d->watch_at && d->watch_at <= now)
		cd_watch_turn(d, now);
}

/**
 * cd_daemon_turn() - Wait for events and serve them, once
 * @d:		daemon
 * @wait:	false: take what is there and do not wait for more
 *
 * Return: number of events, or -errno.
 */
int cd_daemon_turn(struct cd_daemon *d, bool wait)
{
	struct epoll_event ev[BATCH];
	int timeout = next_timeout(d);
	int n = epoll_wait(d->epfd, ev, BATCH, wait ? timeout : 0);

	if (n < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < n && !d->stop; i++)
		dispatch(d, ev[i].data.u64);
	if (d->quiet && n > 0)
		cd_watch_start(d);
	if (timeout >= 0)
		expire(d);
	if (d->vm && !d->stop)
		cd_vm_settle(d->vm);
	return cw_max(n, 0);
}

/**
 * cd_daemon_run() - Serve until the end
 * @d:	daemon
 *
 * Return: exit status.
 */
int cd_daemon_run(struct cd_daemon *d)
{
	while (!d->stop) {
		int ret = cd_daemon_turn(d, true);

		if (ret < 0) {
			cd_complain(CW_LOG_ERROR, CD_E_START, "why=\"%s\"", strerror(-ret));
			return 1;
		}
	}
	return d->status;
}

/**
 * cd_daemon_fail() - Leave the loop with an exit status that says so
 * @d:	daemon
 */
void cd_daemon_fail(struct cd_daemon *d)
{
	d->stop = true;
	d->status = 1;
}
