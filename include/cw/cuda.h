/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of the CUDA driver API, as its users know them from <cuda.h>.
 *
 * There are no prototypes here: they are generated from api/ into
 * cuda_proto.h, so that nothing about a function is written down twice.
 */
#ifndef CW_CUDA_H
#define CW_CUDA_H

#include "cw/cuda_copy.h"
#include "cw/cuda_graph.h"
#include "cw/cuda_types.h"

#endif
