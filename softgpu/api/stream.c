/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams: creation, waiting, ordering, memory operations.
 */
#include <stdlib.h>

#include "softgpu/api/state.h"

#define PRIORITY_GREATEST (-5)
/* Per-thread default streams a thread remembers; one per live context. */
#define THREAD_STREAMS 8

static atomic_ullong stream_ids = 2;	/* 1 and 2 are the special ones */

/*
 * A thread's default streams. Each belongs to a generation of a context; one
 * whose generation is over was destroyed with it.
 */
struct thread_stream {
	struct sg_ctx *ctx;
	uint64_t generation;
	struct sg_ustream *stream;
	void *handle;
};

static __thread struct thread_stream thread_streams[THREAD_STREAMS];
static pthread_key_t thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;

static void stream_destroy(struct sg_object *obj)
{
	struct sg_ustream *stream = CW_CONTAINER_OF(obj, struct sg_ustream, obj);

	sg_stream_destroy(stream->queue);
	free(stream);
}

/* A thread ends: its default streams end once they are empty. */
static void thread_exit(void *array)
{
	struct thread_stream *ts = array;

	for (int i = 0; i < THREAD_STREAMS; i++) {
		struct sg_object *obj = sg_object_take(ts[i].handle, SG_TYPE_STREAM);

		if (obj)
			obj->destroy(obj);
	}
}

static void thread_init(void)
{
	pthread_key_create(&thread_key, thread_exit);
}

static struct sg_ustream *stream_new(struct sg_ctx *ctx, unsigned flags, int priority)
{
	struct sg_ustream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->flags = flags;
	stream->priority = cw_max(priority, PRIORITY_GREATEST);
	stream->priority = cw_min(stream->priority, 0);
	stream->id = atomic_fetch_add(&stream_ids, 1) + 1;
	stream->obj.destroy = stream_destroy;
	stream->queue = sg_stream_create(ctx->group,
					 flags & CU_STREAM_NON_BLOCKING ? SG_STREAM_NONBLOCKING : 0,
					 stream->priority);
	if (stream->queue && !sg_object_add(&stream->obj, SG_TYPE_STREAM, ctx))
		return stream;
	if (stream->queue)
		sg_stream_destroy(stream->queue);
	free(stream);
	return NULL;
}

/**
 * sg_stream_thread() - The calling thread's default stream in a context
 * @ctx:	active
 *
 * Return: the stream, made at first use, or NULL when out of memory.
 */
struct sg_ustream *sg_stream_thread(struct sg_ctx *ctx)
{
	uint64_t generation = atomic_load(&ctx->generation);
	struct thread_stream *slot = &thread_streams[0];

	pthread_once(&thread_once, thread_init);
	for (int i = 0; i < THREAD_STREAMS; i++) {
		struct thread_stream *ts = &thread_streams[i];

		if (ts->ctx == ctx && ts->generation == generation)
			return ts->stream;
		if (!ts->ctx || atomic_load(&ts->ctx->generation) != ts->generation)
			slot = ts;
	}
	slot->stream = stream_new(ctx, CU_STREAM_DEFAULT, 0);
	if (!slot->stream)
		return NULL;
	slot->ctx = ctx;
	slot->generation = generation;
	slot->handle = slot->stream->obj.handle;
	pthread_setspecific(thread_key, thread_streams);
	return slot->stream;
}

/**
 * sg_stream_queue() - What a CUstream means to the calling thread
 * @ctx:	current context
 * @handle:	from the program; 0, 1 and 2 are the special streams
 * @ret_queue:	the queue
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_HANDLE, CUDA_ERROR_INVALID_CONTEXT
 * for a stream of another context, CUDA_ERROR_OUT_OF_MEMORY.
 */
CUresult sg_stream_queue(struct sg_ctx *ctx, CUstream handle, struct sg_stream **ret_queue)
{
	struct sg_ustream *stream;

	if (!handle || handle == CU_STREAM_LEGACY) {
		*ret_queue = ctx->legacy;
		return CUDA_SUCCESS;
	}
	if (handle == CU_STREAM_PER_THREAD) {
		stream = sg_stream_thread(ctx);
		if (!stream)
			return CUDA_ERROR_OUT_OF_MEMORY;
	} else {
		stream = sg_object_find(handle, SG_TYPE_STREAM);
		if (!stream)
			return CUDA_ERROR_INVALID_HANDLE;
	}
	*ret_queue = stream->queue;
	return CUDA_SUCCESS;
}

/* Enter and resolve a stream. */
static CUresult enter_stream(CUstream handle, struct sg_ctx **ret_ctx, struct sg_stream **ret_queue)
{
	CUresult res = sg_enter_ctx(ret_ctx);

	return res ? res : sg_stream_queue(*ret_ctx, handle, ret_queue);
}

SG_API cuStreamCreateWithPriority(CUstream *pstream, unsigned int flags, int priority)
{
	struct sg_ustream *stream;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!pstream || (flags & ~(unsigned)CU_STREAM_NON_BLOCKING))
		return CUDA_ERROR_INVALID_VALUE;
	stream = stream_new(ctx, flags, priority);
	if (!stream)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*pstream = stream->obj.handle;
	return CUDA_SUCCESS;
}

