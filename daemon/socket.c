/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client socket.
 *
 * The daemon is off the call path here: it hands window and doorbell to the
 * process, the channel to the worker, and then only regions and ends go
 * through it. A packet that breaks a rule ends its client after one log line.
 */
#include "daemon/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cw/client_proto.h"
#include "daemon/channel.h"
#include "daemon/client.h"
#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/env.h"
#include "daemon/memory.h"
#include "daemon/msg.h"
#include "daemon/region.h"

/* Region messages a client may have under way before its socket has to wait. */
#define SOCKET_OWED_MAX 16

/* What a lost front end's owner should read. */
#define PEER_HINT "(vhost-user goes to --socket-path) bytes"

/**
 * struct cd_socket_front - A process at the client socket
 * @fd:		the connection; -1: it has ended
 * @packets:	received
 */
struct cd_socket_front {
	int fd;
	uint64_t packets;
};

union client_msg {
	struct cw_client_head head;
	struct cw_client_open open;
	struct cw_client_attach attach;
	struct cw_client_detach detach;
};

static struct cd_socket_front *socket_front(const struct cd_client *c)
{
	return c->front;
}

static uint64_t socket_key(const struct cd_client *c)
{
	return cd_fd_key(CD_FD_CLIENT, c->index, c->gen);
}

static struct cw_client_head head_of(enum cw_client_type type)
{
	return (struct cw_client_head){
		.magic = CW_CLIENT_MAGIC, .version = CW_CLIENT_VERSION, .type = type
	};
}

/* The connection ends; the client follows when its worker is reaped. */
static void socket_hang_up(struct cd_client *c)
{
	struct cd_socket_front *f = socket_front(c);

	if (f->fd < 0)
		return;
	cd_fd_unwatch(c->d, f->fd);
	cd_close(&f->fd);
	cd_client_close(c);
}

static void socket_drop(struct cd_client *c, enum cd_code code, const char *detail, long long value)
{
	cd_complain(CW_LOG_WARN, code, "client=%u %s=%lld", c->index, detail, value);
	socket_hang_up(c);
}

static void socket_send(struct cd_client *c, const void *msg, size_t len, const int *fds,
			size_t nfds)
{
	struct cd_socket_front *f = socket_front(c);
	struct iovec iov = { .iov_base = (void *)msg, .iov_len = len };
	int ret;

	if (f->fd < 0)
		return;
	ret = cd_msg_send(f->fd, &iov, 1, fds, nfds);
	if (ret != -EAGAIN)
		return; /* sent; or it has gone, and the loop will say so */
	cd_complain(CW_LOG_WARN, CD_E_CLIENT_STUCK, "client=%u", c->index);
	/* The loop sees the end and closes: callers still use the client. */
	shutdown(f->fd, SHUT_RDWR);
}

static void socket_opened(struct cd_client *c, uint32_t status)
{
	struct cw_client_opened msg = { .head = head_of(CW_CLIENT_OPENED), .status = status };
	int fds[2] = { c->fd_window, c->fd_doorbell };

	if (!status) {
		msg.direct = c->d->probe.direct;
		msg.epoch = c->d->epoch;
		msg.window_size = c->d->opt.window_size;
	}
	socket_send(c, &msg, sizeof(msg), fds, status ? 0 : 2);
}

static void socket_done(struct cd_client *c, uint32_t region, uint32_t status)
{
	struct cw_client_done msg = {
		.head = head_of(CW_CLIENT_DONE), .region = region, .status = status
	};

	socket_send(c, &msg, sizeof(msg), NULL, 0);
}

static void socket_region(struct cd_client *c, struct cd_region *r, uint32_t status)
{
	socket_done(c, r->id, status);
	if (c->owed == SOCKET_OWED_MAX && socket_front(c)->fd >= 0)
		cd_fd_pause(c->d, socket_front(c)->fd, socket_key(c), false);
}

static void socket_died(struct cd_client *c)
{
	if (c->open.nr_fds)
		cd_channel_fatal(c->open.fds[0]);
	if (socket_front(c)->fd >= 0)
		socket_hang_up(c);
	else
		cd_client_close(c);
}

static void socket_closed(struct cd_client *c)
{
	struct cd_socket_front *f = socket_front(c);

	if (f->fd >= 0)
		cd_fd_unwatch(c->d, f->fd);
	cd_close(&f->fd);
	free(f);
}

