/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation of device, pinned and managed memory; registration.
 */
#include <errno.h>
#include <unistd.h>

#include "softgpu/api/state.h"

/* Rows of cuMemAllocPitch() start at multiples of this. */
#define PITCH 512

static CUresult alloc(struct sg_ctx *ctx, enum sg_mem_kind kind, uint64_t size, uint32_t flags,
		      uint64_t *ret_base)
{
	struct sg_mem_info info = { .kind = kind, .size = size, .owner = ctx, .flags = flags };
	int err = sg_mem_alloc_wait(ctx, &info);

	if (!err)
		*ret_base = info.base;
	return sg_from_errno(err);
}

SG_API cuMemGetInfo_v2(size_t *free_bytes, size_t *total)
{
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!free_bytes || !total)
		return CUDA_ERROR_INVALID_VALUE;
	*free_bytes = sg_mem_free_bytes();
	*total = sg_mem_total();
	return CUDA_SUCCESS;
}

SG_API cuMemAlloc_v2(CUdeviceptr *dptr, size_t size)
{
	struct sg_ctx *ctx;
	uint64_t base = 0;
	CUresult res;

	SG_CTX(ctx);
	if (!dptr || !size)
		return CUDA_ERROR_INVALID_VALUE;
	res = alloc(ctx, SG_MEM_DEVICE, size, 0, &base);
	if (!res)
		*dptr = base;
	return res;
}

SG_API cuMemAllocPitch_v2(CUdeviceptr *dptr, size_t *pitch, size_t width, size_t height,
			  unsigned int element)
{
	struct sg_ctx *ctx;
	uint64_t base = 0, row, size;
	CUresult res;

	SG_CTX(ctx);
	if (!dptr || !pitch || !width || !height ||
	    (element != 4 && element != 8 && element != 16))
		return CUDA_ERROR_INVALID_VALUE;
	row = cw_align_up(width, PITCH);
	if (row < width || __builtin_mul_overflow(row, height, &size))
		return CUDA_ERROR_INVALID_VALUE;
	res = alloc(ctx, SG_MEM_DEVICE, size, 0, &base);
	if (!res) {
		*dptr = base;
		*pitch = row;
	}
	return res;
}

SG_API cuMemFree_v2(CUdeviceptr dptr)
{
	struct sg_mem_info info;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!dptr)
		return CUDA_SUCCESS;
	/* What has no owner is a library's. */
	if (!sg_mem_find(dptr, &info) || info.base != dptr || !info.owner ||
	    (info.kind != SG_MEM_DEVICE && info.kind != SG_MEM_MANAGED))
		return CUDA_ERROR_INVALID_VALUE;
	/* Work that is queued may still use it. */
	sg_group_wait(ctx->group);
	if (sg_mem_release(dptr, SG_MEM_BIT(SG_MEM_DEVICE) | SG_MEM_BIT(SG_MEM_MANAGED), &info))
		return CUDA_ERROR_INVALID_VALUE;
	if (info.pool)
		sg_pool_freed(info.pool, info.size);
	return sg_ctx_error(ctx);
}

SG_API cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *size, CUdeviceptr dptr)
{
	struct sg_mem_info info;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!sg_mem_find(dptr, &info))
		return CUDA_ERROR_NOT_FOUND;
	if (base)
		*base = info.base;
	if (size)
		*size = info.size;
	return CUDA_SUCCESS;
}

SG_API cuMemHostAlloc(void **pp, size_t size, unsigned int flags)
{
	struct sg_ctx *ctx;
	uint64_t base = 0;
	CUresult res;

	SG_CTX(ctx);
	if (!pp || !size || (flags & ~7u))
		return CUDA_ERROR_INVALID_VALUE;
	res = alloc(ctx, SG_MEM_PINNED, size, flags, &base);
	if (!res)
		*pp = (void *)base;
	return res;
}

SG_API cuMemAllocHost_v2(void **pp, size_t size)
{
	return cuMemHostAlloc(pp, size, CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_PORTABLE);
}

SG_API cuMemFreeHost(void *p)
{
	struct sg_mem_info info;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!p)
		return CUDA_SUCCESS;
	if (!sg_mem_find((uint64_t)p, &info) || info.base != (uint64_t)p ||
	    info.kind != SG_MEM_PINNED)
		return CUDA_ERROR_INVALID_VALUE;
	sg_group_wait(ctx->group);
	return sg_from_errno(sg_mem_release((uint64_t)p, SG_MEM_BIT(SG_MEM_PINNED), NULL));
}

SG_API cuMemHostGetDevicePointer_v2(CUdeviceptr *dptr, void *p, unsigned int flags)
{
	struct sg_mem_info info;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!dptr || flags)
		return CUDA_ERROR_INVALID_VALUE;
	if (!sg_mem_find((uint64_t)p, &info) ||
	    (info.kind != SG_MEM_PINNED && info.kind != SG_MEM_REGISTERED))
		return CUDA_ERROR_INVALID_VALUE;
	*dptr = (CUdeviceptr)p;
	return CUDA_SUCCESS;
}

