/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueue, driver side: what the ring formats have in common.
 *
 * Theory of operation: the device is not trusted either. What is outstanding
 * is kept in private memory under its id; a used entry that names none breaks
 * the queue. With VIRTIO_F_IN_ORDER one used entry may stand for all requests
 * up to it: those are returned one by one, in the order they were added.
 */
#include "virtio/driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "virtio/order.h"

#include "cw/util.h"

/**
 * vq_driver_init() - Lay out an empty ring
 * @d:		driver state
 * @area:	host addresses of the ring's parts; cleared here
 * @size:	descriptors, at most VQ_MAX_SIZE; split: a power of two
 * @features:	negotiated virtio features; little endian also without VERSION_1
 *
 * vq_driver_finish() is due where 0 is returned.
 *
 * Return: 0, -EINVAL for a size that can't be, or -ENOMEM.
 */
int vq_driver_init(struct vq_driver *d, void *const area[VQ_AREA_COUNT], uint16_t size,
		   uint64_t features)
{
	bool packed = features & (1ULL << VIRTIO_F_RING_PACKED);
	bool in_order = features & (1ULL << VIRTIO_F_IN_ORDER);

	memset(d, 0, sizeof(*d));
	if (!size || size > VQ_MAX_SIZE || (!packed && !cw_is_pow2(size)))
		return -EINVAL;
	for (int i = 0; i < VQ_AREA_COUNT; i++)
		memset(area[i], 0, vq_area_size(i, size, features));
	d->ops = packed ? &vq_driver_packed_ops : &vq_driver_split_ops;
	d->features = features;
	d->size = size;
	d->nr_free = size;
	d->event_idx = features & (1ULL << VIRTIO_RING_F_EVENT_IDX);
	d->swap = vq_order_swaps(false);
	d->pending = calloc(size, sizeof(*d->pending));
	if (in_order)
		d->order = calloc(size, sizeof(*d->order));
	if (d->pending && (d->order || !in_order) && !d->ops->init(d, area))
		return 0;
	vq_driver_finish(d);
	return -ENOMEM;
}

/**
 * vq_driver_finish() - Free what vq_driver_init() allocated
 * @d:	driver state; also one that is all zero
 */
void vq_driver_finish(struct vq_driver *d)
{
	free(d->pending);
	free(d->order);
	free(d->split.next);
	free(d->packed.next_id);
	memset(d, 0, sizeof(*d));
}

/**
 * vq_driver_add() - Add a request, not yet visible to the device
 * @d:		driver state
 * @req:	request
 *
 * Return: its id, or -ENOSPC where descriptors are missing; -EINVAL for a
 * request without buffers or token.
 */
int vq_driver_add(struct vq_driver *d, const struct vq_request *req)
{
	unsigned int n = req->nr_out + req->nr_in, need = req->table ? 1 : n;
	struct vq_pending *p;
	uint16_t id;

	if (!n || !req->token)
		return -EINVAL;
	if (need > d->nr_free)
		return -ENOSPC;
	id = d->ops->add(d, req);
	d->nr_free -= need;
	p = &d->pending[id];
	*p = (struct vq_pending){.token = req->token, .nr = need};
	for (unsigned int i = req->nr_out; i < n; i++)
		p->in_len += req->buf[i].len;
	if (d->order)
		d->order[d->order_tail++ % d->size] = id;
	return id;
}

/**
 * vq_driver_publish() - Show the device what was added
 * @d:		driver state
 */
void vq_driver_publish(struct vq_driver *d)
{
	d->ops->publish(d);
}

/**
 * vq_driver_kick_needed() - Whether the device wants to hear of it
 * @d:		driver state; call after vq_driver_publish()
 *
 * Return: true if the device is to be kicked.
 */
bool vq_driver_kick_needed(struct vq_driver *d)
{
	return d->ops->kick_needed(d);
}

/**
 * vq_driver_notify_data() - What to write to the doorbell (virtio 1.3, 2.9)
 * @d:		driver state
 * @queue:	number of the queue
 *
 * Return: the number, and with VIRTIO_F_NOTIFICATION_DATA in the upper half
 * where the next entry will be.
 */
uint32_t vq_driver_notify_data(const struct vq_driver *d, uint16_t queue)
{
	if (!(d->features & (1ULL << VQ_F_NOTIFICATION_DATA)))
		return queue;
	return queue | (uint32_t)d->ops->next_avail(d) << 16;
}

static bool is_outstanding(const struct vq_driver *d, uint32_t id)
{
	return id < d->size && d->pending[id].token;
}

static void *take(struct vq_driver *d, uint16_t id)
{
	struct vq_pending *p = &d->pending[id];
	void *token = p->token;

	d->ops->release(d, id);
	d->nr_free += p->nr;
	p->token = NULL;
	return token;
}

/* The used entry at the front is for request @id and, with a batch, those before. */
static void *get_in_order(struct vq_driver *d, uint32_t *ret_len)
{
	uint16_t id = d->order[d->order_head++ % d->size];

	d->in_batch = id != d->batch_id;
	/* A skipped one was used as a whole (2.7.9, 2.8.8). */
	*ret_len = d->in_batch ? d->pending[id].in_len : d->batch_len;
	return take(d, id);
}

/* Steps over a used entry for all requests up to @id, which is outstanding. */
static void skip_batch(struct vq_driver *d, uint16_t id)
{
	uint16_t entries = 0, at;
	uint32_t i = d->order_head;

	do {
		at = d->order[i++ % d->size];
		entries += d->pending[at].nr;
	} while (at != id);
	d->ops->skip(d, i - d->order_head, entries);
}

/**
 * vq_driver_pending() - Whether the device has used something
 * @d:		driver state
 *
 * Return: true if vq_driver_get() has something to look at.
 */
bool vq_driver_pending(const struct vq_driver *d)
{
	return !d->broken && (d->in_batch || d->ops->pending(d));
}

/**
 * vq_driver_get() - Take a used request
 * @d:		driver state
 * @ret_len:	bytes the device says it wrote, untrusted
 *
 * Return: the request's token; NULL where there is none, or where the queue is
 * broken, now or before.
 */
void *vq_driver_get(struct vq_driver *d, uint32_t *ret_len)
{
	uint32_t id;

	if (!vq_driver_pending(d))
		return NULL;
	if (d->in_batch)
		return get_in_order(d, ret_len);
	id = d->ops->used(d, ret_len);
	if (!is_outstanding(d, id)) {
		d->broken = true;
		return NULL;
	}
	if (!d->order) {
		d->ops->skip(d, 1, d->pending[id].nr);
		return take(d, id);
	}
	d->batch_id = id;
	d->batch_len = *ret_len;
	skip_batch(d, id);
	return get_in_order(d, ret_len);
}

/**
 * vq_driver_disable_cb() - Ask for no used notification
 * @d:		driver state
 */
void vq_driver_disable_cb(struct vq_driver *d)
{
	d->ops->disable_cb(d);
}

/**
 * vq_driver_enable_cb() - Ask for a notification at the next used entry
 * @d:		driver state
 *
 * Return: true if one came in meanwhile: take it, no notification may come.
 */
bool vq_driver_enable_cb(struct vq_driver *d)
{
	d->ops->enable_cb(d);
	/* Pairs with the fence in the device's should_notify. */
	vq_fence();
	return vq_driver_pending(d);
}
