/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices, the context of one, versions, limits, peers.
 */
#include "cr.h"

#include "cr_module.h"

static const int cr_versions[] = {
	[CR_V9_0] = 9000,   [CR_V9_1] = 9010,	[CR_V9_2] = 9020,
	[CR_V10_0] = 10000, [CR_V10_1] = 10010, [CR_V10_2] = 10020,
	[CR_V11_0] = 11080, [CR_V12] = 12090,	[CR_V13] = 13000,
};

cudaError_t cudaRuntimeGetVersion(int *runtimeVersion)
{
	if (!runtimeVersion)
		return cr_ret(cudaErrorInvalidValue);
	*runtimeVersion = cr_versions[cr_era];
	return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *driverVersion)
{
	int err;

	if (!driverVersion)
		return cr_ret(cudaErrorInvalidValue);
	err = cr_init();
	/* Documented: no driver is version 0, not an error. */
	if (err == cudaErrorInsufficientDriver) {
		*driverVersion = 0;
		return cudaSuccess;
	}
	return cr_ret(cr_drv()->cuDriverGetVersion(driverVersion));
}

cudaError_t cudaGetDeviceCount(int *count)
{
	int err = cr_init();

	if (!count)
		return cr_ret(cudaErrorInvalidValue);
	*count = err ? 0 : cr_device_count();
	return cr_ret(err);
}

cudaError_t cudaGetDevice(int *device)
{
	CUcontext ctx = NULL;
	CUdevice dev;

	CR_INIT();
	if (!device)
		return cr_ret(cudaErrorInvalidValue);
	*device = cr_thread()->device;
	if (cr_drv()->cuCtxGetCurrent(&ctx) || !ctx || cr_current_device(&dev))
		return cudaSuccess;
	for (int i = 0; i < cr_device_count(); i++) {
		if (cr_device(i)->dev == dev)
			*device = i;
	}
	return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
	CR_INIT();
	if (!cr_device(device))
		return cr_ret(cudaErrorInvalidDevice);
	cr_thread()->device = device;
	/* Since CUDA 12 this call makes the context; before, the next one does. */
	if (cr_era >= CR_V12)
		return cr_ret(cr_use_device(device));
	return cr_ret(cr_drv()->cuCtxSetCurrent(NULL));
}

cudaError_t cudaInitDevice(int device, unsigned int deviceFlags, unsigned int flags)
{
	CUcontext ctx;
	int err = 0;

	CR_INIT();
	if (!cr_device(device))
		return cr_ret(cudaErrorInvalidDevice);
	if (flags & cudaInitDeviceFlagsAreValid)
		err = cr_drv()->cuDevicePrimaryCtxSetFlags_v2(cr_device(device)->dev, deviceFlags);
	return cr_ret(err ? err : cr_primary(device, &ctx));
}

cudaError_t cudaSetValidDevices(int *device_arr, int len)
{
	CR_INIT();
	for (int i = 0; i < len; i++) {
		if (!cr_device(device_arr[i]))
			return cr_ret(cudaErrorInvalidDevice);
	}
	if (len > 0)
		cr_thread()->device = device_arr[0];
	return cudaSuccess;
}

cudaError_t cudaSetDeviceFlags(unsigned int flags)
{
	struct cr_device *d;

	CR_INIT();
	if (flags & ~cudaDeviceMask)
		return cr_ret(cudaErrorInvalidValue);
	d = cr_device(cr_thread()->device);
	/* Mapping host memory is always on and not a flag of the driver's any more. */
	return cr_ret(cr_drv()->cuDevicePrimaryCtxSetFlags_v2(d->dev, flags & ~cudaDeviceMapHost));
}

cudaError_t cudaGetDeviceFlags(unsigned int *flags)
{
	int active;

	CR_INIT();
	if (!flags)
		return cr_ret(cudaErrorInvalidValue);
	return cr_ret(cr_drv()->cuDevicePrimaryCtxGetState(cr_device(cr_thread()->device)->dev,
							   flags, &active));
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attr, int device)
{
	CR_INIT();
	if (!cr_device(device))
		return cr_ret(cudaErrorInvalidDevice);
	return cr_ret(cr_drv()->cuDeviceGetAttribute(value, (CUdevice_attribute)attr,
						     cr_device(device)->dev));
}

cudaError_t cudaDeviceGetP2PAttribute(int *value, enum cudaDeviceP2PAttr attr, int srcDevice,
				      int dstDevice)
{
	struct cr_device *src = NULL;
	struct cr_device *dst = NULL;

	CR_INIT();
	src = cr_device(srcDevice);
	dst = cr_device(dstDevice);
	if (!src || !dst)
		return cr_ret(cudaErrorInvalidDevice);
	return cr_ret(cr_drv()->cuDeviceGetP2PAttribute(value, (CUdevice_P2PAttribute)attr,
							src->dev, dst->dev));
}