static const struct cd_client_ops socket_ops = {
	.opened = socket_opened,
	.region = socket_region,
	.died = socket_died,
	.closed = socket_closed,
};

static void on_open(struct cd_client *c, const union client_msg *m, int *fd)
{
	const struct cw_client_open *in = &m->open;
	struct cd_open open = {
		.ring_size = in->ring_size,
		.epoch = c->d->epoch,
		.region_base = in->region_base,
		.region_size = in->region_size,
		.device_base = in->device_base,
		.device_size = in->device_size,
		.nr_segs = 1,
		.nr_fds = 1,
		.env_len = cw_min(in->env_len, (uint32_t)sizeof(open.env)),
	};

	if (in->channel_version != VCUDA_CHANNEL_VERSION) {
		socket_opened(c, VIRTIO_CUDA_ERR_VERSION);
		socket_drop(c, CD_E_CLIENT_VERSION, "channel_version", in->channel_version);
		return;
	}
	memcpy(open.env, in->env, open.env_len);
	open.seg[0].len = VCUDA_CHANNEL_SIZE((uint64_t)in->ring_size);
	if (in->env_len > sizeof(in->env) || cd_open_check(&open)) {
		socket_drop(c, CD_E_CLIENT_FIELD, "type", CW_CLIENT_OPEN);
		return;
	}
	if (!cd_memfd_is_safe(*fd, open.seg[0].len)) {
		socket_drop(c, CD_E_CLIENT_MEMFD, "type", CW_CLIENT_OPEN);
		return;
	}
	open.env_len = cd_env_filter(open.env, open.env_len);
	open.fds[0] = *fd;
	*fd = -1;
	cd_client_open(c, &open);
}

static void on_attach(struct cd_client *c, const union client_msg *m, int *fd)
{
	struct cw_worker_seg seg = { .len = m->attach.len };
	struct cd_region_spec spec = {
		.id = m->attach.region,
		.flags = m->attach.flags,
		.va = m->attach.va,
		.len = m->attach.len,
		.nr_segs = 1,
		.nr_fds = 1,
		.seg = &seg,
		.fds = fd,
	};
	uint32_t status;

	if (!cd_memfd_is_safe(*fd, seg.len)) {
		socket_drop(c, CD_E_CLIENT_MEMFD, "type", CW_CLIENT_ATTACH);
		return;
	}
	status = cd_region_attach(c, &spec, NULL);
	if (status != CD_PENDING)
		socket_done(c, spec.id, status);
}

static void on_detach(struct cd_client *c, const union client_msg *m, int *fd)
{
	uint32_t status = cd_region_detach(c, m->detach.region, NULL);

	if (status != CD_PENDING)
		socket_done(c, m->detach.region, status);
}

/* What the worker counts is in its own answer (CW_FN_STAT); here go packets. */
static void on_stat(struct cd_client *c, const union client_msg *m, int *fd)
{
	struct cw_client_stated msg = {
		.head = head_of(CW_CLIENT_STATED), .commands = socket_front(c)->packets
	};

	socket_send(c, &msg, sizeof(msg), NULL, 0);
}

/* States of a client, as bits. */
#define IN(state) (1u << CD_CLIENT_##state)
#define IN_USE (IN(OPEN) | IN(ENDING))

static const struct {
	size_t size;
	size_t nfds;
	uint32_t states; /* where it is legal */
	void (*handle)(struct cd_client *c, const union client_msg *m, int *fd);
} types[] = {
	[CW_CLIENT_OPEN] = { sizeof(struct cw_client_open), 1, IN(NEW), on_open },
	[CW_CLIENT_ATTACH] = { sizeof(struct cw_client_attach), 1, IN_USE, on_attach },
	[CW_CLIENT_DETACH] = { sizeof(struct cw_client_detach), 0, IN_USE, on_detach },
	[CW_CLIENT_STAT] = { sizeof(struct cw_client_head), 0, IN_USE, on_stat },
};

