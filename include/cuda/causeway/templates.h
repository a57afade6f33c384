/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The typed forms of the runtime API that C++ programs use.
 *
 * A symbol is passed by reference: its address on the host is the key under
 * which __cudaRegisterVar() knows it.
 */
#ifndef CAUSEWAY_TEMPLATES_H
#define CAUSEWAY_TEMPLATES_H

template <class T> static inline cudaError_t cudaMalloc(T **p, size_t size)
{
	return cudaMalloc((void **)p, size);
}

template <class T>
static inline cudaError_t cudaMallocHost(T **p, size_t size, unsigned int flags = 0)
{
	return cudaHostAlloc((void **)p, size, flags);
}

template <class T> static inline cudaError_t cudaHostAlloc(T **p, size_t size, unsigned int flags)
{
	return cudaHostAlloc((void **)p, size, flags);
}

template <class T>
static inline cudaError_t cudaHostGetDevicePointer(T **device, void *host, unsigned int flags)
{
	return cudaHostGetDevicePointer((void **)device, host, flags);
}

template <class T>
static inline cudaError_t cudaMallocManaged(T **p, size_t size,
					    unsigned int flags = cudaMemAttachGlobal)
{
	return cudaMallocManaged((void **)p, size, flags);
}

template <class T>
static inline cudaError_t cudaMallocPitch(T **p, size_t *pitch, size_t width, size_t height)
{
	return cudaMallocPitch((void **)p, pitch, width, height);
}

template <class T>
static inline cudaError_t cudaMallocAsync(T **p, size_t size, cudaStream_t stream)
{
	return cudaMallocAsync((void **)p, size, stream);
}

template <class T>
static inline cudaError_t cudaMallocFromPoolAsync(T **p, size_t size, cudaMemPool_t pool,
						  cudaStream_t stream)
{
	return cudaMallocFromPoolAsync((void **)p, size, pool, stream);
}

template <class T>
static inline cudaError_t cudaMemcpyToSymbol(const T &symbol, const void *src, size_t count,
					     size_t offset = 0,
					     enum cudaMemcpyKind kind = cudaMemcpyHostToDevice)
{
	return cudaMemcpyToSymbol((const void *)&symbol, src, count, offset, kind);
}

template <class T>
static inline cudaError_t cudaMemcpyFromSymbol(void *dst, const T &symbol, size_t count,
					       size_t offset = 0,
					       enum cudaMemcpyKind kind = cudaMemcpyDeviceToHost)
{
	return cudaMemcpyFromSymbol(dst, (const void *)&symbol, count, offset, kind);
}

template <class T>
static inline cudaError_t
cudaMemcpyToSymbolAsync(const T &symbol, const void *src, size_t count, size_t offset = 0,
			enum cudaMemcpyKind kind = cudaMemcpyHostToDevice, cudaStream_t stream = 0)
{
	return cudaMemcpyToSymbolAsync((const void *)&symbol, src, count, offset, kind, stream);
}

template <class T>
static inline cudaError_t
cudaMemcpyFromSymbolAsync(void *dst, const T &symbol, size_t count, size_t offset = 0,
			  enum cudaMemcpyKind kind = cudaMemcpyDeviceToHost,
			  cudaStream_t stream = 0)
{
	return cudaMemcpyFromSymbolAsync(dst, (const void *)&symbol, count, offset, kind, stream);
}

template <class T> static inline cudaError_t cudaGetSymbolAddress(void **p, const T &symbol)
{
	return cudaGetSymbolAddress(p, (const void *)&symbol);
}

template <class T> static inline cudaError_t cudaGetSymbolSize(size_t *size, const T &symbol)
{
	return cudaGetSymbolSize(size, (const void *)&symbol);
}

template <class T>
static inline cudaError_t cudaLaunchKernel(T *func, dim3 grid, dim3 block, void **args,
					   size_t shared = 0, cudaStream_t stream = 0)
{
	return cudaLaunchKernel((const void *)func, grid, block, args, shared, stream);
}

template <class T>
static inline cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attr, T *func)
{
	return cudaFuncGetAttributes(attr, (const void *)func);
}

template <class T>
static inline cudaError_t cudaFuncSetAttribute(T *func, enum cudaFuncAttribute attr, int value)
{
	return cudaFuncSetAttribute((const void *)func, attr, value);
}

template <class T>
static inline cudaError_t cudaFuncSetCacheConfig(T *func, enum cudaFuncCache config)
{
	return cudaFuncSetCacheConfig((const void *)func, config);
}

template <class T>
static inline cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, T func,
									int size, size_t shared)
{
	return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, (const void *)func, size,
							     shared);
}

/*
 * The block size with the most resident threads: tries every multiple of the
 * warp size the kernel allows, the largest first.
 */
template <class T>
static inline cudaError_t cudaOccupancyMaxPotentialBlockSize(int *ret_grid, int *ret_block, T func,
							     size_t shared = 0, int limit = 0)
{
	struct cudaFuncAttributes attr;
	int device, sms, best = 0, blocks;
	cudaError_t err;

	if ((err = cudaGetDevice(&device)) ||
	    (err = cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, device)) ||
	    (err = cudaFuncGetAttributes(&attr, (const void *)func)))
		return err;
	if (limit <= 0 || limit > attr.maxThreadsPerBlock)
		limit = attr.maxThreadsPerBlock;
	for (int size = (limit + 31) / 32 * 32; size > 0; size -= 32) {
		int block = size < limit ? size : limit;

		err = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, (const void *)func,
								    block, shared);
		if (err)
			return err;
		if (blocks * block > best) {
			best = blocks * block;
			*ret_block = block;
			*ret_grid = blocks * sms;
		}
	}
	return cudaSuccess;
}

#endif
