// SPDX-License-Identifier: Apache-2.0
// The corners of the runtime API that no other program visits, each with its
// answer checked.
#include <cuda_runtime.h>

#include "prog.h"

#define N 256

__device__ int symbol[N];

__global__ void add(int *values, int by, short times)
{
	values[threadIdx.x + blockIdx.x * blockDim.x] += by * times;
}

static void launches(int *device)
{
	cudaLaunchConfig_t config;
	int by = 5, back[N];
	short times = 2;
	void *args[] = { &device, &by, &times };
	size_t offset = 0, size = 0;
	const char *name = NULL;
	cudaFunction_t function = NULL;
	cudaError_t err;

	CUDA(cudaMemset(device, 0, sizeof(back)));
	memset(&config, 0, sizeof(config));
	config.gridDim = dim3(2);
	config.blockDim = dim3(N / 2);
	CUDA(cudaLaunchKernelExC(&config, (const void *)add, args));
	CUDA(cudaLaunchKernel((const void *)add, dim3(2), dim3(N / 2), args, 0, 0));
	CUDA(cudaMemcpy(back, device, sizeof(back), cudaMemcpyDefault));
	CHECK(back[0] == 20 && back[N - 1] == 20);
	CUDA(cudaFuncGetName(&name, (const void *)add));
	CHECK(name && !strcmp(name, "_Z3addPiis"));
	CUDA(cudaFuncGetParamInfo((const void *)add, 2, &offset, &size));
	CHECK(offset == 12 && size == 2);
	CUDA(cudaGetFuncBySymbol(&function, (const void *)add));
	CHECK(function != NULL);
	// No kernel: 98, or 400 from runtimes that take it for a handle.
	err = cudaLaunchKernel((const void *)launches, dim3(1), dim3(1), args, 0, 0);
	CHECK(err == cudaErrorInvalidDeviceFunction || err == cudaErrorInvalidResourceHandle);
	CUDA_IS(cudaGetLastError(), err);
}

static void streams(void)
{
	unsigned long long id = 0, other = 0;
	int least = 0, greatest = 0, priority = 99;
	unsigned int flags = 99;
	cudaStream_t stream;
	cudaEvent_t event;

	CUDA(cudaDeviceGetStreamPriorityRange(&least, &greatest));
	CHECK(least >= greatest);
	CUDA(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, greatest));
	CUDA(cudaStreamGetPriority(stream, &priority));
	CHECK(priority == greatest);
	CUDA(cudaStreamGetFlags(stream, &flags));
	CHECK(flags == cudaStreamNonBlocking);
	CUDA(cudaStreamGetId(stream, &id));
	CUDA(cudaStreamGetId(0, &other));
	CHECK(id != other);
	CUDA(cudaEventCreateWithFlags(&event, cudaEventBlockingSync));
	CUDA(cudaEventRecordWithFlags(event, stream, cudaEventRecordDefault));
	CUDA(cudaEventSynchronize(event));
	CUDA(cudaEventDestroy(event));
	CUDA(cudaStreamDestroy(stream));
}

static void copies(int *device)
{
	int host[N], back[N];
	cudaStream_t stream;
	size_t row = 16 * sizeof(int);

	for (int i = 0; i < N; i++)
		host[i] = i;
	CUDA(cudaStreamCreate(&stream));
	CUDA(cudaMemcpy(back, host, sizeof(host), cudaMemcpyHostToHost));
	CHECK(!memcmp(back, host, sizeof(host)));
	CUDA(cudaMemcpyAsync(device, host, sizeof(host), cudaMemcpyDefault, stream));
	CUDA(cudaMemcpyToSymbolAsync(symbol, host, sizeof(host), 0, cudaMemcpyHostToDevice,
				     stream));
	CUDA(cudaMemcpyPeerAsync(device, 0, device, 0, 0, stream));
	CUDA(cudaMemset2DAsync(device, row, 0, 4, 16, stream));
	CUDA(cudaMemcpy2DAsync(back, row, device, row, row, 16, cudaMemcpyDeviceToHost, stream));
	CUDA(cudaStreamSynchronize(stream));
	for (int i = 0; i < N; i++)
		CHECK(back[i] == (i % 16 ? i : 0));
	CUDA(cudaMemcpyFromSymbolAsync(back, symbol, sizeof(back), 0, cudaMemcpyDeviceToHost,
				       stream));
	CUDA(cudaStreamSynchronize(stream));
	CHECK(!memcmp(back, host, sizeof(host)));
	CUDA(cudaMemset3D(make_cudaPitchedPtr(device, row, row, 4), 0xff,
			  make_cudaExtent(8, 2, 4)));
	CUDA(cudaMemcpy(back, device, sizeof(back), cudaMemcpyDeviceToHost));
	CHECK(back[0] == -1 && back[1] == -1 && back[2] == 2 && back[16] == -1 && back[32] == 0);
	CUDA_IS(cudaMemcpy(back, device, 4, (enum cudaMemcpyKind)77),
		cudaErrorInvalidMemcpyDirection);
	CUDA(cudaMemcpy(back, device, 0, cudaMemcpyDeviceToHost));
	cudaGetLastError();
	CUDA(cudaStreamDestroy(stream));
}

static void device_state(void)
{
	char id[32] = "";
	int device = -1, *null = (int *)1;
	size_t size = 0;
	unsigned int flags = 0;
	void *pinned;

	CUDA(cudaDeviceGetPCIBusId(id, sizeof(id), 0));
	CUDA(cudaDeviceGetByPCIBusId(&device, id));
	CHECK(device == 0);
	CUDA(cudaDeviceSetLimit(cudaLimitPrintfFifoSize, 2 << 20));
	CUDA(cudaDeviceGetLimit(&size, cudaLimitPrintfFifoSize));
	CHECK(size >= 2 << 20);
	CUDA(cudaHostAlloc(&pinned, 100, cudaHostAllocPortable));
	CUDA(cudaHostGetFlags(&flags, pinned));
	CHECK(flags & cudaHostAllocPortable);
	CUDA(cudaFreeHost(pinned));
	CUDA(cudaFree(0));
	CUDA(cudaMalloc(&null, 0));
	CHECK(null == NULL);
	CUDA_IS(cudaFree(&device), cudaErrorInvalidValue);
	cudaGetLastError();
}

static void driver(void)
{
	enum cudaDriverEntryPointQueryResult found;
	int (*get_version)(int *) = NULL;
	int version = 0;
	void *entry = NULL;

	CUDA(cudaGetDriverEntryPointByVersion("cuDriverGetVersion", &entry, 12000,
					      cudaEnableDefault, &found));
	CHECK(entry && found == cudaDriverEntryPointSuccess);
	memcpy(&get_version, &entry, sizeof(entry));
	CHECK(get_version && get_version(&version) == 0 && version >= 12000);
	CUDA(cudaGetDriverEntryPointByVersion("cuNoSuchThing", &entry, 12000, cudaEnableDefault,
					      &found));
	CHECK(!entry && found == cudaDriverEntryPointSymbolNotFound);
}

int main(int argc, char **argv)
{
	int *device;

	prog_begin(argc, argv, "api_tour", N);
	CUDA(cudaMalloc(&device, N * sizeof(int)));
	launches(device);
	streams();
	copies(device);
	device_state();
	driver();
	CUDA_IS(cudaGetLastError(), cudaSuccess);
	prog_int("n", N);
	return prog_end();
}
