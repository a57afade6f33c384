/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueue: what the ring formats have in common.
 *
 * Theory of operation: the driver is untrusted. Each violation ends in
 * vq_break(): the first reason is kept, the queue gives out nothing more, and
 * the device reports that it needs a reset. Memory is allocated by vq_start()
 * and freed by vq_stop(), none in between.
 *
 * With VIRTIO_F_IN_ORDER the device gives elements back as it likes, and they
 * are shown to the driver in the order in which they were popped, one used
 * entry each: a batch needs no shorter way here, and lengths stay exact.
 */
#include "virtio/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "virtio/order.h"

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
	[VQ_FAULT_INDIRECT_CHAIN] = "indirect-chain",
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

static bool is_packed(uint64_t features)
{
	return features & (1ULL << VIRTIO_F_RING_PACKED);
}

/**
 * vq_area_size() - Bytes of a part of the ring
 * @area:	which
 * @size:	descriptors
 * @features:	negotiated; EVENT_IDX adds a field at the end of two parts
 *
 * Return: bytes (virtio 1.3, 2.7, 2.8.10.1).
 */
size_t vq_area_size(enum vq_area area, uint16_t size, uint64_t features)
{
	size_t event = features & (1ULL << VIRTIO_RING_F_EVENT_IDX) ? sizeof(uint16_t) : 0;

	if (area != VQ_AREA_DESC && is_packed(features))
		return sizeof(struct vring_packed_desc_event);
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
 * Return: bytes, power of two (virtio 1.3, 2.7, 2.8.10.1).
 */
size_t vq_area_align(enum vq_area area, uint64_t features)
{
	static const uint8_t align[2][VQ_AREA_COUNT] = {
		{VRING_DESC_ALIGN_SIZE, VRING_AVAIL_ALIGN_SIZE, VRING_USED_ALIGN_SIZE},
		{16, 4, 4},
	};

	return align[is_packed(features)][area];
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

static void storage_free(struct vq *q)
{
	free(q->busy);
	free(q->table);
	free(q->order);
	q->busy = NULL;
	q->table = NULL;
	q->order = NULL;
}

/* Ids: of a split ring its heads, of a packed one what the driver likes. */
static size_t nr_ids(const struct vq_setup *setup)
{
	return is_packed(setup->features) ? UINT16_MAX + 1 : setup->size;
}

static int storage_alloc(struct vq *q)
{
	bool in_order = q->setup.features & (1ULL << VIRTIO_F_IN_ORDER);

	q->busy = calloc((nr_ids(&q->setup) + 63) / 64, sizeof(*q->busy));
	q->table = calloc(vq_table_max(q), sizeof(*q->table));
	if (in_order)
		q->order = calloc(q->setup.size, sizeof(*q->order));
	q->order_head = 0;
	q->order_tail = 0;
	if (q->busy && q->table && (q->order || !in_order))
		return 0;
	storage_free(q);
	return -ENOMEM;
}

static int setup_check(const struct vq_setup *setup)
{
	if (!setup->size || setup->size > VQ_MAX_SIZE)
		return -EINVAL;
	/* 2.7: the split ring's indexes are taken modulo its size. */
	if (!is_packed(setup->features) && !cw_is_pow2(setup->size))
		return -EINVAL;
	for (int i = 0; i < VQ_AREA_COUNT; i++) {
		uintptr_t addr = (uintptr_t)setup->area[i];

		if (!addr || addr & (vq_area_align(i, setup->features) - 1))
			return -EINVAL;
	}
	return 0;
}

/**
 * vq_start() - Let a queue run
 * @q:		stopped queue
 * @setup:	copied; see there
 *
 * Return: 0; -EINVAL where size, alignment, an address or the base can't be,
 * -ENOMEM. The queue then stays stopped.
 */
int vq_start(struct vq *q, const struct vq_setup *setup)
{
	const struct vq_ops *ops = is_packed(setup->features) ? &vq_packed_ops : &vq_split_ops;
	bool modern = setup->features & (1ULL << VIRTIO_F_VERSION_1);
	int ret = setup_check(setup);

	if (ret)
		return ret;
	q->setup = *setup;
	q->fault = VQ_FAULT_NONE;
	q->generation++;
	q->unsignalled = setup->base != vq_fresh_base(setup->features);
	q->swap = vq_order_swaps(!modern && setup->big_endian);
	ret = storage_alloc(q);
	if (ret)
		return ret;
	ret = ops->start(q);
	if (ret) {
		storage_free(q);
		return ret;
	}
	q->ops = ops;
	return 0;
}

/**
 * vq_stop() - Stop a queue
 * @q:		queue, running or not
 *
 * Elements still held by the device are refused by vq_push() from here on; a
 * device that pauses gives its elements back first.
 *
 * Return: where to restart from (struct vq_setup, @base); 0 where the queue did
 * not run, which says nothing.
 */
uint32_t vq_stop(struct vq *q)
{
	uint32_t base = q->ops ? q->ops->base(q) : 0;

	q->ops = NULL;
	storage_free(q);
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
	if (ret <= 0)
		return ret;
	q->stat.popped++;
	if (q->order) {
		elem->slot = q->order_tail++ % q->setup.size;
		q->order[elem->slot] = (struct vq_done){.id = elem->id, .nr = elem->nr};
	}
	return 1;
}

static bool elem_is_held(const struct vq *q, const struct vq_elem *elem)
{
	if (!q->ops || elem->generation != q->generation || elem->id >= nr_ids(&q->setup) ||
	    !(q->busy[elem->id / 64] & (1ULL << elem->id % 64)))
		return false;
	return !q->order || !q->order[elem->slot].ready;
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
	q->order_tail--;
	q->stat.popped--;
	return 0;
}

static void push_one(struct vq *q, const struct vq_done *done)
{
	clear_busy(q, done->id);
	q->ops->push(q, done);
	q->stat.pushed++;
	q->unsignalled = true;
}

/* Shows the driver what is ready at the front, up to the first gap. */
static void push_in_order(struct vq *q)
{
	while (q->order_head != q->order_tail) {
		struct vq_done *done = &q->order[q->order_head % q->setup.size];

		if (!done->ready)
			return;
		push_one(q, done);
		q->order_head++;
	}
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
	struct vq_done done = {.id = elem->id, .nr = elem->nr, .ready = true};

	if (!elem_is_held(q, elem))
		return -ESTALE;
	if (q->fault)
		return -EINVAL;
	done.written = cw_min(written, elem->in_len);
	if (q->order) {
		q->order[elem->slot] = done;
		push_in_order(q);
	} else {
		push_one(q, &done);
	}
	return 0;
}

/**
 * vq_outstanding() - Elements popped that the driver does not see as used
 * @q:		queue
 *
 * Return: their number.
 */
unsigned int vq_outstanding(const struct vq *q)
{
	unsigned int n = 0;

	for (size_t i = 0; q->busy && i < (nr_ids(&q->setup) + 63) / 64; i++)
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
 * @id:		element id, of a split ring below its size
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
