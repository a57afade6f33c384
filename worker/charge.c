/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credit for memory of a back end that takes none itself: a card's driver.
 *
 * Theory of operation (PROTOCOL 7). Between the table of the back end's
 * functions and its users stand a few of ours: those that make device memory
 * take credit first, those that free it give it back. What a context had is
 * given back when the context goes. The software GPU is not charged here: it
 * charges itself, page by page.
 */
#include <errno.h>
#include <stdlib.h>

#include "cu_driver.h"
#include "worker/internal.h"

/* What the smallest allocation takes. */
#define GRANULE 512u

struct charge {
	uint64_t at; /* address, or handle of a VMM allocation */
	uint64_t bytes;
	CUcontext ctx;
};

static struct cu_driver real;
static struct charge *charges;
static size_t nr_charges, max_charges;
static CUcontext primaries[CW_PRIMARIES];
static pthread_mutex_t charge_lock = PTHREAD_MUTEX_INITIALIZER;

/* Room for one more, before anything is made. */
static bool charge_room(void)
{
	struct charge *grown;
	bool ok = true;

	pthread_mutex_lock(&charge_lock);
	/* Other helpers may be as far as we are. */
	if (nr_charges + VCUDA_SLOTS > max_charges) {
		grown = realloc(charges, 2 * (max_charges + VCUDA_SLOTS) * sizeof(*grown));
		ok = grown != NULL;
		if (ok) {
			charges = grown;
			max_charges = 2 * (max_charges + VCUDA_SLOTS);
		}
	}
	pthread_mutex_unlock(&charge_lock);
	return ok;
}

static CUresult charge_take(uint64_t bytes, uint64_t *ret_bytes)
{
	*ret_bytes = cw_align_up(bytes, GRANULE);
	if (*ret_bytes < bytes || !charge_room() || wk_quota_take(*ret_bytes))
		return CUDA_ERROR_OUT_OF_MEMORY;
	return CUDA_SUCCESS;
}

/* The allocation was made, or not. */
static CUresult charge_done(CUresult r, uint64_t at, uint64_t bytes)
{
	CUcontext ctx = NULL;

	if (r) {
		wk_quota_give(bytes);
		return r;
	}
	real.cuCtxGetCurrent(&ctx);
	pthread_mutex_lock(&charge_lock);
	charges[nr_charges++] = (struct charge){ at, bytes, ctx };
	pthread_mutex_unlock(&charge_lock);
	return r;
}

static void charge_drop(uint64_t at)
{
	uint64_t bytes = 0;

	pthread_mutex_lock(&charge_lock);
	for (size_t i = 0; i < nr_charges && !bytes; i++) {
		if (charges[i].at != at)
			continue;
		bytes = charges[i].bytes;
		charges[i] = charges[--nr_charges];
	}
	pthread_mutex_unlock(&charge_lock);
	if (bytes)
		wk_quota_give(bytes);
}

static void charge_drop_context(CUcontext ctx)
{
	uint64_t bytes = 0;

	pthread_mutex_lock(&charge_lock);
	for (size_t i = 0; i < nr_charges;) {
		if (!ctx || charges[i].ctx != ctx) {
			i++;
			continue;
		}
		bytes += charges[i].bytes;
		charges[i] = charges[--nr_charges];
	}
	pthread_mutex_unlock(&charge_lock);
	wk_quota_give(bytes);
}

static CUresult charged_alloc(CUdeviceptr *ret, size_t size)
{
	uint64_t bytes;
	CUresult r = charge_take(size, &bytes);

	if (r)
		return r;
	r = real.cuMemAlloc_v2(ret, size);
	return charge_done(r, *ret, bytes);
}

/* The pitch is the back end's to choose: what is missing is taken afterwards. */
static CUresult charged_alloc_pitch(CUdeviceptr *ret, size_t *pitch, size_t width, size_t height,
				    unsigned int element)
{
	uint64_t bytes, whole;
	CUresult r;

	if (width >> 40 || height >> 20)
		return CUDA_ERROR_OUT_OF_MEMORY;
	r = charge_take(width * height, &bytes);
	if (r)
		return r;
	r = real.cuMemAllocPitch_v2(ret, pitch, width, height, element);
	whole = r ? 0 : cw_align_up(*pitch * height, GRANULE);
	if (whole > bytes && wk_quota_take(whole - bytes)) {
		real.cuMemFree_v2(*ret);
		r = CUDA_ERROR_OUT_OF_MEMORY;
	} else {
		bytes = cw_max(bytes, whole);
	}
	return charge_done(r, *ret, bytes);
}

