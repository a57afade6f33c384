/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which parts of a stretch of memory are in use: see heap.h.
 */
#include "softgpu/mem/heap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "cw/util.h"

static void block_set_free(struct sg_heap *heap, struct sg_block *block)
{
	block->is_free = 1;
	block->node.key = block->size;
	block->node.sub = block->off;
	sg_tree_insert(&heap->free, &block->node);
}

/* @front bytes of @block become a block of their own, below it. */
static struct sg_block *block_cut_front(struct sg_heap *heap, struct sg_block *block,
					uint64_t front)
{
	struct sg_block *low = calloc(1, sizeof(*low));

	if (!low)
		return NULL;
	low->off = block->off;
	low->size = front;
	low->prev = block->prev;
	low->next = block;
	if (low->prev)
		low->prev->next = low;
	else
		heap->first = low;
	block->prev = low;
	block->off += front;
	block->size -= front;
	return low;
}

/* @block swallows its upper neighbour, which is in no tree. */
static void block_merge_next(struct sg_block *block)
{
	struct sg_block *next = block->next;

	block->size += next->size;
	block->next = next->next;
	if (block->next)
		block->next->prev = block;
	free(next);
}

/**
 * sg_heap_init() - Start with one free block
 * @heap:	to fill
 * @size:	bytes; a rest below the granule is not used
 * @granule:	power of two
 *
 * Return: 0, -EINVAL where nothing is left, -ENOMEM.
 */
int sg_heap_init(struct sg_heap *heap, uint64_t size, uint64_t granule)
{
	struct sg_block *block;

	*heap = (struct sg_heap){ .size = size & ~(granule - 1), .granule = granule };
	if (!heap->size)
		return -EINVAL;
	block = calloc(1, sizeof(*block));
	if (!block)
		return -ENOMEM;
	block->size = heap->size;
	heap->first = block;
	block_set_free(heap, block);
	return 0;
}

/**
 * sg_heap_fini() - Forget all blocks
 * @heap:	to empty
 */
void sg_heap_fini(struct sg_heap *heap)
{
	struct sg_block *block = heap->first;

	while (block) {
		struct sg_block *next = block->next;

		free(block);
		block = next;
	}
	*heap = (struct sg_heap){ 0 };
}

/* Smallest free block in which @size bytes at a multiple of @align fit. */
static struct sg_block *heap_find(const struct sg_heap *heap, uint64_t size, uint64_t align)
{
	uint64_t key = size, sub = 0;
	struct sg_node *node;

	while ((node = sg_tree_at_least(&heap->free, key, sub))) {
		struct sg_block *block = CW_CONTAINER_OF(node, struct sg_block, node);
		uint64_t pad = cw_align_up(block->off, align) - block->off;

		if (pad <= block->size && size <= block->size - pad)
			return block;
		key = node->key;
		sub = node->sub + 1;
	}
	return NULL;
}

/* Makes [at, at + size) of a free block a used one. */
static int heap_carve(struct sg_heap *heap, struct sg_block *block, uint64_t at, uint64_t size)
{
	uint64_t pad = at - block->off;
	struct sg_block *part;

	sg_tree_remove(&heap->free, &block->node);
	if (pad) {
		part = block_cut_front(heap, block, pad);
		if (!part) {
			block_set_free(heap, block);
			return -ENOMEM;
		}
		block_set_free(heap, part);
	}
	if (block->size > size) {
		part = block_cut_front(heap, block, size);
		block_set_free(heap, block);
		if (!part)
			return -ENOMEM;
		block = part;
	}
	block->is_free = 0;
	block->node.key = block->off;
	block->node.sub = 0;
	sg_tree_insert(&heap->used, &block->node);
	heap->in_use += block->size;
	return 0;
}

