// SPDX-License-Identifier: Apache-2.0
// Rectangles and boxes: pitched memory, copies and sets of parts of it.
#include <cuda_runtime.h>

#include "prog.h"

__global__ void add_row(unsigned char *p, size_t pitch, int width, int height)
{
	int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y;

	if (x < width && y < height)
		p[y * pitch + x] += y;
}

static void rectangles(int width, int height)
{
	size_t size = (size_t)width * height, pitch;
	unsigned char *host = (unsigned char *)malloc(size), *back = (unsigned char *)malloc(size);
	unsigned char *device, *copy;

	for (size_t i = 0; i < size; i++)
		host[i] = (unsigned char)(i * 5);
	CUDA(cudaMallocPitch(&device, &pitch, width, height));
	CHECK(pitch >= (size_t)width);
	CUDA(cudaMemcpy2D(device, pitch, host, width, width, height, cudaMemcpyHostToDevice));
	add_row<<<dim3((width + 31) / 32, height), 32>>>(device, pitch, width, height);
	CUDA(cudaMemset2D(device, pitch, 0x7f, 3, 2));
	CUDA(cudaMalloc(&copy, size));
	CUDA(cudaMemcpy2D(copy, width, device, pitch, width, height, cudaMemcpyDeviceToDevice));
	CUDA(cudaMemcpy(back, copy, size, cudaMemcpyDeviceToHost));
	for (int y = 0; y < height; y++) {
		for (int x = 0; x < width; x++) {
			int i = y * width + x;
			unsigned char want = (unsigned char)(host[i] + y);

			CHECK(back[i] == (x < 3 && y < 2 ? 0x7f : want));
		}
	}
	CUDA_IS(cudaMemcpy2D(back, 1, device, pitch, width, height, cudaMemcpyDeviceToHost),
		cudaErrorInvalidPitchValue);
	CUDA(cudaFree(device));
	CUDA(cudaFree(copy));
	free(host);
	free(back);
}

// A box of 6 x 4 x 3 out of the middle of one of 20 x 10 x 5.
static void boxes(void)
{
	enum {
		W = 20,
		H = 10,
		D = 5
	};
	unsigned char host[D][H][W], back[3][4][6];
	struct cudaPitchedPtr device;
	struct cudaMemcpy3DParms p;

	for (int i = 0; i < W * H * D; i++)
		(&host[0][0][0])[i] = (unsigned char)(i * 3);
	CUDA(cudaMalloc3D(&device, make_cudaExtent(W, H, D)));
	memset(&p, 0, sizeof(p));
	p.srcPtr = make_cudaPitchedPtr(host, W, W, H);
	p.dstPtr = device;
	p.extent = make_cudaExtent(W, H, D);
	p.kind = cudaMemcpyHostToDevice;
	CUDA(cudaMemcpy3D(&p));
	memset(&p, 0, sizeof(p));
	p.srcPtr = device;
	p.srcPos = make_cudaPos(7, 3, 1);
	p.dstPtr = make_cudaPitchedPtr(back, 6, 6, 4);
	p.extent = make_cudaExtent(6, 4, 3);
	p.kind = cudaMemcpyDeviceToHost;
	CUDA(cudaMemcpy3D(&p));
	for (int z = 0; z < 3; z++) {
		for (int y = 0; y < 4; y++) {
			for (int x = 0; x < 6; x++)
				CHECK(back[z][y][x] == host[z + 1][y + 3][x + 7]);
		}
	}
	CUDA(cudaFree(device.ptr));
}

int main(int argc, char **argv)
{
	int width = prog_begin(argc, argv, "copy2d", 100), height = width / 3 + 5;

	rectangles(width, height);
	boxes();
	prog_int("width", width);
	prog_int("height", height);
	return prog_end();
}
