/* SPDX-License-Identifier: Apache-2.0 */
/* softgpu/api/context.c, state.c, device.c, export.c, misc.c. */
#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cw/cudart_check.h"
#include "cw/soft_info.h"
#include "tests/softgpu/soft.h"

/* As a worker finds it: a program that linked it would get a copy. */
static const struct causeway_soft_info *soft_info(void)
{
	return dlsym(RTLD_DEFAULT, "causeway_soft_info");
}

TEST(the_primary_context_has_a_handle_before_it_is_active)
{
	static const CUuuid runtime = { "\x6b\xd5\xfb\x6c\x5b\xf4\xe7\x4a\x89\x87\xd9\x39\x12\xfd"
					"\x9d\xf9" };
	CUcontext early, ctx, current;
	const void *const *table;
	unsigned flags;
	CUdeviceptr p;
	int active;

	OK(cuInit(0));
	OK(cuDevicePrimaryCtxReset_v2(0));
	OK(cuGetExportTable((const void **)&table, &runtime));
	OK(((CUresult(*)(CUcontext *, CUdevice))table[2])(&early, 0));
	OK(cuDevicePrimaryCtxGetState(0, &flags, &active));
	CHECK_EQ(active, 0);
	OK(cuCtxSetCurrent(early));
	CHECK_EQ(cuMemAlloc_v2(&p, 4), CUDA_ERROR_CONTEXT_IS_DESTROYED);
	OK(cuDevicePrimaryCtxRetain(&ctx, 0));
	CHECK(ctx == early);
	OK(cuMemAlloc_v2(&p, 4));
	OK(cuCtxGetCurrent(&current));
	CHECK(current == ctx);
	OK(cuDevicePrimaryCtxRetain(&ctx, 0));
	OK(cuDevicePrimaryCtxRelease_v2(0));
	OK(cuMemFree_v2(p));
	OK(cuDevicePrimaryCtxRelease_v2(0));
	CHECK_EQ(cuDevicePrimaryCtxRelease_v2(0), CUDA_ERROR_INVALID_CONTEXT);
	CHECK_EQ(cuMemAlloc_v2(&p, 4), CUDA_ERROR_CONTEXT_IS_DESTROYED);
}

TEST(contexts_are_stacked_per_thread)
{
	CUcontext a, b, now;
	CUdeviceptr p;

	soft_start();
	OK(cuCtxSetCurrent(NULL));
	CHECK_EQ(cuMemAlloc_v2(&p, 4), CUDA_ERROR_INVALID_CONTEXT);
	OK(cuCtxCreate_v2(&a, 0, 0));
	OK(cuCtxCreate_v2(&b, CU_CTX_SCHED_BLOCKING_SYNC, 0));
	OK(cuCtxGetCurrent(&now));
	CHECK(now == b);
	OK(cuCtxPopCurrent_v2(&now));
	CHECK(now == b);
	OK(cuCtxGetCurrent(&now));
	CHECK(now == a);
	OK(cuCtxPushCurrent_v2(b));
	OK(cuCtxDestroy_v2(b));
	OK(cuCtxGetCurrent(&now));
	CHECK(now == a);
	CHECK_EQ(cuCtxPushCurrent_v2(b), CUDA_ERROR_INVALID_CONTEXT);
	CHECK_EQ(cuCtxDestroy_v2(b), CUDA_ERROR_INVALID_CONTEXT);
	CHECK_EQ(cuCtxDestroy_v2(soft_ctx), CUDA_ERROR_INVALID_CONTEXT);
	OK(cuCtxDestroy_v2(a));
	CHECK_EQ(cuCtxPopCurrent_v2(&now), CUDA_ERROR_INVALID_CONTEXT);
}

TEST(a_fault_in_one_context_leaves_the_other_alone)
{
	CUcontext other;
	CUmodule module;
	CUfunction func;
	CUdeviceptr nowhere = 4096, p;
	unsigned v = 1;
	void *params[] = { &nowhere, &v };

	soft_start();
	OK(cuCtxCreate_v2(&other, 0, 0));
	OK(cuModuleLoadData(&module, kernels));
	OK(cuModuleGetFunction(&func, module, "store"));
	OK(cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL));
	CHECK_EQ(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
	OK(cuCtxPopCurrent_v2(NULL));
	p = soft_alloc(4);
	OK(soft_launch("store", 1, 1, NULL, p, 1));
	OK(cuCtxSynchronize());
	CHECK_EQ(cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL),
		 CUDA_ERROR_INVALID_CONTEXT);
	OK(cuCtxDestroy_v2(other));
}

