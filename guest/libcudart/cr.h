/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcudart's core: caller's version, state of the process and of a thread.
 *
 * The renaming header comes before the API header, so that each source defines
 * cudaMalloc() under its API name, checked against the public prototype, while
 * the symbol is cr_cudaMalloc: the exported names are versioned entries that
 * jump to it (see gen_exports.c).
 */
#ifndef LIBCUDART_CR_H
#define LIBCUDART_CR_H

#include "cr_driver.h"
#include "cr_rename.h"

#pragma GCC visibility push(hidden)
#include "cuda_runtime_api.h"
#include "cr_variants.h"
/* Names and meanings that other versions have: see exports.def. */
cudaError_t cudaGetDeviceProperties_v2(struct cudaDeviceProp *prop, int device);
cudaError_t cudaMemPrefetchAsync_by_device(const void *devPtr, size_t count, int device,
					   cudaStream_t stream);
cudaError_t cudaMemPrefetchAsync_ptsz_by_device(const void *devPtr, size_t count, int device,
						cudaStream_t stream);
cudaError_t cudaMemAdvise_by_device(const void *devPtr, size_t count, enum cudaMemoryAdvise advice,
				    int device);
#pragma GCC visibility pop

/** enum cr_version - The node a caller is bound to, as noted by its entry */
enum cr_version {
	CR_V9_0,
	CR_V9_1,
	CR_V9_2,
	CR_V10_0,
	CR_V10_1,
	CR_V10_2,
	CR_V11_0,
	CR_V12,
	CR_V13,
};

/*
 * Written by the entries, in assembly; hence the fixed model. An entry is
 * entered from the program only: callbacks run on threads of the driver, so a
 * call never changes the version of one that is in progress.
 */
CW_HIDDEN extern __thread int cr_era __attribute__((tls_model("initial-exec")));

#define CR_MAX_DEVICES 64

/**
 * struct cr_device - One device of the process
 * @dev:	driver's handle
 * @primary:	its primary context, kept after a reset to recognise it
 * @retained:	whether we hold it now; cleared by cudaDeviceReset()
 */
struct cr_device {
	CUdevice dev;
	CUcontext primary;
	bool retained;
};

/** struct cr_config - A launch configuration between its push and its use */
struct cr_config {
	dim3 grid;
	dim3 block;
	size_t shared;
	cudaStream_t stream;
	char *args;	 /* CUDA 9.0's cudaSetupArgument() writes here */
	size_t arg_size; /* end of the furthest argument */
};

#define CR_CONFIG_DEPTH 16
/* Largest parameter block of a kernel in the days of cudaSetupArgument(). */
#define CR_ARG_BYTES 4096

/**
 * struct cr_thread - State of one thread
 * @last:	last error, in today's numbers
 * @device:	what cudaSetDevice() chose
 * @configs:	stack of pushed configurations: arguments of a launch may
 *		themselves launch
 * @depth:	configurations on the stack
 */
struct cr_thread {
	cudaError_t last;
	int device;
	struct cr_config configs[CR_CONFIG_DEPTH];
	int depth;
};

#pragma GCC visibility push(hidden)
struct cr_thread *cr_thread(void);
int cr_init(void);
int cr_context(void);
int cr_device_count(void);
struct cr_device *cr_device(int ordinal);
int cr_use_device(int ordinal);
int cr_primary(int ordinal, CUcontext *ret_ctx);
int cr_current_device(CUdevice *ret_dev);
int cr_retained_devices(void);

cudaError_t cr_ret(int err);
cudaError_t cr_enter(void);
int cr_error_to_old(int err);
int cr_error_from_old(int err);
cudaError_t cr_not_supported(const char *name);
#pragma GCC visibility pop

/* First line of a function that needs the driver, and a context. */
#define CR_ENTER()                                  \
	do {                                        \
		cudaError_t cr_enter_ = cr_enter(); \
		if (cr_enter_)                      \
			return cr_enter_;           \
	} while (0)

/* First line of a function that needs the driver but no context. */
#define CR_INIT()                                \
	do {                                     \
		int cr_init_ = cr_init();        \
		if (cr_init_)                    \
			return cr_ret(cr_init_); \
	} while (0)

/* Stream 0 of a _ptsz or _ptds function. */
static inline cudaStream_t cr_ptsz(cudaStream_t stream)
{
	return stream ? stream : cudaStreamPerThread;
}

static inline CUdeviceptr cr_ptr(const void *p)
{
	return (CUdeviceptr)(uintptr_t)p;
}

#endif
