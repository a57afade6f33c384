// SPDX-License-Identifier: Apache-2.0
// Managed memory: host and device take turns with one pointer.
#include <cuda_runtime.h>

#include "prog.h"

struct node {
	int value;
	struct node *next;
};

__global__ void increment(struct node *list)
{
	for (struct node *n = list; n; n = n->next)
		n->value++;
}

__global__ void scale(float *values, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		values[i] *= 0.5f;
}

int main(int argc, char **argv)
{
	int n = prog_begin(argc, argv, "managed", 2000), sum = 0;
	struct cudaPointerAttributes attr;
	struct node *nodes;
	float *values;

	CUDA(cudaMallocManaged(&nodes, 10 * sizeof(*nodes)));
	CUDA(cudaMallocManaged(&values, n * sizeof(float)));
	// A list of pointers made by the host is followed by the device.
	for (int i = 0; i < 10; i++) {
		nodes[i].value = i;
		nodes[i].next = i < 9 ? &nodes[i + 1] : NULL;
	}
	for (int i = 0; i < n; i++)
		values[i] = (float)i;
	increment<<<1, 1>>>(nodes);
	scale<<<(n + 63) / 64, 64>>>(values, n);
	CUDA(cudaDeviceSynchronize());
	for (int i = 0; i < 10; i++)
		sum += nodes[i].value;
	CHECK(sum == 55);
	for (int i = 0; i < n; i++)
		CHECK(values[i] == i * 0.5f);
	values[0] = 8;
	scale<<<1, 1>>>(values, 1);
	CUDA(cudaDeviceSynchronize());
	CHECK(values[0] == 4);
	CUDA(cudaPointerGetAttributes(&attr, values));
	CHECK(attr.type == cudaMemoryTypeManaged);
	CUDA(cudaFree(values));
	CUDA(cudaFree(nodes));
	prog_int("sum", sum);
	return prog_end();
}
