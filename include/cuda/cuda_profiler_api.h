/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAUSEWAY_CUDA_PROFILER_API_H
#define CAUSEWAY_CUDA_PROFILER_API_H

#include "cuda_runtime_api.h"

#endif
