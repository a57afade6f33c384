/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver API alone: a module from PTX text, its function, its variable,
 * launches by pointers and by a packed buffer, and what bad PTX answers.
 */
#include <cuda.h>

#include "prog.h"

static const char ptx[] = ".version 6.3\n"
			  ".target sm_75\n"
			  ".address_size 64\n"
			  ".visible .global .align 4 .u32 factor = 3;\n"
			  ".visible .entry multiply(.param .u64 data, .param .u32 n)\n"
			  "{\n"
			  "	.reg .pred %p<2>;\n"
			  "	.reg .b32 %r<8>;\n"
			  "	.reg .b64 %rd<5>;\n"
			  "	ld.param.u64 %rd1, [data];\n"
			  "	ld.param.u32 %r1, [n];\n"
			  "	mov.u32 %r2, %ctaid.x;\n"
			  "	mov.u32 %r3, %ntid.x;\n"
			  "	mov.u32 %r4, %tid.x;\n"
			  "	mad.lo.s32 %r5, %r2, %r3, %r4;\n"
			  "	setp.ge.u32 %p1, %r5, %r1;\n"
			  "	@%p1 bra DONE;\n"
			  "	cvta.to.global.u64 %rd2, %rd1;\n"
			  "	mul.wide.u32 %rd3, %r5, 4;\n"
			  "	add.s64 %rd4, %rd2, %rd3;\n"
			  "	ld.global.u32 %r6, [%rd4];\n"
			  "	ld.global.u32 %r7, [factor];\n"
			  "	mul.lo.s32 %r6, %r6, %r7;\n"
			  "	st.global.u32 [%rd4], %r6;\n"
			  "DONE:\n"
			  "	ret;\n"
			  "}\n";

static void launch_both_ways(CUfunction f, CUdeviceptr data, unsigned int n)
{
	void *params[] = { &data, &n };
	struct {
		CUdeviceptr data;
		unsigned int n;
	} packed = { data, n };
	size_t size = 12;
	void *extra[] = { CU_LAUNCH_PARAM_BUFFER_POINTER, &packed, CU_LAUNCH_PARAM_BUFFER_SIZE,
			  &size, CU_LAUNCH_PARAM_END };
	unsigned int blocks = (n + 31) / 32;

	CUDA(cuLaunchKernel(f, blocks, 1, 1, 32, 1, 1, 0, NULL, params, NULL));
	CUDA(cuLaunchKernel(f, blocks, 1, 1, 32, 1, 1, 0, NULL, NULL, extra));
}

int main(int argc, char **argv)
{
	int n = prog_begin(argc, argv, "module_ptx", 100), five = 5;
	unsigned int *host = calloc((size_t)n, sizeof(*host));
	CUdeviceptr data, factor;
	CUdevice dev;
	CUcontext ctx;
	CUmodule module;
	CUfunction f;
	size_t size;

	for (int i = 0; i < n; i++)
		host[i] = (unsigned int)i;
	CUDA(cuInit(0));
	CUDA(cuDeviceGet(&dev, 0));
	CUDA(cuDevicePrimaryCtxRetain(&ctx, dev));
	CUDA(cuCtxSetCurrent(ctx));
	CUDA(cuModuleLoadData(&module, ptx));
	CUDA(cuModuleGetFunction(&f, module, "multiply"));
	CUDA_IS(cuModuleGetFunction(&f, module, "divide"), CUDA_ERROR_NOT_FOUND);
	CUDA(cuModuleGetFunction(&f, module, "multiply"));
	CUDA(cuModuleGetGlobal(&factor, &size, module, "factor"));
	CHECK(size == 4);
	CUDA(cuMemAlloc(&data, (size_t)n * 4));
	CUDA(cuMemcpyHtoD(data, host, (size_t)n * 4));
	launch_both_ways(f, data, (unsigned int)n);
	CUDA(cuMemcpyHtoD(factor, &five, 4));
	launch_both_ways(f, data, (unsigned int)n);
	CUDA(cuCtxSynchronize());
	CUDA(cuMemcpyDtoH(host, data, (size_t)n * 4));
	for (int i = 0; i < n; i++)
		CHECK(host[i] == (unsigned int)i * 225);
	CUDA(cuModuleUnload(module));
	CUDA_IS(cuModuleLoadData(&module, ".version 6.3\n.target sm_75\n.entry broken( {"),
		CUDA_ERROR_INVALID_PTX);
	CUDA(cuMemFree(data));
	CUDA(cuDevicePrimaryCtxRelease(dev));
	free(host);
	prog_int("n", n);
	return prog_end();
}
