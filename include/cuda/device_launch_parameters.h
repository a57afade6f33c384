/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threadIdx, blockIdx, blockDim, gridDim, warpSize.
 *
 * Each member is a property that reads a special register, so the objects are
 * declared and never defined: nothing of them is left in the PTX.
 */
#ifndef CAUSEWAY_DEVICE_LAUNCH_PARAMETERS_H
#define CAUSEWAY_DEVICE_LAUNCH_PARAMETERS_H

#include "vector_types.h"

#ifdef __CUDA__
#define CW_SREG(name, builtin)                                                                     \
	__declspec(property(get = cw_get_##name)) unsigned int name;                               \
	static inline __attribute__((always_inline, device)) unsigned int cw_get_##name(void)      \
	{                                                                                          \
		return builtin();                                                                  \
	}

#define CW_SREG3(sreg, vector)                                                                     \
	struct cw_##sreg {                                                                         \
		CW_SREG(x, __nvvm_read_ptx_sreg_##sreg##_x)                                        \
		CW_SREG(y, __nvvm_read_ptx_sreg_##sreg##_y)                                        \
		CW_SREG(z, __nvvm_read_ptx_sreg_##sreg##_z)                                        \
		__attribute__((device)) operator vector(void) const                                \
		{                                                                                  \
			return vector{ x, y, z };                                                  \
		}                                                                                  \
	};

CW_SREG3(tid, uint3)
CW_SREG3(ctaid, uint3)
CW_SREG3(ntid, dim3)
CW_SREG3(nctaid, dim3)

extern const __device__ __attribute__((weak)) struct cw_tid threadIdx;
extern const __device__ __attribute__((weak)) struct cw_ctaid blockIdx;
extern const __device__ __attribute__((weak)) struct cw_ntid blockDim;
extern const __device__ __attribute__((weak)) struct cw_nctaid gridDim;
__attribute__((device)) const int warpSize = 32;
#undef CW_SREG
#undef CW_SREG3
#endif

#endif
