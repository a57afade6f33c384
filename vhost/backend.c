/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-user back end: life of a connection.
 *
 * Theory of operation: one message at a time. A handler may put off because
 * the device has work to finish; then the socket is not read until the device
 * calls vu_continue(), and the rest of the loop goes on. A message that breaks
 * the rules is answered with a refusal where the front end asked for an answer
 * (REPLY_ACK) and ends the connection where not: there is no other way to tell
 * it. Ending goes the same way as everything: rings, then memory, then the
 * descriptors, each waiting for the device.
 */
#include "vhost/backend.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vhost/internal.h"

#include "cw/log.h"

#define MESSAGES_PER_TURN 16 /* then the other descriptors get theirs */

static_assert(sizeof(struct vu_hdr) == 12, "header of the protocol");
static_assert(offsetof(struct vu_msg, u64) - offsetof(struct vu_msg, hdr) == 12,
	      "payload follows the header");
static_assert(sizeof(struct vu_mem_table) == 264, "largest SET_MEM_TABLE");

static void sock_unwatch(struct vu_backend *b)
{
	if (b->sock_watched)
		b->p.loop.del(b->p.loop.opaque, &b->sock);
	b->sock_watched = false;
}

static int sock_watch(struct vu_backend *b)
{
	int ret = b->p.loop.add(b->p.loop.opaque, &b->sock);

	b->sock_watched = !ret;
	return ret;
}

/* Goes as far as the device lets it; vu_continue() comes back here. */
static void backend_close(struct vu_backend *b)
{
	b->state = VU_CLOSING;
	if (vu_rings_stop(b) || vu_regions_clear(b))
		return;
	for (unsigned int i = 0; i < b->p.nr_queues; i++)
		vu_ring_forget(&b->ring[i]);
	close(b->sock.fd);
	b->sock.fd = -1;
	b->owned = false;
	b->negotiated = false;
	b->features = 0;
	b->protocol_features = 0;
	b->status = 0;
	if (b->request_fd >= 0)
		close(b->request_fd);
	b->request_fd = -1;
	b->session++;
	b->state = VU_IDLE;
	if (b->p.ops->disconnected)
		b->p.ops->disconnected(b->p.dev, b->why);
}

/**
 * vu_detach() - End the connection
 * @b:		back end
 * @why:	static text for disconnected()
 */
void vu_detach(struct vu_backend *b, const char *why)
{
	if (b->state == VU_IDLE || b->state == VU_CLOSING)
		return;
	cw_debug("front end leaves why=\"%s\"", why);
	b->why = why;
	sock_unwatch(b);
	vu_rx_done(&b->rx);
	backend_close(b);
}

static const char *refusal(int err)
{
	switch (err) {
	case -ENOSYS:
		return "unknown message";
	case -EPROTO:
		return "message out of order or not negotiated";
	case -EFAULT:
		return "ring outside memory";
	case -EBUSY:
		return "change of a running ring";
	case -EEXIST:
		return "memory regions overlap";
	default:
		return "malformed message";
	}
}

/* Carries out the message in b->rx; false when nothing more is to be read. */
static bool backend_message(struct vu_backend *b)
{
	struct vu_msg reply;
	uint32_t request = b->rx.msg.hdr.request;
	unsigned int session = b->session;
	int ret = vu_handle(b, &reply);

	/* The device may have ended the connection from one of its members. */
	if (b->session != session || b->state == VU_CLOSING)
		return false;
	if (ret == -EAGAIN) {
		sock_unwatch(b);
		b->state = VU_WAITING;
		return false;
	}
	vu_rx_done(&b->rx);
	b->state = VU_SERVING;
	if (ret) {
		cw_debug("message refused request=%u errno=%d", request, -ret);
		vu_detach(b, refusal(ret));
		return false;
	}
	if (reply.hdr.size != ~0u && vu_send(b->sock.fd, &reply)) {
		vu_detach(b, "answer not taken");
		return false;
	}
	return true;
}

static void sock_ready(struct vu_watch *w)
{
	struct vu_backend *b = CW_CONTAINER_OF(w, struct vu_backend, sock);

	for (int i = 0; b->state == VU_SERVING && i < MESSAGES_PER_TURN; i++) {
		int ret = vu_rx_read(w->fd, &b->rx);

		if (ret < 0)
			vu_detach(b, ret == -ECONNRESET ? "closed" : "oversized message");
		if (ret <= 0 || !backend_message(b))
			return;
	}
}

