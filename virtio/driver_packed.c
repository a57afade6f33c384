/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packed ring, driver side (virtio 1.3, 2.8.13 to 2.8.22): the mirror of
 * packed.c. The device takes descriptors in ring order, so as long as the
 * first one that was added keeps its old flags none behind it can be seen.
 */
#include <errno.h>
#include <stdlib.h>

#include "virtio/driver.h"
#include "virtio/order.h"

#include "cw/util.h"

static int packed_init(struct vq_driver *d, void *const area[VQ_AREA_COUNT])
{
	struct vq_driver_packed *p = &d->packed;

	p->desc = area[VQ_AREA_DESC];
	p->driver = area[VQ_AREA_DRIVER];
	p->device = area[VQ_AREA_DEVICE];
	p->avail.wrap = true;
	p->used.wrap = true;
	p->next_id = calloc(d->size, sizeof(*p->next_id));
	if (!p->next_id)
		return -ENOMEM;
	for (uint16_t i = 0; i < d->size; i++)
		p->next_id[i] = i + 1;
	return 0;
}

static void packed_store(const struct vq_driver *d, struct vring_packed_desc *desc,
			 const struct vq_buf *buf, uint16_t id)
{
	vq_store64(d->swap, &desc->addr, buf->gpa);
	vq_store32(d->swap, &desc->len, buf->len);
	vq_store16(d->swap, &desc->id, id);
}

/* The next descriptor of the ring, with its flags unless it is the first one. */
static void packed_put(struct vq_driver *d, const struct vq_buf *buf, uint16_t id, uint16_t flags)
{
	struct vq_driver_packed *p = &d->packed;
	struct vring_packed_desc *desc = &p->desc[p->avail.pos];

	packed_store(d, desc, buf, id);
	flags |= vq_packed_avail_flags(p->avail.wrap);
	if (p->unpublished++) {
		vq_store16(d->swap, &desc->flags, flags);
	} else {
		p->first = p->avail.pos;
		p->first_flags = flags;
	}
	vq_cursor_add(&p->avail, 1, d->size);
}

static uint16_t packed_flags(const struct vq_request *req, unsigned int i)
{
	return i >= req->nr_out ? VRING_DESC_F_WRITE : 0;
}

static void packed_add_table(struct vq_driver *d, const struct vq_request *req, uint16_t id)
{
	unsigned int n = req->nr_out + req->nr_in;
	struct vq_buf buf = {req->table_gpa, n * sizeof(struct vring_packed_desc)};
	struct vring_packed_desc *table = req->table;

	for (unsigned int i = 0; i < n; i++) {
		packed_store(d, &table[i], &req->buf[i], 0);
		vq_store16(d->swap, &table[i].flags, packed_flags(req, i));
	}
	packed_put(d, &buf, id, VRING_DESC_F_INDIRECT);
}

static uint16_t packed_add(struct vq_driver *d, const struct vq_request *req)
{
	unsigned int n = req->nr_out + req->nr_in;
	struct vq_driver_packed *p = &d->packed;
	uint16_t id = p->free_id;

	p->free_id = p->next_id[id];
	if (req->table) {
		packed_add_table(d, req, id);
		return id;
	}
	for (unsigned int i = 0; i < n; i++)
		packed_put(d, &req->buf[i], id,
			   packed_flags(req, i) | (i + 1 < n ? VRING_DESC_F_NEXT : 0));
	return id;
}

static void packed_publish(struct vq_driver *d)
{
	struct vq_driver_packed *p = &d->packed;

	if (!p->unpublished)
		return;
	/* Release: all of the batch is there before its first flags. */
	vq_store16_release(d->swap, &p->desc[p->first].flags, p->first_flags);
	p->unkicked += p->unpublished;
	p->unpublished = 0;
}

static bool packed_kick_needed(struct vq_driver *d)
{
	struct vq_driver_packed *p = &d->packed;
	uint16_t n = p->unkicked, flags;

	/* Pairs with the fence in the device's enable_notify. */
	vq_fence();
	p->unkicked = 0;
	flags = vq_load16_acquire(d->swap, &p->device->flags) & 3;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	return vq_packed_event(vq_load16(d->swap, &p->device->off_wrap), p->avail, n, d->size);
}

static bool packed_pending(const struct vq_driver *d)
{
	const struct vq_driver_packed *p = &d->packed;

	/* Nothing outstanding: what looks used there was used a lap ago. */
	return d->nr_free != d->size &&
	       vq_packed_is_used(vq_load16_acquire(d->swap, &p->desc[p->used.pos].flags),
				 p->used.wrap);
}

static uint32_t packed_used(const struct vq_driver *d, uint32_t *ret_len)
{
	const struct vring_packed_desc *desc = &d->packed.desc[d->packed.used.pos];
	bool written = vq_load16(d->swap, &desc->flags) & VRING_DESC_F_WRITE;

	*ret_len = written ? vq_load32(d->swap, &desc->len) : 0;
	return vq_load16(d->swap, &desc->id);
}

static void packed_skip(struct vq_driver *d, uint16_t requests, uint16_t entries)
{
	vq_cursor_add(&d->packed.used, entries, d->size);
}

static void packed_release(struct vq_driver *d, uint16_t id)
{
	d->packed.next_id[id] = d->packed.free_id;
	d->packed.free_id = id;
}

static void packed_disable_cb(struct vq_driver *d)
{
	vq_store16(d->swap, &d->packed.driver->flags, VRING_PACKED_EVENT_FLAG_DISABLE);
}

static void packed_enable_cb(struct vq_driver *d)
{
	struct vq_driver_packed *p = &d->packed;
	uint16_t flags = VRING_PACKED_EVENT_FLAG_ENABLE;

	if (d->event_idx) {
		vq_store16(d->swap, &p->driver->off_wrap, vq_cursor_pack(p->used));
		flags = VRING_PACKED_EVENT_FLAG_DESC;
	}
	/* Release: the place is there before the flags that refer to it. */
	vq_store16_release(d->swap, &p->driver->flags, flags);
}

static uint16_t packed_next_avail(const struct vq_driver *d)
{
	return vq_cursor_pack(d->packed.avail);
}

const struct vq_driver_ops vq_driver_packed_ops = {
	.init = packed_init,
	.add = packed_add,
	.publish = packed_publish,
	.kick_needed = packed_kick_needed,
	.pending = packed_pending,
	.used = packed_used,
	.skip = packed_skip,
	.release = packed_release,
	.disable_cb = packed_disable_cb,
	.enable_cb = packed_enable_cb,
	.next_avail = packed_next_avail,
};
