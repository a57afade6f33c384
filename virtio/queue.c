/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueue: what the ring formats have in common.
 *
 * Theory of operation: the driver is untrusted. A format copies a descriptor
 * into private memory once and hands the copy to vq_chain_add(), which is the
 * only place where guest addresses become segments. Each violation ends in
 * vq_break(): the first reason is kept, the queue gives out nothing more, and
 * the device reports that it needs a reset. Nothing here allocates.
 */
#include "virtio/queue.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "cw/util.h"

static const char *const fault_str[] = {
	[VQ_FAULT_NONE] = "none",
	[VQ_FAULT_AVAIL_JUMP] = "avail-jump",
	[VQ_FAULT_HEAD_RANGE] = "head-range",
	[VQ_FAULT_HEAD_BUSY] = "head-busy",
	[VQ_FAULT_NEXT_RANGE] = "next-range",
	[VQ_FAULT_CHAIN_LONG] = "chain-long",
	[VQ_FAULT_SEGMENTS] = "segments",
	[VQ_FAULT_FLAGS] = "flags",
	[VQ_FAULT_ORDER] = "order",
	[VQ_FAULT_ZERO_LENGTH] = "zero-length",
	[VQ_FAULT_ADDRESS] = "address",
	[VQ_FAULT_CHAIN_BYTES] = "chain-bytes",
	[VQ_FAULT_INDIRECT_OFF] = "indirect-off",
	[VQ_FAULT_INDIRECT_LEN] = "indirect-len",
	[VQ_FAULT_INDIRECT_LONG] = "indirect-long",
	[VQ_FAULT_INDIRECT_NEXT] = "indirect-next",
	[VQ_FAULT_INDIRECT_NEST] = "indirect-nest",
	[VQ_FAULT_INDIRECT_ADDR] = "indirect-addr",
	[VQ_FAULT_SETUP] = "setup",
	[VQ_FAULT_DEVICE] = "device",
};
static_assert(CW_ARRAY_SIZE(fault_str) == VQ_FAULT_COUNT, "name each fault");

/**
 * vq_fault_str() - Stable word for a fault
 * @fault:	reason
 *
 * Return: a static string.
 */
const char *vq_fault_str(enum vq_fault fault)
{
	return (unsigned int)fault < VQ_FAULT_COUNT ? fault_str[fault] : "?";
}

/**
 * vq_area_size() - Bytes of a part of the ring
 * @area:	which
 * @size:	descriptors
 * @features:	negotiated; EVENT_IDX adds a field at the end of two parts
 *
 * Return: bytes (virtio 1.3, 2.7).
 */
size_t vq_area_size(enum vq_area area, uint16_t size, uint64_t features)
{
	size_t event = features & (1ULL << VIRTIO_RING_F_EVENT_IDX) ? sizeof(uint16_t) : 0;

	switch (area) {
	case VQ_AREA_DESC:
		return sizeof(struct vring_desc) * size;
	case VQ_AREA_DRIVER:
		return sizeof(struct vring_avail) + sizeof(uint16_t) * size + event;
	default:
		return sizeof(struct vring_used) + sizeof(struct vring_used_elem) * size + event;
	}
}

/**
 * vq_area_align() - Alignment of a part of the ring
 * @area:	which
 * @features:	negotiated
 *
 * Return: bytes, power of two (virtio 1.3, 2.7).
 */
size_t vq_area_align(enum vq_area area, uint64_t features)
{
	static const uint8_t align[VQ_AREA_COUNT] = {
		VRING_DESC_ALIGN_SIZE,
		VRING_AVAIL_ALIGN_SIZE,
		VRING_USED_ALIGN_SIZE,
	};

	return align[area];
}

/**
 * vq_init() - Prepare a stopped queue
 * @q:		queue
 * @on_fault:	called once when the queue breaks, or NULL
 * @opaque:	kept in @q for @on_fault
 */
void vq_init(struct vq *q, void (*on_fault)(struct vq *q), void *opaque)
{
	memset(q, 0, sizeof(*q));
	q->on_fault = on_fault;
	q->opaque = opaque;
}

