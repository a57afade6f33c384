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

/*
 * Whether an address is the client's, not ours: a back end with one address
 * space would take any memory of this process for a host pointer.
 */
static bool is_clients(uint64_t addr, uint64_t len)
{
	const struct cw_worker_start *s = &wk_self()->start;
	CUdeviceptr base = 0;
	size_t size = 0;

	/* Registered memory of the client may lie on either side of the window. */
	if (s->direct && addr - s->device_base < s->window_size)
		return cw_range_ok(addr - s->device_base, len, s->window_size);
	if (wk_region_covers(addr, len))
		return true;
	return !wk_cu()->cuMemGetAddressRange_v2(&base, &size, addr) && addr >= base &&
	       cw_range_ok(addr - base, len, size);
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
	if (!is_clients(dst, len) || !is_clients(src, len))
		return CUDA_ERROR_INVALID_VALUE;
	r = wk_cu()->cuMemcpyAsync(dst, src, len, stream);
	if (!r && (t->cmd.flags & CW_CMD_REPLY))
		r = wk_cu()->cuStreamSynchronize(stream);
	return r;
}

/* One side of a cube: where it begins, and the bytes it spans. */
struct side {
	uint64_t at, pitch, height, x, y, z;
};

static bool side_is_clients(const CUDA_MEMCPY3D *m, struct side s)
{
	uint64_t slice, from, span;

	if (!s.pitch)
		s.pitch = m->WidthInBytes;
	if (!s.height)
		s.height = m->Height;
	/* 2^20 * 2^20 * 2^20 and sums of it stay inside 64 bits. */
	if (s.pitch >> 20 || s.height >> 20 || m->WidthInBytes >> 40 || m->Height >> 20 ||
	    m->Depth >> 20 || s.x >> 40 || s.y >> 20 || s.z >> 20)
		return false;
	slice = s.pitch * s.height;
	from = s.x + s.y * s.pitch + s.z * slice;
	span = (m->Depth - 1) * slice + (m->Height - 1) * s.pitch + m->WidthInBytes;
	return s.at + from >= s.at && is_clients(s.at + from, span);
}

static bool cube_is_clients(const CUDA_MEMCPY3D *m)
{
	const struct side dst = { m->dstDevice, m->dstPitch, m->dstHeight,
				  m->dstXInBytes, m->dstY, m->dstZ };
	const struct side src = { m->srcDevice, m->srcPitch, m->srcHeight,
				  m->srcXInBytes, m->srcY, m->srcZ };

	return side_is_clients(m, dst) && side_is_clients(m, src);
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
	if (!m.WidthInBytes || !m.Height || !m.Depth)
		return CUDA_SUCCESS;
	if (!cube_is_clients(&m))
		return CUDA_ERROR_INVALID_VALUE;
	r = wk_cu()->cuMemcpy3DAsync_v2(&m, stream);
	if (!r && (t->cmd.flags & CW_CMD_REPLY))
		r = wk_cu()->cuStreamSynchronize(stream);
	return r;
}
