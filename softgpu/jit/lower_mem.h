/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One memory access while it is lowered.
 */
#ifndef SOFTGPU_JIT_LOWER_MEM_H
#define SOFTGPU_JIT_LOWER_MEM_H

#include "softgpu/jit/lower.h"

/**
 * struct mem - A load or store
 * @o:		address operand
 * @space:	enum sg_space
 * @size, @vec:	bytes of an element, elements
 * @active:	lanes that take part
 * @shape:	of the register in the address; @kmin, @kmax of its constants
 * @raw, @addr:	the register in 64 bits, and with the offset; a scalar to which
 *		the constants are to be added, or a vector
 * @base:	host address of offset 0; NULL: device addresses, see @delta
 * @lane_stride: local memory: bytes from lane to lane
 */
struct mem {
	const struct sg_opnd *o;
	uint32_t space;
	uint32_t size, vec;
	uint32_t site;
	uint16_t shape;
	int64_t kmin, kmax;
	LLVMValueRef active;
	LLVMValueRef raw, addr;
	LLVMValueRef base, delta;
	LLVMValueRef lane_stride;
};

uint32_t mem_site(struct jit_lower *l, const struct mem *m);
bool mem_store(struct jit_lower *l, const struct sg_insn *in, struct mem *m);

#endif
