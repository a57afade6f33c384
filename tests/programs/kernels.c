/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kernel says of itself, what may be set for it, how many of its blocks
 * fit, and a launch with a configuration; as a function and as a kernel.
 */
#include "driver.h"

#define BLOCK 128

static void ask_function(CUfunction f)
{
	CUfunctionLoadingState state;
	const char *name;
	size_t offset = 99, size = 99;
	int value = 0;

	CUDA(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, f));
	CHECK(value == 256);
	CUDA(cuFuncSetAttribute(f, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 32768));
	CUDA(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, f));
	CHECK(value == 32768);
	CUDA_IS(cuFuncSetAttribute(f, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1),
		CUDA_ERROR_INVALID_VALUE);
	CUDA(cuFuncSetCacheConfig(f, CU_FUNC_CACHE_PREFER_SHARED));
	CUDA(cuFuncGetName(&name, f));
	CHECK(!strcmp(name, "scale"));
	CUDA(cuFuncGetParamInfo(f, 1, &offset, &size));
	CHECK(offset == 8 && size == 4);
	CUDA_IS(cuFuncGetParamInfo(f, 2, &offset, &size), CUDA_ERROR_INVALID_VALUE);
	CUDA(cuFuncLoad(f));
	CUDA(cuFuncIsLoaded(&state, f));
	CHECK(state == CU_FUNCTION_LOADING_STATE_LOADED);
}

static void ask_kernel(CUkernel kernel)
{
	const char *name;
	size_t offset, size;
	int value = 0;

	CUDA(cuKernelGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, kernel, 0));
	CHECK(value == 256);
	CUDA(cuKernelSetAttribute(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 16384, kernel,
				  0));
	CUDA(cuKernelGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, kernel,
				  0));
	CHECK(value == 16384);
	CUDA(cuKernelSetCacheConfig(kernel, CU_FUNC_CACHE_PREFER_L1, 0));
	CUDA(cuKernelGetName(&name, kernel));
	CHECK(!strcmp(name, "scale"));
	CUDA(cuKernelGetParamInfo(kernel, 0, &offset, &size));
	CHECK(offset == 0 && size == 8);
}

static size_t no_shared(int block)
{
	return (size_t)block * 0;
}

static void ask_occupancy(CUfunction f)
{
	CUlaunchConfig config = { .gridDimX = 8, .gridDimY = 1, .gridDimZ = 1, .blockDimX = BLOCK,
				  .blockDimY = 1, .blockDimZ = 1 };
	int blocks = 0, same = 0, grid = 0, block = 0;
	size_t shared = 0;

	CUDA(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, f, BLOCK, 0));
	CHECK(blocks > 0);
	CUDA(cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(&same, f, BLOCK, 0, 0));
	CHECK(same == blocks);
	CUDA(cuOccupancyAvailableDynamicSMemPerBlock(&shared, f, 1, BLOCK));
	CHECK(shared >= 16384);
	CUDA(cuOccupancyMaxPotentialBlockSize(&grid, &block, f, no_shared, 0, 0));
	CHECK(grid > 0 && block > 0 && block <= 256);
	CUDA(cuOccupancyMaxPotentialBlockSizeWithFlags(&grid, &same, f, NULL, 0, 64, 0));
	CHECK(same > 0 && same <= 64);
	CUDA(cuLaunchKernelEx(&config, f, (void *[]){ &(CUdeviceptr){ 0 }, &(unsigned int){ 0 } },
			      NULL));
	CUDA(cuCtxSynchronize());
}

int main(int argc, char **argv)
{
	CUresult (*set_banks)(CUfunction, CUsharedconfig);
	CUlibrary library;
	CUmodule module;
	CUkernel kernel;
	CUfunction f, same;

	prog_begin(argc, argv, "kernels", 1);
	driver_begin();
	CUDA(cuModuleLoadData(&module, driver_ptx));
	CUDA(cuModuleGetFunction(&f, module, "scale"));
	ask_function(f);
	set_banks = driver_old("cuFuncSetSharedMemConfig", 4020);
	CUDA(set_banks(f, CU_SHARED_MEM_CONFIG_DEFAULT_BANK_SIZE));
	ask_occupancy(f);
	CUDA(cuLibraryLoadData(&library, driver_ptx, NULL, NULL, 0, NULL, NULL, 0));
	CUDA(cuLibraryGetKernel(&kernel, library, "scale"));
	ask_kernel(kernel);
	CUDA(cuKernelGetFunction(&same, kernel));
	ask_occupancy(same);
	CUDA(cuLibraryUnload(library));
	CUDA(cuModuleUnload(module));
	CUDA(cuDevicePrimaryCtxRelease(0));
	prog_int("block", BLOCK);
	return prog_end();
}
