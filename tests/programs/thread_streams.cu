// SPDX-License-Identifier: Apache-2.0
// Two threads, each on its per-thread stream: a kernel of one waits for what
// the other writes, which would never come if both shared a stream.
#include <cuda_runtime.h>
#include <pthread.h>

#include "prog.h"

__global__ void wait_for(volatile int *flag, int *result)
{
	// Bounded, so that a device that serialises fails and does not hang.
	for (int i = 0; i < 1 << 22; i++) {
		if (*flag) {
			*result = 1;
			return;
		}
	}
	*result = 2;
}

static int *flag, *result;

static void *waiter(void *arg)
{
	wait_for<<<1, 1, 0, cudaStreamPerThread>>>(flag, result);
	*(int *)arg = cudaGetLastError();
	*(int *)arg |= cudaStreamSynchronize(cudaStreamPerThread);
	return NULL;
}

int main(int argc, char **argv)
{
	const struct timespec nap = { 0, 20000000 };
	int one = 1, err = -1, got = 0;
	pthread_t thread;

	prog_begin(argc, argv, "thread_streams", 1);
	CUDA(cudaMalloc(&flag, sizeof(int)));
	CUDA(cudaMalloc(&result, sizeof(int)));
	CUDA(cudaMemset(flag, 0, sizeof(int)));
	CUDA(cudaMemset(result, 0, sizeof(int)));
	CUDA(cudaDeviceSynchronize());
	CHECK(!pthread_create(&thread, NULL, waiter, &err));
	nanosleep(&nap, NULL);
	CUDA(cudaMemcpyAsync(flag, &one, sizeof(one), cudaMemcpyHostToDevice, cudaStreamPerThread));
	CUDA(cudaStreamSynchronize(cudaStreamPerThread));
	pthread_join(thread, NULL);
	CHECK(err == 0);
	CUDA(cudaMemcpy(&got, result, sizeof(got), cudaMemcpyDeviceToHost));
	CHECK(got == 1);
	prog_int("result", got);
	return prog_end();
}
