/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts: the primary one, created ones, and each thread's stack of them.
 *
 * Theory of operation: a context's handle outlives its contents. The primary
 * context has its handle from cuInit() on and is filled by the first retain;
 * a created one loses its handle when it is destroyed, its memory stays until
 * the process ends, because other threads may still have it on their stacks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "softgpu/api/state.h"

#define STACK_MAX 64

static struct {
	pthread_mutex_t lock;	/* creation, retain, reset, destruction */
	struct sg_ctx *primary;
	struct sg_object *retired;	/* destroyed ones, by next */
	uint64_t last_id;
	unsigned primary_flags;
} contexts = { .lock = PTHREAD_MUTEX_INITIALIZER };

static atomic_ullong generations;

static __thread struct {
	struct sg_ctx *ctx[STACK_MAX];
	unsigned n;
} stack;

static const size_t default_limits[CU_LIMIT_MAX] = {
	[CU_LIMIT_STACK_SIZE] = 1024,
	[CU_LIMIT_PRINTF_FIFO_SIZE] = 1 << 20,
	[CU_LIMIT_MALLOC_HEAP_SIZE] = 8 << 20,
	[CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH] = 2,
	[CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT] = 2048,
	[CU_LIMIT_MAX_L2_FETCH_GRANULARITY] = 64,
};

static struct sg_ctx *ctx_find(CUcontext handle)
{
	return sg_object_find(handle, SG_TYPE_CTX);
}

struct sg_ctx *sg_primary(void)
{
	return contexts.primary;
}

/* The context on top of the thread's stack, active or not, or NULL. */
struct sg_ctx *sg_current(void)
{
	return stack.n ? stack.ctx[stack.n - 1] : NULL;
}

/**
 * sg_ctx_error() - Whether a context has failed
 * @ctx:	active
 *
 * Return: what every call returns until the context is reset.
 */
CUresult sg_ctx_error(const struct sg_ctx *ctx)
{
	int error = sg_group_error(ctx->group);

	return error > 0 ? (CUresult)error : CUDA_SUCCESS;
}

/* Fill an empty context. */
static int ctx_open(struct sg_ctx *ctx)
{
	ctx->group = sg_group_create();
	if (!ctx->group)
		return -ENOMEM;
	ctx->legacy = sg_stream_create(ctx->group, SG_STREAM_LEGACY, 0);
	ctx->output = sg_output_create();
	if (!ctx->legacy || !ctx->output) {
		if (ctx->legacy)
			sg_stream_destroy(ctx->legacy);
		sg_output_destroy(ctx->output);
		sg_group_destroy(ctx->group);
		return -ENOMEM;
	}
	memcpy(ctx->limits, default_limits, sizeof(default_limits));
	ctx->cache_config = CU_FUNC_CACHE_PREFER_NONE;
	ctx->shared_config = CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE;
	atomic_store(&ctx->generation, atomic_fetch_add(&generations, 1) + 1);
	atomic_store(&ctx->active, true);
	return 0;
}

/* Stop and empty a context. A caller that wants its work done waits first. */
static void ctx_close(struct sg_ctx *ctx)
{
	sg_group_fail(ctx->group, CUDA_ERROR_CONTEXT_IS_DESTROYED);
	sg_group_wait(ctx->group);
	sg_output_flush(ctx);
	sg_local_clear(ctx);
	atomic_store(&ctx->active, false);
	atomic_store(&ctx->generation, 0);
	sg_object_destroy_all(ctx);
	sg_mem_release_owner(ctx, sg_pool_freed);
	if (ctx->heap_base)
		sg_heap_fini(&ctx->heap);
	ctx->heap_base = 0;
	sg_stream_destroy(ctx->legacy);
	sg_group_destroy(ctx->group);
	sg_output_destroy(ctx->output);
}

static void ctx_destroy(struct sg_object *obj)
{
	/* Its memory stays: see the head of this file. */
	obj->next = contexts.retired;
	contexts.retired = obj;
}

