/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which parts of a stretch of memory are in use.
 *
 * Works on offsets and never touches the memory it hands out, so the same
 * code serves an arena of any size. Best fit, lowest address among equals:
 * the arena stays dense at its low end and large holes stay large.
 */
#ifndef SOFTGPU_MEM_HEAP_H
#define SOFTGPU_MEM_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "softgpu/mem/tree.h"

/* Granule of device memory: the alignment programs get from cuMemAlloc. */
#define SG_HEAP_GRANULE 512

/**
 * struct sg_block - A run of the arena, used or free
 * @node:	used: (offset, 0) in heap.used; free: (size, offset) in heap.free
 * @prev:	neighbour below, NULL at the start
 * @next:	neighbour above, NULL at the end
 * @off:	first byte
 * @size:	bytes, a multiple of the granule
 * @is_free:	which tree holds it
 */
struct sg_block {
	struct sg_node node;
	struct sg_block *prev, *next;
	uint64_t off, size;
	int is_free;
};

/**
 * struct sg_heap - Allocator state. The caller locks.
 * @used:	used blocks by offset
 * @free:	free blocks by size, then offset
 * @first:	block at offset 0
 * @size:	bytes managed
 * @in_use:	bytes in used blocks
 * @granule:	every block starts and ends at a multiple of this power of two
 */
struct sg_heap {
	struct sg_tree used, free;
	struct sg_block *first;
	uint64_t size, in_use, granule;
};

int sg_heap_init(struct sg_heap *heap, uint64_t size, uint64_t granule);
void sg_heap_fini(struct sg_heap *heap);
int sg_heap_alloc(struct sg_heap *heap, uint64_t size, uint64_t align, uint64_t *ret_off);
int sg_heap_alloc_within(struct sg_heap *heap, uint64_t size, uint64_t page, uint64_t *ret_off);
int sg_heap_free(struct sg_heap *heap, uint64_t off, uint64_t *ret_size);
uint64_t sg_heap_own_pages(const struct sg_heap *heap, uint64_t off, uint64_t page,
			   uint64_t *ret_start);

#endif
