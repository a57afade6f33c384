/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Occupancy: how many blocks fit on a multiprocessor, as a GPU counts.
 */
#include "softgpu/api/state.h"

static int blocks_per_sm(const struct sg_entry_usage *usage, unsigned threads, size_t dynamic)
{
	uint64_t shared = usage->static_shared + (uint64_t)dynamic + SG_SHARED_RESERVED;
	unsigned warps = (threads + 31) / 32;
	uint64_t n = SG_MAX_BLOCKS_PER_SM;

	if (!threads || threads > usage->max_threads || dynamic > SG_SHARED_OPTIN)
		return 0;
	n = cw_min(n, (uint64_t)(SG_MAX_THREADS_PER_SM / 32 / warps));
	n = cw_min(n, (uint64_t)(SG_REGS_PER_BLOCK / (SG_REGS_PER_THREAD * 32 * warps)));
	return (int)cw_min(n, SG_SHARED_PER_SM / shared);
}

static CUresult usage_of(CUfunction func, struct sg_entry_usage *ret_usage)
{
	struct sg_kernel *kernel;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	kernel = sg_object_find(func, SG_TYPE_KERNEL);
	return kernel ? sg_kernel_usage(ctx, kernel, ret_usage) : CUDA_ERROR_INVALID_HANDLE;
}

SG_API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction func,
							    int threads, size_t dynamic,
							    unsigned int flags)
{
	struct sg_entry_usage usage;
	CUresult res = usage_of(func, &usage);

	if (res)
		return res;
	if (!blocks || threads <= 0 || flags > CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE)
		return CUDA_ERROR_INVALID_VALUE;
	*blocks = blocks_per_sm(&usage, (unsigned)threads, dynamic);
	return CUDA_SUCCESS;
}

SG_API cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction func, int threads,
						   size_t dynamic)
{
	return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, func, threads, dynamic,
								    0);
}

SG_API cuOccupancyMaxPotentialBlockSizeWithFlags(int *grid, int *block, CUfunction func,
						 CUoccupancyB2DSize b2d, size_t dynamic, int limit,
						 unsigned int flags)
{
	struct sg_entry_usage usage;
	CUresult res = usage_of(func, &usage);
	int best_threads = 0, best_block = 0, best_blocks = 0;

	if (res)
		return res;
	if (!grid || !block || limit < 0 || flags > CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE)
		return CUDA_ERROR_INVALID_VALUE;
	if (!limit || limit > (int)usage.max_threads)
		limit = (int)usage.max_threads;
	for (int b = limit; b > 0; b = (b - 1) & ~31) {
		int n = blocks_per_sm(&usage, (unsigned)b, b2d ? b2d(b) : dynamic);

		if (n * b > best_threads) {
			best_threads = n * b;
			best_block = b;
			best_blocks = n;
		}
	}
	*block = best_block;
	*grid = best_blocks * (int)sg_sched_threads();
	return CUDA_SUCCESS;
}

SG_API cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction func,
					CUoccupancyB2DSize b2d, size_t dynamic, int limit)
{
	return cuOccupancyMaxPotentialBlockSizeWithFlags(grid, block, func, b2d, dynamic, limit, 0);
}

SG_API cuOccupancyAvailableDynamicSMemPerBlock(size_t *dynamic, CUfunction func, int blocks,
					       int threads)
{
	struct sg_entry_usage usage;
	CUresult res = usage_of(func, &usage);
	uint64_t each;

	if (res)
		return res;
	if (!dynamic || blocks <= 0 || threads <= 0)
		return CUDA_ERROR_INVALID_VALUE;
	each = SG_SHARED_PER_SM / (unsigned)blocks;
	each = each > SG_SHARED_RESERVED ? each - SG_SHARED_RESERVED : 0;
	each = cw_min(each, (uint64_t)SG_SHARED_OPTIN);
	*dynamic = each > usage.static_shared ? each - usage.static_shared : 0;
	return CUDA_SUCCESS;
}

SG_API cuOccupancyMaxPotentialClusterSize(int *size, CUfunction func, const CUlaunchConfig *config)
{
	struct sg_entry_usage usage;
	CUresult res = usage_of(func, &usage);

	if (res)
		return res;
	if (!size || !config)
		return CUDA_ERROR_INVALID_VALUE;
	*size = 1;
	return CUDA_SUCCESS;
}

SG_API cuOccupancyMaxActiveClusters(int *clusters, CUfunction func, const CUlaunchConfig *config)
{
	struct sg_entry_usage usage;
	CUresult res = usage_of(func, &usage);
	uint64_t threads;

	if (res)
		return res;
	if (!clusters || !config)
		return CUDA_ERROR_INVALID_VALUE;
	threads = (uint64_t)config->blockDimX * config->blockDimY * config->blockDimZ;
	*clusters = threads > SG_MAX_THREADS_PER_BLOCK
			    ? 0
			    : blocks_per_sm(&usage, (unsigned)threads, config->sharedMemBytes) *
				      (int)sg_sched_threads();
	return CUDA_SUCCESS;
}
