// SPDX-License-Identifier: Apache-2.0
// Device properties agree with the attributes, errors have their names, in the
// layouts and numbers of the CUDA version the program was built for.
#include <cuda_runtime.h>

#include "prog.h"

static int attribute(enum cudaDeviceAttr attr)
{
	int value = -1;

	CUDA(cudaDeviceGetAttribute(&value, attr, 0));
	return value;
}

static void properties(void)
{
	struct {
		struct cudaDeviceProp prop;
		unsigned char guard[64];
	} box;
	const struct cudaDeviceProp *p = &box.prop;
	size_t free_bytes, total;

	memset(&box, 0xa5, sizeof(box));
	CUDA(cudaGetDeviceProperties(&box.prop, 0));
	for (size_t i = 0; i < sizeof(box.guard); i++)
		CHECK(box.guard[i] == 0xa5);
	CHECK(memchr(p->name, 0, sizeof(p->name)) && p->name[0]);
	CHECK(p->major == attribute(cudaDevAttrComputeCapabilityMajor));
	CHECK(p->minor == attribute(cudaDevAttrComputeCapabilityMinor));
	CHECK(p->warpSize == 32);
	CHECK(p->maxThreadsPerBlock == attribute(cudaDevAttrMaxThreadsPerBlock));
	CHECK(p->maxThreadsDim[2] == attribute(cudaDevAttrMaxBlockDimZ));
	CHECK(p->maxGridSize[0] == attribute(cudaDevAttrMaxGridDimX));
	CHECK((int)p->sharedMemPerBlock == attribute(cudaDevAttrMaxSharedMemoryPerBlock));
	CHECK(p->multiProcessorCount == attribute(cudaDevAttrMultiProcessorCount));
	CHECK(p->pciDomainID == attribute(cudaDevAttrPciDomainId));
	CHECK(p->asyncEngineCount == attribute(cudaDevAttrAsyncEngineCount));
	CHECK(p->unifiedAddressing == 1);
	CHECK(p->l2CacheSize == attribute(cudaDevAttrL2CacheSize));
	CHECK(p->regsPerMultiprocessor == attribute(cudaDevAttrMaxRegistersPerMultiprocessor));
	CHECK(p->managedMemory == attribute(cudaDevAttrManagedMemory));
	CHECK((int)p->sharedMemPerBlockOptin == attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin));
	CUDA(cudaMemGetInfo(&free_bytes, &total));
	CHECK(p->totalGlobalMem == total && free_bytes <= total);
}

static void errors(void)
{
	int *p, device = -1, count = 0;

	CUDA(cudaGetDeviceCount(&count));
	CHECK(count >= 1);
	CUDA_IS(cudaSetDevice(count), cudaErrorInvalidDevice);
	CUDA_IS(cudaPeekAtLastError(), cudaErrorInvalidDevice);
	CUDA_IS(cudaGetLastError(), cudaErrorInvalidDevice);
	CUDA_IS(cudaGetLastError(), cudaSuccess);
	CUDA(cudaSetDevice(0));
	CUDA(cudaGetDevice(&device));
	CHECK(device == 0);
	CUDA_IS(cudaMalloc(&p, (size_t)1 << 60), cudaErrorMemoryAllocation);
	CUDA_IS(cudaGetLastError(), cudaErrorMemoryAllocation);
	CHECK(!strcmp(cudaGetErrorName(cudaErrorInvalidDevice), "cudaErrorInvalidDevice"));
	CHECK(!strcmp(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory"));
	CHECK(!strcmp(cudaGetErrorName(cudaErrorNotReady), "cudaErrorNotReady"));
}

int main(int argc, char **argv)
{
	int version = 0, driver = 0;

	prog_begin(argc, argv, "device", 1);
	CUDA(cudaRuntimeGetVersion(&version));
	CUDA(cudaDriverGetVersion(&driver));
	CHECK(version / 1000 == CUDART_VERSION / 1000);
	CHECK(driver >= version);
	properties();
	errors();
	prog_int("runtime", version / 1000);
	return prog_end();
}
