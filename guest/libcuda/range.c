/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The range map: what an address belongs to (SEMANTICS 1, 7).
 *
 * A sorted array under a read-write lock: looked at by every copy and pointer
 * query, changed by allocations only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/libcuda/client.h"

static struct cg_range *ranges;
static size_t nr_ranges, max_ranges;
static uint64_t ranges_made;
static pthread_rwlock_t range_lock = PTHREAD_RWLOCK_INITIALIZER;

/* Index of the first range that begins above @addr. */
static size_t upper(uint64_t addr)
{
	size_t lo = 0, hi = nr_ranges;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (ranges[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/**
 * cg_range_add() - Enter a range
 * @range:	copied; its id is given here
 *
 * Return: 0, -EEXIST where it overlaps another, -ENOMEM.
 */
int cg_range_add(const struct cg_range *range)
{
	int err = 0;
	size_t at;

	pthread_rwlock_wrlock(&range_lock);
	at = upper(range->base);
	if ((at && ranges[at - 1].base + ranges[at - 1].size > range->base) ||
	    (at < nr_ranges && range->base + range->size > ranges[at].base)) {
		err = -EEXIST;
		goto out;
	}
	if (nr_ranges == max_ranges) {
		size_t max = max_ranges ? max_ranges * 2 : 256;
		struct cg_range *more = realloc(ranges, max * sizeof(*more));

		if (!more) {
			err = -ENOMEM;
			goto out;
		}
		ranges = more;
		max_ranges = max;
	}
	memmove(&ranges[at + 1], &ranges[at], (nr_ranges - at) * sizeof(*ranges));
	ranges[at] = *range;
	ranges[at].id = ++ranges_made;
	nr_ranges++;
out:
	pthread_rwlock_unlock(&range_lock);
	return err;
}

/* Takes the range that begins at @base out; -ENOENT where there is none. */
int cg_range_del(uint64_t base, struct cg_range *ret)
{
	int err = -ENOENT;
	size_t at;

	pthread_rwlock_wrlock(&range_lock);
	at = upper(base);
	if (at && ranges[at - 1].base == base) {
		if (ret)
			*ret = ranges[at - 1];
		memmove(&ranges[at - 1], &ranges[at], (nr_ranges - at) * sizeof(*ranges));
		nr_ranges--;
		err = 0;
	}
	pthread_rwlock_unlock(&range_lock);
	return err;
}

bool cg_range_find(uint64_t addr, struct cg_range *ret)
{
	bool found = false;
	size_t at;

	pthread_rwlock_rdlock(&range_lock);
	at = upper(addr);
	if (at && addr - ranges[at - 1].base < ranges[at - 1].size) {
		*ret = ranges[at - 1];
		found = true;
	}
	pthread_rwlock_unlock(&range_lock);
	return found;
}

/* A context took its device memory along; host memory stays the process's. */
void cg_range_drop_context(CUcontext ctx)
{
	size_t n = 0;

	pthread_rwlock_wrlock(&range_lock);
	for (size_t i = 0; i < nr_ranges; i++) {
		enum cg_range_kind kind = ranges[i].kind;
		bool device = kind == CG_RANGE_DEVICE || kind == CG_RANGE_POOL ||
			      kind == CG_RANGE_GLOBAL;

		if (!(device && ranges[i].ctx == ctx))
			ranges[n++] = ranges[i];
	}
	nr_ranges = n;
	pthread_rwlock_unlock(&range_lock);
}

CUresult cg_address_range(CUdeviceptr *base, size_t *size, CUdeviceptr ptr)
{
	struct cg_range range;

	if (!cg_range_find(ptr, &range))
		return CUDA_ERROR_NOT_FOUND;
	if (base)
		*base = range.base;
	if (size)
		*size = range.size;
	return CUDA_SUCCESS;
}

static bool is_host(const struct cg_range *r)
{
	return r->kind == CG_RANGE_PINNED || r->kind == CG_RANGE_REGISTERED;
}

/**
 * cg_pointer_attr() - One attribute of a pointer
 * @data:	where it goes; its type depends on the attribute
 * @attribute:	which
 * @ptr:	any address
 *
 * Return: CUDA_SUCCESS; CUDA_ERROR_INVALID_VALUE for an address that CUDA does
 * not know, or an attribute that is not described.
 */
CUresult cg_pointer_attr(void *data, CUpointer_attribute attribute, CUdeviceptr ptr)
{
	uint64_t offset;
	struct cg_range r;

	if (!data || !cg_range_find(ptr, &r))
		return CUDA_ERROR_INVALID_VALUE;
	offset = ptr - r.base;
	switch (attribute) {
	case CU_POINTER_ATTRIBUTE_CONTEXT:
		*(CUcontext *)data = r.ctx;
		break;
	case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
		*(unsigned int *)data = is_host(&r) ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
		break;
	case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
		*(CUdeviceptr *)data = r.device_ptr + offset;
		/* Tracking only (cg_host_register): kernels cannot reach it. */
		return r.device_ptr ? CUDA_SUCCESS : CUDA_ERROR_NOT_SUPPORTED;
	case CU_POINTER_ATTRIBUTE_HOST_POINTER:
		if (!is_host(&r) && r.kind != CG_RANGE_MANAGED)
			return CUDA_ERROR_INVALID_VALUE;
		*(void **)data = (void *)(uintptr_t)ptr;
		break;
	case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
		*(int *)data = 0;
		break;
	case CU_POINTER_ATTRIBUTE_BUFFER_ID:
		*(unsigned long long *)data = r.id;
		break;
	case CU_POINTER_ATTRIBUTE_IS_MANAGED:
		*(int *)data = r.kind == CG_RANGE_MANAGED;
		break;
	case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
		*(int *)data = r.dev;
		break;
	case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
	case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
		*(int *)data = 0;
		break;
	case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
		*(CUdeviceptr *)data = r.base;
		break;
	case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
		*(size_t *)data = r.size;
		break;
	case CU_POINTER_ATTRIBUTE_MAPPED:
		*(int *)data = 1;
		break;
	case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
		*(unsigned long long *)data = 0;
		break;
	case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE:
		*(void **)data = NULL;
		break;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
	return CUDA_SUCCESS;
}
