/* SPDX-License-Identifier: Apache-2.0 */
/* softgpu/api/module.c, library.c: code in contexts. */
#include <unistd.h>

#include "tests/softgpu/soft.h"

static unsigned read_word(CUdeviceptr p)
{
	unsigned out = 0;

	OK(cuMemcpyDtoH_v2(&out, p, 4));
	return out;
}

TEST(variables_start_with_their_values_and_are_shared_by_kernels)
{
	CUdeviceptr p;
	size_t size;

	soft_start();
	OK(cuModuleGetGlobal_v2(&p, &size, soft_module, "counter"));
	CHECK_EQ(size, 4);
	CHECK_EQ(read_word(p), 7);
	OK(cuLaunchKernel(soft_kernel("count"), 10, 1, 1, 32, 1, 1, 0, NULL, NULL, NULL));
	CHECK_EQ(read_word(p), 7 + 320);
	CHECK_EQ(cuModuleGetGlobal_v2(&p, &size, soft_module, "none"), CUDA_ERROR_NOT_FOUND);
}

TEST(names_that_are_not_there_are_not_found)
{
	CUfunction func;
	CUmodule module = NULL;
	unsigned n;

	soft_start();
	CHECK_EQ(cuModuleGetFunction(&func, soft_module, "none"), CUDA_ERROR_NOT_FOUND);
	OK(cuModuleGetFunctionCount(&n, soft_module));
	CHECK(n >= 8);
	CHECK_EQ(cuModuleGetFunction(&func, module, "add"), CUDA_ERROR_INVALID_HANDLE);
	OK(cuModuleUnload(soft_module));
	CHECK_EQ(cuModuleUnload(soft_module), CUDA_ERROR_INVALID_HANDLE);
	CHECK_EQ(cuModuleGetFunction(&func, soft_module, "add"), CUDA_ERROR_INVALID_HANDLE);
}

TEST(images_that_are_none_are_refused)
{
	CUmodule module;

	soft_start();
	CHECK_EQ(cuModuleLoadData(&module, NULL), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(cuModuleLoadData(&module, "\1\2\3\4"), CUDA_ERROR_INVALID_IMAGE);
	CHECK_EQ(cuModuleLoadData(&module, "no PTX at all"), CUDA_ERROR_INVALID_PTX);
	CHECK_EQ(cuModuleLoadData(&module, "\177ELF\2\1\1"), CUDA_ERROR_NO_BINARY_FOR_GPU);
	CHECK_EQ(cuModuleLoad(&module, "/nonexistent/file.ptx"), CUDA_ERROR_FILE_NOT_FOUND);
}

TEST(a_module_comes_from_a_file)
{
	char path[] = "/tmp/t_api_module.XXXXXX";
	int fd = mkstemp(path);
	CUmodule module;
	CUfunction func;

	soft_start();
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, kernels, sizeof(kernels) - 1), sizeof(kernels) - 1);
	close(fd);
	OK(cuModuleLoad(&module, path));
	unlink(path);
	OK(cuModuleGetFunction(&func, module, "nothing"));
}

TEST(a_library_lives_through_a_reset_with_fresh_variables)
{
	CUlibrary lib;
	CUkernel kernel, again;
	CUdeviceptr p;
	size_t size;

	soft_start();
	OK(cuLibraryLoadData(&lib, kernels, NULL, NULL, 0, NULL, NULL, 0));
	OK(cuLibraryGetKernel(&kernel, lib, "count"));
	OK(cuLibraryGetKernel(&again, lib, "count"));
	CHECK(kernel == again);
	CHECK_EQ(cuLibraryGetKernel(&again, lib, "none"), CUDA_ERROR_NOT_FOUND);
	for (int i = 0; i < 2; i++) {
		OK(cuLibraryGetGlobal(&p, &size, lib, "counter"));
		CHECK_EQ(read_word(p), 7);
		/* A kernel of a library is launched as it is. */
		OK(cuLaunchKernel((CUfunction)kernel, 1, 1, 1, 5, 1, 1, 0, NULL, NULL, NULL));
		CHECK_EQ(read_word(p), 12);
		soft_start();
	}
	OK(cuLibraryUnload(lib));
	CHECK_EQ(cuLibraryUnload(lib), CUDA_ERROR_INVALID_HANDLE);
	CHECK_EQ(cuLaunchKernel((CUfunction)kernel, 1, 1, 1, 5, 1, 1, 0, NULL, NULL, NULL),
		 CUDA_ERROR_INVALID_HANDLE);
}

