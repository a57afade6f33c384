/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueue, device side. One interface for every ring format: nothing here
 * says where descriptors lie.
 *
 *	vq_disable_notify(q);
 *	do {
 *		while ((ret = vq_pop(q, &elem)) > 0) {
 *			...
 *			vq_push(q, &elem, written);
 *		}
 *	} while (!ret && vq_enable_notify(q));
 *	if (vq_should_notify(q))
 *		signal the driver;
 */
#ifndef VIRTIO_QUEUE_H
#define VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_config.h>

#include "virtio/iov.h"
#include "virtio/mem.h"
#include "virtio/packed.h"
#include "virtio/split.h"

#define VQ_MAX_SIZE 32768 /* descriptors of a queue (virtio 1.3, 2.6) */
#define VQ_F_NOTIFICATION_DATA 38 /* newer than some Linux headers (6) */
#define VQ_MAX_SEGS 512	 /* segments of an element, after splitting at regions */

/**
 * enum vq_fault - Why a queue is broken
 *
 * Numbers are stable: they appear in logs and counters. A queue that has a
 * fault hands out no further element; the device needs a reset.
 */
enum vq_fault {
	VQ_FAULT_NONE = 0,
	VQ_FAULT_AVAIL_JUMP = 1,     /* more elements available than the queue holds */
	VQ_FAULT_HEAD_RANGE = 2,     /* head index past the table */
	VQ_FAULT_HEAD_BUSY = 3,	     /* head made available again before it was used */
	VQ_FAULT_NEXT_RANGE = 4,     /* next index past its table */
	VQ_FAULT_CHAIN_LONG = 5,     /* longer than the queue: a loop, or nearly one */
	VQ_FAULT_SEGMENTS = 6,	     /* more than VQ_MAX_SEGS segments */
	VQ_FAULT_FLAGS = 7,	     /* unknown descriptor flag */
	VQ_FAULT_ORDER = 8,	     /* readable descriptor behind a writable one */
	VQ_FAULT_ZERO_LENGTH = 9,    /* descriptor without a byte */
	VQ_FAULT_ADDRESS = 10,	     /* descriptor that is not all RAM */
	VQ_FAULT_CHAIN_BYTES = 11,   /* 2^32 bytes or more in one chain */
	VQ_FAULT_INDIRECT_OFF = 12,  /* indirect table, feature not negotiated */
	VQ_FAULT_INDIRECT_LEN = 13,  /* table empty or no multiple of a descriptor */
	VQ_FAULT_INDIRECT_LONG = 14, /* table longer than vq_table_max() */
	VQ_FAULT_INDIRECT_NEXT = 15, /* table descriptor that has NEXT */
	VQ_FAULT_INDIRECT_NEST = 16, /* table inside a table */
	VQ_FAULT_INDIRECT_ADDR = 17, /* table that is not all RAM */
	VQ_FAULT_SETUP = 18,	     /* size, alignment or address of the ring */
	VQ_FAULT_DEVICE = 19,	      /* the device found a request it can't go on from */
	VQ_FAULT_INDIRECT_CHAIN = 20, /* packed ring: table behind other descriptors */
	VQ_FAULT_COUNT,
};

/**
 * enum vq_area - Parts of a ring, by the names of virtio 1.x
 * @VQ_AREA_DESC:	descriptor area (split: descriptor table; packed: the ring)
 * @VQ_AREA_DRIVER:	driver area (split: available ring; packed: driver event
 *			suppression)
 * @VQ_AREA_DEVICE:	device area (split: used ring; packed: device event
 *			suppression)
 */
enum vq_area {
	VQ_AREA_DESC,
	VQ_AREA_DRIVER,
	VQ_AREA_DEVICE,
	VQ_AREA_COUNT,
};

/**
 * struct vq_elem - A request: what the driver made available as one chain
 * @out:	segments to read, in order; consume with vq_iov_*()
 * @in:		segments to write, in order
 * @out_len:	bytes of @out when it was popped
 * @in_len:	bytes of @in when it was popped
 * @id:		names the element to the ring
 * @nr:		ring entries that it takes (packed: descriptors of its chain)
 * @slot:	its place in the order of use, with VIRTIO_F_IN_ORDER
 * @generation:	of the queue when it was popped: an element from before a
 *		vq_stop() is refused by vq_push()
 * @seg:	storage behind @out and @in, so an element must not be moved
 */
struct vq_elem {
	struct vq_segs out;
	struct vq_segs in;
	uint32_t out_len;
	uint32_t in_len;
	uint16_t id;
	uint16_t nr;
	uint16_t slot;
	uint32_t generation;
	struct vq_seg seg[VQ_MAX_SEGS];
};

/**
 * struct vq_done - An element that was given back
 * @id:		of the element
 * @nr:		of the element
 * @written:	bytes written to it
 * @ready:	given back by the device, but not yet shown to the driver: others
 *		came first and VIRTIO_F_IN_ORDER is negotiated
 */
struct vq_done {
	uint16_t id;
	uint16_t nr;
	bool ready;
	uint32_t written;
};

