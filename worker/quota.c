/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credit for device memory, taken before memory is (cw/gauge.h), and how long
 * compute time rests.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cw/gauge.h"
#include "cw/log.h"
#include "worker/internal.h"

/* How often a wait looks whether it is woken in vain. */
#define LOOK_NS 100000000L

/* One request at a time; held while its answer is waited for. */
static pthread_mutex_t ask_lock = PTHREAD_MUTEX_INITIALIZER;

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };

	syscall(SYS_futex, word, FUTEX_WAIT, value, &look, NULL, 0);
}

/* Asks the daemon; a daemon that is gone takes this process along. */
static int quota_ask(struct cw_gauge *g, uint64_t bytes, uint64_t *ret_free)
{
	static uint32_t asked;
	struct cw_worker_credit msg = {
		.head = { CW_WORKER_VERSION, CW_WORKER_CREDIT }, .bytes = bytes,
	};
	uint32_t status, seen;

	pthread_mutex_lock(&ask_lock);
	msg.seq = ++asked;
	if (wk_control_send(&msg, sizeof(msg))) {
		pthread_mutex_unlock(&ask_lock);
		return -ENOMEM;
	}
	/* Acquire: the answer is read after its number. */
	while ((seen = atomic_load_explicit(&g->answered, memory_order_acquire)) != msg.seq)
		futex_wait(&g->answered, seen);
	status = atomic_load(&g->status);
	*ret_free = atomic_load(&g->free_bytes);
	pthread_mutex_unlock(&ask_lock);
	return status ? -ENOMEM : 0;
}

/**
 * wk_quota_take() - Take credit before memory is taken
 * @bytes:	how much
 *
 * Thread: any. The daemon is asked only where the slack does not suffice.
 *
 * Return: 0, or -ENOMEM: the client, or the VM, has all it may have.
 */
int wk_quota_take(uint64_t bytes)
{
	struct cw_gauge *g = wk_self()->gauge;
	uint64_t slack, none;

	if (!g)
		return 0;
	slack = atomic_load(&g->slack);
	while (slack >= bytes) {
		if (atomic_compare_exchange_weak(&g->slack, &slack, slack - bytes))
			return 0;
	}
	return quota_ask(g, bytes, &none);
}

/**
 * wk_quota_give() - Memory is free again
 * @bytes:	as they were taken
 */
void wk_quota_give(uint64_t bytes)
{
	if (wk_self()->gauge)
		atomic_fetch_add(&wk_self()->gauge->slack, bytes);
}

/**
 * wk_quota_free() - How much wk_quota_take() would still give
 *
 * Return: bytes; UINT64_MAX where nothing limits them.
 */
uint64_t wk_quota_free(void)
{
	uint64_t bytes = 0;

	if (!wk_self()->gauge || quota_ask(wk_self()->gauge, 0, &bytes))
		return wk_self()->gauge ? 0 : UINT64_MAX;
	return bytes;
}

/* Whether the VM's compute time rests. */
bool wk_quota_held(void)
{
	struct cw_gauge *g = wk_self()->gauge;

	return g && atomic_load_explicit(&g->hold, memory_order_relaxed);
}

/* Waits while the VM's compute time rests: another one's turn is now. */
void wk_quota_hold_wait(void)
{
	struct cw_gauge *g = wk_self()->gauge;
	uint32_t hold;

	while (g && (hold = atomic_load(&g->hold)) && !atomic_load(&wk_self()->dead))
		futex_wait(&g->hold, hold);
}
