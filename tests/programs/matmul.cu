// SPDX-License-Identifier: Apache-2.0
// Tiled matrix product through shared memory. Values are small integers, so
// the result is exact in any order of summation.
#include <cuda_runtime.h>

#include "prog.h"

#define TILE 16

__global__ void matmul(const float *a, const float *b, float *c, int n)
{
	__shared__ float ta[TILE][TILE], tb[TILE][TILE];
	int row = blockIdx.y * TILE + threadIdx.y, col = blockIdx.x * TILE + threadIdx.x;
	float sum = 0;

	for (int t = 0; t < n; t += TILE) {
		ta[threadIdx.y][threadIdx.x] = a[row * n + t + threadIdx.x];
		tb[threadIdx.y][threadIdx.x] = b[(t + threadIdx.y) * n + col];
		__syncthreads();
		for (int k = 0; k < TILE; k++)
			sum += ta[threadIdx.y][k] * tb[k][threadIdx.x];
		__syncthreads();
	}
	c[row * n + col] = sum;
}

static void check(const float *a, const float *b, const float *c, int n)
{
	for (int row = 0; row < n; row++) {
		for (int col = 0; col < n; col++) {
			float sum = 0;

			for (int k = 0; k < n; k++)
				sum += a[row * n + k] * b[k * n + col];
			CHECK(c[row * n + col] == sum);
		}
	}
}

int main(int argc, char **argv)
{
	int n = (prog_begin(argc, argv, "matmul", 64) + TILE - 1) / TILE * TILE;
	size_t size = (size_t)n * n * sizeof(float);
	float *a = (float *)malloc(size), *b = (float *)malloc(size), *c = (float *)malloc(size);
	float *da, *db, *dc;
	unsigned long long seed = 2;

	for (int i = 0; i < n * n; i++) {
		a[i] = (float)(int)(prog_random(&seed) % 16) - 8;
		b[i] = (float)(int)(prog_random(&seed) % 16) - 8;
	}
	CUDA(cudaMalloc(&da, size));
	CUDA(cudaMalloc(&db, size));
	CUDA(cudaMalloc(&dc, size));
	CUDA(cudaMemcpy(da, a, size, cudaMemcpyHostToDevice));
	CUDA(cudaMemcpy(db, b, size, cudaMemcpyHostToDevice));
	matmul<<<dim3(n / TILE, n / TILE), dim3(TILE, TILE)>>>(da, db, dc, n);
	CUDA(cudaGetLastError());
	CUDA(cudaMemcpy(c, dc, size, cudaMemcpyDeviceToHost));
	check(a, b, c, n);
	prog_int("n", n);
	prog_int("hash", prog_hash(c, size));
	return prog_end();
}
