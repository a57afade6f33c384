/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam between generated stubs and generated dispatch, without a channel.
 *
 * Commands and replies are copied into blocks of exactly their size, so that
 * a sanitizer sees the first byte read past the end.
 */
#include "tests/wire/loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/libcuda/prims.h"
#include "api/worker_fns.h"

struct loop loop;
static uint8_t command_buffer[CW_CMD_MAX];
static uint8_t reply_buffer[CW_RESULT_MAX];
static void *reply_copy;
static void *temps[64];
static int temps_n;

void loop_reset(void)
{
	loop = (struct loop){ .cut_command = SIZE_MAX, .cut_reply = SIZE_MAX, .forge_at = -1 };
}

void loop_check(bool ok, const char *what)
{
	if (ok || loop.forged)
		return;
	if (!loop.wrong++)
		printf("# wrong: %s\n", what);
}

void loop_pod(void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = i % 4 == 0;
}

bool loop_is_pod(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (((const uint8_t *)p)[i] != (i % 4 == 0))
			return false;
	}
	return true;
}

bool loop_untouched(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (((const uint8_t *)p)[i] != 0xee)
			return false;
	}
	return true;
}

/* ---- what stubs call */

CUresult cg_enter(const struct cg_fn *fn)
{
	return CUDA_SUCCESS;
}

bool api_trace_on(void)
{
	return true;
}

void api_trace_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(loop.trace, sizeof(loop.trace), fmt, ap);
	va_end(ap);
}

CUresult cg_call_begin(struct cg_call *c, const struct cg_fn *fn)
{
	*c = (struct cg_call){ .fn = fn };
	cw_enc_init(&c->enc, command_buffer, sizeof(command_buffer));
	return CUDA_SUCCESS;
}

static const struct wk_function *find_function(uint32_t id)
{
	for (size_t i = 0; i < wk_functions_count; i++) {
		if (wk_functions[i].id == id)
			return &wk_functions[i];
	}
	return NULL;
}

static CUresult dispatch(const struct wk_function *f, const void *command, size_t len,
			 struct cw_enc *out)
{
	struct cw_dec in;
	CUresult r;

	cw_dec_init(&in, command, len);
	cw_enc_init(out, reply_buffer, sizeof(reply_buffer));
	r = f->fn(NULL, &in, out);
	while (temps_n)
		free(temps[--temps_n]);
	return r;
}

CUresult cg_call_end(struct cg_call *c)
{
	const struct wk_function *f = find_function(c->fn->id);
	size_t len = c->enc.p - command_buffer;
	struct cw_enc out;
	uint8_t *command;
	CUresult r;

	if (!cw_enc_ok(&c->enc) || !f || f->cls != c->fn->cls)
		return CUDA_ERROR_INVALID_VALUE;
	loop.command = len;
	len = cw_min(len, loop.cut_command);
	command = malloc(len);
	memcpy(command, command_buffer, len);
	if (loop.forge_at >= 0 && (size_t)loop.forge_at * 8 + 8 <= len)
		memcpy(command + loop.forge_at * 8, &loop.forge_with, 8);
	r = dispatch(f, command, len, &out);
	free(command);
	if (!r && !cw_enc_ok(&out))
		r = CUDA_ERROR_OUT_OF_MEMORY;
	loop.reply = out.p - reply_buffer;
	len = cw_min(loop.reply, loop.cut_reply);
	free(reply_copy);
	reply_copy = malloc(len);
	memcpy(reply_copy, reply_buffer, len);
	cw_dec_init(&c->dec, reply_copy, len);
	return r;
}

CUresult cg_call_done(struct cg_call *c, CUresult r)
{
	return !r && !cw_dec_ok(&c->dec) ? CUDA_ERROR_UNKNOWN : r;
}

uint64_t cg_handle_new(enum cw_handle_type type)
{
	loop.chosen = cw_handle(type, CW_H_BY_GUEST, 1, 77);
	return loop.chosen;
}

void cg_handle_free(uint64_t handle)
{
}

CUresult cg_image_send(struct cg_call *c, const void *image, uint64_t *ret_id)
{
	*ret_id = 0;
	cw_enc_u64(&c->enc, 0);
	cw_enc_bytes(&c->enc, image, strlen(image) + 1);
	return CUDA_SUCCESS;
}

void cg_image_done(uint64_t id)
{
}

void cg_function_learn(uint64_t function, const struct cg_layout_param *params, uint32_t n)
{
	loop.learned = n;
	loop_check(n == 2 && params[1].offset == 8 && params[1].size == 4, "layout");
}

const char *cg_intern(const char *text, size_t len)
{
	static char kept[2048];

	snprintf(kept, sizeof(kept), "%.*s", (int)len, text ? text : "");
	return kept;
}

const CUgraphNode *cg_borrow(const uint64_t *handles, size_t bytes)
{
	static uint64_t kept[256];

	memcpy(kept, handles, cw_min(bytes, sizeof(kept)));
	return (const CUgraphNode *)kept;
}

bool cg_cache_get(const struct cg_fn *fn, const uint64_t key[3], uint64_t *ret)
{
	return false;
}

