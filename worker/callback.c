/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host functions: code of the guest process, called in stream order.
 *
 * Theory of operation (SEMANTICS 8). What the back end calls is upcall(): it
 * fills a record of the upcall area, counts it in slot 0, wakes the process's
 * callback thread, and waits for UPCALL_DONE. Only the stream that runs it
 * waits.
 */
#include <stdlib.h>

#include "cu_driver.h"
#include "cw/log.h"
#include "worker/internal.h"

struct upcall {
	struct upcall *next;
	uint64_t id;
	enum cw_upcall_kind kind;
	uint64_t fn, data, stream;
	bool done;
};

static struct upcall *upcalls; /* registered or running */
static uint32_t nr_upcalls;
static uint64_t upcalls_made, upcalls_posted, upcalls_done;
static pthread_mutex_t upcall_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t upcall_moved = PTHREAD_COND_INITIALIZER;

static void upcall_post(const struct upcall *u, CUresult status)
{
	struct wk_worker *w = wk_self();
	struct cw_upcall *area = (void *)((char *)w->channel + VCUDA_UPCALL_OFFSET);
	struct cw_slot *slot = cw_channel_slot(w->channel, CW_UPCALL_SLOT);

	wk_events_try_publish();
	wk_store_begin();
	area[upcalls_posted % CW_UPCALLS] = (struct cw_upcall){
		.size = sizeof(struct cw_upcall), .kind = u->kind, .id = u->id, .fn = u->fn,
		.data = u->data, .stream = u->stream, .status = status,
	};
	/* Release: the thread reads the record after it has seen seq. */
	atomic_store_explicit(&slot->seq, ++upcalls_posted, memory_order_release);
	wk_wake_slot(CW_UPCALL_SLOT);
	wk_store_end();
}

/* False where too many wait: a process that does not answer must not grow us. */
static bool upcall_link(struct upcall *u)
{
	bool ok;

	pthread_mutex_lock(&upcall_lock);
	ok = nr_upcalls < wk_self()->start.max_callbacks;
	if (ok) {
		nr_upcalls++;
		u->id = ++upcalls_made;
		u->next = upcalls;
		upcalls = u;
	}
	pthread_mutex_unlock(&upcall_lock);
	return ok;
}

static void upcall_unlink(struct upcall *u)
{
	struct upcall **at = &upcalls;

	while (*at && *at != u)
		at = &(*at)->next;
	if (*at)
		*at = u->next;
}

/* Thread: of the back end, in the stream. */
static void upcall_run(struct upcall *u, CUresult status)
{
	pthread_mutex_lock(&upcall_lock);
	while (upcalls_posted - upcalls_done >= CW_UPCALLS && !atomic_load(&wk_self()->dead))
		pthread_cond_wait(&upcall_moved, &upcall_lock);
	upcall_post(u, status);
	while (!u->done && !atomic_load(&wk_self()->dead))
		pthread_cond_wait(&upcall_moved, &upcall_lock);
	upcalls_done++;
	upcall_unlink(u);
	nr_upcalls--;
	pthread_cond_broadcast(&upcall_moved);
	pthread_mutex_unlock(&upcall_lock);
	free(u);
}

static void upcall_host_fn(void *arg)
{
	upcall_run(arg, CUDA_SUCCESS);
}

static void upcall_stream_callback(CUstream stream, CUresult status, void *arg)
{
	upcall_run(arg, status);
}

/**
 * wk_host_func() - CW_FN_HOST_FUNC: cuLaunchHostFunc and cuStreamAddCallback
 * @t:		guest thread
 * @in:		kind, stream, function, argument
 * @out:	nothing
 *
 * Return: the back end's answer.
 */
CUresult wk_host_func(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	struct upcall *u = calloc(1, sizeof(*u));
	void *stream;
	CUresult r;

	if (!u)
		return CUDA_ERROR_OUT_OF_MEMORY;
	u->kind = cw_dec_u32(in);
	u->stream = cw_dec_u64(in);
	u->fn = cw_dec_u64(in);
	u->data = cw_dec_u64(in);
	if (!cw_dec_ok(in) || (u->kind != CW_UP_HOST_FN && u->kind != CW_UP_STREAM_CALLBACK)) {
		free(u);
		return wk_malformed(t);
	}
	if (!wk_handle_in(t, CW_H_STREAM, u->stream, &stream)) {
		free(u);
		return CUDA_ERROR_INVALID_HANDLE;
	}
	/* In a graph it would run many times; this record is for once. */
	if (wk_stream_captures(stream)) {
		free(u);
		return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
	}
	if (!upcall_link(u)) {
		free(u);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	if (u->kind == CW_UP_HOST_FN)
		r = wk_cu()->cuLaunchHostFunc(stream, upcall_host_fn, u);
	else
		r = wk_cu()->cuStreamAddCallback(stream, upcall_stream_callback, u, 0);
	if (r) {
		pthread_mutex_lock(&upcall_lock);
		upcall_unlink(u);
		nr_upcalls--;
		pthread_mutex_unlock(&upcall_lock);
		free(u);
	}
	return r;
}

/**
 * wk_upcall_done() - CW_FN_UPCALL_DONE: the process's function has returned
 * @t:		guest thread (the callback thread)
 * @in:		id
 * @out:	nothing
 *
 * Return: CUDA_ERROR_INVALID_VALUE for an id that does not run.
 */
CUresult wk_upcall_done(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t id = cw_dec_u64(in);
	struct upcall *u;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	pthread_mutex_lock(&upcall_lock);
	for (u = upcalls; u && u->id != id; u = u->next)
		;
	if (u)
		u->done = true;
	pthread_cond_broadcast(&upcall_moved);
	pthread_mutex_unlock(&upcall_lock);
	return u ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
