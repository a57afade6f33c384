/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts: the stack of each thread, which lives only here (SEMANTICS 2), and
 * what the process knows of its contexts without asking.
 */
#include <string.h>

#include "guest/libcuda/client.h"

#define CTX_MAX 64

static struct ctx_record {
	uint64_t handle;
	CUdevice dev;
	unsigned int flags;
} ctx_records[CTX_MAX];
static pthread_mutex_t ctx_lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t to_handle(CUcontext ctx)
{
	return (uintptr_t)ctx;
}

static CUcontext from_handle(uint64_t h)
{
	return (CUcontext)(uintptr_t)h;
}

/* Handle of the context that is current for the calling thread, 0: none. */
uint64_t cg_ctx_now(void)
{
	struct cg_thread *t = cg_thread_peek();

	return t && t->depth ? t->ctx[t->depth - 1] : 0;
}

/* What ended a context, CUDA_SUCCESS while it lives: first thing of every call. */
CUresult cg_ctx_error(uint64_t h)
{
	uint32_t i = cw_ctx_error_index(cw_handle_where(h) == CW_H_PRIMARY, cw_handle_slot(h));

	return (CUresult)atomic_load_explicit(&cg_client()->channel->ctx_error[i],
					      memory_order_relaxed);
}

static bool ctx_known(uint64_t h)
{
	if (cw_handle_type(h) != CW_H_CONTEXT)
		return false;
	if (cw_handle_where(h) == CW_H_PRIMARY)
		return cw_handle_slot(h) < cg_client()->info.count;
	for (int i = 0; i < CTX_MAX; i++) {
		if (ctx_records[i].handle == h)
			return true;
	}
	return false;
}

CUresult cg_ctx_get_current(CUcontext *ret)
{
	if (!ret)
		return CUDA_ERROR_INVALID_VALUE;
	*ret = from_handle(cg_ctx_now());
	return CUDA_SUCCESS;
}

CUresult cg_ctx_set_current(CUcontext ctx)
{
	struct cg_thread *t = cg_thread_self();

	if (!ctx) {
		if (t->depth)
			t->depth--;
		return CUDA_SUCCESS;
	}
	if (!ctx_known(to_handle(ctx)))
		return CUDA_ERROR_INVALID_CONTEXT;
	if (!t->depth)
		t->depth = 1;
	t->ctx[t->depth - 1] = to_handle(ctx);
	return CUDA_SUCCESS;
}

CUresult cg_ctx_push(CUcontext ctx)
{
	struct cg_thread *t = cg_thread_self();

	if (!ctx_known(to_handle(ctx)))
		return CUDA_ERROR_INVALID_CONTEXT;
	if (t->depth == CG_CTX_DEPTH)
		return CUDA_ERROR_OUT_OF_MEMORY;
	t->ctx[t->depth++] = to_handle(ctx);
	return CUDA_SUCCESS;
}

CUresult cg_ctx_pop(CUcontext *ret)
{
	struct cg_thread *t = cg_thread_self();

	if (!t->depth)
		return CUDA_ERROR_INVALID_CONTEXT;
	t->depth--;
	if (ret)
		*ret = from_handle(t->ctx[t->depth]);
	return CUDA_SUCCESS;
}

CUcontext cg_ctx_primary(CUdevice dev)
{
	return from_handle(cw_handle(CW_H_CONTEXT, CW_H_PRIMARY, 0, (uint32_t)dev));
}

static CUresult record_of(CUcontext ctx, struct ctx_record *ret)
{
	uint64_t h = ctx ? to_handle(ctx) : cg_ctx_now();
	CUresult r = CUDA_ERROR_INVALID_CONTEXT;

	if (!h)
		return r;
	pthread_mutex_lock(&ctx_lock);
	for (int i = 0; i < CTX_MAX && r; i++) {
		if (ctx_records[i].handle == h) {
			*ret = ctx_records[i];
			r = CUDA_SUCCESS;
		}
	}
	pthread_mutex_unlock(&ctx_lock);
	if (r && ctx_known(h)) {
		*ret = (struct ctx_record){ .handle = h, .dev = (CUdevice)cw_handle_slot(h) };
		r = CUDA_SUCCESS;
	}
	return r;
}

CUresult cg_ctx_get_device(CUdevice *ret, CUcontext ctx)
{
	struct ctx_record rec;
	CUresult r = ret ? record_of(ctx, &rec) : CUDA_ERROR_INVALID_VALUE;

	if (!r)
		*ret = rec.dev;
	return r;
}

CUresult cg_ctx_get_flags(unsigned int *ret, CUcontext ctx)
{
	struct ctx_record rec;
	CUresult r = ret ? record_of(ctx, &rec) : CUDA_ERROR_INVALID_VALUE;

	if (!r)
		*ret = rec.flags;
	return r;
}

void cg_ctx_born(CUcontext ctx, CUdevice dev, unsigned int flags, int is_primary)
{
	struct ctx_record *at = NULL;

	pthread_mutex_lock(&ctx_lock);
	for (int i = 0; i < CTX_MAX; i++) {
		if (ctx_records[i].handle == to_handle(ctx))
			at = &ctx_records[i];
		else if (!at && !ctx_records[i].handle)
			at = &ctx_records[i];
	}
	if (at)
		*at = (struct ctx_record){ to_handle(ctx), dev, flags };
	pthread_mutex_unlock(&ctx_lock);
}

void cg_ctx_gone(CUcontext ctx)
{
	struct cg_thread *t = cg_thread_self();
	uint64_t h = to_handle(ctx);

	pthread_mutex_lock(&ctx_lock);
	for (int i = 0; i < CTX_MAX; i++) {
		if (ctx_records[i].handle == h)
			ctx_records[i].handle = 0;
	}
	pthread_mutex_unlock(&ctx_lock);
	/* The calling thread loses it if current; others get an error at use. */
	if (t && t->depth && t->ctx[t->depth - 1] == h &&
	    cw_handle_where(h) != CW_H_PRIMARY)
		t->depth--;
	cg_range_drop_context(ctx);
	cg_managed_drop_context(ctx);
	cg_launch_forget();
	cg_tables_context_gone(ctx);
}
