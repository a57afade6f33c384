/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory in stream order, its pools, managed memory's hints.
 */
#include "cr.h"

_Static_assert(sizeof(struct cudaMemPoolProps) == sizeof(CUmemPoolProps), "same layout");
_Static_assert(sizeof(struct cudaMemAccessDesc) == sizeof(CUmemAccessDesc), "same layout");

cudaError_t cudaMallocAsync(void **devPtr, size_t size, cudaStream_t hStream)
{
	CUdeviceptr ptr = 0;
	int err;

	CR_ENTER();
	if (!devPtr)
		return cr_ret(cudaErrorInvalidValue);
	err = size ? (int)cr_drv()->cuMemAllocAsync(&ptr, size, hStream) : 0;
	if (!err)
		*devPtr = (void *)(uintptr_t)ptr;
	return cr_ret(err);
}

cudaError_t cudaMallocAsync_ptsz(void **devPtr, size_t size, cudaStream_t hStream)
{
	return cudaMallocAsync(devPtr, size, cr_ptsz(hStream));
}

cudaError_t cudaFreeAsync(void *devPtr, cudaStream_t hStream)
{
	CR_ENTER();
	return cr_ret(devPtr ? (int)cr_drv()->cuMemFreeAsync(cr_ptr(devPtr), hStream) : 0);
}

cudaError_t cudaFreeAsync_ptsz(void *devPtr, cudaStream_t hStream)
{
	return cudaFreeAsync(devPtr, cr_ptsz(hStream));
}

cudaError_t cudaMallocFromPoolAsync(void **ptr, size_t size, cudaMemPool_t memPool,
				    cudaStream_t stream)
{
	CUdeviceptr p = 0;
	int err;

	CR_ENTER();
	if (!ptr)
		return cr_ret(cudaErrorInvalidValue);
	err = cr_drv()->cuMemAllocFromPoolAsync(&p, size, memPool, stream);
	if (!err)
		*ptr = (void *)(uintptr_t)p;
	return cr_ret(err);
}

cudaError_t cudaMallocFromPoolAsync_ptsz(void **ptr, size_t size, cudaMemPool_t memPool,
					 cudaStream_t stream)
{
	return cudaMallocFromPoolAsync(ptr, size, memPool, cr_ptsz(stream));
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t *memPool, const struct cudaMemPoolProps *poolProps)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuMemPoolCreate(memPool, (const CUmemPoolProps *)poolProps));
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t memPool)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuMemPoolDestroy(memPool));
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t memPool, size_t minBytesToKeep)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuMemPoolTrimTo(memPool, minBytesToKeep));
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t memPool, enum cudaMemPoolAttr attr, void *value)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuMemPoolSetAttribute(memPool, (CUmemPool_attribute)attr, value));
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t memPool, enum cudaMemPoolAttr attr, void *value)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuMemPoolGetAttribute(memPool, (CUmemPool_attribute)attr, value));
}

cudaError_t cudaMemPoolSetAccess(cudaMemPool_t memPool, const struct cudaMemAccessDesc *descList,
				 size_t count)
{
	CR_ENTER();
	return cr_ret(
		cr_drv()->cuMemPoolSetAccess(memPool, (const CUmemAccessDesc *)descList, count));
}

cudaError_t cudaMemPoolGetAccess(enum cudaMemAccessFlags *flags, cudaMemPool_t memPool,
				 struct cudaMemLocation *location)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuMemPoolGetAccess((CUmemAccess_flags *)flags, memPool,
						   (CUmemLocation *)location));
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *memPool, int device)
{
	CR_ENTER();
	if (!cr_device(device))
		return cr_ret(cudaErrorInvalidDevice);
	return cr_ret(cr_drv()->cuDeviceGetDefaultMemPool(memPool, cr_device(device)->dev));
}

cudaError_t cudaDeviceSetMemPool(int device, cudaMemPool_t memPool)
{
	CR_ENTER();
	if (!cr_device(device))
		return cr_ret(cudaErrorInvalidDevice);
	return cr_ret(cr_drv()->cuDeviceSetMemPool(cr_device(device)->dev, memPool));
}

cudaError_t cudaDeviceGetMemPool(cudaMemPool_t *memPool, int device)
{
	CR_ENTER();
	if (!cr_device(device))
		return cr_ret(cudaErrorInvalidDevice);
	return cr_ret(cr_drv()->cuDeviceGetMemPool(memPool, cr_device(device)->dev));
}

/* Before CUDA 13 a place was a device number, -1 for the host. */
static struct cudaMemLocation cr_location(int device)
{
	if (device == cudaCpuDeviceId)
		return (struct cudaMemLocation){ cudaMemLocationTypeHost, 0 };
	return (struct cudaMemLocation){ cudaMemLocationTypeDevice, device };
}

cudaError_t cudaMemPrefetchAsync(const void *devPtr, size_t count, struct cudaMemLocation location,
				 unsigned int flags, cudaStream_t stream)
{
	const CUmemLocation to = { (CUmemLocationType)location.type, location.id };

	CR_ENTER();
	return cr_ret(cr_drv()->cuMemPrefetchAsync_v2(cr_ptr(devPtr), count, to, flags, stream));
}

cudaError_t cudaMemPrefetchAsync_ptsz(const void *devPtr, size_t count,
				      struct cudaMemLocation location, unsigned int flags,
				      cudaStream_t stream)
{
	return cudaMemPrefetchAsync(devPtr, count, location, flags, cr_ptsz(stream));
}

cudaError_t cudaMemPrefetchAsync_by_device(const void *devPtr, size_t count, int device,
					   cudaStream_t stream)
{
	return cudaMemPrefetchAsync(devPtr, count, cr_location(device), 0, stream);
}

cudaError_t cudaMemPrefetchAsync_ptsz_by_device(const void *devPtr, size_t count, int device,
						cudaStream_t stream)
{
	return cudaMemPrefetchAsync(devPtr, count, cr_location(device), 0, cr_ptsz(stream));
}

cudaError_t cudaMemAdvise(const void *devPtr, size_t count, enum cudaMemoryAdvise advice,
			  struct cudaMemLocation location)
{
	const CUmemLocation at = { (CUmemLocationType)location.type, location.id };

	CR_ENTER();
	return cr_ret(cr_drv()->cuMemAdvise_v2(cr_ptr(devPtr), count, (CUmem_advise)advice, at));
}

cudaError_t cudaMemAdvise_by_device(const void *devPtr, size_t count, enum cudaMemoryAdvise advice,
				    int device)
{
	return cudaMemAdvise(devPtr, count, advice, cr_location(device));
}

cudaError_t cudaMemRangeGetAttribute(void *data, size_t dataSize,
				     enum cudaMemRangeAttribute attribute, const void *devPtr,
				     size_t count)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuMemRangeGetAttribute(
		data, dataSize, (CUmem_range_attribute)attribute, cr_ptr(devPtr), count));
}

cudaError_t cudaMemRangeGetAttributes(void **data, size_t *dataSizes,
				      enum cudaMemRangeAttribute *attributes, size_t numAttributes,
				      const void *devPtr, size_t count)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuMemRangeGetAttributes(data, dataSizes,
							(CUmem_range_attribute *)attributes,
							numAttributes, cr_ptr(devPtr), count));
}
