// SPDX-License-Identifier: Apache-2.0
// Four streams that work at once, ordered by events, timed, queried.
#include <cuda_runtime.h>

#include "prog.h"

#define STREAMS 4

__global__ void scale(int *values, int n, int factor, int add)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		values[i] = values[i] * factor + add;
}

__global__ void gather(const int *values, int n, int parts, int *sums)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x, sum = 0;

	for (int p = 0; i < n && p < parts; p++)
		sum += values[p * n + i];
	if (i < n)
		sums[i] = sum;
}

int main(int argc, char **argv)
{
	int n = prog_begin(argc, argv, "streams_events", 1000), *host, *values, *sums;
	size_t size = n * sizeof(int);
	cudaStream_t streams[STREAMS], last;
	cudaEvent_t done[STREAMS], start, end;
	float ms = -1;

	CUDA(cudaMallocHost(&host, size * STREAMS));
	for (int i = 0; i < n * STREAMS; i++)
		host[i] = i;
	CUDA(cudaMalloc(&values, size * STREAMS));
	CUDA(cudaMalloc(&sums, size));
	CUDA(cudaEventCreate(&start));
	CUDA(cudaEventCreate(&end));
	CUDA(cudaStreamCreateWithFlags(&last, cudaStreamNonBlocking));
	CUDA(cudaEventRecord(start, last));
	for (int s = 0; s < STREAMS; s++) {
		CUDA(cudaStreamCreateWithFlags(&streams[s], cudaStreamNonBlocking));
		CUDA(cudaEventCreateWithFlags(&done[s], cudaEventDisableTiming));
		CUDA(cudaMemcpyAsync(values + s * n, host + s * n, size, cudaMemcpyHostToDevice,
				     streams[s]));
		scale<<<(n + 63) / 64, 64, 0, streams[s]>>>(values + s * n, n, 2, s);
		scale<<<(n + 63) / 64, 64, 0, streams[s]>>>(values + s * n, n, 3, 1);
		CUDA(cudaEventRecord(done[s], streams[s]));
		CUDA(cudaStreamWaitEvent(last, done[s], 0));
	}
	gather<<<(n + 63) / 64, 64, 0, last>>>(values, n, STREAMS, sums);
	CUDA(cudaMemcpyAsync(host, sums, size, cudaMemcpyDeviceToHost, last));
	CUDA(cudaEventRecord(end, last));
	CUDA(cudaEventSynchronize(end));
	CUDA_IS(cudaEventQuery(end), cudaSuccess);
	CUDA_IS(cudaStreamQuery(last), cudaSuccess);
	CUDA(cudaEventElapsedTime(&ms, start, end));
	CHECK(ms >= 0);
	// No time in this one: it must be refused.
	CUDA_IS(cudaEventElapsedTime(&ms, done[0], end), cudaErrorInvalidResourceHandle);
	CUDA_IS(cudaGetLastError(), cudaErrorInvalidResourceHandle);
	for (int i = 0; i < n; i++) {
		int want = 0;

		for (int s = 0; s < STREAMS; s++)
			want += ((s * n + i) * 2 + s) * 3 + 1;
		CHECK(host[i] == want);
	}
	for (int s = 0; s < STREAMS; s++) {
		CUDA(cudaEventDestroy(done[s]));
		CUDA(cudaStreamDestroy(streams[s]));
	}
	CUDA(cudaFreeHost(host));
	prog_int("n", n);
	prog_int("streams", STREAMS);
	return prog_end();
}
