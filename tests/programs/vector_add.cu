// SPDX-License-Identifier: Apache-2.0
// c = a + b, with a grid that does not divide the size.
#include <cuda_runtime.h>

#include "prog.h"

__global__ void vector_add(const float *a, const float *b, float *c, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		c[i] = a[i] + b[i];
}

int main(int argc, char **argv)
{
	int n = prog_begin(argc, argv, "vector_add", 50001);
	size_t size = n * sizeof(float);
	float *a = (float *)malloc(size), *b = (float *)malloc(size), *c = (float *)malloc(size);
	float *da, *db, *dc;
	unsigned long long seed = 1;

	for (int i = 0; i < n; i++) {
		a[i] = (float)(prog_random(&seed) % 1000);
		b[i] = (float)(prog_random(&seed) % 1000);
	}
	CUDA(cudaMalloc(&da, size));
	CUDA(cudaMalloc(&db, size));
	CUDA(cudaMalloc(&dc, size));
	CUDA(cudaMemcpy(da, a, size, cudaMemcpyHostToDevice));
	CUDA(cudaMemcpy(db, b, size, cudaMemcpyHostToDevice));
	vector_add<<<(n + 255) / 256, 256>>>(da, db, dc, n);
	CUDA(cudaGetLastError());
	CUDA(cudaDeviceSynchronize());
	CUDA(cudaMemcpy(c, dc, size, cudaMemcpyDeviceToHost));
	for (int i = 0; i < n; i++)
		CHECK(c[i] == a[i] + b[i]);
	prog_int("n", n);
	prog_int("hash", prog_hash(c, size));
	CUDA(cudaFree(da));
	CUDA(cudaFree(db));
	CUDA(cudaFree(dc));
	free(a);
	free(b);
	free(c);
	return prog_end();
}
