/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel launches, of all ages.
 *
 * Up to CUDA 9.1 code for k<<<grid, block>>>(a, b) calls cudaConfigureCall(),
 * one cudaSetupArgument() per argument with its offset, and cudaLaunch(). From
 * 9.2 on it pushes the configuration, and a stub of the kernel pops it and
 * calls cudaLaunchKernel() with pointers to the arguments. CUDA 13 looks the
 * kernel up once per call site (__cudaGetKernel) and launches by handle.
 */
#include <stdlib.h>
#include <string.h>

#include "cr_module.h"
#include "cr_register.h"

/* Whether a device takes these sizes at all: tells 9 from 1 after a refusal. */
static bool cr_launch_geometry_ok(dim3 grid, dim3 block)
{
	const unsigned int sizes[] = { block.x, block.y, block.z, grid.x, grid.y, grid.z };
	CUdevice dev;
	int limit;

	if (cr_current_device(&dev))
		return true;
	for (int i = 0; i < 6; i++) {
		/* MAX_BLOCK_DIM_X.. and MAX_GRID_DIM_X.. follow each other. */
		CUdevice_attribute attr = CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X + i;

		if (cr_drv()->cuDeviceGetAttribute(&limit, attr, dev))
			return true;
		if (!sizes[i] || sizes[i] > (unsigned int)limit)
			return false;
	}
	if (cr_drv()->cuDeviceGetAttribute(&limit, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, dev))
		return true;
	return (unsigned long long)block.x * block.y * block.z <= (unsigned int)limit;
}

static cudaError_t cr_launch_ret(int err, dim3 grid, dim3 block)
{
	if (__builtin_expect(err == CUDA_ERROR_INVALID_VALUE, 0) &&
	    !cr_launch_geometry_ok(grid, block))
		err = cudaErrorInvalidConfiguration;
	return cr_ret(err);
}

/* Shape of a launch, in one argument. */
struct cr_shape {
	dim3 grid;
	dim3 block;
	size_t shared;
	cudaStream_t stream;
};

static cudaError_t cr_launch(CUkernel kernel, const struct cr_shape *s, void **args, void **extra)
{
	/* The driver takes a CUkernel where it takes a CUfunction. */
	int err = cr_drv()->cuLaunchKernel((CUfunction)kernel, s->grid.x, s->grid.y, s->grid.z,
					   s->block.x, s->block.y, s->block.z, s->shared, s->stream,
					   args, extra);

	return cr_launch_ret(err, s->grid, s->block);
}

cudaError_t cudaLaunchKernel(const void *func, dim3 gridDim, dim3 blockDim, void **args,
			     size_t sharedMem, cudaStream_t stream)
{
	const struct cr_shape shape = { gridDim, blockDim, sharedMem, stream };
	CUkernel kernel;
	int err;

	CR_ENTER();
	err = cr_kernel_get(func, &kernel);
	return err ? cr_ret(err) : cr_launch(kernel, &shape, args, NULL);
}

cudaError_t cudaLaunchKernel_ptsz(const void *func, dim3 gridDim, dim3 blockDim, void **args,
				  size_t sharedMem, cudaStream_t stream)
{
	return cudaLaunchKernel(func, gridDim, blockDim, args, sharedMem, cr_ptsz(stream));
}

cudaError_t cudaLaunchCooperativeKernel(const void *func, dim3 gridDim, dim3 blockDim, void **args,
					size_t sharedMem, cudaStream_t stream)
{
	CUkernel kernel;
	int err;

	CR_ENTER();
	err = cr_kernel_get(func, &kernel);
	if (err)
		return cr_ret(err);
	err = cr_drv()->cuLaunchCooperativeKernel((CUfunction)kernel, gridDim.x, gridDim.y,
						  gridDim.z, blockDim.x, blockDim.y, blockDim.z,
						  sharedMem, stream, args);
	return cr_launch_ret(err, gridDim, blockDim);
}

cudaError_t cudaLaunchCooperativeKernel_ptsz(const void *func, dim3 gridDim, dim3 blockDim,
					     void **args, size_t sharedMem, cudaStream_t stream)
{
	return cudaLaunchCooperativeKernel(func, gridDim, blockDim, args, sharedMem,
					   cr_ptsz(stream));
}

static cudaError_t cr_launch_ex(const cudaLaunchConfig_t *config, const void *func, void **args,
				cudaStream_t stream)
{
	CUlaunchConfig c;
	CUkernel kernel;
	int err;

	CR_ENTER();
	if (!config)
		return cr_ret(cudaErrorInvalidValue);
	err = cr_kernel_get(func, &kernel);
	if (err)
		return cr_ret(err);
	c = (CUlaunchConfig){
		.gridDimX = config->gridDim.x,
		.gridDimY = config->gridDim.y,
		.gridDimZ = config->gridDim.z,
		.blockDimX = config->blockDim.x,
		.blockDimY = config->blockDim.y,
		.blockDimZ = config->blockDim.z,
		.sharedMemBytes = config->dynamicSmemBytes,
		.hStream = stream,
		/* Same numbers, same layout on both sides. */
		.attrs = (CUlaunchAttribute *)config->attrs,
		.numAttrs = config->numAttrs,
	};
	err = cr_drv()->cuLaunchKernelEx(&c, (CUfunction)kernel, args, NULL);
	return cr_launch_ret(err, config->gridDim, config->blockDim);
}

