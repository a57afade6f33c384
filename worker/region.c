/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions: pinned, managed and registered memory of the client, mapped here at
 * the client's own address (PROTOCOL 4).
 *
 * The daemon has a region mapped (ATTACH) before the guest says what to do
 * with it (REGION_MAP), and unmapped (DETACH) after the guest has let go of it.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "cu_driver.h"
#include "cw/log.h"
#include "worker/internal.h"

#define REGIONS_MAX 4096u

struct region {
	uint32_t id; /* 0: free */
	uint64_t va;
	uint64_t len;
	bool in_arena;
	bool pinned;  /* the back end has its pages: under pin_lock */
	uint64_t ctx; /* in this context (guest handle) */
};

static struct region regions[REGIONS_MAX];
static pthread_mutex_t region_lock = PTHREAD_MUTEX_INITIALIZER;
/*
 * Held while the back end takes pages or lets them go, before region_lock: pages
 * that it has are in no map that the daemon could see, so DETACH must not come
 * in between. Whoever only looks does not wait for the back end.
 */
static pthread_mutex_t pin_lock = PTHREAD_MUTEX_INITIALIZER;

static bool in_arena(uint64_t va, uint64_t len)
{
	const struct cw_worker_start *s = &wk_self()->start;

	return va >= s->region_base && cw_range_ok(va - s->region_base, len, s->region_size);
}

static struct region *region_at(uint64_t va, uint64_t len)
{
	for (uint32_t i = 0; i < REGIONS_MAX; i++) {
		struct region *r = &regions[i];

		if (r->id && va >= r->va && cw_range_ok(va - r->va, len, r->len))
			return r;
	}
	return NULL;
}

/* Whether a range lies in one region. */
bool wk_region_covers(uint64_t va, uint64_t len)
{
	bool found;

	pthread_mutex_lock(&region_lock);
	found = region_at(va, len) != NULL;
	pthread_mutex_unlock(&region_lock);
	return found;
}

/**
 * wk_region_attach() - Map a region
 * @msg:	from the daemon
 * @segs:	its pieces
 * @fds, @nfds:	descriptors
 *
 * Thread: control.
 *
 * Return: VIRTIO_CUDA_OK; ERR_ADDRESS where the address is taken here;
 * ERR_LIMIT; ERR_UNSPEC where it cannot be mapped.
 */
uint32_t wk_region_attach(const struct cw_worker_attach *msg, const struct cw_worker_seg *segs,
			  const int *fds, uint32_t nfds)
{
	int prot = msg->flags & VIRTIO_CUDA_REGION_READONLY ? PROT_READ : PROT_READ | PROT_WRITE;
	bool arena = in_arena(msg->va, msg->len);
	struct region *at = NULL;
	void *mapped;

	for (uint32_t i = 0; i < REGIONS_MAX && !at; i++)
		at = regions[i].id ? NULL : &regions[i];
	if (!at)
		return VIRTIO_CUDA_ERR_LIMIT;
	if (!arena && wk_reserve(msg->va, msg->len))
		return VIRTIO_CUDA_ERR_ADDRESS;
	mapped = wk_map_segs(segs, msg->nr_segs, fds, nfds, (void *)(uintptr_t)msg->va, msg->len,
			     prot);
	wk_map_fence();
	if (!mapped) {
		if (!arena)
			munmap((void *)(uintptr_t)msg->va, msg->len);
		return VIRTIO_CUDA_ERR_UNSPEC;
	}
	pthread_mutex_lock(&region_lock);
	*at = (struct region){ msg->region, msg->va, msg->len, arena, false, 0 };
	pthread_mutex_unlock(&region_lock);
	return VIRTIO_CUDA_OK;
}

/*
 * The back end gives a region's pages back. The software GPU takes none, and a
 * context that is gone has given them back.
 */