static struct sg_ctx *ctx_new(void)
{
	struct sg_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	pthread_mutex_init(&ctx->heap_lock, NULL);
	ctx->obj.destroy = ctx_destroy;
	ctx->id = ++contexts.last_id;
	ctx->api_version = SG_DRIVER_VERSION;
	if (sg_object_add(&ctx->obj, SG_TYPE_CTX, NULL)) {
		free(ctx);
		return NULL;
	}
	return ctx;
}

/**
 * sg_ctx_init_primary() - Make the handle of the primary context
 *
 * Return: 0 or -ENOMEM.
 */
int sg_ctx_init_primary(void)
{
	contexts.primary = ctx_new();
	if (!contexts.primary)
		return -ENOMEM;
	contexts.primary->primary = true;
	return 0;
}

static bool is_device(CUdevice dev)
{
	return dev >= 0 && dev < SG_DEVICE_COUNT;
}

static bool flags_ok(unsigned flags)
{
	unsigned sched = flags & CU_CTX_SCHED_MASK;

	return !(flags & ~(unsigned)CU_CTX_FLAGS_MASK) && (sched <= 2 || sched == 4);
}

SG_API cuDevicePrimaryCtxRetain(CUcontext *pctx, CUdevice dev)
{
	struct sg_ctx *ctx = contexts.primary;
	int err = 0;

	SG_INIT();
	if (!pctx)
		return CUDA_ERROR_INVALID_VALUE;
	if (!is_device(dev))
		return CUDA_ERROR_INVALID_DEVICE;
	pthread_mutex_lock(&contexts.lock);
	if (!atomic_load(&ctx->active)) {
		ctx->flags = contexts.primary_flags;
		err = ctx_open(ctx);
	}
	if (!err)
		ctx->retained++;
	pthread_mutex_unlock(&contexts.lock);
	if (!err)
		*pctx = ctx->obj.handle;
	return sg_from_errno(err);
}

SG_API cuDevicePrimaryCtxRelease_v2(CUdevice dev)
{
	struct sg_ctx *ctx = contexts.primary;
	CUresult res = CUDA_SUCCESS;

	SG_INIT();
	if (!is_device(dev))
		return CUDA_ERROR_INVALID_DEVICE;
	pthread_mutex_lock(&contexts.lock);
	if (!ctx->retained) {
		res = CUDA_ERROR_INVALID_CONTEXT;
	} else if (!--ctx->retained) {
		if (atomic_load(&ctx->active)) {
			sg_group_wait(ctx->group);
			ctx_close(ctx);
		}
	}
	pthread_mutex_unlock(&contexts.lock);
	return res;
}

SG_API cuDevicePrimaryCtxRelease(CUdevice dev)
{
	return cuDevicePrimaryCtxRelease_v2(dev);
}

SG_API cuDevicePrimaryCtxReset_v2(CUdevice dev)
{
	struct sg_ctx *ctx = contexts.primary;

	SG_INIT();
	if (!is_device(dev))
		return CUDA_ERROR_INVALID_DEVICE;
	pthread_mutex_lock(&contexts.lock);
	if (atomic_load(&ctx->active))
		ctx_close(ctx);
	ctx->retained = 0;
	pthread_mutex_unlock(&contexts.lock);
	return CUDA_SUCCESS;
}

SG_API cuDevicePrimaryCtxReset(CUdevice dev)
{
	return cuDevicePrimaryCtxReset_v2(dev);
}

SG_API cuDevicePrimaryCtxGetState(CUdevice dev, unsigned int *flags, int *active)
{
	SG_INIT();
	if (!flags || !active)
		return CUDA_ERROR_INVALID_VALUE;
	if (!is_device(dev))
		return CUDA_ERROR_INVALID_DEVICE;
	pthread_mutex_lock(&contexts.lock);
	*active = atomic_load(&contexts.primary->active);
	*flags = *active ? contexts.primary->flags : contexts.primary_flags;
	pthread_mutex_unlock(&contexts.lock);
	return CUDA_SUCCESS;
}