/**
 * vu_continue() - The device is done with what it put off
 * @b:		back end; nothing happens where nothing was put off
 */
void vu_continue(struct vu_backend *b)
{
	if (b->state == VU_CLOSING) {
		backend_close(b);
	} else if (b->state == VU_WAITING && backend_message(b)) {
		if (sock_watch(b))
			vu_detach(b, "loop refuses the socket");
	}
}

/**
 * vu_create() - Make a back end
 * @params:	copied; @ops is kept by reference
 * @ret_backend: the back end, without a front end yet
 *
 * Return: 0, -EINVAL for a number of queues that can't be, -ENOTSUP for a
 * protocol feature that is not implemented, -ENOMEM.
 */
int vu_create(const struct vu_params *params, struct vu_backend **ret_backend)
{
	struct vu_backend *b;

	if (!params->nr_queues || params->nr_queues > VU_MAX_QUEUES)
		return -EINVAL;
	if (params->protocol_features & ~(VU_BASE_PROTOCOL_FEATURES | VU_OPT_PROTOCOL_FEATURES))
		return -ENOTSUP;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->ring = calloc(params->nr_queues, sizeof(*b->ring));
	if (!b->ring) {
		free(b);
		return -ENOMEM;
	}
	b->p = *params;
	b->sock = (struct vu_watch){-1, sock_ready};
	b->request_fd = -1;
	vq_mem_init(&b->mem);
	for (unsigned int i = 0; i < params->nr_queues; i++)
		vu_ring_init(b, i);
	*ret_backend = b;
	return 0;
}

/**
 * vu_destroy() - Free a back end
 * @b:		back end without a front end, or NULL. Call vu_detach() and wait
 *		for disconnected() first.
 */
void vu_destroy(struct vu_backend *b)
{
	if (!b)
		return;
	assert(b->state == VU_IDLE);
	free(b->ring);
	free(b);
}

/**
 * vu_attach() - Serve a front end
 * @b:		back end without one
 * @fd:		connected socket; the back end's where 0 is returned
 *
 * Return: 0, -EBUSY where there is one already, or the loop's -errno.
 */
int vu_attach(struct vu_backend *b, int fd)
{
	int ret;

	if (b->state != VU_IDLE)
		return -EBUSY;
	b->sock.fd = fd;
	ret = sock_watch(b);
	if (ret) {
		b->sock.fd = -1;
		return ret;
	}
	b->why = NULL;
	b->state = VU_SERVING;
	return 0;
}

/**
 * vu_config_changed() - Tell the driver that the configuration space changed
 * @b:		back end
 *
 * Where the front end takes no such message (BACKEND_REQ) the driver sees the
 * change when it next looks.
 */
void vu_config_changed(struct vu_backend *b)
{
	struct vu_msg msg = {.hdr = {.request = VU_BACKEND_CONFIG_CHANGE, .flags = VU_VERSION}};

	/* A front end that does not read is told of the change by the next one. */
	if (b->request_fd >= 0)
		vu_send(b->request_fd, &msg);
}

/**
 * vu_connected() - Whether there is a front end
 * @b:		back end
 *
 * Return: true from vu_attach() to disconnected().
 */
bool vu_connected(const struct vu_backend *b)
{
	return b->state != VU_IDLE;
}

/**
 * vu_queue() - A queue
 * @b:		back end
 * @i:		index below the number of queues
 *
 * Return: the queue, running or not.
 */
struct vq *vu_queue(struct vu_backend *b, unsigned int i)
{
	return &b->ring[i].vq;
}

/**
 * vu_features() - Negotiated virtio features
 * @b:		back end
 *
 * Return: the features, 0 before there are any.
 */
uint64_t vu_features(const struct vu_backend *b)
{
	return b->features;
}

/**
 * vu_mem() - Guest memory
 * @b:		back end
 *
 * Return: the map, for the thread of the loop.
 */
const struct vq_mem *vu_mem(const struct vu_backend *b)
{
	return &b->mem;
}

/**
 * vu_last_error() - Why the last connection ended
 * @b:		back end
 *
 * Return: a static text, NULL while there was none.
 */
const char *vu_last_error(const struct vu_backend *b)
{
	return b->why;
}
