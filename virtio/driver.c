/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split ring, driver side (virtio 1.3, 2.7.13, 2.7.14).
 *
 * Theory of operation: the mirror of virtio/split.c. The device is not trusted
 * either: chains and tokens are kept in private memory, and a used element
 * that names no outstanding head is dropped.
 */
#include "virtio/driver.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "cw/util.h"

#define LOAD(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define STORE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

/**
 * vq_driver_init() - Lay out an empty ring
 * @d:		driver state
 * @area:	host addresses of the ring's parts; cleared here
 * @size:	descriptors: power of two, at most VQ_MAX_SIZE
 * @features:	negotiated virtio features
 *
 * Return: 0, or -EINVAL for a size that can't be.
 */
int vq_driver_init(struct vq_driver *d, void *const area[VQ_AREA_COUNT], uint16_t size,
		   uint64_t features)
{
	if (!cw_is_pow2(size) || size > VQ_MAX_SIZE)
		return -EINVAL;
	memset(d, 0, sizeof(*d));
	for (int i = 0; i < VQ_AREA_COUNT; i++)
		memset(area[i], 0, vq_area_size(i, size, features));
	d->desc = area[VQ_AREA_DESC];
	d->avail = area[VQ_AREA_DRIVER];
	d->used = area[VQ_AREA_DEVICE];
	d->size = size;
	d->nr_free = size;
	d->event_idx = features & (1ULL << VIRTIO_RING_F_EVENT_IDX);
	for (uint16_t i = 0; i < size; i++)
		d->next[i] = i + 1;
	return 0;
}

static void driver_store(struct vring_desc *p, const struct vq_buf *buf, uint16_t flags,
			 uint16_t next)
{
	p->addr = htole64(buf->gpa);
	p->len = htole32(buf->len);
	p->flags = htole16(flags);
	p->next = htole16(next);
}

static uint16_t driver_flags(const struct vq_request *req, unsigned int i)
{
	return (i >= req->nr_out ? VRING_DESC_F_WRITE : 0) |
	       (i + 1 < req->nr_out + req->nr_in ? VRING_DESC_F_NEXT : 0);
}

static void driver_add_table(struct vq_driver *d, const struct vq_request *req)
{
	unsigned int n = req->nr_out + req->nr_in;
	struct vq_buf table = {req->table_gpa, n * sizeof(*req->table)};

	for (unsigned int i = 0; i < n; i++)
		driver_store(&req->table[i], &req->buf[i], driver_flags(req, i), i + 1);
	driver_store(&d->desc[d->free_head], &table, VRING_DESC_F_INDIRECT, 0);
}

/**
 * vq_driver_add() - Add a request, not yet visible to the device
 * @d:		driver state
 * @req:	request
 *
 * Return: its head, or -ENOSPC where descriptors are missing; -EINVAL for a
 * request without buffers.
 */
int vq_driver_add(struct vq_driver *d, const struct vq_request *req)
{
	unsigned int n = req->nr_out + req->nr_in, need = req->table ? 1 : n;
	uint16_t head = d->free_head, i = head, last = head;

	if (!n || !req->token)
		return -EINVAL;
	if (need > d->nr_free)
		return -ENOSPC;
	if (req->table)
		driver_add_table(d, req);
	for (unsigned int k = 0; k < need; k++) {
		if (!req->table)
			driver_store(&d->desc[i], &req->buf[k], driver_flags(req, k), d->next[i]);
		last = i;
		i = d->next[i];
	}
	d->next[last] = d->size; /* ends the chain for driver_free_chain() */
	d->free_head = i;
	d->nr_free -= need;
	d->token[head] = req->token;
	STORE(&d->avail->ring[d->avail_idx & (d->size - 1)], htole16(head));
	d->avail_idx++;
	return head;
}

/**
 * vq_driver_publish() - Show the device what was added
 * @d:		driver state
 */
void vq_driver_publish(struct vq_driver *d)
{
	/* Release: descriptors and ring entries are there before the index. */
	__atomic_store_n(&d->avail->idx, htole16(d->avail_idx), __ATOMIC_RELEASE);
}

/**
 * vq_driver_kick_needed() - Whether the device wants to hear of it
 * @d:		driver state; call after vq_driver_publish()
 *
 * Return: true if the device is to be kicked.
 */
bool vq_driver_kick_needed(struct vq_driver *d)
{
	uint16_t old = d->kicked_idx, event;

	/* Full fence: pairs with the one in split_enable_notify(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	d->kicked_idx = d->avail_idx;
	if (!d->event_idx)
		return !(le16toh(LOAD(&d->used->flags)) & VRING_USED_F_NO_NOTIFY);
	event = le16toh(LOAD((uint16_t *)&d->used->ring[d->size]));
	return vring_need_event(event, d->avail_idx, old);
}

static void driver_free_chain(struct vq_driver *d, uint16_t head)
{
	uint16_t last = head;

	for (d->nr_free++; d->next[last] != d->size; d->nr_free++)
		last = d->next[last];
	d->next[last] = d->free_head;
	d->free_head = head;
}

/**
 * vq_driver_pending() - Whether the device has used something
 * @d:		driver state
 *
 * Return: true if vq_driver_get() has something to look at.
 */
bool vq_driver_pending(const struct vq_driver *d)
{
	return le16toh(__atomic_load_n(&d->used->idx, __ATOMIC_ACQUIRE)) != d->last_used;
}

/**
 * vq_driver_get() - Take a used element
 * @d:		driver state
 * @ret_len:	bytes the device says it wrote, untrusted
 *
 * Return: the request's token; NULL where there is none, or where the device
 * names a head that is not outstanding.
 */
void *vq_driver_get(struct vq_driver *d, uint32_t *ret_len)
{
	const struct vring_used_elem *u;
	uint32_t id;
	void *token;

	if (!vq_driver_pending(d))
		return NULL;
	u = &d->used->ring[d->last_used & (d->size - 1)];
	id = le32toh(LOAD(&u->id));
	d->last_used++;
	if (id >= d->size || !d->token[id])
		return NULL;
	*ret_len = le32toh(LOAD(&u->len));
	token = d->token[id];
	d->token[id] = NULL;
	driver_free_chain(d, id);
	return token;
}

/**
 * vq_driver_disable_cb() - Ask for no used notification
 * @d:		driver state
 */
void vq_driver_disable_cb(struct vq_driver *d)
{
	if (!d->event_idx)
		STORE(&d->avail->flags, htole16(VRING_AVAIL_F_NO_INTERRUPT));
	else /* an index just passed: reached again after 2^16 elements */
		STORE(&d->avail->ring[d->size], htole16(d->last_used - 1));
}

/**
 * vq_driver_enable_cb() - Ask for a notification at the next used element
 * @d:		driver state
 *
 * Return: true if one came in meanwhile: take it, no notification may come.
 */
bool vq_driver_enable_cb(struct vq_driver *d)
{
	if (!d->event_idx)
		STORE(&d->avail->flags, 0);
	else
		STORE(&d->avail->ring[d->size], htole16(d->last_used));
	/* Full fence: pairs with the one in split_should_notify(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vq_driver_pending(d);
}
