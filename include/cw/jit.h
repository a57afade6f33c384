/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of the compiler that are numbers, not pointers: these cross.
 */
#ifndef CW_JIT_H
#define CW_JIT_H

#include <stdbool.h>

#include "cw/cuda.h"

static inline bool cw_jit_is_number(CUjit_option option)
{
	switch (option) {
	case CU_JIT_MAX_REGISTERS:
	case CU_JIT_THREADS_PER_BLOCK:
	case CU_JIT_OPTIMIZATION_LEVEL:
	case CU_JIT_TARGET_FROM_CUCONTEXT:
	case CU_JIT_TARGET:
	case CU_JIT_FALLBACK_STRATEGY:
	case CU_JIT_GENERATE_DEBUG_INFO:
	case CU_JIT_LOG_VERBOSE:
	case CU_JIT_GENERATE_LINE_INFO:
	case CU_JIT_CACHE_MODE:
	case CU_JIT_MIN_CTA_PER_SM:
	case CU_JIT_MAX_THREADS_PER_BLOCK:
		return true;
	default:
		return false;
	}
}

#endif
