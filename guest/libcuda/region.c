/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that both sides have: pinned, managed, registered (SEMANTICS 7).
 *
 * A region is made in three steps: an address from the arena, shared pages at
 * that address on both sides (the transport), and the back end told about them
 * (REGION_MAP). It is taken apart in the reverse order, each step answered
 * before the next: addresses and pages are given back only after the reply.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cw/log.h"
#include "guest/libcuda/client.h"

#define PAGE 4096ull

/* Sends REGION_MAP; the pointer kernels use comes back. */
static CUresult region_map(const struct cg_fn *fn, uint64_t va, uint64_t len, uint32_t flags,
			   uint64_t *ret_device)
{
	struct cg_call c;
	CUresult r = cg_call_begin(&c, fn);

	if (r)
		return r;
	cw_enc_u64(&c.enc, va);
	cw_enc_u64(&c.enc, len);
	cw_enc_u32(&c.enc, flags);
	r = cg_proto(&c, CW_FN_REGION_MAP, CW_SYNC);
	if (!r)
		*ret_device = cw_dec_u64(&c.dec);
	return r;
}

static CUresult region_unmap(const struct cg_fn *fn, uint64_t va)
{
	struct cg_call c;
	CUresult r = cg_call_begin(&c, fn);

	if (r)
		return r;
	cw_enc_u64(&c.enc, va);
	return cg_proto(&c, CW_FN_REGION_UNMAP, CW_SYNC);
}

static CUresult from_errno(int err)
{
	return err == -ENOMEM || err == -ENOSPC ? CUDA_ERROR_OUT_OF_MEMORY
	       : err == -EIO			? CUDA_ERROR_LAUNCH_FAILED
						: CUDA_ERROR_OPERATING_SYSTEM;
}

static struct cg_range range_now(enum cg_range_kind kind, uint64_t base, uint64_t size,
				 uint32_t flags)
{
	struct cg_range r = {
		.base = base, .size = size, .kind = kind, .device_ptr = base, .flags = flags,
		.ctx = (CUcontext)(uintptr_t)cg_ctx_now(),
	};

	cg_ctx_get_device(&r.dev, NULL);
	return r;
}

/* Bytes of the pages for a region: where guest memory is huge pages, of these. */
static uint64_t region_len(uint64_t bytes)
{
	return cw_align_up(bytes, cg_client()->open.granule);
}

/* Pages at a fresh address of the arena, known to both sides. */
static CUresult region_make(const struct cg_fn *fn, enum cg_range_kind kind, uint64_t bytes,
			    uint32_t flags, uint64_t *ret)
{
	const struct cg_transport *tr = cg_client()->tr;
	uint64_t len = region_len(bytes);
	struct cg_range range;
	uint64_t va;
	CUresult r = cg_enter(fn);
	int err;

	if (r)
		return r;
	if (!bytes || len < bytes)
		return CUDA_ERROR_INVALID_VALUE;
	va = cg_arena_alloc(len);
	if (!va)
		return CUDA_ERROR_OUT_OF_MEMORY;
	range = range_now(kind, va, bytes, flags);
	err = tr->region_alloc(va, len, &range.region);
	if (err) {
		cg_arena_free(va, len);
		return from_errno(err);
	}
	r = region_map(fn, va, len, CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP,
		       &range.device_ptr);
	if (!r && cg_range_add(&range))
		r = CUDA_ERROR_OUT_OF_MEMORY;
	if (r) {
		tr->region_free(range.region, va, len, false);
		cg_arena_free(va, len);
		return r;
	}
	*ret = va;
	return CUDA_SUCCESS;
}

static CUresult region_end(const struct cg_fn *fn, const struct cg_range *range)
{
	uint64_t len = region_len(range->size);
	CUresult r = region_unmap(fn, range->base);

	if (cg_client_dead())
		return CUDA_ERROR_LAUNCH_FAILED;
	cg_client()->tr->region_free(range->region, range->base, len, false);
	cg_arena_free(range->base, len);
	return r;
}

CUresult cg_host_alloc(const struct cg_fn *fn, void **ret, size_t bytes, unsigned int flags)
{
	uint64_t va;
	CUresult r;

	if (!ret || flags & ~(CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP |
			      CU_MEMHOSTALLOC_WRITECOMBINED))
		return CUDA_ERROR_INVALID_VALUE;
	r = region_make(fn, CG_RANGE_PINNED, bytes, flags, &va);
	if (!r)
		*ret = (void *)(uintptr_t)va;
	return r;
}

CUresult cg_host_free(const struct cg_fn *fn, void *p)
{
	struct cg_range range;
	CUresult r = cg_enter(fn);

	if (r)
		return r;
	if (!cg_range_find((uintptr_t)p, &range) || range.kind != CG_RANGE_PINNED ||
	    range.base != (uintptr_t)p || cg_range_del(range.base, NULL))
		return CUDA_ERROR_INVALID_VALUE;
	return region_end(fn, &range);
}

CUresult cg_managed_alloc(const struct cg_fn *fn, CUdeviceptr *ret, size_t bytes,
			  unsigned int flags)
{
	uint64_t va;
	CUresult r;

	if (!ret || (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST))
		return CUDA_ERROR_INVALID_VALUE;
	r = region_make(fn, CG_RANGE_MANAGED, bytes, flags, &va);
	if (!r)
		*ret = va;
	return r;
}

