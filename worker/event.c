/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: recorded, and watched until they are over.
 *
 * Which record of which event is over is published in the channel, so that the
 * process can answer a query without asking (guest/libcuda/event.c tells how
 * the two sides count). Records of one stream are over in their order, so of
 * those that are not, only the first of each stream is asked for: a program may
 * have thousands outstanding.
 */
#include "cu_driver.h"
#include "worker/internal.h"

/* Streams of which a round remembers that they are not through. */
#define STREAMS_MAX 32u

/* A record that is not known to be over; @event NULL: it does not matter any more. */
struct watch {
	uint32_t slot;
	uint32_t record;
	CUevent event;
	CUstream stream;
	uint64_t ctx;
};

static uint32_t records[CW_EVENTS];
/* In the order of the records; at most one of an event that matters. */
static struct watch watched[CW_EVENTS];
static uint32_t nr_watched;
static uint32_t watched_at[CW_EVENTS]; /* index + 1 in @watched, by slot */
static pthread_mutex_t event_lock = PTHREAD_MUTEX_INITIALIZER;

static void watch_drop(struct watch *w)
{
	watched_at[w->slot] = 0;
	w->event = NULL;
}

static void watch_compact(void)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < nr_watched; i++) {
		if (!watched[i].event)
			continue;
		watched[left] = watched[i];
		watched_at[watched[left].slot] = left + 1;
		left++;
	}
	nr_watched = left;
}

/* A slot has one place, so there is room once those that are over are gone. */
static void watch_add(const struct watch *w)
{
	if (watched_at[w->slot])
		watch_drop(&watched[watched_at[w->slot] - 1]);
	if (nr_watched == CW_EVENTS)
		watch_compact();
	watched[nr_watched++] = *w;
	watched_at[w->slot] = nr_watched;
}

/* Streams whose first record is not over, in one round. */
struct waiting {
	uint32_t n;
	CUstream stream[STREAMS_MAX];
};

static bool waits(const struct waiting *w, CUstream stream)
{
	for (uint32_t i = 0; i < w->n; i++) {
		if (w->stream[i] == stream)
			return true;
	}
	return false;
}

static void watch_publish(void)
{
	_Atomic uint32_t *over = cw_channel_events(wk_self()->channel);
	struct waiting waiting = { 0 };
	bool changed = false;

	wk_store_begin();
	for (uint32_t i = 0; i < nr_watched; i++) {
		struct watch *w = &watched[i];
		CUresult r;

		if (!w->event || waits(&waiting, w->stream))
			continue;
		r = wk_cu()->cuEventQuery(w->event);
		/* NOT_PERMITTED: a thread of the back end may not ask. */
		if (r == CUDA_ERROR_NOT_READY || r == CUDA_ERROR_NOT_PERMITTED) {
			if (waiting.n < STREAMS_MAX)
				waiting.stream[waiting.n++] = w->stream;
			continue;
		}
		if (r && wk_is_context_fatal(r))
			wk_ctx_fail(w->ctx, r);
		else
			/* Release: results of the work before it are visible. */
			atomic_store_explicit(&over[w->slot], w->record, memory_order_release);
		watch_drop(w);
		changed = true;
	}
	if (changed)
		watch_compact();
	wk_store_end();
}

/* Publishes which of the outstanding events are over. */
void wk_events_publish(void)
{
	pthread_mutex_lock(&event_lock);
	if (nr_watched)
		watch_publish();
	pthread_mutex_unlock(&event_lock);
}

/*
 * The same on a thread of the back end, which must not wait: whoever records an
 * event may itself be waiting in the back end for that thread.
 */
void wk_events_try_publish(void)
{
	if (pthread_mutex_trylock(&event_lock))
		return;
	if (nr_watched)
		watch_publish();
	pthread_mutex_unlock(&event_lock);
}

/* A context goes: what was recorded in it is over, one way or the other. */
void wk_events_forget(uint64_t ctx)
{
	_Atomic uint32_t *over = cw_channel_events(wk_self()->channel);

	pthread_mutex_lock(&event_lock);
	wk_store_begin();
	for (uint32_t i = 0; i < nr_watched; i++) {
		if (!watched[i].event || watched[i].ctx != ctx)
			continue;
		atomic_store(&over[watched[i].slot], watched[i].record);
		watch_drop(&watched[i]);
	}
	watch_compact();
	wk_store_end();
	pthread_mutex_unlock(&event_lock);
}

/* An event is about to be destroyed: nobody may ask the back end for it. */
void wk_event_unwatch(uint64_t handle)
{
	uint32_t slot = cw_handle_slot(handle);

	pthread_mutex_lock(&event_lock);
	if (slot < CW_EVENTS && watched_at[slot])
		watch_drop(&watched[watched_at[slot] - 1]);
	pthread_mutex_unlock(&event_lock);
}

/**
 * wk_event_record() - CW_FN_EVENT_RECORD
 * @t:		guest thread
 * @in:		event, stream, flags
 * @out:	nothing
 *
 * Return: the back end's answer.
 */
CUresult wk_event_record(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t h = cw_dec_u64(in);
	uint64_t stream_h = cw_dec_u64(in);
	uint32_t flags = cw_dec_u32(in);
	uint32_t slot = cw_handle_slot(h);
	void *event, *stream;
	CUresult r;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	pthread_mutex_lock(&event_lock);
	if (cw_handle_where(h) == CW_H_BY_GUEST && slot < CW_EVENTS)
		records[slot]++; /* the process has counted it, whatever comes of it */
	pthread_mutex_unlock(&event_lock);
	if (!wk_handle_in(t, CW_H_EVENT, h, &event) || !event ||
	    !wk_handle_in(t, CW_H_STREAM, stream_h, &stream))
		return CUDA_ERROR_INVALID_HANDLE;
	if (flags && !wk_cu()->cuEventRecordWithFlags)
		return CUDA_ERROR_NOT_SUPPORTED;
	pthread_mutex_lock(&event_lock);
	r = flags ? wk_cu()->cuEventRecordWithFlags(event, stream, flags)
		  : wk_cu()->cuEventRecord(event, stream);
	if (!r && cw_handle_where(h) == CW_H_BY_GUEST && slot < CW_EVENTS)
		watch_add(&(struct watch){ slot, records[slot], event, stream,
					   wk_handle_context(CW_H_EVENT, h) });
	pthread_mutex_unlock(&event_lock);
	return r;
}

/**
 * wk_event_poll() - CW_FN_EVENT_POLL: publish, and say that it was done
 * @t:		guest thread
 * @in:		nothing
 * @out:	nothing
 *
 * Return: CUDA_SUCCESS.
 */
CUresult wk_event_poll(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	wk_events_publish();
	/* Release: who sees the count sees what was published. */
	wk_store_begin();
	atomic_fetch_add_explicit(&wk_channel()->polled, 1, memory_order_release);
	wk_store_end();
	return CUDA_SUCCESS;
}
