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
void sg_library_forget(struct sg_instance *instance);

#endif
