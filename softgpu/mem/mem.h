/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All memory a kernel may touch.
 *
 * One table of ranges: allocations in the arena, pinned, managed and
 * registered host memory. A device address is a host address of this process.
 * The table answers three questions: is this free valid, what is at this
 * address (pointer attributes), and which bytes may a kernel touch (the
 * snapshot). Thread: all functions, any thread.
 */
#ifndef SOFTGPU_MEM_MEM_H
#define SOFTGPU_MEM_MEM_H

#include <stdbool.h>
#include <stdint.h>

#include "softgpu/interp/interp.h"

/**
 * enum sg_mem_kind - Where a range came from, which decides who may free it
 * @SG_MEM_DEVICE:	cuMemAlloc and pools, in the arena
 * @SG_MEM_MODULE:	a variable of a module, in the arena
 * @SG_MEM_PINNED:	cuMemHostAlloc: our shared mapping
 * @SG_MEM_MANAGED:	cuMemAllocManaged: our shared mapping
 * @SG_MEM_REGISTERED:	cuMemHostRegister: the caller's memory
 * @SG_MEM_MANAGED_VARS: managed variables of a module, which nobody else frees
 */
enum sg_mem_kind {
	SG_MEM_DEVICE,
	SG_MEM_MODULE,
	SG_MEM_PINNED,
	SG_MEM_MANAGED,
	SG_MEM_REGISTERED,
	SG_MEM_MANAGED_VARS,
};

/**
 * struct sg_mem_info - One range
 * @base:	first byte
 * @size:	bytes asked for; one more is out of bounds
 * @id:		unique over the life of the process
 * @owner:	context it belongs to
 * @pool:	memory pool it came from, or NULL
 * @flags:	the caller's (cuMemHostAlloc, cuMemHostRegister)
 * @kind:	what it is
 */
struct sg_mem_info {
	uint64_t base;
	uint64_t size;
	uint64_t id;
	void *owner;
	void *pool;
	uint32_t flags;
	enum sg_mem_kind kind;
};

struct causeway_soft_host;

void sg_mem_attach(const struct causeway_soft_host *host);
int sg_mem_open(void);
uint64_t sg_mem_total(void);
uint64_t sg_mem_free_bytes(void);
uint64_t sg_mem_arena_base(void);
uint64_t sg_mem_arena_size(void);
int sg_mem_arena_fd(void);

int sg_mem_alloc(struct sg_mem_info *info, uint64_t align);
int sg_mem_register(struct sg_mem_info *info);
int sg_mem_release(uint64_t base, uint32_t kinds, struct sg_mem_info *ret_info);
void sg_mem_release_owner(const void *owner, void (*freed)(void *pool, uint64_t size));

bool sg_mem_find(uint64_t addr, struct sg_mem_info *ret_info);
bool sg_mem_contains(uint64_t addr, uint64_t size, struct sg_mem_info *ret_info);

static inline bool sg_mem_is_managed(const struct sg_mem_info *info)
{
	return info->kind == SG_MEM_MANAGED || info->kind == SG_MEM_MANAGED_VARS;
}

/* Bit of a kind for sg_mem_release(). */
#define SG_MEM_BIT(kind) (1u << (kind))

const struct sg_mem_map *sg_mem_map_get(void);
void sg_mem_map_put(const struct sg_mem_map *map);

#endif
