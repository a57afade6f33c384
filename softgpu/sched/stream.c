/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams, groups and marks: the order of operations. See sched.h.
 *
 * Theory of operation: whatever may let a stream go on puts it on the kick
 * list; sg_engine_settle() then looks at each of them until nothing moves.
 * A list instead of recursion, because one mark may release thousands.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "softgpu/sched/engine.h"

struct sg_engine sg_engine = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.work_cond = PTHREAD_COND_INITIALIZER,
	.host_cond = PTHREAD_COND_INITIALIZER,
	.mark_cond = PTHREAD_COND_INITIALIZER,
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void lock(void)
{
	pthread_mutex_lock(&sg_engine.lock);
}

static void unlock(void)
{
	pthread_mutex_unlock(&sg_engine.lock);
}

static bool is_blocking(const struct sg_stream *stream)
{
	return !(stream->flags & (SG_STREAM_LEGACY | SG_STREAM_NONBLOCKING));
}

static void group_put(struct sg_group *group)
{
	if (!--group->refs)
		free(group);
}

/* The last one out frees it. */
static void stream_put(struct sg_stream *stream)
{
	struct sg_group *group = stream->group;
	struct sg_stream **link = &group->streams;

	if (--stream->refs)
		return;
	while (*link != stream)
		link = &(*link)->next;
	*link = stream->next;
	if (group->legacy == stream)
		group->legacy = NULL;
	pthread_cond_destroy(&stream->cond);
	free(stream);
	group_put(group);
}

/**
 * sg_engine_kick() - Have a stream looked at
 * @stream:	something it may have waited for has happened
 */
void sg_engine_kick(struct sg_stream *stream)
{
	if (stream->kicked)
		return;
	stream->kicked = true;
	stream->refs++;
	stream->kick = sg_engine.kicks;
	sg_engine.kicks = stream;
}

static void kick_group(struct sg_group *group)
{
	for (struct sg_stream *s = group->streams; s; s = s->next) {
		if (s->ops.head)
			sg_engine_kick(s);
	}
}

/* Whether the legacy stream's order lets @op, the head of its stream, run. */
static bool order_allows(const struct sg_stream *stream, const struct sg_op *op)
{
	const struct sg_stream *legacy = stream->group->legacy;

	if (is_blocking(stream))
		return !legacy || !legacy->ops.head || legacy->ops.head->number > op->number;
	if (!(stream->flags & SG_STREAM_LEGACY))
		return true;
	for (const struct sg_stream *s = stream->group->streams; s; s = s->next) {
		if (is_blocking(s) && s->ops.head && s->ops.head->number < op->number)
			return false;
	}
	return true;
}

static void mark_complete(struct sg_mark *mark)
{
	struct sg_op *op = mark->blocked, *next;

	mark->ns = now_ns();
	atomic_store(&mark->done, true);
	mark->blocked = NULL;
	for (; op; op = next) {
		next = op->link;
		op->state = SG_OP_QUEUED;
		sg_engine_kick(op->stream);
	}
	if (sg_engine.mark_waiters)
		pthread_cond_broadcast(&sg_engine.mark_cond);
}

static void value_store(const struct sg_value *v)
{
	if (v->bytes == 4)
		__atomic_store_n((uint32_t *)v->addr, (uint32_t)v->value, __ATOMIC_SEQ_CST);
	else
		__atomic_store_n((uint64_t *)v->addr, v->value, __ATOMIC_SEQ_CST);
}

static bool value_reached(const struct sg_value *v)
{
	bool narrow = v->bytes == 4;
	uint64_t have = narrow ? __atomic_load_n((uint32_t *)v->addr, __ATOMIC_SEQ_CST)
			       : __atomic_load_n((uint64_t *)v->addr, __ATOMIC_SEQ_CST);

	switch (v->test) {
	case SG_VALUE_GEQ:
		return narrow ? (int32_t)((uint32_t)have - (uint32_t)v->value) >= 0
			      : (int64_t)(have - v->value) >= 0;
	case SG_VALUE_EQ:
		return have == (narrow ? (uint32_t)v->value : v->value);
	case SG_VALUE_AND:
		return have & v->value;
	default:
		return narrow ? (uint32_t)~(have | v->value) : ~(have | v->value);
	}
}

