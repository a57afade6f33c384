/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads of modules: what a guest thread wants of the compiler, where managed
 * variables go, and what the back end said (guest/libcuda/load.c).
 *
 * The generated loads pass what wk_load_count(), _options() and _values() say.
 * A thread's record is touched by its own commands only, one after the other.
 */
#include <stdlib.h>
#include <string.h>

#include "cu_driver.h"
#include "cw/jit.h"
#include "cw/soft_info.h"
#include "worker/internal.h"

enum { LOG_INFO, LOG_ERROR, LOGS };

/* Two options for each log, and the software GPU's own. */
#define OPTIONS_MAX (CW_LOAD_OPTIONS_MAX + 2 * LOGS + 1)

/**
 * struct wk_load - A thread's loads
 * @nr_numbers:	options of the program: @option, @number
 * @n:		all options, as last given to the back end
 * @log:	where the back end writes, NULL: not wanted
 * @room:	bytes there
 * @managed:	for the software GPU
 */
struct wk_load {
	uint32_t nr_numbers;
	uint64_t number[CW_LOAD_OPTIONS_MAX];
	uint32_t n;
	CUjit_option option[OPTIONS_MAX];
	void *value[OPTIONS_MAX];
	char *log[LOGS];
	uint32_t room[LOGS];
	struct cw_soft_managed managed;
};

static void add(struct wk_load *l, uint32_t option, void *value)
{
	l->option[l->n] = (CUjit_option)option;
	l->value[l->n++] = value;
}

/* A load may have written into the values: they are made afresh for each. */
static void prepare(struct wk_load *l)
{
	static const uint32_t buffer[LOGS] = { CU_JIT_INFO_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER };
	static const uint32_t size[LOGS] = { CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES,
					     CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES };

	l->n = l->nr_numbers;
	for (uint32_t i = 0; i < l->n; i++)
		l->value[i] = (void *)(uintptr_t)l->number[i];
	for (int i = 0; i < LOGS; i++) {
		if (!l->log[i])
			continue;
		l->log[i][0] = '\0';
		add(l, buffer[i], l->log[i]);
		add(l, size[i], (void *)(uintptr_t)l->room[i]);
	}
	l->managed.needs = 0;
	if (wk_backend_is_soft())
		add(l, CW_SOFT_JIT_MANAGED, &l->managed);
}

static struct wk_load *load_of(struct wk_thread *t)
{
	if (!t->load)
		t->load = calloc(1, sizeof(*t->load));
	return t->load;
}

void **wk_load_values(struct wk_thread *t)
{
	struct wk_load *l = load_of(t);

	if (!l)
		return NULL;
	prepare(l);
	return l->value;
}

/* The compiler may ask for these before or after the values: it makes no difference. */
CUjit_option *wk_load_options(struct wk_thread *t)
{
	return wk_load_values(t) ? t->load->option : NULL;
}

uint32_t wk_load_count(struct wk_thread *t)
{
	return wk_load_values(t) ? t->load->n : 0;
}

/* The thread has ended. */
void wk_load_forget(struct wk_thread *t)
{
	if (!t->load)
		return;
	for (int i = 0; i < LOGS; i++)
		free(t->load->log[i]);
	free(t->load);
	t->load = NULL;
}

static bool log_make(struct wk_load *l, int which, uint32_t room)
{
	if (l->room[which] != room) {
		free(l->log[which]);
		l->log[which] = room ? calloc(1, room) : NULL;
		l->room[which] = l->log[which] ? room : 0;
	}
	return l->room[which] == room;
}

/**
 * wk_load_set() - CW_FN_LOAD_OPTIONS: what the thread's next loads are told
 * @t:		guest thread
 * @in:		region (address, bytes), bytes of the logs, options
 * @out:	nothing
 *
 * Return: CUDA_ERROR_INVALID_VALUE for a region that is none.
 */
CUresult wk_load_set(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	struct wk_load *l = load_of(t);
	uint64_t va = cw_dec_u64(in);
	uint64_t len = cw_dec_u64(in);
	uint32_t info = cw_dec_u32(in);
	uint32_t error = cw_dec_u32(in);
	uint32_t n = cw_dec_u32(in);

	if (!l)
		return CUDA_ERROR_OUT_OF_MEMORY;
	l->managed = (struct cw_soft_managed){ 0 };
	l->nr_numbers = 0;
	if (!cw_dec_ok(in) || info > CW_LOAD_LOG_MAX || error > CW_LOAD_LOG_MAX ||
	    n > CW_LOAD_OPTIONS_MAX)
		return wk_malformed(t);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t option = cw_dec_u32(in);

		l->number[i] = cw_dec_u64(in);
		l->option[i] = (CUjit_option)option;
		/* Pointers among them would be the process's, not ours. */
		if (!cw_dec_ok(in) || !cw_jit_is_number(l->option[i]))
			return wk_malformed(t);
	}
	if (!log_make(l, LOG_INFO, info) || !log_make(l, LOG_ERROR, error))
		return CUDA_ERROR_OUT_OF_MEMORY;
	l->nr_numbers = n;
	if (len && !wk_region_covers(va, len))
		return CUDA_ERROR_INVALID_VALUE;
	l->managed.va = va;
	l->managed.size = len;
	return CUDA_SUCCESS;
}

/* The part of a log from @at on that an answer holds. */
static void put_log(const struct wk_load *l, int which, uint64_t at, struct cw_enc *out)
{
	const char *text = l && l->log[which] ? l->log[which] : "";
	size_t len = *text ? strnlen(text, l->room[which]) : 0;

	at = cw_min(at, (uint64_t)len);
	cw_enc_bytes(out, text + at, cw_min(len - at, (size_t)(CW_REPLY_MAX - 16)));
}

/**
 * wk_load_tell() - CW_FN_LOAD_RESULT: what the thread's last load said
 * @t:		guest thread
 * @in:		enum cw_load_asks, argument
 * @out:	a number, or a part of a log
 *
 * Return: CUDA_SUCCESS.
 */
CUresult wk_load_tell(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint32_t what = cw_dec_u32(in);
	uint64_t arg = cw_dec_u64(in);
	unsigned int managed = 0;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	switch (what) {
	case CW_LOAD_MANAGED:
		cw_enc_u64(out, t->load ? t->load->managed.needs : 0);
		break;
	case CW_LOAD_INFO_LOG:
	case CW_LOAD_ERROR_LOG:
		put_log(t->load, what == CW_LOAD_INFO_LOG ? LOG_INFO : LOG_ERROR, arg, out);
		break;
	case CW_LOAD_IS_MANAGED:
		if (wk_cu()->cuPointerGetAttribute(&managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, arg))
			managed = 0;
		cw_enc_u64(out, managed);
		break;
	default:
		return wk_malformed(t);
	}
	return CUDA_SUCCESS;
}
