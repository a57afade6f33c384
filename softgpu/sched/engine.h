/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the scheduler: shared by stream.c, grid.c and pool.c.
 *
 * Everything here is guarded by sg_engine.lock unless it says otherwise.
 */
#ifndef SOFTGPU_SCHED_ENGINE_H
#define SOFTGPU_SCHED_ENGINE_H

#include <pthread.h>

#include "cw/soft_info.h"
#include "cw/util.h"
#include "softgpu/sched/sched.h"

enum sg_op_kind {
	SG_OP_WORK,
	SG_OP_HOST,
	SG_OP_CALLER,
	SG_OP_GRID,
	SG_OP_RECORD,
	SG_OP_WAIT,
	SG_OP_WRITE,
	SG_OP_POLL,
};

/**
 * enum sg_op_state - Life of an operation
 * @SG_OP_QUEUED:	not the head, or ordered after another stream
 * @SG_OP_BLOCKED:	head; on a mark's list or on the poll list
 * @SG_OP_RUNNING:	head; handed to a thread
 */
enum sg_op_state {
	SG_OP_QUEUED,
	SG_OP_BLOCKED,
	SG_OP_RUNNING,
};

/**
 * struct sg_op - One operation of a stream
 * @next:	behind it in the stream
 * @link:	next on the list its state implies
 * @stream:	where it is queued
 * @number:	order over all streams
 * @cond:	SG_OP_CALLER: the caller waits here for its turn
 */
struct sg_op {
	struct sg_op *next, *link;
	struct sg_stream *stream;
	uint64_t number;
	enum sg_op_kind kind;
	enum sg_op_state state;
	union {
		struct {
			sg_work_fn fn;
			void *arg;
		};
		struct sg_grid *grid;
		struct sg_mark *mark;
		struct sg_value value;
		pthread_cond_t *cond;
	};
};

/* First in, first out. */
struct sg_queue {
	struct sg_op *head, **tail;
};

struct sg_mark {
	atomic_uint refs;
	atomic_bool done;
	uint64_t ns;
	struct sg_op *blocked;	/* SG_OP_WAIT operations, by link */
};

struct sg_stream {
	struct sg_group *group;
	struct sg_stream *next;		/* in the group */
	struct sg_stream *kick;		/* on the list of streams to look at */
	struct sg_queue ops;
	pthread_cond_t cond;
	unsigned waiters;
	uint32_t flags;
	int priority;
	unsigned refs;
	bool kicked;
};

struct sg_group {
	struct sg_stream *streams;
	struct sg_stream *legacy;
	unsigned refs;			/* owner, streams, waiters */
	atomic_int error;
};

/**
 * struct sg_engine - The scheduler, one per process
 * @work:	SG_OP_WORK operations that may run
 * @host:	SG_OP_HOST operations that may run
 * @poll:	SG_OP_POLL operations whose memory is looked at
 * @grids:	grids that may run, a ring in round-robin order
 * @idle:	pool threads that sleep
 * @host_idle:	host threads that sleep
 * @host_ready:	length of @host
 * @limits:	of the process that has loaded us, NULL: none
 */
struct sg_engine {
	pthread_mutex_t lock;
	pthread_cond_t work_cond, host_cond, mark_cond;
	uint64_t last_number;
	struct sg_queue work, host;
	struct sg_op *poll;
	struct sg_grid *grids;
	struct sg_stream *kicks;
	unsigned idle, threads, host_idle, host_threads, host_ready, mark_waiters, picks;
	bool poller;
	const struct causeway_soft_host *limits;
};

extern CW_HIDDEN struct sg_engine sg_engine;

void sg_engine_kick(struct sg_stream *stream);
void sg_engine_settle(void);
void sg_op_finish(struct sg_op *op);
bool sg_poll_all(void);

void sg_grid_start(struct sg_op *op);
bool sg_grid_step(void);

void sg_pool_wake(void);
void sg_pool_wake_host(void);
int sg_pool_start(void);

/*
 * Whether compute time rests: no block is started then. Thread: any, without
 * the lock.
 */
static inline bool sg_pool_held(void)
{
	const struct causeway_soft_host *limits = sg_engine.limits;

	return limits && atomic_load_explicit(limits->hold, memory_order_relaxed);
}

static inline void sg_queue_push(struct sg_queue *queue, struct sg_op *op)
{
	if (!queue->head)
		queue->tail = &queue->head;
	op->link = NULL;
	*queue->tail = op;
	queue->tail = &op->link;
}

static inline struct sg_op *sg_queue_pop(struct sg_queue *queue)
{
	struct sg_op *op = queue->head;

	if (op)
		queue->head = op->link;
	return op;
}

#endif
