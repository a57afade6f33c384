/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small families: names of results, look-up of functions, capture status,
 * the profiler, older names, and what is refused.
 */
#include "api/errors.h"
#include "api/procaddr.h"
#include "api/trace.h"
#include "cw/log.h"
#include "softgpu/api/state.h"

CUresult sg_refused(const char *name);
CUresult sg_refused_export(const char *name);

/**
 * sg_refused() - What a function that is not implemented answers
 * @name:	of the function
 *
 * Return: CUDA_ERROR_NOT_SUPPORTED.
 */
CUresult sg_refused(const char *name)
{
	cw_debug("not supported function=%s", name);
	return CUDA_ERROR_NOT_SUPPORTED;
}

/* The same for an export that nothing is generated for, so nothing prints it. */
CUresult sg_refused_export(const char *name)
{
	if (api_trace_on())
		api_trace_line("%s(...) = %d", name, CUDA_ERROR_NOT_SUPPORTED);
	return sg_refused(name);
}

SG_API cuGetErrorName(CUresult error, const char **name)
{
	return name ? api_error_text(error, name, NULL) : CUDA_ERROR_INVALID_VALUE;
}

SG_API cuGetErrorString(CUresult error, const char **text)
{
	return text ? api_error_text(error, NULL, text) : CUDA_ERROR_INVALID_VALUE;
}

SG_API cuGetProcAddress(const char *name, void **pfn, int version, cuuint64_t flags)
{
	return api_proc_address(name, pfn, version, flags, NULL);
}

SG_API cuGetProcAddress_v2(const char *name, void **pfn, int version, cuuint64_t flags,
			   CUdriverProcAddressQueryResult *status)
{
	return api_proc_address(name, pfn, version, flags, status);
}

SG_API cuProfilerStart(void)
{
	SG_INIT();
	return CUDA_SUCCESS;
}

SG_API cuProfilerStop(void)
{
	SG_INIT();
	return CUDA_SUCCESS;
}

/* A stream by handle, for functions that only want to know that it is one. */
static CUresult check_stream(CUstream stream)
{
	struct sg_stream *queue;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	return sg_stream_queue(ctx, stream, &queue);
}

SG_API cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus *status)
{
	if (!status)
		return CUDA_ERROR_INVALID_VALUE;
	*status = CU_STREAM_CAPTURE_STATUS_NONE;
	return check_stream(stream);
}

SG_API cuStreamGetCaptureInfo(CUstream stream, CUstreamCaptureStatus *status, cuuint64_t *id)
{
	if (!status)
		return CUDA_ERROR_INVALID_VALUE;
	*status = CU_STREAM_CAPTURE_STATUS_NONE;
	if (id)
		*id = 0;
	return check_stream(stream);
}

SG_API cuStreamGetCaptureInfo_v2(CUstream stream, CUstreamCaptureStatus *status, cuuint64_t *id,
				 CUgraph *graph, const CUgraphNode **deps, size_t *n)
{
	if (graph)
		*graph = NULL;
	if (deps)
		*deps = NULL;
	if (n)
		*n = 0;
	return cuStreamGetCaptureInfo(stream, status, id);
}

SG_API cuStreamGetCaptureInfo_v3(CUstream stream, CUstreamCaptureStatus *status, cuuint64_t *id,
				 CUgraph *graph, const CUgraphNode **deps,
				 const CUgraphEdgeData **edges, size_t *n)
{
	if (edges)
		*edges = NULL;
	return cuStreamGetCaptureInfo_v2(stream, status, id, graph, deps, n);
}

SG_API cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode)
{
	static __thread CUstreamCaptureMode current = CU_STREAM_CAPTURE_MODE_GLOBAL;
	CUstreamCaptureMode old = current;

	SG_INIT();
	if (!mode || (unsigned)*mode > CU_STREAM_CAPTURE_MODE_RELAXED)
		return CUDA_ERROR_INVALID_VALUE;
	current = *mode;
	*mode = old;
	return CUDA_SUCCESS;
}

SG_API cuStreamWaitValue32(CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned flags)
{
	return cuStreamWaitValue32_v2(stream, addr, value, flags);
}

SG_API cuStreamWaitValue64(CUstream stream, CUdeviceptr addr, cuuint64_t value, unsigned flags)
{
	return cuStreamWaitValue64_v2(stream, addr, value, flags);
}

SG_API cuStreamWriteValue32(CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned flags)
{
	return cuStreamWriteValue32_v2(stream, addr, value, flags);
}

SG_API cuStreamWriteValue64(CUstream stream, CUdeviceptr addr, cuuint64_t value, unsigned flags)
{
	return cuStreamWriteValue64_v2(stream, addr, value, flags);
}

SG_API cuStreamBatchMemOp(CUstream stream, unsigned int count, CUstreamBatchMemOpParams *params,
			  unsigned int flags)
{
	return cuStreamBatchMemOp_v2(stream, count, params, flags);
}
