/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies: 1D, 2D, 3D, between devices.
 *
 * Theory of operation: the kind of a copy says which driver function does it.
 * Each public function exists in two flavours of stream 0, legacy and per
 * thread; the bodies take the flavour ("ptds") or the stream. Copies from host
 * to host go through no device: they wait for the stream and copy here.
 */
#include <string.h>

#include "cr_copy.h"

static int cr_copy_host(void *dst, const void *src, size_t size, cudaStream_t stream)
{
	int err = cr_drv()->cuStreamSynchronize(stream);

	if (!err)
		memcpy(dst, src, size);
	return err;
}

/**
 * cr_copy() - Synchronous copy
 * @dst:	destination
 * @src:	source
 * @size:	bytes
 * @kind:	direction
 * @ptds:	stream 0 is the thread's own
 *
 * Return: 0 or an error.
 */
int cr_copy(void *dst, const void *src, size_t size, enum cudaMemcpyKind kind, bool ptds)
{
	const struct cr_driver *drv = cr_drv();

	if (!size)
		return 0;
	if (!dst || !src)
		return cudaErrorInvalidValue;
	switch (kind) {
	case cudaMemcpyHostToHost:
		return cr_copy_host(dst, src, size, ptds ? cudaStreamPerThread : NULL);
	case cudaMemcpyHostToDevice:
		return (ptds ? drv->cuMemcpyHtoD_v2_ptds : drv->cuMemcpyHtoD_v2)(cr_ptr(dst), src,
										 size);
	case cudaMemcpyDeviceToHost:
		return (ptds ? drv->cuMemcpyDtoH_v2_ptds : drv->cuMemcpyDtoH_v2)(dst, cr_ptr(src),
										 size);
	case cudaMemcpyDeviceToDevice:
		return (ptds ? drv->cuMemcpyDtoD_v2_ptds : drv->cuMemcpyDtoD_v2)(cr_ptr(dst),
										 cr_ptr(src), size);
	case cudaMemcpyDefault:
		return (ptds ? drv->cuMemcpy_ptds : drv->cuMemcpy)(cr_ptr(dst), cr_ptr(src), size);
	}
	return cudaErrorInvalidMemcpyDirection;
}

/**
 * cr_copy_async() - Copy in stream order
 *
 * Return: 0 or an error.
 */
int cr_copy_async(void *dst, const void *src, size_t size, enum cudaMemcpyKind kind,
		  cudaStream_t stream)
{
	const struct cr_driver *drv = cr_drv();

	if (!size)
		return 0;
	if (!dst || !src)
		return cudaErrorInvalidValue;
	switch (kind) {
	case cudaMemcpyHostToDevice:
		return drv->cuMemcpyHtoDAsync_v2(cr_ptr(dst), src, size, stream);
	case cudaMemcpyDeviceToHost:
		return drv->cuMemcpyDtoHAsync_v2(dst, cr_ptr(src), size, stream);
	case cudaMemcpyDeviceToDevice:
		return drv->cuMemcpyDtoDAsync_v2(cr_ptr(dst), cr_ptr(src), size, stream);
	case cudaMemcpyHostToHost:
		return cr_copy_host(dst, src, size, stream);
	case cudaMemcpyDefault:
		return drv->cuMemcpyAsync(cr_ptr(dst), cr_ptr(src), size, stream);
	}
	return cudaErrorInvalidMemcpyDirection;
}

cudaError_t cudaMemcpy(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind)
{
	CR_ENTER();
	return cr_ret(cr_copy(dst, src, count, kind, false));
}

cudaError_t cudaMemcpy_ptds(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind)
{
	CR_ENTER();
	return cr_ret(cr_copy(dst, src, count, kind, true));
}

cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind,
			    cudaStream_t stream)
{
	CR_ENTER();
	return cr_ret(cr_copy_async(dst, src, count, kind, stream));
}

cudaError_t cudaMemcpyAsync_ptsz(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind,
				 cudaStream_t stream)
{
	return cudaMemcpyAsync(dst, src, count, kind, cr_ptsz(stream));
}

cudaError_t cudaMemcpyPeer(void *dst, int dstDevice, const void *src, int srcDevice, size_t count)
{
	CUcontext to, from;
	int err;

	CR_ENTER();
	err = cr_primary(dstDevice, &to);
	if (!err)
		err = cr_primary(srcDevice, &from);
	if (!err && count)
		err = cr_drv()->cuMemcpyPeer(cr_ptr(dst), to, cr_ptr(src), from, count);
	return cr_ret(err);
}

cudaError_t cudaMemcpyPeerAsync(void *dst, int dstDevice, const void *src, int srcDevice,
				size_t count, cudaStream_t stream)
{
	CUcontext to, from;
	int err;

	CR_ENTER();
	err = cr_primary(dstDevice, &to);
	if (!err)
		err = cr_primary(srcDevice, &from);
	if (!err && count)
		err = cr_drv()->cuMemcpyPeerAsync(cr_ptr(dst), to, cr_ptr(src), from, count,
						  stream);
	return cr_ret(err);
}

