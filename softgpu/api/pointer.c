/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of an address.
 */
#include <string.h>

#include "softgpu/api/state.h"

/* An attribute's value; every one fits. */
union value {
	CUcontext ctx;
	CUmemoryPool pool;
	unsigned long long number;
	size_t size;
	unsigned int word;
	int flag;
	CUdeviceptr addr;
	void *host;
};

static bool on_device(const struct sg_mem_info *info)
{
	return info->kind == SG_MEM_DEVICE || info->kind == SG_MEM_MODULE ||
	       sg_mem_is_managed(info);
}

/* Value of an attribute of an address inside @info, and its size. */
static size_t attribute(CUpointer_attribute attr, CUdeviceptr ptr, const struct sg_mem_info *info,
			union value *v)
{
	const struct sg_ctx *ctx = info->owner;
	const struct sg_object *pool = info->pool;

	v->number = 0;
	switch (attr) {
	case CU_POINTER_ATTRIBUTE_CONTEXT:
		v->ctx = ctx ? ctx->obj.handle : NULL;
		return sizeof(v->ctx);
	case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
		v->word = on_device(info) ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
		return sizeof(v->word);
	case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
		v->addr = ptr;
		return sizeof(v->addr);
	case CU_POINTER_ATTRIBUTE_HOST_POINTER:
		if (info->kind == SG_MEM_DEVICE || info->kind == SG_MEM_MODULE)
			return 0;
		v->host = (void *)ptr;
		return sizeof(v->host);
	case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
	case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
	case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
	case CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE:
	case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
		return sizeof(v->flag);
	case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
		return sizeof(v->number);
	case CU_POINTER_ATTRIBUTE_BUFFER_ID:
	case CU_POINTER_ATTRIBUTE_MEMORY_BLOCK_ID:
		v->number = info->id;
		return sizeof(v->number);
	case CU_POINTER_ATTRIBUTE_IS_MANAGED:
		v->flag = sg_mem_is_managed(info);
		return sizeof(v->flag);
	case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
	case CU_POINTER_ATTRIBUTE_MAPPING_BASE_ADDR:
		v->addr = info->base;
		return sizeof(v->addr);
	case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
	case CU_POINTER_ATTRIBUTE_MAPPING_SIZE:
		v->size = info->size;
		return sizeof(v->size);
	case CU_POINTER_ATTRIBUTE_MAPPED:
		v->flag = 1;
		return sizeof(v->flag);
	case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS:
		v->word = CU_POINTER_ATTRIBUTE_ACCESS_FLAG_READWRITE;
		return sizeof(v->word);
	case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE:
		v->pool = pool ? pool->handle : NULL;
		return sizeof(v->pool);
	default:
		return 0;
	}
}

/* For an address we know nothing of: what cuPointerGetAttributes() writes. */
static size_t attribute_unknown(CUpointer_attribute attr, union value *v)
{
	static const struct sg_mem_info nothing = { .kind = SG_MEM_REGISTERED };
	size_t size = attribute(attr, 0, &nothing, v);

	memset(v, 0, sizeof(*v));
	if (attr == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL)
		v->flag = -2;
	return size;
}

SG_API cuPointerGetAttribute(void *data, CUpointer_attribute attr, CUdeviceptr ptr)
{
	struct sg_mem_info info;
	union value v;
	size_t size;

	SG_INIT();
	if (!data || !sg_mem_find(ptr, &info))
		return CUDA_ERROR_INVALID_VALUE;
	size = attribute(attr, ptr, &info, &v);
	if (!size)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(data, &v, size);
	return CUDA_SUCCESS;
}

SG_API cuPointerGetAttributes(unsigned int n, CUpointer_attribute *attrs, void **data,
			      CUdeviceptr ptr)
{
	struct sg_mem_info info;
	bool known;

	SG_INIT();
	if (!n || !attrs || !data)
		return CUDA_ERROR_INVALID_VALUE;
	known = sg_mem_find(ptr, &info);
	for (unsigned i = 0; i < n; i++) {
		union value v;
		size_t size = known ? attribute(attrs[i], ptr, &info, &v) : 0;

		if (!size)
			size = attribute_unknown(attrs[i], &v);
		if (!size || !data[i])
			return CUDA_ERROR_INVALID_VALUE;
		memcpy(data[i], &v, size);
	}
	return CUDA_SUCCESS;
}

SG_API cuPointerSetAttribute(const void *value, CUpointer_attribute attr, CUdeviceptr ptr)
{
	SG_INIT();
	/* Copies are in order already; nothing to remember. */
	if (!value || attr != CU_POINTER_ATTRIBUTE_SYNC_MEMOPS || !sg_mem_find(ptr, NULL))
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}
