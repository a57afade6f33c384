/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts: which one a command runs in, and what we ourselves make in one.
 *
 * The stack of contexts exists only in the guest; a command carries the one
 * that is current. Streams that stand for CU_STREAM_PER_THREAD belong to a
 * guest thread and a context and go with either (SEMANTICS 2).
 */
#include <stdlib.h>

#include "cu_driver.h"
#include "cw/log.h"
#include "worker/internal.h"

struct wk_pts {
	struct wk_pts *next;
	uint64_t ctx;
	CUstream stream;
};

/* What is current on this thread, and up to which death of a context that is
 * known to hold: a new context may come to lie where a dead one was. */
static __thread CUcontext ctx_now;
static __thread uint64_t ctx_seen;
static _Atomic uint64_t ctx_deaths;
static pthread_mutex_t pts_lock = PTHREAD_MUTEX_INITIALIZER;

/**
 * wk_ctx_enter() - Make a command's context current on this thread
 * @ctx:	guest handle, 0: none
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_CONTEXT_IS_DESTROYED for a dead one.
 */
CUresult wk_ctx_enter(uint64_t ctx)
{
	void *host;
	CUresult r;

	if (!wk_handle_in(NULL, CW_H_CONTEXT, ctx, &host))
		return CUDA_ERROR_CONTEXT_IS_DESTROYED;
	if (host == ctx_now && ctx_seen == atomic_load(&ctx_deaths))
		return CUDA_SUCCESS;
	ctx_seen = atomic_load(&ctx_deaths);
	r = wk_cu()->cuCtxSetCurrent(host);
	ctx_now = r ? NULL : host;
	return r;
}

/* Forget what is current: after calls that change it behind our back. */
void wk_ctx_unknown(void)
{
	atomic_fetch_add(&ctx_deaths, 1);
}

/**
 * wk_stream_per_thread() - The stream that stands for CU_STREAM_PER_THREAD
 * @t:		guest thread
 * @ret:	the stream, made at first use
 *
 * Return: false where it cannot be made.
 */
bool wk_stream_per_thread(struct wk_thread *t, CUstream *ret)
{
	struct wk_pts *p;

	pthread_mutex_lock(&pts_lock);
	for (p = t->streams; p; p = p->next) {
		if (p->ctx == t->cmd.ctx)
			goto out;
	}
	p = calloc(1, sizeof(*p));
	if (p && wk_cu()->cuStreamCreate(&p->stream, CU_STREAM_DEFAULT)) {
		free(p);
		p = NULL;
	}
	if (p) {
		p->ctx = t->cmd.ctx;
		p->next = t->streams;
		t->streams = p;
	}
out:
	pthread_mutex_unlock(&pts_lock);
	if (p)
		*ret = p->stream;
	return p != NULL;
}

/* Whether what is put into a stream becomes part of a graph. */
bool wk_stream_captures(CUstream stream)
{
	CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;

	return wk_cu()->cuStreamIsCapturing && !wk_cu()->cuStreamIsCapturing(stream, &status) &&
	       status != CU_STREAM_CAPTURE_STATUS_NONE;
}

/* Context: pts_lock held. */
static void streams_end(struct wk_thread *t, uint64_t ctx, bool destroy)
{
	struct wk_pts **at = &t->streams;

	while (*at) {
		struct wk_pts *p = *at;

		if (ctx && p->ctx != ctx) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		if (destroy && !wk_ctx_enter(p->ctx))
			wk_cu()->cuStreamDestroy_v2(p->stream);
		free(p);
	}
}

/* A guest thread has ended. */
void wk_streams_of_thread_end(struct wk_thread *t)
{
	pthread_mutex_lock(&pts_lock);
	streams_end(t, 0, true);
	pthread_mutex_unlock(&pts_lock);
}

/* A guest thread comes or goes; helpers go through the list, under the lock. */
void wk_threads_set(uint32_t slot, struct wk_thread *t)
{
	pthread_mutex_lock(&pts_lock);
	wk_self()->threads[slot] = t;
	pthread_mutex_unlock(&pts_lock);
}

/**
 * wk_ctx_objects_drop() - A context is gone: so is everything in it
 * @ctx:	guest handle
 *
 * Thread: the helper that reset or destroyed it; others of the client use it
 * no more, or get an error for it.
 */
void wk_ctx_objects_drop(uint64_t ctx)
{
	struct wk_worker *w = wk_self();
	uint32_t i = cw_ctx_error_index(cw_handle_where(ctx) == CW_H_PRIMARY, cw_handle_slot(ctx));

	pthread_mutex_lock(&pts_lock);
	for (uint32_t slot = 0; slot < VCUDA_SLOTS; slot++) {
		if (w->threads[slot])
			streams_end(w->threads[slot], ctx, false);
	}
	pthread_mutex_unlock(&pts_lock);
	wk_credit_forget();
	wk_events_forget(ctx);
	wk_copies_forget(ctx);
	wk_handle_drop_context(ctx);
	wk_store_begin();
	atomic_store(&wk_channel()->ctx_error[i], 0);
	wk_store_end();
	wk_ctx_unknown();
}
