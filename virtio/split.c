/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split ring, device side (virtio 1.3, 2.7).
 *
 * Theory of operation: the ring is memory that the guest may change at any
 * instant. So each descriptor is loaded field by field once, into a struct of
 * ours; an indirect table is copied as a whole before its first entry is
 * looked at; our own indexes live here and are never read back from the
 * guest. Three orders matter and are said at each spot: the driver's index is
 * read before the ring entry (acquire), a used element is written before the
 * used index (release), and a full fence stands between publishing something
 * and reading whether the other side cares.
 */
#include "virtio/split.h"

#include <errno.h>

#include "virtio/order.h"
#include "virtio/queue.h"

/* Fields behind the rings, there with EVENT_IDX only (2.7.6.1, 2.7.8). */
static uint16_t *split_used_event(struct vq *q)
{
	return &q->split.avail->ring[q->setup.size];
}

static uint16_t *split_avail_event(struct vq *q)
{
	return (uint16_t *)&q->split.used->ring[q->setup.size];
}

static int split_start(struct vq *q)
{
	struct vq_split *s = &q->split;

	*s = (struct vq_split){
		.desc = q->setup.area[VQ_AREA_DESC],
		.avail = q->setup.area[VQ_AREA_DRIVER],
		.used = q->setup.area[VQ_AREA_DEVICE],
		.last_avail = q->setup.base,
		.avail_idx = q->setup.base,
		.event_idx = q->setup.features & (1ULL << VIRTIO_RING_F_EVENT_IDX),
	};
	/*
	 * The only time the used index is taken from guest memory: after a
	 * restart it is where the device before us stopped.
	 */
	s->used_idx = vq_load16(q->swap, &s->used->idx);
	return 0;
}

static struct vq_desc split_load_desc(bool swap, const struct vring_desc *p)
{
	return (struct vq_desc){
		.addr = vq_load64(swap, &p->addr),
		.len = vq_load32(swap, &p->len),
		.flags = vq_load16(swap, &p->flags),
		.next = vq_load16(swap, &p->next),
	};
}

/**
 * split_walk_table() - Add the chain of an indirect table to an element
 * @q:		queue
 * @elem:	element that is being built
 * @desc:	descriptor that names the table. Its WRITE flag means nothing
 *		(2.7.5.3.2).
 * @seen:	descriptors of the chain before it: both count together
 *
 * Return: 0, or -EINVAL with the queue broken.
 */
static int split_walk_table(struct vq *q, struct vq_elem *elem, const struct vq_desc *desc,
			    unsigned int seen)
{
	uint16_t n = 0, i = 0;
	struct vq_desc d;

	if (vq_table_copy(q, desc, &n))
		return -EINVAL;
	for (;; i = d.next) {
		if (i >= n)
			return vq_break(q, VQ_FAULT_NEXT_RANGE);
		if (seen++ == vq_table_max(q))
			return vq_break(q, VQ_FAULT_CHAIN_LONG);
		d = split_load_desc(q->swap, &q->table[i]);
		if (d.flags & VRING_DESC_F_INDIRECT)
			return vq_break(q, VQ_FAULT_INDIRECT_NEST);
		if (vq_chain_add(q, elem, &d))
			return -EINVAL;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
	}
}

static int split_walk(struct vq *q, struct vq_elem *elem, uint16_t i)
{
	unsigned int seen = 0;

	for (;;) {
		struct vq_desc d;

		if (i >= q->setup.size)
			return vq_break(q, VQ_FAULT_NEXT_RANGE);
		/* A loop is a chain that is longer than the table. */
		if (seen == q->setup.size)
			return vq_break(q, VQ_FAULT_CHAIN_LONG);
		d = split_load_desc(q->swap, &q->split.desc[i]);
		/* 2.7.5.3.2: chained descriptors and then a table is legal. */
		if (d.flags & VRING_DESC_F_INDIRECT)
			return split_walk_table(q, elem, &d, seen);
		if (vq_chain_add(q, elem, &d))
			return -EINVAL;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		seen++;
		i = d.next;
	}
}

