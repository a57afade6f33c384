/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies.
 *
 * Theory of operation: a device address is a host address, so every copy is a
 * box of rows between two places. What differs is when the call may return.
 * Pinned, managed and device memory may be touched later, in stream order, by
 * a pool thread. Pageable memory is the program's as soon as the call is
 * over: a small source is taken at the call; everything else is copied by the
 * calling thread when the stream gets there.
 */
#include <stdlib.h>
#include <string.h>

#include "cw/copy.h"
#include "softgpu/api/state.h"

/* Pageable sources up to this size are taken at the call. */
#define STAGE_MAX (64u << 10)

/**
 * struct box - A copy
 * @dst, @src:	first byte of the first row
 * @width:	bytes of a row
 * @rows:	rows of a slice
 * @slices:	how many
 * @dst_pitch, @src_pitch: from row to row
 * @dst_slice, @src_slice: from slice to slice
 */
struct box {
	char *dst;
	const char *src;
	size_t width, rows, slices;
	size_t dst_pitch, src_pitch;
	size_t dst_slice, src_slice;
};

/* What the two ends must be. */
enum side {
	SIDE_ANY,	/* known to us, or else pageable memory */
	SIDE_HOST,	/* any memory of the program */
	SIDE_DEVICE,	/* must be known to us */
};

/* When an end may be touched, and what a synchronous copy promises of it. */
enum place {
	PLACE_PAGEABLE,	/* only during the call */
	PLACE_PINNED,	/* any time; a synchronous copy is over on return */
	PLACE_DEVICE,	/* any time; nobody can look before the next operation */
};

struct staged {
	struct box box;
	char bytes[];
};

static void box_copy(const struct box *box)
{
	for (size_t z = 0; z < box->slices; z++) {
		char *dst = box->dst + z * box->dst_slice;
		const char *src = box->src + z * box->src_slice;

		if (box->dst_pitch == box->width && box->src_pitch == box->width) {
			cw_copy(dst, src, box->width * box->rows);
			continue;
		}
		for (size_t y = 0; y < box->rows; y++)
			cw_copy(dst + y * box->dst_pitch, src + y * box->src_pitch, box->width);
	}
}

/* Overlapping ranges are not defined for cw_copy(); a device would not care. */
static void box_move(const struct box *box)
{
	if (box->rows == 1 && box->slices == 1 && box->dst < box->src + box->width &&
	    box->src < box->dst + box->width)
		memmove(box->dst, box->src, box->width);
	else
		box_copy(box);
}

static void run_box(void *arg, int error)
{
	if (!error)
		box_move(arg);
}

static void run_owned(void *arg, int error)
{
	run_box(arg, error);
	free(arg);
}

/* Bytes from the first to the last that one end of the box touches. */
static bool box_span(const struct box *box, size_t pitch, size_t slice, uint64_t *ret_span)
{
	uint64_t a, b, span;

	if (__builtin_mul_overflow((uint64_t)pitch, box->rows - 1, &a) ||
	    __builtin_mul_overflow((uint64_t)slice, box->slices - 1, &b) ||
	    __builtin_add_overflow(a, b, &span) ||
	    __builtin_add_overflow(span, (uint64_t)box->width, &span))
		return false;
	*ret_span = span;
	return true;
}

/* Judge one end. */
static bool side_ok(enum side side, const void *p, uint64_t span, enum place *ret_place)
{
	struct sg_mem_info info;

	if (sg_mem_contains((uint64_t)p, span, &info)) {
		bool device = info.kind == SG_MEM_DEVICE || info.kind == SG_MEM_MODULE;

		*ret_place = device ? PLACE_DEVICE : PLACE_PINNED;
		return true;
	}
	*ret_place = PLACE_PAGEABLE;
	/* Starts in a range and runs out of it: never meant. */
	if (side != SIDE_HOST && sg_mem_find((uint64_t)p, NULL))
		return false;
	/* Device addresses that belong to no allocation are no host memory. */
	if ((uint64_t)p - sg_mem_arena_base() < sg_mem_arena_size())
		return false;
	return side != SIDE_DEVICE && p;
}

