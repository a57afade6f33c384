/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A launch on its way: what the scheduler and the interpreter see of it.
 */
#ifndef SOFTGPU_API_GRID_H
#define SOFTGPU_API_GRID_H

#include "softgpu/api/state.h"
#include "softgpu/interp/interp.h"

struct sg_seen_map;

/**
 * struct sg_ugrid - One launch
 * @grid:	the scheduler's part
 * @launch:	the interpreter's part
 * @ctx:	where it was launched
 * @lock:	guards @maps
 * @maps:	every memory map its blocks may be looking at
 * @params:	parameter buffer
 */
struct sg_ugrid {
	struct sg_grid grid;
	struct sg_launch launch;
	struct sg_ctx *ctx;
	pthread_mutex_t lock;
	struct sg_seen_map *maps;
	char params[] __attribute__((aligned(16)));
};

struct sg_ugrid *sg_ugrid_new(struct sg_ctx *ctx, const struct sg_entry *entry, size_t params);
void sg_ugrid_free(struct sg_ugrid *grid);

#endif
