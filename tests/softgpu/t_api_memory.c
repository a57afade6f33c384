/* SPDX-License-Identifier: Apache-2.0 */
/* softgpu/api/memory.c, copy.c, memset.c, pointer.c, pool.c. */
#include <pthread.h>
#include <sys/mman.h>

#include "tests/softgpu/soft.h"

TEST(all_of_memory_can_be_had_and_comes_back)
{
	size_t before, total, now;
	CUdeviceptr p, q;

	soft_start();
	OK(cuMemGetInfo_v2(&before, &total));
	CHECK(before <= total);
	p = soft_alloc(1);
	OK(cuMemGetInfo_v2(&now, &total));
	CHECK_EQ(before - now, 512);
	OK(cuMemFree_v2(p));
	p = soft_alloc(before);
	CHECK_EQ(cuMemAlloc_v2(&q, 1), CUDA_ERROR_OUT_OF_MEMORY);
	OK(cuMemsetD8_v2(p + before - 1, 7, 1));
	CHECK_EQ(cuMemsetD8_v2(p + before - 1, 7, 2), CUDA_ERROR_INVALID_VALUE);
	OK(cuMemFree_v2(p));
	OK(cuMemGetInfo_v2(&now, &total));
	CHECK_EQ(now, before);
}

TEST(a_free_that_is_wrong_is_refused)
{
	CUdeviceptr p;

	soft_start();
	p = soft_alloc(1000);
	CHECK_EQ(cuMemFree_v2(p + 256), CUDA_ERROR_INVALID_VALUE);
	OK(cuMemFree_v2(p));
	CHECK_EQ(cuMemFree_v2(p), CUDA_ERROR_INVALID_VALUE);
	OK(cuMemFree_v2(0));
	CHECK_EQ(cuMemAlloc_v2(&p, 0), CUDA_ERROR_INVALID_VALUE);
}

TEST(a_reset_frees_everything)
{
	size_t before, now, total;
	CUdeviceptr p;
	void *host;

	soft_start();
	OK(cuMemGetInfo_v2(&before, &total));
	soft_alloc(12345);
	OK(cuMemAllocAsync(&p, 777, NULL));
	OK(cuMemHostAlloc(&host, 100, 0));
	soft_start();
	OK(cuMemGetInfo_v2(&now, &total));
	CHECK_EQ(now, before);
	CHECK_EQ(cuMemFreeHost(host), CUDA_ERROR_INVALID_VALUE);
}

