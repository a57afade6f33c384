/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: allocation, registration, what a pointer is.
 */
#include "cr.h"

#include <string.h>

/* Rows of cudaMallocPitch() suit elements of up to 16 bytes. */
enum {
	CR_PITCH_ELEMENT = 16
};

/* @ptr by address: it is written while the arguments are evaluated. */
static cudaError_t cr_memory_out(void **out, const CUdeviceptr *ptr, int err)
{
	if (!err)
		*out = (void *)(uintptr_t)*ptr;
	return cr_ret(err);
}

cudaError_t cudaMalloc(void **devPtr, size_t size)
{
	CUdeviceptr ptr = 0;

	CR_ENTER();
	if (!devPtr)
		return cr_ret(cudaErrorInvalidValue);
	/* The driver refuses 0 bytes; the runtime gives no memory for them. */
	if (!size)
		return cr_memory_out(devPtr, &ptr, 0);
	return cr_memory_out(devPtr, &ptr, cr_drv()->cuMemAlloc_v2(&ptr, size));
}

cudaError_t cudaMallocManaged(void **devPtr, size_t size, unsigned int flags)
{
	CUdeviceptr ptr = 0;

	CR_ENTER();
	if (!devPtr || !size)
		return cr_ret(cudaErrorInvalidValue);
	return cr_memory_out(devPtr, &ptr, cr_drv()->cuMemAllocManaged(&ptr, size, flags));
}

cudaError_t cudaMallocPitch(void **devPtr, size_t *pitch, size_t width, size_t height)
{
	CUdeviceptr ptr = 0;

	CR_ENTER();
	if (!devPtr || !pitch)
		return cr_ret(cudaErrorInvalidValue);
	if (!width || !height) {
		*pitch = 0;
		return cr_memory_out(devPtr, &ptr, 0);
	}
	return cr_memory_out(
		devPtr, &ptr,
		cr_drv()->cuMemAllocPitch_v2(&ptr, pitch, width, height, CR_PITCH_ELEMENT));
}

cudaError_t cudaMalloc3D(struct cudaPitchedPtr *pitchedDevPtr, struct cudaExtent extent)
{
	void *ptr = NULL;
	size_t pitch = 0;
	cudaError_t err;

	if (!pitchedDevPtr)
		return cr_ret(cudaErrorInvalidValue);
	if (extent.height && extent.depth > SIZE_MAX / extent.height)
		return cr_ret(cudaErrorMemoryAllocation);
	err = cudaMallocPitch(&ptr, &pitch, extent.width, extent.height * extent.depth);
	if (err)
		return err;
	pitchedDevPtr->ptr = ptr;
	pitchedDevPtr->pitch = pitch;
	pitchedDevPtr->xsize = extent.width;
	pitchedDevPtr->ysize = extent.height;
	return cudaSuccess;
}

cudaError_t cudaFree(void *devPtr)
{
	/* cudaFree(0) is how programs ask for a context early. */
	CR_ENTER();
	return cr_ret(devPtr ? (int)cr_drv()->cuMemFree_v2(cr_ptr(devPtr)) : 0);
}

cudaError_t cudaHostAlloc(void **pHost, size_t size, unsigned int flags)
{
	CR_ENTER();
	if (!pHost)
		return cr_ret(cudaErrorInvalidValue);
	if (!size) {
		*pHost = NULL;
		return cudaSuccess;
	}
	return cr_ret(cr_drv()->cuMemHostAlloc(pHost, size, flags));
}

cudaError_t cudaMallocHost(void **ptr, size_t size)
{
	return cudaHostAlloc(ptr, size, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void *ptr)
{
	CR_ENTER();
	return cr_ret(ptr ? (int)cr_drv()->cuMemFreeHost(ptr) : 0);
}

cudaError_t cudaHostRegister(void *ptr, size_t size, unsigned int flags)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuMemHostRegister_v2(ptr, size, flags));
}

cudaError_t cudaHostUnregister(void *ptr)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuMemHostUnregister(ptr));
}

