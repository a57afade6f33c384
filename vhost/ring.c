/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings of a vhost-user back end.
 *
 * Theory of operation: the front end describes a ring by several messages in
 * nearly any order. A ring is active, that is the device may pop from it,
 * exactly while it is described, has a kick descriptor (SET_VRING_KICK, until
 * GET_VRING_BASE) and is enabled. vu_ring_update() makes it so after each
 * message. Addresses are translated anew at each activation, and a ring is
 * deactivated before memory that it lies in goes: there are no stale
 * translations. Deactivation waits for the device (struct vu_ops).
 *
 * The specification lets a ring start at the first kick. Ours starts when it is
 * described and tells the device to look at it once: a kick that a previous
 * back end swallowed is not lost.
 */
#include "vhost/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "cw/log.h"

static struct vu_ring *ring_of_watch(struct vu_watch *w)
{
	return CW_CONTAINER_OF(w, struct vu_ring, kick);
}

static void ring_unwatch(struct vu_ring *r)
{
	if (r->watched)
		r->b->p.loop.del(r->b->p.loop.opaque, &r->kick);
	r->watched = false;
}

static int ring_watch(struct vu_ring *r)
{
	int ret = 0;

	if (!r->watched)
		ret = r->b->p.loop.add(r->b->p.loop.opaque, &r->kick);
	r->watched = !ret;
	return ret;
}

static void ring_kicked(struct vu_ring *r)
{
	if (r->active && r->b->p.ops->queue_kicked)
		r->b->p.ops->queue_kicked(r->b->p.dev, r->index);
}

/* The counter is drained before the ring is read, or a kick could be lost. */
static void ring_kick_ready(struct vu_watch *w)
{
	struct vu_ring *r = ring_of_watch(w);
	uint64_t count;
	ssize_t n;

	if (!r->watched)
		return;
	n = read(w->fd, &count, sizeof(count));
	if (n <= 0 && !(n < 0 && (errno == EAGAIN || errno == EINTR))) {
		/* Not an eventfd, or a pipe whose writer is gone: never again. */
		cw_debug("kick descriptor failed queue=%u errno=%d", r->index, n ? errno : 0);
		ring_unwatch(r);
		return;
	}
	ring_kicked(r);
}

/* A counter that is full has been signalled; errors are the peer's loss. */
static void signal_fd(int fd)
{
	uint64_t one = 1;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		cw_debug("signal failed errno=%d", errno);
}

static void ring_fault(struct vq *q)
{
	struct vu_ring *r = q->opaque;

	cw_debug("queue broken queue=%u reason=%s", r->index, vq_fault_str(q->fault));
	r->b->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	signal_fd(r->err_fd);
}

/**
 * vu_ring_init() - A ring that nothing is known of
 * @b:		back end
 * @i:		index of the queue
 */
