/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: each that calls has a reply slot, from its first call to its end.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cw/log.h"
#include "guest/libcuda/client.h"

#define SPIN_START 2000u

/* The only thread-local word of the library: initial-exec is the fastest way to
 * it, and the little space for libraries loaded late must hold it. */
static __thread struct cg_thread *self __attribute__((tls_model("initial-exec")));
static pthread_key_t thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;
static uint64_t slots_used[VCUDA_SLOTS / 64] = { 1 }; /* slot 0: upcalls */
static pthread_mutex_t slot_lock = PTHREAD_MUTEX_INITIALIZER;

static uint32_t slot_take(void)
{
	uint32_t slot = 0;

	pthread_mutex_lock(&slot_lock);
	for (uint32_t i = 1; i < VCUDA_SLOTS && !slot; i++) {
		if (!(slots_used[i / 64] >> (i % 64) & 1)) {
			slots_used[i / 64] |= 1ull << (i % 64);
			slot = i;
		}
	}
	pthread_mutex_unlock(&slot_lock);
	return slot;
}

/*
 * Thread: the one that ends. The slot is free for another only after THREAD_EXIT
 * is in the ring: the worker sees them in that order.
 */
static void thread_end(void *arg)
{
	struct cg_thread *t = arg;

	if (cg_client()->phase == CG_READY && !cg_client_dead()) {
		struct cw_cmd cmd = { .id = CW_FN_THREAD_EXIT, .slot = (uint16_t)t->slot };
		struct cw_enc none;

		cw_enc_init(&none, t->buf, 0);
		cg_ring_publish(t, &cmd, &none);
		pthread_mutex_lock(&slot_lock);
		slots_used[t->slot / 64] &= ~(1ull << (t->slot % 64));
		pthread_mutex_unlock(&slot_lock);
	}
	self = NULL;
	free(t->load);
	free(t);
}

static void thread_init(void)
{
	pthread_key_create(&thread_key, thread_end);
}

static uint32_t spin_start(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? SPIN_START : 0;
}

/* The calling thread's record where it has one: for calls that need no slot. */
struct cg_thread *cg_thread_peek(void)
{
	return self;
}

/**
 * cg_thread_self() - The calling thread's record, made at its first call
 *
 * Return: it; NULL where the client has as many threads as it may have.
 */
struct cg_thread *cg_thread_self(void)
{
	struct cg_thread *t = self;
	uint32_t slot;

	if (__builtin_expect(t != NULL, 1))
		return t;
	pthread_once(&thread_once, thread_init);
	slot = slot_take();
	if (!slot) {
		cw_error("more than %u threads use CUDA at once", VCUDA_SLOTS - 1);
		return NULL;
	}
	t = aligned_alloc(64, cw_align_up(sizeof(*t), 64));
	if (!t)
		return NULL;
	memset(t, 0, offsetof(struct cg_thread, buf));
	t->slot = slot;
	t->spin = spin_start();
	t->reply = cw_channel_slot(cg_client()->channel, slot);
	t->seq = atomic_load(&t->reply->seq);
	atomic_store(&t->reply->late, 0);
	pthread_setspecific(thread_key, t);
	self = t;
	return t;
}
