/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver underneath: libcuda.so.1, bound by name at first use.
 */
#ifndef LIBCUDART_CR_DRIVER_H
#define LIBCUDART_CR_DRIVER_H

#include "cuda_proto.h"
#include "cw/cuda.h"
#include "cw/util.h"

struct cr_driver {
#define D(name) __typeof__(name) *name;
#include "driver.def"
#undef D
};

CW_HIDDEN extern struct cr_driver cr_driver;

/**
 * cr_drv() - The bound driver
 *
 * Valid after cr_driver_bind() succeeded once. A function that this driver
 * does not have answers CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER.
 */
static inline const struct cr_driver *cr_drv(void)
{
	return &cr_driver;
}

int cr_driver_bind(void) CW_HIDDEN;

#endif
