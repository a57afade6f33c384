/* SPDX-License-Identifier: Apache-2.0 */
/* Fills of 8, 16 and 32 bit, of lines and of rows, at once and in a stream. */
#include "driver.h"

#define PITCH 512
#define ROWS 8
#define BYTES (PITCH * ROWS)

static unsigned char want[BYTES], have[BYTES];
static CUdeviceptr data;

/* The same fill done by hand. */
static void fill(size_t at, unsigned int value, size_t size, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memcpy(want + at + i * size, &value, size);
}

static void fill_rows(size_t at, unsigned int value, size_t size, size_t n, size_t rows)
{
	for (size_t y = 0; y < rows; y++)
		fill(at + y * PITCH, value, size, n);
}

static void fill_lines(CUstream stream)
{
	CUDA(cuMemsetD8(data, 1, BYTES));
	fill(0, 1, 1, BYTES);
	CUDA(cuMemsetD8Async(data + 3, 0xa5, 70, stream));
	fill(3, 0xa5, 1, 70);
	CUDA(cuMemsetD16Async(data + 100, 0xbeef, 33, stream));
	fill(100, 0xbeef, 2, 33);
	CUDA(cuMemsetD32Async(data + 200, 0xdeadbeef, 17, stream));
	fill(200, 0xdeadbeef, 4, 17);
	CUDA(cuStreamSynchronize(stream));
	CUDA(cuMemsetD16(data + 302, 0x1234, 5));
	fill(302, 0x1234, 2, 5);
	CUDA(cuMemsetD32(data + 404, 0x12345678, 5));
	fill(404, 0x12345678, 4, 5);
}

static void fill_rects(CUstream stream)
{
	CUDA(cuMemsetD2D8Async(data + PITCH + 1, PITCH, 7, 11, 3, stream));
	fill_rows(PITCH + 1, 7, 1, 11, 3);
	CUDA(cuMemsetD2D16Async(data + PITCH + 32, PITCH, 0x707, 11, 3, stream));
	fill_rows(PITCH + 32, 0x707, 2, 11, 3);
	CUDA(cuMemsetD2D32Async(data + PITCH + 64, PITCH, 0x70707, 11, 3, stream));
	fill_rows(PITCH + 64, 0x70707, 4, 11, 3);
	CUDA(cuStreamSynchronize(stream));
	CUDA(cuMemsetD2D8(data + 4 * PITCH, PITCH, 8, 511, 4));
	fill_rows(4 * PITCH, 8, 1, 511, 4);
	CUDA(cuMemsetD2D16(data + 5 * PITCH + 2, PITCH, 0x909, 100, 2));
	fill_rows(5 * PITCH + 2, 0x909, 2, 100, 2);
	CUDA(cuMemsetD2D32(data + 5 * PITCH + 304, PITCH, 0xa0a0a0a0, 10, 2));
	fill_rows(5 * PITCH + 304, 0xa0a0a0a0, 4, 10, 2);
}

int main(int argc, char **argv)
{
	CUstream stream;

	prog_begin(argc, argv, "memset", 1);
	driver_begin();
	/* One that waits for fills of the default stream, which nobody waits for. */
	CUDA(cuStreamCreate(&stream, CU_STREAM_DEFAULT));
	CUDA(cuMemAlloc(&data, BYTES));
	fill_lines(stream);
	fill_rects(stream);
	CUDA_IS(cuMemsetD32(data + 1, 0, 1), CUDA_ERROR_INVALID_VALUE);
	CUDA(cuMemcpyDtoH(have, data, BYTES));
	CHECK(!memcmp(have, want, BYTES));
	CUDA(cuMemFree(data));
	CUDA(cuStreamDestroy(stream));
	CUDA(cuDevicePrimaryCtxRelease(0));
	prog_int("hash", (long long)prog_hash(have, BYTES));
	return prog_end();
}
