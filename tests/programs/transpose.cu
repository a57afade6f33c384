// SPDX-License-Identifier: Apache-2.0
// Transpose through a padded tile, of a matrix that the tiles do not divide.
#include <cuda_runtime.h>

#include "prog.h"

#define TILE 32
#define ROWS 8

__global__ void transpose(const int *in, int *out, int width, int height)
{
	__shared__ int tile[TILE][TILE + 1];
	int x = blockIdx.x * TILE + threadIdx.x, y = blockIdx.y * TILE + threadIdx.y;

	for (int j = 0; j < TILE; j += ROWS) {
		if (x < width && y + j < height)
			tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * width + x];
	}
	__syncthreads();
	x = blockIdx.y * TILE + threadIdx.x;
	y = blockIdx.x * TILE + threadIdx.y;
	for (int j = 0; j < TILE; j += ROWS) {
		if (x < height && y + j < width)
			out[(y + j) * height + x] = tile[threadIdx.x][threadIdx.y + j];
	}
}

int main(int argc, char **argv)
{
	int width = prog_begin(argc, argv, "transpose", 200), height = width / 2 + 7;
	size_t size = (size_t)width * height * sizeof(int);
	int *in = (int *)malloc(size), *out = (int *)malloc(size);
	int *din, *dout;

	for (int i = 0; i < width * height; i++)
		in[i] = i * 7 + 3;
	CUDA(cudaMalloc(&din, size));
	CUDA(cudaMalloc(&dout, size));
	CUDA(cudaMemcpy(din, in, size, cudaMemcpyHostToDevice));
	transpose<<<dim3((width + TILE - 1) / TILE, (height + TILE - 1) / TILE),
		    dim3(TILE, ROWS)>>>(din, dout, width, height);
	CUDA(cudaGetLastError());
	CUDA(cudaMemcpy(out, dout, size, cudaMemcpyDeviceToHost));
	for (int y = 0; y < height; y++) {
		for (int x = 0; x < width; x++)
			CHECK(out[x * height + y] == in[y * width + x]);
	}
	prog_int("width", width);
	prog_int("height", height);
	prog_int("hash", prog_hash(out, size));
	return prog_end();
}
