/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The per-thread flavours: stream 0 is the calling thread's own stream.
 *
 * The synchronous _ptds copies and fills stand beside their legacy forms.
 */
#include "softgpu/api/state.h"

#define S sg_ptsz(stream)

SG_API cuMemPrefetchAsync_ptsz(CUdeviceptr dev_ptr, size_t count, CUdevice dst, CUstream stream)
{
	return cuMemPrefetchAsync(dev_ptr, count, dst, S);
}

SG_API cuMemPrefetchAsync_v2_ptsz(CUdeviceptr dev_ptr, size_t count, CUmemLocation location,
				  unsigned int flags, CUstream stream)
{
	return cuMemPrefetchAsync_v2(dev_ptr, count, location, flags, S);
}

SG_API cuMemcpyAsync_ptsz(CUdeviceptr dst, CUdeviceptr src, size_t n, CUstream stream)
{
	return cuMemcpyAsync(dst, src, n, S);
}

SG_API cuMemcpyHtoDAsync_v2_ptsz(CUdeviceptr dst, const void *src, size_t n, CUstream stream)
{
	return cuMemcpyHtoDAsync_v2(dst, src, n, S);
}

SG_API cuMemcpyDtoHAsync_v2_ptsz(void *dst, CUdeviceptr src, size_t n, CUstream stream)
{
	return cuMemcpyDtoHAsync_v2(dst, src, n, S);
}

SG_API cuMemcpyDtoDAsync_v2_ptsz(CUdeviceptr dst, CUdeviceptr src, size_t n, CUstream stream)
{
	return cuMemcpyDtoDAsync_v2(dst, src, n, S);
}

SG_API cuMemcpyPeerAsync_ptsz(CUdeviceptr dst, CUcontext dst_context, CUdeviceptr src,
			      CUcontext src_context, size_t n, CUstream stream)
{
	return cuMemcpyPeerAsync(dst, dst_context, src, src_context, n, S);
}

SG_API cuMemcpy2DAsync_v2_ptsz(const CUDA_MEMCPY2D *p_copy, CUstream stream)
{
	return cuMemcpy2DAsync_v2(p_copy, S);
}

SG_API cuMemcpy3DAsync_v2_ptsz(const CUDA_MEMCPY3D *p_copy, CUstream stream)
{
	return cuMemcpy3DAsync_v2(p_copy, S);
}

SG_API cuMemcpy3DPeerAsync_ptsz(const CUDA_MEMCPY3D_PEER *p_copy, CUstream stream)
{
	return cuMemcpy3DPeerAsync(p_copy, S);
}

SG_API cuMemsetD8Async_ptsz(CUdeviceptr dst, unsigned char uc, size_t n, CUstream stream)
{
	return cuMemsetD8Async(dst, uc, n, S);
}

SG_API cuMemsetD2D8Async_ptsz(CUdeviceptr dst, size_t dst_pitch, unsigned char uc, size_t width,
			      size_t height, CUstream stream)
{
	return cuMemsetD2D8Async(dst, dst_pitch, uc, width, height, S);
}

SG_API cuMemsetD16Async_ptsz(CUdeviceptr dst, unsigned short us, size_t n, CUstream stream)
{
	return cuMemsetD16Async(dst, us, n, S);
}

SG_API cuMemsetD2D16Async_ptsz(CUdeviceptr dst, size_t dst_pitch, unsigned short us, size_t width,
			       size_t height, CUstream stream)
{
	return cuMemsetD2D16Async(dst, dst_pitch, us, width, height, S);
}

SG_API cuMemsetD32Async_ptsz(CUdeviceptr dst, unsigned int ui, size_t n, CUstream stream)
{
	return cuMemsetD32Async(dst, ui, n, S);
}

SG_API cuMemsetD2D32Async_ptsz(CUdeviceptr dst, size_t dst_pitch, unsigned int ui, size_t width,
			       size_t height, CUstream stream)
{
	return cuMemsetD2D32Async(dst, dst_pitch, ui, width, height, S);
}

