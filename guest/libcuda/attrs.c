/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes in bulk: of pointers, of managed ranges.
 */
#include <string.h>

#include "guest/libcuda/client.h"

/* Bytes that cg_pointer_attr() may write for any attribute. */
union attr_value {
	uint64_t word;
	uint8_t bytes[64];
};

static size_t pointer_attr_size(CUpointer_attribute a)
{
	switch (a) {
	case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
	case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
	case CU_POINTER_ATTRIBUTE_IS_MANAGED:
	case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
	case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
	case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
	case CU_POINTER_ATTRIBUTE_MAPPED:
		return 4;
	default:
		return 8;
	}
}

/* What cuPointerGetAttributes gives for memory that CUDA does not know. */
static void pointer_attr_unknown(void *data, CUpointer_attribute a)
{
	memset(data, 0, pointer_attr_size(a));
	if (a == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL)
		*(int *)data = -2;
}

/**
 * cg_pointer_attrs() - Several attributes of a pointer
 * @n:		number
 * @attrs:	which
 * @data:	where each goes
 * @ptr:	any address
 *
 * An address that CUDA does not know is no error here: its attributes are 0.
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_VALUE for missing arrays.
 */
CUresult cg_pointer_attrs(unsigned int n, const CUpointer_attribute *attrs, void **data,
			  CUdeviceptr ptr)
{
	if (!attrs || !data)
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned int i = 0; i < n; i++) {
		union attr_value v = { 0 };

		if (!data[i])
			return CUDA_ERROR_INVALID_VALUE;
		if (cg_pointer_attr(&v, attrs[i], ptr))
			pointer_attr_unknown(data[i], attrs[i]);
		else
			memcpy(data[i], &v, pointer_attr_size(attrs[i]));
	}
	return CUDA_SUCCESS;
}

/**
 * cg_range_attrs() - What was advised for managed memory: nothing ever sticks
 * @data:	where each attribute goes
 * @sizes:	bytes of each
 * @attrs:	which
 * @n:		number
 * @ptr, @bytes: the memory
 *
 * Return: CUDA_SUCCESS; CUDA_ERROR_INVALID_VALUE where it is not managed.
 */
CUresult cg_range_attrs(void **data, const size_t *sizes, const CUmem_range_attribute *attrs,
			size_t n, CUdeviceptr ptr, size_t bytes)
{
	CUresult r = cg_managed_hint(ptr, bytes);

	if (r || !data || !sizes || !attrs)
		return r ? r : CUDA_ERROR_INVALID_VALUE;
	for (size_t i = 0; i < n; i++) {
		if (!data[i] || sizes[i] < 4)
			return CUDA_ERROR_INVALID_VALUE;
		memset(data[i], 0, sizes[i]);
		/* No location: neither preferred, nor prefetched to, nor accessing. */
		if (attrs[i] != CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY)
			for (size_t k = 0; k + 4 <= sizes[i]; k += 4)
				((int *)data[i])[k / 4] = CU_DEVICE_INVALID;
	}
	return CUDA_SUCCESS;
}
