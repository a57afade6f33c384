/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills: 8, 16 and 32 bits, linear and 2D.
 */
#include <stdlib.h>
#include <string.h>

#include "softgpu/api/state.h"

/**
 * struct fill - A fill
 * @dst:	first element of the first row
 * @pitch:	bytes from row to row
 * @width:	elements of a row
 * @rows:	how many
 * @value:	element
 * @bytes:	size of an element: 1, 2 or 4
 */
struct fill {
	char *dst;
	size_t pitch, width, rows;
	uint32_t value;
	unsigned bytes;
};

static void fill_row(char *dst, const struct fill *fill)
{
	switch (fill->bytes) {
	case 1:
		memset(dst, (int)fill->value, fill->width);
		break;
	case 2:
		for (size_t i = 0; i < fill->width; i++)
			((uint16_t *)dst)[i] = (uint16_t)fill->value;
		break;
	default:
		for (size_t i = 0; i < fill->width; i++)
			((uint32_t *)dst)[i] = fill->value;
	}
}

static void run_fill(void *arg, int error)
{
	const struct fill *fill = arg;

	for (size_t y = 0; y < fill->rows && !error; y++)
		fill_row(fill->dst + y * fill->pitch, fill);
	free(arg);
}

static void run_fill_here(void *arg, int error)
{
	const struct fill *fill = arg;

	for (size_t y = 0; y < fill->rows && !error; y++)
		fill_row(fill->dst + y * fill->pitch, fill);
}

static bool fill_ok(const struct fill *fill, struct sg_mem_info *ret_info)
{
	uint64_t row, span;

	if ((uint64_t)fill->dst % fill->bytes)
		return false;
	if (__builtin_mul_overflow(fill->width, (uint64_t)fill->bytes, &row) ||
	    __builtin_mul_overflow((uint64_t)fill->pitch, fill->rows - 1, &span) ||
	    __builtin_add_overflow(span, row, &span))
		return false;
	if (fill->rows > 1 && (fill->pitch < row || fill->pitch % fill->bytes))
		return false;
	return sg_mem_contains((uint64_t)fill->dst, span, ret_info);
}

static CUresult fill(struct fill fill, CUstream stream, bool async)
{
	struct sg_mem_info info;
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	struct fill *owned;
	CUresult res;

	SG_CTX(ctx);
	res = sg_stream_queue(ctx, stream, &queue);
	if (res)
		return res;
	if (!fill.width || !fill.rows)
		return CUDA_SUCCESS;
	if (!fill_ok(&fill, &info))
		return CUDA_ERROR_INVALID_VALUE;
	/* On device memory even the synchronous form does not wait. */
	if (info.kind == SG_MEM_DEVICE && !sg_stream_idle(queue))
		async = true;
	if (!async) {
		sg_call(queue, run_fill_here, &fill);
		return sg_ctx_error(ctx);
	}
	owned = malloc(sizeof(*owned));
	if (!owned)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*owned = fill;
	if (sg_submit_work(queue, run_fill, owned)) {
		free(owned);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	return CUDA_SUCCESS;
}

#define LINEAR(dst, n, value, bytes) ((struct fill){ (char *)(dst), 0, n, 1, value, bytes })
#define PLANE(dst, pitch, w, h, value, bytes)                                                      \
	((struct fill){ (char *)(dst), pitch, w, h, value, bytes })

#define FILL(suffix, type, bytes)                                                                  \
	SG_API cuMemset##suffix##_v2(CUdeviceptr dst, type value, size_t n)                        \
	{                                                                                          \
		return fill(LINEAR(dst, n, value, bytes), NULL, false);                            \
	}                                                                                          \
	SG_API cuMemset##suffix##_v2_ptds(CUdeviceptr dst, type value, size_t n)                   \
	{                                                                                          \
		return fill(LINEAR(dst, n, value, bytes), CU_STREAM_PER_THREAD, false);            \
	}                                                                                          \
	SG_API cuMemset##suffix##Async(CUdeviceptr dst, type value, size_t n, CUstream stream)     \
	{                                                                                          \
		return fill(LINEAR(dst, n, value, bytes), stream, true);                           \
	}

#define FILL_2D(suffix, type, bytes)                                                               \
	SG_API cuMemset##suffix##_v2(CUdeviceptr dst, size_t pitch, type value, size_t width,      \
				     size_t height)                                                \
	{                                                                                          \
		return fill(PLANE(dst, pitch, width, height, value, bytes), NULL, false);          \
	}                                                                                          \
	SG_API cuMemset##suffix##_v2_ptds(CUdeviceptr dst, size_t pitch, type value, size_t width, \
					  size_t height)                                           \
	{                                                                                          \
		return fill(PLANE(dst, pitch, width, height, value, bytes), CU_STREAM_PER_THREAD,  \
			    false);                                                                \
	}                                                                                          \
	SG_API cuMemset##suffix##Async(CUdeviceptr dst, size_t pitch, type value, size_t width,    \
				       size_t height, CUstream stream)                             \
	{                                                                                          \
		return fill(PLANE(dst, pitch, width, height, value, bytes), stream, true);         \
	}

FILL(D8, unsigned char, 1)
FILL(D16, unsigned short, 2)
FILL(D32, unsigned int, 4)
FILL_2D(D2D8, unsigned char, 1)
FILL_2D(D2D16, unsigned short, 2)
FILL_2D(D2D32, unsigned int, 4)
