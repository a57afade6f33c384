// SPDX-License-Identifier: Apache-2.0
// Eight host threads, each with memory, a stream and launches of its own; the
// last error is each thread's own.
#include <cuda_runtime.h>
#include <pthread.h>

#include "prog.h"

#define THREADS 8
#define ROUNDS 20

__global__ void add(int *values, int n, int by)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		values[i] += by;
}

struct job {
	int id;
	int n;
	int bad;
};

static int work(struct job *job)
{
	int *host = (int *)calloc(job->n, sizeof(int)), *device;
	size_t size = job->n * sizeof(int);
	cudaStream_t stream;
	int bad = 0;

	bad |= cudaStreamCreate(&stream);
	bad |= cudaMalloc(&device, size);
	bad |= cudaMemcpyAsync(device, host, size, cudaMemcpyHostToDevice, stream);
	for (int r = 0; r < ROUNDS && !bad; r++) {
		add<<<(job->n + 31) / 32, 32, 0, stream>>>(device, job->n, job->id + 1);
		bad |= cudaGetLastError();
	}
	bad |= cudaMemcpyAsync(host, device, size, cudaMemcpyDeviceToHost, stream);
	bad |= cudaStreamSynchronize(stream);
	for (int i = 0; i < job->n; i++)
		bad |= host[i] != ROUNDS * (job->id + 1);
	// Odd threads leave an error behind; even ones must not see it.
	if (job->id & 1)
		bad |= cudaSetDevice(-5) != cudaErrorInvalidDevice;
	bad |= cudaPeekAtLastError() != (job->id & 1 ? cudaErrorInvalidDevice : cudaSuccess);
	bad |= cudaFree(device);
	bad |= cudaStreamDestroy(stream);
	free(host);
	return bad;
}

static void *run(void *arg)
{
	struct job *job = (struct job *)arg;

	job->bad = work(job);
	return NULL;
}

int main(int argc, char **argv)
{
	int n = prog_begin(argc, argv, "host_threads", 500);
	pthread_t threads[THREADS];
	struct job jobs[THREADS];

	for (int t = 0; t < THREADS; t++) {
		jobs[t].id = t;
		jobs[t].n = n;
		CHECK(!pthread_create(&threads[t], NULL, run, &jobs[t]));
	}
	for (int t = 0; t < THREADS; t++) {
		pthread_join(threads[t], NULL);
		if (jobs[t].bad)
			prog_fail("thread %d: %d", t, jobs[t].bad);
	}
	CUDA_IS(cudaGetLastError(), cudaSuccess);
	prog_int("threads", THREADS);
	prog_int("launches", THREADS * ROUNDS);
	return prog_end();
}
