/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueue, driver side: what a guest driver does, for front ends and tests
 * that drive a device without a guest.
 */
#ifndef VIRTIO_DRIVER_H
#define VIRTIO_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_ring.h>

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
 * @table:	host address of room for an indirect table, NULL for none
 * @table_gpa:	its guest address
 */
struct vq_request {
	const struct vq_buf *buf;
	uint16_t nr_out;
	uint16_t nr_in;
	void *token;
	struct vring_desc *table;
	uint64_t table_gpa;
};

/**
 * struct vq_driver - Driver state of a split ring
 * @desc:	descriptor table in guest memory
 * @avail:	available ring in guest memory
 * @used:	used ring in guest memory
 * @size:	descriptors
 * @free_head:	first free descriptor, chained by @next
 * @nr_free:	free descriptors
 * @avail_idx:	free-running index of the next entry; shown by vq_driver_publish()
 * @kicked_idx:	@avail_idx at the last vq_driver_kick_needed()
 * @last_used:	free-running index of the next used element to take
 * @event_idx:	VIRTIO_RING_F_EVENT_IDX is negotiated
 * @next:	free list and chains, private: the device may not lead us astray
 * @token:	per head
 *
 * Thread: one at a time.
 */
struct vq_driver {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t size;
	uint16_t free_head;
	uint16_t nr_free;
	uint16_t avail_idx;
	uint16_t kicked_idx;
	uint16_t last_used;
	bool event_idx;
	uint16_t next[VQ_MAX_SIZE];
	void *token[VQ_MAX_SIZE];
};

int vq_driver_init(struct vq_driver *d, void *const area[VQ_AREA_COUNT], uint16_t size,
		   uint64_t features);
int vq_driver_add(struct vq_driver *d, const struct vq_request *req);
void vq_driver_publish(struct vq_driver *d);
bool vq_driver_kick_needed(struct vq_driver *d);
void *vq_driver_get(struct vq_driver *d, uint32_t *ret_len);
bool vq_driver_pending(const struct vq_driver *d);
void vq_driver_disable_cb(struct vq_driver *d);
bool vq_driver_enable_cb(struct vq_driver *d);

#endif