void vu_ring_init(struct vu_backend *b, unsigned int i)
{
	struct vu_ring *r = &b->ring[i];

	memset(r, 0, sizeof(*r));
	r->b = b;
	r->index = i;
	r->kick = (struct vu_watch){-1, ring_kick_ready};
	r->call_fd = -1;
	r->err_fd = -1;
	vq_init(&r->vq, ring_fault, r);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/**
 * vu_ring_forget() - Drop all that the front end said about a ring
 * @r:		ring that is not active
 */
void vu_ring_forget(struct vu_ring *r)
{
	ring_unwatch(r);
	close_fd(&r->kick.fd);
	close_fd(&r->call_fd);
	close_fd(&r->err_fd);
	r->armed = false;
	r->enabled = false;
	r->has_addr = false;
	r->num = 0;
	r->has_base = false;
}

static int ring_activate(struct vu_ring *r)
{
	struct vu_backend *b = r->b;
	struct vq_setup s = {
		.mem = &b->mem,
		.features = b->features,
		.size = r->num,
		.base = r->has_base ? r->base : vq_fresh_base(b->features),
	};
	const uint64_t uva[VQ_AREA_COUNT] = {
		[VQ_AREA_DESC] = r->addr.desc,
		[VQ_AREA_DRIVER] = r->addr.avail,
		[VQ_AREA_DEVICE] = r->addr.used,
	};
	int ret;

	for (int i = 0; i < VQ_AREA_COUNT; i++) {
		size_t len = vq_area_size(i, r->num, b->features);

		s.area[i] = vu_regions_user_ptr(b, uva[i], len);
		if (!s.area[i])
			return -EFAULT;
	}
	ret = vq_start(&r->vq, &s);
	if (ret)
		return ret;
	ret = ring_watch(r);
	if (ret) {
		vq_stop(&r->vq);
		return ret;
	}
	r->active = true;
	if (b->p.ops->queue_started)
		b->p.ops->queue_started(b->p.dev, r->index, &r->vq);
	ring_kicked(r);
	return 0;
}

/**
 * vu_ring_quiesce() - Make a ring inactive, for now or for good
 * @r:		ring
 *
 * Return: 0 when the device has let go of it, -EAGAIN to be called again.
 */
int vu_ring_quiesce(struct vu_ring *r)
{
	int ret = 0;

	if (!r->active)
		return 0;
	ring_unwatch(r);
	if (r->b->p.ops->queue_stopped)
		ret = r->b->p.ops->queue_stopped(r->b->p.dev, r->index);
	if (ret)
		return -EAGAIN;
	r->base = vq_stop(&r->vq);
	r->has_base = true;
	r->active = false;
	return 0;
}

/**
 * vu_ring_update() - Make a ring active or not, as the messages so far want it
 * @r:		ring
 *
 * Return: 0; -EAGAIN to be called again; another -errno where it should be
 * active and can't.
 */
int vu_ring_update(struct vu_ring *r)
{
	bool want = r->armed && r->enabled && r->has_addr && r->num && r->b->negotiated;

	if (want == r->active)
		return 0;
	return want ? ring_activate(r) : vu_ring_quiesce(r);
}

/**
 * vu_rings_update() - Activate what memory that came makes possible
 * @b:		back end
 *
 * A ring whose memory is not there yet, or no more, stays inactive: it may
 * come with the next message.
 */
void vu_rings_update(struct vu_backend *b)
{
	for (unsigned int i = 0; i < b->p.nr_queues; i++) {
		int ret = vu_ring_update(&b->ring[i]);

		if (ret)
			cw_debug("queue stays inactive queue=%u errno=%d", i, -ret);
	}
}

/**
 * vu_rings_stop() - Stop all rings for good: a reset
 * @b:		back end
 *
 * Each needs a new SET_VRING_KICK.
 *
 * Return: 0, or -EAGAIN to be called again.
 */
int vu_rings_stop(struct vu_backend *b)
{
	int ret = 0;

	/* All are told before the first is waited for. */
	for (unsigned int i = 0; i < b->p.nr_queues; i++) {
		b->ring[i].armed = false;
		if (vu_ring_quiesce(&b->ring[i]))
			ret = -EAGAIN;
	}
	return ret;
}

/**
 * vu_rings_active() - Whether any ring is active
 * @b:		back end
 *
 * Return: true if so.
 */
bool vu_rings_active(const struct vu_backend *b)
{
	for (unsigned int i = 0; i < b->p.nr_queues; i++) {
		if (b->ring[i].active)
			return true;
	}
	return false;
}

static bool ring_in_region(const struct vu_ring *r, const struct vu_region *reg)
{
	for (int i = 0; r->active && i < VQ_AREA_COUNT; i++) {
		const char *p = r->vq.setup.area[i];

		if (p >= (char *)reg->host && p < (char *)reg->host + reg->size)
			return true;
	}
	return false;
}

/**
 * vu_rings_leave_region() - Deactivate rings that lie in a region
 * @b:		back end
 * @reg:	region that is to go
 *
 * Return: 0, or -EAGAIN to be called again.
 */
int vu_rings_leave_region(struct vu_backend *b, const struct vu_region *reg)
{
	for (unsigned int i = 0; i < b->p.nr_queues; i++) {
		if (ring_in_region(&b->ring[i], reg) && vu_ring_quiesce(&b->ring[i]))
			return -EAGAIN;
	}
	return 0;
}

/*
 * Neither side may block the loop: not a kick that another reader took, nor a
 * call descriptor that is full. The flag is shared with the front end, which
 * at worst sees EAGAIN where it would have slept.
 */
static void set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/**
 * vu_ring_set_kick() - Take over a kick descriptor
 * @r:		ring
 * @fd:		descriptor, the ring's afterwards
 *
 * Return: 0, or -errno where it can't be watched.
 */
int vu_ring_set_kick(struct vu_ring *r, int fd)
{
	ring_unwatch(r);
	close_fd(&r->kick.fd);
	set_nonblock(fd);
	r->kick.fd = fd;
	r->armed = true;
	return r->active ? ring_watch(r) : 0;
}

/**
 * vu_ring_set_call() - Take over a call descriptor
 * @r:		ring
 * @fd:		descriptor, the ring's afterwards, or -1
 *
 * What was pushed before it came may not have been signalled: signal once.
 */
void vu_ring_set_call(struct vu_ring *r, int fd)
{
	close_fd(&r->call_fd);
	r->call_fd = fd;
	if (fd < 0)
		return;
	set_nonblock(fd);
	if (r->active)
		signal_fd(fd);
}

/**
 * vu_ring_set_err() - Take over an error descriptor
 * @r:		ring
 * @fd:		descriptor, the ring's afterwards, or -1
 */
void vu_ring_set_err(struct vu_ring *r, int fd)
{
	close_fd(&r->err_fd);
	r->err_fd = fd;
	if (fd >= 0)
		set_nonblock(fd);
}

/**
 * vu_notify() - Tell the driver of used elements, if it wants to hear of them
 * @b:		back end
 * @i:		queue
 *
 * Return: true if it was signalled.
 */
bool vu_notify(struct vu_backend *b, unsigned int i)
{
	struct vu_ring *r = &b->ring[i];

	if (!vq_should_notify(&r->vq))
		return false;
	signal_fd(r->call_fd);
	return true;
}
