/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket between daemon and worker.
 *
 * The worker runs guest code and counts as hostile: what it sends is checked
 * like a guest's message. The first thing that does not fit ends it.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/broker.h"
#include "daemon/client.h"
#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/msg.h"
#include "daemon/quota.h"
#include "daemon/region.h"
#include "daemon/sandbox.h"

/* Messages of one worker before the others get their turn. */
#define LINK_BATCH 16

union link_msg {
	struct cw_worker_head head;
	struct cw_worker_started started;
	struct cw_worker_done done;
	struct cw_worker_granted granted;
	struct cw_worker_credit credit;
	struct cw_worker_sandboxed sandboxed;
};

/* Fills in everything of START but the descriptors' indices. */
static void start_fill(struct cd_client *c, struct cw_worker_start *msg)
{
	const struct cd_open *o = &c->open;
	const struct cd_daemon *d = c->d;

	*msg = (struct cw_worker_start){
		.head = { .version = CW_WORKER_VERSION, .type = CW_WORKER_START },
		.ring_size = o->ring_size,
		.nr_segs = o->nr_segs,
		.epoch = o->epoch,
		.region_base = o->region_base,
		.region_size = o->region_size,
		.device_base = o->device_base,
		.device_size = o->device_size,
		.window_size = d->opt.window_size,
		.fd_signal = UINT32_MAX,
		.fd_signal_page = UINT32_MAX,
		.direct = d->probe.direct,
		.soft = d->opt.soft,
		.env_len = o->env_len,
		.max_threads = (uint32_t)d->opt.max_threads,
		.max_objects = (uint32_t)d->opt.max_objects,
		.max_callbacks = (uint32_t)d->opt.max_callbacks,
		.max_image = d->opt.max_image,
		.max_memory = d->opt.client_memory,
		.granule_shift = o->granule_shift,
		.sandbox = d->opt.sandbox,
		.memory = d->opt.worker_memory,
		.ram_size = o->ram_size,
	};
	memcpy(msg->back_end, d->opt.back_end, sizeof(msg->back_end));
	memcpy(msg->env, o->env, o->env_len);
}

static int start_send(struct cd_client *c)
{
	struct cw_worker_start msg;
	struct iovec iov[] = {
		{ .iov_base = &msg, .iov_len = sizeof(msg) },
		{ .iov_base = c->open.seg, .iov_len = c->open.nr_segs * sizeof(c->open.seg[0]) },
	};
	int fds[CD_MSG_MAX_FDS];
	uint32_t n = c->open.nr_fds;

	start_fill(c, &msg);
	memcpy(fds, c->open.fds, n * sizeof(fds[0]));
	fds[msg.fd_window = n++] = c->fd_window;
	fds[msg.fd_info = n++] = c->d->probe.fd_info;
	fds[msg.fd_doorbell = n++] = c->fd_doorbell;
	fds[msg.fd_gauge = n++] = c->fd_gauge;
	if (c->fd_signal >= 0) {
		fds[msg.fd_signal = n++] = c->fd_signal;
		fds[msg.fd_signal_page = n++] = c->fd_signal_page;
	}
	msg.fd_ram = n;
	msg.nr_ram = 2 * c->open.nr_ram;
	memcpy(fds + n, c->open.ram, msg.nr_ram * sizeof(fds[0]));
	n += msg.nr_ram;
	return cd_msg_send(c->worker_sock, iov, 2, fds, n);
}

/**
 * cd_link_start() - Order a worker and send it START
 * @c:	client with all its files
 *
 * START waits in the socket until the worker is there to read it.
 *
 * Return: 0 or -errno.
 */
int cd_link_start(struct cd_client *c)
{
	struct cd_daemon *d = c->d;
	int pair[2];
	int ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	c->worker_sock = pair[0];
	ret = cd_fd_watch(d, c->worker_sock, cd_fd_key(CD_FD_WORKER, c->index, c->gen));
	if (!ret)
		ret = start_send(c);
	if (!ret)
		ret = cd_spawner_start(&d->spawner, d->last_cookie + 1, false, pair[1]);
	if (!ret)
		c->cookie = ++d->last_cookie;
	close(pair[1]);
	/* Guest memory is with the worker now; the daemon has its own. */
	cd_close_all(c->open.ram, 2 * c->open.nr_ram);
	return ret;
}

static int on_broker(struct cd_client *c, const union link_msg *m, int *fds)
{
	int fd = fds[0];

	if (c->state != CD_CLIENT_STARTING || c->started || c->fd_broker >= 0)
		return -EPROTO;
	fds[0] = -1;
	return cd_broker_start(c, fd);
}

