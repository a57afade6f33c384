/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few functions of the API whose guest side is written by hand; api/ says
 * why for each.
 */
#include <sys/mman.h>

#include "guest/libcuda/client.h"

/**
 * cuOccupancyMaxPotentialBlockSizeWithFlags() - Block size that fills the device
 *
 * Tries block sizes from the largest down in steps of a warp; the program's
 * own function says what shared memory each would want.
 */
CW_EXPORT CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int *minGridSize, int *blockSize,
						   CUfunction func, CUoccupancyB2DSize dynamic,
						   size_t shared, int limit, unsigned int flags)
{
	int most, sms = 0, per_sm = 0, warp = 32, best = 0, best_block = 0, best_blocks = 0;
	CUdevice dev;
	CUresult r;

	if (!minGridSize || !blockSize || !func)
		return CUDA_ERROR_INVALID_VALUE;
	r = cuCtxGetDevice(&dev);
	if (!r)
		r = cuFuncGetAttribute(&most, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, func);
	if (!r)
		r = cg_device_attr(&sms, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, dev);
	if (!r)
		r = cg_device_attr(&per_sm, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR,
				   dev);
	if (r)
		return r;
	if (limit > 0)
		most = cw_min(most, limit);
	for (int block = most; block > 0 && best < per_sm;
	     block = block % warp ? block - block % warp : block - warp) {
		size_t want = dynamic ? dynamic(block) : shared;
		int blocks = 0;

		r = cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(&blocks, func, block, want,
									 flags);
		if (r)
			return r;
		if (blocks * block > best) {
			best = blocks * block;
			best_block = block;
			best_blocks = blocks;
		}
	}
	*blockSize = best_block;
	*minGridSize = best_blocks * sms;
	return best_block ? CUDA_SUCCESS : CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
}
