/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels: which block runs next, and on which thread. See sched.h.
 *
 * Theory of operation: a thread that looks for work takes a grid, round
 * robin, and from it either a run of new blocks, in increasing order, or a
 * parked one: a block whose slice was used up. New blocks are admitted beside
 * parked ones only when those have had several slices each without ending
 * (then they probably wait for a block that has not started), and never more
 * than a device of this size would hold at a time.
 */
#include <stdlib.h>

#include "softgpu/sched/engine.h"

/* Slices a parked block gets, on average, before one more block starts. */
#define PATIENCE 8
/* Blocks that may be started and not finished, per thread. */
#define RESIDENT_PER_THREAD 32
/* Most blocks a thread takes at a time. */
#define CHUNK_MAX 32
/* Every so many picks priorities are ignored: low ones are late, not starved. */
#define FAIR_PICK 8

/**
 * struct sg_parked - A block between two slices, or blocks not started
 * @link:	next on the grid's list, or on the free list
 * @ops:	what @exec belongs to
 * @exec:	holds the block; NULL for blocks given back before they started
 * @index:	block
 * @last:	for blocks not started: one past the end of the run
 */
struct sg_parked {
	struct sg_parked *link;
	const struct sg_grid_ops *ops;
	void *exec;
	uint64_t index, last;
};

/* Places for blocks that are in no block's use, kept for the next one. */
static struct sg_parked *spare;

static struct sg_group *grid_group(const struct sg_grid *grid)
{
	return grid->op->stream->group;
}

static unsigned resident_limit(void)
{
	return cw_max(sg_engine.threads, 2u) * RESIDENT_PER_THREAD;
}

static bool has_new(const struct sg_grid *grid)
{
	return grid->rest || grid->next < grid->blocks;
}

static bool may_admit(const struct sg_grid *grid)
{
	if (!has_new(grid))
		return false;
	return !grid->parked || (grid->resident < resident_limit() &&
				 grid->slices >= PATIENCE * grid->resident);
}

static bool is_runnable(const struct sg_grid *grid)
{
	switch (grid->state) {
	case SG_GRID_NEW:
		return true;
	case SG_GRID_BEGINNING:
		return false;
	default:
		if (grid->failed || atomic_load(&grid_group(grid)->error))
			return grid->parked || grid->rest || !grid->running;
		return grid->parked || has_new(grid);
	}
}

static void ring_append(struct sg_grid *grid)
{
	struct sg_grid **link = &sg_engine.grids;

	while (*link)
		link = &(*link)->link;
	*link = grid;
	grid->link = NULL;
}

static void ring_remove(struct sg_grid *grid)
{
	struct sg_grid **link = &sg_engine.grids;

	while (*link != grid)
		link = &(*link)->link;
	*link = grid->link;
}

/* The grid whose turn it is goes to the end of the ring. */
static struct sg_grid *pick(bool *ret_more)
{
	bool fair = !(++sg_engine.picks % FAIR_PICK);
	struct sg_grid *best = NULL;

	*ret_more = false;
	for (struct sg_grid *g = sg_engine.grids; g; g = g->link) {
		if (!is_runnable(g))
			continue;
		if (best)
			*ret_more = true;
		if (!best || (!fair && g->op->stream->priority < best->op->stream->priority))
			best = g;
	}
	if (best) {
		ring_remove(best);
		ring_append(best);
	}
	return best;
}

/**
 * sg_grid_start() - A kernel has become the head of its stream
 * @op:		its operation
 */
void sg_grid_start(struct sg_op *op)
{
	struct sg_grid *grid = op->grid;

	*grid = (struct sg_grid){
		.ops = grid->ops,
		.blocks = grid->blocks,
		.op = op,
		.parked_tail = &grid->parked,
	};
	ring_append(grid);
	sg_pool_wake();
}

static void park(struct sg_grid *grid, struct sg_parked *slot)
{
	if (!grid->parked)
		grid->parked_tail = &grid->parked;
	slot->link = NULL;
	*grid->parked_tail = slot;
	grid->parked_tail = &slot->link;
}

static void spare_put(struct sg_parked *slot)
{
	slot->link = spare;
	spare = slot;
}

/* A place for a block. Called with the lock, drops it where it must create. */
static struct sg_parked *spare_get(const struct sg_grid_ops *ops)
{
	struct sg_parked **link = &spare, *slot;

	while (*link && (*link)->ops != ops)
		link = &(*link)->link;
	slot = *link;
	if (slot) {
		*link = slot->link;
		return slot;
	}
	pthread_mutex_unlock(&sg_engine.lock);
	slot = calloc(1, sizeof(*slot));
	if (slot) {
		slot->ops = ops;
		slot->exec = ops->exec_create();
		if (!slot->exec) {
			free(slot);
			slot = NULL;
		}
	}
	pthread_mutex_lock(&sg_engine.lock);
	return slot;
}

