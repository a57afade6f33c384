// SPDX-License-Identifier: Apache-2.0
// Registered memory: copies from and to it, and what registration refuses.
#include <cuda_runtime.h>

#include "prog.h"

__global__ void negate(int *values, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		values[i] = -values[i];
}

int main(int argc, char **argv)
{
	int n = prog_begin(argc, argv, "registered", 4096), *host, *device;
	size_t size = (n * sizeof(int) + 4095) & ~(size_t)4095;
	cudaStream_t stream;

	host = (int *)aligned_alloc(4096, size);
	for (int i = 0; i < n; i++)
		host[i] = i;
	CUDA(cudaHostRegister(host, size, cudaHostRegisterDefault));
	CUDA_IS(cudaHostRegister(host, size, cudaHostRegisterDefault),
		cudaErrorHostMemoryAlreadyRegistered);
	CUDA_IS(cudaGetLastError(), cudaErrorHostMemoryAlreadyRegistered);
	CUDA(cudaMalloc(&device, size));
	CUDA(cudaStreamCreate(&stream));
	CUDA(cudaMemcpyAsync(device, host, n * sizeof(int), cudaMemcpyHostToDevice, stream));
	negate<<<(n + 63) / 64, 64, 0, stream>>>(device, n);
	CUDA(cudaMemcpyAsync(host, device, n * sizeof(int), cudaMemcpyDeviceToHost, stream));
	CUDA(cudaStreamSynchronize(stream));
	for (int i = 0; i < n; i++)
		CHECK(host[i] == -i);
	CUDA(cudaHostUnregister(host));
	CUDA_IS(cudaHostUnregister(host), cudaErrorHostMemoryNotRegistered);
	CUDA(cudaFree(device));
	free(host);
	prog_int("n", n);
	return prog_end();
}
