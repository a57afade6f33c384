/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Launches: what a kernel may be asked for, and its way into a stream.
 */
#include <stdlib.h>
#include <string.h>

#include "softgpu/api/grid.h"

/* A launch as the program asks for it, whichever function it uses. */
struct request {
	const void *func;
	uint32_t grid[3];
	uint32_t block[3];
	uint32_t shared;
	CUstream stream;
	void **params;
	void **extra;
};

static CUresult check_shape(const struct request *req, const struct sg_entry_usage *usage,
			    const struct sg_entry_info *info)
{
	static const uint32_t grid_max[3] = { 2147483647, 65535, 65535 };
	static const uint32_t block_max[3] = { 1024, 1024, 64 };
	uint64_t threads = 1;

	for (int i = 0; i < 3; i++) {
		if (!req->grid[i] || req->grid[i] > grid_max[i] || !req->block[i] ||
		    req->block[i] > block_max[i])
			return CUDA_ERROR_INVALID_VALUE;
		threads *= req->block[i];
		if (info->reqntid[0] && req->block[i] != cw_max(info->reqntid[i], 1u))
			return CUDA_ERROR_INVALID_VALUE;
	}
	if (threads > SG_MAX_THREADS_PER_BLOCK)
		return CUDA_ERROR_INVALID_VALUE;
	if (threads > usage->max_threads)
		return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
	return CUDA_SUCCESS;
}

static CUresult check_shared(const struct request *req, struct sg_kernel *kernel,
			     const struct sg_entry_usage *usage)
{
	int set = atomic_load(&kernel->dyn_shared);
	uint64_t need = (uint64_t)req->shared + usage->static_shared;

	if (set >= 0 ? req->shared > (unsigned)set && need > SG_SHARED_DEFAULT
		     : need > SG_SHARED_DEFAULT)
		return CUDA_ERROR_INVALID_VALUE;
	return need > SG_SHARED_OPTIN ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

/* The buffer form: a list of (key, value) pairs. */
static CUresult params_from_extra(void **extra, const struct sg_entry_info *info, void *buffer)
{
	const void *from = NULL;
	size_t size = 0;

	for (; *extra != CU_LAUNCH_PARAM_END; extra += 2) {
		if (*extra == CU_LAUNCH_PARAM_BUFFER_POINTER)
			from = extra[1];
		else if (*extra == CU_LAUNCH_PARAM_BUFFER_SIZE)
			size = *(size_t *)extra[1];
		else
			return CUDA_ERROR_INVALID_VALUE;
	}
	if (!info->param_bytes)
		return CUDA_SUCCESS;
	/* A struct may end with padding the parameter list does not have. */
	if (!from || size > SG_PARAM_MAX || size < info->param_bytes)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(buffer, from, info->param_bytes);
	return CUDA_SUCCESS;
}

static CUresult take_params(const struct request *req, const struct sg_entry_info *info,
			    char *buffer)
{
	if (req->params && req->extra)
		return CUDA_ERROR_INVALID_VALUE;
	if (req->extra)
		return params_from_extra(req->extra, info, buffer);
	if (info->nparams && !req->params)
		return CUDA_ERROR_INVALID_VALUE;
	for (uint32_t i = 0; i < info->nparams; i++) {
		const struct sg_param_info *p = &info->params[i];

		if (!req->params[i])
			return CUDA_ERROR_INVALID_VALUE;
		memcpy(buffer + p->offset, req->params[i], p->size);
	}
	return CUDA_SUCCESS;
}

static CUresult submit(struct sg_ctx *ctx, struct sg_stream *queue, const struct request *req,
		       struct sg_entry *entry)
{
	const struct sg_entry_info *info = sg_entry_info(entry);
	struct sg_ugrid *grid = sg_ugrid_new(ctx, entry, info->param_bytes);
	CUresult res;

	if (!grid)
		return CUDA_ERROR_OUT_OF_MEMORY;
	res = take_params(req, info, grid->params);
	if (!res) {
		memcpy(grid->launch.grid, req->grid, sizeof(req->grid));
		memcpy(grid->launch.block, req->block, sizeof(req->block));
		grid->launch.dyn_shared = req->shared;
		grid->grid.blocks = (uint64_t)req->grid[0] * req->grid[1] * req->grid[2];
		res = sg_from_errno(sg_submit_grid(queue, &grid->grid));
	}
	if (res)
		sg_ugrid_free(grid);
	return res;
}

static CUresult launch(const struct request *req)
{
	struct sg_entry_usage usage;
	struct sg_kernel *kernel;
	struct sg_stream *queue;
	struct sg_entry *entry;
	struct sg_ctx *ctx;
	CUresult res;

	SG_CTX(ctx);
	kernel = sg_object_find(req->func, SG_TYPE_KERNEL);
	if (!kernel)
		return CUDA_ERROR_INVALID_HANDLE;
	if (kernel->instance && kernel->instance->obj.ctx != ctx)
		return CUDA_ERROR_INVALID_CONTEXT;
	res = sg_stream_queue(ctx, req->stream, &queue);
	if (!res)
		res = sg_kernel_usage(ctx, kernel, &usage);
	if (!res)
		res = sg_kernel_entry(ctx, kernel, &entry);
	if (!res)
		res = check_shape(req, &usage, sg_entry_info(entry));
	if (!res)
		res = check_shared(req, kernel, &usage);
	return res ? res : submit(ctx, queue, req, entry);
}

SG_API cuLaunchKernel(CUfunction func, unsigned int gx, unsigned int gy, unsigned int gz,
		      unsigned int bx, unsigned int by, unsigned int bz, unsigned int shared,
		      CUstream stream, void **params, void **extra)
{
	struct request req = {
		.func = func,
		.grid = { gx, gy, gz },
		.block = { bx, by, bz },
		.shared = shared,
		.stream = stream,
		.params = params,
		.extra = extra,
	};

	return launch(&req);
}

/* Attributes that change what a launch means; the others are hints. */
static CUresult check_attribute(const CUlaunchAttribute *attr)
{
	switch (attr->id) {
	case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
		return attr->value.cooperative ? CUDA_ERROR_NOT_SUPPORTED : CUDA_SUCCESS;
	case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
		if (attr->value.clusterDim.x > 1 || attr->value.clusterDim.y > 1 ||
		    attr->value.clusterDim.z > 1)
			return CUDA_ERROR_INVALID_CLUSTER_SIZE;
		return CUDA_SUCCESS;
	case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT:
	case CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT:
	case CU_LAUNCH_ATTRIBUTE_DEVICE_UPDATABLE_KERNEL_NODE:
		return CUDA_ERROR_NOT_SUPPORTED;
	case CU_LAUNCH_ATTRIBUTE_IGNORE:
	case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
	case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
	case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
	case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION:
	case CU_LAUNCH_ATTRIBUTE_PRIORITY:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
	case CU_LAUNCH_ATTRIBUTE_PREFERRED_CLUSTER_DIMENSION:
	case CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
	case CU_LAUNCH_ATTRIBUTE_NVLINK_UTIL_CENTRIC_SCHEDULING:
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

SG_API cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction func, void **params, void **extra)
{
	CUresult res = CUDA_SUCCESS;

	if (!config || (config->numAttrs && !config->attrs))
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned i = 0; i < config->numAttrs && !res; i++)
		res = check_attribute(&config->attrs[i]);
	if (res)
		return res;
	return cuLaunchKernel(func, config->gridDimX, config->gridDimY, config->gridDimZ,
			      config->blockDimX, config->blockDimY, config->blockDimZ,
			      config->sharedMemBytes, config->hStream, params, extra);
}
