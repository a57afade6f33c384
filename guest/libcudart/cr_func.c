/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kernel is and needs: attributes, occupancy, handles; libraries that
 * the program loads itself.
 */
#include <string.h>

#include "cr_module.h"

/* struct cudaFuncAttributes before CUDA 12: the same, without clusters. */
#define CR_FUNC_OLD_SIZE offsetof(struct cudaFuncAttributes, clusterDimMustBeSet)

#define CR_FUNC(field, attr)                                                          \
	{                                                                             \
		CU_FUNC_ATTRIBUTE_##attr, offsetof(struct cudaFuncAttributes, field), \
			sizeof(((struct cudaFuncAttributes *)0)->field)               \
	}

static const struct {
	CUfunction_attribute attr;
	unsigned short offset;
	unsigned short size;
} cr_func_attrs[] = {
	CR_FUNC(sharedSizeBytes, SHARED_SIZE_BYTES),
	CR_FUNC(constSizeBytes, CONST_SIZE_BYTES),
	CR_FUNC(localSizeBytes, LOCAL_SIZE_BYTES),
	CR_FUNC(maxThreadsPerBlock, MAX_THREADS_PER_BLOCK),
	CR_FUNC(numRegs, NUM_REGS),
	CR_FUNC(ptxVersion, PTX_VERSION),
	CR_FUNC(binaryVersion, BINARY_VERSION),
	CR_FUNC(cacheModeCA, CACHE_MODE_CA),
	CR_FUNC(maxDynamicSharedSizeBytes, MAX_DYNAMIC_SHARED_SIZE_BYTES),
	CR_FUNC(preferredShmemCarveout, PREFERRED_SHARED_MEMORY_CARVEOUT),
	CR_FUNC(clusterDimMustBeSet, CLUSTER_SIZE_MUST_BE_SET),
	CR_FUNC(requiredClusterWidth, REQUIRED_CLUSTER_WIDTH),
	CR_FUNC(requiredClusterHeight, REQUIRED_CLUSTER_HEIGHT),
	CR_FUNC(requiredClusterDepth, REQUIRED_CLUSTER_DEPTH),
	CR_FUNC(clusterSchedulingPolicyPreference, CLUSTER_SCHEDULING_POLICY_PREFERENCE),
	CR_FUNC(nonPortableClusterSizeAllowed, NON_PORTABLE_CLUSTER_SIZE_ALLOWED),
};

/* Kernel and device a function of this file is about. */
static int cr_func_get(const void *func, CUkernel *ret_kernel, CUdevice *ret_dev)
{
	int err = cr_kernel_get(func, ret_kernel);

	return err ? err : cr_current_device(ret_dev);
}

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attr, const void *func)
{
	size_t size = cr_era < CR_V12 ? CR_FUNC_OLD_SIZE : sizeof(*attr);
	struct cudaFuncAttributes all = { 0 };
	CUkernel kernel;
	CUdevice dev;
	int err;

	CR_ENTER();
	if (!attr)
		return cr_ret(cudaErrorInvalidValue);
	err = cr_func_get(func, &kernel, &dev);
	for (size_t i = 0; !err && i < CW_ARRAY_SIZE(cr_func_attrs); i++) {
		char *at = (char *)&all + cr_func_attrs[i].offset;
		int value = 0;

		err = cr_drv()->cuKernelGetAttribute(&value, cr_func_attrs[i].attr, kernel, dev);
		/* Cluster attributes are unknown to devices without clusters. */
		if (err && cr_func_attrs[i].offset >= CR_FUNC_OLD_SIZE)
			err = 0;
		if (cr_func_attrs[i].size == sizeof(size_t))
			*(size_t *)at = value;
		else
			*(int *)at = value;
	}
	if (!err)
		memcpy(attr, &all, size);
	return cr_ret(err);
}

