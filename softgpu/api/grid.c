/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A launch on its way: see grid.h. Ties the interpreter to the scheduler.
 */
#include "softgpu/api/grid.h"

#include <stdio.h>
#include <stdlib.h>

#include "cw/log.h"
#include "softgpu/jit/use.h"

/* Instructions of a warp before another block may have the thread. */
#define SLICE 4096

/* Granule of device malloc. */
#define HEAP_GRANULE 16

struct sg_seen_map {
	struct sg_seen_map *next;
	const struct sg_mem_map *map;
};

static atomic_ullong grid_ids;

/* Keep a map until the launch is over. */
static bool keep_map(struct sg_ugrid *grid, const struct sg_mem_map *map)
{
	struct sg_seen_map *seen;

	pthread_mutex_lock(&grid->lock);
	for (seen = grid->maps; seen && seen->map != map;)
		seen = seen->next;
	if (seen) {
		/* Kept already: one reference is enough. */
		sg_mem_map_put(map);
	} else {
		seen = malloc(sizeof(*seen));
		if (seen) {
			seen->map = map;
			seen->next = grid->maps;
			grid->maps = seen;
		} else {
			sg_mem_map_put(map);
		}
	}
	pthread_mutex_unlock(&grid->lock);
	return seen;
}

static const struct sg_mem_map *map_refresh(void *opaque)
{
	const struct sg_mem_map *map = sg_mem_map_get();

	return map && keep_map(opaque, map) ? map : NULL;
}

static void print(void *opaque, const char *text, size_t len)
{
	struct sg_ugrid *grid = opaque;

	sg_output_add(grid->ctx->output, text, len, grid->ctx->limits[CU_LIMIT_PRINTF_FIFO_SIZE]);
}

/* The device heap is one range, made when a kernel first asks for memory. */
static uint64_t heap_alloc(void *opaque, uint64_t size)
{
	struct sg_ctx *ctx = ((struct sg_ugrid *)opaque)->ctx;
	struct sg_mem_info info = {
		.kind = SG_MEM_DEVICE,
		.size = ctx->limits[CU_LIMIT_MALLOC_HEAP_SIZE],
		.owner = ctx,
	};
	uint64_t off, addr = 0;

	pthread_mutex_lock(&ctx->heap_lock);
	if (!ctx->heap_base && !sg_mem_alloc(&info, 256)) {
		if (sg_heap_init(&ctx->heap, info.size, HEAP_GRANULE))
			sg_mem_release(info.base, SG_MEM_BIT(SG_MEM_DEVICE), NULL);
		else
			ctx->heap_base = info.base;
	}
	if (ctx->heap_base && !sg_heap_alloc(&ctx->heap, size, HEAP_GRANULE, &off))
		addr = ctx->heap_base + off;
	pthread_mutex_unlock(&ctx->heap_lock);
	return addr;
}

static void heap_free(void *opaque, uint64_t addr)
{
	struct sg_ctx *ctx = ((struct sg_ugrid *)opaque)->ctx;

	pthread_mutex_lock(&ctx->heap_lock);
	if (ctx->heap_base)
		sg_heap_free(&ctx->heap, addr - ctx->heap_base, NULL);
	pthread_mutex_unlock(&ctx->heap_lock);
}

static const struct sg_host_ops host_ops = {
	.map_refresh = map_refresh,
	.print = print,
	.heap_alloc = heap_alloc,
	.heap_free = heap_free,
};

static CUresult fault_result(enum sg_fault_kind kind)
{
	static const CUresult results[] = {
		[SG_FAULT_ILLEGAL_ADDRESS] = CUDA_ERROR_ILLEGAL_ADDRESS,
		[SG_FAULT_MISALIGNED] = CUDA_ERROR_MISALIGNED_ADDRESS,
		[SG_FAULT_TRAP] = CUDA_ERROR_LAUNCH_FAILED,
		[SG_FAULT_ASSERT] = CUDA_ERROR_ASSERT,
		[SG_FAULT_ILLEGAL_INSTRUCTION] = CUDA_ERROR_ILLEGAL_INSTRUCTION,
		[SG_FAULT_INVALID_PC] = CUDA_ERROR_INVALID_PC,
		[SG_FAULT_STACK] = CUDA_ERROR_HARDWARE_STACK_ERROR,
		[SG_FAULT_DEADLOCK] = CUDA_ERROR_LAUNCH_TIMEOUT,
		[SG_FAULT_NO_MEMORY] = CUDA_ERROR_OUT_OF_MEMORY,
	};
	CUresult res = (size_t)kind < CW_ARRAY_SIZE(results) ? results[kind] : CUDA_SUCCESS;

	return res ? res : CUDA_ERROR_LAUNCH_FAILED;
}

