/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/socket/sock_cuda.h"

#include "tests/socket/sock.h"

#define HEAD ".version 6.3\n.target sm_75\n.address_size 64\n"
#define REGS "\t.reg .pred %p<2>;\n\t.reg .b64 %rd<3>;\n\t.reg .b32 %r<3>;\n"

static const char ptx[] = HEAD
	".visible .entry count(.param .u64 p)\n{\n" REGS
	"\tld.param.u64 %rd1, [p];\n"
	"\tld.global.u32 %r1, [%rd1];\n"
	"\tadd.u32 %r2, %r1, 1;\n"
	"\tst.global.u32 [%rd1], %r2;\n"
	"\tret;\n}\n"
	".visible .entry spin(.param .u64 p)\n{\n" REGS
	"\tld.param.u64 %rd1, [p];\n"
	"AGAIN:\n"
	"\tld.volatile.global.u32 %r1, [%rd1];\n"
	"\tsetp.eq.u32 %p1, %r1, 0;\n"
	"\t@%p1 bra AGAIN;\n"
	"\tret;\n}\n"
	".visible .entry set(.param .u64 p, .param .u32 v)\n{\n" REGS
	"\tld.param.u64 %rd1, [p];\n"
	"\tld.param.u32 %r1, [v];\n"
	"\tst.volatile.global.u32 [%rd1], %r1;\n"
	"\tret;\n}\n";

void sock_cuda_begin(struct sock_cuda *cu)
{
	static const CUuuid id = { CW_STAT_UUID_BYTES };
	void *word;

	OK(cuInit(0));
	OK(cuDevicePrimaryCtxRetain(&cu->ctx, 0));
	OK(cuCtxSetCurrent(cu->ctx));
	OK(cuModuleLoadData(&cu->module, ptx));
	OK(cuModuleGetFunction(&cu->count, cu->module, "count"));
	OK(cuModuleGetFunction(&cu->spin, cu->module, "spin"));
	OK(cuModuleGetFunction(&cu->set, cu->module, "set"));
	OK(cuMemAlloc_v2(&cu->counter, 4096));
	OK(cuMemsetD32_v2(cu->counter, 0, 1024));
	OK(cuMemHostAlloc(&word, 4096, CU_MEMHOSTALLOC_DEVICEMAP));
	cu->word = word;
	*cu->word = 0;
	OK(cuGetExportTable((const void **)&cu->stat, &id));
}

CUresult sock_count(struct sock_cuda *cu, CUstream stream)
{
	void *params[] = { &cu->counter };

	return cuLaunchKernel(cu->count, 1, 1, 1, 1, 1, 1, 0, stream, params, NULL);
}

CUresult sock_spin(struct sock_cuda *cu, CUstream stream)
{
	void *params[] = { &cu->word };

	return cuLaunchKernel(cu->spin, 1, 1, 1, 1, 1, 1, 0, stream, params, NULL);
}

unsigned int sock_counted(struct sock_cuda *cu)
{
	unsigned int n = 0;

	OK(cuCtxSynchronize());
	OK(cuMemcpyDtoH_v2(&n, cu->counter, sizeof(n)));
	return n;
}
