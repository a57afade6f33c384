/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts: the primary one with its flags and reset, contexts of one's own,
 * the stack of a thread, limits and preferences.
 */
#include "driver.h"

typedef CUresult (*create_fn)(CUcontext *ctx, unsigned int flags, CUdevice dev);

static void use_primary(void)
{
	unsigned int flags = 99;
	int active = 99;
	CUcontext a, b;
	CUdeviceptr p;

	CUDA(cuDevicePrimaryCtxGetState(0, &flags, &active));
	CHECK(!active);
	CUDA(cuDevicePrimaryCtxSetFlags(0, CU_CTX_SCHED_BLOCKING_SYNC));
	CUDA(cuDevicePrimaryCtxRetain(&a, 0));
	CUDA(cuDevicePrimaryCtxRetain(&b, 0));
	CHECK(a == b);
	CUDA(cuDevicePrimaryCtxGetState(0, &flags, &active));
	CHECK(active && flags == CU_CTX_SCHED_BLOCKING_SYNC);
	CUDA(cuCtxSetCurrent(a));
	CUDA(cuCtxGetFlags(&flags));
	CHECK(flags == CU_CTX_SCHED_BLOCKING_SYNC);
	CUDA(cuMemAlloc(&p, 1 << 20));
	CUDA(cuDevicePrimaryCtxReset(0));
	CUDA(cuDevicePrimaryCtxRetain(&a, 0));
	CUDA(cuCtxSetCurrent(a));
	/* The reset took it along. */
	CUDA_IS(cuMemFree(p), CUDA_ERROR_INVALID_VALUE);
}

static void use_stack(CUcontext primary)
{
	create_fn create = (create_fn)driver_old("cuCtxCreate", 3020);
	CUresult (*device_of)(CUdevice *, CUcontext) = driver_old("cuCtxGetDevice", 13000);
	CUcontext own = NULL, now = NULL;
	unsigned long long id = 0, id_primary = 0;
	CUdevice dev = -1;

	CUDA(create(&own, CU_CTX_SCHED_SPIN, 0));
	CUDA(cuCtxGetCurrent(&now));
	CHECK(own && now == own && own != primary);
	CUDA(cuCtxGetId(own, &id));
	CUDA(cuCtxGetId(primary, &id_primary));
	CHECK(id != id_primary);
	CUDA(cuCtxPushCurrent(primary));
	CUDA(cuCtxGetDevice(&dev));
	CHECK(dev == 0);
	dev = -1;
	CUDA(device_of(&dev, own));
	CHECK(dev == 0);
	CUDA(cuCtxPopCurrent(&now));
	CHECK(now == primary);
	CUDA(cuCtxGetCurrent(&now));
	CHECK(now == own);
	CUDA(cuCtxSynchronize());
	CUDA(cuCtxDestroy(own));
	CUDA(cuCtxGetCurrent(&now));
	CHECK(now == primary);
}

static void make_other_ways(CUcontext primary)
{
	CUresult (*create3)(CUcontext *, CUexecAffinityParam *, int, unsigned int, CUdevice) =
		driver_old("cuCtxCreate", 11040);
	CUcontext own, now;

	CUDA(create3(&own, NULL, 0, 0, 0));
	CUDA(cuCtxDestroy(own));
	CUDA(cuCtxCreate(&own, NULL, 0, 0));
	CUDA(cuCtxDestroy(own));
	CUDA(cuCtxGetCurrent(&now));
	CHECK(now == primary);
}

static void set_limits(CUcontext ctx)
{
	CUresult (*get_shared)(CUsharedconfig *) = driver_old("cuCtxGetSharedMemConfig", 4020);
	CUresult (*set_shared)(CUsharedconfig) = driver_old("cuCtxSetSharedMemConfig", 4020);
	CUsharedconfig shared;
	CUfunc_cache cache;
	unsigned int version = 0;
	size_t bytes = 0;
	int least = 9, greatest = 9;

	CUDA(cuCtxGetApiVersion(ctx, &version));
	CHECK(version >= 3010);
	CUDA(cuCtxSetLimit(CU_LIMIT_STACK_SIZE, 4096));
	CUDA(cuCtxGetLimit(&bytes, CU_LIMIT_STACK_SIZE));
	CHECK(bytes >= 4096);
	CUDA_IS(cuCtxGetLimit(&bytes, CU_LIMIT_MAX), CUDA_ERROR_UNSUPPORTED_LIMIT);
	CUDA(cuCtxSetCacheConfig(CU_FUNC_CACHE_PREFER_L1));
	CUDA(cuCtxGetCacheConfig(&cache));
	CUDA(set_shared(CU_SHARED_MEM_CONFIG_DEFAULT_BANK_SIZE));
	CUDA(get_shared(&shared));
	CUDA(cuCtxGetStreamPriorityRange(&least, &greatest));
	CHECK(least >= greatest && greatest <= 0);
	CUDA(cuCtxResetPersistingL2Cache());
	CUDA(cuProfilerStart());
	CUDA(cuProfilerStop());
}

static void ask_peer(CUcontext own)
{
	CUcontext primary;

	CUDA(cuDevicePrimaryCtxRetain(&primary, 0));
	/* A device is no peer of itself. */
	CUDA_IS(cuCtxEnablePeerAccess(own, 0), CUDA_ERROR_PEER_ACCESS_UNSUPPORTED);
	CUDA_IS(cuCtxDisablePeerAccess(own), CUDA_ERROR_PEER_ACCESS_NOT_ENABLED);
	CUDA(cuDevicePrimaryCtxRelease(0));
}

int main(int argc, char **argv)
{
	create_fn create;
	CUcontext primary, own;

	prog_begin(argc, argv, "contexts", 1);
	CUDA(cuInit(0));
	use_primary();
	CUDA(cuCtxGetCurrent(&primary));
	use_stack(primary);
	make_other_ways(primary);
	set_limits(primary);
	create = (create_fn)driver_old("cuCtxCreate", 3020);
	CUDA(create(&own, 0, 0));
	CUDA(cuCtxSetCurrent(primary));
	ask_peer(own);
	CUDA(cuCtxDestroy(own));
	CUDA(cuDevicePrimaryCtxRelease(0));
	prog_int("contexts", 4);
	return prog_end();
}
