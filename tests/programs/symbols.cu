// SPDX-License-Identifier: Apache-2.0
// Device and constant variables by symbol: whole, in part, by address; their
// initial values, also after a reset.
#include <cuda_runtime.h>

#include "prog.h"

#define N 64

__constant__ int table[N];
__device__ int results[N];
__device__ int seeded[4] = { 10, 20, 30, 40 };
__device__ double single = 2.5;

__global__ void use(void)
{
	results[threadIdx.x] = table[threadIdx.x] + seeded[threadIdx.x % 4] + (int)single;
}

static void run(void)
{
	int host[N], out[N], two[2] = { 200, 300 };
	double d = 7.25;
	size_t size;
	void *address;

	for (int i = 0; i < N; i++)
		host[i] = i * i;
	CUDA(cudaMemcpyFromSymbol(out, seeded, sizeof(seeded)));
	CHECK(out[0] == 10 && out[1] == 20 && out[2] == 30 && out[3] == 40);
	CUDA(cudaMemcpyToSymbol(table, host, sizeof(host)));
	// The middle two, and the last by its address.
	CUDA(cudaMemcpyToSymbol(seeded, two, sizeof(two), sizeof(int)));
	CUDA(cudaGetSymbolAddress(&address, seeded));
	CUDA(cudaGetSymbolSize(&size, seeded));
	CHECK(size == 4 * sizeof(int));
	CUDA(cudaMemset((int *)address + 3, 0, sizeof(int)));
	CUDA(cudaMemcpyToSymbol(single, &d, sizeof(d)));
	use<<<1, N>>>();
	CUDA(cudaMemcpyFromSymbol(out, results, sizeof(out)));
	for (int i = 0; i < N; i++) {
		const int seeds[4] = { 10, 200, 300, 0 };

		CHECK(out[i] == i * i + seeds[i % 4] + 7);
	}
	CUDA_IS(cudaMemcpyToSymbol(table, host, sizeof(host), 4), cudaErrorInvalidValue);
	CUDA_IS(cudaGetLastError(), cudaErrorInvalidValue);
}

int main(int argc, char **argv)
{
	int local = 0;

	prog_begin(argc, argv, "symbols", N);
	run();
	CUDA_IS(cudaMemcpyToSymbol((const void *)&local, &local, sizeof(local), 0,
				   cudaMemcpyHostToDevice),
		cudaErrorInvalidSymbol);
	CUDA_IS(cudaGetLastError(), cudaErrorInvalidSymbol);
	CUDA(cudaDeviceReset());
	run();
	prog_int("n", N);
	return prog_end();
}