SG_API cuDevicePrimaryCtxSetFlags_v2(CUdevice dev, unsigned int flags)
{
	SG_INIT();
	if (!is_device(dev))
		return CUDA_ERROR_INVALID_DEVICE;
	if (!flags_ok(flags))
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&contexts.lock);
	contexts.primary_flags = flags;
	contexts.primary->flags = flags;
	pthread_mutex_unlock(&contexts.lock);
	return CUDA_SUCCESS;
}

SG_API cuDevicePrimaryCtxSetFlags(CUdevice dev, unsigned int flags)
{
	return cuDevicePrimaryCtxSetFlags_v2(dev, flags);
}

SG_API cuCtxCreate_v2(CUcontext *pctx, unsigned int flags, CUdevice dev)
{
	struct sg_ctx *ctx;
	int err = -ENOMEM;

	SG_INIT();
	if (!pctx || !flags_ok(flags))
		return CUDA_ERROR_INVALID_VALUE;
	if (!is_device(dev))
		return CUDA_ERROR_INVALID_DEVICE;
	if (stack.n == STACK_MAX)
		return CUDA_ERROR_OUT_OF_MEMORY;
	pthread_mutex_lock(&contexts.lock);
	ctx = ctx_new();
	if (ctx) {
		ctx->flags = flags;
		err = ctx_open(ctx);
		if (err) {
			sg_object_take(ctx->obj.handle, SG_TYPE_CTX);
			ctx_destroy(&ctx->obj);
		}
	}
	pthread_mutex_unlock(&contexts.lock);
	if (err)
		return sg_from_errno(err);
	stack.ctx[stack.n++] = ctx;
	*pctx = ctx->obj.handle;
	return CUDA_SUCCESS;
}

SG_API cuCtxCreate_v3(CUcontext *pctx, CUexecAffinityParam *params, int n, unsigned int flags,
		      CUdevice dev)
{
	if (params || n)
		return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY;
	return cuCtxCreate_v2(pctx, flags, dev);
}

SG_API cuCtxCreate_v4(CUcontext *pctx, CUctxCreateParams *params, unsigned int flags, CUdevice dev)
{
	if (params && (params->numExecAffinityParams || params->cigParams))
		return CUDA_ERROR_NOT_SUPPORTED;
	return cuCtxCreate_v2(pctx, flags, dev);
}

SG_API cuCtxDestroy_v2(CUcontext handle)
{
	struct sg_ctx *ctx;
	CUresult res = CUDA_SUCCESS;

	SG_INIT();
	pthread_mutex_lock(&contexts.lock);
	ctx = ctx_find(handle);
	if (!ctx || ctx->primary) {
		res = CUDA_ERROR_INVALID_CONTEXT;
	} else {
		sg_object_take(handle, SG_TYPE_CTX);
		sg_group_wait(ctx->group);
		ctx_close(ctx);
		ctx_destroy(&ctx->obj);
	}
	pthread_mutex_unlock(&contexts.lock);
	if (!res && sg_current() == ctx)
		stack.n--;
	return res;
}

SG_API cuCtxDestroy(CUcontext handle)
{
	return cuCtxDestroy_v2(handle);
}

SG_API cuCtxPushCurrent_v2(CUcontext handle)
{
	struct sg_ctx *ctx;

	SG_INIT();
	ctx = ctx_find(handle);
	if (!ctx)
		return CUDA_ERROR_INVALID_CONTEXT;
	if (stack.n == STACK_MAX)
		return CUDA_ERROR_OUT_OF_MEMORY;
	stack.ctx[stack.n++] = ctx;
	return CUDA_SUCCESS;
}

SG_API cuCtxPushCurrent(CUcontext handle)
{
	return cuCtxPushCurrent_v2(handle);
}

