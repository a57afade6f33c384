/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A __managed__ variable: the host either gets an address that it may write
 * through, and the kernel sees what it wrote, or is told that there is none.
 */
#include "driver.h"

static const char managed_ptx[] = ".version 6.3\n"
				  ".target sm_75\n"
				  ".address_size 64\n"
				  ".visible .global .attribute(.managed) .align 4 .u32 word = 3;\n"
				  ".visible .entry twice()\n"
				  "{\n"
				  "	.reg .b32 %r<3>;\n"
				  "	ld.global.u32 %r1, [word];\n"
				  "	add.u32 %r2, %r1, %r1;\n"
				  "	st.global.u32 [word], %r2;\n"
				  "	ret;\n"
				  "}\n";

static void use(CUdeviceptr p, CUfunction twice)
{
	volatile unsigned int *word = (volatile unsigned int *)(uintptr_t)p;

	CHECK(*word == 3);
	*word = 21;
	CUDA(cuLaunchKernel(twice, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
	CUDA(cuCtxSynchronize());
	CHECK(*word == 42);
}

int main(int argc, char **argv)
{
	CUlibrary library;
	CUmodule module;
	CUfunction twice;
	CUdeviceptr p = 0;
	size_t size = 0;
	CUresult r;

	prog_begin(argc, argv, "managed_variable", 1);
	driver_begin();
	CUDA(cuLibraryLoadData(&library, managed_ptx, NULL, NULL, 0, NULL, NULL, 0));
	CUDA(cuLibraryGetModule(&module, library));
	CUDA(cuModuleGetFunction(&twice, module, "twice"));
	r = cuLibraryGetManaged(&p, &size, library, "word");
	CUDA_IS(cuModuleGetGlobal(&p, &size, module, "word"), r);
	CUDA_IS(cuLibraryGetGlobal(&p, &size, library, "word"), r);
	if (r == CUDA_SUCCESS)
		use(p, twice);
	else
		CHECK(r == CUDA_ERROR_NOT_SUPPORTED && !p);
	CUDA(cuLibraryUnload(library));
	CUDA(cuDevicePrimaryCtxRelease(0));
	prog_int("variables", 1);
	return prog_end();
}