cudaError_t cudaFuncSetAttribute(const void *func, enum cudaFuncAttribute attr, int value)
{
	CUkernel kernel;
	CUdevice dev;
	int err;

	CR_ENTER();
	err = cr_func_get(func, &kernel, &dev);
	return cr_ret(err ? err
			  : (int)cr_drv()->cuKernelSetAttribute((CUfunction_attribute)attr, value,
								kernel, dev));
}

cudaError_t cudaFuncSetCacheConfig(const void *func, enum cudaFuncCache cacheConfig)
{
	CUkernel kernel;
	CUdevice dev;
	int err;

	CR_ENTER();
	err = cr_func_get(func, &kernel, &dev);
	return cr_ret(err ? err
			  : (int)cr_drv()->cuKernelSetCacheConfig(kernel, (CUfunc_cache)cacheConfig,
								  dev));
}

/* Banks are fixed since Maxwell: a hint that no device takes any more. */
cudaError_t cudaFuncSetSharedMemConfig(const void *func, enum cudaSharedMemConfig config)
{
	CUkernel kernel;

	CR_ENTER();
	return cr_ret(cr_kernel_get(func, &kernel));
}

cudaError_t cudaFuncGetName(const char **name, const void *func)
{
	CUkernel kernel;
	int err;

	CR_ENTER();
	err = cr_kernel_get(func, &kernel);
	return cr_ret(err ? err : (int)cr_drv()->cuKernelGetName(name, kernel));
}

cudaError_t cudaFuncGetParamInfo(const void *func, size_t paramIndex, size_t *paramOffset,
				 size_t *paramSize)
{
	CUkernel kernel;
	int err;

	CR_ENTER();
	err = cr_kernel_get(func, &kernel);
	return cr_ret(err ? err
			  : (int)cr_drv()->cuKernelGetParamInfo(kernel, paramIndex, paramOffset,
								paramSize));
}

cudaError_t cudaGetFuncBySymbol(cudaFunction_t *functionPtr, const void *symbolPtr)
{
	CUkernel kernel;
	int err;

	CR_ENTER();
	err = cr_kernel_get(symbolPtr, &kernel);
	return cr_ret(err ? err : (int)cr_drv()->cuKernelGetFunction(functionPtr, kernel));
}

cudaError_t cudaGetKernel(cudaKernel_t *kernelPtr, const void *entryFuncAddr)
{
	int err;

	CR_ENTER();
	err = cr_kernel_get(entryFuncAddr, kernelPtr);
	return cr_ret(err ? err : cr_kernel_adopt(*kernelPtr));
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *numBlocks, const void *func,
								   int blockSize,
								   size_t dynamicSMemSize,
								   unsigned int flags)
{
	CUkernel kernel;
	int err;

	CR_ENTER();
	err = cr_kernel_get(func, &kernel);
	return cr_ret(
		err ? err
		    : (int)cr_drv()->cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
			      numBlocks, (CUfunction)kernel, blockSize, dynamicSMemSize, flags));
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *numBlocks, const void *func,
							  int blockSize, size_t dynamicSMemSize)
{
	return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
		numBlocks, func, blockSize, dynamicSMemSize, cudaOccupancyDefault);
}

cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t *dynamicSmemSize, const void *func,
						      int numBlocks, int blockSize)
{
	CUkernel kernel;
	int err;

	CR_ENTER();
	err = cr_kernel_get(func, &kernel);
	return cr_ret(err ? err
			  : (int)cr_drv()->cuOccupancyAvailableDynamicSMemPerBlock(
				    dynamicSmemSize, (CUfunction)kernel, numBlocks, blockSize));
}

static CUlaunchConfig cr_func_config(const cudaLaunchConfig_t *c)
{
	return (CUlaunchConfig){
		.gridDimX = c->gridDim.x,
		.gridDimY = c->gridDim.y,
		.gridDimZ = c->gridDim.z,
		.blockDimX = c->blockDim.x,
		.blockDimY = c->blockDim.y,
		.blockDimZ = c->blockDim.z,
		.sharedMemBytes = c->dynamicSmemBytes,
		.hStream = c->stream,
		.attrs = (CUlaunchAttribute *)c->attrs,
		.numAttrs = c->numAttrs,
	};
}

