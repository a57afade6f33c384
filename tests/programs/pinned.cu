// SPDX-License-Identifier: Apache-2.0
// Pinned memory: asynchronous copies both ways, and access by a kernel.
#include <cuda_runtime.h>

#include "prog.h"

__global__ void add_into(const int *in, int *out, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		out[i] = in[i] + 1;
}

int main(int argc, char **argv)
{
	int n = prog_begin(argc, argv, "pinned", 5000), *in, *out, *device, *mapped;
	size_t size = n * sizeof(int);
	struct cudaPointerAttributes attr;
	cudaStream_t stream;

	CUDA(cudaHostAlloc(&in, size, cudaHostAllocMapped | cudaHostAllocPortable));
	CUDA(cudaMallocHost(&out, size));
	CUDA(cudaMalloc(&device, size));
	CUDA(cudaStreamCreate(&stream));
	for (int i = 0; i < n; i++)
		in[i] = i * 3;
	CUDA(cudaMemcpyAsync(device, in, size, cudaMemcpyHostToDevice, stream));
	add_into<<<(n + 127) / 128, 128, 0, stream>>>(device, device, n);
	CUDA(cudaMemcpyAsync(out, device, size, cudaMemcpyDeviceToHost, stream));
	CUDA(cudaStreamSynchronize(stream));
	for (int i = 0; i < n; i++)
		CHECK(out[i] == i * 3 + 1);
	// The same, without a copy: the kernel reads and writes host memory.
	CUDA(cudaHostGetDevicePointer(&mapped, in, 0));
	add_into<<<(n + 127) / 128, 128, 0, stream>>>(mapped, out, n);
	CUDA(cudaStreamSynchronize(stream));
	for (int i = 0; i < n; i++)
		CHECK(out[i] == i * 3 + 1);
	CUDA(cudaPointerGetAttributes(&attr, in));
	CHECK(attr.type == cudaMemoryTypeHost);
	CUDA(cudaPointerGetAttributes(&attr, device));
	CHECK(attr.type == cudaMemoryTypeDevice && attr.devicePointer == device);
	CUDA(cudaPointerGetAttributes(&attr, &attr));
	CHECK(attr.type == cudaMemoryTypeUnregistered);
	CUDA(cudaFreeHost(in));
	CUDA(cudaFreeHost(out));
	CUDA(cudaFree(device));
	CUDA_IS(cudaFreeHost(&attr), cudaErrorInvalidValue);
	prog_int("n", n);
	return prog_end();
}
