/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that libraries keep in a context.
 */
#ifndef SOFTGPU_API_LOCAL_H
#define SOFTGPU_API_LOCAL_H

#include "softgpu/api/state.h"

/* Called when the context is reset or destroyed. */
typedef void (*sg_local_dtor)(CUcontext ctx, void *key, void *value);

CUresult sg_local_put(CUcontext handle, const void *key, void *value, sg_local_dtor dtor);
CUresult sg_local_delete(CUcontext handle, const void *key);
CUresult sg_local_get(CUcontext handle, const void *key, void **ret_value);

#endif
