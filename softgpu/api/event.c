/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: a handle that points to the last mark recorded for it.
 */
#include <stdlib.h>

#include "softgpu/api/state.h"

static void event_destroy(struct sg_object *obj)
{
	struct sg_event *event = CW_CONTAINER_OF(obj, struct sg_event, obj);

	sg_mark_put(event->mark);
	pthread_mutex_destroy(&event->lock);
	free(event);
}

/* The event's mark with a reference, or NULL where it was never recorded. */
static struct sg_mark *event_mark(struct sg_event *event)
{
	struct sg_mark *mark;

	pthread_mutex_lock(&event->lock);
	mark = event->mark ? sg_mark_get(event->mark) : NULL;
	pthread_mutex_unlock(&event->lock);
	return mark;
}

SG_API cuEventCreate(CUevent *pevent, unsigned int flags)
{
	struct sg_event *event;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!pevent || (flags & ~7u))
		return CUDA_ERROR_INVALID_VALUE;
	if (flags & CU_EVENT_INTERPROCESS)
		return CUDA_ERROR_NOT_SUPPORTED;
	event = calloc(1, sizeof(*event));
	if (!event)
		return CUDA_ERROR_OUT_OF_MEMORY;
	event->flags = flags;
	event->obj.destroy = event_destroy;
	pthread_mutex_init(&event->lock, NULL);
	if (sg_object_add(&event->obj, SG_TYPE_EVENT, ctx)) {
		free(event);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	*pevent = event->obj.handle;
	return CUDA_SUCCESS;
}

SG_API cuEventDestroy_v2(CUevent handle)
{
	struct sg_object *obj;

	SG_INIT();
	obj = sg_object_take(handle, SG_TYPE_EVENT);
	if (!obj)
		return CUDA_ERROR_INVALID_HANDLE;
	obj->destroy(obj);
	return CUDA_SUCCESS;
}

SG_API cuEventDestroy(CUevent handle)
{
	return cuEventDestroy_v2(handle);
}

SG_API cuEventRecordWithFlags(CUevent handle, CUstream hstream, unsigned int flags)
{
	struct sg_mark *mark, *old;
	struct sg_stream *queue;
	struct sg_event *event;
	struct sg_ctx *ctx;
	CUresult res;

	SG_CTX(ctx);
	event = sg_object_find(handle, SG_TYPE_EVENT);
	if (!event)
		return CUDA_ERROR_INVALID_HANDLE;
	if (flags & ~(unsigned)CU_EVENT_RECORD_EXTERNAL)
		return CUDA_ERROR_INVALID_VALUE;
	res = sg_stream_queue(ctx, hstream, &queue);
	if (res)
		return res;
	mark = sg_mark_create();
	if (!mark || sg_submit_record(queue, mark)) {
		sg_mark_put(mark);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	pthread_mutex_lock(&event->lock);
	old = event->mark;
	event->mark = mark;
	pthread_mutex_unlock(&event->lock);
	sg_mark_put(old);
	return CUDA_SUCCESS;
}

SG_API cuEventRecord(CUevent handle, CUstream hstream)
{
	return cuEventRecordWithFlags(handle, hstream, 0);
}

SG_API cuEventQuery(CUevent handle)
{
	struct sg_event *event;
	struct sg_mark *mark;
	struct sg_ctx *ctx;
	bool done;

	SG_CTX(ctx);
	event = sg_object_find(handle, SG_TYPE_EVENT);
	if (!event)
		return CUDA_ERROR_INVALID_HANDLE;
	mark = event_mark(event);
	done = !mark || sg_mark_done(mark);
	sg_mark_put(mark);
	return done ? sg_ctx_error(ctx) : CUDA_ERROR_NOT_READY;
}

SG_API cuEventSynchronize(CUevent handle)
{
	struct sg_event *event;
	struct sg_mark *mark;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	event = sg_object_find(handle, SG_TYPE_EVENT);
	if (!event)
		return CUDA_ERROR_INVALID_HANDLE;
	mark = event_mark(event);
	if (mark)
		sg_mark_wait(mark);
	sg_mark_put(mark);
	sg_output_flush(ctx);
	return sg_ctx_error(ctx);
}

SG_API cuEventElapsedTime_v2(float *ms, CUevent hstart, CUevent hend)
{
	struct sg_event *start, *end;
	struct sg_mark *from, *to;
	struct sg_ctx *ctx;
	CUresult res = CUDA_SUCCESS;

	SG_CTX(ctx);
	start = sg_object_find(hstart, SG_TYPE_EVENT);
	end = sg_object_find(hend, SG_TYPE_EVENT);
	if (!start || !end)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!ms)
		return CUDA_ERROR_INVALID_VALUE;
	if ((start->flags | end->flags) & CU_EVENT_DISABLE_TIMING)
		return CUDA_ERROR_INVALID_HANDLE;
	from = event_mark(start);
	to = event_mark(end);
	if (!from || !to)
		res = CUDA_ERROR_INVALID_HANDLE;
	else if (!sg_mark_done(from) || !sg_mark_done(to))
		res = CUDA_ERROR_NOT_READY;
	else
		*ms = (float)(int64_t)(sg_mark_time(to) - sg_mark_time(from)) / 1e6f;
	sg_mark_put(from);
	sg_mark_put(to);
	return res;
}

SG_API cuEventElapsedTime(float *ms, CUevent start, CUevent end)
{
	return cuEventElapsedTime_v2(ms, start, end);
}
