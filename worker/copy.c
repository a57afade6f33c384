/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies that need no window: small ones inside a command or its answer, and
 * those between two places that the worker knows.
 */
#include "cu_driver.h"
#include "worker/internal.h"

/**
 * wk_htod() - CW_FN_HTOD: a small copy whose bytes came with the command
 * @t:		guest thread
 * @in:		device address, stream, bytes
 * @out:	nothing
 *
 * The caller waits for synchronous forms; asynchronous ones took the bytes at
 * the call, as for any pageable source.
 *
 * Return: the back end's answer.
 */
CUresult wk_htod(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t dst = cw_dec_u64(in);
	uint64_t handle = cw_dec_u64(in);
	size_t len;
	const void *src = cw_dec_bytes(in, CW_CMD_MAX, &len);
	void *stream;
	CUresult r;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	if (!wk_handle_in(t, CW_H_STREAM, handle, &stream))
		return CUDA_ERROR_INVALID_HANDLE;
	r = wk_cu()->cuMemcpyHtoDAsync_v2(dst, src, len, stream);
	if (!r && (t->cmd.flags & CW_CMD_REPLY))
		r = wk_cu()->cuStreamSynchronize(stream);
	return r;
}

/**
 * wk_dtoh() - CW_FN_DTOH: a small copy whose bytes go with the answer
 * @t:		guest thread
 * @in:		device address, bytes, stream
 * @out:	the bytes
 *
 * Return: the back end's answer.
 */
CUresult wk_dtoh(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t src = cw_dec_u64(in);
	uint64_t len = cw_dec_u64(in);
	uint64_t handle = cw_dec_u64(in);
	void *stream, *dst;
	CUresult r;

	if (!cw_dec_ok(in) || len > CW_REPLY_MAX - 8)
		return wk_malformed(t);
	if (!wk_handle_in(t, CW_H_STREAM, handle, &stream))
		return CUDA_ERROR_INVALID_HANDLE;
	/* Not straight into the slot: the back end may check what it writes. */
	dst = wk_temp(t, len + 1);
	if (!dst)
		return CUDA_ERROR_OUT_OF_MEMORY;
	r = wk_cu()->cuMemcpyDtoHAsync_v2(dst, src, len, stream);
	if (!r)
		r = wk_cu()->cuStreamSynchronize(stream);
	if (!r)
		cw_enc_bytes(out, dst, len);
	return r;
}

/**
 * wk_dtod() - CW_FN_DTOD: a copy between device memory and regions
 * @t:		guest thread
 * @in:		destination, source, bytes, stream
 * @out:	nothing
 *
 * Return: the back end's answer; where the caller waits, after the copy.
 */
CUresult wk_dtod(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t dst = cw_dec_u64(in);
	uint64_t src = cw_dec_u64(in);
	uint64_t len = cw_dec_u64(in);
	uint64_t handle = cw_dec_u64(in);
	void *stream;
	CUresult r;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	if (!wk_handle_in(t, CW_H_STREAM, handle, &stream))
		return CUDA_ERROR_INVALID_HANDLE;
	r = wk_cu()->cuMemcpyAsync(dst, src, len, stream);
	if (!r && (t->cmd.flags & CW_CMD_REPLY))
		r = wk_cu()->cuStreamSynchronize(stream);
	return r;
}

/**
 * wk_copy3d() - CW_FN_COPY3D: the same with pitches
 * @t:		guest thread
 * @in:		CUDA_MEMCPY3D whose two sides are device or unified memory, stream
 * @out:	nothing
 *
 * Return: the back end's answer; NOT_SUPPORTED for arrays.
 */
CUresult wk_copy3d(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	CUDA_MEMCPY3D m;
	uint64_t handle;
	void *stream;
	CUresult r;

	cw_dec_fixed(in, &m, sizeof(m));
	handle = cw_dec_u64(in);
	if (!cw_dec_ok(in))
		return wk_malformed(t);
	/* Host addresses of the guest mean nothing here; arrays are handles. */
	if ((m.srcMemoryType != CU_MEMORYTYPE_DEVICE && m.srcMemoryType != CU_MEMORYTYPE_UNIFIED) ||
	    (m.dstMemoryType != CU_MEMORYTYPE_DEVICE && m.dstMemoryType != CU_MEMORYTYPE_UNIFIED))
		return CUDA_ERROR_NOT_SUPPORTED;
	m.srcHost = m.dstHost = NULL;
	m.srcArray = m.dstArray = NULL;
	m.reserved0 = m.reserved1 = NULL;
	if (!wk_handle_in(t, CW_H_STREAM, handle, &stream))
		return CUDA_ERROR_INVALID_HANDLE;
	r = wk_cu()->cuMemcpy3DAsync_v2(&m, stream);
	if (!r && (t->cmd.flags & CW_CMD_REPLY))
		r = wk_cu()->cuStreamSynchronize(stream);
	return r;
}
