// SPDX-License-Identifier: Apache-2.0
// Sum and maximum: per block in dynamic shared memory, then by atomics.
#include <cuda_runtime.h>

#include "prog.h"

__global__ void reduce(const int *in, int n, unsigned long long *sum, int *most)
{
	extern __shared__ int part[];
	int *parts = part, *maxima = part + blockDim.x;
	int t = threadIdx.x, s = 0, m = -1;

	for (int i = blockIdx.x * blockDim.x + t; i < n; i += gridDim.x * blockDim.x) {
		s += in[i];
		m = max(m, in[i]);
	}
	parts[t] = s;
	maxima[t] = m;
	__syncthreads();
	for (int step = blockDim.x / 2; step > 0; step /= 2) {
		if (t < step) {
			parts[t] += parts[t + step];
			maxima[t] = max(maxima[t], maxima[t + step]);
		}
		__syncthreads();
	}
	if (t == 0) {
		atomicAdd(sum, (unsigned long long)parts[0]);
		atomicMax(most, maxima[0]);
	}
}

int main(int argc, char **argv)
{
	int n = prog_begin(argc, argv, "reduction", 100000);
	int *in = (int *)malloc(n * sizeof(int));
	int *din, *dmost, most = -1, want_most = -1;
	unsigned long long *dsum, sum = 0, want = 0, seed = 3;

	for (int i = 0; i < n; i++) {
		in[i] = prog_random(&seed) % 10000;
		want += in[i];
		want_most = in[i] > want_most ? in[i] : want_most;
	}
	CUDA(cudaMalloc(&din, n * sizeof(int)));
	CUDA(cudaMalloc(&dsum, sizeof(sum)));
	CUDA(cudaMalloc(&dmost, sizeof(most)));
	CUDA(cudaMemcpy(din, in, n * sizeof(int), cudaMemcpyHostToDevice));
	CUDA(cudaMemset(dsum, 0, sizeof(sum)));
	CUDA(cudaMemset(dmost, 0xff, sizeof(most)));
	reduce<<<16, 128, 2 * 128 * sizeof(int)>>>(din, n, dsum, dmost);
	CUDA(cudaGetLastError());
	CUDA(cudaMemcpy(&sum, dsum, sizeof(sum), cudaMemcpyDeviceToHost));
	CUDA(cudaMemcpy(&most, dmost, sizeof(most), cudaMemcpyDeviceToHost));
	CHECK(sum == want);
	CHECK(most == want_most);
	prog_int("sum", sum);
	prog_int("max", most);
	return prog_end();
}
