/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies: one engine for every form the API has.
 *
 * A side is known to the worker (device memory, regions) or it is pageable
 * memory of this process. Known to known crosses as a command. Pageable sides
 * cross inside a command or its answer where they are small, through the
 * window where they are not (PROTOCOL 4). Whatever writes pageable memory is
 * synchronous, Async or not (SEMANTICS 4).
 */
#include <string.h>

#include "cw/copy.h"
#include "guest/libcuda/client.h"

/* Answers carry the blob's length word besides. */
#define DTOH_INLINE_MAX (CW_REPLY_MAX - 8)

/* A rectangle between pageable memory and device memory. */
struct rect {
	enum cw_copy_dir dir;
	uint8_t *host;
	uint64_t host_pitch;
	uint64_t device;
	uint64_t device_pitch;
	uint64_t width;
	uint64_t height;
	uint64_t stream;
	bool async;
};

static CUresult copy_known(const struct cg_fn *fn, const struct cg_copy_op *op)
{
	struct cg_call c;
	CUresult r = cg_call_begin(&c, fn);

	if (r)
		return r;
	cw_enc_u64(&c.enc, op->dst);
	cw_enc_u64(&c.enc, op->src);
	cw_enc_u64(&c.enc, op->bytes);
	cw_enc_u64(&c.enc, op->stream);
	return cg_proto(&c, CW_FN_DTOD, op->async ? CW_ASYNC : CW_SYNC);
}

static CUresult htod_small(const struct cg_fn *fn, const struct rect *x)
{
	struct cg_call c;
	CUresult r = cg_call_begin(&c, fn);

	if (r)
		return r;
	cw_enc_u64(&c.enc, x->device);
	cw_enc_u64(&c.enc, x->stream);
	cw_enc_tail(&c.enc, x->host, x->width);
	return cg_proto(&c, CW_FN_HTOD, x->async ? CW_ASYNC : CW_SYNC);
}

static CUresult dtoh_small(const struct cg_fn *fn, const struct rect *x)
{
	struct cg_call c;
	CUresult r = cg_call_begin(&c, fn);
	const void *bytes;
	size_t len;

	if (r)
		return r;
	cw_enc_u64(&c.enc, x->device);
	cw_enc_u64(&c.enc, x->width);
	cw_enc_u64(&c.enc, x->stream);
	r = cg_proto(&c, CW_FN_DTOH, CW_SYNC);
	if (r)
		return r;
	bytes = cw_dec_bytes(&c.dec, x->width, &len);
	if (!bytes || len != x->width)
		return CUDA_ERROR_UNKNOWN;
	cw_copy(x->host, bytes, len);
	return CUDA_SUCCESS;
}

struct grant {
	uint64_t id, offset, width, rows, pitch;
};

static CUresult window_begin(struct cg_call *c, const struct rect *x, struct grant *g)
{
	CUresult r;

	cg_proto_again(c);
	cw_enc_u64(&c->enc, x->dir);
	cw_enc_u64(&c->enc, x->device);
	cw_enc_u64(&c->enc, x->width);
	cw_enc_u64(&c->enc, x->height);
	cw_enc_u64(&c->enc, x->device_pitch);
	cw_enc_u64(&c->enc, x->stream);
	r = cg_proto(c, CW_FN_COPY_BEGIN, CW_SYNC);
	if (r)
		return r;
	g->id = cw_dec_u64(&c->dec);
	g->offset = cw_dec_u64(&c->dec);
	g->width = cw_dec_u64(&c->dec);
	g->rows = cw_dec_u64(&c->dec);
	g->pitch = cw_dec_u64(&c->dec);
	if (!cw_dec_ok(&c->dec) || !g->width || g->width > x->width || !g->rows ||
	    g->rows > x->height || (x->height > 1 && g->width != x->width))
		return CUDA_ERROR_UNKNOWN;
	return CUDA_SUCCESS;
}

static int window_move(const struct rect *x, const struct grant *g)
{
	const struct cg_transport *tr = cg_client()->tr;
	int err = 0;

	if (g->rows == 1 || (g->pitch == g->width && x->host_pitch == g->width))
		return tr->copy(x->dir, x->host, g->offset, g->width * g->rows, g->id);
	for (uint64_t row = 0; row < g->rows && !err; row++)
		err = tr->copy(x->dir, x->host + row * x->host_pitch, g->offset + row * g->pitch,
			       g->width, g->id);
	return err;
}

/*
 * Where the window is the device memory, the END of a copy needs no answer:
 * the bytes are where they belong, and it lies before later calls in the ring.
 */
static CUresult window_end(struct cg_call *c, const struct rect *x, const struct grant *g)
{
	bool wait = x->dir == CW_COPY_HTOD && !cg_client()->open.direct;

	cg_proto_again(c);
	cw_enc_u64(&c->enc, g->id);
	return cg_proto(c, CW_FN_COPY_END, wait ? CW_SYNC : CW_ASYNC);
}

