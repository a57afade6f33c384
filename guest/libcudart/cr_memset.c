/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory set: bytes, rectangles, boxes.
 *
 * The synchronous forms do not wait for the device, as natively: they are the
 * stream forms on stream 0.
 */
#include "cr.h"

cudaError_t cudaMemset(void *devPtr, int value, size_t count)
{
	CR_ENTER();
	return cr_ret(count ? (int)cr_drv()->cuMemsetD8_v2(cr_ptr(devPtr), value, count) : 0);
}

cudaError_t cudaMemset_ptds(void *devPtr, int value, size_t count)
{
	return cudaMemsetAsync(devPtr, value, count, cudaStreamPerThread);
}

cudaError_t cudaMemsetAsync(void *devPtr, int value, size_t count, cudaStream_t stream)
{
	CR_ENTER();
	if (!count)
		return cudaSuccess;
	return cr_ret(cr_drv()->cuMemsetD8Async(cr_ptr(devPtr), value, count, stream));
}

cudaError_t cudaMemsetAsync_ptsz(void *devPtr, int value, size_t count, cudaStream_t stream)
{
	return cudaMemsetAsync(devPtr, value, count, cr_ptsz(stream));
}

cudaError_t cudaMemset2D(void *devPtr, size_t pitch, int value, size_t width, size_t height)
{
	CR_ENTER();
	if (!width || !height)
		return cudaSuccess;
	return cr_ret(cr_drv()->cuMemsetD2D8_v2(cr_ptr(devPtr), pitch, value, width, height));
}

cudaError_t cudaMemset2D_ptds(void *devPtr, size_t pitch, int value, size_t width, size_t height)
{
	return cudaMemset2DAsync(devPtr, pitch, value, width, height, cudaStreamPerThread);
}

cudaError_t cudaMemset2DAsync(void *devPtr, size_t pitch, int value, size_t width, size_t height,
			      cudaStream_t stream)
{
	CR_ENTER();
	if (!width || !height)
		return cudaSuccess;
	return cr_ret(
		cr_drv()->cuMemsetD2D8Async(cr_ptr(devPtr), pitch, value, width, height, stream));
}

cudaError_t cudaMemset2DAsync_ptsz(void *devPtr, size_t pitch, int value, size_t width,
				   size_t height, cudaStream_t stream)
{
	return cudaMemset2DAsync(devPtr, pitch, value, width, height, cr_ptsz(stream));
}

cudaError_t cudaMemset3DAsync(struct cudaPitchedPtr pitchedDevPtr, int value,
			      struct cudaExtent extent, cudaStream_t stream)
{
	size_t slice = pitchedDevPtr.pitch * pitchedDevPtr.ysize;
	int err = 0;

	CR_ENTER();
	if (!extent.width || !extent.height)
		return cudaSuccess;
	for (size_t z = 0; !err && z < extent.depth; z++)
		err = cr_drv()->cuMemsetD2D8Async(cr_ptr(pitchedDevPtr.ptr) + z * slice,
						  pitchedDevPtr.pitch, value, extent.width,
						  extent.height, stream);
	return cr_ret(err);
}

cudaError_t cudaMemset3DAsync_ptsz(struct cudaPitchedPtr pitchedDevPtr, int value,
				   struct cudaExtent extent, cudaStream_t stream)
{
	return cudaMemset3DAsync(pitchedDevPtr, value, extent, cr_ptsz(stream));
}

cudaError_t cudaMemset3D(struct cudaPitchedPtr pitchedDevPtr, int value, struct cudaExtent extent)
{
	return cudaMemset3DAsync(pitchedDevPtr, value, extent, NULL);
}

cudaError_t cudaMemset3D_ptds(struct cudaPitchedPtr pitchedDevPtr, int value,
			      struct cudaExtent extent)
{
	return cudaMemset3DAsync(pitchedDevPtr, value, extent, cudaStreamPerThread);
}
