/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Managed variables of a library and of a module, where the back end takes
 * memory for them (SEMANTICS 7): one address for both sides, their initial
 * values, several contexts, and that they go with their owner.
 */
#include "driver.h"

/* rows lies behind word, and bytes of another size between: alignment. */
static const char managed_ptx[] =
	".version 6.3\n.target sm_75\n.address_size 64\n"
	".visible .global .attribute(.managed) .align 4 .u32 word = 3;\n"
	".visible .global .attribute(.managed) .align 1 .b8 odd[3] = {1, 2, 3};\n"
	".visible .global .attribute(.managed) .align 64 .u32 rows[2048] = {5, 6};\n"
	".visible .global .align 4 .u32 plain = 9;\n"
	".visible .entry twice()\n{\n"
	"	.reg .b32 %r<4>;\n"
	"	ld.global.u32 %r1, [word];\n"
	"	ld.global.u32 %r2, [plain];\n"
	"	add.u32 %r3, %r1, %r1;\n"
	"	st.global.u32 [word], %r3;\n"
	"	st.global.u32 [rows+8188], %r2;\n"
	"	ret;\n}\n";

struct vars {
	CUdeviceptr word, odd, rows, plain;
};

static void look(const struct vars *v, unsigned int word)
{
	const unsigned char *odd = (const unsigned char *)(uintptr_t)v->odd;
	const unsigned int *rows = (const unsigned int *)(uintptr_t)v->rows;
	unsigned int value = 0;
	int managed = -1;

	CHECK(v->rows % 64 == 0);
	CHECK(*(const volatile unsigned int *)(uintptr_t)v->word == word);
	CHECK(odd[0] == 1 && odd[1] == 2 && odd[2] == 3);
	CHECK(rows[0] == 5 && rows[1] == 6 && rows[2] == 0);
	CUDA(cuMemcpyDtoH(&value, v->word, sizeof(value)));
	CHECK(value == word);
	CUDA(cuPointerGetAttribute(&managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, v->word));
	CHECK(managed == 1);
	/* It is the module's: nobody else may free it. */
	CUDA_IS(cuMemFree(v->word), CUDA_ERROR_INVALID_VALUE);
}

static void run(const struct vars *v, CUmodule module)
{
	const volatile unsigned int *rows = (const volatile unsigned int *)(uintptr_t)v->rows;
	volatile unsigned int *word = (volatile unsigned int *)(uintptr_t)v->word;
	CUfunction twice;

	CUDA(cuModuleGetFunction(&twice, module, "twice"));
	*word = 21;
	CUDA(cuLaunchKernel(twice, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
	CUDA(cuCtxSynchronize());
	CHECK(*word == 42);
	CHECK(rows[2047] == 9);
}

static void use_library(void)
{
	struct vars v = { 0 };
	CUlibrary library;
	CUmodule module;
	size_t size = 0;
	CUdeviceptr p = 0;

	CUDA(cuLibraryLoadData(&library, managed_ptx, NULL, NULL, 0, NULL, NULL, 0));
	CUDA(cuLibraryGetManaged(&v.word, &size, library, "word"));
	CHECK(size == 4);
	CUDA(cuLibraryGetManaged(&v.odd, NULL, library, "odd"));
	CUDA(cuLibraryGetManaged(&v.rows, &size, library, "rows"));
	CHECK(size == 8192);
	CUDA_IS(cuLibraryGetManaged(&p, NULL, library, "plain"), CUDA_ERROR_NOT_FOUND);
	look(&v, 3);
	CUDA(cuLibraryGetModule(&module, library));
	CUDA(cuModuleGetGlobal(&p, &size, module, "word"));
	CHECK(p == v.word);
	CUDA(cuLibraryGetGlobal(&p, &size, library, "word"));
	CHECK(p == v.word);
	run(&v, module);
	look(&v, 42);
	CUDA(cuLibraryUnload(library));
	CUDA_IS(cuPointerGetAttribute(&size, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, v.word),
		CUDA_ERROR_INVALID_VALUE);
}

static void use_module(void)
{
	struct vars v = { 0 };
	CUmodule module;
	size_t size;

	CUDA(cuModuleLoadData(&module, managed_ptx));
	CUDA(cuModuleGetGlobal(&v.word, &size, module, "word"));
	CUDA(cuModuleGetGlobal(&v.odd, &size, module, "odd"));
	CUDA(cuModuleGetGlobal(&v.rows, &size, module, "rows"));
	look(&v, 3);
	run(&v, module);
	CUDA(cuModuleUnload(module));
}

/* Often enough that what is not given back would be missed. */
static void come_and_go(void)
{
	for (int i = 0; i < 40; i++) {
		CUmodule module;

		CUDA(cuModuleLoadData(&module, managed_ptx));
		CUDA(cuModuleUnload(module));
	}
}

/* A reset takes the module along, and its variables with it. */
static void reset(void)
{
	unsigned int type;
	CUdeviceptr p = 0;
	CUmodule module;
	size_t size;

	CUDA(cuModuleLoadData(&module, managed_ptx));
	CUDA(cuModuleGetGlobal(&p, &size, module, "word"));
	CUDA(cuDevicePrimaryCtxReset(0));
	CUDA_IS(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, p),
		CUDA_ERROR_INVALID_VALUE);
}

int main(int argc, char **argv)
{
	prog_begin(argc, argv, "managed_variables", 1);
	driver_begin();
	use_library();
	use_module();
	come_and_go();
	reset();
	driver_begin();
	use_library();
	CUDA(cuDevicePrimaryCtxRelease(0));
	prog_int("variables", 3);
	return prog_end();
}
