/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the generated dispatch functions and the hand-written parts of the
 * worker share.
 *
 * A dispatch function looks like this (gen/emit_worker.c makes it):
 *
 *	static CUresult disp_cuMemAlloc(struct wk_thread *t, struct cw_dec *in,
 *					struct cw_enc *out)
 *	{
 *		CUdeviceptr dptr = 0;
 *		size_t bytesize = cw_dec_u64(in);
 *		CUresult r;
 *
 *		if (!cw_dec_ok(in))
 *			return wk_malformed(t);
 *		r = wk_cu()->cuMemAlloc_v2(&dptr, bytesize);
 *		if (!r)
 *			cw_enc_u64(out, dptr);
 *		return r;
 *	}
 */
#ifndef WORKER_WK_H
#define WORKER_WK_H

#include <stddef.h>
#include <stdint.h>

#include "cw/channel.h"
#include "cw/cuda.h"
#include "wire/codec.h"
#include "wire/fn.h"
#include "wire/handle.h"

struct wk_thread; /* a guest thread, as the worker stands for it */

typedef CUresult (*wk_dispatch_fn)(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);

/**
 * enum wk_fn_flags - What the dispatcher does around a function
 * @WK_FN_CTX:		the command's context is made current first
 * @WK_FN_BINDS:	binds the guest thread (capture mode), SEMANTICS 2
 */
enum wk_fn_flags {
	WK_FN_CTX = 1,
	WK_FN_BINDS = 2,
};

/* Generated table, sorted by id: wk_functions[0 .. wk_functions_count). */
struct wk_function {
	uint32_t id;
	uint8_t cls; /* enum cw_class */
	uint8_t flags;
	const char *name;
	wk_dispatch_fn fn;
};
extern const struct wk_function wk_functions[];
extern const size_t wk_functions_count;

/* The back end's functions: generated struct, filled by dlsym at first use.
 * A member is NULL where the back end lacks it: generated code answers
 * CUDA_ERROR_NOT_SUPPORTED then. */
struct cu_driver;
const struct cu_driver *wk_cu(void);
/* Generated: fills *cu; calls lookup(symbol) for each member. */
void cu_driver_bind(struct cu_driver *cu, void *(*lookup)(void *arg, const char *symbol),
		    void *arg);

/**
 * wk_malformed() - A command broke the wire rules
 * @t:	its thread
 *
 * The client is dead from here on; logs once with a stable code.
 *
 * Return: CUDA_ERROR_INVALID_VALUE.
 */
CUresult wk_malformed(struct wk_thread *t);

/**
 * wk_handle_in() - Host object of a guest handle
 * @t:		thread (per-thread default streams are its own)
 * @type:	wanted type
 * @h:		guest handle; 0 gives NULL; for streams 0, 1, 2 are the special ones
 * @ret:	host object
 *
 * Return: false where no such object lives: the caller answers
 * wk_bad_handle(type).
 */
bool wk_handle_in(struct wk_thread *t, enum cw_handle_type type, uint64_t h, void **ret);
CUresult wk_bad_handle(enum cw_handle_type type);

/* Guest handle of a host object: the same for an object seen before. 0: table full. */
uint64_t wk_handle_out(struct wk_thread *t, enum cw_handle_type type, void *host);
/* Gives a host object the handle that the process chose; false: taken or full. */
bool wk_handle_bind(struct wk_thread *t, enum cw_handle_type type, uint64_t h, void *host);
bool wk_handle_room(void);
void wk_object_end(enum cw_handle_type type, void *host);
void wk_handle_drop(struct wk_thread *t, enum cw_handle_type type, uint64_t h);

/* Host memory that lives until the current command has been answered; zeroed;
 * NULL where the per-command limit (WK_TEMP_MAX) is passed. */
#define WK_TEMP_MAX (1u << 20)
void *wk_temp(struct wk_thread *t, size_t size);

/* Image of a load command: id from CW_FN_IMAGE_BEGIN or inline blob, copied to
 * private memory and NUL-terminated; freed with the command. NULL: malformed. */
const void *wk_image_in(struct wk_thread *t, struct cw_dec *in, size_t *ret_len);

/* What a load passes to the back end's compiler; @t's own, until its next load. */
uint32_t wk_load_count(struct wk_thread *t);
CUjit_option *wk_load_options(struct wk_thread *t);
void **wk_load_values(struct wk_thread *t);

/* Encodes a function's parameter layout behind its handle: u64 count, then
 * offset and size of each. */
void wk_function_layout(struct wk_thread *t, CUfunction f, struct cw_enc *out);

#endif