void cg_cache_put(const struct cg_fn *fn, const uint64_t key[3], uint64_t value)
{
}

void cg_cache_drop(const struct cg_fn *fn, uint64_t key0)
{
}

bool cg_capture_idle(void)
{
	return false;
}

CUresult cg_load_begin(unsigned int n, CUjit_option *options, void **values)
{
	return CUDA_SUCCESS;
}

CUcontext cg_ctx_primary(CUdevice dev)
{
	return NULL;
}

CUresult cg_ctx_push(CUcontext ctx)
{
	return CUDA_SUCCESS;
}

int cg_range_del(uint64_t base, struct cg_range *ret)
{
	return 0;
}

/* Bookkeeping that has nothing to do with the wire. */
void cg_capture_open(void)
{
}
void cg_capture_close(void)
{
}
void cg_ctx_born(CUcontext ctx, CUdevice dev, unsigned int flags, int is_primary)
{
}
void cg_ctx_gone(CUcontext ctx)
{
}
void cg_primary_released(CUdevice dev, int reset)
{
}
void cg_primary_retained(CUdevice dev)
{
}
void cg_stream_born(CUstream stream, unsigned int flags, int priority)
{
}
void cg_stream_gone(CUstream stream)
{
}
void cg_event_born(CUevent event)
{
}
bool cg_event_known(CUevent event)
{
	return false;
}
CUresult cg_event_record(const struct cg_fn *fn, CUevent event, CUstream stream, unsigned int flags)
{
	return CUDA_SUCCESS;
}
void cg_range_new(enum cg_range_kind kind, CUdeviceptr base, uint64_t size)
{
}
CUresult cg_global_usable(CUdeviceptr ptr)
{
	return CUDA_SUCCESS;
}

void cg_range_global(CUdeviceptr base, uint64_t size, uint64_t module)
{
}
void cg_reserved_free(CUdeviceptr ptr, size_t size)
{
}
void cg_module_gone(uint64_t module)
{
}
bool cg_load_again(CUresult *r)
{
	return false;
}
void cg_load_done(uint64_t owner, bool in_context)
{
}

/* ---- what dispatch functions call */

const struct cu_driver *wk_cu(void)
{
	return &loop_driver;
}

CUresult wk_malformed(struct wk_thread *t)
{
	loop.malformed = true;
	return CUDA_ERROR_INVALID_VALUE;
}

bool wk_handle_in(struct wk_thread *t, enum cw_handle_type type, uint64_t h, void **ret)
{
	/* 0, 1 and 2 are the special streams on both sides. */
	*ret = (void *)(uintptr_t)(h > 2 ? h + LOOP_HOST_OFFSET : h);
	return !h || (h <= 2 && type == CW_H_STREAM) || cw_handle_type(h) == type;
}

CUresult wk_bad_handle(enum cw_handle_type type)
{
	return CUDA_ERROR_INVALID_HANDLE;
}

uint64_t wk_handle_out(struct wk_thread *t, enum cw_handle_type type, void *host)
{
	return (uintptr_t)host - LOOP_HOST_OFFSET;
}

bool wk_handle_room(void)
{
	return true;
}

void wk_object_end(enum cw_handle_type type, void *host)
{
}

bool wk_handle_bind(struct wk_thread *t, enum cw_handle_type type, uint64_t h, void *host)
{
	loop_check(h == loop.chosen, "chosen handle");
	return true;
}

void wk_handle_drop(struct wk_thread *t, enum cw_handle_type type, uint64_t h)
{
}

void *wk_temp(struct wk_thread *t, size_t size)
{
	if (size > WK_TEMP_MAX || temps_n == 64)
		return NULL;
	return temps[temps_n++] = calloc(1, size);
}

const void *wk_image_in(struct wk_thread *t, struct cw_dec *in, size_t *ret_len)
{
	uint64_t id = cw_dec_u64(in);

	return id ? NULL : cw_dec_str(in, CW_CMD_MAX) + (*ret_len = 0);
}

uint32_t wk_load_count(struct wk_thread *t)
{
	return 0;
}

CUjit_option *wk_load_options(struct wk_thread *t)
{
	return NULL;
}

void **wk_load_values(struct wk_thread *t)
{
	return NULL;
}

void wk_function_layout(struct wk_thread *t, CUfunction f, struct cw_enc *out)
{
	/* Two parameters: 8 bytes at 0, 4 bytes at 8. */
	static const uint64_t words[] = { 2, 8ull << 32, 4ull << 32 | 8 };

	for (size_t i = 0; i < CW_ARRAY_SIZE(words); i++)
		cw_enc_u64(out, words[i]);
}

/* Written by hand in the worker: not under test here. */
#define BY_HAND(name)                                                             \
	CUresult name(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out) \
	{                                                                         \
		return CUDA_ERROR_NOT_SUPPORTED;                                  \
	}
BY_HAND(disp_cuDevicePrimaryCtxRetain)
BY_HAND(disp_cuDevicePrimaryCtxRelease)
BY_HAND(disp_cuDevicePrimaryCtxReset)
BY_HAND(disp_cuCtxCreate)
BY_HAND(disp_cuCtxDestroy)
