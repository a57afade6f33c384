/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueue, driver side, for front ends and tests: what a guest driver does.
 * One interface for both ring formats.
 *
 *	vq_driver_add(d, &req);			any number of times
 *	vq_driver_publish(d);
 *	if (vq_driver_kick_needed(d))
 *		kick the device;
 *
 *	vq_driver_disable_cb(d);
 *	do {
 *		while ((token = vq_driver_get(d, &len)))
 *			...
 *	} while (vq_driver_enable_cb(d));
 */
#ifndef VIRTIO_DRIVER_H
#define VIRTIO_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_ring.h>

#include "virtio/packed.h"
#include "virtio/queue.h"

/**
 * struct vq_buf - A buffer in guest memory
 * @gpa:	guest address
 * @len:	bytes
 */
struct vq_buf {
	uint64_t gpa;
	uint32_t len;
};

/**
 * struct vq_request - What vq_driver_add() makes available
 * @buf:	buffers: @nr_out to be read by the device, then @nr_in to be written
 * @nr_out:	number of readable ones
 * @nr_in:	number of writable ones
 * @token:	comes back from vq_driver_get(); not NULL
 * @table:	host address of room for an indirect table, NULL for none; an entry
 *		is 16 bytes in either format
 * @table_gpa:	its guest address
 */
struct vq_request {
	const struct vq_buf *buf;
	uint16_t nr_out;
	uint16_t nr_in;
	void *token;
	void *table;
	uint64_t table_gpa;
};

/**
 * struct vq_driver_split - Driver state of a split ring
 * @desc:	descriptor table in guest memory
 * @avail:	available ring in guest memory
 * @used:	used ring in guest memory
 * @next:	per descriptor: the free list and chains, private: the device may
 *		not lead us astray
 * @free_head:	first free descriptor
 * @avail_idx:	free-running index of the next entry; shown by vq_driver_publish()
 * @kicked_idx:	@avail_idx at the last vq_driver_kick_needed()
 * @last_used:	free-running index of the next used element to take
 */
struct vq_driver_split {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t *next;
	uint16_t free_head;
	uint16_t avail_idx;
	uint16_t kicked_idx;
	uint16_t last_used;
};

/**
 * struct vq_driver_packed - Driver state of a packed ring
 * @desc:	descriptor ring in guest memory
 * @driver:	driver event suppression in guest memory
 * @device:	device event suppression in guest memory
 * @next_id:	per buffer id: the next free one
 * @free_id:	first free buffer id
 * @avail:	where the next descriptor goes
 * @used:	where the next used one comes
 * @first:	first descriptor that vq_driver_publish() shows: its flags are
 *		still those of before, which hides all behind it
 * @first_flags: what they will be
 * @unpublished: descriptors from @first on
 * @unkicked:	descriptors published since the last vq_driver_kick_needed()
 */
struct vq_driver_packed {
	struct vring_packed_desc *desc;
	struct vring_packed_desc_event *driver;
	struct vring_packed_desc_event *device;
	uint16_t *next_id;
	uint16_t free_id;
	struct vq_cursor avail;
	struct vq_cursor used;
	uint16_t first;
	uint16_t first_flags;
	uint16_t unpublished;
	uint16_t unkicked;
};

/**
 * struct vq_pending - A request that the device has
 * @token:	of the request, NULL where there is none
 * @nr:		ring entries it takes
 * @in_len:	bytes the device may write
 */
struct vq_pending {
	void *token;
	uint16_t nr;
	uint32_t in_len;
};

struct vq_driver;

/**
 * struct vq_driver_ops - Driver side of a ring format
 * @init:	empty ring; 0 or -ENOMEM
 * @add:	write the descriptors of a request; its id, for which there is room
 * @publish:	show the device what was added
 * @kick_needed: whether it wants to be kicked for that
 * @pending:	whether it has used something
 * @used:	the id and length of the next used entry; what is outstanding under
 *		that id says where the one behind it is
 * @skip:	step over the used entry, which stands for @requests requests that
 *		took @entries ring entries
 * @release:	its descriptors are free again
 * @disable_cb:	ask for no used notification
 * @enable_cb:	ask for one at the next used entry
 * @next_avail:	offset of the next entry, as NOTIFICATION_DATA says it
 */
struct vq_driver_ops {
	int (*init)(struct vq_driver *d, void *const area[VQ_AREA_COUNT]);
	uint16_t (*add)(struct vq_driver *d, const struct vq_request *req);
	void (*publish)(struct vq_driver *d);
	bool (*kick_needed)(struct vq_driver *d);
	bool (*pending)(const struct vq_driver *d);
	uint32_t (*used)(const struct vq_driver *d, uint32_t *ret_len);
	void (*skip)(struct vq_driver *d, uint16_t requests, uint16_t entries);
	void (*release)(struct vq_driver *d, uint16_t id);
	void (*disable_cb)(struct vq_driver *d);
	void (*enable_cb)(struct vq_driver *d);
	uint16_t (*next_avail)(const struct vq_driver *d);
};

/**
 * struct vq_driver - Driver side of a queue
 * @ops:	of the ring format
 * @features:	negotiated
 * @size:	descriptors
 * @nr_free:	free descriptors
 * @event_idx:	VIRTIO_RING_F_EVENT_IDX is negotiated
 * @swap:	ring fields are the other way round than this processor's
 * @broken:	the device named an entry that is not outstanding: nothing comes
 *		back any more
 * @pending:	per id
 * @order:	with VIRTIO_F_IN_ORDER: ids as they were added, a ring of @size;
 *		else NULL
 * @order_head:	free-running count of requests returned
 * @order_tail:	free-running count of requests added
 * @batch_id:	with VIRTIO_F_IN_ORDER: id of the used entry that stands for all up
 *		to it
 * @batch_len:	its length
 * @in_batch:	requests up to @batch_id are being returned
 * @split:	state of the split format
 * @packed:	state of the packed format
 *
 * Thread: one at a time.
 */
struct vq_driver {
	const struct vq_driver_ops *ops;
	uint64_t features;
	uint16_t size;
	uint16_t nr_free;
	bool event_idx;
	bool swap;
	bool broken;
	struct vq_pending *pending;
	uint16_t *order;
	uint32_t order_head;
	uint32_t order_tail;
	uint16_t batch_id;
	uint32_t batch_len;
	bool in_batch;
	struct vq_driver_split split;
	struct vq_driver_packed packed;
};

extern const struct vq_driver_ops vq_driver_split_ops;
extern const struct vq_driver_ops vq_driver_packed_ops;

int vq_driver_init(struct vq_driver *d, void *const area[VQ_AREA_COUNT], uint16_t size,
		   uint64_t features);
void vq_driver_finish(struct vq_driver *d);
int vq_driver_add(struct vq_driver *d, const struct vq_request *req);
void vq_driver_publish(struct vq_driver *d);
bool vq_driver_kick_needed(struct vq_driver *d);
uint32_t vq_driver_notify_data(const struct vq_driver *d, uint16_t queue);
void *vq_driver_get(struct vq_driver *d, uint32_t *ret_len);
bool vq_driver_pending(const struct vq_driver *d);
void vq_driver_disable_cb(struct vq_driver *d);
bool vq_driver_enable_cb(struct vq_driver *d);

#endif