/* Memory types of both ends, by kind; 0 ends the list of valid kinds. */
static const struct {
	CUmemorytype dst;
	CUmemorytype src;
} cr_kinds[] = {
	[cudaMemcpyHostToHost] = { CU_MEMORYTYPE_HOST, CU_MEMORYTYPE_HOST },
	[cudaMemcpyHostToDevice] = { CU_MEMORYTYPE_DEVICE, CU_MEMORYTYPE_HOST },
	[cudaMemcpyDeviceToHost] = { CU_MEMORYTYPE_HOST, CU_MEMORYTYPE_DEVICE },
	[cudaMemcpyDeviceToDevice] = { CU_MEMORYTYPE_DEVICE, CU_MEMORYTYPE_DEVICE },
	[cudaMemcpyDefault] = { CU_MEMORYTYPE_UNIFIED, CU_MEMORYTYPE_UNIFIED },
};

/** struct cr_rect - Arguments of cudaMemcpy2D(), in its order */
struct cr_rect {
	void *dst;
	size_t dpitch;
	const void *src;
	size_t spitch;
	size_t width;
	size_t height;
	enum cudaMemcpyKind kind;
};

static int cr_copy_rect(const struct cr_rect *r, CUDA_MEMCPY2D *copy)
{
	if ((unsigned int)r->kind >= CW_ARRAY_SIZE(cr_kinds))
		return cudaErrorInvalidMemcpyDirection;
	if (r->width > r->dpitch || r->width > r->spitch)
		return cudaErrorInvalidPitchValue;
	/* Host and device address: the driver reads the one the type names. */
	*copy = (CUDA_MEMCPY2D){
		.dstMemoryType = cr_kinds[r->kind].dst,
		.dstHost = r->dst,
		.dstDevice = cr_ptr(r->dst),
		.dstPitch = r->dpitch,
		.srcMemoryType = cr_kinds[r->kind].src,
		.srcHost = r->src,
		.srcDevice = cr_ptr(r->src),
		.srcPitch = r->spitch,
		.WidthInBytes = r->width,
		.Height = r->height,
	};
	return 0;
}

static cudaError_t cr_copy_2d(const struct cr_rect *r, bool ptds)
{
	const struct cr_driver *drv = cr_drv();
	CUDA_MEMCPY2D copy;
	int err;

	CR_ENTER();
	err = cr_copy_rect(r, &copy);
	if (!err && r->width && r->height)
		err = (ptds ? drv->cuMemcpy2DUnaligned_v2_ptds
			    : drv->cuMemcpy2DUnaligned_v2)(&copy);
	return cr_ret(err);
}

cudaError_t cudaMemcpy2D(void *dst, size_t dpitch, const void *src, size_t spitch, size_t width,
			 size_t height, enum cudaMemcpyKind kind)
{
	return cr_copy_2d(&(struct cr_rect){ dst, dpitch, src, spitch, width, height, kind },
			  false);
}

cudaError_t cudaMemcpy2D_ptds(void *dst, size_t dpitch, const void *src, size_t spitch,
			      size_t width, size_t height, enum cudaMemcpyKind kind)
{
	return cr_copy_2d(&(struct cr_rect){ dst, dpitch, src, spitch, width, height, kind }, true);
}

cudaError_t cudaMemcpy2DAsync(void *dst, size_t dpitch, const void *src, size_t spitch,
			      size_t width, size_t height, enum cudaMemcpyKind kind,
			      cudaStream_t stream)
{
	const struct cr_rect r = { dst, dpitch, src, spitch, width, height, kind };
	CUDA_MEMCPY2D copy;
	int err;

	CR_ENTER();
	err = cr_copy_rect(&r, &copy);
	if (!err && width && height)
		err = cr_drv()->cuMemcpy2DAsync_v2(&copy, stream);
	return cr_ret(err);
}

cudaError_t cudaMemcpy2DAsync_ptsz(void *dst, size_t dpitch, const void *src, size_t spitch,
				   size_t width, size_t height, enum cudaMemcpyKind kind,
				   cudaStream_t stream)
{
	return cudaMemcpy2DAsync(dst, dpitch, src, spitch, width, height, kind, cr_ptsz(stream));
}

