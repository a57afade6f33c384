// SPDX-License-Identifier: Apache-2.0
// A kernel that works in registered memory. Skipped where registration is
// tracking only and there is no device address.
#include <cuda_runtime.h>

#include "prog.h"

__global__ void twice(int *values, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		values[i] *= 2;
}

int main(int argc, char **argv)
{
	int n = prog_begin(argc, argv, "registered_kernel", 3000), *host, *device;
	size_t size = (n * sizeof(int) + 4095) & ~(size_t)4095;
	cudaError_t err;

	host = (int *)aligned_alloc(4096, size);
	for (int i = 0; i < n; i++)
		host[i] = i;
	CUDA(cudaHostRegister(host, size, cudaHostRegisterMapped));
	err = cudaHostGetDevicePointer(&device, host, 0);
	if (err == cudaErrorNotSupported) {
		cudaHostUnregister(host);
		return prog_skip("registered memory has no device address here");
	}
	CUDA(err);
	twice<<<(n + 63) / 64, 64>>>(device, n);
	CUDA(cudaDeviceSynchronize());
	for (int i = 0; i < n; i++)
		CHECK(host[i] == i * 2);
	CUDA(cudaHostUnregister(host));
	free(host);
	prog_int("n", n);
	return prog_end();
}