static void grid_abandon(struct sg_grid *grid)
{
	struct sg_parked *slot;

	while ((slot = grid->parked)) {
		grid->parked = slot->link;
		grid->resident--;
		grid->ops->exec_abandon(slot->exec);
		spare_put(slot);
	}
	while ((slot = grid->rest)) {
		grid->rest = slot->link;
		free(slot);
	}
	grid->next = grid->blocks;
}

/* End the grid if nothing of it is left. */
static void grid_check(struct sg_grid *grid)
{
	struct sg_op *op = grid->op;

	if (grid->failed || atomic_load(&grid_group(grid)->error))
		grid_abandon(grid);
	if (grid->running || grid->parked || has_new(grid))
		return;
	ring_remove(grid);
	pthread_mutex_unlock(&sg_engine.lock);
	grid->ops->end(grid);
	pthread_mutex_lock(&sg_engine.lock);
	sg_op_finish(op);
	sg_engine_settle();
}

static void grid_begin(struct sg_grid *grid)
{
	int err;

	grid->state = SG_GRID_BEGINNING;
	pthread_mutex_unlock(&sg_engine.lock);
	err = atomic_load(&grid_group(grid)->error) ? 0 : grid->ops->begin(grid);
	pthread_mutex_lock(&sg_engine.lock);
	grid->state = SG_GRID_OPEN;
	grid->failed = err;
}

/* Take the next run of new blocks. */
static void take_new(struct sg_grid *grid, uint64_t *ret_first, uint64_t *ret_last)
{
	uint64_t left = grid->blocks - grid->next;
	uint64_t n = left / (8ull * sg_engine.threads);
	struct sg_parked *rest = grid->rest;

	grid->slices = 0;
	if (rest) {
		*ret_first = rest->index;
		*ret_last = rest->last;
		grid->rest = rest->link;
		free(rest);
		return;
	}
	n = n ? cw_min(n, (uint64_t)CHUNK_MAX) : 1;
	*ret_first = grid->next;
	*ret_last = grid->next + n;
	grid->next += n;
}

/* Blocks [first, last) were taken and not started: the next to be taken. */
static void give_back(struct sg_grid *grid, uint64_t first, uint64_t last)
{
	struct sg_parked *rest = first < last ? calloc(1, sizeof(*rest)) : NULL;

	if (first == last)
		return;
	if (!rest) {
		grid->failed = true;
		return;
	}
	rest->index = first;
	rest->last = last;
	rest->link = grid->rest;
	grid->rest = rest;
}

/* Run new blocks one after another until one of them does not end. */
static void run_new(struct sg_grid *grid)
{
	const atomic_int *error = &grid_group(grid)->error;
	enum sg_run_result result = SG_RUN_DONE;
	struct sg_parked *slot;
	uint64_t index, last;

	take_new(grid, &index, &last);
	grid->running++;
	grid->resident++;
	slot = spare_get(grid->ops);
	if (!slot) {
		grid->running--;
		grid->resident--;
		give_back(grid, index, last);
		/* Without memory for one more, wait for those there are. */
		if (!grid->running && !grid->parked)
			grid->failed = true;
		return;
	}
	pthread_mutex_unlock(&sg_engine.lock);
	while (index < last && result == SG_RUN_DONE && !atomic_load(error) && !sg_pool_held()) {
		result = grid->ops->run(grid, slot->exec, index);
		slot->index = index++;
	}
	pthread_mutex_lock(&sg_engine.lock);
	grid->running--;
	if (result == SG_RUN_FAILED)
		grid->failed = true;
	else
		give_back(grid, index, last);
	if (result == SG_RUN_AGAIN) {
		park(grid, slot);
	} else {
		grid->resident--;
		spare_put(slot);
	}
}

static void run_parked(struct sg_grid *grid)
{
	struct sg_parked *slot = grid->parked;
	enum sg_run_result result;

	grid->parked = slot->link;
	grid->running++;
	grid->slices++;
	pthread_mutex_unlock(&sg_engine.lock);
	result = grid->ops->run(grid, slot->exec, slot->index);
	pthread_mutex_lock(&sg_engine.lock);
	grid->running--;
	if (result == SG_RUN_AGAIN) {
		park(grid, slot);
		return;
	}
	grid->failed |= result == SG_RUN_FAILED;
	grid->resident--;
	spare_put(slot);
}

/**
 * sg_grid_step() - Do a piece of work for the grid whose turn it is
 *
 * Return: whether there was one. Drops the lock while it works.
 */
bool sg_grid_step(void)
{
	bool more;
	struct sg_grid *grid = pick(&more);

	if (!grid)
		return false;
	if (more)
		sg_pool_wake();
	if (grid->state == SG_GRID_NEW) {
		grid_begin(grid);
	} else if (grid->failed || atomic_load(&grid_group(grid)->error)) {
		/* grid_check() cleans up */
	} else {
		bool fresh = may_admit(grid);
		uint64_t left = grid->blocks - grid->next;

		/* One thread alone does a small grid sooner than two. */
		if (left > 1 || grid->rest || (grid->parked && (fresh || grid->parked->link)))
			sg_pool_wake();
		if (fresh)
			run_new(grid);
		else
			run_parked(grid);
	}
	grid_check(grid);
	return true;
}
