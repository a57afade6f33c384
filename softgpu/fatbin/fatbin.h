/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a module image to PTX text.
 *
 * An image is a fatbin (bare, or behind the wrapper that compilers put into
 * programs), PTX text, or machine code, which nobody but NVIDIA can run.
 * Images come without a length, so a reader trusts a container's own size
 * and nothing beyond; inside, every field is checked.
 */
#ifndef SOFTGPU_FATBIN_FATBIN_H
#define SOFTGPU_FATBIN_FATBIN_H

#include <stddef.h>
#include <stdint.h>

#include "softgpu/ir/module.h"

#define SG_FATBIN_MAGIC 0xba55ed50u
#define SG_WRAPPER_MAGIC 0x466243b1u

/* Texts one image may be made of (relocatable code: one per file). */
#define SG_IMAGE_MAX 256

/**
 * struct sg_image - The PTX of an image
 * @texts:	@n texts to be linked together, each ends with a NUL that is
 *		not counted in its length
 * @n:		at least 1
 */
struct sg_image {
	struct sg_source *texts;
	size_t n;
};

int sg_image_read(const void *data, unsigned cc, struct sg_image *ret_image);
int sg_image_read_sized(const void *data, size_t size, unsigned cc, struct sg_image *ret_image);
void sg_image_free(struct sg_image *image);

#endif
