/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory pools and stream-ordered allocation.
 *
 * An allocation is made at the call: memory that is free now is free for every
 * stream. A free happens when its stream gets there. So a pool keeps nothing
 * back and is only a name with counters.
 */
#include <errno.h>
#include <stdlib.h>

#include "softgpu/api/state.h"

/**
 * struct pool - CUmemoryPool
 * @max:	most bytes in use at a time, 0 = no limit
 * @used, @used_high: bytes in use, now and at most
 * @refs:	the handle and each allocation
 * @reuse:	the three reuse policies, only remembered
 */
struct pool {
	struct sg_object obj;
	uint64_t max;
	atomic_ullong used, used_high, threshold;
	atomic_uint refs;
	atomic_int reuse[3];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pool *default_pool;
static struct pool *current_pool;

/* Frees that are queued in streams and not done yet. */
static atomic_uint pending_frees;

static void pool_put(struct pool *pool)
{
	if (atomic_fetch_sub(&pool->refs, 1) == 1)
		free(pool);
}

static void pool_destroy(struct sg_object *obj)
{
	pool_put(CW_CONTAINER_OF(obj, struct pool, obj));
}

static struct pool *pool_new(uint64_t max)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->max = max;
	atomic_init(&pool->refs, 1);
	for (size_t i = 0; i < CW_ARRAY_SIZE(pool->reuse); i++)
		atomic_init(&pool->reuse[i], 1);
	pool->obj.destroy = pool_destroy;
	if (sg_object_add(&pool->obj, SG_TYPE_POOL, NULL)) {
		free(pool);
		return NULL;
	}
	return pool;
}

/* The device's own pool, made at first use. */
static struct pool *pool_default(void)
{
	pthread_mutex_lock(&lock);
	if (!default_pool)
		default_pool = pool_new(0);
	if (!current_pool)
		current_pool = default_pool;
	pthread_mutex_unlock(&lock);
	return default_pool;
}

static struct pool *pool_current(void)
{
	struct pool *pool;

	pool_default();
	pthread_mutex_lock(&lock);
	pool = current_pool;
	pthread_mutex_unlock(&lock);
	return pool;
}

/**
 * sg_pool_freed() - Memory of a pool was given back
 * @arg:	pool from struct sg_mem_info
 * @size:	bytes
 */
void sg_pool_freed(void *arg, uint64_t size)
{
	struct pool *pool = arg;

	atomic_fetch_sub(&pool->used, size);
	pool_put(pool);
}

/**
 * sg_mem_alloc_wait() - Allocate; where memory is short, wait for queued frees
 * @ctx:	current context
 * @info:	as for sg_mem_alloc()
 *
 * Return: as sg_mem_alloc().
 */
int sg_mem_alloc_wait(struct sg_ctx *ctx, struct sg_mem_info *info)
{
	int err = sg_mem_alloc(info, 256);

	if (err != -ENOMEM || !atomic_load(&pending_frees))
		return err;
	sg_group_wait(ctx->group);
	return sg_mem_alloc(info, 256);
}

static int pool_reserve(struct pool *pool, uint64_t size)
{
	uint64_t used = atomic_fetch_add(&pool->used, size) + size;
	unsigned long long high = atomic_load(&pool->used_high);

	if (used < size || (pool->max && used > pool->max)) {
		atomic_fetch_sub(&pool->used, size);
		return -ENOMEM;
	}
	while (used > high && !atomic_compare_exchange_weak(&pool->used_high, &high, used))
		;
	return 0;
}

static CUresult pool_alloc(struct pool *pool, CUdeviceptr *dptr, size_t size, CUstream hstream)
{
	struct sg_mem_info info = { .kind = SG_MEM_DEVICE, .size = size, .pool = pool };
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	CUresult res;
	int err;

	SG_CTX(ctx);
	if (!dptr)
		return CUDA_ERROR_INVALID_VALUE;
	res = sg_stream_queue(ctx, hstream, &queue);
	if (res)
		return res;
	if (!size) {
		*dptr = 0;
		return CUDA_SUCCESS;
	}
	if (!pool)
		return CUDA_ERROR_OUT_OF_MEMORY;
	info.owner = ctx;
	err = pool_reserve(pool, size);
	if (err)
		return sg_from_errno(err);
	atomic_fetch_add(&pool->refs, 1);
	err = sg_mem_alloc_wait(ctx, &info);
	if (err)
		sg_pool_freed(pool, size);
	else
		*dptr = info.base;
	return sg_from_errno(err);
}

