/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring, seen from the process: appending, kicking, waiting.
 *
 * Order is fixed when the lock is taken; space is waited for without it. The
 * steady state costs no system call: a kick is needed only when the worker
 * sleeps, a sleep of ours only when the answer takes longer than a spin.
 */
#include <string.h>
#include <time.h>

#include "cw/copy.h"
#include "cw/log.h"
#include "guest/libcuda/client.h"

#define SPIN_MIN 100u
#define SPIN_MAX 8000u
/* A full ring is the worker's load, not an event: look again this often. */
#define FULL_SLEEP_NS 50000

static void kick_if_idle(struct cg_client *cl)
{
	/*
	 * Full fence: tail must be visible before status is read, or a worker
	 * that set IDLE and then read the old tail is never kicked. Pairs with
	 * the fence in the worker's park().
	 */
	atomic_thread_fence(memory_order_seq_cst);
	if (!(atomic_load_explicit(&cl->channel->status, memory_order_relaxed) & CW_CH_IDLE))
		return;
	/* Exactly one of those who see IDLE clears it, and that one kicks. */
	if (atomic_fetch_and(&cl->channel->status, ~(uint32_t)CW_CH_IDLE) & CW_CH_IDLE) {
		atomic_fetch_add_explicit(&cl->stat.kicks, 1, memory_order_relaxed);
		cl->tr->kick();
	}
}

/* Bytes to the end of the ring that a command of @size cannot use, then @size. */
static uint32_t need_of(const struct cg_client *cl, uint32_t size)
{
	uint32_t left = cl->ring_size - (uint32_t)(cl->tail & (cl->ring_size - 1));

	return size <= left ? size : left + size;
}

static bool has_space(struct cg_client *cl, uint32_t size)
{
	uint64_t head = atomic_load_explicit(&cl->channel->head, memory_order_acquire);

	return cl->tail - head + need_of(cl, size) <= cl->ring_size;
}

static CUresult lock_with_space(struct cg_client *cl, uint32_t size)
{
	const struct timespec pause = { .tv_nsec = FULL_SLEEP_NS };

	pthread_mutex_lock(&cl->ring_lock);
	while (__builtin_expect(!has_space(cl, size), 0)) {
		pthread_mutex_unlock(&cl->ring_lock);
		if (cg_client_dead() || cl->tr->dead())
			return cg_client_lost();
		kick_if_idle(cl);
		atomic_fetch_add_explicit(&cl->stat.full, 1, memory_order_relaxed);
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&cl->ring_lock);
	}
	return CUDA_SUCCESS;
}

static uint8_t *at_tail(struct cg_client *cl)
{
	return cl->ring + (cl->tail & (cl->ring_size - 1));
}

static void pad_to_start(struct cg_client *cl, uint32_t size)
{
	uint32_t left = cl->ring_size - (uint32_t)(cl->tail & (cl->ring_size - 1));
	struct cw_cmd pad = { .size = left, .id = CW_CMD_PAD };

	if (size <= left)
		return;
	memcpy(at_tail(cl), &pad, sizeof(pad));
	cl->tail += left;
}

/**
 * cg_ring_publish() - Append a command
 * @t:		calling thread
 * @cmd:	head; size is filled in here
 * @enc:	arguments, at @t->buf, with or without a tail
 *
 * Return: CUDA_SUCCESS; CUDA_ERROR_INVALID_VALUE where it is too large for a
 * command, CUDA_ERROR_LAUNCH_FAILED where nobody reads any more.
 */
CUresult cg_ring_publish(struct cg_thread *t, struct cw_cmd *cmd, const struct cw_enc *enc)
{
	struct cg_client *cl = cg_client();
	uint32_t args = (uint32_t)(enc->p - t->buf);
	uint64_t size = cw_align_up(sizeof(*cmd) + args + cw_align_up(enc->tail_len, 8),
				    CW_CMD_ALIGN);
	uint8_t *at;
	CUresult r;

	if (!cw_enc_ok(enc) || enc->tail_len > CW_CMD_MAX || size > CW_CMD_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	cmd->size = (uint32_t)size;
	r = lock_with_space(cl, cmd->size);
	if (r)
		return r;
	pad_to_start(cl, cmd->size);
	at = at_tail(cl);
	memcpy(at, cmd, sizeof(*cmd));
	memcpy(at + sizeof(*cmd), t->buf, args);
	if (enc->tail_len)
		cw_copy(at + sizeof(*cmd) + args, enc->tail, enc->tail_len);
	cl->tail += cmd->size;
	/* Release: the worker reads the bytes after it has seen tail. */
	atomic_store_explicit(&cl->channel->tail, cl->tail, memory_order_release);
	pthread_mutex_unlock(&cl->ring_lock);
	atomic_fetch_add_explicit(&cl->stat.commands, 1, memory_order_relaxed);
	kick_if_idle(cl);
	return CUDA_SUCCESS;
}

static bool answered(const struct cg_thread *t, uint64_t seq)
{
	/* Acquire: results are read after seq. */
	return atomic_load_explicit(&t->reply->seq, memory_order_acquire) >= seq;
}

static bool spin_for(struct cg_thread *t, uint64_t seq)
{
	uint32_t rounds = cg_client()->no_spin ? 0 : t->spin;

	for (uint32_t i = 0; i < rounds; i++) {
		if (answered(t, seq)) {
			t->spin = cw_min(t->spin + t->spin / 8 + 1, SPIN_MAX);
			return true;
		}
		cw_cpu_relax();
	}
	if (rounds)
		t->spin = cw_max(t->spin - t->spin / 8, SPIN_MIN);
	return answered(t, seq);
}

/**
 * cg_wait_reply() - Wait until a command of this thread is answered
 * @t:		calling thread
 * @seq:	of the command
 *
 * Return: CUDA_SUCCESS, or CUDA_ERROR_LAUNCH_FAILED where the worker is gone.
 */
CUresult cg_wait_reply(struct cg_thread *t, uint64_t seq)
{
	struct cg_client *cl = cg_client();

	atomic_fetch_add_explicit(&cl->stat.waits, 1, memory_order_relaxed);
	if (spin_for(t, seq))
		return CUDA_SUCCESS;
	while (!answered(t, seq)) {
		if (cg_client_dead())
			return cg_client_lost();
		atomic_store_explicit(&t->reply->sleeping, 1, memory_order_relaxed);
		/*
		 * Full fence: sleeping must be visible before seq is read again.
		 * Pairs with the fence in the worker's wk_wake_slot().
		 */
		atomic_thread_fence(memory_order_seq_cst);
		if (answered(t, seq) || cg_client_dead())
			continue;
		atomic_fetch_add_explicit(&cl->stat.sleeps, 1, memory_order_relaxed);
		if (cl->tr->wait(t->slot, seq) < 0 && !answered(t, seq))
			return cg_client_lost();
	}
	atomic_store_explicit(&t->reply->sleeping, 0, memory_order_relaxed);
	return CUDA_SUCCESS;
}