cudaError_t cudaOccupancyMaxPotentialClusterSize(int *clusterSize, const void *func,
						 const cudaLaunchConfig_t *launchConfig)
{
	CUlaunchConfig config = cr_func_config(launchConfig);
	CUkernel kernel;
	int err;

	CR_ENTER();
	err = cr_kernel_get(func, &kernel);
	return cr_ret(err ? err
			  : (int)cr_drv()->cuOccupancyMaxPotentialClusterSize(
				    clusterSize, (CUfunction)kernel, &config));
}

cudaError_t cudaOccupancyMaxActiveClusters(int *numClusters, const void *func,
					   const cudaLaunchConfig_t *launchConfig)
{
	CUlaunchConfig config = cr_func_config(launchConfig);
	CUkernel kernel;
	int err;

	CR_ENTER();
	err = cr_kernel_get(func, &kernel);
	return cr_ret(err ? err
			  : (int)cr_drv()->cuOccupancyMaxActiveClusters(
				    numClusters, (CUfunction)kernel, &config));
}

cudaError_t cudaLibraryLoadData(cudaLibrary_t *library, const void *code,
				enum cudaJitOption *jitOptions, void **jitOptionsValues,
				unsigned int numJitOptions, enum cudaLibraryOption *libraryOptions,
				void **libraryOptionValues, unsigned int numLibraryOptions)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuLibraryLoadData(
		library, code, (CUjit_option *)jitOptions, jitOptionsValues, numJitOptions,
		(CUlibraryOption *)libraryOptions, libraryOptionValues, numLibraryOptions));
}

cudaError_t cudaLibraryLoadFromFile(cudaLibrary_t *library, const char *fileName,
				    enum cudaJitOption *jitOptions, void **jitOptionsValues,
				    unsigned int numJitOptions,
				    enum cudaLibraryOption *libraryOptions,
				    void **libraryOptionValues, unsigned int numLibraryOptions)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuLibraryLoadFromFile(
		library, fileName, (CUjit_option *)jitOptions, jitOptionsValues, numJitOptions,
		(CUlibraryOption *)libraryOptions, libraryOptionValues, numLibraryOptions));
}

cudaError_t cudaLibraryUnload(cudaLibrary_t library)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuLibraryUnload(library));
}

cudaError_t cudaLibraryGetKernel(cudaKernel_t *pKernel, cudaLibrary_t library, const char *name)
{
	int err;

	CR_ENTER();
	err = cr_drv()->cuLibraryGetKernel(pKernel, library, name);
	return cr_ret(err ? err : cr_kernel_adopt(*pKernel));
}

cudaError_t cudaLibraryGetGlobal(void **dptr, size_t *bytes, cudaLibrary_t library,
				 const char *name)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuLibraryGetGlobal((CUdeviceptr *)dptr, bytes, library, name));
}

cudaError_t cudaLibraryGetManaged(void **dptr, size_t *bytes, cudaLibrary_t library,
				  const char *name)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuLibraryGetManaged((CUdeviceptr *)dptr, bytes, library, name));
}

cudaError_t cudaLibraryGetKernelCount(unsigned int *count, cudaLibrary_t lib)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuLibraryGetKernelCount(count, lib));
}

cudaError_t cudaLibraryEnumerateKernels(cudaKernel_t *kernels, unsigned int numKernels,
					cudaLibrary_t lib)
{
	int err;

	CR_ENTER();
	err = cr_drv()->cuLibraryEnumerateKernels(kernels, numKernels, lib);
	for (unsigned int i = 0; !err && i < numKernels; i++)
		err = cr_kernel_adopt(kernels[i]);
	return cr_ret(err);
}
