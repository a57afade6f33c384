/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of bytes, of rectangles and of boxes, between host and device, on the
 * device and between contexts, at once and in a stream; each is compared with
 * the same copy done by hand.
 */
#include "driver.h"

#define WIDTH 64
#define HEIGHT 12
#define DEPTH 5
#define BYTES (WIDTH * HEIGHT * DEPTH)

static unsigned char source[BYTES], want[BYTES], have[BYTES];
static CUdeviceptr a, b;
static CUcontext ctx;
static CUstream stream;

static size_t at(size_t x, size_t y, size_t z)
{
	return (z * HEIGHT + y) * WIDTH + x;
}

/* A box of @source at (3, 2, 1) to (5, 1, 0) of @want. */
static void box_by_hand(size_t width, size_t height, size_t depth)
{
	memset(want, 0, BYTES);
	for (size_t z = 0; z < depth; z++) {
		for (size_t y = 0; y < height; y++)
			memcpy(want + at(5, 1 + y, z), source + at(3, 2 + y, 1 + z), width);
	}
}

static void clear(void)
{
	CUDA(cuMemsetD8(b, 0, BYTES));
	memset(have, 0, BYTES);
}

/* @b, or what a copy to the host left in @have, is as it should be. */
static void compare(int from_device)
{
	if (from_device)
		CUDA(cuMemcpyDtoH(have, b, BYTES));
	CHECK(!memcmp(have, want, BYTES));
	clear();
}

static void copy_bytes(void)
{
	memcpy(want, source, BYTES);
	clear();
	CUDA(cuMemcpyHtoD(a, source, BYTES));
	CUDA(cuMemcpyDtoD(b, a, BYTES));
	compare(1);
	CUDA(cuMemcpy(b, a, BYTES));
	CUDA(cuMemcpy((CUdeviceptr)(uintptr_t)have, b, BYTES));
	compare(0);
	CUDA(cuMemcpyPeer(b, ctx, a, ctx, BYTES));
	compare(1);
	CUDA_IS(cuMemcpyDtoD(b, a, (size_t)1 << 50), CUDA_ERROR_INVALID_VALUE);
}

static void copy_bytes_in_order(void)
{
	memcpy(want, source, BYTES);
	CUDA(cuMemcpyHtoDAsync(a, source, BYTES, stream));
	CUDA(cuMemcpyDtoDAsync(b, a, BYTES, stream));
	CUDA(cuMemcpyDtoHAsync(have, b, BYTES, stream));
	CUDA(cuStreamSynchronize(stream));
	compare(0);
	CUDA(cuMemcpyAsync(b, a, BYTES, stream));
	CUDA(cuStreamSynchronize(stream));
	compare(1);
	CUDA(cuMemcpyPeerAsync(b, ctx, a, ctx, BYTES, stream));
	CUDA(cuStreamSynchronize(stream));
	compare(1);
}

static CUDA_MEMCPY2D rectangle(int from_host, int to_host)
{
	CUDA_MEMCPY2D c = { .srcXInBytes = 3, .srcY = HEIGHT + 2, .dstXInBytes = 5, .dstY = 1,
			    .srcPitch = WIDTH, .dstPitch = WIDTH, .WidthInBytes = 21,
			    .Height = 7 };

	c.srcMemoryType = from_host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
	c.srcHost = source;
	c.srcDevice = a;
	c.dstMemoryType = to_host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
	c.dstHost = have;
	c.dstDevice = b;
	return c;
}

static void copy_rectangles(void)
{
	CUDA_MEMCPY2D down = rectangle(1, 0), on = rectangle(0, 0), up = rectangle(0, 1);

	box_by_hand(21, 7, 1);
	CUDA(cuMemcpy2D(&down));
	compare(1);
	CUDA(cuMemcpy2DUnaligned(&on));
	compare(1);
	CUDA(cuMemcpy2DAsync(&up, stream));
	CUDA(cuStreamSynchronize(stream));
	compare(0);
	on.dstPitch = 20;
	CUDA_IS(cuMemcpy2D(&on), CUDA_ERROR_INVALID_VALUE);
}

static CUDA_MEMCPY3D box(int from_host, int to_host)
{
	CUDA_MEMCPY3D c = { .srcXInBytes = 3, .srcY = 2, .srcZ = 1, .dstXInBytes = 5, .dstY = 1,
			    .srcPitch = WIDTH, .srcHeight = HEIGHT, .dstPitch = WIDTH,
			    .dstHeight = HEIGHT, .WidthInBytes = 30, .Height = 6, .Depth = 3 };

	c.srcMemoryType = from_host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
	c.srcHost = source;
	c.srcDevice = a;
	c.dstMemoryType = to_host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
	c.dstHost = have;
	c.dstDevice = b;
	return c;
}

static void copy_boxes(void)
{
	CUDA_MEMCPY3D down = box(1, 0), up = box(0, 1), on = box(0, 0);
	CUDA_MEMCPY3D_PEER peer;

	box_by_hand(30, 6, 3);
	CUDA(cuMemcpy3D(&down));
	compare(1);
	CUDA(cuMemcpy3DAsync(&up, stream));
	CUDA(cuStreamSynchronize(stream));
	compare(0);
	/* The same layout, with contexts where the other has reserved words. */
	memcpy(&peer, &on, sizeof(peer));
	peer.srcContext = peer.dstContext = ctx;
	CUDA(cuMemcpy3DPeer(&peer));
	compare(1);
	CUDA(cuMemcpy3DPeerAsync(&peer, stream));
	CUDA(cuStreamSynchronize(stream));
	compare(1);
}

int main(int argc, char **argv)
{
	unsigned long long state = 1;

	prog_begin(argc, argv, "copies", 1);
	ctx = driver_begin();
	for (int i = 0; i < BYTES; i++)
		source[i] = (unsigned char)prog_random(&state);
	/* One that waits for fills of the default stream, which nobody waits for. */
	CUDA(cuStreamCreate(&stream, CU_STREAM_DEFAULT));
	CUDA(cuMemAlloc(&a, BYTES));
	CUDA(cuMemAlloc(&b, BYTES));
	copy_bytes();
	copy_bytes_in_order();
	copy_rectangles();
	copy_boxes();
	CUDA(cuMemFree(a));
	CUDA(cuMemFree(b));
	CUDA(cuStreamDestroy(stream));
	CUDA(cuDevicePrimaryCtxRelease(0));
	prog_int("bytes", BYTES);
	return prog_end();
}
