// SPDX-License-Identifier: Apache-2.0
// Gaussian blur of a picture, 5 by 5, in integers; the weights are a constant.
#include <cuda_runtime.h>

#include "image.h"

__constant__ int weights[5];

__host__ __device__ static int clamp(int v, int most)
{
	return v < 0 ? 0 : v > most ? most : v;
}

__host__ __device__ static int blurred(const unsigned char *in, const int *w, int x, int y,
				       int width, int height, int step)
{
	int sum = 0;

	for (int dy = -2; dy <= 2; dy++) {
		for (int dx = -2; dx <= 2; dx++) {
			int at = clamp(y + dy, height - 1) * width + clamp(x + dx, width - 1);

			sum += w[dy + 2] * w[dx + 2] * in[at * step];
		}
	}
	return (sum + 128) / 256;
}

__global__ void blur(const unsigned char *in, unsigned char *out, int width, int height, int step)
{
	int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
	int c = blockIdx.z;

	if (x < width && y < height)
		out[(y * width + x) * step + c] =
			blurred(in + c, weights, x, y, width, height, step);
}

int main(int argc, char **argv)
{
	static const int w[5] = { 1, 4, 6, 4, 1 };
	int size = prog_begin(argc, argv, "blur", 80);
	struct png_image im, result;
	unsigned char *in, *out;
	size_t bytes;

	image_load(&im, size);
	result = im;
	bytes = (size_t)im.width * im.height * im.channels;
	result.pixels = (unsigned char *)malloc(bytes);
	CUDA(cudaMemcpyToSymbol(weights, w, sizeof(w)));
	CUDA(cudaMalloc(&in, bytes));
	CUDA(cudaMalloc(&out, bytes));
	CUDA(cudaMemcpy(in, im.pixels, bytes, cudaMemcpyHostToDevice));
	blur<<<dim3((im.width + 15) / 16, (im.height + 15) / 16, im.channels), dim3(16, 16)>>>(
		in, out, im.width, im.height, im.channels);
	CUDA(cudaGetLastError());
	CUDA(cudaMemcpy(result.pixels, out, bytes, cudaMemcpyDeviceToHost));
	for (size_t i = 0; i < bytes; i++) {
		int p = (int)(i / im.channels), c = (int)(i % im.channels);

		CHECK(result.pixels[i] == blurred(im.pixels + c, w, p % im.width, p / im.width,
						  im.width, im.height, im.channels));
	}
	image_done(&result);
	return prog_end();
}
