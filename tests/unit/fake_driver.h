/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver for ring tests: a queue, guest memory, and both an orderly driver
 * (virtio/driver.h) and bare hands on the ring for one that misbehaves.
 *
 * Guest memory: RAM_SIZE bytes at RAM_GPA in two regions that touch at
 * RAM_SEAM; after it nothing.
 */
#ifndef TESTS_UNIT_FAKE_DRIVER_H
#define TESTS_UNIT_FAKE_DRIVER_H

#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "virtio/driver.h"
#include "virtio/queue.h"

#include "cw/util.h"

#include "tests/tap.h"

#define RAM_GPA 0x100000ull
#define RAM_SIZE 0x400000ull
#define RAM_SEAM (RAM_GPA + RAM_SIZE / 2)
#define RAM_END (RAM_GPA + RAM_SIZE)

#define F_INDIRECT (1ull << VIRTIO_RING_F_INDIRECT_DESC)
#define F_EVENT_IDX (1ull << VIRTIO_RING_F_EVENT_IDX)

#define D_NEXT VRING_DESC_F_NEXT
#define D_WRITE VRING_DESC_F_WRITE
#define D_INDIRECT VRING_DESC_F_INDIRECT

struct fake_driver {
	struct vq q;
	struct vq_mem mem;
	struct vq_driver drv;
	struct vq_setup setup;
	struct vq_elem elem;
	int faults;
	char *ram;
};

static struct fake_driver fake;

static inline void fake_fault(struct vq *q)
{
	((struct fake_driver *)q->opaque)->faults++;
}

static inline void *fake_ptr(uint64_t gpa)
{
	return fake.ram + (gpa - RAM_GPA);
}

/* A running queue of @size descriptors, its ring at the start of memory. */
static inline struct fake_driver *fake_start(uint16_t size, uint64_t features)
{
	struct fake_driver *f = &fake;
	uint64_t at = RAM_GPA;

	free(f->ram);
	vq_stop(&f->q);
	vq_driver_finish(&f->drv);
	memset(f, 0, sizeof(*f));
	f->ram = aligned_alloc(4096, RAM_SIZE);
	memset(f->ram, 0, RAM_SIZE);
	vq_mem_init(&f->mem);
	CHECK_EQ(vq_mem_add(&f->mem, RAM_GPA, RAM_SIZE / 2, f->ram), 0);
	CHECK_EQ(vq_mem_add(&f->mem, RAM_SEAM, RAM_SIZE / 2, f->ram + RAM_SIZE / 2), 0);
	f->setup = (struct vq_setup){.mem = &f->mem, .features = features, .size = size,
		.base = vq_fresh_base(features)};
	for (int i = 0; i < VQ_AREA_COUNT; i++) {
		f->setup.area[i] = fake_ptr(at);
		at += (vq_area_size(i, size, features) + 4095) & ~4095ull;
	}
	CHECK_EQ(vq_driver_init(&f->drv, f->setup.area, size, features), 0);
	vq_init(&f->q, fake_fault, f);
	CHECK_EQ(vq_start(&f->q, &f->setup), 0);
	return f;
}

static inline void fake_desc(struct vring_desc *d, uint64_t addr, uint32_t len, uint32_t flags_next)
{
	*d = (struct vring_desc){addr, len, flags_next & 0xffff, flags_next >> 16};
}

#define NEXT(i) (D_NEXT | (uint32_t)(i) << 16)

/* Descriptor @i of the ring, by hand. */
static inline void fake_set(struct fake_driver *f, unsigned int i, uint64_t addr, uint32_t len,
			    uint32_t flags_next)
{
	fake_desc(&f->drv.split.desc[i], addr, len, flags_next);
}

/* Makes @head available, by hand. */
static inline void fake_avail(struct fake_driver *f, uint16_t head)
{
	f->drv.split.avail->ring[f->drv.split.avail->idx % f->drv.size] = head;
	f->drv.split.avail->idx++;
}

/* Makes @n requests of one buffer each available, in an orderly way. */
static inline void fake_add(struct fake_driver *f, unsigned int n, uint16_t nr_in)
{
	struct vq_buf buf = {RAM_SEAM - 4096, 16};
	struct vq_request req = {.buf = &buf, .nr_out = !nr_in, .nr_in = nr_in, .token = f};

	while (n--)
		CHECK(vq_driver_add(&f->drv, &req) >= 0);
	vq_driver_publish(&f->drv);
}

static inline void fake_pop_push(struct fake_driver *f, uint32_t written)
{
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(vq_push(&f->q, &f->elem, written), 0);
}

#endif
