// SPDX-License-Identifier: Apache-2.0
// Stream A waits for a value that thread B writes after 2,000 launches were
// queued behind the wait.
#include <cuda.h>
#include <cuda_runtime.h>
#include <pthread.h>

#include "prog.h"

__global__ void count(int *counter)
{
	*counter += 1;
}

struct job {
	CUdeviceptr word;
	int err;
};

static void *writer(void *arg)
{
	const struct timespec nap = { 0, 50000000 };
	struct job *job = (struct job *)arg;
	cudaStream_t stream;

	nanosleep(&nap, NULL);
	job->err = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
	if (!job->err)
		job->err = cuStreamWriteValue32(stream, job->word, 7, 0);
	if (!job->err)
		job->err = cudaStreamSynchronize(stream);
	return NULL;
}

int main(int argc, char **argv)
{
	int n = prog_begin(argc, argv, "stream_wait", 2000), value = 0, *counter;
	struct job job = { 0, -1 };
	cudaStream_t stream;
	pthread_t thread;
	void *word;

	CUDA(cudaMalloc(&word, 4));
	CUDA(cudaMalloc(&counter, sizeof(int)));
	CUDA(cudaMemset(word, 0, 4));
	CUDA(cudaMemset(counter, 0, sizeof(int)));
	CUDA(cudaDeviceSynchronize());
	CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	job.word = (CUdeviceptr)word;
	CHECK(!pthread_create(&thread, NULL, writer, &job));
	CUDA(cuStreamWaitValue32(stream, job.word, 7, CU_STREAM_WAIT_VALUE_EQ));
	for (int i = 0; i < n; i++)
		count<<<1, 1, 0, stream>>>(counter);
	CUDA(cudaGetLastError());
	CUDA(cudaStreamSynchronize(stream));
	pthread_join(thread, NULL);
	CHECK(job.err == 0);
	CUDA(cudaMemcpy(&value, counter, sizeof(value), cudaMemcpyDeviceToHost));
	CHECK(value == n);
	prog_int("launches", value);
	return prog_end();
}
