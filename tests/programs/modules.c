/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code and variables of a module and of a library, loaded in every way there
 * is: from text, with options, as a fat binary, from a file.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "driver.h"

static char path[64];

/* The PTX as a file. */
static void make_file(void)
{
	int fd = memfd_create("ptx", 0);

	CHECK(write(fd, driver_ptx, sizeof(driver_ptx) - 1) == sizeof(driver_ptx) - 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
}

static void look_into_module(CUmodule module)
{
	CUmoduleLoadingMode mode;
	CUfunction f, all[2] = { NULL, NULL };
	CUmodule back;
	CUdeviceptr factor;
	unsigned int count = 0;
	size_t size = 0;

	CUDA(cuModuleGetFunction(&f, module, "scale"));
	CUDA_IS(cuModuleGetFunction(&f, module, "nothing"), CUDA_ERROR_NOT_FOUND);
	CUDA(cuModuleGetGlobal(&factor, &size, module, "factor"));
	CHECK(factor && size == 4);
	CUDA_IS(cuModuleGetGlobal(&factor, &size, module, "nothing"), CUDA_ERROR_NOT_FOUND);
	CUDA(cuModuleGetFunctionCount(&count, module));
	CHECK(count == 2);
	CUDA(cuModuleEnumerateFunctions(all, 2, module));
	CHECK(all[0] && all[1] && all[0] != all[1]);
	CUDA(cuFuncGetModule(&back, all[1]));
	CHECK(back == module);
	CUDA(cuModuleGetLoadingMode(&mode));
	CUDA(cuModuleUnload(module));
}

static void load_modules(void)
{
	static const char bad[] = ".version 6.3\n.target sm_75\n.entry broken( {";
	CUjit_option option = CU_JIT_MAX_REGISTERS;
	void *value = (void *)32;
	CUmodule module;

	CUDA(cuModuleLoadData(&module, driver_ptx));
	look_into_module(module);
	CUDA(cuModuleLoadDataEx(&module, driver_ptx, 1, &option, &value));
	look_into_module(module);
	CUDA(cuModuleLoadFatBinary(&module, driver_ptx));
	look_into_module(module);
	CUDA(cuModuleLoad(&module, path));
	look_into_module(module);
	CUDA_IS(cuModuleLoad(&module, "/nonexistent"), CUDA_ERROR_FILE_NOT_FOUND);
	CUDA_IS(cuModuleLoadData(&module, bad), CUDA_ERROR_INVALID_PTX);
}

static void look_into_library(CUlibrary library)
{
	CUkernel kernel, all[2] = { NULL, NULL };
	CUlibrary back;
	CUmodule module;
	CUfunction f;
	CUdeviceptr factor;
	unsigned int count = 0;
	size_t size = 0;

	CUDA(cuLibraryGetKernel(&kernel, library, "idle"));
	CUDA_IS(cuLibraryGetKernel(&kernel, library, "nothing"), CUDA_ERROR_NOT_FOUND);
	CUDA(cuLibraryGetGlobal(&factor, &size, library, "factor"));
	CHECK(factor && size == 4);
	CUDA_IS(cuLibraryGetManaged(&factor, &size, library, "factor"), CUDA_ERROR_NOT_FOUND);
	CUDA(cuLibraryGetKernelCount(&count, library));
	CHECK(count == 2);
	CUDA(cuLibraryEnumerateKernels(all, 2, library));
	CUDA(cuKernelGetLibrary(&back, all[0]));
	CHECK(back == library);
	CUDA(cuLibraryGetModule(&module, library));
	CUDA(cuModuleGetFunction(&f, module, "idle"));
	CUDA(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
	CUDA(cuCtxSynchronize());
	CUDA(cuLibraryUnload(library));
}

int main(int argc, char **argv)
{
	CUlibrary library;

	prog_begin(argc, argv, "modules", 1);
	driver_begin();
	make_file();
	load_modules();
	CUDA(cuLibraryLoadData(&library, driver_ptx, NULL, NULL, 0, NULL, NULL, 0));
	look_into_library(library);
	CUDA(cuLibraryLoadFromFile(&library, path, NULL, NULL, 0, NULL, NULL, 0));
	look_into_library(library);
	CUDA(cuDevicePrimaryCtxRelease(0));
	prog_int("kernels", 2);
	return prog_end();
}
