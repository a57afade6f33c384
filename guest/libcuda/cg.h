/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What generated stubs and the hand-written parts of the guest's libcuda
 * share: how a call is begun, sent, answered and ended.
 *
 * A stub looks like this (gen/emit_guest.c makes it):
 *
 *	CUresult cuMemAlloc_v2(CUdeviceptr *dptr, size_t bytesize)
 *	{
 *		struct cg_call c;
 *		CUresult r = cg_call_begin(&c, &fn_cuMemAlloc);
 *
 *		if (r)
 *			return r;
 *		cw_enc_u64(&c.enc, bytesize);
 *		r = cg_call_end(&c);
 *		if (!r)
 *			... read outputs from c.dec ...
 *		return cg_call_done(&c, r);
 *	}
 */
#ifndef GUEST_LIBCUDA_CG_H
#define GUEST_LIBCUDA_CG_H

#include <stddef.h>
#include <stdint.h>

#include "cw/channel.h"
#include "cw/cuda.h"
#include "cw/device_info.h"
#include "wire/codec.h"
#include "wire/fn.h"
#include "wire/handle.h"

/**
 * enum cg_fn_flags - What a function needs before it may be sent
 * @CG_FN_NO_INIT:	works before cuInit (cuDriverGetVersion, cuGetErrorName)
 * @CG_FN_NO_CTX:	needs no current context
 * @CG_FN_IN_CALLBACK:	allowed inside a host function
 */
enum cg_fn_flags {
	CG_FN_NO_INIT = 1,
	CG_FN_NO_CTX = 2,
	CG_FN_IN_CALLBACK = 4,
};

/**
 * struct cg_fn - A function as the stubs know it; one const object each
 * @name:	base name
 * @id:		cw_fn_hash(name)
 * @cls:	enum cw_class
 * @flags:	enum cg_fn_flags
 */
struct cg_fn {
	const char *name;
	uint32_t id;
	uint8_t cls;
	uint8_t flags;
};

struct cg_thread;

/**
 * struct cg_call - One call on its way; lives on the caller's stack
 * @fn:		what is called
 * @t:		the calling thread
 * @enc:	arguments, over the thread's own buffer
 * @dec:	results, valid after cg_call_end() returned CUDA_SUCCESS
 * @seq:	of the reply
 */
struct cg_call {
	const struct cg_fn *fn;
	struct cg_thread *t;
	struct cw_enc enc;
	struct cw_dec dec;
	uint64_t seq;
};

/**
 * cg_call_begin() - Start a call
 * @c:	call to set up
 * @fn:	function
 *
 * Checks what must hold for @fn: initialised (and not a forked child),
 * not inside a host function, a current context, that context's error word,
 * a late error of this thread (returned once).
 *
 * Return: CUDA_SUCCESS, or the error that the stub shall return at once.
 */
CUresult cg_call_begin(struct cg_call *c, const struct cg_fn *fn);

/**
 * cg_call_end() - Send the call; for inline and sync, wait for its answer
 * @c:	call with its arguments encoded
 *
 * Return: result of the call. For async: CUDA_SUCCESS once it is in the ring.
 * Arguments that did not fit a command: CUDA_ERROR_INVALID_VALUE.
 */
CUresult cg_call_end(struct cg_call *c);

/**
 * cg_call_done() - End a call after its results were read
 * @c:	call
 * @r:	result so far
 *
 * Return: @r, or CUDA_ERROR_UNKNOWN where the reply was malformed (the client
 * is dead then).
 */
CUresult cg_call_done(struct cg_call *c, CUresult r);

/**
 * cg_refused() - Answer of a function that this build does not do
 * @name:	exported symbol
 *
 * Logs the name once.
 *
 * Return: CUDA_ERROR_NOT_SUPPORTED.
 */
CUresult cg_refused(const char *name);

/* ---- checks for local functions: the first lines of their stubs */

/* As cg_call_begin() checks, without a call. */
CUresult cg_enter(const struct cg_fn *fn);

/* ---- handle chosen by the process, for asynchronous creation */

/**
 * cg_handle_new() - A fresh handle whose slot this process chose
 * @type:	kind of object
 *
 * Return: the handle, 0 where there are too many.
 */
uint64_t cg_handle_new(enum cw_handle_type type);
void cg_handle_free(uint64_t handle);

/* ---- local answers: shared primitives */

/* Device table. NULL / INVALID_DEVICE for a wrong ordinal. */
const struct cw_info *cg_info(void);
const struct cw_device_info *cg_device(CUdevice dev);
CUresult cg_device_attr(int *ret, CUdevice_attribute attrib, CUdevice dev);
CUresult cg_device_count(int *ret);
CUresult cg_device_get(CUdevice *ret, int ordinal);
CUresult cg_device_name(char *name, int len, CUdevice dev);
CUresult cg_device_total_mem(size_t *ret, CUdevice dev);
CUresult cg_device_uuid(CUuuid *ret, CUdevice dev);
CUresult cg_device_pci_bus_id(char *id, int len, CUdevice dev);
CUresult cg_device_by_pci_bus_id(CUdevice *ret, const char *id);

