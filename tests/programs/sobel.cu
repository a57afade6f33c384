// SPDX-License-Identifier: Apache-2.0
// Edges of a picture: grey, then Sobel's operator, in two kernels.
#include <cuda_runtime.h>

#include "image.h"

__host__ __device__ static int grey_of(const unsigned char *p, int channels)
{
	return channels == 1 ? p[0] : (p[0] * 77 + p[1] * 150 + p[2] * 29) >> 8;
}

__host__ __device__ static int edge_of(const unsigned char *g, int x, int y, int width, int height)
{
	int gx, gy, sum;

	if (x < 1 || y < 1 || x >= width - 1 || y >= height - 1)
		return 0;
	g += y * width + x;
	gx = g[1 - width] + 2 * g[1] + g[1 + width] - g[-1 - width] - 2 * g[-1] - g[-1 + width];
	gy = g[width - 1] + 2 * g[width] + g[width + 1] - g[-width - 1] - 2 * g[-width] -
	     g[-width + 1];
	sum = (gx < 0 ? -gx : gx) + (gy < 0 ? -gy : gy);
	return sum > 255 ? 255 : sum;
}

__global__ void grey(const unsigned char *in, unsigned char *out, int n, int channels)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		out[i] = grey_of(in + i * channels, channels);
}

__global__ void sobel(const unsigned char *in, unsigned char *out, int width, int height)
{
	int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;

	if (x < width && y < height)
		out[y * width + x] = edge_of(in, x, y, width, height);
}

int main(int argc, char **argv)
{
	int size = prog_begin(argc, argv, "sobel", 80), n;
	struct png_image im, result;
	unsigned char *in, *mid, *out, *want;

	image_load(&im, size);
	n = im.width * im.height;
	result = im;
	result.channels = 1;
	result.pixels = (unsigned char *)malloc(n);
	want = (unsigned char *)malloc(n);
	CUDA(cudaMalloc(&in, n * im.channels));
	CUDA(cudaMalloc(&mid, n));
	CUDA(cudaMalloc(&out, n));
	CUDA(cudaMemcpy(in, im.pixels, n * im.channels, cudaMemcpyHostToDevice));
	grey<<<(n + 127) / 128, 128>>>(in, mid, n, im.channels);
	sobel<<<dim3((im.width + 15) / 16, (im.height + 15) / 16), dim3(16, 16)>>>(
		mid, out, im.width, im.height);
	CUDA(cudaGetLastError());
	CUDA(cudaMemcpy(result.pixels, out, n, cudaMemcpyDeviceToHost));
	for (int i = 0; i < n; i++)
		want[i] = grey_of(im.pixels + i * im.channels, im.channels);
	for (int i = 0; i < n; i++)
		CHECK(result.pixels[i] ==
		      edge_of(want, i % im.width, i / im.width, im.width, im.height));
	image_done(&result);
	return prog_end();
}