/**
 * vq_start() - Let a queue run
 * @q:		stopped queue
 * @setup:	copied; see there
 *
 * Return: 0; -EINVAL where size, alignment or an address can't be, -ENOTSUP
 * for a ring format that is not there. The queue then stays stopped.
 */
int vq_start(struct vq *q, const struct vq_setup *setup)
{
	if (setup->features & (1ULL << VIRTIO_F_RING_PACKED))
		return -ENOTSUP;
	if (!cw_is_pow2(setup->size) || setup->size > VQ_MAX_SIZE)
		return -EINVAL;
	for (int i = 0; i < VQ_AREA_COUNT; i++) {
		uintptr_t addr = (uintptr_t)setup->area[i];

		if (!addr || addr & (vq_area_align(i, setup->features) - 1))
			return -EINVAL;
	}
	q->setup = *setup;
	q->fault = VQ_FAULT_NONE;
	q->generation++;
	q->unsignalled = setup->base != 0;
	memset(q->busy, 0, sizeof(q->busy));
	q->ops = &vq_split_ops;
	return q->ops->start(q);
}

/**
 * vq_stop() - Stop a queue
 * @q:		queue, running or not
 *
 * Elements still held by the device are refused by vq_push() from here on; a
 * device that pauses gives its elements back first.
 *
 * Return: index to restart from, 0 where the queue did not run.
 */
uint16_t vq_stop(struct vq *q)
{
	uint16_t base = q->ops ? q->ops->base(q) : 0;

	q->ops = NULL;
	return base;
}

/**
 * vq_running() - Whether a queue is started and not broken
 * @q:		queue
 *
 * Return: true if vq_pop() can give elements.
 */
bool vq_running(const struct vq *q)
{
	return q->ops && !q->fault;
}

/**
 * vq_break() - Mark a queue broken
 * @q:		queue
 * @fault:	reason; the first one stays
 *
 * Return: -EINVAL, for the caller to pass on.
 */
int vq_break(struct vq *q, enum vq_fault fault)
{
	if (!q->fault) {
		q->fault = fault;
		if (q->on_fault)
			q->on_fault(q);
	}
	return -EINVAL;
}

/**
 * vq_pop() - Take the next element
 * @q:		queue
 * @elem:	filled in; only valid where 1 is returned
 *
 * Return: 1 with an element, 0 where there is none or the queue is stopped,
 * -EINVAL where the queue is broken: by this element or before.
 */
int vq_pop(struct vq *q, struct vq_elem *elem)
{
	int ret;

	if (!q->ops)
		return 0;
	if (q->fault)
		return -EINVAL;
	elem->out = (struct vq_segs){elem->seg, 0};
	elem->in = (struct vq_segs){elem->seg, 0};
	elem->out_len = 0;
	elem->in_len = 0;
	elem->generation = q->generation;
	ret = q->ops->pop(q, elem);
	if (ret > 0)
		q->stat.popped++;
	return ret;
}

static bool elem_is_held(const struct vq *q, const struct vq_elem *elem)
{
	return q->ops && elem->generation == q->generation && elem->id < q->setup.size &&
	       q->busy[elem->id / 64] & (1ULL << elem->id % 64);
}

static void clear_busy(struct vq *q, uint16_t id)
{
	q->busy[id / 64] &= ~(1ULL << id % 64);
}

/**
 * vq_unpop() - Put back the element popped last
 * @q:		queue
 * @elem:	the element; the next vq_pop() reads it anew from guest memory
 *
 * Return: 0, or -ESTALE where the queue was stopped since.
 */
int vq_unpop(struct vq *q, const struct vq_elem *elem)
{
	if (!elem_is_held(q, elem))
		return -ESTALE;
	clear_busy(q, elem->id);
	q->ops->unpop(q, elem);
	q->stat.popped--;
	return 0;
}

/**
 * vq_push() - Give an element back to the driver
 * @q:		queue
 * @elem:	element, in any order
 * @written:	bytes written from the start of its writable part; a device
 *		that says more than the driver lent is cut down to that
 *
 * Return: 0; -ESTALE where the queue was stopped since or the element was
 * given back already; -EINVAL where the queue is broken. Guest memory is only
 * touched where 0 is returned.
 */
