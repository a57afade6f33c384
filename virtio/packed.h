/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packed ring: its layout in guest memory (virtio 1.3, 2.8) and the state that
 * the device keeps beside it.
 */
#ifndef VIRTIO_PACKED_H
#define VIRTIO_PACKED_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_ring.h>

/**
 * struct vq_cursor - A place in a packed ring
 * @pos:	descriptor
 * @wrap:	the ring wrap counter there
 */
struct vq_cursor {
	uint16_t pos;
	bool wrap;
};

static inline void vq_cursor_add(struct vq_cursor *c, uint16_t n, uint16_t size)
{
	uint32_t pos = (uint32_t)c->pos + n;

	c->wrap ^= pos >= size;
	c->pos = pos >= size ? pos - size : pos;
}

static inline void vq_cursor_sub(struct vq_cursor *c, uint16_t n, uint16_t size)
{
	c->wrap ^= n > c->pos;
	c->pos = n > c->pos ? c->pos + size - n : c->pos - n;
}

/* As the event suppression structures and vhost-user say it: 15 bits and one. */
static inline uint16_t vq_cursor_pack(struct vq_cursor c)
{
	return c.pos | (uint16_t)c.wrap << 15;
}

static inline struct vq_cursor vq_cursor_unpack(uint16_t v)
{
	return (struct vq_cursor){v & 0x7fff, v >> 15};
}

#define VQ_PACKED_AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define VQ_PACKED_USED (1u << VRING_PACKED_DESC_F_USED)

/* Flags of a descriptor that the driver made available there (2.8.1). */
static inline uint16_t vq_packed_avail_flags(bool wrap)
{
	return wrap ? VQ_PACKED_AVAIL : VQ_PACKED_USED;
}

/* Flags of a descriptor that the device used there. */
static inline uint16_t vq_packed_used_flags(bool wrap)
{
	return wrap ? VQ_PACKED_AVAIL | VQ_PACKED_USED : 0;
}

static inline bool vq_packed_is_avail(uint16_t flags, bool wrap)
{
	return (flags & (VQ_PACKED_AVAIL | VQ_PACKED_USED)) == vq_packed_avail_flags(wrap);
}

static inline bool vq_packed_is_used(uint16_t flags, bool wrap)
{
	return (flags & (VQ_PACKED_AVAIL | VQ_PACKED_USED)) == vq_packed_used_flags(wrap);
}

/**
 * vq_packed_event() - Whether the other side wants to hear of descriptors
 * @off_wrap:	its event offset and wrap counter
 * @now:	where we are after them
 * @n:		how many descriptors there were since the last answer
 * @size:	of the ring
 *
 * Return: true if the descriptor it waits for is one of them (2.8.10).
 */
static inline bool vq_packed_event(uint16_t off_wrap, struct vq_cursor now, uint16_t n,
				   uint16_t size)
{
	struct vq_cursor event = vq_cursor_unpack(off_wrap);
	uint16_t at = event.pos;

	if (event.wrap != now.wrap)
		at -= size;
	return vring_need_event(at, now.pos, now.pos - n);
}

/**
 * struct vq_packed - Device state of a packed ring
 * @desc:	descriptor ring, guest memory
 * @driver:	driver event suppression, guest memory
 * @device:	device event suppression, guest memory
 * @avail:	next descriptor to take
 * @used:	where the next used descriptor goes
 * @taken:	descriptors popped and not given back: never more than there are
 * @since:	descriptors used since the last decision to notify
 * @since_valid: false after a start and once @since would wrap: then the next
 *		decision is "notify"
 * @event_idx:	VIRTIO_RING_F_EVENT_IDX is negotiated
 */
struct vq_packed {
	struct vring_packed_desc *desc;
	struct vring_packed_desc_event *driver;
	struct vring_packed_desc_event *device;
	struct vq_cursor avail;
	struct vq_cursor used;
	uint16_t taken;
	uint16_t since;
	bool since_valid;
	bool event_idx;
};

struct vq_ops;
extern const struct vq_ops vq_packed_ops;

#endif
