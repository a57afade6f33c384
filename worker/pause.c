/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pause of the VM, as the worker carries it out (PROTOCOL 5).
 *
 * Theory of operation: three kinds of threads could store to guest memory, or
 * have a GPU do so. The dispatcher is held at a gate between two commands.
 * Helpers are held between two calls, where it is a GPU they call. Whatever
 * stores to the channel does so under the lock of stores, which the pause takes
 * for writing last of all, because what drains may still have to store.
 *
 * With the software GPU that is all: its kernels are threads of this process,
 * and the daemon stops them, and everything else here, by a signal. A real GPU
 * goes on by itself, so its contexts are waited for first. No time is kept
 * here: the daemon kills a worker that takes too long.
 */
#include <stdlib.h>

#include "cu_driver.h"
#include "worker/internal.h"

/* Or helpers that call one after another would keep a pause off for ever. */
static pthread_rwlock_t call_lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

/**
 * wk_call_begin() - A helper begins a command
 *
 * Thread: helpers; held off during a pause.
 */
void wk_call_begin(void)
{
	if (!wk_self()->start.soft)
		pthread_rwlock_rdlock(&call_lock);
}

/* A helper has ended a command. */
void wk_call_end(void)
{
	if (!wk_self()->start.soft)
		pthread_rwlock_unlock(&call_lock);
}

/* Nobody issues any more; what was issued comes to its end. */
static void contexts_drain(void)
{
	void **ctx;
	size_t n = wk_handle_contexts(&ctx);

	for (size_t i = 0; i < n; i++) {
		if (!wk_cu()->cuCtxSetCurrent(ctx[i]))
			wk_cu()->cuCtxSynchronize();
	}
	free(ctx);
	wk_ctx_unknown();
}

/**
 * wk_pause() - Hold everything that stores to guest memory, or let it go on
 * @on:	hold it
 *
 * Thread: control. What is so already stays so.
 */
void wk_pause(bool on)
{
	struct wk_worker *w = wk_self();
	static bool paused;

	if (on && !paused) {
		pthread_mutex_lock(&w->pause_gate);
		atomic_store(&w->pausing, true);
		/* The dispatcher is at the gate, or asleep and will come to it. */
		pthread_rwlock_wrlock(&w->store_lock);
		if (!w->start.soft) {
			pthread_rwlock_unlock(&w->store_lock);
			pthread_rwlock_wrlock(&call_lock);
			if (wk_backend_ready())
				contexts_drain();
			pthread_rwlock_wrlock(&w->store_lock);
		}
	}
	if (!on && paused) {
		pthread_rwlock_unlock(&w->store_lock);
		if (!w->start.soft)
			pthread_rwlock_unlock(&call_lock);
		atomic_store(&w->pausing, false);
		pthread_mutex_unlock(&w->pause_gate);
	}
	paused = on;
}