cudaError_t cudaDeviceGetByPCIBusId(int *device, const char *pciBusId)
{
	CUdevice dev;
	int err;

	CR_INIT();
	err = cr_drv()->cuDeviceGetByPCIBusId(&dev, pciBusId);
	for (int i = 0; !err && i < cr_device_count(); i++) {
		if (cr_device(i)->dev == dev)
			*device = i;
	}
	return cr_ret(err);
}

cudaError_t cudaDeviceGetPCIBusId(char *pciBusId, int len, int device)
{
	CR_INIT();
	if (!cr_device(device))
		return cr_ret(cudaErrorInvalidDevice);
	return cr_ret(cr_drv()->cuDeviceGetPCIBusId(pciBusId, len, cr_device(device)->dev));
}

cudaError_t cudaDeviceCanAccessPeer(int *canAccessPeer, int device, int peerDevice)
{
	struct cr_device *a = NULL;
	struct cr_device *b = NULL;

	CR_INIT();
	a = cr_device(device);
	b = cr_device(peerDevice);
	if (!a || !b)
		return cr_ret(cudaErrorInvalidDevice);
	return cr_ret(cr_drv()->cuDeviceCanAccessPeer(canAccessPeer, a->dev, b->dev));
}

cudaError_t cudaDeviceEnablePeerAccess(int peerDevice, unsigned int flags)
{
	CUcontext peer;
	int err;

	CR_ENTER();
	err = cr_primary(peerDevice, &peer);
	return cr_ret(err ? err : (int)cr_drv()->cuCtxEnablePeerAccess(peer, flags));
}

cudaError_t cudaDeviceDisablePeerAccess(int peerDevice)
{
	CUcontext peer;
	int err;

	CR_ENTER();
	err = cr_primary(peerDevice, &peer);
	return cr_ret(err ? err : (int)cr_drv()->cuCtxDisablePeerAccess(peer));
}

cudaError_t cudaDeviceReset(void)
{
	struct cr_thread *t = cr_thread();
	struct cr_device *d;
	int err = 0;

	CR_INIT();
	d = cr_device(t->device);
	if (d->retained) {
		/*
		 * Images belong to all contexts: with a second device in use
		 * they stay, and the driver makes their variables anew.
		 */
		if (cr_retained_devices() == 1)
			cr_module_drop_all();
		err = cr_drv()->cuDevicePrimaryCtxReset_v2(d->dev);
		__atomic_store_n(&d->retained, false, __ATOMIC_RELEASE);
		cr_drv()->cuCtxSetCurrent(NULL);
	}
	t->last = cudaSuccess;
	return cr_ret(err);
}

cudaError_t cudaDeviceSynchronize(void)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuCtxSynchronize());
}

cudaError_t cudaDeviceSetLimit(enum cudaLimit limit, size_t value)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuCtxSetLimit((CUlimit)limit, value));
}

cudaError_t cudaDeviceGetLimit(size_t *pValue, enum cudaLimit limit)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuCtxGetLimit(pValue, (CUlimit)limit));
}

cudaError_t cudaDeviceGetCacheConfig(enum cudaFuncCache *pCacheConfig)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuCtxGetCacheConfig((CUfunc_cache *)pCacheConfig));
}

cudaError_t cudaDeviceSetCacheConfig(enum cudaFuncCache cacheConfig)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuCtxSetCacheConfig((CUfunc_cache)cacheConfig));
}

cudaError_t cudaDeviceGetSharedMemConfig(enum cudaSharedMemConfig *pConfig)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuCtxGetSharedMemConfig((CUsharedconfig *)pConfig));
}

cudaError_t cudaDeviceSetSharedMemConfig(enum cudaSharedMemConfig config)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuCtxSetSharedMemConfig((CUsharedconfig)config));
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *leastPriority, int *greatestPriority)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuCtxGetStreamPriorityRange(leastPriority, greatestPriority));
}

cudaError_t cudaCtxResetPersistingL2Cache(void)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuCtxResetPersistingL2Cache());
}

/* Names of before CUDA 4, gone with 13. */

cudaError_t cudaThreadSynchronize(void)
{
	return cudaDeviceSynchronize();
}

cudaError_t cudaThreadExit(void)
{
	return cudaDeviceReset();
}

cudaError_t cudaThreadSetLimit(enum cudaLimit limit, size_t value)
{
	return cudaDeviceSetLimit(limit, value);
}

cudaError_t cudaThreadGetLimit(size_t *pValue, enum cudaLimit limit)
{
	return cudaDeviceGetLimit(pValue, limit);
}

cudaError_t cudaThreadGetCacheConfig(enum cudaFuncCache *pCacheConfig)
{
	return cudaDeviceGetCacheConfig(pCacheConfig);
}

cudaError_t cudaThreadSetCacheConfig(enum cudaFuncCache cacheConfig)
{
	return cudaDeviceSetCacheConfig(cacheConfig);
}
