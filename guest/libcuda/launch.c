/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Launches (SEMANTICS 1, 3).
 *
 * A launch does not wait if the worker has already taken the same one:
 * function, context, block, shared memory, attributes. Otherwise the caller
 * waits for its result, so that an autotuner gets LAUNCH_OUT_OF_RESOURCES from
 * the call that earned it. Parameters are packed here: the layout was learned
 * when the function was looked up. Nothing on the way allocates.
 */
#include <stdlib.h>
#include <string.h>

#include "guest/libcuda/client.h"

#define LAYOUTS_MIN 256u
#define ACCEPTED 4096u
#define PARAMS_BYTES_MAX (CW_CMD_MAX / 2)

struct layout {
	uint64_t function;
	uint32_t n;
	uint32_t bytes;
	struct cg_layout_param param[];
};

/* Open addressing; replaced as a whole when it grows, old ones are kept: a
 * reader may still look at them, and there are only a few. */
struct layouts {
	uint32_t size;
	uint32_t used;
	_Atomic(struct layout *) at[];
};

static _Atomic(struct layouts *) layouts;
static pthread_mutex_t layout_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t accepted[ACCEPTED];
static _Atomic uint64_t accept_epoch = 1;
static _Atomic uint32_t credit_used[CW_CREDITS];

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

static struct layout *layout_find(uint64_t function)
{
	struct layouts *t = atomic_load_explicit(&layouts, memory_order_acquire);
	uint32_t i;

	if (!t)
		return NULL;
	for (i = mix(0, function) & (t->size - 1);; i = (i + 1) & (t->size - 1)) {
		struct layout *l = atomic_load_explicit(&t->at[i], memory_order_acquire);

		if (!l || l->function == function)
			return l;
	}
}

static void layout_put(struct layouts *t, struct layout *l)
{
	uint32_t i = mix(0, l->function) & (t->size - 1);

	while (atomic_load(&t->at[i]) && atomic_load(&t->at[i])->function != l->function)
		i = (i + 1) & (t->size - 1);
	if (!atomic_load(&t->at[i]))
		t->used++;
	/* Release: a reader that sees the pointer sees what it points to. */
	atomic_store_explicit(&t->at[i], l, memory_order_release);
}

static struct layouts *layouts_grow(struct layouts *old)
{
	uint32_t size = old ? old->size * 2 : LAYOUTS_MIN;
	struct layouts *t = calloc(1, sizeof(*t) + size * sizeof(t->at[0]));

	if (!t)
		return NULL;
	t->size = size;
	for (uint32_t i = 0; old && i < old->size; i++) {
		if (atomic_load(&old->at[i]))
			layout_put(t, atomic_load(&old->at[i]));
	}
	atomic_store_explicit(&layouts, t, memory_order_release);
	return t;
}

void cg_function_learn(uint64_t function, const struct cg_layout_param *params, uint32_t n)
{
	struct layouts *t;
	struct layout *l;

	if (n > CG_PARAMS_MAX || layout_find(function))
		return;
	l = malloc(sizeof(*l) + n * sizeof(*params));
	if (!l)
		return;
	l->function = function;
	l->n = n;
	l->bytes = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t end = (uint64_t)params[i].offset + params[i].size;

		if (end > PARAMS_BYTES_MAX) {
			free(l);
			return;
		}
		l->param[i] = params[i];
		l->bytes = cw_max(l->bytes, (uint32_t)end);
	}
	pthread_mutex_lock(&layout_lock);
	t = atomic_load(&layouts);
	if (!t || t->used * 2 >= t->size)
		t = layouts_grow(t);
	if (t)
		layout_put(t, l);
	pthread_mutex_unlock(&layout_lock);
}

/* Forget what was accepted: limits of a function or a context changed. */
void cg_launch_forget(void)
{
	atomic_fetch_add(&accept_epoch, 1);
}

static uint64_t accept_key(const struct cg_launch_op *op)
{
	uint64_t h = mix(atomic_load_explicit(&accept_epoch, memory_order_relaxed), op->function);

	h = mix(h, cg_ctx_now());
	h = mix(h, (uint64_t)op->block[0] << 32 | op->block[1]);
	h = mix(h, (uint64_t)op->block[2] << 32 | op->shared);
	h = mix(h, op->cooperative);
	/* Of a cooperative launch the grid counts too. */
	if (op->cooperative)
		h = mix(h, (uint64_t)op->grid[0] * op->grid[1] * op->grid[2]);
	for (uint32_t i = 0; i < op->nr_attrs; i++) {
		const uint64_t *words = (const void *)&op->attrs[i].value;

		h = mix(h, op->attrs[i].id);
		for (int k = 0; k < CW_ATTR_WORDS; k++)
			h = mix(h, words[k]);
	}
	return h | 1;
}

static uint32_t credit_of(const struct cg_call *c, const struct cg_launch_op *op)
{
	/* Special streams are one per context, and number 2 one per thread too. */
	uint64_t h = mix(cg_ctx_now(), op->stream);

	if (op->stream == (uintptr_t)CU_STREAM_PER_THREAD)
		h = mix(h, c->t->slot);
	return h >> 32 & (CW_CREDITS - 1);
}