/**
 * struct vq_setup - What a queue is started with
 * @mem:	guest memory; the caller keeps it alive until vq_stop()
 * @features:	negotiated virtio features
 * @area:	host addresses of the parts, each vq_area_size() bytes of RAM
 * @size:	descriptors, at most VQ_MAX_SIZE; split: a power of two
 * @big_endian:	the guest's byte order; counts without VIRTIO_F_VERSION_1 only
 * @base:	where to start: vq_fresh_base(), or what vq_stop() returned
 *		(vhost-user's form: the available index; packed: 15 bits and wrap
 *		counter of the next available one, the same of the next used one in
 *		the upper half)
 */
struct vq_setup {
	const struct vq_mem *mem;
	uint64_t features;
	void *area[VQ_AREA_COUNT];
	uint16_t size;
	bool big_endian;
	uint32_t base;
};

/**
 * struct vq_stat - Counters of a queue, never reset
 * @popped:	elements taken
 * @pushed:	elements given back
 * @notified:	times vq_should_notify() said yes
 * @suppressed:	times it said no
 */
struct vq_stat {
	uint64_t popped;
	uint64_t pushed;
	uint64_t notified;
	uint64_t suppressed;
};

struct vq_ops;

/**
 * struct vq - A virtqueue as the device sees it
 * @ops:	of the ring format; NULL while stopped
 * @setup:	frozen copy of what vq_start() was given: nothing is derived from
 *		guest-visible registers while the queue runs
 * @fault:	first violation seen, sticky until the next vq_start()
 * @on_fault:	called once per fault, from the caller of vq_pop(); may be NULL
 * @opaque:	for @on_fault
 * @generation:	counts vq_start() calls
 * @unsignalled: something was pushed, or may have been by who ran the queue
 *		before us, since the last vq_should_notify()
 * @stat:	counters
 * @swap:	ring fields are the other way round than this processor's
 * @split:	state of the split format
 * @packed:	state of the packed format
 * @busy:	bit per element id that is popped and not yet pushed
 * @table:	private copy of the indirect table that is being read
 * @order:	with VIRTIO_F_IN_ORDER: ring of @setup.size elements as they were
 *		popped; NULL without
 * @order_head:	free-running count of elements shown to the driver
 * @order_tail:	free-running count of elements popped
 *
 * Thread: one at a time. Segments of popped elements may be used by others.
 */
struct vq {
	const struct vq_ops *ops;
	struct vq_setup setup;
	enum vq_fault fault;
	void (*on_fault)(struct vq *q);
	void *opaque;
	uint32_t generation;
	bool unsignalled;
	bool swap;
	struct vq_stat stat;
	struct vq_split split;
	struct vq_packed packed;
	uint64_t *busy;
	struct vring_desc *table;
	struct vq_done *order;
	uint32_t order_head;
	uint32_t order_tail;
};

/**
 * struct vq_ops - A ring format
 * @start:	take over q->setup, which is valid as far as formats agree;
 *		-EINVAL where q->setup.base can't be
 * @pop:	1 and an element, 0 where there is none, -EINVAL after vq_break()
 * @unpop:	make the element popped last available again
 * @push:	publish an element as used
 * @should_notify: whether the driver wants to hear of what was pushed
 * @disable_notify: ask the driver for no kicks
 * @enable_notify: ask for kicks; true if elements came in meanwhile
 * @base:	index to restart from
 */
struct vq_ops {
	int (*start)(struct vq *q);
	int (*pop)(struct vq *q, struct vq_elem *elem);
	void (*unpop)(struct vq *q, const struct vq_elem *elem);
	void (*push)(struct vq *q, const struct vq_done *done);
	bool (*should_notify)(struct vq *q);
	void (*disable_notify)(struct vq *q);
	bool (*enable_notify)(struct vq *q);
	uint32_t (*base)(const struct vq *q);
};

size_t vq_area_size(enum vq_area area, uint16_t size, uint64_t features);
size_t vq_area_align(enum vq_area area, uint64_t features);

/**
 * vq_fresh_base() - Where a queue starts that nobody has used yet
 * @features:	negotiated
 *
 * Return: the base; both wrap counters of a packed ring start at 1 (2.8.1).
 */
static inline uint32_t vq_fresh_base(uint64_t features)
{
	return features & (1ULL << VIRTIO_F_RING_PACKED) ? 0x80008000 : 0;
}

void vq_init(struct vq *q, void (*on_fault)(struct vq *q), void *opaque);
int vq_start(struct vq *q, const struct vq_setup *setup);
uint32_t vq_stop(struct vq *q);
bool vq_running(const struct vq *q);

int vq_pop(struct vq *q, struct vq_elem *elem);
int vq_unpop(struct vq *q, const struct vq_elem *elem);
int vq_push(struct vq *q, const struct vq_elem *elem, uint32_t written);
unsigned int vq_outstanding(const struct vq *q);

bool vq_should_notify(struct vq *q);
void vq_disable_notify(struct vq *q);
bool vq_enable_notify(struct vq *q);

int vq_break(struct vq *q, enum vq_fault fault);
const char *vq_fault_str(enum vq_fault fault);

/* For ring formats. */
int vq_chain_add(struct vq *q, struct vq_elem *elem, const struct vq_desc *desc);
unsigned int vq_table_max(const struct vq *q);
int vq_table_copy(struct vq *q, const struct vq_desc *desc, uint16_t *ret_n);
bool vq_test_and_set_busy(struct vq *q, uint16_t id);

#endif