/* Take @op off the list that @list starts, linked by op->link. */
static void unlink_op(struct sg_op **list, struct sg_op *op)
{
	while (*list && *list != op)
		list = &(*list)->link;
	if (*list)
		*list = op->link;
}

/* A failed group waits for nothing. */
static bool head_gives_up(struct sg_op *op)
{
	if (op->state != SG_OP_BLOCKED || !atomic_load(&op->stream->group->error))
		return false;
	unlink_op(op->kind == SG_OP_POLL ? &sg_engine.poll : &op->mark->blocked, op);
	sg_op_finish(op);
	return true;
}

/*
 * Start the head of a stream, which may run now. Return: true where it is
 * finished already, so that the next one may be looked at.
 */
static bool head_start(struct sg_op *op)
{
	int error = atomic_load(&op->stream->group->error);

	switch (op->kind) {
	case SG_OP_WORK:
		op->state = SG_OP_RUNNING;
		sg_queue_push(&sg_engine.work, op);
		sg_pool_wake();
		return false;
	case SG_OP_HOST:
		op->state = SG_OP_RUNNING;
		sg_queue_push(&sg_engine.host, op);
		sg_pool_wake_host();
		return false;
	case SG_OP_CALLER:
		op->state = SG_OP_RUNNING;
		pthread_cond_signal(op->cond);
		return false;
	case SG_OP_GRID:
		op->state = SG_OP_RUNNING;
		sg_grid_start(op);
		return false;
	case SG_OP_RECORD:
		mark_complete(op->mark);
		break;
	case SG_OP_WAIT:
		if (!error && !atomic_load(&op->mark->done)) {
			op->state = SG_OP_BLOCKED;
			op->link = op->mark->blocked;
			op->mark->blocked = op;
			return false;
		}
		break;
	case SG_OP_WRITE:
		if (!error)
			value_store(&op->value);
		break;
	case SG_OP_POLL:
		if (!error && !value_reached(&op->value)) {
			op->state = SG_OP_BLOCKED;
			op->link = sg_engine.poll;
			sg_engine.poll = op;
			sg_pool_wake();
			return false;
		}
		break;
	}
	sg_op_finish(op);
	return true;
}

static void stream_advance(struct sg_stream *stream)
{
	for (;;) {
		struct sg_op *op = stream->ops.head;

		if (!op)
			return;
		if (head_gives_up(op))
			continue;
		if (op->state != SG_OP_QUEUED || !order_allows(stream, op))
			return;
		if (!head_start(op))
			return;
	}
}

/**
 * sg_engine_settle() - Let every kicked stream go on as far as it can
 */
void sg_engine_settle(void)
{
	struct sg_stream *stream;

	while ((stream = sg_engine.kicks)) {
		sg_engine.kicks = stream->kick;
		stream->kicked = false;
		stream_advance(stream);
		stream_put(stream);
	}
}

/**
 * sg_op_finish() - The head of a stream is done
 * @op:		operation; freed, unless its caller owns it
 */
void sg_op_finish(struct sg_op *op)
{
	struct sg_stream *stream = op->stream;
	struct sg_group *group = stream->group;

	stream->ops.head = op->next;
	if (stream->waiters)
		pthread_cond_broadcast(&stream->cond);
	sg_engine_kick(stream);
	if (stream->flags & SG_STREAM_LEGACY)
		kick_group(group);
	else if (is_blocking(stream) && group->legacy && group->legacy->ops.head)
		sg_engine_kick(group->legacy);
	if (op->kind == SG_OP_RECORD || op->kind == SG_OP_WAIT)
		sg_mark_put(op->mark);
	if (op->kind != SG_OP_CALLER)
		free(op);
	stream_put(stream);
}