static CUresult copy_window(const struct cg_fn *fn, struct rect x)
{
	struct cg_call c;
	struct grant g;
	CUresult r = cg_call_begin(&c, fn);

	while (!r && x.width && x.height) {
		CUresult end;

		r = window_begin(&c, &x, &g);
		if (r)
			break;
		if (window_move(&x, &g))
			r = cg_client_dead() ? CUDA_ERROR_LAUNCH_FAILED : CUDA_ERROR_INVALID_VALUE;
		end = window_end(&c, &x, &g);
		r = r ? r : end;
		if (x.height == 1) {
			x.host += g.width;
			x.device += g.width;
			x.width -= g.width;
		} else {
			x.host += g.rows * x.host_pitch;
			x.device += g.rows * x.device_pitch;
			x.height -= g.rows;
		}
	}
	return r;
}

static CUresult copy_rect(const struct cg_fn *fn, const struct rect *x)
{
	if (!x->width || !x->height)
		return cg_enter(fn);
	if (x->height == 1 && x->dir == CW_COPY_HTOD && x->width <= CW_INLINE_MAX)
		return htod_small(fn, x);
	if (x->height == 1 && x->dir == CW_COPY_DTOH && x->width <= DTOH_INLINE_MAX)
		return dtoh_small(fn, x);
	return copy_window(fn, *x);
}

static bool known(CUmemorytype kind, uint64_t addr, uint64_t bytes)
{
	if (kind == CU_MEMORYTYPE_DEVICE)
		return true;
	return (kind == CU_MEMORYTYPE_UNIFIED && cg_is_device(addr)) || cg_is_shared(addr, bytes);
}

/* Both sides are ours: what is before it in the stream first, then memcpy. */
static CUresult copy_host(const struct cg_fn *fn, const struct cg_copy_op *op)
{
	CUresult r = cg_stream_wait(fn, op->stream);

	if (!r)
		cw_copy((void *)(uintptr_t)op->dst, (const void *)(uintptr_t)op->src, op->bytes);
	return r;
}

CUresult cg_copy(const struct cg_fn *fn, const struct cg_copy_op *op)
{
	bool to = known(op->dst_kind, op->dst, op->bytes);
	bool from = known(op->src_kind, op->src, op->bytes);
	struct rect x = {
		.dir = to ? CW_COPY_HTOD : CW_COPY_DTOH,
		.host = (uint8_t *)(uintptr_t)(to ? op->src : op->dst),
		.device = to ? op->dst : op->src,
		.width = op->bytes, .height = 1,
		.host_pitch = op->bytes, .device_pitch = op->bytes,
		.stream = op->stream, .async = op->async,
	};

	if (op->dst_kind == CU_MEMORYTYPE_ARRAY || op->src_kind == CU_MEMORYTYPE_ARRAY)
		return cg_refused("copies of arrays");
	if (!op->bytes)
		return cg_enter(fn);
	if (!op->dst || !op->src)
		return CUDA_ERROR_INVALID_VALUE;
	if (to && from)
		return copy_known(fn, op);
	if (!to && !from)
		return copy_host(fn, op);
	/* Regions are known, but the window is device memory only. */
	if (!cg_is_device(x.device) && cg_is_shared(x.device, op->bytes) && op->bytes > 1024)
		return copy_host(fn, op);
	return copy_rect(fn, &x);
}

/* ---- with pitches */

/* One side of a 2D or 3D copy, as an address and two pitches. */
struct side {
	CUmemorytype kind;
	uint64_t addr;
	uint64_t pitch;
	uint64_t slice;
};

static uint64_t side_base(CUmemorytype kind, const void *host, CUdeviceptr device)
{
	return kind == CU_MEMORYTYPE_HOST ? (uintptr_t)host : device;
}

