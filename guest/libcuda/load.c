/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads of modules: the compiler's options and logs, and managed variables.
 *
 * Theory of operation. A load is one command. Where the program gives options
 * for the compiler, they go before it (LOAD_OPTIONS), and the logs it asked for
 * are fetched afterwards (LOAD_RESULT).
 *
 * Managed variables must have one address on both sides (SEMANTICS 7). What is
 * in an image only the back end knows, so a load that meets some fails first
 * and says how many bytes they need; then there is a region for them, and the
 * load is made once more. The region goes with the module.
 */
#include <stdlib.h>
#include <string.h>

#include "cw/jit.h"
#include "cw/log.h"
#include "guest/libcuda/client.h"

#define PAGE 4096ull

enum { LOG_INFO, LOG_ERROR, LOGS };

/**
 * struct cg_load - What a thread's load asks for
 * @sent:	the worker has been told something that is not the default
 * @n:		numbers among the options
 * @option, @number: they
 * @log:	where a log goes, NULL where none is wanted
 * @room:	bytes there
 * @filled:	where to say how many were used, or NULL
 * @va:		region for managed variables, 0: none
 * @len:	its bytes
 * @region:	the transport's number of it
 */
struct cg_load {
	bool sent;
	uint32_t n;
	uint32_t option[CW_LOAD_OPTIONS_MAX];
	uint64_t number[CW_LOAD_OPTIONS_MAX];
	char *log[LOGS];
	uint64_t room[LOGS];
	void **filled[LOGS];
	uint64_t va, len;
	uint32_t region;
};

static const struct cg_fn load_fn = { .name = "load", .flags = CG_FN_NO_CTX };

/* A region for managed variables, by the module or library that has them. */
struct managed {
	struct managed *next;
	uint64_t owner;
	uint64_t ctx; /* 0: a library's, which belong to no context */
	uint64_t va;
};

static struct managed *manageds;
static pthread_mutex_t managed_lock = PTHREAD_MUTEX_INITIALIZER;

static CUresult load_tell(struct cg_load *l)
{
	struct cg_call c;
	CUresult r = cg_call_begin(&c, &load_fn);

	if (r)
		return r;
	l->sent = l->n || l->log[LOG_INFO] || l->log[LOG_ERROR] || l->va;
	cw_enc_u64(&c.enc, l->va);
	cw_enc_u64(&c.enc, l->len);
	for (int i = 0; i < LOGS; i++)
		cw_enc_u32(&c.enc, l->log[i] ? (uint32_t)cw_min(l->room[i],
								(uint64_t)CW_LOAD_LOG_MAX)
					     : 0);
	cw_enc_u32(&c.enc, l->n);
	for (uint32_t i = 0; i < l->n; i++) {
		cw_enc_u32(&c.enc, l->option[i]);
		cw_enc_u64(&c.enc, l->number[i]);
	}
	return cg_proto(&c, CW_FN_LOAD_OPTIONS, CW_ASYNC);
}

/* The answer is read by the caller from @c. */
static CUresult load_ask(struct cg_call *c, enum cw_load_asks what, uint64_t arg)
{
	CUresult r = cg_call_begin(c, &load_fn);

	if (r)
		return r;
	cw_enc_u32(&c->enc, what);
	cw_enc_u64(&c->enc, arg);
	return cg_proto(c, CW_FN_LOAD_RESULT, CW_SYNC);
}

static uint64_t load_ask_number(enum cw_load_asks what, uint64_t arg)
{
	struct cg_call c;
	uint64_t v = load_ask(&c, what, arg) ? 0 : cw_dec_u64(&c.dec);

	return cw_dec_ok(&c.dec) ? v : 0;
}

