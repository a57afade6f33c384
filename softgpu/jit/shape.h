/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes: what shape.c, diverge.c and the lowering share.
 */
#ifndef SOFTGPU_JIT_SHAPE_H
#define SOFTGPU_JIT_SHAPE_H

#include "cw/util.h"
#include "softgpu/jit/ir.h"

uint16_t jit_pattern_intern(struct jit_func *f, const struct jit_pattern *p);
uint16_t jit_shape_result(struct jit_func *f, const struct sg_insn *in, uint32_t *ret_align);
/* %lanemask_* of a lane. */
uint32_t jit_lanemask(enum sg_sreg r, int lane);
/* 32 bits to 64, where a pattern's sums may wrap. */
bool jit_widens(const struct sg_insn *in);

#endif
