/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The callback thread: runs host functions in the process (SEMANTICS 8).
 *
 * Started at the first registration, with all signals blocked. It waits on
 * slot 0, whose seq counts upcalls. Inside a host function CUDA calls answer
 * NOT_PERMITTED, but for look-ups.
 */
#include <signal.h>
#include <string.h>

#include "guest/libcuda/client.h"

static const struct cg_fn fn_done = { .name = "upcall done",
				      .flags = CG_FN_NO_CTX | CG_FN_IN_CALLBACK };
static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
static bool started;

static void upcall_run(struct cg_thread *t, const struct cw_upcall *u)
{
	void *data = (void *)(uintptr_t)u->data;

	t->in_callback = true;
	if (u->kind == CW_UP_HOST_FN)
		((CUhostFn)(uintptr_t)u->fn)(data);
	else if (u->kind == CW_UP_STREAM_CALLBACK)
		((CUstreamCallback)(uintptr_t)u->fn)((CUstream)(uintptr_t)u->stream,
						     (CUresult)u->status, data);
	t->in_callback = false;
}

static void upcall_answer(uint64_t id)
{
	struct cg_call c;

	/* The first may be a late error of an upcall before: the stream waits. */
	if (cg_call_begin(&c, &fn_done) && cg_call_begin(&c, &fn_done))
		return;
	cw_enc_u64(&c.enc, id);
	cg_proto(&c, CW_FN_UPCALL_DONE, CW_ASYNC);
}

/* Sleeps until upcall number @n has been posted; false: the client is dead. */
static bool upcall_wait(uint64_t n)
{
	struct cg_client *cl = cg_client();
	struct cw_slot *slot = cw_channel_slot(cl->channel, CW_UPCALL_SLOT);

	while (atomic_load_explicit(&slot->seq, memory_order_acquire) < n) {
		if (cg_client_dead())
			return false;
		atomic_store(&slot->sleeping, 1);
		/* As in cg_wait_reply(): sleeping first, then seq again. */
		atomic_thread_fence(memory_order_seq_cst);
		if (atomic_load_explicit(&slot->seq, memory_order_acquire) >= n)
			break;
		if (cl->tr->wait(CW_UPCALL_SLOT, n) < 0)
			return false;
	}
	return true;
}

static void *callback_main(void *arg)
{
	struct cw_upcall *area =
		(void *)((char *)cg_client()->channel + VCUDA_UPCALL_OFFSET);
	struct cg_thread *t = cg_thread_self();

	for (uint64_t n = 1; t && upcall_wait(n); n++) {
		struct cw_upcall u;

		memcpy(&u, &area[(n - 1) % CW_UPCALLS], sizeof(u));
		upcall_run(t, &u);
		upcall_answer(u.id);
	}
	return NULL;
}

static CUresult callback_start(void)
{
	sigset_t all, old;
	pthread_t thread;
	int err = 0;

	pthread_mutex_lock(&start_lock);
	if (!started) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		err = pthread_create(&thread, NULL, callback_main, NULL);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
		if (!err)
			pthread_detach(thread);
		started = !err;
	}
	pthread_mutex_unlock(&start_lock);
	return err ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS;
}

static CUresult host_func(const struct cg_fn *fn, enum cw_upcall_kind kind, CUstream stream,
			  const uint64_t words[2])
{
	struct cg_call c;
	CUresult r = cg_call_begin(&c, fn);

	if (!r)
		r = callback_start();
	if (r)
		return r;
	cw_enc_u64(&c.enc, kind);
	cw_enc_u64(&c.enc, (uintptr_t)stream);
	cw_enc_u64(&c.enc, words[0]);
	cw_enc_u64(&c.enc, words[1]);
	return cg_proto(&c, CW_FN_HOST_FUNC, CW_ASYNC);
}

CUresult cg_launch_host_func(const struct cg_fn *fn, CUstream stream, CUhostFn cb, void *data)
{
	return host_func(fn, CW_UP_HOST_FN, stream,
			 (uint64_t[]){ (uintptr_t)cb, (uintptr_t)data });
}

CUresult cg_add_callback(const struct cg_fn *fn, CUstream stream, CUstreamCallback cb,
			 void *data)
{
	return host_func(fn, CW_UP_STREAM_CALLBACK, stream,
			 (uint64_t[]){ (uintptr_t)cb, (uintptr_t)data });
}
