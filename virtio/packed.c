/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packed ring, device side (virtio 1.3, 2.8).
 *
 * Theory of operation: one ring holds available and used descriptors; two
 * flags of each, compared with a wrap counter, say which it is. The rules are
 * those of the split ring: each descriptor is loaded field by field once, the
 * places where we read and write live here and are never read back. Three
 * orders matter: the first descriptor's flags are read before all else of the
 * chain (acquire), a used descriptor's flags are written last (release), and a
 * full fence stands between publishing something and reading whether the
 * other side cares.
 */
#include "virtio/packed.h"

#include <errno.h>

#include "virtio/order.h"
#include "virtio/queue.h"

#include "cw/util.h"

static int packed_start(struct vq *q)
{
	uint16_t avail = q->setup.base, used = q->setup.base >> 16;
	struct vq_packed *p = &q->packed;

	*p = (struct vq_packed){
		.desc = q->setup.area[VQ_AREA_DESC],
		.driver = q->setup.area[VQ_AREA_DRIVER],
		.device = q->setup.area[VQ_AREA_DEVICE],
		.avail = vq_cursor_unpack(avail),
		/* DPDK says one place alone for a fresh ring: a full one can't be. */
		.used = vq_cursor_unpack(avail == 0x8000 && !used ? avail : used),
		.event_idx = q->setup.features & (1ULL << VIRTIO_RING_F_EVENT_IDX),
	};
	return p->avail.pos < q->setup.size && p->used.pos < q->setup.size ? 0 : -EINVAL;
}

static uint16_t packed_flags(struct vq *q, struct vq_cursor at)
{
	return vq_load16_acquire(q->swap, &q->packed.desc[at.pos].flags);
}

/*
 * The table of descriptor @desc: entries lie one behind the other, and only
 * WRITE means something in them (2.8.7).
 */
static int packed_walk_table(struct vq *q, struct vq_elem *elem, const struct vq_desc *desc)
{
	const struct vring_packed_desc *t = (const void *)q->table;
	uint16_t n = 0;

	if (vq_table_copy(q, desc, &n))
		return -EINVAL;
	for (uint16_t i = 0; i < n; i++) {
		struct vq_desc d = {
			.addr = vq_swap64(q->swap, t[i].addr),
			.len = vq_swap32(q->swap, t[i].len),
			.flags = vq_swap16(q->swap, t[i].flags) & VRING_DESC_F_WRITE,
		};

		if (vq_chain_add(q, elem, &d))
			return -EINVAL;
	}
	return 0;
}

/* Reads a chain from @at on; elem->id and elem->nr are filled in. */
static int packed_walk(struct vq *q, struct vq_elem *elem, struct vq_cursor at, uint16_t flags)
{
	const uint16_t ring = VQ_PACKED_AVAIL | VQ_PACKED_USED;

	for (elem->nr = 1;; elem->nr++) {
		const struct vring_packed_desc *p = &q->packed.desc[at.pos];
		struct vq_desc d = {
			.addr = vq_load64(q->swap, &p->addr),
			.len = vq_load32(q->swap, &p->len),
			.flags = flags & ~ring,
		};

		elem->id = vq_load16(q->swap, &p->id);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			/* 2.8.17: a chain has descriptors or one table. */
			if (elem->nr > 1)
				return vq_break(q, VQ_FAULT_INDIRECT_CHAIN);
			return packed_walk_table(q, elem, &d);
		}
		if (vq_chain_add(q, elem, &d))
			return -EINVAL;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		/* Also ends a loop: what is taken is never more than the ring. */
		if (elem->nr == q->setup.size - q->packed.taken)
			return vq_break(q, VQ_FAULT_CHAIN_LONG);
		vq_cursor_add(&at, 1, q->setup.size);
		flags = vq_load16(q->swap, &q->packed.desc[at.pos].flags);
	}
}

static int packed_pop(struct vq *q, struct vq_elem *elem)
{
	struct vq_packed *p = &q->packed;
	uint16_t flags = packed_flags(q, p->avail);

	if (!vq_packed_is_avail(flags, p->avail.wrap))
		return 0;
	if (p->taken == q->setup.size)
		return vq_break(q, VQ_FAULT_AVAIL_JUMP);
	if (packed_walk(q, elem, p->avail, flags))
		return -EINVAL;
	if (vq_test_and_set_busy(q, elem->id))
		return vq_break(q, VQ_FAULT_HEAD_BUSY);
	vq_cursor_add(&p->avail, elem->nr, q->setup.size);
	p->taken += elem->nr;
	return 1;
}

static void packed_unpop(struct vq *q, const struct vq_elem *elem)
{
	vq_cursor_sub(&q->packed.avail, elem->nr, q->setup.size);
	q->packed.taken -= elem->nr;
}

static void packed_push(struct vq *q, const struct vq_done *done)
{
	struct vq_packed *p = &q->packed;
	struct vring_packed_desc *d = &p->desc[p->used.pos];
	uint16_t flags = vq_packed_used_flags(p->used.wrap);

	vq_store16(q->swap, &d->id, done->id);
	vq_store32(q->swap, &d->len, done->written);
	/* 2.8.4: WRITE says that the length means something. */
	if (done->written)
		flags |= VRING_DESC_F_WRITE;
	vq_store16_release(q->swap, &d->flags, flags);
	vq_cursor_add(&p->used, done->nr, q->setup.size);
	p->taken -= done->nr;
	/* Long before the count wraps: the next decision is "notify". */
	if (p->since > INT16_MAX - done->nr)
		p->since_valid = false;
	else
		p->since += done->nr;
}

static bool packed_should_notify(struct vq *q)
{
	struct vq_packed *p = &q->packed;
	uint16_t n = p->since, flags;
	bool valid = p->since_valid;

	/* Pairs with the fence in the driver's enable_cb. */
	vq_fence();
	p->since = 0;
	p->since_valid = true;
	flags = vq_load16_acquire(q->swap, &p->driver->flags) & 3;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !p->event_idx)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	return !valid || vq_packed_event(vq_load16(q->swap, &p->driver->off_wrap), p->used, n,
					 q->setup.size);
}

static void packed_disable_notify(struct vq *q)
{
	vq_store16(q->swap, &q->packed.device->flags, VRING_PACKED_EVENT_FLAG_DISABLE);
}

static bool packed_enable_notify(struct vq *q)
{
	struct vq_packed *p = &q->packed;
	uint16_t flags = VRING_PACKED_EVENT_FLAG_ENABLE;

	if (p->event_idx) {
		vq_store16(q->swap, &p->device->off_wrap, vq_cursor_pack(p->avail));
		flags = VRING_PACKED_EVENT_FLAG_DESC;
	}
	/* Release: the place is there before the flags that refer to it. */
	vq_store16_release(q->swap, &p->device->flags, flags);
	/* Pairs with the fence in the driver's kick_needed. */
	vq_fence();
	return vq_packed_is_avail(packed_flags(q, p->avail), p->avail.wrap);
}

static uint32_t packed_base(const struct vq *q)
{
	return vq_cursor_pack(q->packed.avail) | (uint32_t)vq_cursor_pack(q->packed.used) << 16;
}

const struct vq_ops vq_packed_ops = {
	.start = packed_start,
	.pop = packed_pop,
	.unpop = packed_unpop,
	.push = packed_push,
	.should_notify = packed_should_notify,
	.disable_notify = packed_disable_notify,
	.enable_notify = packed_enable_notify,
	.base = packed_base,
};
