/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CUDA's words for where code and data live, as clang spells them.
 *
 * A file that is no CUDA source (plain C or C++) sees only the host's part.
 */
#ifndef CAUSEWAY_HOST_DEFINES_H
#define CAUSEWAY_HOST_DEFINES_H

#ifdef __CUDA__
#define __host__ __attribute__((host))
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(n) __attribute__((aligned(n)))
#define CW_HOST_DEVICE __host__ __device__
#define CW_DEVICE static __device__ inline __attribute__((always_inline))
#else
#define CW_HOST_DEVICE
#endif

#define CUDARTAPI
#define CUDART_CB

#endif
