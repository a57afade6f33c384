// SPDX-License-Identifier: Apache-2.0
// A kernel sets a flag in pinned memory; a small synchronous copy follows on
// the same stream. When the copy returns, the flag is set.
#include <cuda_runtime.h>

#include "prog.h"

#define ROUNDS 50

__global__ void set(volatile int *flag, int value)
{
	// Some work first, so that a copy that does not wait is caught.
	int sum = 0;

	for (int i = 0; i < 2000; i++)
		sum += i ^ value;
	*flag = sum >= 0 ? value : -1;
}

int main(int argc, char **argv)
{
	volatile int *flag;
	int *device, small = 3, bad = 0;

	prog_begin(argc, argv, "flag_copy", ROUNDS);
	CUDA(cudaMallocHost((int **)&flag, sizeof(int)));
	CUDA(cudaMalloc(&device, sizeof(int)));
	*flag = 0;
	for (int i = 1; i <= ROUNDS; i++) {
		set<<<1, 1>>>(flag, i);
		CUDA(cudaMemcpy(device, &small, sizeof(small), cudaMemcpyHostToDevice));
		bad += *flag != i;
	}
	CHECK(bad == 0);
	prog_int("rounds", ROUNDS);
	return prog_end();
}
