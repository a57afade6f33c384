// SPDX-License-Identifier: Apache-2.0
// assert() in a kernel: error 710, and a line on stderr that names it. A trap
// is error 719 (or 715 where the device says illegal instruction).
#undef NDEBUG
#include <cuda_runtime.h>
#include <assert.h>
#include <unistd.h>

#include "prog.h"

__global__ void must(int *p)
{
	assert(threadIdx.x < 5 && "five threads at most");
	p[threadIdx.x] = 1;
}

__global__ void stop(void)
{
	asm volatile("trap;");
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/causeway-assert-XXXXXX", text[4096] = "";
	int file = mkstemp(path), saved = dup(2), *p, err;
	ssize_t n;

	prog_begin(argc, argv, "assert", 1);
	CUDA(cudaMalloc(&p, 32 * sizeof(int)));
	must<<<1, 5>>>(p);
	CUDA(cudaDeviceSynchronize());
	dup2(file, 2);
	must<<<1, 6>>>(p);
	CUDA_IS(cudaDeviceSynchronize(), cudaErrorAssert);
	fflush(stderr);
	dup2(saved, 2);
	n = pread(file, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = 0;
	unlink(path);
	CHECK(strstr(text, "five threads at most") && strstr(text, "thread: [5,0,0]"));
	cudaDeviceReset();
	stop<<<1, 1>>>();
	err = cudaDeviceSynchronize();
	CHECK(err == cudaErrorLaunchFailure || err == cudaErrorIllegalInstruction);
	prog_str("error", cudaGetErrorName(cudaErrorAssert));
	return prog_end();
}
