/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capture mode of a thread, exchanged back and forth between launches, as
 * frameworks' allocators do: the mode is the thread's own and comes back as it
 * was set, and launches keep their order whether the thread is bound or not
 * (SEMANTICS 2).
 */
#include <cuda.h>

#include "prog.h"

#define LAUNCHES 40

static const char ptx[] = ".version 6.3\n"
			  ".target sm_75\n"
			  ".address_size 64\n"
			  ".visible .entry count(.param .u64 word, .param .u32 wanted)\n"
			  "{\n"
			  "	.reg .pred %p<2>;\n"
			  "	.reg .b32 %r<4>;\n"
			  "	.reg .b64 %rd<2>;\n"
			  "	ld.param.u64 %rd1, [word];\n"
			  "	ld.param.u32 %r1, [wanted];\n"
			  "	ld.global.u32 %r2, [%rd1];\n"
			  "	setp.ne.u32 %p1, %r1, %r2;\n"
			  "	@%p1 bra OUT;\n"
			  "	add.u32 %r3, %r2, 1;\n"
			  "	st.global.u32 [%rd1], %r3;\n"
			  "OUT:\n"
			  "	ret;\n"
			  "}\n";

/* Each launch counts only if all before it have. */
static unsigned int launches(CUfunction f, CUdeviceptr word, unsigned int from)
{
	for (unsigned int i = 0; i < LAUNCHES; i++, from++) {
		void *params[] = { &word, &from };

		CUDA(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL));
	}
	return from;
}

int main(int argc, char **argv)
{
	int rounds = prog_begin(argc, argv, "capture_mode", 20);
	unsigned int made = 0, counted = 0;
	CUstreamCaptureMode mode;
	CUdeviceptr word;
	CUfunction f;
	CUmodule mod;
	CUcontext ctx;

	CUDA(cuInit(0));
	CUDA(cuDevicePrimaryCtxRetain(&ctx, 0));
	CUDA(cuCtxSetCurrent(ctx));
	CUDA(cuModuleLoadData(&mod, ptx));
	CUDA(cuModuleGetFunction(&f, mod, "count"));
	CUDA(cuMemAlloc(&word, 4));
	CUDA(cuMemsetD32(word, 0, 1));
	for (int i = 0; i < rounds; i++) {
		mode = CU_STREAM_CAPTURE_MODE_RELAXED;
		CUDA(cuThreadExchangeStreamCaptureMode(&mode));
		CHECK(mode == CU_STREAM_CAPTURE_MODE_GLOBAL);
		made = launches(f, word, made);
		CUDA(cuThreadExchangeStreamCaptureMode(&mode));
		CHECK(mode == CU_STREAM_CAPTURE_MODE_RELAXED);
		made = launches(f, word, made);
	}
	CUDA(cuMemcpyDtoH(&counted, word, sizeof(counted)));
	CHECK(counted == made);
	CUDA(cuMemFree(word));
	CUDA(cuModuleUnload(mod));
	CUDA(cuDevicePrimaryCtxRelease(0));
	prog_int("launches", counted);
	return prog_end();
}
