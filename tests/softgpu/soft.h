/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the driver API: a context, and kernels as PTX text.
 */
#ifndef TESTS_SOFTGPU_SOFT_H
#define TESTS_SOFTGPU_SOFT_H

#include "cuda_proto.h"
#include "cw/cuda.h"
#include "cw/util.h"
#include "tests/tap.h"

#define HEAD ".version 6.3\n.target sm_75\n.address_size 64\n"

/* %r1: global index of the thread along x. */
#define INDEX                                                                                      \
	"mov.u32 %r2, %ctaid.x;\n"                                                                 \
	"mov.u32 %r3, %ntid.x;\n"                                                                  \
	"mov.u32 %r4, %tid.x;\n"                                                                   \
	"mad.lo.s32 %r1, %r2, %r3, %r4;\n"

static const char kernels[] = HEAD
	".visible .global .align 4 .u32 counter = 7;\n"
	/* c[i] = a[i] + b[i] for i < n */
	".visible .entry add(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n)\n{\n"
	".reg .pred %p<2>; .reg .f32 %f<4>; .reg .b32 %r<6>; .reg .b64 %rd<9>;\n"
	"ld.param.u64 %rd1, [a];\nld.param.u64 %rd2, [b];\nld.param.u64 %rd3, [c];\n"
	"ld.param.u32 %r5, [n];\n" INDEX
	"setp.ge.s32 %p1, %r1, %r5;\n@%p1 bra done;\n"
	"mul.wide.s32 %rd4, %r1, 4;\nadd.s64 %rd5, %rd1, %rd4;\nadd.s64 %rd6, %rd2, %rd4;\n"
	"add.s64 %rd7, %rd3, %rd4;\nld.global.f32 %f1, [%rd5];\nld.global.f32 %f2, [%rd6];\n"
	"add.f32 %f3, %f1, %f2;\nst.global.f32 [%rd7], %f3;\ndone:\nret;\n}\n"
	/* p[i] = v + i */
	".visible .entry fill(.param .u64 p, .param .u32 v)\n{\n"
	".reg .b32 %r<8>; .reg .b64 %rd<4>;\n"
	"ld.param.u64 %rd1, [p];\nld.param.u32 %r5, [v];\n" INDEX
	"mul.wide.s32 %rd2, %r1, 4;\nadd.s64 %rd3, %rd1, %rd2;\nadd.u32 %r6, %r5, %r1;\n"
	"st.global.u32 [%rd3], %r6;\nret;\n}\n"
	/* while (*p != v) ; */
	".visible .entry spin(.param .u64 p, .param .u32 v)\n{\n"
	".reg .pred %p<2>; .reg .b32 %r<4>; .reg .b64 %rd<2>;\n"
	"ld.param.u64 %rd1, [p];\nld.param.u32 %r1, [v];\nagain:\n"
	"ld.volatile.global.u32 %r2, [%rd1];\nsetp.ne.u32 %p1, %r2, %r1;\n@%p1 bra again;\n"
	"ret;\n}\n"
	/* *p = v */
	".visible .entry store(.param .u64 p, .param .u32 v)\n{\n"
	".reg .b32 %r<2>; .reg .b64 %rd<2>;\n"
	"ld.param.u64 %rd1, [p];\nld.param.u32 %r1, [v];\nst.volatile.global.u32 [%rd1], %r1;\n"
	"ret;\n}\n"
	/* *(u8 *)p = v */
	".visible .entry store_byte(.param .u64 p, .param .u32 v)\n{\n"
	".reg .b32 %r<2>; .reg .b64 %rd<2>;\n"
	"ld.param.u64 %rd1, [p];\nld.param.u32 %r1, [v];\nst.global.u8 [%rd1], %r1;\nret;\n}\n"
	".visible .entry trap_now()\n{\ntrap;\n}\n"
	".visible .entry nothing()\n{\nret;\n}\n"
	".visible .entry bounded()\n.maxntid 64, 1, 1\n{\nret;\n}\n"
	/* counter += 1 */
	".visible .entry count()\n{\n.reg .b32 %r<3>; .reg .b64 %rd<2>;\n"
	"mov.u64 %rd1, counter;\natom.global.add.u32 %r1, [%rd1], 1;\nret;\n}\n";

static CUcontext soft_ctx;
static CUmodule soft_module;

/* Check a driver call. */
#define OK(call) CHECK_EQ(call, CUDA_SUCCESS)

/* A fresh primary context and the kernels in it. */
static inline void soft_start(void)
{
	OK(cuInit(0));
	OK(cuDevicePrimaryCtxReset_v2(0));
	OK(cuDevicePrimaryCtxRetain(&soft_ctx, 0));
	OK(cuCtxSetCurrent(soft_ctx));
	OK(cuModuleLoadData(&soft_module, kernels));
}

static inline CUfunction soft_kernel(const char *name)
{
	CUfunction func = NULL;

	OK(cuModuleGetFunction(&func, soft_module, name));
	return func;
}

/* Launch a kernel whose parameters are a pointer and a number. */
static inline CUresult soft_launch(const char *name, unsigned blocks, unsigned threads,
				   CUstream stream, CUdeviceptr p, unsigned v)
{
	void *params[] = { &p, &v };

	return cuLaunchKernel(soft_kernel(name), blocks, 1, 1, threads, 1, 1, 0, stream, params,
			      NULL);
}

static inline CUdeviceptr soft_alloc(size_t size)
{
	CUdeviceptr p = 0;

	OK(cuMemAlloc_v2(&p, size));
	return p;
}

#endif
