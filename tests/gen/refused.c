/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every exported symbol, so that the look-up table has something to point to:
 * the weak stubs of the software GPU, which answer through this.
 */
#include "cw/cuda.h"

CUresult sg_refused(const char *name);

CUresult sg_refused(const char *name)
{
	return CUDA_ERROR_NOT_SUPPORTED;
}

CUresult sg_refused_export(const char *name);
CUresult sg_refused_export(const char *name)
{
	return sg_refused(name);
}
