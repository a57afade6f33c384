/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory: which guest addresses are RAM, and where the host has it.
 */
#ifndef VIRTIO_MEM_H
#define VIRTIO_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "virtio/iov.h"

/* More than any front end hands out (QEMU: 512 with memory hotplug in use). */
#define VQ_MEM_MAX_REGIONS 512

/**
 * struct vq_mem_region - A run of guest RAM
 * @gpa:	first guest address
 * @size:	bytes, not 0; @gpa + @size does not pass 2^64
 * @host:	where @gpa is mapped here
 */
struct vq_mem_region {
	uint64_t gpa;
	uint64_t size;
	void *host;
};

/**
 * struct vq_mem - Guest memory map
 * @n:		regions in use
 * @region:	sorted by @gpa, disjoint
 *
 * Thread: one at a time. Whoever keeps a host address that came out of this
 * map stops using it before the region is removed.
 */
struct vq_mem {
	size_t n;
	struct vq_mem_region region[VQ_MEM_MAX_REGIONS];
};

void vq_mem_init(struct vq_mem *mem);
int vq_mem_add(struct vq_mem *mem, uint64_t gpa, uint64_t size, void *host);
int vq_mem_del(struct vq_mem *mem, uint64_t gpa, uint64_t size);
int vq_mem_map(const struct vq_mem *mem, uint64_t gpa, uint64_t len, struct vq_segs *out);
void *vq_mem_ptr(const struct vq_mem *mem, uint64_t gpa, uint64_t len);

#endif