SG_API cuCtxPopCurrent_v2(CUcontext *pctx)
{
	SG_INIT();
	if (!stack.n)
		return CUDA_ERROR_INVALID_CONTEXT;
	stack.n--;
	if (pctx)
		*pctx = stack.ctx[stack.n]->obj.handle;
	return CUDA_SUCCESS;
}

SG_API cuCtxPopCurrent(CUcontext *pctx)
{
	return cuCtxPopCurrent_v2(pctx);
}

SG_API cuCtxSetCurrent(CUcontext handle)
{
	struct sg_ctx *ctx = NULL;

	SG_LOOKUP();
	if (handle) {
		ctx = ctx_find(handle);
		if (!ctx)
			return CUDA_ERROR_INVALID_CONTEXT;
	}
	if (stack.n)
		stack.n--;
	if (ctx)
		stack.ctx[stack.n++] = ctx;
	return CUDA_SUCCESS;
}

SG_API cuCtxGetCurrent(CUcontext *pctx)
{
	struct sg_ctx *ctx;

	SG_LOOKUP();
	if (!pctx)
		return CUDA_ERROR_INVALID_VALUE;
	ctx = sg_current();
	*pctx = ctx ? ctx->obj.handle : NULL;
	return CUDA_SUCCESS;
}

/* A context by handle, NULL meaning the current one. */
static CUresult ctx_or_current(CUcontext handle, struct sg_ctx **ret_ctx)
{
	SG_INIT();
	*ret_ctx = handle ? ctx_find(handle) : sg_current();
	return *ret_ctx ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

SG_API cuCtxGetDevice_v2(CUdevice *dev, CUcontext handle)
{
	struct sg_ctx *ctx;
	CUresult res = ctx_or_current(handle, &ctx);

	if (res)
		return res;
	if (!dev)
		return CUDA_ERROR_INVALID_VALUE;
	*dev = 0;
	return CUDA_SUCCESS;
}

SG_API cuCtxGetDevice(CUdevice *dev)
{
	return cuCtxGetDevice_v2(dev, NULL);
}

SG_API cuCtxGetFlags(unsigned int *flags)
{
	struct sg_ctx *ctx;
	CUresult res = ctx_or_current(NULL, &ctx);

	if (res)
		return res;
	if (!flags)
		return CUDA_ERROR_INVALID_VALUE;
	*flags = ctx->flags;
	return CUDA_SUCCESS;
}

SG_API cuCtxSetFlags(unsigned int flags)
{
	struct sg_ctx *ctx;
	CUresult res = ctx_or_current(NULL, &ctx);

	if (res)
		return res;
	if (!flags_ok(flags))
		return CUDA_ERROR_INVALID_VALUE;
	ctx->flags = flags;
	return CUDA_SUCCESS;
}

SG_API cuCtxGetId(CUcontext handle, unsigned long long *id)
{
	struct sg_ctx *ctx;
	CUresult res = ctx_or_current(handle, &ctx);

	if (res)
		return res;
	if (!id)
		return CUDA_ERROR_INVALID_VALUE;
	*id = ctx->id;
	return CUDA_SUCCESS;
}

SG_API cuCtxGetApiVersion(CUcontext handle, unsigned int *version)
{
	struct sg_ctx *ctx;
	CUresult res = ctx_or_current(handle, &ctx);

	if (res)
		return res;
	if (!version)
		return CUDA_ERROR_INVALID_VALUE;
	*version = ctx->api_version;
	return CUDA_SUCCESS;
}

SG_API cuCtxSynchronize_v2(CUcontext handle)
{
	struct sg_ctx *ctx;
	CUresult res = ctx_or_current(handle, &ctx);

	if (res)
		return res;
	if (!atomic_load(&ctx->active))
		return CUDA_ERROR_CONTEXT_IS_DESTROYED;
	sg_group_wait(ctx->group);
	sg_output_flush(ctx);
	return sg_ctx_error(ctx);
}

SG_API cuCtxSynchronize(void)
{
	return cuCtxSynchronize_v2(NULL);
}