SG_API cuStreamQuery_ptsz(CUstream stream)
{
	return cuStreamQuery(S);
}

SG_API cuStreamSynchronize_ptsz(CUstream stream)
{
	return cuStreamSynchronize(S);
}

SG_API cuStreamWaitEvent_ptsz(CUstream stream, CUevent h_event, unsigned int flags)
{
	return cuStreamWaitEvent(S, h_event, flags);
}

SG_API cuStreamAddCallback_ptsz(CUstream stream, CUstreamCallback callback, void *user_data,
				unsigned int flags)
{
	return cuStreamAddCallback(S, callback, user_data, flags);
}

SG_API cuLaunchHostFunc_ptsz(CUstream stream, CUhostFn fn, void *user_data)
{
	return cuLaunchHostFunc(S, fn, user_data);
}

SG_API cuStreamGetPriority_ptsz(CUstream stream, int *priority)
{
	return cuStreamGetPriority(S, priority);
}

SG_API cuStreamGetFlags_ptsz(CUstream stream, unsigned int *flags)
{
	return cuStreamGetFlags(S, flags);
}

SG_API cuStreamGetId_ptsz(CUstream stream, unsigned long long *stream_id)
{
	return cuStreamGetId(S, stream_id);
}

SG_API cuStreamGetCtx_ptsz(CUstream stream, CUcontext *pctx)
{
	return cuStreamGetCtx(S, pctx);
}

SG_API cuStreamGetDevice_ptsz(CUstream stream, CUdevice *device)
{
	return cuStreamGetDevice(S, device);
}

SG_API cuStreamCopyAttributes_ptsz(CUstream dst, CUstream src)
{
	return cuStreamCopyAttributes(sg_ptsz(dst), sg_ptsz(src));
}

SG_API cuStreamGetAttribute_ptsz(CUstream stream, CUstreamAttrID attr, CUstreamAttrValue *value_out)
{
	return cuStreamGetAttribute(S, attr, value_out);
}

SG_API cuStreamSetAttribute_ptsz(CUstream stream, CUstreamAttrID attr,
				 const CUstreamAttrValue *value)
{
	return cuStreamSetAttribute(S, attr, value);
}

SG_API cuStreamAttachMemAsync_ptsz(CUstream stream, CUdeviceptr dptr, size_t length,
				   unsigned int flags)
{
	return cuStreamAttachMemAsync(S, dptr, length, flags);
}

SG_API cuStreamWaitValue32_ptsz(CUstream stream, CUdeviceptr addr, cuuint32_t value,
				unsigned int flags)
{
	return cuStreamWaitValue32(S, addr, value, flags);
}

SG_API cuStreamWaitValue32_v2_ptsz(CUstream stream, CUdeviceptr addr, cuuint32_t value,
				   unsigned int flags)
{
	return cuStreamWaitValue32_v2(S, addr, value, flags);
}

SG_API cuStreamWaitValue64_ptsz(CUstream stream, CUdeviceptr addr, cuuint64_t value,
				unsigned int flags)
{
	return cuStreamWaitValue64(S, addr, value, flags);
}

SG_API cuStreamWaitValue64_v2_ptsz(CUstream stream, CUdeviceptr addr, cuuint64_t value,
				   unsigned int flags)
{
	return cuStreamWaitValue64_v2(S, addr, value, flags);
}

SG_API cuStreamWriteValue32_ptsz(CUstream stream, CUdeviceptr addr, cuuint32_t value,
				 unsigned int flags)
{
	return cuStreamWriteValue32(S, addr, value, flags);
}

SG_API cuStreamWriteValue32_v2_ptsz(CUstream stream, CUdeviceptr addr, cuuint32_t value,
				    unsigned int flags)
{
	return cuStreamWriteValue32_v2(S, addr, value, flags);
}

SG_API cuStreamWriteValue64_ptsz(CUstream stream, CUdeviceptr addr, cuuint64_t value,
				 unsigned int flags)
{
	return cuStreamWriteValue64(S, addr, value, flags);
}

