/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CUDA source includes: the runtime API, and in CUDA code the language.
 *
 * Theory of operation: clang knows CUDA's syntax and lowers it to PTX, but the
 * built-in variables, functions and the glue of <<<>>> come from a header.
 * clang includes nothing by itself when called with -nocudainc; `causeway cc`
 * and the test programs are compiled that way, with this header first.
 */
#ifndef CAUSEWAY_CUDA_RUNTIME_H
#define CAUSEWAY_CUDA_RUNTIME_H

/* What nvcc defines while it compiles CUDA, and sources ask for. */
#if defined(__CUDA__) && !defined(__CUDACC__)
#define __CUDACC__ 1
#endif

#include "cuda_runtime_api.h"
#include "vector_functions.h"

#ifdef __CUDA__
#ifndef __clang__
#error "these headers are for clang; nvcc brings its own"
#endif
#include "causeway/launch.h"
#include "device_launch_parameters.h"
#include "causeway/device.h"
#include "causeway/atomics.h"
#include "causeway/warp.h"
#include "causeway/math.h"
#include "causeway/math_double.h"
#endif

#ifdef __cplusplus
#include "causeway/templates.h"
#endif

#endif
