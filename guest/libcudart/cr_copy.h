/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBCUDART_CR_COPY_H
#define LIBCUDART_CR_COPY_H

#include "cr.h"

int cr_copy(void *dst, const void *src, size_t size, enum cudaMemcpyKind kind, bool ptds) CW_HIDDEN;
int cr_copy_async(void *dst, const void *src, size_t size, enum cudaMemcpyKind kind,
		  cudaStream_t stream) CW_HIDDEN;

#endif
