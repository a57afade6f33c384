// SPDX-License-Identifier: Apache-2.0
// The Mandelbrot set as a PNG (--out FILE). Double precision and no fused
// operations, so that host and device agree to the pixel.
#include <cuda_runtime.h>

#include "png.h"
#include "prog.h"

#define LIMIT 64

__host__ __device__ static int escape(int x, int y, int width, int height)
{
	double cr = (x - width * 0.7) * 3.0 / width, ci = (y - height * 0.5) * 2.0 / height;
	double zr = 0, zi = 0;
	int i = 0;

	for (; i < LIMIT; i++) {
		double r2 = zr * zr, i2 = zi * zi;

		if (!(r2 + i2 < 4.0))
			break;
		zi = 2.0 * zr * zi;
		zi += ci;
		zr = r2 - i2;
		zr += cr;
	}
	return i;
}

__global__ void mandelbrot(unsigned char *out, int width, int height)
{
	int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;

	if (x < width && y < height)
		out[y * width + x] = 255 - escape(x, y, width, height) * 255 / LIMIT;
}

int main(int argc, char **argv)
{
	int width = prog_begin(argc, argv, "mandelbrot", 96), height = width * 2 / 3;
	struct png_image image = { width, height, 1, (unsigned char *)malloc(width * height) };
	unsigned char *out;
	int off = 0;

	CUDA(cudaMalloc(&out, width * height));
	mandelbrot<<<dim3((width + 15) / 16, (height + 7) / 8), dim3(16, 8)>>>(out, width, height);
	CUDA(cudaGetLastError());
	CUDA(cudaMemcpy(image.pixels, out, width * height, cudaMemcpyDeviceToHost));
	for (int i = 0; i < width * height; i++) {
		int want = 255 - escape(i % width, i / width, width, height) * 255 / LIMIT;

		off += image.pixels[i] != want;
	}
	// A device that fuses anyway may differ at the very edge of the set.
	CHECK(off <= width * height / 1000);
	if (prog.out)
		CHECK(png_write(prog.out, &image) == 0);
	prog_int("width", width);
	prog_int("height", height);
	return prog_end();
}
