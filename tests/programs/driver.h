/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs of the driver API share: a context, kernels as PTX text, and
 * functions as older programs know them.
 */
#ifndef PROGRAMS_DRIVER_H
#define PROGRAMS_DRIVER_H

#include <cuda.h>

#include "prog.h"

/* scale: data[i] *= factor for i < n, with a bounded block; idle: nothing. */
static const char driver_ptx[] = ".version 6.3\n"
				 ".target sm_75\n"
				 ".address_size 64\n"
				 ".visible .global .align 4 .u32 factor = 3;\n"
				 ".visible .entry scale(.param .u64 data, .param .u32 n)\n"
				 ".maxntid 256, 1, 1\n"
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
				 "}\n"
				 ".visible .entry idle()\n"
				 "{\n"
				 "	ret;\n"
				 "}\n";

/* The primary context of device 0, current. */
static inline CUcontext driver_begin(void)
{
	CUcontext ctx;

	CUDA(cuInit(0));
	CUDA(cuDevicePrimaryCtxRetain(&ctx, 0));
	CUDA(cuCtxSetCurrent(ctx));
	return ctx;
}

/* What a program built with CUDA @version, 3020 for 3.2, calls @name. */
static inline void *driver_old(const char *name, int version)
{
	void *f = NULL;

	CUDA(cuGetProcAddress(name, &f, version, CU_GET_PROC_ADDRESS_DEFAULT, NULL));
	if (!f) {
		prog_fail("%s of %d is not there", name, version);
		exit(prog_end());
	}
	return f;
}

#endif
