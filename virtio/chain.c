/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From descriptors to segments: what the ring formats share.
 *
 * Theory of operation: a format copies a descriptor into private memory once
 * and hands the copy to vq_chain_add(), which is the only place where guest
 * addresses become segments. An indirect table is copied as a whole before its
 * first entry is looked at.
 */
#include "virtio/queue.h"

#include <assert.h>
#include <errno.h>

#include <linux/virtio_config.h>

#include "cw/util.h"

static_assert(sizeof(struct vring_desc) == sizeof(struct vring_packed_desc), "one table for both");

/**
 * vq_chain_add() - Append a descriptor to an element
 * @q:		queue, for its memory map and to break it
 * @elem:	element that is being built
 * @desc:	private copy of the descriptor, not indirect; @desc->flags has
 *		only WRITE and NEXT, all else is a fault
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
	/* virtio 1.3, 2.7.4.2, 2.8.16: readable elements come first. */
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

/**
 * vq_table_max() - How long a chain with an indirect table may be
 * @q:		queue
 *
 * 2.7.5.3.1 says no longer than the queue, but Linux' virtio_blk takes the
 * device's word for the number of segments however short the queue is.
 *
 * Return: descriptors, the larger of the queue's size and VQ_MAX_SEGS.
 */
unsigned int vq_table_max(const struct vq *q)
{
	return cw_max((unsigned int)q->setup.size, (unsigned int)VQ_MAX_SEGS);
}

/**
 * vq_table_copy() - Copy an indirect table into private memory
 * @q:		queue; the table comes to lie in q->table, in the guest's byte order
 * @desc:	private copy of the descriptor that names it
 * @ret_n:	entries, at least 1 and at most vq_table_max()
 *
 * The table may span regions of guest memory: the copy does not.
 *
 * Return: 0, or -EINVAL with the queue broken.
 */
int vq_table_copy(struct vq *q, const struct vq_desc *desc, uint16_t *ret_n)
{
	struct vq_seg seg[4];
	struct vq_segs part = {seg, CW_ARRAY_SIZE(seg)};
	uint32_t n = desc->len / sizeof(struct vring_desc);

	if (!(q->setup.features & (1ULL << VIRTIO_RING_F_INDIRECT_DESC)))
		return vq_break(q, VQ_FAULT_INDIRECT_OFF);
	/* 2.7.5.3.1, 2.8.17: the driver must not set both. */
	if (desc->flags & VRING_DESC_F_NEXT)
		return vq_break(q, VQ_FAULT_INDIRECT_NEXT);
	if (!n || desc->len % sizeof(struct vring_desc))
		return vq_break(q, VQ_FAULT_INDIRECT_LEN);
	if (n > vq_table_max(q))
		return vq_break(q, VQ_FAULT_INDIRECT_LONG);
	if (vq_mem_map(q->setup.mem, desc->addr, desc->len, &part) ||
	    vq_iov_pull(&part, q->table, desc->len))
		return vq_break(q, VQ_FAULT_INDIRECT_ADDR);
	*ret_n = n;
	return 0;
}
