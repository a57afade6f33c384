/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled kernels as an embedder sees them.
 */
#ifndef SOFTGPU_JIT_USE_H
#define SOFTGPU_JIT_USE_H

struct sg_jit_code;
struct sg_launch;

/* The compiled form for a launch, made now if need be; NULL: interpret. */
struct sg_jit_code *sg_jit_prepare(const struct sg_launch *l);

/* Load the compiler and what it needs, before a sandbox closes. 0 or -errno. */
int sg_jit_preload(void);

#endif
