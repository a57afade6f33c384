// SPDX-License-Identifier: Apache-2.0
// A store outside of any memory: error 700, by every later call, until a
// reset; then the device works again.
#include <cuda_runtime.h>

#include "prog.h"

__global__ void store(int *p)
{
	*p = 42;
}

int main(int argc, char **argv)
{
	int *good, value = 0;

	prog_begin(argc, argv, "illegal_address", 1);
	CUDA(cudaMalloc(&good, sizeof(int)));
	store<<<1, 1>>>((int *)0x10);
	CUDA_IS(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
	CUDA_IS(cudaGetLastError(), cudaErrorIllegalAddress);
	CUDA_IS(cudaMemcpy(&value, good, sizeof(int), cudaMemcpyDeviceToHost),
		cudaErrorIllegalAddress);
	store<<<1, 1>>>(good);
	CUDA_IS(cudaGetLastError(), cudaErrorIllegalAddress);
	cudaDeviceReset();
	CUDA_IS(cudaGetLastError(), cudaSuccess);
	CUDA(cudaMalloc(&good, sizeof(int)));
	store<<<1, 1>>>(good);
	CUDA(cudaMemcpy(&value, good, sizeof(int), cudaMemcpyDeviceToHost));
	CHECK(value == 42);
	prog_str("error", cudaGetErrorName(cudaErrorIllegalAddress));
	return prog_end();
}
