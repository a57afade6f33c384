/* SPDX-License-Identifier: Apache-2.0 */
/* Memory in stream order, from the device's pool and from one of our own. */
#include "driver.h"

static void find_pools(CUmemoryPool own)
{
	CUmemoryPool def = NULL, now = NULL;

	CUDA(cuDeviceGetDefaultMemPool(&def, 0));
	CUDA(cuDeviceGetMemPool(&now, 0));
	CHECK(def && def == now);
	CUDA(cuDeviceSetMemPool(0, own));
	CUDA(cuDeviceGetMemPool(&now, 0));
	CHECK(now == own);
	CUDA(cuDeviceSetMemPool(0, def));
}

#if CUDA_VERSION >= 13000
/* The same by place, new in 13. */
static void find_by_place(CUmemoryPool own)
{
	CUmemLocation here = { CU_MEM_LOCATION_TYPE_DEVICE, 0 };
	CUmemoryPool def = NULL, now = NULL;

	CUDA(cuMemGetDefaultMemPool(&def, &here, CU_MEM_ALLOCATION_TYPE_PINNED));
	CUDA(cuMemSetMemPool(&here, CU_MEM_ALLOCATION_TYPE_PINNED, own));
	CUDA(cuMemGetMemPool(&now, &here, CU_MEM_ALLOCATION_TYPE_PINNED));
	CHECK(now == own && now != def);
	CUDA(cuMemSetMemPool(&here, CU_MEM_ALLOCATION_TYPE_PINNED, def));
}
#else
#define find_by_place(own) (void)(own)
#endif

static void set_attributes(CUmemoryPool pool)
{
	CUmemLocation here = { CU_MEM_LOCATION_TYPE_DEVICE, 0 };
	CUmemAccessDesc access = { here, CU_MEM_ACCESS_FLAGS_PROT_READWRITE };
	CUmemAccess_flags flags = CU_MEM_ACCESS_FLAGS_PROT_NONE;
	cuuint64_t keep = 1 << 20, back = 0;

	CUDA(cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &keep));
	CUDA(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &back));
	CHECK(back == keep);
	CUDA(cuMemPoolSetAccess(pool, &access, 1));
	CUDA(cuMemPoolGetAccess(&flags, pool, &here));
	CHECK(flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
}

static void allocate(CUmemoryPool own)
{
	unsigned int words[4] = { 0 };
	cuuint64_t used = 0;
	CUdeviceptr p, q;
	CUstream stream;

	CUDA(cuStreamCreate(&stream, 0));
	CUDA(cuMemAllocAsync(&p, sizeof(words), stream));
	CUDA(cuMemAllocFromPoolAsync(&q, sizeof(words), own, stream));
	CHECK(p != q);
	CUDA(cuMemsetD32Async(q, 42, 4, stream));
	CUDA(cuMemcpyDtoDAsync(p, q, sizeof(words), stream));
	CUDA(cuMemcpyDtoHAsync(words, p, sizeof(words), stream));
	CUDA(cuMemFreeAsync(p, stream));
	CUDA(cuStreamSynchronize(stream));
	CHECK(words[0] == 42 && words[3] == 42);
	CUDA(cuMemPoolGetAttribute(own, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
	CHECK(used >= sizeof(words));
	CUDA(cuMemFreeAsync(q, stream));
	CUDA(cuStreamSynchronize(stream));
	CUDA(cuMemPoolTrimTo(own, 0));
	CUDA(cuMemPoolGetAttribute(own, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
	CHECK(!used);
	CUDA(cuStreamDestroy(stream));
}

int main(int argc, char **argv)
{
	CUmemPoolProps props;
	CUmemoryPool own;
	int supported = 0;

	prog_begin(argc, argv, "pools", 1);
	driver_begin();
	CUDA(cuDeviceGetAttribute(&supported, CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED, 0));
	if (!supported)
		return prog_skip("this device has no memory pools");
	memset(&props, 0, sizeof(props));
	props.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
	props.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
	CUDA(cuMemPoolCreate(&own, &props));
	find_pools(own);
	find_by_place(own);
	set_attributes(own);
	allocate(own);
	CUDA(cuMemPoolDestroy(own));
	CUDA(cuDevicePrimaryCtxRelease(0));
	prog_int("pools", 2);
	return prog_end();
}