SG_API cuMemAllocAsync(CUdeviceptr *dptr, size_t size, CUstream hstream)
{
	SG_INIT();
	return pool_alloc(pool_current(), dptr, size, hstream);
}

SG_API cuMemAllocFromPoolAsync(CUdeviceptr *dptr, size_t size, CUmemoryPool handle,
			       CUstream hstream)
{
	struct pool *pool;

	SG_INIT();
	pool = sg_object_find(handle, SG_TYPE_POOL);
	if (!pool)
		return CUDA_ERROR_INVALID_VALUE;
	return pool_alloc(pool, dptr, size, hstream);
}

struct queued_free {
	CUdeviceptr ptr;
	uint64_t id;
};

/* Also in a failed context: the memory is given back in any case. */
static void run_free(void *arg, int error)
{
	struct queued_free *qf = arg;
	struct sg_mem_info info;

	if (sg_mem_find(qf->ptr, &info) && info.id == qf->id &&
	    !sg_mem_release(qf->ptr, SG_MEM_BIT(SG_MEM_DEVICE), &info) && info.pool)
		sg_pool_freed(info.pool, info.size);
	atomic_fetch_sub(&pending_frees, 1);
	free(qf);
}

SG_API cuMemFreeAsync(CUdeviceptr dptr, CUstream hstream)
{
	struct sg_mem_info info;
	struct queued_free *qf;
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	CUresult res;

	SG_CTX(ctx);
	res = sg_stream_queue(ctx, hstream, &queue);
	if (res)
		return res;
	if (!dptr)
		return CUDA_SUCCESS;
	if (!sg_mem_find(dptr, &info) || info.base != dptr || info.kind != SG_MEM_DEVICE)
		return CUDA_ERROR_INVALID_VALUE;
	qf = malloc(sizeof(*qf));
	if (!qf)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*qf = (struct queued_free){ .ptr = dptr, .id = info.id };
	atomic_fetch_add(&pending_frees, 1);
	if (sg_submit_work(queue, run_free, qf)) {
		atomic_fetch_sub(&pending_frees, 1);
		free(qf);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	return CUDA_SUCCESS;
}

static bool location_is_device(const CUmemLocation *location)
{
	return location->type == CU_MEM_LOCATION_TYPE_DEVICE && !location->id;
}

SG_API cuMemPoolCreate(CUmemoryPool *ppool, const CUmemPoolProps *props)
{
	struct pool *pool;

	SG_INIT();
	if (!ppool || !props || props->allocType != CU_MEM_ALLOCATION_TYPE_PINNED)
		return CUDA_ERROR_INVALID_VALUE;
	if (props->handleTypes || !location_is_device(&props->location))
		return CUDA_ERROR_NOT_SUPPORTED;
	pool = pool_new(props->maxSize);
	if (!pool)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*ppool = pool->obj.handle;
	return CUDA_SUCCESS;
}

SG_API cuMemPoolDestroy(CUmemoryPool handle)
{
	struct pool *pool;

	SG_INIT();
	pool = sg_object_find(handle, SG_TYPE_POOL);
	if (!pool || pool == pool_default())
		return CUDA_ERROR_INVALID_VALUE;
	pool = sg_object_take(handle, SG_TYPE_POOL);
	if (!pool)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&lock);
	if (current_pool == pool)
		current_pool = default_pool;
	pthread_mutex_unlock(&lock);
	pool_put(pool);
	return CUDA_SUCCESS;
}

