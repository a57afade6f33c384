/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libcuda.so.1 for the test of libcudart: it computes nothing and notes what
 * it was asked. Handles are small numbers, memory is malloc's.
 */
#include "fake_cuda.h"

#include <stdlib.h>
#include <string.h>

#include "cuda_proto.h"

static __thread CUcontext current;
static struct fake_log state;

struct fake_log *fake_log(void)
{
	return &state;
}

CUresult cuInit(unsigned int flags)
{
	state.inits++;
	return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int *version)
{
	*version = 13000;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count)
{
	*count = 2;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
	*device = ordinal + 40;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *name, int len, CUdevice device)
{
	strncpy(name, "Fake", (size_t)len);
	return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device)
{
	*bytes = 0x123456789ull;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device)
{
	memset(uuid, 0xee, sizeof(*uuid));
	return CUDA_SUCCESS;
}

/* Every attribute is its number and 1000, so that a misplaced one shows. */
CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attr, CUdevice device)
{
	*value = (int)attr + 1000;
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *ctx, CUdevice device)
{
	state.retains++;
	*ctx = (CUcontext)(uintptr_t)(device + 100);
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice device)
{
	state.resets++;
	return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *ctx)
{
	*ctx = current;
	return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext ctx)
{
	current = ctx;
	return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *device)
{
	if (!current)
		return CUDA_ERROR_INVALID_CONTEXT;
	*device = (int)(uintptr_t)current - 100;
	return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void)
{
	return state.sync_result;
}

CUresult cuLibraryLoadData(CUlibrary *lib, const void *code, CUjit_option *jit, void **jit_values,
			   unsigned int jit_count, CUlibraryOption *options, void **values,
			   unsigned int count)
{
	state.loads++;
	state.image = code;
	*lib = (CUlibrary)(uintptr_t)(state.loads + 500);
	return CUDA_SUCCESS;
}

CUresult cuLibraryUnload(CUlibrary lib)
{
	state.unloads++;
	return CUDA_SUCCESS;
}

CUresult cuLibraryGetKernel(CUkernel *kernel, CUlibrary lib, const char *name)
{
	if (!strcmp(name, "absent"))
		return CUDA_ERROR_NOT_FOUND;
	*kernel = (CUkernel)(uintptr_t)(strtoul(name + 1, NULL, 10) + 700);
	return CUDA_SUCCESS;
}

CUresult cuLibraryGetManaged(CUdeviceptr *ptr, size_t *bytes, CUlibrary lib, const char *name)
{
	*ptr = 0xabc000;
	*bytes = 16;
	return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction f, unsigned int gx, unsigned int gy, unsigned int gz,
			unsigned int bx, unsigned int by, unsigned int bz, unsigned int shared,
			CUstream stream, void **params, void **extra)
{
	struct fake_launch *l = &state.launch;

	memset(l, 0, sizeof(*l));
	state.launches++;
	l->function = (unsigned int)(uintptr_t)f;
	l->grid[0] = gx;
	l->grid[1] = gy;
	l->grid[2] = gz;
	l->block[0] = bx;
	l->block[1] = by;
	l->block[2] = bz;
	l->shared = shared;
	l->stream = (unsigned int)(uintptr_t)stream;
	if (params)
		l->first = *(unsigned long long *)params[0];
	if (extra && extra[0] == CU_LAUNCH_PARAM_BUFFER_POINTER) {
		l->packed = *(size_t *)extra[3];
		memcpy(l->buffer, extra[1], l->packed < 64 ? l->packed : 64);
	}
	return state.launch_result;
}

CUresult cuMemAdvise_v2(CUdeviceptr ptr, size_t count, CUmem_advise advice, CUmemLocation location)
{
	state.location = location;
	return CUDA_SUCCESS;
}

CUresult cuPointerGetAttributes(unsigned int count, CUpointer_attribute *attrs, void **data,
				CUdeviceptr ptr)
{
	for (unsigned int i = 0; i < count; i++) {
		switch (attrs[i]) {
		case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
			*(CUmemorytype *)data[i] = ptr == 0x5000 ? CU_MEMORYTYPE_DEVICE : 0;
			break;
		case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
			*(CUdeviceptr *)data[i] = ptr == 0x5000 ? ptr : 0;
			break;
		case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
			*(int *)data[i] = 1;
			break;
		default:
			break;
		}
	}
	return CUDA_SUCCESS;
}
