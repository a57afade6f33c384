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

uint64_t mem_total(const struct mem *m);
uint32_t mem_site(struct jit_lower *l, const struct mem *m);
void mem_address(struct jit_lower *l, struct mem *m);
/* The condition under which the fast form may be used; sets where memory is. */
LLVMValueRef mem_check(struct jit_lower *l, struct mem *m);
/* Addresses of all lanes; host addresses of one, and of element @e in all. */
LLVMValueRef mem_all(struct jit_lower *l, const struct mem *m);
LLVMValueRef mem_host(struct jit_lower *l, const struct mem *m, LLVMValueRef addr, int64_t plus);
LLVMValueRef mem_host_all(struct jit_lower *l, const struct mem *m, uint32_t e);
bool mem_consecutive(const struct jit_lower *l, const struct mem *m, uint64_t stride);
LLVMValueRef mem_call_intrinsic(struct jit_lower *l, const char *name, LLVMTypeRef *types,
				LLVMValueRef *args);
LLVMValueRef mem_slow_call(struct jit_lower *l, const struct mem *m, size_t fn);
/* A row of the scratch area: addresses (-1) or an element. */
LLVMValueRef mem_scratch(struct jit_lower *l, int row);
void mem_fence(struct jit_lower *l, const struct sg_insn *in);

void mem_load(struct jit_lower *l, const struct sg_insn *in, struct mem *m);
bool mem_store(struct jit_lower *l, const struct sg_insn *in, struct mem *m);

#endif