SG_API cuMemHostGetFlags(unsigned int *flags, void *p)
{
	struct sg_mem_info info;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!flags || !sg_mem_find((uint64_t)p, &info) || info.kind != SG_MEM_PINNED)
		return CUDA_ERROR_INVALID_VALUE;
	*flags = info.flags;
	return CUDA_SUCCESS;
}

SG_API cuMemHostRegister_v2(void *p, size_t size, unsigned int flags)
{
	struct sg_mem_info info = { .base = (uint64_t)p, .size = size, .flags = flags };
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (flags & ~15u)
		return CUDA_ERROR_INVALID_VALUE;
	if (flags & CU_MEMHOSTREGISTER_IOMEMORY)
		return CUDA_ERROR_NOT_SUPPORTED;
	info.owner = ctx;
	return sg_from_errno(sg_mem_register(&info));
}

SG_API cuMemHostRegister(void *p, size_t size, unsigned int flags)
{
	return cuMemHostRegister_v2(p, size, flags);
}

SG_API cuMemHostUnregister(void *p)
{
	struct sg_mem_info info;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	if (!sg_mem_find((uint64_t)p, &info) || info.base != (uint64_t)p ||
	    info.kind != SG_MEM_REGISTERED)
		return CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
	sg_group_wait(ctx->group);
	sg_mem_release((uint64_t)p, SG_MEM_BIT(SG_MEM_REGISTERED), NULL);
	return CUDA_SUCCESS;
}

SG_API cuMemAllocManaged(CUdeviceptr *dptr, size_t size, unsigned int flags)
{
	struct sg_ctx *ctx;
	uint64_t base = 0;
	CUresult res;

	SG_CTX(ctx);
	if (!dptr || !size || (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST))
		return CUDA_ERROR_INVALID_VALUE;
	res = alloc(ctx, SG_MEM_MANAGED, size, flags, &base);
	if (!res)
		*dptr = base;
	return res;
}

/* A range that advice and prefetch may be about. */
static CUresult managed_range(CUdeviceptr ptr, size_t count)
{
	struct sg_mem_info info;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!count || !sg_mem_contains(ptr, count, &info) || !sg_mem_is_managed(&info))
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

SG_API cuMemAdvise(CUdeviceptr ptr, size_t count, CUmem_advise advice, CUdevice dev)
{
	if (advice < CU_MEM_ADVISE_SET_READ_MOSTLY || advice > CU_MEM_ADVISE_UNSET_ACCESSED_BY)
		return CUDA_ERROR_INVALID_VALUE;
	return managed_range(ptr, count);
}

SG_API cuMemAdvise_v2(CUdeviceptr ptr, size_t count, CUmem_advise advice, CUmemLocation location)
{
	return cuMemAdvise(ptr, count, advice, location.id);
}

SG_API cuMemPrefetchAsync(CUdeviceptr ptr, size_t count, CUdevice dev, CUstream hstream)
{
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	CUresult res;

	SG_CTX(ctx);
	res = sg_stream_queue(ctx, hstream, &queue);
	/* The pages are where they are. */
	return res ? res : managed_range(ptr, count);
}

SG_API cuMemPrefetchAsync_v2(CUdeviceptr ptr, size_t count, CUmemLocation location,
			     unsigned int flags, CUstream hstream)
{
	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	return cuMemPrefetchAsync(ptr, count, location.id, hstream);
}

/* Nothing advised ever sticks, as the pages have one home. */
static CUresult range_attribute(void *data, size_t size, CUmem_range_attribute attr)
{
	int *value = data;

	if (!data || size < sizeof(*value) || size % sizeof(*value) ||
	    attr < CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY)
		return CUDA_ERROR_INVALID_VALUE;
	for (size_t i = 0; i < size / sizeof(*value); i++)
		value[i] = attr == CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY ? 0 : CU_DEVICE_INVALID;
	return CUDA_SUCCESS;
}

SG_API cuMemRangeGetAttributes(void **data, size_t *sizes, CUmem_range_attribute *attrs, size_t n,
			       CUdeviceptr ptr, size_t count)
{
	CUresult res = managed_range(ptr, count);

	if (!res && (!data || !sizes || !attrs || !n))
		res = CUDA_ERROR_INVALID_VALUE;
	for (size_t i = 0; !res && i < n; i++)
		res = range_attribute(data[i], sizes[i], attrs[i]);
	return res;
}

SG_API cuMemRangeGetAttribute(void *data, size_t size, CUmem_range_attribute attr, CUdeviceptr ptr,
			      size_t count)
{
	return cuMemRangeGetAttributes(&data, &size, &attr, 1, ptr, count);
}
