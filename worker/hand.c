/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few functions of the API whose worker side is written by hand: contexts
 * come and go here, and what belongs to them goes with them. api/ says why.
 */
#include "cu_driver.h"
#include "worker_fns.h"
#include "worker/internal.h"

static bool device_ok(CUdevice dev)
{
	return dev >= 0 && dev < CW_PRIMARIES;
}

static uint64_t primary_handle(CUdevice dev)
{
	return cw_handle(CW_H_CONTEXT, CW_H_PRIMARY, 0, (uint32_t)dev);
}

/* flags, device -> handle. What the driver pushes is popped: the stack of
 * contexts is the guest's. A waiting guest shall cost no host core. */
CUresult disp_cuCtxCreate(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	unsigned int flags = cw_dec_u32(in) & ~(unsigned int)CU_CTX_SCHED_MASK;
	CUdevice dev = (CUdevice)cw_dec_i64(in);
	CUcontext ctx = NULL, popped;
	uint64_t h;
	CUresult r;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	if (!wk_handle_room())
		return CUDA_ERROR_OUT_OF_MEMORY;
	r = wk_cu()->cuCtxCreate_v2(&ctx, flags | CU_CTX_SCHED_BLOCKING_SYNC, dev);
	if (r)
		return r;
	wk_cu()->cuCtxPopCurrent_v2(&popped);
	wk_ctx_unknown();
	h = wk_handle_out(t, CW_H_CONTEXT, ctx);
	if (!h) {
		wk_cu()->cuCtxDestroy_v2(ctx);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	cw_enc_u64(out, h);
	return CUDA_SUCCESS;
}

/* handle */
CUresult disp_cuCtxDestroy(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t h = cw_dec_u64(in);
	void *ctx;
	CUresult r;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	if (!wk_handle_in(t, CW_H_CONTEXT, h, &ctx) || !ctx)
		return CUDA_ERROR_INVALID_CONTEXT;
	wk_events_forget(h); /* nobody may ask for them any more */
	r = wk_cu()->cuCtxDestroy_v2(ctx);
	if (!r || wk_is_context_fatal(r))
		wk_handle_drop(t, CW_H_CONTEXT, h);
	return r;
}

/* device -> nothing: the guest knows the handle */
CUresult disp_cuDevicePrimaryCtxRetain(struct wk_thread *t, struct cw_dec *in,
					  struct cw_enc *out)
{
	CUdevice dev = (CUdevice)cw_dec_i64(in);
	CUcontext ctx = NULL;
	CUresult r;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	if (!device_ok(dev))
		return CUDA_ERROR_INVALID_DEVICE;
	/* Fails where the context is active already: then it has them. */
	wk_cu()->cuDevicePrimaryCtxSetFlags_v2(dev, CU_CTX_SCHED_BLOCKING_SYNC);
	r = wk_cu()->cuDevicePrimaryCtxRetain(&ctx, dev);
	if (!r)
		wk_handle_primary(dev, ctx);
	return r;
}

static CUresult primary_end(struct wk_thread *t, CUdevice dev, CUresult r)
{
	unsigned int flags;
	int active = 0;

	wk_cu()->cuDevicePrimaryCtxGetState(dev, &flags, &active);
	if (!active)
		wk_handle_drop(t, CW_H_CONTEXT, primary_handle(dev));
	return r;
}

/* device */
CUresult disp_cuDevicePrimaryCtxRelease(struct wk_thread *t, struct cw_dec *in,
					   struct cw_enc *out)
{
	CUdevice dev = (CUdevice)cw_dec_i64(in);

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	if (!device_ok(dev))
		return CUDA_ERROR_INVALID_DEVICE;
	return primary_end(t, dev, wk_cu()->cuDevicePrimaryCtxRelease_v2(dev));
}

/* device */
CUresult disp_cuDevicePrimaryCtxReset(struct wk_thread *t, struct cw_dec *in,
					 struct cw_enc *out)
{
	CUdevice dev = (CUdevice)cw_dec_i64(in);
	CUresult r;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	if (!device_ok(dev))
		return CUDA_ERROR_INVALID_DEVICE;
	wk_events_forget(primary_handle(dev));
	r = wk_cu()->cuDevicePrimaryCtxReset_v2(dev);
	/* Natively the handle stays good for the next use; so does ours. */
	wk_ctx_objects_drop(primary_handle(dev));
	return r;
}