SG_API cuStreamCreate(CUstream *pstream, unsigned int flags)
{
	return cuStreamCreateWithPriority(pstream, flags, 0);
}

SG_API cuStreamDestroy_v2(CUstream handle)
{
	struct sg_object *obj;

	SG_INIT();
	obj = sg_object_take(handle, SG_TYPE_STREAM);
	if (!obj)
		return CUDA_ERROR_INVALID_HANDLE;
	obj->destroy(obj);
	return CUDA_SUCCESS;
}

SG_API cuStreamDestroy(CUstream handle)
{
	return cuStreamDestroy_v2(handle);
}

SG_API cuStreamSynchronize(CUstream handle)
{
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	CUresult res = enter_stream(handle, &ctx, &queue);

	if (res)
		return res;
	sg_stream_wait(queue);
	sg_output_flush(ctx);
	return sg_ctx_error(ctx);
}

SG_API cuStreamQuery(CUstream handle)
{
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	CUresult res = enter_stream(handle, &ctx, &queue);

	if (res)
		return res;
	if (!sg_stream_idle(queue))
		return CUDA_ERROR_NOT_READY;
	return sg_ctx_error(ctx);
}

SG_API cuStreamWaitEvent(CUstream handle, CUevent hevent, unsigned int flags)
{
	struct sg_event *event;
	struct sg_stream *queue;
	struct sg_mark *mark;
	struct sg_ctx *ctx;
	CUresult res = enter_stream(handle, &ctx, &queue);
	int err = 0;

	if (res)
		return res;
	if (flags & ~(unsigned)CU_EVENT_WAIT_EXTERNAL)
		return CUDA_ERROR_INVALID_VALUE;
	event = sg_object_find(hevent, SG_TYPE_EVENT);
	if (!event)
		return CUDA_ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&event->lock);
	mark = event->mark ? sg_mark_get(event->mark) : NULL;
	pthread_mutex_unlock(&event->lock);
	if (mark) {
		err = sg_submit_wait(queue, mark);
		sg_mark_put(mark);
	}
	return sg_from_errno(err);
}

SG_API cuStreamGetPriority(CUstream handle, int *priority)
{
	struct sg_ustream *stream;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!priority)
		return CUDA_ERROR_INVALID_VALUE;
	*priority = 0;
	if ((uintptr_t)handle <= 2)
		return CUDA_SUCCESS;
	stream = sg_object_find(handle, SG_TYPE_STREAM);
	if (!stream)
		return CUDA_ERROR_INVALID_HANDLE;
	*priority = stream->priority;
	return CUDA_SUCCESS;
}

SG_API cuStreamGetFlags(CUstream handle, unsigned int *flags)
{
	struct sg_ustream *stream;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!flags)
		return CUDA_ERROR_INVALID_VALUE;
	*flags = 0;
	if ((uintptr_t)handle <= 2)
		return CUDA_SUCCESS;
	stream = sg_object_find(handle, SG_TYPE_STREAM);
	if (!stream)
		return CUDA_ERROR_INVALID_HANDLE;
	*flags = stream->flags;
	return CUDA_SUCCESS;
}

SG_API cuStreamGetId(CUstream handle, unsigned long long *id)
{
	struct sg_ustream *stream;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!id)
		return CUDA_ERROR_INVALID_VALUE;
	if (!handle || handle == CU_STREAM_LEGACY) {
		*id = 1;
		return CUDA_SUCCESS;
	}
	stream = handle == CU_STREAM_PER_THREAD ? sg_stream_thread(ctx)
						: sg_object_find(handle, SG_TYPE_STREAM);
	if (!stream)
		return CUDA_ERROR_INVALID_HANDLE;
	*id = stream->id;
	return CUDA_SUCCESS;
}

SG_API cuStreamGetDevice(CUstream handle, CUdevice *dev)
{
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	CUresult res = enter_stream(handle, &ctx, &queue);

	if (res)
		return res;
	if (!dev)
		return CUDA_ERROR_INVALID_VALUE;
	*dev = 0;
	return CUDA_SUCCESS;
}

SG_API cuStreamGetCtx(CUstream handle, CUcontext *pctx)
{
	struct sg_ustream *stream;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!pctx)
		return CUDA_ERROR_INVALID_VALUE;
	if ((uintptr_t)handle > 2) {
		stream = sg_object_find(handle, SG_TYPE_STREAM);
		if (!stream)
			return CUDA_ERROR_INVALID_HANDLE;
		ctx = stream->obj.ctx;
	}
	*pctx = ctx->obj.handle;
	return CUDA_SUCCESS;
}

SG_API cuStreamGetCtx_v2(CUstream handle, CUcontext *pctx, CUgreenCtx *green)
{
	if (green)
		*green = NULL;
	return cuStreamGetCtx(handle, pctx);
}