CUresult cg_mem_free(const struct cg_fn *fn, CUdeviceptr ptr)
{
	struct cg_range range;
	struct cg_call c;
	CUresult r;

	if (!ptr)
		return cg_enter(fn);
	if (cg_range_find(ptr, &range) && range.kind == CG_RANGE_MANAGED) {
		if (range.base != ptr || range.flags & CG_RANGE_VARIABLES ||
		    cg_range_del(ptr, NULL))
			return CUDA_ERROR_INVALID_VALUE;
		return region_end(fn, &range);
	}
	r = cg_call_begin(&c, fn);
	if (r)
		return r;
	cw_enc_u64(&c.enc, ptr);
	r = cg_proto(&c, CW_FN_MEM_FREE, CW_SYNC);
	if (!r)
		cg_range_del(ptr, NULL);
	return r;
}

/* Whole pages around a range of user memory; shared only if the transport can. */
static CUresult register_pages(const struct cg_fn *fn, struct cg_range *range, uint32_t flags)
{
	const struct cg_transport *tr = cg_client()->tr;
	uint64_t first = range->base & ~(PAGE - 1);
	uint64_t len = cw_align_up(range->base + range->size, PAGE) - first;
	uint64_t device = 0;
	CUresult r;
	int err = tr->region_register(first, len, flags & CU_MEMHOSTREGISTER_READ_ONLY,
				      &range->region);

	range->device_ptr = 0;
	if (err) {
		/* Tracking only: copies work as from any pageable memory. */
		range->region = 0;
		return err == -EOPNOTSUPP || err == -ENOSPC || err == -EADDRINUSE
			       ? CUDA_SUCCESS
			       : from_errno(err);
	}
	r = region_map(fn, first, len, flags & ~CU_MEMHOSTREGISTER_IOMEMORY, &device);
	if (r)
		tr->region_free(range->region, first, len, true);
	else
		range->device_ptr = device + (range->base - first);
	return r;
}

/* Undoes register_pages(). */
static CUresult unregister_pages(const struct cg_fn *fn, const struct cg_range *range)
{
	uint64_t first = range->base & ~(PAGE - 1);
	uint64_t len = cw_align_up(range->base + range->size, PAGE) - first;
	CUresult r;

	if (!range->region)
		return CUDA_SUCCESS;
	r = region_unmap(fn, first);
	cg_client()->tr->region_free(range->region, first, len, true);
	return r;
}

CUresult cg_host_register(const struct cg_fn *fn, void *p, size_t bytes, unsigned int flags)
{
	struct cg_range range, other;
	uint64_t addr = (uintptr_t)p;
	CUresult r = cg_enter(fn);

	if (r)
		return r;
	if (!p || !bytes || addr + bytes < addr || flags & ~0xfu)
		return CUDA_ERROR_INVALID_VALUE;
	if (cg_range_find(addr, &other) || cg_range_find(addr + bytes - 1, &other))
		return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
	range = range_now(CG_RANGE_REGISTERED, addr, bytes, flags);
	r = register_pages(fn, &range, flags);
	if (!r && cg_range_add(&range)) {
		unregister_pages(fn, &range);
		r = CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
	}
	return r;
}

CUresult cg_host_unregister(const struct cg_fn *fn, void *p)
{
	struct cg_range range;
	CUresult r = cg_enter(fn);

	if (r)
		return r;
	if (!cg_range_find((uintptr_t)p, &range) || range.kind != CG_RANGE_REGISTERED ||
	    range.base != (uintptr_t)p || cg_range_del(range.base, NULL))
		return CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
	return unregister_pages(fn, &range);
}

CUresult cg_host_flags(unsigned int *ret, const void *p)
{
	struct cg_range range;

	if (!ret || !cg_range_find((uintptr_t)p, &range) ||
	    (range.kind != CG_RANGE_PINNED && range.kind != CG_RANGE_REGISTERED))
		return CUDA_ERROR_INVALID_VALUE;
	*ret = range.flags | CU_MEMHOSTALLOC_DEVICEMAP;
	return CUDA_SUCCESS;
}

/* A hint is right for managed memory and has nothing to do (one home). */
CUresult cg_managed_hint(CUdeviceptr ptr, size_t bytes)
{
	struct cg_range range;

	if (!bytes || !cg_range_find(ptr, &range) || range.kind != CG_RANGE_MANAGED ||
	    !cw_range_ok(ptr - range.base, bytes, range.size))
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

bool cg_is_device(uint64_t addr)
{
	const struct cg_open *o = &cg_client()->open;
	struct cg_range range;

	if (o->direct)
		return addr - o->device_base < o->window_size;
	return cg_range_find(addr, &range) &&
	       (range.kind == CG_RANGE_DEVICE || range.kind == CG_RANGE_POOL ||
		range.kind == CG_RANGE_GLOBAL);
}

/* Whether [addr, addr + bytes) is memory of a region at the same address there. */
bool cg_is_shared(uint64_t addr, uint64_t bytes)
{
	struct cg_range range;

	return cg_range_find(addr, &range) && range.region && range.device_ptr == range.base &&
	       cw_range_ok(addr - range.base, bytes, range.size);
}

/**
 * cg_range_new() - Enter memory that a call has just allocated
 * @kind:	what it is
 * @base:	first address
 * @size:	bytes
 */
void cg_range_new(enum cg_range_kind kind, CUdeviceptr base, uint64_t size)
{
	struct cg_range range = range_now(kind, base, size, 0);

	if (cg_range_add(&range))
		cw_debug("range overlaps base=0x%llx", (unsigned long long)base);
}
