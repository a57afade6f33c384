/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be set in a context: limits, cache and bank preferences.
 */
#include "softgpu/api/state.h"

/* Texts are kept one by one: what a program asks for is cut to that. */
#define PRINTF_FIFO_MAX ((size_t)64 << 20)

SG_API cuCtxGetLimit(size_t *value, CUlimit limit)
{
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	if ((unsigned)limit >= CU_LIMIT_MAX)
		return CUDA_ERROR_UNSUPPORTED_LIMIT;
	*value = ctx->limits[limit];
	return CUDA_SUCCESS;
}

SG_API cuCtxSetLimit(CUlimit limit, size_t value)
{
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	switch (limit) {
	case CU_LIMIT_STACK_SIZE:
		if (value > 512 << 10)
			return CUDA_ERROR_INVALID_VALUE;
		break;
	case CU_LIMIT_MALLOC_HEAP_SIZE:
		/* Fixed once a kernel may have used it. */
		if (ctx->heap_base)
			return CUDA_ERROR_INVALID_VALUE;
		break;
	case CU_LIMIT_PRINTF_FIFO_SIZE:
		value = cw_min(value, PRINTF_FIFO_MAX);
		break;
	case CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH:
	case CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT:
	case CU_LIMIT_MAX_L2_FETCH_GRANULARITY:
	case CU_LIMIT_PERSISTING_L2_CACHE_SIZE:
		break;
	default:
		return CUDA_ERROR_UNSUPPORTED_LIMIT;
	}
	ctx->limits[limit] = value;
	return CUDA_SUCCESS;
}

SG_API cuCtxGetCacheConfig(CUfunc_cache *config)
{
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!config)
		return CUDA_ERROR_INVALID_VALUE;
	*config = ctx->cache_config;
	return CUDA_SUCCESS;
}

SG_API cuCtxSetCacheConfig(CUfunc_cache config)
{
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if ((unsigned)config > CU_FUNC_CACHE_PREFER_EQUAL)
		return CUDA_ERROR_INVALID_VALUE;
	ctx->cache_config = config;
	return CUDA_SUCCESS;
}

SG_API cuCtxGetSharedMemConfig(CUsharedconfig *config)
{
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!config)
		return CUDA_ERROR_INVALID_VALUE;
	*config = ctx->shared_config;
	return CUDA_SUCCESS;
}

SG_API cuCtxSetSharedMemConfig(CUsharedconfig config)
{
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if ((unsigned)config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE)
		return CUDA_ERROR_INVALID_VALUE;
	/* One bank size; the request is a hint. */
	return CUDA_SUCCESS;
}

SG_API cuCtxGetStreamPriorityRange(int *least, int *greatest)
{
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (least)
		*least = 0;
	if (greatest)
		*greatest = -5;
	return CUDA_SUCCESS;
}

SG_API cuCtxResetPersistingL2Cache(void)
{
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	return CUDA_SUCCESS;
}

SG_API cuCtxEnablePeerAccess(CUcontext peer, unsigned int flags)
{
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
}

SG_API cuCtxDisablePeerAccess(CUcontext peer)
{
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	return CUDA_ERROR_PEER_ACCESS_NOT_ENABLED;
}
