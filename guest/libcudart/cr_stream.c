/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams, functions that run on the host in stream order, events.
 */
#include <stdlib.h>

#include "cr.h"

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *pStream, unsigned int flags)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuStreamCreate(pStream, flags));
}

cudaError_t cudaStreamCreate(cudaStream_t *pStream)
{
	return cudaStreamCreateWithFlags(pStream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *pStream, unsigned int flags, int priority)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuStreamCreateWithPriority(pStream, flags, priority));
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuStreamDestroy_v2(stream));
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuStreamSynchronize(stream));
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuStreamQuery(stream));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuStreamWaitEvent(stream, event, flags));
}

cudaError_t cudaStreamGetPriority(cudaStream_t hStream, int *priority)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuStreamGetPriority(hStream, priority));
}

cudaError_t cudaStreamGetFlags(cudaStream_t hStream, unsigned int *flags)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuStreamGetFlags(hStream, flags));
}

cudaError_t cudaStreamGetId(cudaStream_t hStream, unsigned long long *streamId)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuStreamGetId(hStream, streamId));
}

cudaError_t cudaStreamGetDevice(cudaStream_t hStream, int *device)
{
	CUdevice dev;
	int err;

	CR_ENTER();
	err = cr_drv()->cuStreamGetDevice(hStream, &dev);
	for (int i = 0; !err && i < cr_device_count(); i++) {
		if (cr_device(i)->dev == dev)
			*device = i;
	}
	return cr_ret(err);
}

cudaError_t cudaStreamAttachMemAsync(cudaStream_t stream, void *devPtr, size_t length,
				     unsigned int flags)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuStreamAttachMemAsync(stream, cr_ptr(devPtr), length, flags));
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *pCaptureStatus)
{
	CR_ENTER();
	return cr_ret(
		cr_drv()->cuStreamIsCapturing(stream, (CUstreamCaptureStatus *)pCaptureStatus));
}

cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode *mode)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuThreadExchangeStreamCaptureMode((CUstreamCaptureMode *)mode));
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t fn, void *userData)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuLaunchHostFunc(stream, fn, userData));
}

/** struct cr_callback - A callback of a program that knows the old errors */
struct cr_callback {
	cudaStreamCallback_t fn;
	void *data;
	int era;
};

static void cr_callback_run(CUstream stream, CUresult status, void *data)
{
	struct cr_callback cb = *(struct cr_callback *)data;

	free(data);
	cb.fn(stream, cb.era < CR_V10_1 ? cr_error_to_old(status) : (int)status, cb.data);
}

cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t callback,
				  void *userData, unsigned int flags)
{
	struct cr_callback *cb;
	int err;

	CR_ENTER();
	if (!callback)
		return cr_ret(cudaErrorInvalidValue);
	cb = malloc(sizeof(*cb));
	if (!cb)
		return cr_ret(cudaErrorMemoryAllocation);
	*cb = (struct cr_callback){ callback, userData, cr_era };
	err = cr_drv()->cuStreamAddCallback(stream, cr_callback_run, cb, flags);
	if (err)
		free(cb);
	return cr_ret(err);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int flags)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuEventCreate(event, flags));
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
	return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuEventRecord(event, stream));
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned int flags)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuEventRecordWithFlags(event, stream, flags));
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuEventQuery(event));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuEventSynchronize(event));
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuEventDestroy_v2(event));
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end)
{
	CR_ENTER();
	return cr_ret(cr_drv()->cuEventElapsedTime_v2(ms, start, end));
}

/*
 * The same functions for programs built with --default-stream per-thread:
 * PTSZ(base name, parameters, arguments with the stream replaced).
 */
#define PTSZ(name, params, args)       \
	cudaError_t name##_ptsz params \
	{                              \
		return name args;      \
	}

PTSZ(cudaStreamSynchronize, (cudaStream_t s), (cr_ptsz(s)))
PTSZ(cudaStreamQuery, (cudaStream_t s), (cr_ptsz(s)))
PTSZ(cudaStreamWaitEvent, (cudaStream_t s, cudaEvent_t e, unsigned int f), (cr_ptsz(s), e, f))
PTSZ(cudaStreamGetPriority, (cudaStream_t s, int *p), (cr_ptsz(s), p))
PTSZ(cudaStreamGetFlags, (cudaStream_t s, unsigned int *f), (cr_ptsz(s), f))
PTSZ(cudaStreamGetId, (cudaStream_t s, unsigned long long *id), (cr_ptsz(s), id))
PTSZ(cudaStreamGetDevice, (cudaStream_t s, int *d), (cr_ptsz(s), d))
PTSZ(cudaStreamIsCapturing, (cudaStream_t s, enum cudaStreamCaptureStatus *c), (cr_ptsz(s), c))
PTSZ(cudaStreamAttachMemAsync, (cudaStream_t s, void *p, size_t n, unsigned int f),
     (cr_ptsz(s), p, n, f))
PTSZ(cudaLaunchHostFunc, (cudaStream_t s, cudaHostFn_t fn, void *data), (cr_ptsz(s), fn, data))
PTSZ(cudaStreamAddCallback, (cudaStream_t s, cudaStreamCallback_t fn, void *data, unsigned int f),
     (cr_ptsz(s), fn, data, f))
PTSZ(cudaEventRecord, (cudaEvent_t e, cudaStream_t s), (e, cr_ptsz(s)))
PTSZ(cudaEventRecordWithFlags, (cudaEvent_t e, cudaStream_t s, unsigned int f), (e, cr_ptsz(s), f))