_Static_assert(sizeof(cudaLaunchAttribute) == sizeof(CUlaunchAttribute), "same layout");

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *func, void **args)
{
	return cr_launch_ex(config, func, args, config ? config->stream : NULL);
}

cudaError_t cudaLaunchKernelExC_ptsz(const cudaLaunchConfig_t *config, const void *func,
				     void **args)
{
	return cr_launch_ex(config, func, args, config ? cr_ptsz(config->stream) : NULL);
}

cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *func)
{
	/*
	 * Our own entry, not the driver's handle: the call site keeps it over
	 * a cudaDeviceReset(), and nothing is loaded before the launch.
	 */
	*kernel = (cudaKernel_t)cr_kernel_find(func);
	return *kernel ? cudaSuccess : cr_ret(cudaErrorInvalidDeviceFunction);
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **args,
			       size_t shared, cudaStream_t stream)
{
	const struct cr_shape shape = { grid, block, shared, stream };
	CUkernel handle;
	int err;

	CR_ENTER();
	if (!kernel)
		return cr_ret(cudaErrorInvalidDeviceFunction);
	err = cr_kernel_resolve((struct cr_kernel *)kernel, &handle);
	return err ? cr_ret(err) : cr_launch(handle, &shape, args, NULL);
}

cudaError_t __cudaLaunchKernel_ptsz(cudaKernel_t kernel, dim3 grid, dim3 block, void **args,
				    size_t shared, cudaStream_t stream)
{
	return __cudaLaunchKernel(kernel, grid, block, args, shared, cr_ptsz(stream));
}

static struct cr_config *cr_config_push(const struct cr_shape *shape)
{
	struct cr_thread *t = cr_thread();
	struct cr_config *c;

	if (t->depth == CR_CONFIG_DEPTH)
		return NULL;
	c = &t->configs[t->depth++];
	c->grid = shape->grid;
	c->block = shape->block;
	c->shared = shape->shared;
	c->stream = shape->stream;
	c->arg_size = 0;
	return c;
}

static struct cr_config *cr_config_pop(void)
{
	struct cr_thread *t = cr_thread();

	return t->depth ? &t->configs[--t->depth] : NULL;
}

/* Not 0 makes the generated code skip the launch. */
unsigned int __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, cudaStream_t stream)
{
	const struct cr_shape shape = { grid, block, shared, stream };

	if (cr_config_push(&shape))
		return 0;
	return cr_ret(cudaErrorLaunchMaxDepthExceeded);
}

cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream)
{
	struct cr_config *c = cr_config_pop();

	if (!c)
		return cr_ret(cudaErrorMissingConfiguration);
	*grid = c->grid;
	*block = c->block;
	*shared = c->shared;
	*(cudaStream_t *)stream = c->stream;
	return cudaSuccess;
}

cudaError_t cudaConfigureCall(dim3 gridDim, dim3 blockDim, size_t sharedMem, cudaStream_t stream)
{
	const struct cr_shape shape = { gridDim, blockDim, sharedMem, stream };

	return cr_ret(cr_config_push(&shape) ? cudaSuccess : cudaErrorLaunchMaxDepthExceeded);
}

cudaError_t cudaSetupArgument(const void *arg, size_t size, size_t offset)
{
	struct cr_thread *t = cr_thread();
	struct cr_config *c;

	if (!t->depth)
		return cr_ret(cudaErrorMissingConfiguration);
	c = &t->configs[t->depth - 1];
	if (!cw_range_ok(offset, size, CR_ARG_BYTES))
		return cr_ret(cudaErrorInvalidValue);
	/* Kept for the thread's next launches; freed when it ends. */
	if (!c->args)
		c->args = malloc(CR_ARG_BYTES);
	if (!c->args)
		return cr_ret(cudaErrorMemoryAllocation);
	memcpy(c->args + offset, arg, size);
	c->arg_size = cw_max(c->arg_size, offset + size);
	return cudaSuccess;
}

cudaError_t cudaLaunch(const void *func)
{
	struct cr_config *c = cr_config_pop();
	struct cr_shape shape;
	CUkernel kernel;
	void *extra[5];
	int err;

	if (!c)
		return cr_ret(cudaErrorMissingConfiguration);
	CR_ENTER();
	err = cr_kernel_get(func, &kernel);
	if (err)
		return cr_ret(err);
	shape = (struct cr_shape){ c->grid, c->block, c->shared, c->stream };
	if (!c->arg_size)
		return cr_launch(kernel, &shape, NULL, NULL);
	extra[0] = CU_LAUNCH_PARAM_BUFFER_POINTER;
	extra[1] = c->args;
	extra[2] = CU_LAUNCH_PARAM_BUFFER_SIZE;
	extra[3] = &c->arg_size;
	extra[4] = CU_LAUNCH_PARAM_END;
	return cr_launch(kernel, &shape, NULL, extra);
}
