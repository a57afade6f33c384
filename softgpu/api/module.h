/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between module.c, library.c and kernel.c.
 */
#ifndef SOFTGPU_API_MODULE_H
#define SOFTGPU_API_MODULE_H

#include "softgpu/api/state.h"

int sg_image_index(const struct sg_image *image, struct sg_module **ret_module);
CUresult sg_file_read(const char *name, void **ret_data);
CUresult sg_load_error(int err);
int sg_library_place(struct sg_library *lib);
int sg_instance_create(struct sg_ctx *ctx, const struct sg_image *image, struct sg_library *lib,
		       struct sg_instance **ret_instance);
void sg_library_forget(struct sg_instance *instance);

#endif