static void report(struct sg_ugrid *grid, const struct sg_fault *fault)
{
	if (fault->kind == SG_FAULT_CANCELLED)
		return;
	if (fault->kind == SG_FAULT_ASSERT) {
		fprintf(stderr, "%s\n", fault->text);
		fflush(stderr);
	}
	cw_debug("kernel=\"%s\" line=%u block=%u,%u,%u thread=%u,%u,%u address=0x%llx error=\"%s\"",
		 fault->entry, fault->line, fault->ctaid[0], fault->ctaid[1], fault->ctaid[2],
		 fault->tid[0], fault->tid[1], fault->tid[2], (unsigned long long)fault->addr,
		 fault->text);
	sg_group_fail(grid->ctx->group, (int)fault_result(fault->kind));
}

static int begin(struct sg_grid *sched)
{
	struct sg_ugrid *grid = CW_CONTAINER_OF(sched, struct sg_ugrid, grid);

	grid->launch.map = map_refresh(grid);
	if (!grid->launch.map) {
		sg_group_fail(grid->ctx->group, CUDA_ERROR_OUT_OF_MEMORY);
		return -1;
	}
	grid->launch.jit = sg_jit_prepare(&grid->launch);
	return 0;
}

static enum sg_run_result run(struct sg_grid *sched, void *exec, uint64_t index)
{
	struct sg_ugrid *grid = CW_CONTAINER_OF(sched, struct sg_ugrid, grid);
	const uint32_t *dim = grid->launch.grid;
	uint32_t ctaid[3] = {
		(uint32_t)(index % dim[0]),
		(uint32_t)(index / dim[0] % dim[1]),
		(uint32_t)(index / dim[0] / dim[1]),
	};
	struct sg_fault fault = { .kind = SG_FAULT_NONE };
	int res = sg_run_block(exec, &grid->launch, ctaid, &fault);

	if (!res)
		return SG_RUN_DONE;
	if (res == SG_AGAIN)
		return SG_RUN_AGAIN;
	report(grid, &fault);
	return SG_RUN_FAILED;
}

static void end(struct sg_grid *sched)
{
	sg_ugrid_free(CW_CONTAINER_OF(sched, struct sg_ugrid, grid));
}

static void *exec_create(void)
{
	static atomic_uint last;
	struct sg_worker *worker = sg_worker_create();

	if (worker)
		sg_worker_set_sm(worker, atomic_fetch_add(&last, 1) % sg_sched_threads());
	return worker;
}

static void exec_destroy(void *exec)
{
	sg_worker_destroy(exec);
}

static void exec_abandon(void *exec)
{
	sg_worker_abandon(exec);
}

static const struct sg_grid_ops grid_ops = {
	.begin = begin,
	.run = run,
	.end = end,
	.exec_create = exec_create,
	.exec_destroy = exec_destroy,
	.exec_abandon = exec_abandon,
};

/**
 * sg_ugrid_new() - A launch of a prepared kernel
 * @ctx:	active
 * @entry:	prepared
 * @params:	bytes of the parameter buffer
 *
 * Return: the launch; the caller fills in shape and parameters. NULL when out
 * of memory.
 */
struct sg_ugrid *sg_ugrid_new(struct sg_ctx *ctx, const struct sg_entry *entry, size_t params)
{
	struct sg_ugrid *grid = calloc(1, sizeof(*grid) + cw_max(params, (size_t)16));

	if (!grid)
		return NULL;
	pthread_mutex_init(&grid->lock, NULL);
	grid->ctx = ctx;
	grid->grid.ops = &grid_ops;
	grid->launch = (struct sg_launch){
		.entry = entry,
		.params = grid->params,
		.params_size = params,
		.max_stack = (uint32_t)ctx->limits[CU_LIMIT_STACK_SIZE],
		.slice = SLICE,
		.sm = sg_sched_threads(),
		.grid_id = atomic_fetch_add(&grid_ids, 1) + 1,
		.cancel = sg_group_cancel(ctx->group),
		.ops = &host_ops,
		.opaque = grid,
	};
	return grid;
}

/**
 * sg_ugrid_free() - Free a launch
 * @grid:	not queued, or over
 */
void sg_ugrid_free(struct sg_ugrid *grid)
{
	struct sg_seen_map *seen = grid->maps, *next;

	for (; seen; seen = next) {
		next = seen->next;
		sg_mem_map_put(seen->map);
		free(seen);
	}
	pthread_mutex_destroy(&grid->lock);
	free(grid);
}
