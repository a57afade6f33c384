/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program registered: fat binaries, their kernels and variables.
 */
#ifndef LIBCUDART_CR_MODULE_H
#define LIBCUDART_CR_MODULE_H

#include "cr.h"

struct cr_image;

/**
 * struct cr_kernel - A __global__ function
 * @image:	fat binary it is in; NULL for a handle the driver gave
 * @host:	its address on the host, the key
 * @name:	mangled name; the string is the program's
 * @handle:	driver's kernel once looked up
 * @next:	next of the image
 */
struct cr_kernel {
	struct cr_image *image;
	const void *host;
	const char *name;
	_Atomic(CUkernel) handle;
	struct cr_kernel *next;
};

#pragma GCC visibility push(hidden)
int cr_kernel_get(const void *func, CUkernel *ret_kernel);
int cr_kernel_resolve(struct cr_kernel *kernel, CUkernel *ret_kernel);
struct cr_kernel *cr_kernel_find(const void *func);
int cr_kernel_adopt(CUkernel handle);
int cr_symbol_get(const void *symbol, CUdeviceptr *ret_ptr, size_t *ret_size);
bool cr_module_managed_pending(void);
int cr_module_load_managed(void);
void cr_module_drop_all(void);
#pragma GCC visibility pop

#endif
