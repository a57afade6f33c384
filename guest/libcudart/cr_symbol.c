/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables of the device by their address on the host.
 */
#include "cr_copy.h"
#include "cr_module.h"

/** struct cr_piece - A part of a variable */
struct cr_piece {
	const void *symbol;
	size_t offset;
	size_t count;
};

static int cr_symbol_piece(const struct cr_piece *piece, void **ret_ptr)
{
	CUdeviceptr ptr;
	size_t size;
	int err = cr_symbol_get(piece->symbol, &ptr, &size);

	if (err)
		return err;
	if (!cw_range_ok(piece->offset, piece->count, size))
		return cudaErrorInvalidValue;
	*ret_ptr = (void *)(uintptr_t)(ptr + piece->offset);
	return 0;
}

static cudaError_t cr_symbol_write(const struct cr_piece *piece, const void *src,
				   enum cudaMemcpyKind kind, bool ptds)
{
	void *ptr;
	int err;

	CR_ENTER();
	if (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyHostToHost)
		return cr_ret(cudaErrorInvalidMemcpyDirection);
	err = cr_symbol_piece(piece, &ptr);
	return cr_ret(err ? err : cr_copy(ptr, src, piece->count, kind, ptds));
}

static cudaError_t cr_symbol_read(void *dst, const struct cr_piece *piece, enum cudaMemcpyKind kind,
				  bool ptds)
{
	void *ptr;
	int err;

	CR_ENTER();
	if (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyHostToHost)
		return cr_ret(cudaErrorInvalidMemcpyDirection);
	err = cr_symbol_piece(piece, &ptr);
	return cr_ret(err ? err : cr_copy(dst, ptr, piece->count, kind, ptds));
}

cudaError_t cudaGetSymbolAddress(void **devPtr, const void *symbol)
{
	CUdeviceptr ptr;
	size_t size;
	int err;

	CR_ENTER();
	err = cr_symbol_get(symbol, &ptr, &size);
	if (!err)
		*devPtr = (void *)(uintptr_t)ptr;
	return cr_ret(err);
}

cudaError_t cudaGetSymbolSize(size_t *size, const void *symbol)
{
	CUdeviceptr ptr;

	CR_ENTER();
	return cr_ret(cr_symbol_get(symbol, &ptr, size));
}

cudaError_t cudaMemcpyToSymbol(const void *symbol, const void *src, size_t count, size_t offset,
			       enum cudaMemcpyKind kind)
{
	return cr_symbol_write(&(struct cr_piece){ symbol, offset, count }, src, kind, false);
}

cudaError_t cudaMemcpyToSymbol_ptds(const void *symbol, const void *src, size_t count,
				    size_t offset, enum cudaMemcpyKind kind)
{
	return cr_symbol_write(&(struct cr_piece){ symbol, offset, count }, src, kind, true);
}

cudaError_t cudaMemcpyFromSymbol(void *dst, const void *symbol, size_t count, size_t offset,
				 enum cudaMemcpyKind kind)
{
	return cr_symbol_read(dst, &(struct cr_piece){ symbol, offset, count }, kind, false);
}

cudaError_t cudaMemcpyFromSymbol_ptds(void *dst, const void *symbol, size_t count, size_t offset,
				      enum cudaMemcpyKind kind)
{
	return cr_symbol_read(dst, &(struct cr_piece){ symbol, offset, count }, kind, true);
}

cudaError_t cudaMemcpyToSymbolAsync(const void *symbol, const void *src, size_t count,
				    size_t offset, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	const struct cr_piece piece = { symbol, offset, count };
	void *ptr;
	int err;

	CR_ENTER();
	err = cr_symbol_piece(&piece, &ptr);
	return cr_ret(err ? err : cr_copy_async(ptr, src, count, kind, stream));
}

cudaError_t cudaMemcpyToSymbolAsync_ptsz(const void *symbol, const void *src, size_t count,
					 size_t offset, enum cudaMemcpyKind kind,
					 cudaStream_t stream)
{
	return cudaMemcpyToSymbolAsync(symbol, src, count, offset, kind, cr_ptsz(stream));
}

cudaError_t cudaMemcpyFromSymbolAsync(void *dst, const void *symbol, size_t count, size_t offset,
				      enum cudaMemcpyKind kind, cudaStream_t stream)
{
	const struct cr_piece piece = { symbol, offset, count };
	void *ptr;
	int err;

	CR_ENTER();
	err = cr_symbol_piece(&piece, &ptr);
	return cr_ret(err ? err : cr_copy_async(dst, ptr, count, kind, stream));
}

cudaError_t cudaMemcpyFromSymbolAsync_ptsz(void *dst, const void *symbol, size_t count,
					   size_t offset, enum cudaMemcpyKind kind,
					   cudaStream_t stream)
{
	return cudaMemcpyFromSymbolAsync(dst, symbol, count, offset, kind, cr_ptsz(stream));
}
