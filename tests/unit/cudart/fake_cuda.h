/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FAKE_CUDA_H
#define TESTS_FAKE_CUDA_H

#include "cw/cuda.h"

/** struct fake_launch - The last launch, as the driver saw it */
struct fake_launch {
	unsigned int function;
	unsigned int grid[3];
	unsigned int block[3];
	unsigned int shared;
	unsigned int stream;
	unsigned long long first; /* first parameter, where given by pointers */
	size_t packed;		  /* bytes of a packed buffer */
	unsigned char buffer[64];
};

/** struct fake_log - What was asked, and answers that the test sets */
struct fake_log {
	int inits;
	int retains;
	int resets;
	int loads;
	int unloads;
	int launches;
	const void *image;
	struct fake_launch launch;
	CUmemLocation location;
	CUresult sync_result;
	CUresult launch_result;
};

struct fake_log *fake_log(void);

#endif
