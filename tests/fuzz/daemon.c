/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/daemon.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "daemon/client.h"
#include "daemon/memory.h"
#include "daemon/msg.h"
#include "daemon/vm.h"

/* Rounds in which everything that can settle has settled. */
#define PUMP_ROUNDS 64

/**
 * fz_send() - Send a packet
 * @sock:	socket
 * @buf:	bytes
 * @len:	their number
 * @fds:	descriptors; the caller keeps them
 * @nfds:	their number
 */
void fz_send(int sock, const void *buf, size_t len, const int *fds, size_t nfds)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };

	cd_msg_send(sock, &iov, 1, fds, nfds);
}

/**
 * fz_daemon_open() - Set the daemon up, its probe through
 * @f:	daemon; @f->in is set, all else zero
 */
void fz_daemon_open(struct fz_daemon *f)
{
	struct cd_daemon *d = &f->d;
	int pair[2];

	fz_quiet();
	d->opt = (struct cd_options){
		.fd = -1, .back_end = "/lib/libcuda.so.1", .soft = true,
		.window_size = FZ_WINDOW, .max_clients = 5, .timeout_ms = 1000000,
	};
	d->signal_fd = d->listen_fd = d->probe.sock = -1;
	d->epoch = 1;
	d->epfd = epoll_create1(EPOLL_CLOEXEC);
	d->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	FZ_REQUIRE(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	d->spawner.sock = pair[0];
	f->spawner = pair[1];
	FZ_REQUIRE(!cd_fd_watch(d, pair[0], cd_fd_key(CD_FD_SPAWNER, 0, 0)));
	d->probe.fd_info = cd_memfd_create("info", VCUDA_INFO_SIZE, 0);
	d->probe.state = CD_PROBE_READY;
	f->honest = true;
}

static void spawner_say(struct fz_daemon *f, uint32_t type, uint64_t cookie, int status)
{
	struct cd_spawn_msg msg = {
		.type = type, .cookie = cookie, .pid = getpid(), .status = status
	};

	fz_send(f->spawner, &msg, sizeof(msg), NULL, 0);
}

static void worker_gone(struct fz_daemon *f, struct fz_worker *w, int status)
{
	spawner_say(f, CD_SPAWN_EXITED, w->cookie, status);
	close(w->sock);
	w->cookie = 0;
}

static void worker_started(struct fz_worker *w, uint32_t status)
{
	struct cw_worker_started msg = {
		.head = { CW_WORKER_VERSION, CW_WORKER_STARTED }, .status = status
	};

	fz_send(w->sock, &msg, sizeof(msg), NULL, 0);
}

static void spawner_order(struct fz_daemon *f, const struct cd_spawn_msg *msg, int *fds,
			  size_t nfds)
{
	for (int i = 0; i < FZ_WORKERS; i++) {
		struct fz_worker *w = &f->w[i];

		if (msg->type == CD_SPAWN_KILL && w->cookie == msg->cookie) {
			worker_gone(f, w, 9);
			return;
		}
		if (msg->type == CD_SPAWN_STOP && w->cookie == msg->cookie && f->honest)
			spawner_say(f, CD_SPAWN_STOPPED, w->cookie, 0);
		if (msg->type != CD_SPAWN_WORKER || w->cookie)
			continue;
		FZ_REQUIRE(nfds == 1);
		*w = (struct fz_worker){ msg->cookie, fds[0] };
		fds[0] = -1;
		if (!f->honest)
			return;
		spawner_say(f, CD_SPAWN_STARTED, w->cookie, 0);
		worker_started(w, 0);
		return;
	}
	if (msg->type == CD_SPAWN_WORKER)
		spawner_say(f, CD_SPAWN_EXITED, msg->cookie, 1);
}

/* One packet for a worker; false: there is none. */
static bool worker_serve(struct fz_daemon *f, struct fz_worker *w)
{
	union {
		struct cw_worker_head head;
		struct cw_worker_attach attach;
		struct cw_worker_detach detach;
		char all[40000];
	} m;
	int fds[CD_MSG_MAX_FDS];
	size_t nfds;
	ssize_t n = cd_msg_recv(w->sock, &m, sizeof(m), fds, &nfds);
	struct cw_worker_done done = { .head = { CW_WORKER_VERSION, CW_WORKER_DONE } };

	cd_close_all(fds, nfds);
	if (n <= 0)
		return false;
	done.type = m.head.type;
	/* The seq of PARK and RESUME lies where a region's number does. */
	if (m.head.type != CW_WORKER_START)
		done.region = m.attach.region;
	if (m.head.type != CW_WORKER_START && f->honest) {
		fz_send(w->sock, &done, sizeof(done), NULL, 0);
		f->answers++;
	}
	return true;
}

static bool collect(struct fz_daemon *f)
{
	struct cd_spawn_msg msg;
	int fds[CD_MSG_MAX_FDS];
	size_t nfds;
	bool any = false;

	while (cd_msg_recv(f->spawner, &msg, sizeof(msg), fds, &nfds) == sizeof(msg)) {
		spawner_order(f, &msg, fds, nfds);
		cd_close_all(fds, nfds);
		any = true;
	}
	for (int i = 0; i < FZ_WORKERS; i++) {
		while (f->w[i].cookie && worker_serve(f, &f->w[i]))
			any = true;
	}
	return any;
}

/**
 * fz_daemon_pump() - Let daemon, spawner and workers run until all is quiet
 * @f:	daemon
 */
void fz_daemon_pump(struct fz_daemon *f)
{
	for (int i = 0; i < PUMP_ROUNDS && !f->d.stop; i++) {
		int n = cd_daemon_turn(&f->d, false);

		FZ_REQUIRE(n >= 0);
		if (!n && !collect(f))
			return;
		collect(f);
	}
}

static void worker_done(struct fz_daemon *f, struct fz_worker *w)
{
	struct cw_worker_done msg = {
		.head = { CW_WORKER_VERSION, CW_WORKER_DONE },
		.type = fz_u8(&f->in) % 12,
		.region = fz_u8(&f->in) % 8,
		.status = fz_u8(&f->in) % 4,
	};

	fz_send(w->sock, &msg, sizeof(msg), NULL, 0);
}

static void worker_grant(struct fz_daemon *f, struct fz_worker *w)
{
	uint8_t shape = fz_u8(&f->in);
	struct cw_worker_granted msg = {
		.head = { CW_WORKER_VERSION, CW_WORKER_GRANTED },
		.id = shape & 7,
		.write = shape >> 3 & 1,
		.offset = fz_u16(&f->in) * 4ull,
		.len = fz_u16(&f->in) * 4ull,
	};

	if (shape & 16)
		msg.len = 0x20000;
	if (shape & 32)
		msg.offset = 0;
	if (shape & 64)
		msg.offset = fz_u64(&f->in);
	if (shape & 128)
		msg.write = fz_u8(&f->in);
	fz_send(w->sock, &msg, sizeof(msg), NULL, 0);
}

static void worker_raw(struct fz_daemon *f, struct fz_worker *w)
{
	struct cw_worker_head head = { CW_WORKER_VERSION, fz_u8(&f->in) % 12 };
	uint8_t buf[64];
	size_t n = fz_u8(&f->in) % sizeof(buf);
	int fd = 2;

	fz_take(&f->in, buf, sizeof(buf));
	memcpy(buf, &head, sizeof(head));
	fz_send(w->sock, buf, n, &fd, fz_u8(&f->in) & 1);
}

static void expire_all(struct fz_daemon *f)
{
	for (int i = 0; i < CD_MAX_CLIENTS; i++) {
		if (f->d.client[i] && f->d.client[i]->deadline)
			f->d.client[i]->deadline = 1;
	}
}

void fz_daemon_worker_step(struct fz_daemon *f)
{
	uint8_t what = fz_u8(&f->in);
	struct fz_worker *w = &f->w[what / 16 % FZ_WORKERS];

	switch (what % 10) {
	case 0:
		f->honest = !f->honest;
		break;
	case 1:
		expire_all(f);
		break;
	case 2:
		spawner_say(f, CD_SPAWN_STARTED + fz_u8(&f->in) % 3, fz_u8(&f->in), fz_u16(&f->in));
		break;
	default:
		if (!w->cookie)
			break;
		if (what % 10 == 3)
			worker_gone(f, w, fz_u16(&f->in));
		else if (what % 10 == 4)
			worker_started(w, fz_u8(&f->in) % 12);
		else if (what % 10 == 5)
			spawner_say(f, CD_SPAWN_STARTED, w->cookie, 0);
		else if (what % 10 == 6)
			worker_done(f, w);
		else if (what % 10 == 7)
			worker_raw(f, w);
		else
			worker_grant(f, w);
		break;
	}
	fz_daemon_pump(f);
}

/**
 * fz_daemon_close() - End it as cd_daemon_finish() does
 * @f:	daemon
 */
void fz_daemon_close(struct fz_daemon *f)
{
	cd_clients_finish(&f->d);
	cd_vm_destroy(f->d.vm);
	cd_probe_finish(&f->d);
	FZ_REQUIRE(!f->d.nr_clients);
	for (int i = 0; i < FZ_WORKERS; i++) {
		if (f->w[i].cookie)
			close(f->w[i].sock);
	}
	close(f->spawner);
	close(f->d.spawner.sock);
	close(f->d.spare_fd);
	close(f->d.epfd);
}
