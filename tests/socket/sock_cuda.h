/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients do with CUDA: a context, kernels, counters of the library.
 */
#ifndef TESTS_SOCKET_SOCK_CUDA_H
#define TESTS_SOCKET_SOCK_CUDA_H

#include "cuda_proto.h"
#include "cw/cuda.h"
#include "cw/stat.h"

/**
 * struct sock_cuda - A client's context
 * @count:	kernel (u64 p): adds 1 to the word at p
 * @spin:	kernel (u64 p): runs until the word at p is not 0
 * @set:	kernel (u64 p, u32 v): stores v at p
 * @counter:	4,096 bytes of zeroes on the device
 * @word:	a word of pinned memory, 0
 * @stat:	the library's counters
 */
struct sock_cuda {
	CUcontext ctx;
	CUmodule module;
	CUfunction count, spin, set;
	CUdeviceptr counter;
	volatile unsigned int *word;
	const struct cw_stat_table *stat;
};

/* Takes all of it, or ends the client. */
void sock_cuda_begin(struct sock_cuda *cu);
/* Launches <<<1, 1>>>. */
CUresult sock_count(struct sock_cuda *cu, CUstream stream);
CUresult sock_spin(struct sock_cuda *cu, CUstream stream);
/* What the counter says, after all work. */
unsigned int sock_counted(struct sock_cuda *cu);

#define OK(call) WANT_EQ(call, CUDA_SUCCESS)

#endif