static CUresult copy_now(struct sg_ctx *ctx, struct sg_stream *queue, struct box *box)
{
	sg_call(queue, run_box, box);
	sg_output_flush(ctx);
	return sg_ctx_error(ctx);
}

static CUresult copy_later(struct sg_stream *queue, const struct box *box)
{
	struct box *owned = malloc(sizeof(*owned));

	if (!owned)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*owned = *box;
	if (sg_submit_work(queue, run_owned, owned)) {
		free(owned);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	return CUDA_SUCCESS;
}

/* Take a small pageable source at the call. */
static CUresult copy_staged(struct sg_stream *queue, const struct box *box, size_t bytes)
{
	struct staged *staged = malloc(sizeof(*staged) + bytes);
	struct box in = *box;

	if (!staged)
		return CUDA_ERROR_OUT_OF_MEMORY;
	in.dst = staged->bytes;
	in.dst_pitch = in.width;
	in.dst_slice = in.width * in.rows;
	box_copy(&in);
	staged->box = *box;
	staged->box.src = staged->bytes;
	staged->box.src_pitch = in.dst_pitch;
	staged->box.src_slice = in.dst_slice;
	if (sg_submit_work(queue, run_owned, staged)) {
		free(staged);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	return CUDA_SUCCESS;
}

/* How a copy is asked for. */
struct request {
	struct box box;
	enum side dst, src;
	CUstream stream;
	bool async;
};

static CUresult copy(struct request *req)
{
	struct box *box = &req->box;
	uint64_t dst_span, src_span;
	enum place dst, src;
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	size_t bytes;
	CUresult res;

	SG_CTX(ctx);
	res = sg_stream_queue(ctx, req->stream, &queue);
	if (res)
		return res;
	if (!box->width || !box->rows || !box->slices)
		return CUDA_SUCCESS;
	if (!box_span(box, box->dst_pitch, box->dst_slice, &dst_span) ||
	    !box_span(box, box->src_pitch, box->src_slice, &src_span) ||
	    !side_ok(req->dst, box->dst, dst_span, &dst) ||
	    !side_ok(req->src, box->src, src_span, &src))
		return CUDA_ERROR_INVALID_VALUE;
	/* Inside the device even a synchronous copy does not wait. */
	if (dst == PLACE_DEVICE && src == PLACE_DEVICE && !sg_stream_idle(queue))
		return copy_later(queue, box);
	if (!req->async || dst == PLACE_PAGEABLE)
		return copy_now(ctx, queue, box);
	if (src != PLACE_PAGEABLE)
		return copy_later(queue, box);
	bytes = box->width * box->rows * box->slices;
	if (bytes <= STAGE_MAX)
		return copy_staged(queue, box, bytes);
	return copy_now(ctx, queue, box);
}

static CUresult copy_line(void *dst, enum side dst_side, const void *src, enum side src_side,
			  size_t bytes, CUstream stream, bool async)
{
	struct request req = {
		.box = {
			.dst = dst, .src = src, .width = bytes, .rows = 1, .slices = 1,
			.dst_pitch = bytes, .src_pitch = bytes,
		},
		.dst = dst_side, .src = src_side, .stream = stream, .async = async,
	};

	return copy(&req);
}

/*
 * The linear copies. Each comes for the legacy stream (plain name) and for the
 * thread's own (_ptds); the asynchronous _ptsz ones are in per_thread.c.
 */
#define LINEAR(name, dst_t, dst_side, src_t, src_side)                                             \
	SG_API name##_v2(dst_t dst, src_t src, size_t n)                                           \
	{                                                                                          \
		return copy_line((void *)dst, dst_side, (const void *)src, src_side, n, NULL,      \
				 false);                                                           \
	}                                                                                          \
	SG_API name##_v2_ptds(dst_t dst, src_t src, size_t n)                                      \
	{                                                                                          \
		return copy_line((void *)dst, dst_side, (const void *)src, src_side, n,            \
				 CU_STREAM_PER_THREAD, false);                                     \
	}                                                                                          \
	SG_API name##Async_v2(dst_t dst, src_t src, size_t n, CUstream stream)                     \
	{                                                                                          \
		return copy_line((void *)dst, dst_side, (const void *)src, src_side, n, stream,    \
				 true);                                                            \
	}

LINEAR(cuMemcpyHtoD, CUdeviceptr, SIDE_DEVICE, const void *, SIDE_HOST)
LINEAR(cuMemcpyDtoH, void *, SIDE_HOST, CUdeviceptr, SIDE_DEVICE)
LINEAR(cuMemcpyDtoD, CUdeviceptr, SIDE_DEVICE, CUdeviceptr, SIDE_DEVICE)

SG_API cuMemcpy(CUdeviceptr dst, CUdeviceptr src, size_t n)
{
	return copy_line((void *)dst, SIDE_ANY, (const void *)src, SIDE_ANY, n, NULL, false);
}

SG_API cuMemcpy_ptds(CUdeviceptr dst, CUdeviceptr src, size_t n)
{
	return copy_line((void *)dst, SIDE_ANY, (const void *)src, SIDE_ANY, n,
			 CU_STREAM_PER_THREAD, false);
}

SG_API cuMemcpyAsync(CUdeviceptr dst, CUdeviceptr src, size_t n, CUstream stream)
{
	return copy_line((void *)dst, SIDE_ANY, (const void *)src, SIDE_ANY, n, stream, true);
}

SG_API cuMemcpyPeer(CUdeviceptr dst, CUcontext dst_ctx, CUdeviceptr src, CUcontext src_ctx,
		    size_t n)
{
	return copy_line((void *)dst, SIDE_DEVICE, (const void *)src, SIDE_DEVICE, n, NULL, false);
}

SG_API cuMemcpyPeerAsync(CUdeviceptr dst, CUcontext dst_ctx, CUdeviceptr src, CUcontext src_ctx,
			 size_t n, CUstream stream)
{
	return copy_line((void *)dst, SIDE_DEVICE, (const void *)src, SIDE_DEVICE, n, stream, true);
}

/* One end of a 2D or 3D copy as the program describes it. */
struct end {
	CUmemorytype type;
	const void *host;
	CUdeviceptr device;
	size_t x, y, z, pitch, height;
};

/* Address of the end's first byte, and what it must be. */
static CUresult end_resolve(const struct end *end, const struct box *box, char **ret_p,
			    enum side *ret_side)
{
	size_t pitch = end->pitch ? end->pitch : box->width + end->x;
	size_t height = end->height ? end->height : box->rows + end->y;
	uint64_t base, off, slice, z;

	switch (end->type) {
	case CU_MEMORYTYPE_HOST:
		base = (uint64_t)end->host;
		*ret_side = SIDE_HOST;
		break;
	case CU_MEMORYTYPE_DEVICE:
		base = end->device;
		*ret_side = SIDE_DEVICE;
		break;
	case CU_MEMORYTYPE_UNIFIED:
		base = end->device;
		*ret_side = SIDE_ANY;
		break;
	case CU_MEMORYTYPE_ARRAY:
		return CUDA_ERROR_NOT_SUPPORTED;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
	if ((box->rows > 1 || box->slices > 1) &&
	    (pitch < box->width || pitch - box->width < end->x))
		return CUDA_ERROR_INVALID_VALUE;
	if (__builtin_mul_overflow((uint64_t)pitch, end->y, &off) ||
	    __builtin_mul_overflow((uint64_t)pitch, height, &slice) ||
	    __builtin_mul_overflow(slice, end->z, &z) || __builtin_add_overflow(off, z, &off) ||
	    __builtin_add_overflow(off, end->x, &off) || __builtin_add_overflow(base, off, &off))
		return CUDA_ERROR_INVALID_VALUE;
	*ret_p = (char *)off;
	return CUDA_SUCCESS;
}

/* Rows and slices of one end; 0 means packed. */
static size_t end_pitch(const struct end *end, const struct box *box)
{
	return end->pitch ? end->pitch : box->width + end->x;
}

static CUresult copy_box(const struct end *dst, const struct end *src, struct box box,
			 CUstream stream, bool async)
{
	struct request req = { .box = box, .stream = stream, .async = async };
	char *from = NULL;
	CUresult res;

	SG_INIT();
	if (!box.width || !box.rows || !box.slices)
		return CUDA_SUCCESS;
	res = end_resolve(dst, &box, &req.box.dst, &req.dst);
	if (!res)
		res = end_resolve(src, &box, &from, &req.src);
	if (res)
		return res;
	req.box.src = from;
	req.box.dst_pitch = end_pitch(dst, &box);
	req.box.src_pitch = end_pitch(src, &box);
	req.box.dst_slice = req.box.dst_pitch * (dst->height ? dst->height : box.rows + dst->y);
	req.box.src_slice = req.box.src_pitch * (src->height ? src->height : box.rows + src->y);
	return copy(&req);
}

static CUresult copy_2d(const CUDA_MEMCPY2D *c, CUstream stream, bool async)
{
	struct end dst, src;

	if (!c)
		return CUDA_ERROR_INVALID_VALUE;
	dst = (struct end){ c->dstMemoryType, c->dstHost, c->dstDevice, c->dstXInBytes, c->dstY, 0,
			    c->dstPitch, 0 };
	src = (struct end){ c->srcMemoryType, c->srcHost, c->srcDevice, c->srcXInBytes, c->srcY, 0,
			    c->srcPitch, 0 };
	return copy_box(&dst, &src,
			(struct box){ .width = c->WidthInBytes, .rows = c->Height, .slices = 1 },
			stream, async);
}

static CUresult copy_3d(const CUDA_MEMCPY3D *c, CUstream stream, bool async)
{
	struct end dst, src;

	if (!c || c->srcLOD || c->dstLOD)
		return CUDA_ERROR_INVALID_VALUE;
	dst = (struct end){ c->dstMemoryType, c->dstHost, c->dstDevice, c->dstXInBytes, c->dstY,
			    c->dstZ, c->dstPitch, c->dstHeight };
	src = (struct end){ c->srcMemoryType, c->srcHost, c->srcDevice, c->srcXInBytes, c->srcY,
			    c->srcZ, c->srcPitch, c->srcHeight };
	return copy_box(&dst, &src,
			(struct box){ .width = c->WidthInBytes, .rows = c->Height,
				      .slices = c->Depth },
			stream, async);
}

SG_API cuMemcpy2D_v2(const CUDA_MEMCPY2D *c)
{
	return copy_2d(c, NULL, false);
}

SG_API cuMemcpy2D_v2_ptds(const CUDA_MEMCPY2D *c)
{
	return copy_2d(c, CU_STREAM_PER_THREAD, false);
}

SG_API cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *c)
{
	return copy_2d(c, NULL, false);
}

SG_API cuMemcpy2DUnaligned_v2_ptds(const CUDA_MEMCPY2D *c)
{
	return copy_2d(c, CU_STREAM_PER_THREAD, false);
}

SG_API cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *c, CUstream stream)
{
	return copy_2d(c, stream, true);
}

SG_API cuMemcpy3D_v2(const CUDA_MEMCPY3D *c)
{
	return copy_3d(c, NULL, false);
}

SG_API cuMemcpy3D_v2_ptds(const CUDA_MEMCPY3D *c)
{
	return copy_3d(c, CU_STREAM_PER_THREAD, false);
}

SG_API cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D *c, CUstream stream)
{
	return copy_3d(c, stream, true);
}

/* The contexts stand where the other structure has reserved words. */
SG_API cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER *c)
{
	return copy_3d((const CUDA_MEMCPY3D *)c, NULL, false);
}

SG_API cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER *c, CUstream stream)
{
	return copy_3d((const CUDA_MEMCPY3D *)c, stream, true);
}