static void socket_message(struct cd_client *c, const union client_msg *m, size_t len, int *fds,
			   size_t nfds)
{
	uint32_t type = m->head.type;

	if (len < sizeof(m->head) || m->head.magic != CW_CLIENT_MAGIC) {
		socket_drop(c, CD_E_PEER, PEER_HINT, (long long)len);
	} else if (m->head.version != CW_CLIENT_VERSION) {
		socket_opened(c, VIRTIO_CUDA_ERR_VERSION);
		socket_drop(c, CD_E_CLIENT_VERSION, "version", m->head.version);
	} else if (type >= CW_ARRAY_SIZE(types) || !types[type].handle) {
		socket_drop(c, CD_E_CLIENT_TYPE, "type", type);
	} else if (len != types[type].size) {
		socket_drop(c, CD_E_CLIENT_SIZE, "type", type);
	} else if (nfds != types[type].nfds) {
		socket_drop(c, CD_E_CLIENT_FDS, "type", type);
	} else if (!(types[type].states & 1u << c->state)) {
		socket_drop(c, CD_E_CLIENT_STATE, "type", type);
	} else {
		types[type].handle(c, m, fds);
	}
}

/**
 * cd_socket_event() - A client's connection has something
 * @c:	client
 */
void cd_socket_event(struct cd_client *c)
{
	struct cd_socket_front *f = socket_front(c);
	struct cd_daemon *d = c->d;
	uint32_t index = c->index;
	union client_msg m = { 0 };
	int fds[CD_MSG_MAX_FDS];
	size_t nfds;
	ssize_t n = cd_msg_recv(f->fd, &m, sizeof(m), fds, &nfds);

	if (n == -EAGAIN)
		return;
	if (n == -EMSGSIZE) {
		/* Whoever it is, the first bytes tell a stranger from a client. */
		if (m.head.magic != CW_CLIENT_MAGIC)
			socket_drop(c, CD_E_PEER, PEER_HINT, -1);
		else
			socket_drop(c, CD_E_CLIENT_SIZE, "type", m.head.type);
		return;
	}
	if (n <= 0) {
		socket_hang_up(c);
		return;
	}
	f->packets++;
	socket_message(c, &m, (size_t)n, fds, nfds);
	cd_close_all(fds, nfds);
	/* Closing may have freed it. */
	if (d->client[index] == c && f->fd >= 0 && c->owed == SOCKET_OWED_MAX)
		cd_fd_pause(d, f->fd, socket_key(c), true);
}

/* Says why before it closes: the peer is about to wait for OPENED. */
static void refuse(int fd)
{
	struct cw_client_opened msg = {
		.head = head_of(CW_CLIENT_OPENED), .status = VIRTIO_CUDA_ERR_LIMIT
	};
	struct iovec iov = { .iov_base = &msg, .iov_len = sizeof(msg) };

	cd_msg_send(fd, &iov, 1, NULL, 0);
}

/**
 * cd_socket_adopt() - Make a client of a connection
 * @d:	daemon
 * @fd:	connected SOCK_SEQPACKET socket; taken over, also on failure
 *
 * Return: 0 or -errno.
 */
int cd_socket_adopt(struct cd_daemon *d, int fd)
{
	struct cd_socket_front *f = calloc(1, sizeof(*f));
	struct cd_client *c = f ? cd_client_new(d, &socket_ops, f) : NULL;

	if (!c) {
		cd_complain(CW_LOG_WARN, CD_E_CLIENT_LIMIT, "limit=%u", d->opt.max_clients);
		refuse(fd);
		free(f);
		close(fd);
		return -EUSERS;
	}
	f->fd = fd;
	if (cd_fd_watch(d, fd, socket_key(c)))
		socket_hang_up(c);
	return 0;
}

/**
 * cd_socket_accept() - Somebody connects
 * @d:	daemon
 *
 * Out of descriptors, a connection that nobody accepts would keep the loop
 * awake; the spare one is given up for a moment to accept it and hang up.
 */
void cd_socket_accept(struct cd_daemon *d)
{
	int fd = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		cd_socket_adopt(d, fd);
		return;
	}
	if (errno != EMFILE && errno != ENFILE)
		return;
	cd_close(&d->spare_fd);
	fd = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	cd_complain(CW_LOG_WARN, CD_E_CLIENT_LIMIT, "why=\"no descriptors left\"");
	if (fd >= 0)
		refuse(fd);
	cd_close(&fd);
	d->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}
