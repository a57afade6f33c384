/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call: what must hold before it, its way, its answer.
 */
#include <stdio.h>
#include <string.h>

#include "cw/log.h"
#include "guest/libcuda/client.h"

/* Pieces of output fetched after one call: more than a worker keeps. */
#define PRINTF_PIECES 4096

static CUresult check_phase(const struct cg_fn *fn)
{
	switch (cg_client()->phase) {
	case CG_READY:
		return CUDA_SUCCESS;
	default:
		return fn->flags & CG_FN_NO_INIT ? CUDA_SUCCESS : CUDA_ERROR_NOT_INITIALIZED;
	}
}

CUresult cg_enter(const struct cg_fn *fn)
{
	CUresult r = check_phase(fn);
	struct cg_thread *t;
	uint64_t ctx;

	if (r || fn->flags & CG_FN_NO_INIT)
		return r;
	t = cg_thread_self();
	if (!t)
		return CUDA_ERROR_OUT_OF_MEMORY;
	if (t->in_callback && !(fn->flags & CG_FN_IN_CALLBACK))
		return CUDA_ERROR_NOT_PERMITTED;
	if (fn->flags & CG_FN_NO_CTX)
		return CUDA_SUCCESS;
	ctx = t->depth ? t->ctx[t->depth - 1] : 0;
	if (!ctx)
		return CUDA_ERROR_INVALID_CONTEXT;
	return cg_ctx_error(ctx);
}

static void call_start(struct cg_call *c, const struct cg_fn *fn)
{
	c->fn = fn;
	c->t = cg_thread_self();
	c->seq = 0;
	cw_enc_init(&c->enc, c->t->buf, sizeof(c->t->buf));
}

CUresult cg_call_begin(struct cg_call *c, const struct cg_fn *fn)
{
	CUresult r = cg_enter(fn);

	if (r)
		return r;
	if (cg_client_dead())
		return cg_client_lost();
	call_start(c, fn);
	if (__builtin_expect(atomic_load_explicit(&c->t->reply->late, memory_order_relaxed), 0))
		return (CUresult)atomic_exchange(&c->t->reply->late, 0);
	return CUDA_SUCCESS;
}

static CUresult call_send(struct cg_call *c, uint32_t id, enum cw_class cls)
{
	struct cg_thread *t = c->t;
	struct cw_cmd cmd = {
		.id = id, .slot = (uint16_t)t->slot,
		.ctx = t->depth ? t->ctx[t->depth - 1] : 0,
	};

	if (cls != CW_ASYNC) {
		cmd.flags = CW_CMD_REPLY;
		cmd.seq = c->seq = ++t->seq;
	}
	return cg_ring_publish(t, &cmd, &c->enc);
}

/* Device output that waits is written before the call returns (SEMANTICS 8). */
static void fetch_printf(struct cg_call *c)
{
	struct cg_call f = { .fn = c->fn, .t = c->t };
	size_t len;

	for (int i = 0; i < PRINTF_PIECES; i++) {
		uint64_t stream;
		const void *text;

		cw_enc_init(&f.enc, f.t->buf, sizeof(f.t->buf));
		if (call_send(&f, CW_FN_PRINTF_FETCH, CW_INLINE) || cg_wait_reply(f.t, f.seq))
			return;
		cw_dec_init(&f.dec, f.t->reply->data,
			    cw_min(f.t->reply->len, (uint32_t)CW_REPLY_MAX));
		stream = cw_dec_u64(&f.dec);
		text = cw_dec_bytes(&f.dec, CW_REPLY_MAX, &len);
		if (!text || !stream)
			break;
		fwrite(text, 1, len, stream == 2 ? stderr : stdout);
	}
}

/* The rest of results that are larger than the slot; how many bytes there are then. */
static uint32_t fetch_rest(struct cg_call *c, uint8_t *results, uint32_t have, uint32_t total)
{
	struct cg_call f = { .fn = c->fn, .t = c->t };
	const void *piece;
	size_t len;

	while (have < total) {
		cw_enc_init(&f.enc, f.t->buf, CW_RESULT_AT);
		cw_enc_u64(&f.enc, have);
		if (call_send(&f, CW_FN_REPLY_REST, CW_INLINE) || cg_wait_reply(f.t, f.seq))
			return 0;
		cw_dec_init(&f.dec, f.t->reply->data,
			    cw_min(f.t->reply->len, (uint32_t)CW_REPLY_MAX));
		piece = cw_dec_bytes(&f.dec, CW_REPLY_MAX, &len);
		if (!piece || !len || len > total - have)
			return 0;
		memcpy(results + have, piece, len);
		have += (uint32_t)len;
	}
	return have;
}

/*
 * The answer is copied out of the slot before anything is read from it: what is
 * fetched after it reuses the slot and the beginning of the encode buffer.
 */
static CUresult call_answer(struct cg_call *c)
{
	struct cw_slot *s = c->t->reply;
	uint8_t *results = c->t->buf + CW_RESULT_AT;
	uint32_t total = cw_min(s->len, (uint32_t)CW_RESULT_MAX);
	uint32_t len = cw_min(total, (uint32_t)CW_REPLY_MAX);
	CUresult r = (CUresult)s->result;
	bool printed = s->printed;

	memcpy(results, s->data, len);
	if (len < total)
		len = fetch_rest(c, results, len, total);
	if (printed)
		fetch_printf(c);
	cw_dec_init(&c->dec, results, len);
	return r;
}

static CUresult call_finish(struct cg_call *c, uint32_t id, enum cw_class cls)
{
	CUresult r = call_send(c, id, cls);

	if (r || cls == CW_ASYNC)
		return r;
	r = cg_wait_reply(c->t, c->seq);
	return r ? r : call_answer(c);
}

CUresult cg_call_end(struct cg_call *c)
{
	return call_finish(c, c->fn->id, (enum cw_class)c->fn->cls);
}

CUresult cg_call_done(struct cg_call *c, CUresult r)
{
	if (r == CUDA_SUCCESS && c->fn->cls != CW_ASYNC && !cw_dec_ok(&c->dec)) {
		cw_error("malformed answer function=%s code=CW-E0401", c->fn->name);
		return CUDA_ERROR_UNKNOWN;
	}
	return r;
}

/**
 * cg_proto() - Send a command of the protocol and wait as its class says
 * @c:		call with arguments encoded by the caller after cg_call_begin()
 * @id:		enum cw_fn
 * @cls:	CW_ASYNC: do not wait
 *
 * Return: as cg_call_end().
 */
CUresult cg_proto(struct cg_call *c, enum cw_fn id, enum cw_class cls)
{
	return call_finish(c, id, cls);
}

/* Starts another command of the same call: checks were made already. */
void cg_proto_again(struct cg_call *c)
{
	cw_enc_init(&c->enc, c->t->buf, sizeof(c->t->buf));
}

CUresult cg_refused(const char *name)
{
	static const char *seen[64];
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	bool log = true;
	size_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < CW_ARRAY_SIZE(seen) && seen[i]; i++) {
		if (seen[i] == name)
			log = false;
	}
	if (log && i < CW_ARRAY_SIZE(seen))
		seen[i] = name;
	pthread_mutex_unlock(&lock);
	if (log)
		cw_warn("function is not supported name=%s", name);
	return CUDA_ERROR_NOT_SUPPORTED;
}