static CUresult charged_alloc_async(CUdeviceptr *ret, size_t size, CUstream stream)
{
	uint64_t bytes;
	CUresult r = charge_take(size, &bytes);

	if (r)
		return r;
	r = real.cuMemAllocAsync(ret, size, stream);
	return charge_done(r, *ret, bytes);
}

static CUresult charged_alloc_from_pool(CUdeviceptr *ret, size_t size, CUmemoryPool pool,
					CUstream stream)
{
	uint64_t bytes;
	CUresult r = charge_take(size, &bytes);

	if (r)
		return r;
	r = real.cuMemAllocFromPoolAsync(ret, size, pool, stream);
	return charge_done(r, *ret, bytes);
}

static CUresult charged_free(CUdeviceptr at)
{
	CUresult r = real.cuMemFree_v2(at);

	if (!r)
		charge_drop(at);
	return r;
}

static CUresult charged_free_async(CUdeviceptr at, CUstream stream)
{
	CUresult r = real.cuMemFreeAsync(at, stream);

	if (!r)
		charge_drop(at);
	return r;
}

static CUresult charged_create(CUmemGenericAllocationHandle *ret, size_t size,
			       const CUmemAllocationProp *prop, unsigned long long flags)
{
	uint64_t bytes;
	CUresult r = charge_take(size, &bytes);

	if (r)
		return r;
	r = real.cuMemCreate(ret, size, prop, flags);
	return charge_done(r, *ret, bytes);
}

static CUresult charged_release(CUmemGenericAllocationHandle handle)
{
	CUresult r = real.cuMemRelease(handle);

	if (!r)
		charge_drop(handle);
	return r;
}

static CUresult charged_get_info(size_t *free_bytes, size_t *total)
{
	CUresult r = real.cuMemGetInfo_v2(free_bytes, total);
	uint64_t limit = wk_self()->start.max_memory;

	if (r)
		return r;
	if (limit)
		*total = cw_min(*total, limit);
	*free_bytes = cw_min(*free_bytes, wk_quota_free());
	*free_bytes = cw_min(*free_bytes, *total);
	return r;
}

static CUresult charged_ctx_destroy(CUcontext ctx)
{
	CUresult r = real.cuCtxDestroy_v2(ctx);

	if (!r)
		charge_drop_context(ctx);
	return r;
}

static CUresult charged_primary_retain(CUcontext *ret, CUdevice dev)
{
	CUresult r = real.cuDevicePrimaryCtxRetain(ret, dev);

	if (!r && dev >= 0 && dev < CW_PRIMARIES)
		primaries[dev] = *ret;
	return r;
}

static CUresult charged_primary_reset(CUdevice dev)
{
	CUresult r = real.cuDevicePrimaryCtxReset_v2(dev);

	if (!r && dev >= 0 && dev < CW_PRIMARIES)
		charge_drop_context(primaries[dev]);
	return r;
}

static CUresult charged_primary_release(CUdevice dev)
{
	CUresult r = real.cuDevicePrimaryCtxRelease_v2(dev);
	unsigned int flags;
	int active = 1;

	if (r || dev < 0 || dev >= CW_PRIMARIES)
		return r;
	if (!real.cuDevicePrimaryCtxGetState(dev, &flags, &active) && !active)
		charge_drop_context(primaries[dev]);
	return r;
}

/**
 * wk_charge() - Have a back end's memory charged
 * @cu:		its functions; those that matter become ours
 */
void wk_charge(struct cu_driver *cu)
{
	real = *cu;
	if (!real.cuCtxGetCurrent)
		return;
#define CHARGE(member, ours) (cu->member = cu->member ? (ours) : NULL)
	CHARGE(cuMemAlloc_v2, charged_alloc);
	CHARGE(cuMemAllocPitch_v2, charged_alloc_pitch);
	CHARGE(cuMemAllocAsync, charged_alloc_async);
	CHARGE(cuMemAllocFromPoolAsync, charged_alloc_from_pool);
	CHARGE(cuMemFree_v2, charged_free);
	CHARGE(cuMemFreeAsync, charged_free_async);
	CHARGE(cuMemCreate, charged_create);
	CHARGE(cuMemRelease, charged_release);
	CHARGE(cuMemGetInfo_v2, charged_get_info);
	CHARGE(cuCtxDestroy_v2, charged_ctx_destroy);
	CHARGE(cuDevicePrimaryCtxRetain, charged_primary_retain);
	CHARGE(cuDevicePrimaryCtxReset_v2, charged_primary_reset);
	CHARGE(cuDevicePrimaryCtxRelease_v2, charged_primary_release);
#undef CHARGE
}
