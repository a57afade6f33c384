// SPDX-License-Identifier: Apache-2.0
// Histogram of bytes: shared atomics per block, global atomics at its end.
#include <cuda_runtime.h>

#include "prog.h"

#define BINS 256

__global__ void histogram(const unsigned char *in, int n, unsigned int *bins)
{
	__shared__ unsigned int mine[BINS];

	mine[threadIdx.x] = 0;
	__syncthreads();
	for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
		atomicAdd(&mine[in[i]], 1u);
	__syncthreads();
	atomicAdd(&bins[threadIdx.x], mine[threadIdx.x]);
}

int main(int argc, char **argv)
{
	int n = prog_begin(argc, argv, "histogram", 100000);
	unsigned char *in = (unsigned char *)malloc(n), *din;
	unsigned int bins[BINS], want[BINS] = { 0 }, *dbins;
	unsigned long long seed = 4;

	for (int i = 0; i < n; i++) {
		in[i] = (prog_random(&seed) & 0xff) & (prog_random(&seed) & 0xff);
		want[in[i]]++;
	}
	CUDA(cudaMalloc(&din, n));
	CUDA(cudaMalloc(&dbins, sizeof(bins)));
	CUDA(cudaMemcpy(din, in, n, cudaMemcpyHostToDevice));
	CUDA(cudaMemset(dbins, 0, sizeof(bins)));
	histogram<<<8, BINS>>>(din, n, dbins);
	CUDA(cudaGetLastError());
	CUDA(cudaMemcpy(bins, dbins, sizeof(bins), cudaMemcpyDeviceToHost));
	for (int i = 0; i < BINS; i++)
		CHECK(bins[i] == want[i]);
	prog_int("zeros", bins[0]);
	prog_int("hash", prog_hash(bins, sizeof(bins)));
	return prog_end();
}