TEST(the_device_is_what_programs_can_compute_with)
{
	char name[64], tiny[4];
	int major, minor, value;
	size_t total;
	CUuuid a, b;

	OK(cuInit(0));
	CHECK_EQ(cuInit(1), CUDA_ERROR_INVALID_VALUE);
	OK(cuDriverGetVersion(&value));
	CHECK_EQ(value, 13000);
	OK(cuDeviceGetName(name, sizeof(name), 0));
	CHECK_STR(name, "Causeway Software GPU");
	OK(cuDeviceGetName(tiny, sizeof(tiny), 0));
	CHECK_STR(tiny, "Cau");
	OK(cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0));
	OK(cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0));
	CHECK_EQ(major * 10 + minor, 130);
	OK(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 0));
	CHECK_EQ(value, 32);
	OK(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0));
	CHECK(value >= 1);
	CHECK_EQ(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MAX, 0),
		 CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 1),
		 CUDA_ERROR_INVALID_DEVICE);
	OK(cuDeviceTotalMem_v2(&total, 0));
	CHECK_EQ(total, soft_info()->arena_size);
	OK(cuDeviceGetUuid(&a, 0));
	OK(cuDeviceGetUuid_v2(&b, 0));
	CHECK(!memcmp(&a, &b, sizeof(a)));
}

TEST(device_memory_is_where_the_library_says)
{
	const struct causeway_soft_info *info = soft_info();
	CUdeviceptr p;

	soft_start();
	p = soft_alloc(100);
	CHECK_EQ(info->version, CAUSEWAY_SOFT_INFO_VERSION);
	CHECK(cw_range_ok(p - info->arena_base, 100, info->arena_size));
	CHECK(info->arena_fd >= 0);
	OK(cuMemsetD32_v2(p, 0x5a5a5a5a, 1));
	CHECK_EQ(*(uint32_t *)p, 0x5a5a5a5a);
}

TEST(functions_are_looked_up_by_name_version_and_flavour)
{
	CUdriverProcAddressQueryResult status;
	void *pfn;

	OK(cuGetProcAddress_v2("cuMemAlloc", &pfn, 13000, 0, &status));
	CHECK(pfn == (void *)cuMemAlloc_v2);
	OK(cuGetProcAddress_v2("cuStreamQuery", &pfn, 13000, 2, NULL));
	CHECK(pfn == (void *)cuStreamQuery_ptsz);
	OK(cuGetProcAddress_v2("", &pfn, 0, 0, &status));
	CHECK(!pfn);
	CHECK_EQ(status, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
}

TEST(what_is_not_there_says_so)
{
	CUgraph graph;
	const char *name;

	soft_start();
	CHECK_EQ(cuGraphCreate(&graph, 0), CUDA_ERROR_NOT_SUPPORTED);
	OK(cuGetErrorName(CUDA_ERROR_NOT_SUPPORTED, &name));
	CHECK_STR(name, "CUDA_ERROR_NOT_SUPPORTED");
	CHECK_EQ(cuGetErrorString((CUresult)12345, &name), CUDA_ERROR_INVALID_VALUE);
	CHECK(!name);
}

static int dtor_calls;
static void *dtor_value;

static void dtor(CUcontext ctx, void *key, void *value)
{
	dtor_calls++;
	dtor_value = value;
}

TEST(values_kept_in_a_context_are_given_back_at_reset)
{
	static const CUuuid local = { "\xc6\x93\x33\x6e\x11\x21\xdf\x11\xa8\xc3\x68\xf3\x55\xd8"
				      "\x95\x93" };
	typedef CUresult (*put_fn)(CUcontext, void *, void *, void *);
	typedef CUresult (*get_fn)(void **, CUcontext, void *);
	const void *const *table;
	void *value = &value;
	int key;

	soft_start();
	dtor_calls = 0;
	OK(cuGetExportTable((const void **)&table, &local));
	CHECK(((get_fn)table[2])(&value, NULL, &key));
	CHECK(!value);
	OK(((put_fn)table[0])(NULL, &key, &dtor_calls, (void *)dtor));
	OK(((get_fn)table[2])(&value, soft_ctx, &key));
	CHECK(value == &dtor_calls);
	OK(cuDevicePrimaryCtxReset_v2(0));
	CHECK_EQ(dtor_calls, 1);
	CHECK(dtor_value == &dtor_calls);
}

TEST(a_child_of_fork_has_no_gpu_and_does_not_hang)
{
	size_t a, b;
	int status, version = 0;
	pid_t pid;

	soft_start();
	pid = fork();
	if (!pid) {
		bool ok = cuInit(0) == CUDA_ERROR_NOT_INITIALIZED &&
			  cuMemGetInfo_v2(&a, &b) == CUDA_ERROR_NOT_INITIALIZED &&
			  cuCtxSynchronize() == CUDA_ERROR_NOT_INITIALIZED &&
			  !cuDriverGetVersion(&version) && version == 13000;

		_exit(ok ? 0 : 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	OK(cuMemGetInfo_v2(&a, &b));
}

TEST(limits_are_kept_and_checked)
{
	size_t value;

	soft_start();
	OK(cuCtxGetLimit(&value, CU_LIMIT_PRINTF_FIFO_SIZE));
	CHECK_EQ(value, 1 << 20);
	OK(cuCtxSetLimit(CU_LIMIT_STACK_SIZE, 4096));
	OK(cuCtxGetLimit(&value, CU_LIMIT_STACK_SIZE));
	CHECK_EQ(value, 4096);
	CHECK_EQ(cuCtxSetLimit((CUlimit)99, 1), CUDA_ERROR_UNSUPPORTED_LIMIT);
}

TAP_MAIN()
