/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: queried by frameworks before every operation, so answered here.
 *
 * Theory of operation. Both sides count the records of each event, in ring
 * order; the worker publishes the number of the last record that is over. It
 * does so before it answers anything that waits and before it calls a host
 * function: whatever the program has learned about progress, it finds here.
 * Between those, a query that finds nothing new sends a poll, at most one at
 * a time, and says NOT_READY without waiting for it.
 */
#include <time.h>

#include "guest/libcuda/client.h"
#include "guest_fns.h"

/* Records sent, and how many there were when the present event was made. */
static _Atomic uint32_t recorded[CW_EVENTS];
static uint32_t born_at[CW_EVENTS];
static _Atomic uint32_t polls_sent;
static const struct cg_fn fn_poll = { .name = "event poll", .flags = CG_FN_IN_CALLBACK };

/* Slot whose state is published, or CW_EVENTS. */
static uint32_t slot_of(CUevent event)
{
	uint64_t h = (uintptr_t)event;

	if (cw_handle_type(h) != CW_H_EVENT || cw_handle_where(h) != CW_H_BY_GUEST)
		return CW_EVENTS;
	return cw_min(cw_handle_slot(h), (uint32_t)CW_EVENTS);
}

void cg_event_born(CUevent event)
{
	uint32_t slot = slot_of(event);

	if (slot < CW_EVENTS)
		born_at[slot] = atomic_load(&recorded[slot]);
}

CUresult cg_event_record(const struct cg_fn *fn, CUevent event, CUstream stream,
			 unsigned int flags)
{
	uint32_t slot = slot_of(event);
	struct cg_call c;
	CUresult r = cg_call_begin(&c, fn);

	if (r)
		return r;
	cw_enc_u64(&c.enc, (uintptr_t)event);
	cw_enc_u64(&c.enc, (uintptr_t)stream);
	cw_enc_u64(&c.enc, flags);
	/* Counted first: a worker that is fast must not be ahead of us. */
	if (slot < CW_EVENTS)
		atomic_fetch_add(&recorded[slot], 1);
	r = cg_proto(&c, CW_FN_EVENT_RECORD, CW_ASYNC);
	if (r && slot < CW_EVENTS)
		atomic_fetch_sub(&recorded[slot], 1);
	return r;
}

/* Whether the last record of an event is known to be over. */
bool cg_event_known(CUevent event)
{
	uint32_t slot = slot_of(event), sent;

	if (slot == CW_EVENTS)
		return false;
	sent = atomic_load(&recorded[slot]);
	/* Acquire: what the event stood for is seen by who sees it over. */
	return sent == born_at[slot] ||
	       atomic_load_explicit(&cw_channel_events(cg_client()->channel)[slot],
				    memory_order_acquire) == sent;
}

static CUresult poll_send(void)
{
	struct cw_channel *ch = cg_client()->channel;
	uint32_t done = atomic_load(&ch->polled);
	struct cg_call c;
	CUresult r = cg_call_begin(&c, &fn_poll);

	/* A late error is the caller's to know; and no poll was counted then. */
	if (r)
		return r;
	/* One at a time: whoever moves the counter on sends it. */
	if (!atomic_compare_exchange_strong(&polls_sent, &done, done + 1))
		return CUDA_SUCCESS;
	r = cg_proto(&c, CW_FN_EVENT_POLL, CW_ASYNC);
	if (r)
		atomic_fetch_sub(&polls_sent, 1);
	return r;
}

/*
 * Whether nobody is left to answer the poll: a program may do nothing else than
 * query. The look at the transport is a system call, so now and then only.
 */
static bool gone(void)
{
	static _Atomic int64_t looked;
	struct timespec ts;

	if (cg_client_dead())
		return true;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	if (atomic_load_explicit(&looked, memory_order_relaxed) == ts.tv_sec)
		return false;
	atomic_store_explicit(&looked, ts.tv_sec, memory_order_relaxed);
	return cg_client()->tr->dead();
}

CW_EXPORT CUresult cuEventQuery(CUevent event)
{
	CUresult r = cg_enter(&fn_cuEventQuery);

	if (r)
		return r;
	if (slot_of(event) == CW_EVENTS)
		return call_cuEventQuery(event);
	if (cg_event_known(event))
		return CUDA_SUCCESS;
	r = poll_send();
	if (gone())
		return cg_client_lost();
	return r ? r : CUDA_ERROR_NOT_READY;
}