SG_API cuStreamWriteValue64_v2_ptsz(CUstream stream, CUdeviceptr addr, cuuint64_t value,
				    unsigned int flags)
{
	return cuStreamWriteValue64_v2(S, addr, value, flags);
}

SG_API cuStreamBatchMemOp_ptsz(CUstream stream, unsigned int count,
			       CUstreamBatchMemOpParams *param_array, unsigned int flags)
{
	return cuStreamBatchMemOp(S, count, param_array, flags);
}

SG_API cuStreamBatchMemOp_v2_ptsz(CUstream stream, unsigned int count,
				  CUstreamBatchMemOpParams *param_array, unsigned int flags)
{
	return cuStreamBatchMemOp_v2(S, count, param_array, flags);
}

SG_API cuStreamIsCapturing_ptsz(CUstream stream, CUstreamCaptureStatus *capture_status)
{
	return cuStreamIsCapturing(S, capture_status);
}

SG_API cuStreamGetCaptureInfo_ptsz(CUstream stream, CUstreamCaptureStatus *capture_status_out,
				   cuuint64_t *id_out)
{
	return cuStreamGetCaptureInfo(S, capture_status_out, id_out);
}

SG_API cuStreamGetCaptureInfo_v2_ptsz(CUstream stream, CUstreamCaptureStatus *capture_status_out,
				      cuuint64_t *id_out, CUgraph *graph_out,
				      const CUgraphNode **dependencies_out,
				      size_t *num_dependencies_out)
{
	return cuStreamGetCaptureInfo_v2(S, capture_status_out, id_out, graph_out, dependencies_out,
					 num_dependencies_out);
}

SG_API cuEventRecord_ptsz(CUevent h_event, CUstream stream)
{
	return cuEventRecord(h_event, S);
}

SG_API cuEventRecordWithFlags_ptsz(CUevent h_event, CUstream stream, unsigned int flags)
{
	return cuEventRecordWithFlags(h_event, S, flags);
}

SG_API cuLaunchKernel_ptsz(CUfunction f, unsigned int grid_dim_x, unsigned int grid_dim_y,
			   unsigned int grid_dim_z, unsigned int block_dim_x,
			   unsigned int block_dim_y, unsigned int block_dim_z,
			   unsigned int shared_mem_bytes, CUstream stream, void **kernel_params,
			   void **extra)
{
	return cuLaunchKernel(f, grid_dim_x, grid_dim_y, grid_dim_z, block_dim_x, block_dim_y,
			      block_dim_z, shared_mem_bytes, S, kernel_params, extra);
}

SG_API cuLaunchKernelEx_ptsz(const CUlaunchConfig *config, CUfunction func, void **params,
			     void **extra)
{
	CUlaunchConfig own;

	if (!config)
		return CUDA_ERROR_INVALID_VALUE;
	own = *config;
	own.hStream = sg_ptsz(own.hStream);
	return cuLaunchKernelEx(&own, func, params, extra);
}

SG_API cuMemAllocAsync_ptsz(CUdeviceptr *dptr, size_t bytesize, CUstream stream)
{
	return cuMemAllocAsync(dptr, bytesize, S);
}

SG_API cuMemAllocFromPoolAsync_ptsz(CUdeviceptr *dptr, size_t bytesize, CUmemoryPool pool,
				    CUstream stream)
{
	return cuMemAllocFromPoolAsync(dptr, bytesize, pool, S);
}

SG_API cuMemFreeAsync_ptsz(CUdeviceptr dptr, CUstream stream)
{
	return cuMemFreeAsync(dptr, S);
}

SG_API cuMemcpyPeer_ptds(CUdeviceptr dst, CUcontext dst_ctx, CUdeviceptr src, CUcontext src_ctx,
			 size_t n)
{
	return cuMemcpyDtoD_v2_ptds(dst, src, n);
}

SG_API cuMemcpy3DPeer_ptds(const CUDA_MEMCPY3D_PEER *c)
{
	return cuMemcpy3D_v2_ptds((const CUDA_MEMCPY3D *)c);
}
