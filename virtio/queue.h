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

#include "virtio/iov.h"
#include "virtio/mem.h"
#include "virtio/split.h"

#define VQ_MAX_SIZE 1024 /* descriptors of a queue; QEMU's limit, too */
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
	VQ_FAULT_INDIRECT_LONG = 14, /* table longer than the queue */
	VQ_FAULT_INDIRECT_NEXT = 15, /* table descriptor that has NEXT */
	VQ_FAULT_INDIRECT_NEST = 16, /* table inside a table */
	VQ_FAULT_INDIRECT_ADDR = 17, /* table that is not all RAM */
	VQ_FAULT_SETUP = 18,	     /* size, alignment or address of the ring */
	VQ_FAULT_DEVICE = 19,	     /* the device found a request it can't go on from */
	VQ_FAULT_COUNT,
};

/**
 * enum vq_area - Parts of a ring, by the names of virtio 1.x
 * @VQ_AREA_DESC:	descriptor area (split: descriptor table)
 * @VQ_AREA_DRIVER:	driver area (split: available ring)
 * @VQ_AREA_DEVICE:	device area (split: used ring)
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
	uint32_t generation;
	struct vq_seg seg[VQ_MAX_SEGS];
};

/**
 * struct vq_setup - What a queue is started with
 * @mem:	guest memory; the caller keeps it alive until vq_stop()
 * @features:	negotiated virtio features
 * @area:	host addresses of the parts, each vq_area_size() bytes of RAM
 * @size:	descriptors: power of two, at most VQ_MAX_SIZE
 * @base:	index of the next element to pop: 0, or what vq_stop() returned
 */
struct vq_setup {
	const struct vq_mem *mem;
	uint64_t features;
	void *area[VQ_AREA_COUNT];
	uint16_t size;
	uint16_t base;
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
 * @split:	state of the split format
 * @busy:	bit per element id that is popped and not yet pushed
 * @table:	private copy of the indirect table that is being read
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
	struct vq_stat stat;
	struct vq_split split;
	uint64_t busy[VQ_MAX_SIZE / 64];
	struct vq_desc table[VQ_MAX_SIZE];
};

/**
 * struct vq_ops - A ring format
 * @start:	take over q->setup, which is valid as far as formats agree
 * @pop:	1 and an element, 0 where there is none, -EINVAL after vq_break()
 * @unpop:	make the element popped last available again
 * @push:	publish @elem as used, @written bytes of it written
 * @should_notify: whether the driver wants to hear of what was pushed
 * @disable_notify: ask the driver for no kicks
 * @enable_notify: ask for kicks; true if elements came in meanwhile
 * @base:	index to restart from
 */
struct vq_ops {
	int (*start)(struct vq *q);
	int (*pop)(struct vq *q, struct vq_elem *elem);
	void (*unpop)(struct vq *q, const struct vq_elem *elem);
	void (*push)(struct vq *q, const struct vq_elem *elem, uint32_t written);
	bool (*should_notify)(struct vq *q);
	void (*disable_notify)(struct vq *q);
	bool (*enable_notify)(struct vq *q);
	uint16_t (*base)(const struct vq *q);
};

size_t vq_area_size(enum vq_area area, uint16_t size, uint64_t features);
size_t vq_area_align(enum vq_area area, uint64_t features);

void vq_init(struct vq *q, void (*on_fault)(struct vq *q), void *opaque);
int vq_start(struct vq *q, const struct vq_setup *setup);
uint16_t vq_stop(struct vq *q);
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

/* For ring formats: append a validated descriptor to an element. */
int vq_chain_add(struct vq *q, struct vq_elem *elem, const struct vq_desc *desc);
bool vq_test_and_set_busy(struct vq *q, uint16_t id);

#endif