/* Waits until the stream is less than CW_STREAM_CREDITS launches ahead. */
static CUresult credit_take(struct cg_call *c, uint32_t i, uint64_t stream)
{
	struct cw_channel *ch = cg_client()->channel;
	uint32_t used = atomic_fetch_add_explicit(&credit_used[i], 1, memory_order_relaxed);

	if (used - atomic_load_explicit(&ch->credit_done[i], memory_order_acquire) <
	    CW_STREAM_CREDITS)
		return CUDA_SUCCESS;
	atomic_fetch_add_explicit(&cg_client()->stat.credits, 1, memory_order_relaxed);
	cw_enc_u64(&c->enc, i);
	cw_enc_u64(&c->enc, CW_STREAM_CREDITS / 2);
	cw_enc_u64(&c->enc, stream);
	CUresult r = cg_proto(c, CW_FN_CREDIT, CW_SYNC);

	cg_proto_again(c);
	return r;
}

static bool dims_ok(const struct cg_launch_op *op)
{
	for (int i = 0; i < 3; i++) {
		if (!op->grid[i] || !op->block[i])
			return false;
	}
	return op->grid[0] <= 0x7fffffff && op->grid[1] <= 65535 && op->grid[2] <= 65535 &&
	       op->block[2] <= 64 && op->block[0] <= 1024 && op->block[1] <= 1024;
}

/* Packed parameters of the `extra` form, checked against the layout's size. */
static CUresult extra_in(struct cw_enc *e, void **extra, const struct layout *l)
{
	const void *buf = NULL;
	size_t size = 0;
	uint8_t *at;

	for (int i = 0; i < 8 && extra[i] != CU_LAUNCH_PARAM_END; i += 2) {
		if (extra[i] == CU_LAUNCH_PARAM_BUFFER_POINTER)
			buf = extra[i + 1];
		else if (extra[i] == CU_LAUNCH_PARAM_BUFFER_SIZE)
			size = *(size_t *)extra[i + 1];
		else
			return CUDA_ERROR_INVALID_VALUE;
	}
	if ((l->bytes && !buf) || size > PARAMS_BYTES_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	at = cw_enc_reserve(e, cw_max(size, (size_t)l->bytes));
	if (!at)
		return CUDA_ERROR_INVALID_VALUE;
	if (size)
		memcpy(at, buf, size);
	return CUDA_SUCCESS;
}

static CUresult params_in(struct cw_enc *e, const struct cg_launch_op *op, const struct layout *l)
{
	uint8_t *at;

	if (op->extra && !op->params)
		return extra_in(e, op->extra, l);
	if (l->n && !op->params)
		return CUDA_ERROR_INVALID_VALUE;
	at = cw_enc_reserve(e, l->bytes);
	if (!at)
		return CUDA_ERROR_INVALID_VALUE;
	for (uint32_t i = 0; i < l->n; i++)
		memcpy(at + l->param[i].offset, op->params[i], l->param[i].size);
	return CUDA_SUCCESS;
}

static CUresult launch_encode(struct cg_call *c, const struct cg_launch_op *op, uint32_t credit,
			      const struct layout *l)
{
	struct cw_enc *e = &c->enc;

	cw_enc_u64(e, op->function);
	for (int i = 0; i < 3; i++)
		cw_enc_u64(e, op->grid[i]);
	for (int i = 0; i < 3; i++)
		cw_enc_u64(e, op->block[i]);
	cw_enc_u64(e, op->shared);
	cw_enc_u64(e, op->cooperative);
	cw_enc_u64(e, op->stream);
	cw_enc_u64(e, credit);
	cw_enc_u64(e, op->nr_attrs);
	for (uint32_t i = 0; i < op->nr_attrs; i++) {
		const uint64_t *words = (const void *)&op->attrs[i].value;

		cw_enc_u64(e, op->attrs[i].id);
		for (int k = 0; k < CW_ATTR_WORDS; k++)
			cw_enc_u64(e, words[k]);
	}
	return params_in(e, op, l);
}

CUresult cg_launch(const struct cg_fn *fn, const struct cg_launch_op *op)
{
	const struct layout *l = layout_find(op->function);
	_Atomic uint64_t *line;
	struct cg_call c;
	uint32_t credit;
	uint64_t key;
	bool known;
	CUresult r = cg_call_begin(&c, fn);

	if (r)
		return r;
	if (!l)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!dims_ok(op) || op->nr_attrs > CW_ATTR_MAX || (op->params && op->extra))
		return CUDA_ERROR_INVALID_VALUE;
	credit = credit_of(&c, op);
	r = credit_take(&c, credit, op->stream);
	if (!r)
		r = launch_encode(&c, op, credit, l);
	if (r) {
		atomic_fetch_sub_explicit(&credit_used[credit], 1, memory_order_relaxed);
		return r;
	}
	key = accept_key(op);
	line = &accepted[key >> 20 & (ACCEPTED - 1)];
	known = atomic_load_explicit(line, memory_order_relaxed) == key;
	r = cg_proto(&c, CW_FN_LAUNCH, known ? CW_ASYNC : CW_SYNC);
	if (!r && !known)
		atomic_store_explicit(line, key, memory_order_relaxed);
	if (r)
		atomic_fetch_sub_explicit(&credit_used[credit], 1, memory_order_relaxed);
	return r;
}
