/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's functions for programs that mix both APIs; the profiler.
 */
#include "cr.h"

static cudaError_t cr_entry_point(const char *symbol, void **fn, unsigned int version,
				  unsigned long long flags,
				  enum cudaDriverEntryPointQueryResult *status)
{
	CUdriverProcAddressQueryResult result = CU_GET_PROC_ADDRESS_SUCCESS;
	int err;

	CR_INIT();
	if (!symbol || !fn)
		return cr_ret(cudaErrorInvalidValue);
	err = cr_drv()->cuGetProcAddress_v2(symbol, fn, version, flags, &result);
	if (status)
		*status = (enum cudaDriverEntryPointQueryResult)result;
	/* With a place for the status, not to find a name is no error. */
	if (status && err == CUDA_ERROR_NOT_FOUND)
		err = 0;
	return cr_ret(err);
}

cudaError_t cudaGetDriverEntryPoint(const char *symbol, void **funcPtr, unsigned long long flags,
				    enum cudaDriverEntryPointQueryResult *driverStatus)
{
	int version = 0;

	cudaRuntimeGetVersion(&version);
	/* The status came with CUDA 12; before, a fourth argument was none. */
	return cr_entry_point(symbol, funcPtr, version, flags,
			      cr_era < CR_V12 ? NULL : driverStatus);
}

cudaError_t cudaGetDriverEntryPoint_ptsz(const char *symbol, void **funcPtr,
					 unsigned long long flags,
					 enum cudaDriverEntryPointQueryResult *driverStatus)
{
	if (flags == cudaEnableDefault)
		flags = cudaEnablePerThreadDefaultStream;
	return cudaGetDriverEntryPoint(symbol, funcPtr, flags, driverStatus);
}

cudaError_t cudaGetDriverEntryPointByVersion(const char *symbol, void **funcPtr,
					     unsigned int cudaVersion, unsigned long long flags,
					     enum cudaDriverEntryPointQueryResult *driverStatus)
{
	return cr_entry_point(symbol, funcPtr, cudaVersion, flags, driverStatus);
}

cudaError_t
cudaGetDriverEntryPointByVersion_ptsz(const char *symbol, void **funcPtr, unsigned int cudaVersion,
				      unsigned long long flags,
				      enum cudaDriverEntryPointQueryResult *driverStatus)
{
	if (flags == cudaEnableDefault)
		flags = cudaEnablePerThreadDefaultStream;
	return cr_entry_point(symbol, funcPtr, cudaVersion, flags, driverStatus);
}

cudaError_t cudaGetExportTable(const void **ppExportTable, const cudaUUID_t *pExportTableId)
{
	CR_INIT();
	return cr_ret(cr_drv()->cuGetExportTable(ppExportTable, pExportTableId));
}

cudaError_t cudaProfilerStart(void)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuProfilerStart());
}

cudaError_t cudaProfilerStop(void)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuProfilerStop());
}

struct cudaChannelFormatDesc cudaCreateChannelDesc(int x, int y, int z, int w,
						   enum cudaChannelFormatKind f)
{
	return (struct cudaChannelFormatDesc){ x, y, z, w, f };
}