cudaError_t cudaHostGetDevicePointer(void **pDevice, void *pHost, unsigned int flags)
{
	CUdeviceptr ptr = 0;

	CR_ENTER();
	if (!pDevice)
		return cr_ret(cudaErrorInvalidValue);
	return cr_memory_out(pDevice, &ptr,
			     cr_drv()->cuMemHostGetDevicePointer_v2(&ptr, pHost, flags));
}

cudaError_t cudaHostGetFlags(unsigned int *pFlags, void *pHost)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuMemHostGetFlags(pFlags, pHost));
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuMemGetInfo_v2(free, total));
}

/** struct cr_pointer - Answers of the driver about a pointer */
struct cr_pointer {
	CUmemorytype type; /* 0: not one of CUDA's */
	int device;
	CUdeviceptr device_ptr;
	void *host_ptr;
	unsigned int managed;
};

static int cr_pointer_query(const void *ptr, struct cr_pointer *p)
{
	CUpointer_attribute attrs[] = {
		CU_POINTER_ATTRIBUTE_MEMORY_TYPE,    CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
		CU_POINTER_ATTRIBUTE_DEVICE_POINTER, CU_POINTER_ATTRIBUTE_HOST_POINTER,
		CU_POINTER_ATTRIBUTE_IS_MANAGED,
	};
	void *data[] = { &p->type, &p->device, &p->device_ptr, &p->host_ptr, &p->managed };

	memset(p, 0, sizeof(*p));
	return cr_drv()->cuPointerGetAttributes(CW_ARRAY_SIZE(attrs), attrs, data, cr_ptr(ptr));
}

/* Struct of CUDA 9 and 10; 9 has no second type. */
struct cr_pointer_attributes9 {
	enum cudaMemoryType memoryType;
	int device;
	void *devicePointer;
	void *hostPointer;
	int isManaged;
};

struct cr_pointer_attributes10 {
	enum cudaMemoryType memoryType;
	enum cudaMemoryType type;
	int device;
	void *devicePointer;
	void *hostPointer;
	int isManaged;
};

struct cr_pointer_attributes11 {
	enum cudaMemoryType type;
	int device;
	void *devicePointer;
	void *hostPointer;
};

static enum cudaMemoryType cr_pointer_type(const struct cr_pointer *p)
{
	if (p->managed)
		return cudaMemoryTypeManaged;
	if (p->type == CU_MEMORYTYPE_HOST)
		return cudaMemoryTypeHost;
	return p->type ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered;
}

static void cr_pointer_write_old(void *out, const struct cr_pointer *p)
{
	enum cudaMemoryType memory =
		p->type == CU_MEMORYTYPE_HOST ? cudaMemoryTypeHost : cudaMemoryTypeDevice;
	void *device = (void *)(uintptr_t)p->device_ptr;

	if (cr_era < CR_V10_0)
		*(struct cr_pointer_attributes9 *)out =
			(struct cr_pointer_attributes9){ memory, p->device, device, p->host_ptr,
							 p->managed };
	else
		*(struct cr_pointer_attributes10 *)out =
			(struct cr_pointer_attributes10){ memory, cr_pointer_type(p), p->device,
							  device, p->host_ptr,	      p->managed };
}

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *attributes, const void *ptr)
{
	struct cr_pointer_attributes11 *out = (void *)attributes;
	struct cr_pointer p;
	int err;

	CR_ENTER();
	if (!attributes)
		return cr_ret(cudaErrorInvalidValue);
	err = cr_pointer_query(ptr, &p);
	if (err)
		return cr_ret(err);
	/* Plain host memory was an error until CUDA 11. */
	if (!p.type && cr_era < CR_V11_0)
		return cr_ret(cudaErrorInvalidValue);
	if (cr_era < CR_V11_0) {
		cr_pointer_write_old(attributes, &p);
		return cudaSuccess;
	}
	if (cr_era >= CR_V13)
		memset(attributes, 0, sizeof(*attributes));
	out->type = cr_pointer_type(&p);
	out->device = p.type ? p.device : cudaInvalidDeviceId;
	out->devicePointer = (void *)(uintptr_t)p.device_ptr;
	out->hostPointer = p.type ? p.host_ptr : (void *)(uintptr_t)ptr;
	return cudaSuccess;
}