/**
 * sg_heap_alloc() - Take a block
 * @heap:	where from
 * @size:	bytes, not 0; rounded up to the granule
 * @align:	power of two; below the granule it counts as the granule
 * @ret_off:	offset of the block
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int sg_heap_alloc(struct sg_heap *heap, uint64_t size, uint64_t align, uint64_t *ret_off)
{
	struct sg_block *block;
	uint64_t at;
	int err;

	if (!size || !cw_is_pow2(align))
		return -EINVAL;
	if (size > heap->size)
		return -ENOMEM;
	size = cw_align_up(size, heap->granule);
	align = cw_max(align, heap->granule);
	block = heap_find(heap, size, align);
	if (!block)
		return -ENOMEM;
	at = cw_align_up(block->off, align);
	err = heap_carve(heap, block, at, size);
	if (!err)
		*ret_off = at;
	return err;
}

/* Where in a free block an allocation touches only pages that others use. */
static bool fits_in_used_page(const struct sg_heap *heap, const struct sg_block *block,
			      uint64_t size, uint64_t page, uint64_t *ret_at)
{
	uint64_t end = block->off + block->size;
	uint64_t head = cw_min(cw_align_up(block->off, page), end);
	uint64_t tail = cw_max(end & ~(page - 1), block->off);

	*ret_at = block->off;
	if (size <= head - block->off)
		return true;
	*ret_at = tail;
	return end != heap->size && size <= end - tail;
}

/**
 * sg_heap_alloc_within() - Take a block in pages that other blocks use already
 * @heap:	where from
 * @size:	bytes, not 0, at most a page; rounded up to the granule
 * @page:	bytes of a page, a power of two
 * @ret_off:	offset of the block, a multiple of the granule
 *
 * Return: 0, or -ENOMEM where none of them has room.
 */
int sg_heap_alloc_within(struct sg_heap *heap, uint64_t size, uint64_t page, uint64_t *ret_off)
{
	uint64_t key = cw_align_up(size, heap->granule), sub = 0, at;
	struct sg_node *node;
	int err;

	size = key;
	while ((node = sg_tree_at_least(&heap->free, key, sub))) {
		struct sg_block *block = CW_CONTAINER_OF(node, struct sg_block, node);

		if (fits_in_used_page(heap, block, size, page, &at)) {
			err = heap_carve(heap, block, at, size);
			if (!err)
				*ret_off = at;
			return err;
		}
		key = node->key;
		sub = node->sub + 1;
	}
	return -ENOMEM;
}

/**
 * sg_heap_own_pages() - Whole pages that one block alone keeps in use
 * @heap:	its heap
 * @off:	offset of a used block
 * @page:	bytes of a page, a power of two
 * @ret_start:	first byte of the pages
 *
 * Free blocks are merged with their neighbours, so what lies beyond a free
 * neighbour is used, or the end.
 *
 * Return: their bytes; 0 where each page of the block has another one, too.
 */
uint64_t sg_heap_own_pages(const struct sg_heap *heap, uint64_t off, uint64_t page,
			   uint64_t *ret_start)
{
	struct sg_node *node = sg_tree_at_most(&heap->used, off, 0);
	struct sg_block *block = CW_CONTAINER_OF(node, struct sg_block, node);
	uint64_t low = off, high = off + block->size, start, end;

	if (block->prev && block->prev->is_free)
		low = block->prev->off;
	if (block->next && block->next->is_free)
		high += block->next->size;
	start = off & ~(page - 1);
	if (start < low)
		start += page;
	end = cw_align_up(off + block->size, page);
	/* The rest of the last page of all belongs to nobody. */
	if (end > high && high != heap->size)
		end -= page;
	*ret_start = start;
	return start < end ? end - start : 0;
}

/**
 * sg_heap_free() - Give a block back
 * @heap:	where to
 * @off:	its offset, exactly as sg_heap_alloc() returned it
 * @ret_size:	bytes that became free; may be NULL
 *
 * Return: 0, or -EINVAL where no used block starts at @off.
 */
int sg_heap_free(struct sg_heap *heap, uint64_t off, uint64_t *ret_size)
{
	struct sg_node *node = sg_tree_at_most(&heap->used, off, 0);
	struct sg_block *block;

	if (!node || node->key != off)
		return -EINVAL;
	block = CW_CONTAINER_OF(node, struct sg_block, node);
	sg_tree_remove(&heap->used, node);
	heap->in_use -= block->size;
	if (ret_size)
		*ret_size = block->size;
	if (block->next && block->next->is_free) {
		sg_tree_remove(&heap->free, &block->next->node);
		block_merge_next(block);
	}
	if (block->prev && block->prev->is_free) {
		block = block->prev;
		sg_tree_remove(&heap->free, &block->node);
		block_merge_next(block);
	}
	block_set_free(heap, block);
	return 0;
}
