/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split ring: its layout in guest memory (virtio 1.3, 2.7) and the state that
 * the device keeps beside it.
 */
#ifndef VIRTIO_SPLIT_H
#define VIRTIO_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_ring.h>

/**
 * struct vq_desc - A descriptor after it was copied out, in host byte order
 * @addr:	guest address
 * @len:	bytes
 * @flags:	VRING_DESC_F_*
 * @next:	index of the next one where VRING_DESC_F_NEXT is set
 */
struct vq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

/**
 * struct vq_split - Device state of a split ring
 * @desc:	descriptor table, guest memory
 * @avail:	available ring, guest memory
 * @used:	used ring, guest memory
 * @last_avail:	free-running index of the next head to take
 * @avail_idx:	driver's index as last read; saves reading a shared cache line
 *		for each element
 * @used_idx:	free-running index of the next used element; ours alone, what
 *		the guest stores over it is not read back
 * @signalled:	@used_idx when the driver was last told or found not to care
 * @signalled_valid: false after a start: then the next decision is "notify",
 *		one interrupt too many rather than one too few
 * @event_idx:	VIRTIO_RING_F_EVENT_IDX is negotiated
 */
struct vq_split {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t last_avail;
	uint16_t avail_idx;
	uint16_t used_idx;
	uint16_t signalled;
	bool signalled_valid;
	bool event_idx;
};

struct vq_ops;
extern const struct vq_ops vq_split_ops;

#endif