TEST(a_librarys_variables_belong_to_one_context)
{
	CUdeviceptr p, q;
	CUcontext other;
	CUkernel kernel;
	CUlibrary lib;
	size_t size;

	soft_start();
	OK(cuLibraryLoadData(&lib, kernels, NULL, NULL, 0, NULL, NULL, 0));
	OK(cuLibraryGetKernel(&kernel, lib, "count"));
	OK(cuLibraryGetGlobal(&p, &size, lib, "counter"));
	OK(cuCtxCreate_v2(&other, 0, 0));
	OK(cuLibraryGetGlobal(&q, &size, lib, "counter"));
	CHECK(p != q);
	OK(cuLaunchKernel((CUfunction)kernel, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
	CHECK_EQ(read_word(q), 8);
	CHECK_EQ(read_word(p), 7);
	OK(cuCtxDestroy_v2(other));
	OK(cuLaunchKernel((CUfunction)kernel, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
	CHECK_EQ(read_word(p), 8);
	OK(cuLibraryUnload(lib));
}

static const char managed_text[] = HEAD
	".visible .global .attribute(.managed) .align 4 .u32 shared_word = 41;\n"
	".visible .global .align 4 .u32 plain_word = 1;\n"
	".visible .entry bump()\n{\n.reg .b32 %r<2>; .reg .b64 %rd<2>;\n"
	"mov.u64 %rd1, shared_word;\natom.global.add.u32 %r1, [%rd1], 1;\nret;\n}\n";

TEST(managed_variables_need_no_context_and_keep_what_the_host_wrote)
{
	CUkernel kernel;
	CUdeviceptr p;
	CUlibrary lib;
	size_t size;

	OK(cuInit(0));
	OK(cuDevicePrimaryCtxReset_v2(0));
	OK(cuCtxSetCurrent(NULL));
	OK(cuLibraryLoadData(&lib, managed_text, NULL, NULL, 0, NULL, NULL, 0));
	OK(cuLibraryGetManaged(&p, &size, lib, "shared_word"));
	CHECK_EQ(size, 4);
	CHECK_EQ(*(unsigned *)p, 41);
	CHECK_EQ(cuLibraryGetManaged(&p, &size, lib, "plain_word"), CUDA_ERROR_NOT_FOUND);
	*(unsigned *)p = 100;
	soft_start();
	OK(cuLibraryGetKernel(&kernel, lib, "bump"));
	OK(cuLaunchKernel((CUfunction)kernel, 1, 1, 1, 3, 1, 1, 0, NULL, NULL, NULL));
	OK(cuCtxSynchronize());
	CHECK_EQ(*(unsigned *)p, 103);
	CHECK_EQ(cuMemFree_v2(p), CUDA_ERROR_INVALID_VALUE);
	OK(cuLibraryUnload(lib));
}

TEST(texts_of_relocatable_code_are_linked)
{
	static const char user[] = HEAD
		".extern .global .align 4 .u32 word;\n"
		".visible .entry use(.param .u64 p)\n{\n.reg .b32 %r<3>; .reg .b64 %rd<3>;\n"
		"ld.param.u64 %rd1, [p];\nmov.u64 %rd2, word;\nld.global.u32 %r1, [%rd2];\n"
		"st.global.u32 [%rd1], %r1;\nret;\n}\n";
	static const char owner[] = HEAD ".visible .global .align 4 .u32 word = 77;\n";
	struct bin {
		uint32_t magic;
		uint16_t version, header;
		uint64_t size;
		uint16_t kind, entry_version;
		uint32_t entry_header;
		uint64_t payload;
		uint32_t packed, options;
		uint16_t minor, major;
		uint32_t arch, name, name_len;
		uint64_t flags, reserved, unpacked;
		char text[1024];
	} a = { 0xba55ed50, 1, 16, 64 + 1024, 1, 0x101, 64, 1024, 0, 0, 3, 6, 75, 0, 0, 0x11 },
	  b = a;
	struct {
		uint32_t magic, version;
		const void *data;
		const void *const *list;
	} wrapper = { 0x466243b1, 2, NULL, (const void *const[]){ &a, &b, NULL } };
	CUfunction func;
	CUmodule module;
	CUdeviceptr p;
	void *params[] = { &p };

	strcpy(a.text, user);
	strcpy(b.text, owner);
	soft_start();
	p = soft_alloc(4);
	OK(cuModuleLoadData(&module, &wrapper));
	OK(cuModuleGetFunction(&func, module, "use"));
	OK(cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL));
	CHECK_EQ(read_word(p), 77);
	/* Alone it lacks the variable. */
	CHECK_EQ(cuModuleLoadData(&module, user), CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND);
}

TEST(unloading_waits_for_kernels_that_run)
{
	CUfunction func;

	soft_start();
	func = soft_kernel("count");
	OK(cuLaunchKernel(func, 2000, 1, 1, 32, 1, 1, 0, NULL, NULL, NULL));
	OK(cuModuleUnload(soft_module));
	CHECK_EQ(cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL),
		 CUDA_ERROR_INVALID_HANDLE);
	OK(cuCtxSynchronize());
}

TAP_MAIN()