/**
 * sg_poll_all() - Look at the memory that streams wait for
 *
 * Return: whether some still wait.
 */
bool sg_poll_all(void)
{
	struct sg_op **link = &sg_engine.poll;

	while (*link) {
		struct sg_op *op = *link;

		if (!value_reached(&op->value)) {
			link = &op->link;
			continue;
		}
		*link = op->link;
		sg_op_finish(op);
	}
	sg_engine_settle();
	return sg_engine.poll;
}

/* Append to the stream; the lock is held. */
static void stream_push(struct sg_stream *stream, struct sg_op *op)
{
	op->stream = stream;
	op->number = ++sg_engine.last_number;
	op->next = NULL;
	op->state = SG_OP_QUEUED;
	if (!stream->ops.head)
		stream->ops.tail = &stream->ops.head;
	*stream->ops.tail = op;
	stream->ops.tail = &op->next;
	stream->refs++;
	if (stream->ops.head == op) {
		sg_engine_kick(stream);
		sg_engine_settle();
	}
}

static int submit(struct sg_stream *stream, const struct sg_op *template)
{
	struct sg_op *op = malloc(sizeof(*op));
	int err;

	if (!op)
		return -ENOMEM;
	*op = *template;
	lock();
	err = sg_pool_start();
	if (!err)
		stream_push(stream, op);
	unlock();
	if (err)
		free(op);
	return err;
}

/**
 * sg_submit_work() - Queue a short piece of work for a pool thread
 * @stream:	where
 * @fn:		must not wait for anything; called exactly once
 * @arg:	for @fn
 *
 * Return: 0, or -ENOMEM: then @fn is not called.
 */
int sg_submit_work(struct sg_stream *stream, sg_work_fn fn, void *arg)
{
	return submit(stream, &(struct sg_op){ .kind = SG_OP_WORK, .fn = fn, .arg = arg });
}

/**
 * sg_submit_host() - Queue a function that may wait as long as it likes
 * @stream:	where; only this stream waits for it
 * @fn:		called exactly once, on a thread with all signals blocked
 * @arg:	for @fn
 *
 * Return: 0, or -ENOMEM: then @fn is not called.
 */
int sg_submit_host(struct sg_stream *stream, sg_work_fn fn, void *arg)
{
	return submit(stream, &(struct sg_op){ .kind = SG_OP_HOST, .fn = fn, .arg = arg });
}

/**
 * sg_submit_grid() - Queue a kernel
 * @stream:	where
 * @grid:	ops and blocks are set; belongs to the scheduler until ops->end
 *
 * Return: 0, or -ENOMEM: then nothing of @grid is called.
 */
int sg_submit_grid(struct sg_stream *stream, struct sg_grid *grid)
{
	return submit(stream, &(struct sg_op){ .kind = SG_OP_GRID, .grid = grid });
}

/**
 * sg_submit_record() - Complete a mark when the stream gets there
 * @stream:	where
 * @mark:	not recorded yet
 *
 * Return: 0 or -ENOMEM.
 */
int sg_submit_record(struct sg_stream *stream, struct sg_mark *mark)
{
	int err;

	sg_mark_get(mark);
	err = submit(stream, &(struct sg_op){ .kind = SG_OP_RECORD, .mark = mark });
	if (err)
		sg_mark_put(mark);
	return err;
}

/**
 * sg_submit_wait() - Hold the stream until a mark is complete
 * @stream:	where
 * @mark:	recorded by an earlier sg_submit_record()
 *
 * Return: 0 or -ENOMEM.
 */
int sg_submit_wait(struct sg_stream *stream, struct sg_mark *mark)
{
	int err;

	sg_mark_get(mark);
	err = submit(stream, &(struct sg_op){ .kind = SG_OP_WAIT, .mark = mark });
	if (err)
		sg_mark_put(mark);
	return err;
}

