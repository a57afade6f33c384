/* SPDX-License-Identifier: Apache-2.0 */
/* Every described function with harmless arguments; the table is generated. */
#ifndef TESTS_SOFTGPU_SOFT_CALLS_H
#define TESTS_SOFTGPU_SOFT_CALLS_H

#include "cw/cuda.h"

/**
 * struct soft_call - A symbol of libcuda.so.1
 * @symbol:	its name
 * @refused:	the description says that the software GPU does not do it
 * @call:	calls it
 */
struct soft_call {
	const char *symbol;
	int refused;
	CUresult (*call)(void);
};

extern const struct soft_call soft_calls[];
extern const unsigned int soft_calls_count;

/* A page of zeros, made anew by each call; what a function writes there goes nowhere. */
void *soft_call_zeros(void);

#endif