static int on_sandboxed(struct cd_client *c, const union link_msg *m, int *fds)
{
	struct cw_sandbox_report r;

	if (c->state != CD_CLIENT_STARTING || c->started ||
	    !cd_sandbox_take(&r, &m->sandboxed.report))
		return -EPROTO;
	if (cd_sandbox_same(&r, &c->d->probe.sandbox))
		return 0;
	cd_complain(CW_LOG_WARN, CD_E_WORKER_SANDBOX, "client=%u", c->index);
	cd_sandbox_log(&r);
	return 0;
}

static int on_started(struct cd_client *c, const union link_msg *m, int *fds)
{
	if (c->state != CD_CLIENT_STARTING || c->started)
		return -EPROTO;
	if (!m->started.status) {
		c->started = true;
		cd_client_up(c);
		return 0;
	}
	/* Only an address that is taken is worth another try with another one. */
	c->told = true;
	if (m->started.status == VIRTIO_CUDA_ERR_ADDRESS)
		c->open_status = VIRTIO_CUDA_ERR_ADDRESS;
	else
		cd_complain(CW_LOG_WARN, CD_E_WORKER_START, "client=%u status=%u", c->index,
			    m->started.status);
	cd_client_lost(c);
	return 0;
}

static int on_done(struct cd_client *c, const union link_msg *m, int *fds)
{
	int ret = -EPROTO;

	if (c->state != CD_CLIENT_OPEN)
		return -EPROTO;
	if (m->done.type == CW_WORKER_PARK || m->done.type == CW_WORKER_RESUME)
		return cd_pause_done(c, &m->done);
	if (m->done.type == CW_WORKER_ATTACH || m->done.type == CW_WORKER_DETACH)
		ret = cd_region_done(c, &m->done);
	if (!ret)
		cd_pause_step(c);
	return ret;
}

static int on_granted(struct cd_client *c, const union link_msg *m, int *fds)
{
	if (c->state != CD_CLIENT_OPEN || !c->ops->granted)
		return -EPROTO;
	c->ops->granted(c, &m->granted);
	return 0;
}

static int on_credit(struct cd_client *c, const union link_msg *m, int *fds)
{
	return c->state == CD_CLIENT_OPEN ? cd_quota_ask(c, &m->credit) : -EPROTO;
}

static const struct {
	size_t size;
	size_t nfds;
	int (*handle)(struct cd_client *c, const union link_msg *m, int *fds);
} types[] = {
	[CW_WORKER_STARTED] = { sizeof(struct cw_worker_started), 0, on_started },
	[CW_WORKER_DONE] = { sizeof(struct cw_worker_done), 0, on_done },
	[CW_WORKER_GRANTED] = { sizeof(struct cw_worker_granted), 0, on_granted },
	[CW_WORKER_CREDIT] = { sizeof(struct cw_worker_credit), 0, on_credit },
	[CW_WORKER_BROKER] = { sizeof(struct cw_worker_head), 1, on_broker },
	[CW_WORKER_SANDBOXED] = { sizeof(struct cw_worker_sandboxed), 0, on_sandboxed },
};

static int link_message(struct cd_client *c, const union link_msg *m, size_t len, int *fds,
			size_t nfds)
{
	if (len < sizeof(m->head) || m->head.version != CW_WORKER_VERSION ||
	    m->head.type >= CW_ARRAY_SIZE(types) || !types[m->head.type].handle ||
	    types[m->head.type].size != len || types[m->head.type].nfds != nfds)
		return -EPROTO;
	return types[m->head.type].handle(c, m, fds);
}

/**
 * cd_link_event() - The worker's socket has something
 * @c:	client; still there afterwards, whatever the worker says
 *
 * Return: true where it may have more: the next one's turn comes first.
 */
bool cd_link_event(struct cd_client *c)
{
	int fds[CD_MSG_MAX_FDS];
	union link_msg m;
	size_t nfds;
	ssize_t n;
	bool bad;

	for (int i = 0; i < LINK_BATCH && c->worker_sock >= 0; i++) {
		n = cd_msg_recv(c->worker_sock, &m, sizeof(m), fds, &nfds);
		if (n == -EAGAIN)
			return false;
		if (n == 0 || n == -ECONNRESET) {
			cd_client_lost(c);
			return false;
		}
		bad = n < 0 || link_message(c, &m, (size_t)n, fds, nfds);
		cd_close_all(fds, nfds);
		if (bad) {
			cd_complain(CW_LOG_WARN, CD_E_WORKER_MESSAGE, "client=%u pid=%d len=%zd",
				    c->index, c->worker_pid, n);
			cd_client_kill(c);
			return false;
		}
	}
	return c->worker_sock >= 0;
}

/**
 * cd_link_close() - Hang up; the worker ends by itself on that
 * @c:	client
 */
void cd_link_close(struct cd_client *c)
{
	if (c->worker_sock < 0)
		return;
	cd_fd_unwatch(c->d, c->worker_sock);
	cd_close(&c->worker_sock);
}