/**
 * sg_submit_value_write() - Store a number when the stream gets there
 * @stream:	where
 * @value:	address, number, size
 *
 * Return: 0 or -ENOMEM.
 */
int sg_submit_value_write(struct sg_stream *stream, const struct sg_value *value)
{
	return submit(stream, &(struct sg_op){ .kind = SG_OP_WRITE, .value = *value });
}

/**
 * sg_submit_value_wait() - Hold the stream until memory has a value
 * @stream:	where
 * @value:	address, number, size, comparison
 *
 * Return: 0 or -ENOMEM.
 */
int sg_submit_value_wait(struct sg_stream *stream, const struct sg_value *value)
{
	return submit(stream, &(struct sg_op){ .kind = SG_OP_POLL, .value = *value });
}

/**
 * sg_call() - Run a function here when the stream gets there
 * @stream:	where; its later operations wait for the function
 * @fn:		called before this returns, by this thread
 * @arg:	for @fn
 *
 * On an idle stream this costs two lock operations and no other thread.
 *
 * Return: 0.
 */
int sg_call(struct sg_stream *stream, sg_work_fn fn, void *arg)
{
	pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
	struct sg_op op = { .kind = SG_OP_CALLER, .cond = &cond };
	struct sg_group *group = stream->group;

	lock();
	stream_push(stream, &op);
	while (op.state != SG_OP_RUNNING)
		pthread_cond_wait(&cond, &sg_engine.lock);
	unlock();
	fn(arg, atomic_load(&group->error));
	lock();
	sg_op_finish(&op);
	sg_engine_settle();
	unlock();
	pthread_cond_destroy(&cond);
	return 0;
}

/**
 * sg_stream_create() - A new stream
 * @group:	whose
 * @flags:	SG_STREAM_LEGACY (once per group), SG_STREAM_NONBLOCKING
 * @priority:	lower numbers are served first
 *
 * Return: the stream or NULL.
 */
struct sg_stream *sg_stream_create(struct sg_group *group, uint32_t flags, int priority)
{
	struct sg_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->group = group;
	stream->flags = flags;
	stream->priority = priority;
	stream->refs = 1;
	pthread_cond_init(&stream->cond, NULL);
	lock();
	group->refs++;
	stream->next = group->streams;
	group->streams = stream;
	if (flags & SG_STREAM_LEGACY)
		group->legacy = stream;
	unlock();
	return stream;
}

/**
 * sg_stream_destroy() - Let go of a stream
 * @stream:	what is queued in it is still done; no new operations
 */
void sg_stream_destroy(struct sg_stream *stream)
{
	lock();
	stream_put(stream);
	unlock();
}

/* Wait until @stream has finished everything up to @number. Lock held. */
static void wait_number(struct sg_stream *stream, uint64_t number)
{
	stream->refs++;
	stream->waiters++;
	while (stream->ops.head && stream->ops.head->number <= number)
		pthread_cond_wait(&stream->cond, &sg_engine.lock);
	stream->waiters--;
	stream_put(stream);
}

/* A stream of @group that has not reached @number; blocking ones only if asked. */
static struct sg_stream *find_behind(struct sg_group *group, uint64_t number, bool blocking)
{
	for (struct sg_stream *s = group->streams; s; s = s->next) {
		if (s->ops.head && s->ops.head->number <= number &&
		    !(blocking && (s->flags & SG_STREAM_NONBLOCKING)))
			return s;
	}
	return NULL;
}

static void wait_streams(struct sg_group *group, bool blocking)
{
	uint64_t number = sg_engine.last_number;
	struct sg_stream *stream;

	group->refs++;
	while ((stream = find_behind(group, number, blocking)))
		wait_number(stream, number);
	group_put(group);
}