/* Stack of contexts: in the guest only (SEMANTICS 2). */
CUresult cg_ctx_get_current(CUcontext *ret);
CUresult cg_ctx_set_current(CUcontext ctx);
CUresult cg_ctx_push(CUcontext ctx);
CUresult cg_ctx_pop(CUcontext *ret);
CUresult cg_ctx_get_device(CUdevice *ret, CUcontext ctx); /* NULL: current */
CUcontext cg_ctx_primary(CUdevice dev);                   /* valid before retain */
/* Bookkeeping around the generated retain, release, reset, create, destroy. */
void cg_ctx_born(CUcontext ctx, CUdevice dev, unsigned int flags, int is_primary);
void cg_ctx_gone(CUcontext ctx);
CUresult cg_ctx_get_flags(unsigned int *ret, CUcontext ctx);

/* Range map: what a device pointer or pinned host pointer belongs to. */
enum cg_range_kind {
	CG_RANGE_DEVICE = 1,
	CG_RANGE_PINNED,
	CG_RANGE_REGISTERED,
	CG_RANGE_MANAGED,
	CG_RANGE_POOL,
	CG_RANGE_GLOBAL,
};
struct cg_range {
	uint64_t base;
	uint64_t size;
	enum cg_range_kind kind;
	CUcontext ctx;
	CUdevice dev;
	uint64_t device_ptr; /* what kernels use; = base but for registered elsewhere */
	uint32_t flags;	     /* as given at allocation */
	uint32_t region;     /* transport's region id, 0: none */
	uint64_t id;         /* CU_POINTER_ATTRIBUTE_BUFFER_ID */
};
/* In @flags of a managed range: a module's variables, which nobody may free. */
#define CG_RANGE_VARIABLES 0x80000000u
int cg_range_add(const struct cg_range *range);
int cg_range_del(uint64_t base, struct cg_range *ret);
bool cg_range_find(uint64_t addr, struct cg_range *ret);
CUresult cg_pointer_attr(void *data, CUpointer_attribute attribute, CUdeviceptr ptr);
CUresult cg_address_range(CUdeviceptr *base, size_t *size, CUdeviceptr ptr);

void cg_range_drop_context(CUcontext ctx);

/* Cache of answers, keyed by function and up to three words. */
bool cg_cache_get(const struct cg_fn *fn, const uint64_t key[3], uint64_t *ret);
void cg_cache_put(const struct cg_fn *fn, const uint64_t key[3], uint64_t value);
void cg_cache_drop(const struct cg_fn *fn, uint64_t key0);

/* ---- engines */

/**
 * struct cg_copy_op - A copy or a part of one, as the API describes it
 * @dst_kind, @src_kind:	CU_MEMORYTYPE_HOST, _DEVICE, _ARRAY or _UNIFIED
 *				(by address)
 * @dst, @src:		addresses, or array handles
 * @bytes:		length
 * @stream:		stream handle; 0 legacy, 2 per thread
 * @async:		true for the Async form
 */
struct cg_copy_op {
	CUmemorytype dst_kind;
	CUmemorytype src_kind;
	uint64_t dst;
	uint64_t src;
	uint64_t bytes;
	uint64_t stream;
	bool async;
};
CUresult cg_copy(const struct cg_fn *fn, const struct cg_copy_op *op);

CUresult cg_copy2d(const struct cg_fn *fn, const CUDA_MEMCPY2D *copy, CUstream stream, bool async);
CUresult cg_copy3d(const struct cg_fn *fn, const CUDA_MEMCPY3D *copy, CUstream stream, bool async);

struct cg_launch_op {
	uint64_t function; /* CUfunction or CUkernel */
	uint32_t grid[3];
	uint32_t block[3];
	uint32_t shared;
	uint32_t cooperative;
	uint64_t stream;
	void **params;
	void **extra;
	const CUlaunchAttribute *attrs;
	uint32_t nr_attrs;
};
CUresult cg_launch(const struct cg_fn *fn, const struct cg_launch_op *op);

/* After a load gave a function handle: where its parameters lie. Called by
 * generated code for `out CUfunction` with the layout that the reply carries. */
struct cg_layout_param {
	uint32_t offset;
	uint32_t size;
};
#define CG_PARAMS_MAX 240 /* a reply slot holds no more */
void cg_function_learn(uint64_t function, const struct cg_layout_param *params, uint32_t n);

/**
 * cg_image_send() - Bring an image (fatbin wrapper, fatbin, ELF, PTX) across
 * @image:	as the program gave it; its length is found by reading it
 * @ret_id:	id for the load call; 0: the bytes are inline in @c's encoder
 *
 * Encodes id (0 for inline) and, inline, the blob into @c->enc.
 */
CUresult cg_image_send(struct cg_call *c, const void *image, uint64_t *ret_id);
void cg_image_done(uint64_t id);

/* Pinned, managed, registered memory. */
CUresult cg_host_alloc(const struct cg_fn *fn, void **ret, size_t bytes, unsigned int flags);
CUresult cg_host_free(const struct cg_fn *fn, void *p);
CUresult cg_host_register(const struct cg_fn *fn, void *p, size_t bytes, unsigned int flags);
CUresult cg_host_unregister(const struct cg_fn *fn, void *p);
CUresult cg_managed_alloc(const struct cg_fn *fn, CUdeviceptr *ret, size_t bytes,
			  unsigned int flags);
/* cuMemFree of a device or managed pointer. */
CUresult cg_mem_free(const struct cg_fn *fn, CUdeviceptr ptr);

/* Callbacks: registers @cb with the callback thread (started at first use). */
CUresult cg_launch_host_func(const struct cg_fn *fn, CUstream stream, CUhostFn cb, void *data);
CUresult cg_add_callback(const struct cg_fn *fn, CUstream stream, CUstreamCallback cb,
			 void *data);

#endif
