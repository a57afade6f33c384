/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of each kind, and what the driver says of a pointer into it: device,
 * pitched, pinned, registered, managed.
 */
#include "driver.h"

#define MIB ((size_t)1 << 20)

/* Kind, context and range of @p, which lies @offset bytes into its allocation. */
static void describe(CUdeviceptr p, size_t offset, CUmemorytype kind, unsigned int managed)
{
	CUpointer_attribute names[] = { CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
					CU_POINTER_ATTRIBUTE_IS_MANAGED,
					CU_POINTER_ATTRIBUTE_RANGE_START_ADDR };
	unsigned int type = 99, is_managed = 99;
	CUdeviceptr start = 0;
	void *values[] = { &type, &is_managed, &start };
	unsigned long long id = 0;

	CUDA(cuPointerGetAttributes(3, names, values, p));
	CHECK(type == kind && (is_managed & 0xff) == managed && start == p - offset);
	CUDA(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, p));
	CHECK(type == kind);
	CUDA(cuPointerGetAttribute(&id, CU_POINTER_ATTRIBUTE_BUFFER_ID, p));
	CHECK(id);
}

static void use_device(void)
{
	size_t before, after, total, pitch = 0, size = 0;
	CUdeviceptr p, q, base = 0;
	int on = 1;

	CUDA(cuMemGetInfo(&before, &total));
	CUDA(cuMemAlloc(&p, 16 * MIB));
	CUDA(cuMemGetInfo(&after, &total));
	CHECK(after <= before - 16 * MIB && before <= total);
	CUDA(cuMemGetAddressRange(&base, &size, p + 1000));
	CHECK(base == p && size >= 16 * MIB);
	describe(p + 1000, 1000, CU_MEMORYTYPE_DEVICE, 0);
	CUDA(cuPointerSetAttribute(&on, CU_POINTER_ATTRIBUTE_SYNC_MEMOPS, p));
	CUDA(cuMemAllocPitch(&q, &pitch, 100, 10, 4));
	CHECK(pitch >= 100 && pitch % 4 == 0);
	CUDA(cuMemFree(q));
	CUDA(cuMemFree(p));
	CUDA_IS(cuMemFree(p), CUDA_ERROR_INVALID_VALUE);
	CUDA_IS(cuMemAlloc(&p, 0), CUDA_ERROR_INVALID_VALUE);
	CUDA_IS(cuMemAlloc(&p, total * 2), CUDA_ERROR_OUT_OF_MEMORY);
}

static void use_pinned(void)
{
	unsigned int flags = 99;
	CUdeviceptr p;
	void *a, *b;

	CUDA(cuMemAllocHost(&a, MIB));
	CUDA(cuMemHostAlloc(&b, MIB, CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_PORTABLE));
	memset(a, 1, MIB);
	memset(b, 2, MIB);
	CUDA(cuMemHostGetFlags(&flags, b));
	CHECK(flags & CU_MEMHOSTALLOC_PORTABLE);
	CUDA(cuMemHostGetDevicePointer(&p, b, 0));
	CHECK(p == (CUdeviceptr)(uintptr_t)b);
	describe(p + 8, 8, CU_MEMORYTYPE_HOST, 0);
	CUDA(cuMemFreeHost(a));
	CUDA(cuMemFreeHost(b));
	CUDA_IS(cuMemFreeHost(b), CUDA_ERROR_INVALID_VALUE);
}

static void use_registered(void)
{
	char *p = aligned_alloc(4096, MIB);

	memset(p, 3, MIB);
	CUDA(cuMemHostRegister(p, MIB, 0));
	CUDA_IS(cuMemHostRegister(p, MIB, 0), CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
	CUDA(cuMemHostUnregister(p));
	CUDA_IS(cuMemHostUnregister(p), CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
	free(p);
}

/* Hints may be without effect, but not without an answer. */
static void hint(CUdeviceptr p)
{
	CUresult (*advise)(CUdeviceptr, size_t, CUmem_advise, CUdevice) =
		driver_old("cuMemAdvise", 8000);
	CUresult (*prefetch)(CUdeviceptr, size_t, CUdevice, CUstream) =
		driver_old("cuMemPrefetchAsync", 8000);
	CUmemLocation here = { CU_MEM_LOCATION_TYPE_DEVICE, 0 };
	int concurrent = 0;

	CUDA(cuDeviceGetAttribute(&concurrent, CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS, 0));
	if (!concurrent)
		return;
	CUDA(advise(p, MIB, CU_MEM_ADVISE_SET_READ_MOSTLY, 0));
	CUDA(cuMemAdvise(p, MIB, CU_MEM_ADVISE_UNSET_READ_MOSTLY, here));
	CUDA(prefetch(p, MIB, 0, NULL));
	CUDA(cuMemPrefetchAsync(p, MIB, here, 0, NULL));
	CUDA_IS(cuMemPrefetchAsync(p, (size_t)1 << 50, here, 0, NULL), CUDA_ERROR_INVALID_VALUE);
}

static void use_managed(void)
{
	CUmem_range_attribute names[] = { CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY,
					  CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION };
	int mostly = 99, place = 99;
	void *values[] = { &mostly, &place };
	size_t sizes[] = { 4, 4 };
	CUdeviceptr p;
	CUstream stream;

	CUDA(cuMemAllocManaged(&p, MIB, CU_MEM_ATTACH_GLOBAL));
	memset((void *)(uintptr_t)p, 4, MIB);
	describe(p + 8, 8, CU_MEMORYTYPE_DEVICE, 1);
	hint(p);
	CUDA(cuMemRangeGetAttribute(&mostly, 4, CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY, p, MIB));
	CHECK(!mostly);
	CUDA(cuMemRangeGetAttributes(values, sizes, names, 2, p, MIB));
	CUDA(cuStreamCreate(&stream, 0));
	CUDA(cuStreamAttachMemAsync(stream, p, 0, CU_MEM_ATTACH_SINGLE));
	CUDA(cuStreamSynchronize(stream));
	CUDA(cuStreamDestroy(stream));
	CUDA(cuMemFree(p));
}

int main(int argc, char **argv)
{
	char local = 0;
	unsigned int type;

	prog_begin(argc, argv, "memory", 1);
	driver_begin();
	use_device();
	use_pinned();
	use_registered();
	use_managed();
	CUDA_IS(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
				      (CUdeviceptr)(uintptr_t)&local),
		CUDA_ERROR_INVALID_VALUE);
	CUDA(cuDevicePrimaryCtxRelease(0));
	prog_int("kinds", 5);
	return prog_end();
}
