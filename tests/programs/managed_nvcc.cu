// SPDX-License-Identifier: Apache-2.0
// __managed__ variables as NVIDIA's compiler and runtime make them; clang knows
// none.
#include <cuda_runtime.h>

#include "prog.h"

__managed__ int word = 3;
__managed__ double rows[1000];
__device__ int plain = 9;

__global__ void fill(void)
{
	rows[threadIdx.x] = word * threadIdx.x + plain;
}

__global__ void change(void)
{
	word = 42;
}

int main(int argc, char **argv)
{
	struct cudaPointerAttributes a;
	double last = 0;

	prog_begin(argc, argv, "managed_nvcc", 1);
	// Before there is any context.
	CHECK(word == 3);
	word = 7;
	fill<<<1, 1000>>>();
	change<<<1, 1>>>();
	CUDA(cudaDeviceSynchronize());
	CHECK(word == 42);
	for (int i = 0; i < 1000; i++)
		CHECK(rows[i] == 7 * i + 9);
	CUDA(cudaMemcpy(&last, &rows[999], sizeof(last), cudaMemcpyDefault));
	CHECK(last == 7 * 999 + 9);
	CUDA(cudaPointerGetAttributes(&a, &word));
	CHECK(a.type == cudaMemoryTypeManaged);
	prog_int("rows", 1000);
	return prog_end();
}
