// SPDX-License-Identifier: Apache-2.0
// The first program: an array of 32 doubles, each plus one, by one warp.
#include <cuda_runtime.h>

#include "prog.h"

__global__ void add_one(double *values)
{
	values[threadIdx.x] += 1.0;
}

int main(int argc, char **argv)
{
	const int n = 32;
	double host[n], sum = 0;
	double *device;
	int version;

	prog_begin(argc, argv, "first", n);
	for (int i = 0; i < n; i++)
		host[i] = i;
	CUDA(cudaMalloc(&device, sizeof(host)));
	CUDA(cudaMemcpy(device, host, sizeof(host), cudaMemcpyHostToDevice));
	add_one<<<1, n>>>(device);
	CUDA(cudaGetLastError());
	CUDA(cudaMemcpy(host, device, sizeof(host), cudaMemcpyDeviceToHost));
	CUDA(cudaFree(device));
	for (int i = 0; i < n; i++) {
		CHECK(host[i] == i + 1.0);
		sum += host[i];
	}
	CUDA(cudaRuntimeGetVersion(&version));
	prog_int("runtime", version / 1000);
	prog_real("sum", sum);
	return prog_end();
}