TEST(copies_beyond_an_allocation_are_refused)
{
	char buf[300] = { 0 };
	CUdeviceptr p;

	soft_start();
	p = soft_alloc(256);
	OK(cuMemcpyHtoD_v2(p, buf, 256));
	CHECK_EQ(cuMemcpyHtoD_v2(p, buf, 257), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(cuMemcpyDtoH_v2(buf, p + 1, 256), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(cuMemcpyHtoD_v2(4096, buf, 1), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(cuMemcpyHtoD_v2(p, NULL, 1), CUDA_ERROR_INVALID_VALUE);
	OK(cuMemcpyHtoD_v2(p, NULL, 0));
}

TEST(a_pageable_source_may_change_after_an_async_copy)
{
	static unsigned char src[200000], dst[200000];
	CUdeviceptr p;

	soft_start();
	p = soft_alloc(sizeof(src));
	for (size_t n = 1000; n <= sizeof(src); n *= 14) {
		memset(src, 0x11, n);
		OK(cuMemcpyHtoDAsync_v2(p, src, n, NULL));
		memset(src, 0x22, n);
		OK(cuMemcpyDtoHAsync_v2(dst, p, n, NULL));
		CHECK_EQ(dst[0], 0x11);
		CHECK_EQ(dst[n - 1], 0x11);
	}
}

TEST(any_addresses_may_be_copied_by_the_generic_copy)
{
	unsigned a = 0x1234, b = 0;
	CUdeviceptr p;

	soft_start();
	p = soft_alloc(4);
	OK(cuMemcpy(p, (CUdeviceptr)&a, 4));
	OK(cuMemcpy((CUdeviceptr)&b, p, 4));
	CHECK_EQ(b, 0x1234);
	b = 0;
	OK(cuMemcpyAsync((CUdeviceptr)&b, (CUdeviceptr)&a, 4, NULL));
	CHECK_EQ(b, 0x1234);
}

TEST(planes_are_copied_with_pitch_and_offset)
{
	unsigned char src[10][16], dst[10][32];
	CUdeviceptr p;
	size_t pitch;
	CUDA_MEMCPY2D up = { 0 }, down = { 0 };

	soft_start();
	for (int y = 0; y < 10; y++) {
		for (int x = 0; x < 16; x++)
			src[y][x] = (unsigned char)(y * 16 + x);
	}
	memset(dst, 0xff, sizeof(dst));
	OK(cuMemAllocPitch_v2(&p, &pitch, 16, 10, 4));
	CHECK(pitch >= 16);
	up.srcMemoryType = CU_MEMORYTYPE_HOST, up.srcHost = src, up.srcPitch = 16;
	up.dstMemoryType = CU_MEMORYTYPE_DEVICE, up.dstDevice = p, up.dstPitch = pitch;
	up.WidthInBytes = 16, up.Height = 10;
	OK(cuMemcpy2D_v2(&up));
	down.srcMemoryType = CU_MEMORYTYPE_DEVICE, down.srcDevice = p, down.srcPitch = pitch;
	down.srcXInBytes = 3, down.srcY = 2;
	down.dstMemoryType = CU_MEMORYTYPE_HOST, down.dstHost = dst, down.dstPitch = 32;
	down.dstXInBytes = 5, down.dstY = 1;
	down.WidthInBytes = 8, down.Height = 4;
	OK(cuMemcpy2DAsync_v2(&down, NULL));
	for (int y = 0; y < 10; y++) {
		for (int x = 0; x < 32; x++) {
			bool in = y >= 1 && y < 5 && x >= 5 && x < 13;

			CHECK_EQ(dst[y][x], in ? src[y + 1][x - 2] : 0xff);
		}
	}
	down.srcY = 9;
	CHECK_EQ(cuMemcpy2D_v2(&down), CUDA_ERROR_INVALID_VALUE);
	down.srcPitch = 4;
	CHECK_EQ(cuMemcpy2D_v2(&down), CUDA_ERROR_INVALID_VALUE);
}

TEST(boxes_are_copied)
{
	unsigned char src[3][4][5], dst[3][4][5];
	CUDA_MEMCPY3D c = { 0 };
	CUdeviceptr p;

	soft_start();
	for (int i = 0; i < 60; i++)
		((unsigned char *)src)[i] = (unsigned char)i;
	memset(dst, 0xff, sizeof(dst));
	p = soft_alloc(sizeof(src));
	OK(cuMemcpyHtoD_v2(p, src, sizeof(src)));
	c.srcMemoryType = CU_MEMORYTYPE_DEVICE, c.srcDevice = p, c.srcPitch = 5, c.srcHeight = 4;
	c.dstMemoryType = CU_MEMORYTYPE_HOST, c.dstHost = dst, c.dstPitch = 5, c.dstHeight = 4;
	c.srcXInBytes = 1, c.srcY = 1, c.srcZ = 1;
	c.dstXInBytes = 2, c.dstY = 2, c.dstZ = 1;
	c.WidthInBytes = 3, c.Height = 2, c.Depth = 2;
	OK(cuMemcpy3D_v2(&c));
	for (int z = 0; z < 3; z++) {
		for (int y = 0; y < 4; y++) {
			for (int x = 0; x < 5; x++) {
				bool in = z >= 1 && y >= 2 && x >= 2;

				CHECK_EQ(dst[z][y][x], in ? src[z][y - 1][x - 1] : 0xff);
			}
		}
	}
	c.srcMemoryType = CU_MEMORYTYPE_ARRAY;
	CHECK_EQ(cuMemcpy3D_v2(&c), CUDA_ERROR_NOT_SUPPORTED);
}

TEST(fills_of_every_width)
{
	uint32_t out[16];
	CUdeviceptr p;

	soft_start();
	p = soft_alloc(sizeof(out));
	OK(cuMemsetD32_v2(p, 0x01020304, 16));
	OK(cuMemsetD8Async(p + 1, 0xaa, 2, NULL));
	OK(cuMemsetD16_v2(p + 4, 0xbbcc, 2));
	OK(cuMemsetD2D32_v2(p + 16, 16, 7, 2, 3));
	OK(cuMemcpyDtoH_v2(out, p, sizeof(out)));
	CHECK_EQ(out[0], 0x01aaaa04);
	CHECK_EQ(out[1], 0xbbccbbcc);
	CHECK_EQ(out[2], 0x01020304);
	for (int y = 0; y < 3; y++) {
		CHECK_EQ(out[4 + 4 * y], 7);
		CHECK_EQ(out[5 + 4 * y], 7);
		CHECK_EQ(out[6 + 4 * y], 0x01020304);
	}
	CHECK_EQ(cuMemsetD32_v2(p + 2, 0, 1), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(cuMemsetD2D32_v2(p, 4, 7, 2, 3), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(cuMemsetD32_v2(p, 0, 17), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(cuMemsetD32_v2(p, 0, SIZE_MAX / 4 + 2), CUDA_ERROR_INVALID_VALUE);
}

TEST(kernels_reach_pinned_managed_and_registered_memory)
{
	static uint32_t own[2000];
	CUdeviceptr managed, dev;
	void *pinned;

	soft_start();
	OK(cuMemHostAlloc(&pinned, 4096, CU_MEMHOSTALLOC_DEVICEMAP));
	OK(cuMemAllocManaged(&managed, 4096, CU_MEM_ATTACH_GLOBAL));
	OK(cuMemHostRegister_v2(own, sizeof(own), 0));
	CHECK_EQ(cuMemHostRegister_v2(own, 4, 0), CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
	OK(cuMemHostGetDevicePointer_v2(&dev, own, 0));
	OK(soft_launch("fill", 1, 32, NULL, (CUdeviceptr)pinned, 10));
	OK(soft_launch("fill", 1, 32, NULL, managed, 20));
	OK(soft_launch("fill", 1, 32, NULL, dev, 30));
	OK(cuCtxSynchronize());
	CHECK_EQ(((uint32_t *)pinned)[31], 41);
	CHECK_EQ(((uint32_t *)managed)[31], 51);
	CHECK_EQ(own[31], 61);
	OK(cuMemHostUnregister(own));
	CHECK_EQ(cuMemHostUnregister(own), CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
	OK(cuMemFree_v2(managed));
	OK(cuMemFreeHost(pinned));
}

TEST(pointer_attributes_tell_what_an_address_is)
{
	unsigned type = 0, ordinal = 7;
	int managed = 1, local;
	CUdeviceptr p, base = 0;
	size_t size = 0;
	CUcontext ctx = NULL;
	CUpointer_attribute attrs[] = { CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
					CU_POINTER_ATTRIBUTE_RANGE_SIZE,
					CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
					CU_POINTER_ATTRIBUTE_IS_MANAGED };
	void *data[] = { &type, &size, &ordinal, &managed };

	soft_start();
	p = soft_alloc(1000);
	OK(cuPointerGetAttributes(4, attrs, data, p + 500));
	CHECK_EQ(type, CU_MEMORYTYPE_DEVICE);
	CHECK_EQ(size, 1000);
	CHECK_EQ(ordinal, 0);
	CHECK_EQ(managed, 0);
	OK(cuPointerGetAttribute(&ctx, CU_POINTER_ATTRIBUTE_CONTEXT, p));
	CHECK(ctx == soft_ctx);
	OK(cuMemGetAddressRange_v2(&base, &size, p + 999));
	CHECK_EQ(base, p);
	CHECK_EQ(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, p + 1000),
		 CUDA_ERROR_INVALID_VALUE);
	OK(cuPointerGetAttributes(4, attrs, data, (CUdeviceptr)&local));
	CHECK_EQ(type, 0);
	CHECK_EQ((int)ordinal, -2);
}

TEST(pools_count_and_free_in_stream_order)
{
	CUmemPoolProps props = { .allocType = CU_MEM_ALLOCATION_TYPE_PINNED,
				 .location = { CU_MEM_LOCATION_TYPE_DEVICE, 0 },
				 .maxSize = 4096 };
	cuuint64_t used = 1, high = 0;
	CUmemoryPool pool, attr = NULL;
	CUdeviceptr p, q;

	soft_start();
	OK(cuMemPoolCreate(&pool, &props));
	OK(cuMemAllocFromPoolAsync(&p, 3000, pool, NULL));
	CHECK_EQ(cuMemAllocFromPoolAsync(&q, 3000, pool, NULL), CUDA_ERROR_OUT_OF_MEMORY);
	OK(cuPointerGetAttribute(&attr, CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE, p));
	CHECK(attr == pool);
	OK(soft_launch("fill", 1, 32, NULL, p, 1));
	OK(cuMemFreeAsync(p, NULL));
	OK(cuStreamSynchronize(NULL));
	OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
	OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH, &high));
	CHECK_EQ(used, 0);
	CHECK_EQ(high, 3000);
	CHECK_EQ(cuMemFreeAsync(p, NULL), CUDA_ERROR_INVALID_VALUE);
	OK(cuMemPoolDestroy(pool));
	CHECK_EQ(cuMemPoolDestroy(pool), CUDA_ERROR_INVALID_VALUE);
	OK(cuDeviceGetDefaultMemPool(&pool, 0));
	CHECK_EQ(cuMemPoolDestroy(pool), CUDA_ERROR_INVALID_VALUE);
}

TEST(an_allocation_waits_for_queued_frees)
{
	size_t bytes, total;
	CUdeviceptr p, q;

	soft_start();
	OK(cuMemGetInfo_v2(&bytes, &total));
	for (int i = 0; i < 20; i++) {
		OK(cuMemAllocAsync(&p, bytes / 2 + 4096, NULL));
		OK(soft_launch("fill", 1, 32, NULL, p, 1));
		OK(cuMemFreeAsync(p, NULL));
	}
	OK(cuMemAlloc_v2(&q, bytes));
	OK(cuMemFree_v2(q));
}

static void *churn(void *failed)
{
	CUresult res = cuCtxSetCurrent(soft_ctx);

	for (unsigned i = 0; i < 200 && !res; i++) {
		CUdeviceptr p = 0;
		unsigned out[32];

		res = cuMemAllocAsync(&p, 128 + i, CU_STREAM_PER_THREAD);
		if (!res)
			res = soft_launch("fill", 1, 32, CU_STREAM_PER_THREAD, p, i);
		if (!res)
			res = cuMemcpyDtoHAsync_v2(out, p, sizeof(out), CU_STREAM_PER_THREAD);
		if (!res && out[31] != i + 31)
			res = CUDA_ERROR_UNKNOWN;
		if (!res)
			res = cuMemFreeAsync(p, CU_STREAM_PER_THREAD);
	}
	return res ? failed : NULL;
}

TEST(threads_allocate_launch_copy_and_free_at_once)
{
	pthread_t threads[4];

	soft_start();
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, churn, threads), 0);
	for (int i = 0; i < 4; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		CHECK(!failed);
	}
	OK(cuCtxSynchronize());
}

TAP_MAIN()