SG_API cuMemPoolTrimTo(CUmemoryPool handle, size_t keep)
{
	SG_INIT();
	return sg_object_find(handle, SG_TYPE_POOL) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

SG_API cuMemPoolSetAttribute(CUmemoryPool handle, CUmemPool_attribute attr, void *value)
{
	struct pool *pool;

	SG_INIT();
	pool = sg_object_find(handle, SG_TYPE_POOL);
	if (!pool || !value)
		return CUDA_ERROR_INVALID_VALUE;
	switch (attr) {
	case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
	case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
	case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
		atomic_store(&pool->reuse[attr - 1], *(int *)value != 0);
		return CUDA_SUCCESS;
	case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
		atomic_store(&pool->threshold, *(cuuint64_t *)value);
		return CUDA_SUCCESS;
	case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
	case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
		if (*(cuuint64_t *)value)
			return CUDA_ERROR_INVALID_VALUE;
		atomic_store(&pool->used_high, atomic_load(&pool->used));
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

SG_API cuMemPoolGetAttribute(CUmemoryPool handle, CUmemPool_attribute attr, void *value)
{
	struct pool *pool;

	SG_INIT();
	pool = sg_object_find(handle, SG_TYPE_POOL);
	if (!pool || !value)
		return CUDA_ERROR_INVALID_VALUE;
	switch (attr) {
	case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
	case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
	case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
		*(int *)value = atomic_load(&pool->reuse[attr - 1]);
		return CUDA_SUCCESS;
	case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
		*(cuuint64_t *)value = atomic_load(&pool->threshold);
		return CUDA_SUCCESS;
	case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
	case CU_MEMPOOL_ATTR_USED_MEM_CURRENT:
		*(cuuint64_t *)value = atomic_load(&pool->used);
		return CUDA_SUCCESS;
	case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
	case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
		*(cuuint64_t *)value = atomic_load(&pool->used_high);
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

SG_API cuMemPoolSetAccess(CUmemoryPool handle, const CUmemAccessDesc *map, size_t count)
{
	SG_INIT();
	if (!sg_object_find(handle, SG_TYPE_POOL) || (count && !map))
		return CUDA_ERROR_INVALID_VALUE;
	for (size_t i = 0; i < count; i++) {
		if (!location_is_device(&map[i].location))
			return CUDA_ERROR_INVALID_DEVICE;
		if (map[i].flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE)
			return CUDA_ERROR_INVALID_VALUE;
	}
	return CUDA_SUCCESS;
}

SG_API cuMemPoolGetAccess(CUmemAccess_flags *flags, CUmemoryPool handle, CUmemLocation *location)
{
	SG_INIT();
	if (!flags || !location || !sg_object_find(handle, SG_TYPE_POOL))
		return CUDA_ERROR_INVALID_VALUE;
	*flags = location_is_device(location) ? CU_MEM_ACCESS_FLAGS_PROT_READWRITE
					      : CU_MEM_ACCESS_FLAGS_PROT_NONE;
	return CUDA_SUCCESS;
}

static CUresult pool_handle(CUmemoryPool *ppool, CUdevice dev, struct pool *(*which)(void))
{
	struct pool *pool;

	SG_INIT();
	if (!ppool)
		return CUDA_ERROR_INVALID_VALUE;
	if (dev < 0 || dev >= SG_DEVICE_COUNT)
		return CUDA_ERROR_INVALID_DEVICE;
	pool = which();
	if (!pool)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*ppool = pool->obj.handle;
	return CUDA_SUCCESS;
}

SG_API cuDeviceGetDefaultMemPool(CUmemoryPool *ppool, CUdevice dev)
{
	return pool_handle(ppool, dev, pool_default);
}

SG_API cuDeviceGetMemPool(CUmemoryPool *ppool, CUdevice dev)
{
	return pool_handle(ppool, dev, pool_current);
}

SG_API cuDeviceSetMemPool(CUdevice dev, CUmemoryPool handle)
{
	struct pool *pool;

	SG_INIT();
	if (dev < 0 || dev >= SG_DEVICE_COUNT)
		return CUDA_ERROR_INVALID_DEVICE;
	pool = sg_object_find(handle, SG_TYPE_POOL);
	if (!pool)
		return CUDA_ERROR_INVALID_VALUE;
	pool_default();
	pthread_mutex_lock(&lock);
	current_pool = pool;
	pthread_mutex_unlock(&lock);
	return CUDA_SUCCESS;
}

SG_API cuMemGetDefaultMemPool(CUmemoryPool *ppool, CUmemLocation *location,
			      CUmemAllocationType type)
{
	if (!location || !location_is_device(location) || type != CU_MEM_ALLOCATION_TYPE_PINNED)
		return CUDA_ERROR_NOT_SUPPORTED;
	return pool_handle(ppool, 0, pool_default);
}

SG_API cuMemGetMemPool(CUmemoryPool *ppool, CUmemLocation *location, CUmemAllocationType type)
{
	if (!location || !location_is_device(location) || type != CU_MEM_ALLOCATION_TYPE_PINNED)
		return CUDA_ERROR_NOT_SUPPORTED;
	return pool_handle(ppool, 0, pool_current);
}

SG_API cuMemSetMemPool(CUmemLocation *location, CUmemAllocationType type, CUmemoryPool pool)
{
	if (!location || !location_is_device(location) || type != CU_MEM_ALLOCATION_TYPE_PINNED)
		return CUDA_ERROR_NOT_SUPPORTED;
	return cuDeviceSetMemPool(0, pool);
}
