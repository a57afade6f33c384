/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Launch credits: how far a stream may run ahead (SEMANTICS 1).
 *
 * The process counts the launches of each stream on one of CW_CREDITS
 * counters and names it in the launch. Every CREDIT_STEP launches a host
 * function follows them in the stream and publishes that they are over, in the
 * channel: a thread that finds credit there goes on without a crossing. One
 * that finds none asks to wait, and its helper waits here. Nothing is put into
 * a stream that captures.
 */
#include <stdlib.h>
#include <time.h>

#include "cu_driver.h"
#include "worker/internal.h"

#define CREDIT_STEP 64u
/* How often a wait looks whether its stream still lives. */
#define CREDIT_LOOK_NS 100000000L

struct credit {
	uint32_t issued;
	uint32_t done;
};

/* What a host function needs to know; small, so packed into its argument. */
static struct credit credits[CW_CREDITS];
static pthread_mutex_t credit_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t credit_moved = PTHREAD_COND_INITIALIZER;

static void *credit_pack(uint32_t i, uint32_t issued)
{
	return (void *)(uintptr_t)((uint64_t)i << 32 | issued);
}

/* Thread: of the back end, in the stream. */
static void credit_reached(void *arg)
{
	uint32_t i = (uint32_t)((uintptr_t)arg >> 32);
	uint32_t issued = (uint32_t)(uintptr_t)arg;

	pthread_mutex_lock(&credit_lock);
	if ((int32_t)(issued - credits[i].done) > 0) {
		credits[i].done = issued;
		wk_store_begin();
		atomic_store_explicit(&wk_channel()->credit_done[i], issued,
				      memory_order_release);
		wk_store_end();
	}
	pthread_cond_broadcast(&credit_moved);
	pthread_mutex_unlock(&credit_lock);
}

/**
 * wk_credit_count() - A launch was issued
 * @i:		counter, < CW_CREDITS
 * @stream:	host stream
 *
 * Thread: the dispatcher or a helper.
 */
void wk_credit_count(uint32_t i, CUstream stream)
{
	uint32_t issued;

	pthread_mutex_lock(&credit_lock);
	issued = ++credits[i].issued;
	pthread_mutex_unlock(&credit_lock);
	if (issued % CREDIT_STEP)
		return;
	if (wk_stream_captures(stream) ||
	    wk_cu()->cuLaunchHostFunc(stream, credit_reached, credit_pack(i, issued)))
		credit_reached(credit_pack(i, issued));
}

/**
 * wk_credit() - CW_FN_CREDIT: wait until few launches are outstanding
 * @t:		guest thread
 * @in:		counter, launches that may be left, stream of the launch to come
 * @out:	nothing
 *
 * Return: CUDA_SUCCESS, or the error of the stream.
 */
CUresult wk_credit(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint32_t i = cw_dec_u32(in);
	uint32_t left = cw_dec_u32(in);
	uint64_t handle = cw_dec_u64(in);
	CUresult r = CUDA_SUCCESS;
	struct timespec ts;
	void *stream;

	if (!cw_dec_ok(in) || i >= CW_CREDITS || left < CREDIT_STEP)
		return wk_malformed(t);
	/* The caller's own: of others that share the counter one may be gone. */
	if (!wk_handle_in(t, CW_H_STREAM, handle, &stream))
		return CUDA_ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&credit_lock);
	while (credits[i].issued - credits[i].done > left) {
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_nsec += CREDIT_LOOK_NS;
		ts.tv_sec += ts.tv_nsec / 1000000000L;
		ts.tv_nsec %= 1000000000L;
		if (!pthread_cond_timedwait(&credit_moved, &credit_lock, &ts))
			continue;
		pthread_mutex_unlock(&credit_lock);
		r = wk_cu()->cuStreamQuery(stream);
		pthread_mutex_lock(&credit_lock);
		if (r != CUDA_ERROR_NOT_READY)
			break; /* idle or failed: nothing more will come */
		r = CUDA_SUCCESS;
	}
	pthread_mutex_unlock(&credit_lock);
	return r;
}

/* A context went and took the host functions along: nothing is outstanding. */
void wk_credit_forget(void)
{
	pthread_mutex_lock(&credit_lock);
	wk_store_begin();
	for (uint32_t i = 0; i < CW_CREDITS; i++) {
		credits[i].done = credits[i].issued;
		atomic_store(&wk_channel()->credit_done[i], credits[i].done);
	}
	wk_store_end();
	pthread_cond_broadcast(&credit_moved);
	pthread_mutex_unlock(&credit_lock);
}