static int cr_copy_box(const struct cudaMemcpy3DParms *p, CUDA_MEMCPY3D *copy)
{
	if (!p)
		return cudaErrorInvalidValue;
	/* Arrays are not offered yet: cudaMallocArray() says so as well. */
	if (p->srcArray || p->dstArray)
		return cudaErrorNotSupported;
	if ((unsigned int)p->kind >= CW_ARRAY_SIZE(cr_kinds))
		return cudaErrorInvalidMemcpyDirection;
	if (p->extent.width > p->srcPtr.pitch || p->extent.width > p->dstPtr.pitch)
		return cudaErrorInvalidPitchValue;
	*copy = (CUDA_MEMCPY3D){
		.srcXInBytes = p->srcPos.x,
		.srcY = p->srcPos.y,
		.srcZ = p->srcPos.z,
		.srcMemoryType = cr_kinds[p->kind].src,
		.srcHost = p->srcPtr.ptr,
		.srcDevice = cr_ptr(p->srcPtr.ptr),
		.srcPitch = p->srcPtr.pitch,
		.srcHeight = p->srcPtr.ysize,
		.dstXInBytes = p->dstPos.x,
		.dstY = p->dstPos.y,
		.dstZ = p->dstPos.z,
		.dstMemoryType = cr_kinds[p->kind].dst,
		.dstHost = p->dstPtr.ptr,
		.dstDevice = cr_ptr(p->dstPtr.ptr),
		.dstPitch = p->dstPtr.pitch,
		.dstHeight = p->dstPtr.ysize,
		.WidthInBytes = p->extent.width,
		.Height = p->extent.height,
		.Depth = p->extent.depth,
	};
	return 0;
}

static cudaError_t cr_copy_3d(const struct cudaMemcpy3DParms *p, bool ptds)
{
	const struct cr_driver *drv = cr_drv();
	CUDA_MEMCPY3D copy;
	int err;

	CR_ENTER();
	err = cr_copy_box(p, &copy);
	if (!err && copy.WidthInBytes && copy.Height && copy.Depth)
		err = (ptds ? drv->cuMemcpy3D_v2_ptds : drv->cuMemcpy3D_v2)(&copy);
	return cr_ret(err);
}

cudaError_t cudaMemcpy3D(const struct cudaMemcpy3DParms *p)
{
	return cr_copy_3d(p, false);
}

cudaError_t cudaMemcpy3D_ptds(const struct cudaMemcpy3DParms *p)
{
	return cr_copy_3d(p, true);
}

cudaError_t cudaMemcpy3DAsync(const struct cudaMemcpy3DParms *p, cudaStream_t stream)
{
	CUDA_MEMCPY3D copy;
	int err;

	CR_ENTER();
	err = cr_copy_box(p, &copy);
	if (!err && copy.WidthInBytes && copy.Height && copy.Depth)
		err = cr_drv()->cuMemcpy3DAsync_v2(&copy, stream);
	return cr_ret(err);
}

cudaError_t cudaMemcpy3DAsync_ptsz(const struct cudaMemcpy3DParms *p, cudaStream_t stream)
{
	return cudaMemcpy3DAsync(p, cr_ptsz(stream));
}

/* The peer form is the plain one with two contexts where that is reserved. */
static int cr_copy_peer_box(const struct cudaMemcpy3DPeerParms *p, CUDA_MEMCPY3D_PEER *copy)
{
	const struct cudaMemcpy3DParms plain = {
		.srcArray = p->srcArray,
		.srcPos = p->srcPos,
		.srcPtr = p->srcPtr,
		.dstArray = p->dstArray,
		.dstPos = p->dstPos,
		.dstPtr = p->dstPtr,
		.extent = p->extent,
		.kind = cudaMemcpyDeviceToDevice,
	};
	CUDA_MEMCPY3D box;
	int err = cr_copy_box(&plain, &box);

	_Static_assert(sizeof(box) == sizeof(*copy), "same layout");
	if (err)
		return err;
	memcpy(copy, &box, sizeof(*copy));
	err = cr_primary(p->srcDevice, &copy->srcContext);
	return err ? err : cr_primary(p->dstDevice, &copy->dstContext);
}

static cudaError_t cr_copy_3d_peer(const struct cudaMemcpy3DPeerParms *p, bool async,
				   cudaStream_t stream)
{
	CUDA_MEMCPY3D_PEER copy;
	int err;

	CR_ENTER();
	err = p ? cr_copy_peer_box(p, &copy) : (int)cudaErrorInvalidValue;
	if (err)
		return cr_ret(err);
	if (async)
		return cr_ret(cr_drv()->cuMemcpy3DPeerAsync(&copy, stream));
	return cr_ret(cr_drv()->cuMemcpy3DPeer(&copy));
}

cudaError_t cudaMemcpy3DPeer(const struct cudaMemcpy3DPeerParms *p)
{
	return cr_copy_3d_peer(p, false, NULL);
}

cudaError_t cudaMemcpy3DPeer_ptds(const struct cudaMemcpy3DPeerParms *p)
{
	return cr_copy_3d_peer(p, true, cudaStreamPerThread);
}

cudaError_t cudaMemcpy3DPeerAsync(const struct cudaMemcpy3DPeerParms *p, cudaStream_t stream)
{
	return cr_copy_3d_peer(p, true, stream);
}

cudaError_t cudaMemcpy3DPeerAsync_ptsz(const struct cudaMemcpy3DPeerParms *p, cudaStream_t stream)
{
	return cr_copy_3d_peer(p, true, cr_ptsz(stream));
}
