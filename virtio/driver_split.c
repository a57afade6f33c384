/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split ring, driver side (virtio 1.3, 2.7.13, 2.7.14): the mirror of split.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "virtio/driver.h"
#include "virtio/order.h"

#include "cw/util.h"

static int split_init(struct vq_driver *d, void *const area[VQ_AREA_COUNT])
{
	struct vq_driver_split *s = &d->split;

	s->desc = area[VQ_AREA_DESC];
	s->avail = area[VQ_AREA_DRIVER];
	s->used = area[VQ_AREA_DEVICE];
	s->next = calloc(d->size, sizeof(*s->next));
	if (!s->next)
		return -ENOMEM;
	for (uint16_t i = 0; i < d->size; i++)
		s->next[i] = i + 1;
	return 0;
}

static void split_store(const struct vq_driver *d, struct vring_desc *p, const struct vq_buf *buf,
			uint32_t flags_next)
{
	vq_store64(d->swap, &p->addr, buf->gpa);
	vq_store32(d->swap, &p->len, buf->len);
	vq_store16(d->swap, &p->flags, flags_next);
	vq_store16(d->swap, &p->next, flags_next >> 16);
}

static uint32_t split_flags(const struct vq_request *req, unsigned int i, uint16_t next)
{
	uint16_t flags = i >= req->nr_out ? VRING_DESC_F_WRITE : 0;

	if (i + 1 < (unsigned int)req->nr_out + req->nr_in)
		return flags | VRING_DESC_F_NEXT | (uint32_t)next << 16;
	return flags;
}

static void split_add_table(struct vq_driver *d, const struct vq_request *req)
{
	unsigned int n = req->nr_out + req->nr_in;
	struct vq_buf buf = {req->table_gpa, n * sizeof(struct vring_desc)};
	struct vring_desc *table = req->table;

	for (unsigned int i = 0; i < n; i++)
		split_store(d, &table[i], &req->buf[i], split_flags(req, i, i + 1));
	split_store(d, &d->split.desc[d->split.free_head], &buf, VRING_DESC_F_INDIRECT);
}

static uint16_t split_add(struct vq_driver *d, const struct vq_request *req)
{
	unsigned int need = req->table ? 1 : req->nr_out + req->nr_in;
	struct vq_driver_split *s = &d->split;
	uint16_t head = s->free_head, i = head, last = head;

	if (req->table)
		split_add_table(d, req);
	for (unsigned int k = 0; k < need; k++) {
		if (!req->table)
			split_store(d, &s->desc[i], &req->buf[k], split_flags(req, k, s->next[i]));
		last = i;
		i = s->next[i];
	}
	s->next[last] = d->size; /* ends the chain for split_release() */
	s->free_head = i;
	vq_store16(d->swap, &s->avail->ring[s->avail_idx & (d->size - 1)], head);
	s->avail_idx++;
	return head;
}

static void split_publish(struct vq_driver *d)
{
	/* Release: descriptors and ring entries are there before the index. */
	vq_store16_release(d->swap, &d->split.avail->idx, d->split.avail_idx);
}

static bool split_kick_needed(struct vq_driver *d)
{
	struct vq_driver_split *s = &d->split;
	uint16_t old = s->kicked_idx, event;

	/* Pairs with the fence in the device's enable_notify. */
	vq_fence();
	s->kicked_idx = s->avail_idx;
	if (!d->event_idx)
		return !(vq_load16(d->swap, &s->used->flags) & VRING_USED_F_NO_NOTIFY);
	event = vq_load16(d->swap, (uint16_t *)&s->used->ring[d->size]);
	return vring_need_event(event, s->avail_idx, old);
}

static bool split_pending(const struct vq_driver *d)
{
	return vq_load16_acquire(d->swap, &d->split.used->idx) != d->split.last_used;
}

static uint32_t split_used(const struct vq_driver *d, uint32_t *ret_len)
{
	const struct vring_used_elem *u =
		&d->split.used->ring[d->split.last_used & (d->size - 1)];

	*ret_len = vq_load32(d->swap, &u->len);
	return vq_load32(d->swap, &u->id);
}

static void split_skip(struct vq_driver *d, uint16_t requests, uint16_t entries)
{
	d->split.last_used += requests;
}

static void split_release(struct vq_driver *d, uint16_t id)
{
	struct vq_driver_split *s = &d->split;
	uint16_t last = id;

	while (s->next[last] != d->size)
		last = s->next[last];
	s->next[last] = s->free_head;
	s->free_head = id;
}

static void split_disable_cb(struct vq_driver *d)
{
	struct vq_driver_split *s = &d->split;

	if (!d->event_idx)
		vq_store16(d->swap, &s->avail->flags, VRING_AVAIL_F_NO_INTERRUPT);
	else /* an index just passed: reached again after 2^16 elements */
		vq_store16(d->swap, &s->avail->ring[d->size], s->last_used - 1);
}

static void split_enable_cb(struct vq_driver *d)
{
	struct vq_driver_split *s = &d->split;

	if (!d->event_idx)
		vq_store16(d->swap, &s->avail->flags, 0);
	else
		vq_store16(d->swap, &s->avail->ring[d->size], s->last_used);
}

static uint16_t split_next_avail(const struct vq_driver *d)
{
	return d->split.avail_idx;
}

const struct vq_driver_ops vq_driver_split_ops = {
	.init = split_init,
	.add = split_add,
	.publish = split_publish,
	.kick_needed = split_kick_needed,
	.pending = split_pending,
	.used = split_used,
	.skip = split_skip,
	.release = split_release,
	.disable_cb = split_disable_cb,
	.enable_cb = split_enable_cb,
	.next_avail = split_next_avail,
};
