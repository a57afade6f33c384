// SPDX-License-Identifier: Apache-2.0
// A block of 1,024 threads on a kernel made for 256 is refused at once, and is
// no lasting error: the next, good launch works. So for autotuners.
#include <cuda_runtime.h>

#include "prog.h"

__global__ void __launch_bounds__(256) small(int *p)
{
	p[threadIdx.x] = threadIdx.x;
}

int main(int argc, char **argv)
{
	int host[256], *p, err;

	prog_begin(argc, argv, "block_1024", 1);
	CUDA(cudaMalloc(&p, 1024 * sizeof(int)));
	for (int round = 0; round < 3; round++) {
		CUDA(cudaMemset(p, 0xff, 1024 * sizeof(int)));
		small<<<1, 1024>>>(p);
		err = cudaGetLastError();
		CHECK(err == cudaErrorLaunchOutOfResources || err == cudaErrorInvalidValue);
		CUDA_IS(cudaGetLastError(), cudaSuccess);
		small<<<1, 2048>>>(p);
		err = cudaGetLastError();
		CHECK(err == cudaErrorInvalidConfiguration || err == cudaErrorInvalidValue);
		small<<<1, 256>>>(p);
		CUDA(cudaGetLastError());
		CUDA(cudaMemcpy(host, p, sizeof(host), cudaMemcpyDeviceToHost));
		for (int i = 0; i < 256; i++)
			CHECK(host[i] == i);
	}
	prog_int("rounds", 3);
	return prog_end();
}
