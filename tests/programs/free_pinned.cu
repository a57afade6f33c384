// SPDX-License-Identifier: Apache-2.0
// Pinned memory is freed while a kernel writes to it: the free waits.
#include <cuda_runtime.h>

#include "prog.h"

__global__ void scribble(volatile int *p, int n, int rounds)
{
	for (int r = 0; r < rounds; r++) {
		for (int i = threadIdx.x; i < n; i += blockDim.x)
			p[i] = r;
	}
}

int main(int argc, char **argv)
{
	int n = prog_begin(argc, argv, "free_pinned", 4096), *p;
	cudaStream_t stream;

	CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	for (int round = 0; round < 3; round++) {
		CUDA(cudaMallocHost(&p, n * sizeof(int)));
		scribble<<<1, 32, 0, stream>>>(p, n, 20);
		CUDA(cudaGetLastError());
		CUDA(cudaFreeHost(p));
		CUDA_IS(cudaStreamQuery(stream), cudaSuccess);
	}
	CUDA(cudaDeviceSynchronize());
	prog_int("n", n);
	return prog_end();
}