static bool region_unpin(struct region *r)
{
	CUresult err;

	if (!r->pinned || wk_ctx_enter(r->ctx))
		return true;
	err = wk_cu()->cuMemHostUnregister((void *)(uintptr_t)r->va);
	r->pinned = err && !wk_self()->start.soft;
	return !r->pinned;
}

static struct region *region_by_id(uint32_t id)
{
	for (uint32_t i = 0; i < REGIONS_MAX; i++) {
		if (id && regions[i].id == id)
			return &regions[i];
	}
	return NULL;
}

/**
 * wk_region_detach() - Unmap a region
 * @id:	its number
 *
 * Thread: control.
 *
 * Return: VIRTIO_CUDA_OK, also for a region that is not there: what matters
 * is that nothing is mapped. ERR_UNSPEC where the back end keeps its pages.
 */
uint32_t wk_region_detach(uint32_t id)
{
	uint32_t status = VIRTIO_CUDA_OK;
	struct region *at, r;

	pthread_mutex_lock(&pin_lock);
	at = region_by_id(id); /* only this thread changes ids */
	if (!at)
		goto out;
	if (!region_unpin(at)) {
		status = VIRTIO_CUDA_ERR_UNSPEC;
		goto out;
	}
	pthread_mutex_lock(&region_lock);
	r = *at;
	at->id = 0;
	pthread_mutex_unlock(&region_lock);
	if (r.in_arena)
		mmap((void *)(uintptr_t)r.va, r.len, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	else
		munmap((void *)(uintptr_t)r.va, r.len);
out:
	pthread_mutex_unlock(&pin_lock);
	return status;
}

/* The region that begins at an address; pin_lock keeps it. */
static struct region *region_begins(uint64_t va, uint64_t len)
{
	struct region *at;

	pthread_mutex_lock(&region_lock);
	at = region_at(va, len);
	pthread_mutex_unlock(&region_lock);
	return at && at->va == va ? at : NULL;
}

/**
 * wk_region_map() - CW_FN_REGION_MAP: give a region to the back end
 * @t:		guest thread
 * @in:		address, bytes, flags of cuMemHostRegister
 * @out:	device pointer
 *
 * Return: the back end's answer; INVALID_VALUE where the range was not attached.
 */
CUresult wk_region_map(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t va = cw_dec_u64(in);
	uint64_t len = cw_dec_u64(in);
	uint32_t flags = cw_dec_u32(in);
	void *p = (void *)(uintptr_t)va;
	CUresult r = CUDA_ERROR_INVALID_VALUE;
	CUdeviceptr dev = va;
	struct region *at;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	pthread_mutex_lock(&pin_lock);
	at = region_begins(va, len);
	if (at && !at->pinned) {
		r = wk_cu()->cuMemHostRegister_v2(p, len, flags);
		at->pinned = !r;
		at->ctx = t->cmd.ctx;
	}
	pthread_mutex_unlock(&pin_lock);
	if (!r)
		r = wk_cu()->cuMemHostGetDevicePointer_v2(&dev, p, 0);
	if (!r)
		cw_enc_u64(out, dev);
	return r;
}

/**
 * wk_region_unmap() - CW_FN_REGION_UNMAP: the back end lets go of a region
 * @t:		guest thread
 * @in:		address
 * @out:	nothing
 *
 * Waits for work that may use it, as freeing pinned memory does natively.
 *
 * Return: the back end's answer.
 */
CUresult wk_region_unmap(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t va = cw_dec_u64(in);
	struct region *at;
	CUresult r;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	r = wk_cu()->cuCtxSynchronize();
	if (r)
		wk_ctx_fail(t->cmd.ctx, r);
	r = CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&pin_lock);
	at = region_begins(va, 1);
	if (at) {
		r = wk_cu()->cuMemHostUnregister((void *)(uintptr_t)va);
		if (!r)
			at->pinned = false;
	}
	pthread_mutex_unlock(&pin_lock);
	return r;
}
