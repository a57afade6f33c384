/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: reply slots, error words, and waking who sleeps.
 */
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cw/log.h"
#include "worker/internal.h"

#ifdef __SANITIZE_THREAD__
/*
 * What ThreadSanitizer cannot see: a slot's next answer is written after the
 * process has seen the last one and sent another command; and a wait for the
 * lock of stores to be read ends whoever else reads it (internal.h).
 */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:^wk_reply$\ndeadlock:^wk_store_begin$\n";
}
#endif

/**
 * wk_wake_slot() - Wake the guest thread of a slot, where it sleeps
 * @slot:	reply slot whose seq was just stored
 *
 * Thread: any. The slot's seq must be stored before.
 */
void wk_wake_slot(uint32_t slot)
{
	struct wk_worker *w = wk_self();
	struct cw_slot *s = cw_channel_slot(w->channel, slot);

	/*
	 * Full fence: the seq stored before must be visible before sleeping is
	 * read, or a thread that set sleeping and then read the old seq would
	 * never be woken. Pairs with the fence in cg_wait_reply().
	 */
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&s->sleeping, memory_order_relaxed))
		return;
	if (!atomic_exchange(&s->sleeping, 0))
		return;
	atomic_fetch_add_explicit(&w->wakes, 1, memory_order_relaxed);
	if (w->signal_page) {
		uint64_t one = 1;

		atomic_fetch_or(&w->signal_page[slot / 64], 1ull << (slot % 64));
		if (write(w->fd_signal, &one, sizeof(one)) < 0)
			return; /* daemon gone: the socket tells */
		return;
	}
	syscall(SYS_futex, &s->sleeping, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Brackets of a store to guest memory: none is made while the device pauses. */
void wk_store_begin(void)
{
	pthread_rwlock_rdlock(&wk_self()->store_lock);
}

void wk_store_end(void)
{
	pthread_rwlock_unlock(&wk_self()->store_lock);
}

/**
 * wk_reply() - Answer a command
 * @cmd:	head of the command: slot and seq
 * @fn:		the function that was called, NULL for one that is unknown
 * @r:		result
 * @out:	encoder over @data, NULL for no results
 * @data:	results, private to us; at most CW_RESULT_MAX bytes
 */
void wk_reply(const struct cw_cmd *cmd, const struct wk_function *fn, CUresult r,
	      const struct cw_enc *out, const uint8_t *data)
{
	struct wk_worker *w = wk_self();
	struct cw_slot *s = cw_channel_slot(w->channel, cmd->slot);
	uint32_t len;

	if (out && !cw_enc_ok(out))
		r = CUDA_ERROR_INVALID_VALUE; /* results larger than any may be */
	len = out && r == CUDA_SUCCESS ? (uint32_t)(out->p - data) : 0;
	wk_store_begin();
	if (len)
		memcpy(s->data, data, cw_min(len, (uint32_t)CW_REPLY_MAX));
	s->len = len;
	s->result = r;
	/* Output waits for calls that synchronise (SEMANTICS 8); others are short. */
	s->printed = fn && fn->cls == CW_SYNC ? wk_printf_pending() : 0;
	/* Release: the thread reads data only after it has seen seq. */
	atomic_store_explicit(&s->seq, cmd->seq, memory_order_release);
	wk_wake_slot(cmd->slot);
	wk_store_end();
}

/**
 * wk_is_context_fatal() - Whether an error ends its context (SEMANTICS 3)
 * @r:	result
 *
 * Return: true for the errors that every later call of the context repeats.
 */
bool wk_is_context_fatal(CUresult r)
{
	switch (r) {
	case CUDA_ERROR_ILLEGAL_ADDRESS:
	case CUDA_ERROR_LAUNCH_TIMEOUT:
	case CUDA_ERROR_ASSERT:
	case CUDA_ERROR_HARDWARE_STACK_ERROR:
	case CUDA_ERROR_ILLEGAL_INSTRUCTION:
	case CUDA_ERROR_MISALIGNED_ADDRESS:
	case CUDA_ERROR_INVALID_ADDRESS_SPACE:
	case CUDA_ERROR_INVALID_PC:
	case CUDA_ERROR_LAUNCH_FAILED:
	case CUDA_ERROR_ECC_UNCORRECTABLE:
		return true;
	default:
		return false;
	}
}

/* Puts a fatal error where every later call of the context sees it first. */
void wk_ctx_fail(uint64_t ctx, CUresult r)
{
	uint32_t i = cw_ctx_error_index(cw_handle_where(ctx) == CW_H_PRIMARY, cw_handle_slot(ctx));
	uint32_t none = 0;

	if (!ctx)
		return;
	wk_store_begin();
	atomic_compare_exchange_strong(&wk_channel()->ctx_error[i], &none, (uint32_t)r);
	wk_store_end();
}

/**
 * wk_late() - Failure of a call whose caller does not wait
 * @t:		thread that issued it
 * @ctx:	guest handle of its context
 * @r:		the error
 *
 * Context-fatal errors go to the context's error word, others to the thread,
 * which gets the first of them once.
 */
void wk_late(struct wk_thread *t, uint64_t ctx, CUresult r)
{
	struct cw_slot *s = cw_channel_slot(wk_self()->channel, t->slot);
	uint32_t none = 0;

	cw_debug("late error slot=%u result=%d", t->slot, r);
	if (wk_is_context_fatal(r)) {
		wk_ctx_fail(ctx, r);
		return;
	}
	wk_store_begin();
	atomic_compare_exchange_strong(&s->late, &none, (uint32_t)r);
	wk_store_end();
}