int vq_push(struct vq *q, const struct vq_elem *elem, uint32_t written)
{
	if (!elem_is_held(q, elem))
		return -ESTALE;
	if (q->fault)
		return -EINVAL;
	clear_busy(q, elem->id);
	q->ops->push(q, elem, cw_min(written, elem->in_len));
	q->stat.pushed++;
	q->unsignalled = true;
	return 0;
}

/**
 * vq_outstanding() - Elements popped and not given back
 * @q:		queue
 *
 * Return: their number.
 */
unsigned int vq_outstanding(const struct vq *q)
{
	unsigned int n = 0;

	for (size_t i = 0; i < CW_ARRAY_SIZE(q->busy); i++)
		n += __builtin_popcountll(q->busy[i]);
	return n;
}

/**
 * vq_should_notify() - Whether to signal the driver for what was pushed
 * @q:		queue
 *
 * Call once after a batch of vq_push(). Where nothing was pushed the answer is
 * no, and not counted.
 *
 * Return: true if the driver is to be signalled.
 */
bool vq_should_notify(struct vq *q)
{
	bool yes;

	if (!vq_running(q) || !q->unsignalled)
		return false;
	q->unsignalled = false;
	yes = q->ops->should_notify(q);
	if (yes)
		q->stat.notified++;
	else
		q->stat.suppressed++;
	return yes;
}

/**
 * vq_disable_notify() - Ask the driver for no kicks: a hint, kicks may come
 * @q:		queue
 */
void vq_disable_notify(struct vq *q)
{
	if (vq_running(q))
		q->ops->disable_notify(q);
}

/**
 * vq_enable_notify() - Ask the driver for a kick at the next element
 * @q:		queue
 *
 * Return: true if an element came in before the driver could see that: then
 * no kick may ever come for it, and the caller pops again.
 */
bool vq_enable_notify(struct vq *q)
{
	return vq_running(q) && q->ops->enable_notify(q);
}

/**
 * vq_test_and_set_busy() - Note that the device holds an element
 * @q:		queue
 * @id:		element id, below the queue's size
 *
 * Return: whether it already did.
 */
bool vq_test_and_set_busy(struct vq *q, uint16_t id)
{
	uint64_t bit = 1ULL << id % 64;
	bool was = q->busy[id / 64] & bit;

	q->busy[id / 64] |= bit;
	return was;
}

/**
 * vq_chain_add() - Append a descriptor to an element
 * @q:		queue, for its memory map and to break it
 * @elem:	element that is being built
 * @desc:	private copy of the descriptor, not indirect
 *
 * Return: 0, or -EINVAL with the queue broken.
 */
int vq_chain_add(struct vq *q, struct vq_elem *elem, const struct vq_desc *desc)
{
	const uint16_t known = VRING_DESC_F_NEXT | VRING_DESC_F_WRITE;
	bool write = desc->flags & VRING_DESC_F_WRITE;
	size_t used = elem->out.n + elem->in.n;
	struct vq_segs part = {elem->seg + used, VQ_MAX_SEGS - used};
	int ret;

	if (desc->flags & ~known)
		return vq_break(q, VQ_FAULT_FLAGS);
	/* virtio 1.3, 2.7.4.2: readable elements come first. */
	if (!write && elem->in.n)
		return vq_break(q, VQ_FAULT_ORDER);
	if (!desc->len)
		return vq_break(q, VQ_FAULT_ZERO_LENGTH);
	/* 2.7.5: a chain has no more than 2^32 bytes; lengths fit 32 bits here. */
	if (desc->len > UINT32_MAX - elem->out_len - elem->in_len)
		return vq_break(q, VQ_FAULT_CHAIN_BYTES);
	ret = vq_mem_map(q->setup.mem, desc->addr, desc->len, &part);
	if (ret)
		return vq_break(q, ret == -E2BIG ? VQ_FAULT_SEGMENTS : VQ_FAULT_ADDRESS);
	if (write) {
		if (!elem->in.n)
			elem->in.seg = part.seg;
		elem->in.n += part.n;
		elem->in_len += desc->len;
	} else {
		elem->out.n += part.n;
		elem->out_len += desc->len;
	}
	return 0;
}