static CUresult copy_sides(const struct cg_fn *fn, const struct side *d, const struct side *s,
			   const CUDA_MEMCPY3D *m, struct rect x)
{
	uint64_t span = (m->Depth - 1) * d->slice + (m->Height - 1) * d->pitch + m->WidthInBytes;
	uint64_t span_src =
		(m->Depth - 1) * s->slice + (m->Height - 1) * s->pitch + m->WidthInBytes;
	bool to = known(d->kind, d->addr, span), from = known(s->kind, s->addr, span_src);
	CUresult r = CUDA_SUCCESS;

	if (to && from) {
		struct cg_call c;
		CUDA_MEMCPY3D plain = *m;

		plain.dstMemoryType = plain.srcMemoryType = CU_MEMORYTYPE_UNIFIED;
		plain.dstDevice = d->addr;
		plain.srcDevice = s->addr;
		plain.dstXInBytes = plain.dstY = plain.dstZ = plain.dstLOD = 0;
		plain.srcXInBytes = plain.srcY = plain.srcZ = plain.srcLOD = 0;
		plain.dstPitch = d->pitch;
		plain.srcPitch = s->pitch;
		plain.dstHeight = d->pitch ? d->slice / d->pitch : 0;
		plain.srcHeight = s->pitch ? s->slice / s->pitch : 0;
		r = cg_call_begin(&c, fn);
		if (r)
			return r;
		cw_enc_bytes(&c.enc, &plain, sizeof(plain));
		cw_enc_u64(&c.enc, x.stream);
		return cg_proto(&c, CW_FN_COPY3D, x.async ? CW_ASYNC : CW_SYNC);
	}
	if (!to && !from)
		r = cg_stream_wait(fn, x.stream);
	for (uint64_t z = 0; z < m->Depth && !r; z++) {
		const struct side *dev = to ? d : s, *host = to ? s : d;

		x.dir = to ? CW_COPY_HTOD : CW_COPY_DTOH;
		x.device = dev->addr + z * dev->slice;
		x.device_pitch = dev->pitch;
		x.host = (uint8_t *)(uintptr_t)(host->addr + z * host->slice);
		x.host_pitch = host->pitch;
		if (to || from) {
			r = copy_rect(fn, &x);
			continue;
		}
		for (uint64_t y = 0; y < m->Height; y++)
			cw_copy((void *)(uintptr_t)(d->addr + z * d->slice + y * d->pitch),
				(void *)(uintptr_t)(s->addr + z * s->slice + y * s->pitch),
				m->WidthInBytes);
	}
	return r;
}

CUresult cg_copy3d(const struct cg_fn *fn, const CUDA_MEMCPY3D *m, CUstream stream, bool async)
{
	struct side d, s;
	struct rect x = { .stream = (uintptr_t)stream, .async = async };

	if (!m)
		return CUDA_ERROR_INVALID_VALUE;
	if (m->srcMemoryType == CU_MEMORYTYPE_ARRAY || m->dstMemoryType == CU_MEMORYTYPE_ARRAY)
		return cg_refused("copies of arrays");
	if (!m->WidthInBytes || !m->Height || !m->Depth)
		return cg_enter(fn);
	/* Products below stay inside 64 bits; nothing real is larger. */
	if (m->WidthInBytes >> 40 || m->Height >> 20 || m->Depth >> 20 || m->dstPitch >> 40 ||
	    m->srcPitch >> 40 || m->dstHeight >> 20 || m->srcHeight >> 20)
		return CUDA_ERROR_INVALID_VALUE;
	d = (struct side){ m->dstMemoryType, side_base(m->dstMemoryType, m->dstHost, m->dstDevice),
			   m->dstPitch ? m->dstPitch : m->WidthInBytes, 0 };
	s = (struct side){ m->srcMemoryType, side_base(m->srcMemoryType, m->srcHost, m->srcDevice),
			   m->srcPitch ? m->srcPitch : m->WidthInBytes, 0 };
	d.slice = d.pitch * (m->dstHeight ? m->dstHeight : m->Height);
	s.slice = s.pitch * (m->srcHeight ? m->srcHeight : m->Height);
	if (!d.addr || !s.addr || d.pitch < m->WidthInBytes || s.pitch < m->WidthInBytes)
		return CUDA_ERROR_INVALID_VALUE;
	d.addr += m->dstXInBytes + m->dstY * d.pitch + m->dstZ * d.slice;
	s.addr += m->srcXInBytes + m->srcY * s.pitch + m->srcZ * s.slice;
	x.width = m->WidthInBytes;
	x.height = m->Height;
	return copy_sides(fn, &d, &s, m, x);
}

CUresult cg_copy2d(const struct cg_fn *fn, const CUDA_MEMCPY2D *m, CUstream stream, bool async)
{
	CUDA_MEMCPY3D cube;

	if (!m)
		return CUDA_ERROR_INVALID_VALUE;
	cube = (CUDA_MEMCPY3D){
		.srcXInBytes = m->srcXInBytes, .srcY = m->srcY,
		.srcMemoryType = m->srcMemoryType, .srcHost = m->srcHost,
		.srcDevice = m->srcDevice, .srcPitch = m->srcPitch,
		.dstXInBytes = m->dstXInBytes, .dstY = m->dstY,
		.dstMemoryType = m->dstMemoryType, .dstHost = m->dstHost,
		.dstDevice = m->dstDevice, .dstPitch = m->dstPitch,
		.WidthInBytes = m->WidthInBytes, .Height = m->Height, .Depth = 1,
	};
	return cg_copy3d(fn, &cube, stream, async);
}
