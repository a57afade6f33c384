// SPDX-License-Identifier: Apache-2.0
// The host polls a word in pinned memory that a kernel sets, with no call.
#include <cuda_runtime.h>

#include "prog.h"

__global__ void announce(volatile int *flag, int value)
{
	*flag = value;
	__threadfence_system();
}

int main(int argc, char **argv)
{
	const struct timespec nap = { 0, 1000000 };
	volatile int *flag;
	int rounds = prog_begin(argc, argv, "host_polls", 5), seen = 0;

	CUDA(cudaHostAlloc((int **)&flag, sizeof(int), cudaHostAllocMapped));
	*flag = 0;
	for (int i = 1; i <= rounds; i++) {
		announce<<<1, 1>>>(flag, i);
		// Ten seconds, then it is lost.
		for (int ms = 0; *flag != i && ms < 10000; ms++)
			nanosleep(&nap, NULL);
		seen += *flag == i;
	}
	CHECK(seen == rounds);
	CUDA(cudaDeviceSynchronize());
	prog_int("seen", seen);
	return prog_end();
}
