// SPDX-License-Identifier: Apache-2.0
// Functions of the host in stream order: their order, their data, and that
// CUDA is refused inside one.
#include <cuda_runtime.h>

#include "prog.h"

#define ROUNDS 10

struct log {
	int n;
	int values[2 * ROUNDS];
	int *device;
	int refused;
	int bad_status;
};

static struct log entries;

static void CUDART_CB note(void *data)
{
	entries.values[entries.n++] = *(int *)data;
}

static void CUDART_CB note_status(cudaStream_t, cudaError_t status, void *data)
{
	entries.bad_status |= status != cudaSuccess;
	entries.values[entries.n++] = -*(int *)data;
}

static void CUDART_CB call_cuda(void *)
{
	int *p;

	entries.refused = cudaMalloc(&p, 4);
}

__global__ void count(int *counter)
{
	*counter += 1;
}

int main(int argc, char **argv)
{
	// Pinned, so that the copy is in stream order.
	int *seen, *device;
	cudaStream_t stream;

	prog_begin(argc, argv, "callbacks", ROUNDS);
	CUDA(cudaMallocHost(&seen, ROUNDS * sizeof(int)));
	CUDA(cudaMalloc(&device, sizeof(int)));
	CUDA(cudaMemset(device, 0, sizeof(int)));
	CUDA(cudaStreamCreate(&stream));
	for (int i = 0; i < ROUNDS; i++) {
		count<<<1, 1, 0, stream>>>(device);
		CUDA(cudaMemcpyAsync(&seen[i], device, sizeof(int), cudaMemcpyDeviceToHost,
				     stream));
		CUDA(cudaLaunchHostFunc(stream, note, &seen[i]));
		CUDA(cudaStreamAddCallback(stream, note_status, &seen[i], 0));
	}
	CUDA(cudaLaunchHostFunc(stream, call_cuda, NULL));
	CUDA(cudaStreamSynchronize(stream));
	CHECK(entries.n == 2 * ROUNDS);
	CHECK(!entries.bad_status);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK(entries.values[2 * i] == i + 1);
		CHECK(entries.values[2 * i + 1] == -(i + 1));
	}
	CHECK(entries.refused == cudaErrorNotPermitted);
	prog_int("calls", entries.n);
	prog_int("refused", entries.refused);
	return prog_end();
}
