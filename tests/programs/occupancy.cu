// SPDX-License-Identifier: Apache-2.0
// What a kernel needs, and how many of its blocks fit.
#include <cuda_runtime.h>

#include "prog.h"

__global__ void __launch_bounds__(256) bounded(float *p)
{
	__shared__ float s[512];

	s[threadIdx.x] = p[threadIdx.x];
	__syncthreads();
	p[threadIdx.x] = s[255 - threadIdx.x];
}

__global__ void dynamic(int *p, int n)
{
	extern __shared__ int s[];

	for (int i = threadIdx.x; i < n; i += blockDim.x)
		s[i] = i;
	__syncthreads();
	if (threadIdx.x == 0)
		p[0] = s[n - 1];
}

int main(int argc, char **argv)
{
	struct cudaFuncAttributes attr;
	int blocks = -1, grid = 0, block = 0, optin = 0, n, *p, value = 0;

	prog_begin(argc, argv, "occupancy", 1);
	CUDA(cudaFuncGetAttributes(&attr, bounded));
	CHECK(attr.maxThreadsPerBlock == 256);
	CHECK(attr.sharedSizeBytes == 2048);
	CHECK(attr.numRegs > 0);
	CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, bounded, 256, 0));
	CHECK(blocks >= 1);
	CUDA(cudaOccupancyMaxPotentialBlockSize(&grid, &block, bounded));
	CHECK(grid >= 1 && block >= 32 && block <= 256);
	// More shared memory than without asking.
	CUDA(cudaDeviceGetAttribute(&optin, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
	n = optin / (int)sizeof(int);
	CUDA(cudaMalloc(&p, sizeof(int)));
	if (optin > 48 * 1024) {
		dynamic<<<1, 64, optin>>>(p, n);
		CHECK(cudaGetLastError() != cudaSuccess);
		CUDA(cudaFuncSetAttribute(dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize,
					  optin));
	}
	dynamic<<<1, 64, optin>>>(p, n);
	CUDA(cudaMemcpy(&value, p, sizeof(value), cudaMemcpyDeviceToHost));
	CHECK(value == n - 1);
	prog_int("threads", attr.maxThreadsPerBlock);
	prog_int("shared", attr.sharedSizeBytes);
	return prog_end();
}