/* Pieces of the log until there is no more of it, or no more room. */
static void log_fetch(struct cg_load *l, int which)
{
	uint64_t at = 0, room = l->room[which];
	struct cg_call c;

	while (l->log[which] && at + 1 < room) {
		const void *text;
		size_t len = 0;

		if (load_ask(&c, which == LOG_INFO ? CW_LOAD_INFO_LOG : CW_LOAD_ERROR_LOG, at))
			break;
		text = cw_dec_bytes(&c.dec, CW_REPLY_MAX, &len);
		if (!text || !len)
			break;
		len = cw_min(len, (size_t)(room - 1 - at));
		memcpy(l->log[which] + at, text, len);
		at += len;
	}
	if (l->log[which] && room)
		l->log[which][at] = '\0';
	/* With the end, as the driver counts it; nothing for an empty log. */
	if (l->filled[which])
		*l->filled[which] = (void *)(uintptr_t)(at ? at + 1 : 0);
}

static void load_end(struct cg_load *l)
{
	for (int i = 0; i < LOGS; i++) {
		if (l->log[i] || l->filled[i])
			log_fetch(l, i);
	}
}

static void load_read(struct cg_load *l, CUjit_option option, void **value)
{
	switch (option) {
	case CU_JIT_INFO_LOG_BUFFER:
		l->log[LOG_INFO] = *value;
		break;
	case CU_JIT_ERROR_LOG_BUFFER:
		l->log[LOG_ERROR] = *value;
		break;
	case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
	case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
		/* An unsigned int: what lies above in the pointer means nothing. */
		l->room[option == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES] =
			(uint32_t)(uintptr_t)*value;
		l->filled[option == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES] = value;
		break;
	case CU_JIT_WALL_TIME:
		*(float *)value = 0;
		break;
	default:
		if (cw_jit_is_number(option) && l->n < CW_LOAD_OPTIONS_MAX) {
			l->option[l->n] = option;
			l->number[l->n++] = (uintptr_t)*value;
		}
		break;
	}
}

/**
 * cg_load_begin() - Before a load
 * @n:		number of options
 * @options:	their names
 * @values:	their values; sizes of logs are written back when the load is over
 *
 * Options that are neither numbers nor logs have no meaning in a worker.
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_VALUE for arrays that are missing.
 */
CUresult cg_load_begin(unsigned int n, CUjit_option *options, void **values)
{
	struct cg_thread *t;
	struct cg_load *l;
	bool sent;
	CUresult r;

	if (n && (!options || !values))
		return CUDA_ERROR_INVALID_VALUE;
	r = cg_enter(&load_fn);
	if (r)
		return r;
	t = cg_thread_self();
	if (!t)
		return CUDA_ERROR_OUT_OF_MEMORY;
	if (!t->load)
		t->load = calloc(1, sizeof(*t->load));
	l = t->load;
	if (!l)
		return CUDA_ERROR_OUT_OF_MEMORY;
	sent = l->sent;
	*l = (struct cg_load){ 0 };
	for (unsigned int i = 0; i < n; i++)
		load_read(l, options[i], &values[i]);
	if (!sent && !l->n && !l->log[LOG_INFO] && !l->log[LOG_ERROR])
		return CUDA_SUCCESS;
	return load_tell(l);
}

/* Gives the region back; nothing on the other side uses it any more. */
static void managed_free(uint64_t va, uint64_t len, uint32_t region)
{
	if (cg_client_dead())
		return;
	cg_client()->tr->region_free(region, va, len, false);
	cg_arena_free(va, len);
}

static CUresult managed_make(struct cg_load *l, uint64_t bytes)
{
	l->len = cw_align_up(bytes, PAGE);
	if (l->len < bytes)
		return CUDA_ERROR_OUT_OF_MEMORY;
	l->va = cg_arena_alloc(l->len);
	if (l->va && cg_client()->tr->region_alloc(l->va, l->len, &l->region)) {
		cg_arena_free(l->va, l->len);
		l->va = 0;
	}
	return l->va ? load_tell(l) : CUDA_ERROR_OUT_OF_MEMORY;
}

