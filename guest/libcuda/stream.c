/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams: what the process knows of them without asking.
 */
#include <stdlib.h>
#include <string.h>

#include "guest/libcuda/client.h"

/* Mapped by the slot of the handle, which this process chose: dense. */
#define STREAMS_MAX (1u << 16)

struct stream_record {
	uint64_t handle;
	uint64_t id;
	uint64_t ctx;
	unsigned int flags;
	int priority;
};

static struct stream_record *streams;
static uint32_t nr_streams;
static uint64_t streams_made = 16; /* ids below belong to the special streams */
static pthread_mutex_t stream_lock = PTHREAD_MUTEX_INITIALIZER;

/* Clamps as the driver does: nothing is said to a priority out of range. */
static int priority_clamp(int priority)
{
	return priority > 0 ? 0 : priority < -5 ? -5 : priority;
}

/**
 * cg_stream_born() - Remember a stream that is being made
 * @stream:	its handle, chosen here
 * @flags, @priority: as asked for
 */
void cg_stream_born(CUstream stream, unsigned int flags, int priority)
{
	uint64_t h = (uintptr_t)stream;
	uint32_t slot = cw_handle_slot(h);

	if (slot >= STREAMS_MAX)
		return;
	pthread_mutex_lock(&stream_lock);
	if (slot >= nr_streams) {
		uint32_t n = cw_max(nr_streams * 2, slot + 64);
		struct stream_record *more = realloc(streams, n * sizeof(*more));

		if (more) {
			memset(more + nr_streams, 0, (n - nr_streams) * sizeof(*more));
			streams = more;
			nr_streams = n;
		}
	}
	if (slot < nr_streams)
		streams[slot] = (struct stream_record){
			.handle = h, .id = ++streams_made, .ctx = cg_ctx_now(), .flags = flags,
			.priority = priority_clamp(priority),
		};
	pthread_mutex_unlock(&stream_lock);
}

void cg_stream_gone(CUstream stream)
{
	uint64_t h = (uintptr_t)stream;

	pthread_mutex_lock(&stream_lock);
	if (cw_handle_slot(h) < nr_streams && streams[cw_handle_slot(h)].handle == h)
		streams[cw_handle_slot(h)].handle = 0;
	pthread_mutex_unlock(&stream_lock);
	cg_handle_free(h);
}

/**
 * cg_stream_info() - What is known of a stream; outputs may be NULL
 * @stream:	handle, also 0, 1, 2
 * @flags, @priority, @id, @ctx: outputs
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_HANDLE.
 */
CUresult cg_stream_info(CUstream stream, unsigned int *flags, int *priority,
			unsigned long long *id, CUcontext *ctx)
{
	uint64_t h = (uintptr_t)stream;
	struct stream_record rec = { .id = h + 1, .ctx = cg_ctx_now() };
	bool ok = h <= 2;

	if (!ok) {
		pthread_mutex_lock(&stream_lock);
		ok = cw_handle_type(h) == CW_H_STREAM && cw_handle_slot(h) < nr_streams &&
		     streams[cw_handle_slot(h)].handle == h;
		if (ok)
			rec = streams[cw_handle_slot(h)];
		pthread_mutex_unlock(&stream_lock);
	}
	if (!ok)
		return CUDA_ERROR_INVALID_HANDLE;
	if (flags)
		*flags = rec.flags;
	if (priority)
		*priority = rec.priority;
	if (id)
		*id = rec.id;
	if (ctx)
		*ctx = (CUcontext)(uintptr_t)rec.ctx;
	return CUDA_SUCCESS;
}

/* Waits for a stream on behalf of another function, with that one's checks. */
CUresult cg_stream_wait(const struct cg_fn *fn, uint64_t stream)
{
	CUresult r = cg_enter(fn);

	return r ? r : cuStreamSynchronize((CUstream)(uintptr_t)stream);
}