/**
 * sg_stream_wait() - Wait for all that is queued in a stream now
 * @stream:	the legacy stream includes the blocking ones
 */
void sg_stream_wait(struct sg_stream *stream)
{
	lock();
	if (stream->flags & SG_STREAM_LEGACY)
		wait_streams(stream->group, true);
	else
		wait_number(stream, sg_engine.last_number);
	unlock();
}

/**
 * sg_stream_idle() - Whether sg_stream_wait() would return at once
 * @stream:	which
 *
 * Return: true if it would.
 */
bool sg_stream_idle(struct sg_stream *stream)
{
	bool idle;

	lock();
	if (stream->flags & SG_STREAM_LEGACY)
		idle = !find_behind(stream->group, UINT64_MAX, true);
	else
		idle = !stream->ops.head;
	unlock();
	return idle;
}

/**
 * sg_group_create() - Streams that share a legacy stream and a fate
 *
 * Return: the group or NULL.
 */
struct sg_group *sg_group_create(void)
{
	struct sg_group *group = calloc(1, sizeof(*group));

	if (group)
		group->refs = 1;
	return group;
}

/**
 * sg_group_destroy() - Stop everything and let go of the group
 * @group:	lives on until the last of its streams is destroyed
 */
void sg_group_destroy(struct sg_group *group)
{
	sg_group_fail(group, -ECANCELED);
	sg_group_wait(group);
	lock();
	group_put(group);
	unlock();
}

/**
 * sg_group_fail() - From now on nothing of the group runs
 * @group:	kernels are cancelled, waits end, work is called with the error
 * @error:	not 0; the first one stays
 */
void sg_group_fail(struct sg_group *group, int error)
{
	int none = 0;

	lock();
	if (atomic_compare_exchange_strong(&group->error, &none, error)) {
		kick_group(group);
		sg_engine_settle();
		if (sg_engine.grids)
			sg_pool_wake();
	}
	unlock();
}

int sg_group_error(const struct sg_group *group)
{
	return atomic_load(&group->error);
}

/* What running blocks look at: non-zero once the group has failed. */
const atomic_int *sg_group_cancel(const struct sg_group *group)
{
	return &group->error;
}

/**
 * sg_group_wait() - Wait for all that is queued in the group now
 * @group:	which
 */
void sg_group_wait(struct sg_group *group)
{
	lock();
	wait_streams(group, false);
	unlock();
}

bool sg_group_idle(struct sg_group *group)
{
	bool idle;

	lock();
	idle = !find_behind(group, UINT64_MAX, false);
	unlock();
	return idle;
}

/**
 * sg_mark_create() - A point in a stream, to be recorded once
 *
 * Return: the mark with one reference, or NULL.
 */
struct sg_mark *sg_mark_create(void)
{
	struct sg_mark *mark = calloc(1, sizeof(*mark));

	if (mark)
		atomic_init(&mark->refs, 1);
	return mark;
}

struct sg_mark *sg_mark_get(struct sg_mark *mark)
{
	atomic_fetch_add(&mark->refs, 1);
	return mark;
}

void sg_mark_put(struct sg_mark *mark)
{
	if (mark && atomic_fetch_sub(&mark->refs, 1) == 1)
		free(mark);
}

bool sg_mark_done(const struct sg_mark *mark)
{
	return atomic_load(&mark->done);
}

/* CLOCK_MONOTONIC nanoseconds at which a done mark became so. */
uint64_t sg_mark_time(const struct sg_mark *mark)
{
	return mark->ns;
}

/**
 * sg_mark_wait() - Wait until a mark is complete
 * @mark:	recorded
 */
void sg_mark_wait(struct sg_mark *mark)
{
	lock();
	sg_engine.mark_waiters++;
	while (!atomic_load(&mark->done))
		pthread_cond_wait(&sg_engine.mark_cond, &sg_engine.lock);
	sg_engine.mark_waiters--;
	unlock();
}
