/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CUDA driver library, loaded by path, with a context and a counting kernel.
 */
#ifndef TOOLS_BENCH_CUDA_H
#define TOOLS_BENCH_CUDA_H

#include <stdbool.h>

#include "cw/cuda.h"
#include "cw/stat.h"

/* Functions a bench uses: X(symbol, result, parameters). */
#define BENCH_FUNCTIONS(X)                                                                         \
	X(cuInit, (unsigned int))                                                                  \
	X(cuDeviceGetName, (char *, int, CUdevice))                                                \
	X(cuDevicePrimaryCtxRetain, (CUcontext *, CUdevice))                                       \
	X(cuDevicePrimaryCtxRelease_v2, (CUdevice))                                                \
	X(cuCtxSetCurrent, (CUcontext))                                                            \
	X(cuCtxSynchronize, (void))                                                                \
	X(cuMemGetInfo_v2, (size_t *, size_t *))                                                   \
	X(cuMemAlloc_v2, (CUdeviceptr *, size_t))                                                  \
	X(cuMemFree_v2, (CUdeviceptr))                                                             \
	X(cuMemcpyHtoD_v2, (CUdeviceptr, const void *, size_t))                                    \
	X(cuMemcpyDtoH_v2, (void *, CUdeviceptr, size_t))                                          \
	X(cuMemsetD32_v2, (CUdeviceptr, unsigned int, size_t))                                     \
	X(cuModuleLoadData, (CUmodule *, const void *))                                            \
	X(cuModuleGetFunction, (CUfunction *, CUmodule, const char *))                             \
	X(cuLaunchKernel, (CUfunction, unsigned int, unsigned int, unsigned int, unsigned int,     \
			   unsigned int, unsigned int, unsigned int, CUstream, void **, void **))  \
	X(cuStreamCreate, (CUstream *, unsigned int))                                              \
	X(cuStreamSynchronize, (CUstream))                                                         \
	X(cuStreamWaitEvent, (CUstream, CUevent, unsigned int))                                    \
	X(cuStreamIsCapturing, (CUstream, CUstreamCaptureStatus *))                                \
	X(cuEventCreate, (CUevent *, unsigned int))                                                \
	X(cuEventRecord, (CUevent, CUstream))                                                      \
	X(cuEventQuery, (CUevent))                                                                 \
	X(cuPointerGetAttribute, (void *, CUpointer_attribute, CUdeviceptr))                       \
	X(cuGetExportTable, (const void **, const CUuuid *))

/**
 * struct bench_cuda - A library and what was made in it
 * @stat:	our counters, NULL for a library that has none
 * @count_kernel: adds 1 to the word its argument points to; <<<1, 1>>>
 * @counter:	that word
 */
struct bench_cuda {
	void *lib;
#define X(name, params) CUresult(*name) params;
	BENCH_FUNCTIONS(X)
#undef X
	const struct cw_stat_table *stat;
	CUcontext ctx;
	CUmodule module;
	CUfunction count_kernel;
	CUdeviceptr counter;
};

/**
 * bench_cuda_open() - Load a library, make a context, load the kernel
 * @cu:		filled
 * @path:	of the library
 *
 * Return: 0, or -1 after a line on stderr.
 */
int bench_cuda_open(struct bench_cuda *cu, const char *path);

/* The guest's library, loaded and bound, with nothing called yet; 0 or -1. */
int bench_cuda_bind(struct bench_cuda *cu);
/* Sees that the guest's library will find a GPU, as bench_guest() says; 0 or -1. */
int bench_way_to_gpu(void);

/**
 * bench_guest() - The guest's library with a way to a GPU
 *
 * In a VM that is /dev/vcuda0; with CAUSEWAY_SOCKET that daemon; else a daemon
 * of our own on the software GPU, stopped at exit.
 *
 * Return: the library, ready; NULL after a line on stderr.
 */
struct bench_cuda *bench_guest(void);
/* Whether the way to the GPU is a driver's node. */
bool bench_in_vm(void);
/*
 * The back end in this process, without a crossing: the library of --native,
 * else the software GPU. NULL where there is none.
 */
struct bench_cuda *bench_native(void);
void bench_set_native(const char *path);

/**
 * bench_trace_once() - A piece of a framework's trace (see trace.c)
 * @cu:	one of at most two libraries
 * @n:	operations
 *
 * Return: nanoseconds per operation, negative after a line on stderr.
 */
double bench_trace_once(struct bench_cuda *cu, int n);

bool bench_ok(CUresult r, const char *what);
#define BENCH_OK(call) bench_ok(call, #call)

#endif