/**
 * cg_load_again() - A load failed
 * @r:	why; another reason may take its place
 *
 * Return: whether to make the call once more: it lacked a region, which is there
 * now.
 */
bool cg_load_again(CUresult *r)
{
	struct cg_thread *t = cg_thread_self();
	struct cg_load *l = t ? t->load : NULL;
	uint64_t bytes;

	if (!l || cg_client_dead())
		return false;
	bytes = *r == CUDA_ERROR_NOT_SUPPORTED && !l->va ? load_ask_number(CW_LOAD_MANAGED, 0) : 0;
	if (bytes) {
		CUresult made = managed_make(l, bytes);

		if (!made)
			return true;
		*r = made;
	}
	load_end(l);
	if (l->va)
		managed_free(l->va, l->len, l->region);
	l->va = 0;
	return false;
}

/* The region is the program's memory now, until its module goes. */
static void managed_keep(struct cg_load *l, uint64_t owner, uint64_t ctx)
{
	struct cg_range range = {
		.base = l->va, .size = l->len, .kind = CG_RANGE_MANAGED, .device_ptr = l->va,
		.flags = CG_RANGE_VARIABLES, .region = l->region,
		.ctx = (CUcontext)(uintptr_t)cg_ctx_now(),
	};
	struct managed *m = malloc(sizeof(*m));

	cg_ctx_get_device(&range.dev, NULL);
	/* Without its note it stays for good, which does no harm. */
	if (cg_range_add(&range) || !m) {
		cw_warn("managed variables are in no list base=0x%llx",
			(unsigned long long)l->va);
		free(m);
		return;
	}
	pthread_mutex_lock(&managed_lock);
	*m = (struct managed){ manageds, owner, ctx, l->va };
	manageds = m;
	pthread_mutex_unlock(&managed_lock);
}

/**
 * cg_load_done() - A load succeeded
 * @owner:	handle of the module or library
 * @in_context:	it goes with the current context
 */
void cg_load_done(uint64_t owner, bool in_context)
{
	struct cg_thread *t = cg_thread_self();
	struct cg_load *l = t ? t->load : NULL;

	if (!l)
		return;
	load_end(l);
	if (l->va)
		managed_keep(l, owner, in_context ? cg_ctx_now() : 0);
	l->va = 0;
}

static void managed_drop(uint64_t owner, uint64_t ctx)
{
	struct managed **at = &manageds;
	struct cg_range range;

	pthread_mutex_lock(&managed_lock);
	while (*at) {
		struct managed *m = *at;

		if (owner ? m->owner != owner : m->ctx != ctx) {
			at = &m->next;
			continue;
		}
		*at = m->next;
		if (!cg_range_del(m->va, &range))
			managed_free(range.base, range.size, range.region);
		free(m);
	}
	pthread_mutex_unlock(&managed_lock);
}

/* A module or library ended: so did its managed variables. */
void cg_managed_gone(uint64_t owner)
{
	managed_drop(owner, 0);
}

/* A context ended, and with it its modules. */
void cg_managed_drop_context(CUcontext ctx)
{
	if (ctx)
		managed_drop(0, (uintptr_t)ctx);
}

/**
 * cg_global_usable() - Whether a program may have a variable's address
 * @ptr:	of the variable
 *
 * Managed variables that are in no region of ours are memory of the worker alone,
 * as on a back end that takes no region for them. Where the window is device
 * memory any address outside it is of that kind; else the back end is asked.
 *
 * Return: CUDA_SUCCESS, or CUDA_ERROR_NOT_SUPPORTED after a line in the log.
 */
CUresult cg_global_usable(CUdeviceptr ptr)
{
	struct cg_range range;

	if (!ptr || cg_is_device(ptr) || cg_range_find(ptr, &range))
		return CUDA_SUCCESS;
	if (!cg_client()->open.direct && !load_ask_number(CW_LOAD_IS_MANAGED, ptr))
		return CUDA_SUCCESS;
	return cg_refused("__managed__ variables");
}