SG_API cuStreamAttachMemAsync(CUstream handle, CUdeviceptr ptr, size_t len, unsigned int flags)
{
	struct sg_mem_info info;
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	CUresult res = enter_stream(handle, &ctx, &queue);

	if (res)
		return res;
	if (!sg_mem_find(ptr, &info) || !sg_mem_is_managed(&info) ||
	    (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST &&
	     flags != CU_MEM_ATTACH_SINGLE))
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

SG_API cuStreamCopyAttributes(CUstream dst, CUstream src)
{
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	CUresult res = enter_stream(dst, &ctx, &queue);

	return res ? res : sg_stream_queue(ctx, src, &queue);
}

SG_API cuStreamGetAttribute(CUstream handle, CUstreamAttrID attr, CUstreamAttrValue *value)
{
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	CUresult res = enter_stream(handle, &ctx, &queue);
	int priority;

	if (res)
		return res;
	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	*value = (CUstreamAttrValue){ .pad = { 0 } };
	switch (attr) {
	case CU_LAUNCH_ATTRIBUTE_PRIORITY:
		res = cuStreamGetPriority(handle, &priority);
		value->priority = priority;
		return res;
	case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
		value->syncPolicy = CU_SYNC_POLICY_AUTO;
		return CUDA_SUCCESS;
	case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

SG_API cuStreamSetAttribute(CUstream handle, CUstreamAttrID attr, const CUstreamAttrValue *value)
{
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	CUresult res = enter_stream(handle, &ctx, &queue);

	if (res)
		return res;
	switch (attr) {
	case CU_LAUNCH_ATTRIBUTE_PRIORITY:
	case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
	case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
		/* Hints about caches and waiting that change no result. */
		return value ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

/* A word a stream may write or wait for: naturally aligned, kernel-accessible. */
static bool word_ok(CUdeviceptr addr, unsigned bytes)
{
	return !(addr % bytes) && sg_mem_contains(addr, bytes, NULL);
}

static CUresult value_op(struct sg_stream *queue, struct sg_value *value, unsigned flags,
			 bool is_wait)
{
	if (!word_ok(value->addr, value->bytes))
		return CUDA_ERROR_INVALID_VALUE;
	if (!is_wait) {
		if (flags & ~(unsigned)CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER)
			return CUDA_ERROR_INVALID_VALUE;
		return sg_from_errno(sg_submit_value_write(queue, value));
	}
	flags &= ~(unsigned)CU_STREAM_WAIT_VALUE_FLUSH;
	if (flags > CU_STREAM_WAIT_VALUE_NOR)
		return CUDA_ERROR_INVALID_VALUE;
	value->test = (enum sg_value_test)flags;
	return sg_from_errno(sg_submit_value_wait(queue, value));
}

static CUresult value_call(CUstream handle, struct sg_value value, unsigned flags, bool is_wait)
{
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	CUresult res = enter_stream(handle, &ctx, &queue);

	return res ? res : value_op(queue, &value, flags, is_wait);
}

SG_API cuStreamWriteValue32_v2(CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned flags)
{
	return value_call(stream, (struct sg_value){ addr, value, 4, 0 }, flags, false);
}

SG_API cuStreamWriteValue64_v2(CUstream stream, CUdeviceptr addr, cuuint64_t value, unsigned flags)
{
	return value_call(stream, (struct sg_value){ addr, value, 8, 0 }, flags, false);
}

SG_API cuStreamWaitValue32_v2(CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned flags)
{
	return value_call(stream, (struct sg_value){ addr, value, 4, 0 }, flags, true);
}

SG_API cuStreamWaitValue64_v2(CUstream stream, CUdeviceptr addr, cuuint64_t value, unsigned flags)
{
	return value_call(stream, (struct sg_value){ addr, value, 8, 0 }, flags, true);
}

SG_API cuStreamBatchMemOp_v2(CUstream stream, unsigned int count, CUstreamBatchMemOpParams *params,
			     unsigned int flags)
{
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	CUresult res = enter_stream(stream, &ctx, &queue);

	if (res)
		return res;
	if (!params || count > 256 || flags)
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned i = 0; i < count && !res; i++) {
		CUstreamBatchMemOpType op = params[i].operation;
		bool wide = op == CU_STREAM_MEM_OP_WAIT_VALUE_64 ||
			    op == CU_STREAM_MEM_OP_WRITE_VALUE_64;
		bool wait = op == CU_STREAM_MEM_OP_WAIT_VALUE_32 ||
			    op == CU_STREAM_MEM_OP_WAIT_VALUE_64;
		struct sg_value value = {
			.addr = params[i].waitValue.address,
			.value = wide ? params[i].waitValue.value64 : params[i].waitValue.value,
			.bytes = wide ? 8 : 4,
		};

		if (op == CU_STREAM_MEM_OP_BARRIER || op == CU_STREAM_MEM_OP_FLUSH_REMOTE_WRITES)
			continue;
		if (!wait && !wide && op != CU_STREAM_MEM_OP_WRITE_VALUE_32)
			return CUDA_ERROR_INVALID_VALUE;
		res = value_op(queue, &value, params[i].waitValue.flags, wait);
	}
	return res;
}
