// SPDX-License-Identifier: Apache-2.0
// Memory in stream order: allocated, used and freed with no wait in between.
#include <cuda_runtime.h>

#include "prog.h"

__global__ void fill(int *p, int n, int v)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		p[i] = v + i;
}

int main(int argc, char **argv)
{
	int n = prog_begin(argc, argv, "pool", 1000), supported = 0;
	int *host;
	cudaStream_t stream;

	CUDA(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, 0));
	if (!supported)
		return prog_skip("this device has no memory pools");
	CUDA(cudaMallocHost(&host, n * sizeof(int)));
	CUDA(cudaStreamCreate(&stream));
	for (int round = 0; round < 8; round++) {
		int *p;

		CUDA(cudaMallocAsync(&p, n * sizeof(int), stream));
		fill<<<(n + 63) / 64, 64, 0, stream>>>(p, n, round);
		CUDA(cudaMemcpyAsync(host, p, n * sizeof(int), cudaMemcpyDeviceToHost, stream));
		CUDA(cudaFreeAsync(p, stream));
	}
	CUDA(cudaStreamSynchronize(stream));
	for (int i = 0; i < n; i++)
		CHECK(host[i] == 7 + i);
	prog_int("n", n);
	return prog_end();
}
