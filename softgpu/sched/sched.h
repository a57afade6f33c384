/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams, marks and the threads that serve them.
 *
 * Theory of operation: a stream is a queue of operations; only its head may
 * run. Every operation gets a number when it is queued; numbers are unique
 * over the process and grow. The legacy stream of a group (CUDA: the NULL
 * stream of a context) is ordered against the group's blocking streams by
 * these numbers alone: its head may run when no blocking stream still holds a
 * smaller one, and the other way round. As an operation only ever waits for
 * smaller numbers, for a mark recorded by one, or for memory, streams cannot
 * block each other by accident.
 *
 * Who runs what:
 *   grids and work	pool threads (as many as "SMs"), a slice or a piece of
 *			work at a time, so a spinning kernel holds no thread
 *   host functions	threads of their own, as many as are running at once
 *   caller operations	the thread that queued them and waits
 *   the rest		whoever makes it possible, under the lock
 *
 * One lock guards all of this. No thread exists before the first operation
 * that needs one, and none wakes up while there is nothing to do.
 */
#ifndef SOFTGPU_SCHED_SCHED_H
#define SOFTGPU_SCHED_SCHED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sg_group;
struct sg_stream;
struct sg_mark;
struct sg_grid;

/* Stream flags. */
#define SG_STREAM_LEGACY 1u
#define SG_STREAM_NONBLOCKING 2u

/**
 * sg_work_fn - What an operation does
 * @arg:	the caller's
 * @error:	0, or the group's failure: then do nothing but release @arg
 */
typedef void (*sg_work_fn)(void *arg, int error);

/* Answers of sg_grid_ops.run. */
enum sg_run_result {
	SG_RUN_DONE,
	SG_RUN_AGAIN,	/* the slice is used up; @exec holds the block */
	SG_RUN_FAILED,	/* the implementation has called sg_group_fail() */
};

/**
 * struct sg_grid_ops - How the blocks of a kernel run
 * @begin:	once, before the first block; 0, or non-zero: failed
 * @run:	run block @index, or go on with the one @exec holds
 * @end:	once, last of all; frees the grid
 * @exec_create: a place a block can run in, NULL when out of memory
 * @exec_destroy: frees it
 * @exec_abandon: drop the block it holds
 *
 * Thread: pool threads, without the lock.
 */
struct sg_grid_ops {
	int (*begin)(struct sg_grid *grid);
	enum sg_run_result (*run)(struct sg_grid *grid, void *exec, uint64_t index);
	void (*end)(struct sg_grid *grid);
	void *(*exec_create)(void);
	void (*exec_destroy)(void *exec);
	void (*exec_abandon)(void *exec);
};

struct sg_parked;

/**
 * struct sg_grid - A kernel in the scheduler; embedded in the launch
 * @ops:	how it runs
 * @blocks:	how many blocks, at least 1
 * The rest belongs to the scheduler.
 */
struct sg_grid {
	const struct sg_grid_ops *ops;
	uint64_t blocks;
	uint64_t next;
	struct sg_parked *parked, **parked_tail;
	struct sg_parked *rest;
	struct sg_op *op;
	struct sg_grid *link;
	unsigned running, resident, slices;
	enum { SG_GRID_NEW, SG_GRID_BEGINNING, SG_GRID_OPEN } state;
	bool failed;
};

/* Comparisons of sg_submit_value_wait(), as in CUstreamWaitValue_flags. */
enum sg_value_test {
	SG_VALUE_GEQ,
	SG_VALUE_EQ,
	SG_VALUE_AND,
	SG_VALUE_NOR,
};

/**
 * struct sg_value - Operand of a value operation
 * @addr:	naturally aligned host address
 * @value:	written, or compared with
 * @bytes:	4 or 8
 * @test:	for a wait
 */
struct sg_value {
	uint64_t addr;
	uint64_t value;
	unsigned bytes;
	enum sg_value_test test;
};

struct causeway_soft_host;

void sg_sched_attach(const struct causeway_soft_host *host);
unsigned sg_sched_threads(void);

struct sg_group *sg_group_create(void);
void sg_group_destroy(struct sg_group *group);
void sg_group_fail(struct sg_group *group, int error);
int sg_group_error(const struct sg_group *group);
const atomic_int *sg_group_cancel(const struct sg_group *group);
void sg_group_wait(struct sg_group *group);
bool sg_group_idle(struct sg_group *group);

struct sg_stream *sg_stream_create(struct sg_group *group, uint32_t flags, int priority);
void sg_stream_destroy(struct sg_stream *stream);
void sg_stream_wait(struct sg_stream *stream);
bool sg_stream_idle(struct sg_stream *stream);

struct sg_mark *sg_mark_create(void);
struct sg_mark *sg_mark_get(struct sg_mark *mark);
void sg_mark_put(struct sg_mark *mark);
bool sg_mark_done(const struct sg_mark *mark);
uint64_t sg_mark_time(const struct sg_mark *mark);
void sg_mark_wait(struct sg_mark *mark);

int sg_submit_work(struct sg_stream *stream, sg_work_fn fn, void *arg);
int sg_submit_host(struct sg_stream *stream, sg_work_fn fn, void *arg);
int sg_submit_grid(struct sg_stream *stream, struct sg_grid *grid);
int sg_submit_record(struct sg_stream *stream, struct sg_mark *mark);
int sg_submit_wait(struct sg_stream *stream, struct sg_mark *mark);
int sg_submit_value_write(struct sg_stream *stream, const struct sg_value *value);
int sg_submit_value_wait(struct sg_stream *stream, const struct sg_value *value);
int sg_call(struct sg_stream *stream, sg_work_fn fn, void *arg);

#endif