/* Whether an element is there; breaks the queue where the index is absurd. */
static int split_avail(struct vq *q)
{
	struct vq_split *s = &q->split;

	if (s->avail_idx == s->last_avail) {
		/*
		 * Acquire: the entries and descriptors that the driver wrote
		 * before it moved its index must be read after it.
		 */
		s->avail_idx = vq_load16_acquire(q->swap, &s->avail->idx);
		if ((uint16_t)(s->avail_idx - s->last_avail) > q->setup.size)
			return vq_break(q, VQ_FAULT_AVAIL_JUMP);
	}
	return s->avail_idx != s->last_avail;
}

static int split_pop(struct vq *q, struct vq_elem *elem)
{
	struct vq_split *s = &q->split;
	uint16_t head;
	int ret = split_avail(q);

	if (ret <= 0)
		return ret;
	head = vq_load16(q->swap, &s->avail->ring[s->last_avail & (q->setup.size - 1)]);
	if (head >= q->setup.size)
		return vq_break(q, VQ_FAULT_HEAD_RANGE);
	if (vq_test_and_set_busy(q, head))
		return vq_break(q, VQ_FAULT_HEAD_BUSY);
	if (split_walk(q, elem, head))
		return -EINVAL;
	elem->id = head;
	elem->nr = 1;
	s->last_avail++;
	return 1;
}

static void split_unpop(struct vq *q, const struct vq_elem *elem)
{
	q->split.last_avail--;
}

static void split_push(struct vq *q, const struct vq_done *done)
{
	struct vq_split *s = &q->split;
	struct vring_used_elem *u = &s->used->ring[s->used_idx & (q->setup.size - 1)];

	vq_store32(q->swap, &u->id, done->id);
	vq_store32(q->swap, &u->len, done->written);
	s->used_idx++;
	/* Release: data and used element are there before the index says so. */
	vq_store16_release(q->swap, &s->used->idx, s->used_idx);
	/*
	 * Long before the distance to the last decision wraps, and with it the
	 * comparison of 2.7.7.2, forget that decision: the next one is "notify".
	 */
	if ((uint16_t)(s->used_idx - s->signalled) > INT16_MAX)
		s->signalled_valid = false;
}

static bool split_should_notify(struct vq *q)
{
	struct vq_split *s = &q->split;
	uint16_t old = s->signalled;
	bool valid = s->signalled_valid;

	/*
	 * Full fence: the used index must be visible before the driver's wish
	 * is read. Else the driver may set its event index, look for used
	 * elements and see none, while we read its old wish: both would wait.
	 * Pairs with the fence in the driver's enable_cb and Linux' virtio_mb().
	 */
	vq_fence();
	if (!s->event_idx)
		return !(vq_load16(q->swap, &s->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	s->signalled = s->used_idx;
	s->signalled_valid = true;
	return !valid ||
	       vring_need_event(vq_load16(q->swap, split_used_event(q)), s->used_idx, old);
}

static void split_disable_notify(struct vq *q)
{
	/* With EVENT_IDX an event index left behind asks for nothing (2.7.10). */
	if (!q->split.event_idx)
		vq_store16(q->swap, &q->split.used->flags, VRING_USED_F_NO_NOTIFY);
}

static bool split_enable_notify(struct vq *q)
{
	struct vq_split *s = &q->split;

	if (s->event_idx)
		vq_store16(q->swap, split_avail_event(q), s->last_avail);
	else
		vq_store16(q->swap, &s->used->flags, 0);
	/*
	 * Full fence: the wish must be visible before the driver's index is
	 * read again. Else a driver that adds in between reads the old wish,
	 * sends no kick, and we read its old index: both would wait.
	 */
	vq_fence();
	return vq_load16(q->swap, &s->avail->idx) != s->last_avail;
}

static uint32_t split_base(const struct vq *q)
{
	return q->split.last_avail;
}

const struct vq_ops vq_split_ops = {
	.start = split_start,
	.pop = split_pop,
	.unpop = split_unpop,
	.push = split_push,
	.should_notify = split_should_notify,
	.disable_notify = split_disable_notify,
	.enable_notify = split_enable_notify,
	.base = split_base,
};
