/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores, lane by lane in order where lanes may meet; see lower_mem.c.
 */
#include "softgpu/jit/lower_mem.h"

#define B (l->b)

/* Lanes of an element as they go to memory. */
static LLVMValueRef mem_store_value(struct jit_lower *l, const struct sg_insn *in,
				    const struct mem *m, uint32_t e)
{
	LLVMValueRef v = jit_src_vec(l, &in->o[1 + e], m->size);

	return LLVMBuildIntCast2(B, v, jit_vec(jit_int(l, m->size)), false, "");
}

/* One place for all: the highest lane's value is what stays. */
static void mem_store_uniform(struct jit_lower *l, const struct mem *m, LLVMValueRef v[4])
{
	LLVMBasicBlockRef some = jit_block_new(l, ""), done = jit_block_new(l, "");
	LLVMValueRef bits = jit_bits(l, m->active), args[2], lane;

	LLVMBuildCondBr(B, LLVMBuildICmp(B, LLVMIntNE, bits, LLVMConstInt(l->i32, 0, false), ""),
			some, done);
	LLVMPositionBuilderAtEnd(B, some);
	args[0] = bits;
	args[1] = LLVMConstInt(l->i1, 0, false);
	lane = jit_call(l, "llvm.ctlz", l->i32, args, 2);
	lane = LLVMBuildAnd(B, LLVMBuildNot(B, lane, ""), LLVMConstInt(l->i32, 31, false), "");
	for (uint32_t e = 0; e < m->vec; e++) {
		LLVMValueRef x = LLVMBuildExtractElement(B, v[e], lane, "");

		LLVMSetAlignment(LLVMBuildStore(B, x, mem_host(l, m, m->addr, e * m->size)),
				 m->size);
	}
	LLVMBuildBr(B, done);
	LLVMPositionBuilderAtEnd(B, done);
}

/* Elements side by side, lane after lane. */
static LLVMValueRef mem_interleave(struct jit_lower *l, const struct mem *m, LLVMValueRef v[4])
{
	LLVMValueRef mask[4 * SG_JIT_LANES], lo, hi;
	uint32_t n = SG_JIT_LANES, vec = m->vec;

	for (uint32_t i = 0; i < 2 * n; i++)
		mask[i] = LLVMConstInt(l->i32, i, false);
	lo = LLVMBuildShuffleVector(B, v[0], v[1], LLVMConstVector(mask, 2 * n), "");
	hi = vec == 2 ? lo : LLVMBuildShuffleVector(B, v[2], v[3], LLVMConstVector(mask, 2 * n),
						    "");
	for (uint32_t i = 0; i < n * vec; i++)
		mask[i] = LLVMConstInt(l->i32, i / vec + i % vec * n, false);
	if (vec == 2)
		return LLVMBuildShuffleVector(B, lo, LLVMGetPoison(LLVMTypeOf(lo)),
					      LLVMConstVector(mask, n * vec), "");
	return LLVMBuildShuffleVector(B, lo, hi, LLVMConstVector(mask, n * vec), "");
}

/*
 * Lane after lane, the highest last: often only a few are on, and on many CPUs
 * a scatter is no faster than this for all of them.
 */
static void mem_store_scatter(struct jit_lower *l, const struct mem *m, LLVMValueRef v[4])
{
	LLVMBasicBlockRef from = LLVMGetInsertBlock(B), loop = jit_block_new(l, "lanes");
	LLVMBasicBlockRef body = jit_block_new(l, ""), done = jit_block_new(l, "");
	LLVMTypeRef t = jit_int(l, m->size);
	LLVMValueRef left, bits[2], args[2], lane, p, x, addr = mem_scratch(l, -1), slot[4];

	p = LLVMBuildPtrToInt(B, mem_host_all(l, m, 0), jit_vec(l->i64), "");
	LLVMSetAlignment(LLVMBuildStore(B, p, addr), 64);
	for (uint32_t e = 0; e < m->vec; e++) {
		slot[e] = mem_scratch(l, e);
		LLVMSetAlignment(LLVMBuildStore(B, v[e], slot[e]), 64);
	}
	bits[0] = jit_bits(l, m->active);
	LLVMBuildBr(B, loop);
	LLVMPositionBuilderAtEnd(B, loop);
	left = LLVMBuildPhi(B, l->i32, "");
	LLVMBuildCondBr(B, LLVMBuildICmp(B, LLVMIntNE, left, LLVMConstInt(l->i32, 0, false), ""),
			body, done);
	LLVMPositionBuilderAtEnd(B, body);
	args[0] = left;
	args[1] = LLVMConstInt(l->i1, 0, false);
	lane = jit_call(l, "llvm.cttz", l->i32, args, 2);
	lane = LLVMBuildZExt(B, LLVMBuildAnd(B, lane, LLVMConstInt(l->i32, 31, false), ""), l->i64,
			     "");
	p = LLVMBuildLoad2(B, l->ptr, LLVMBuildGEP2(B, l->i64, addr, &lane, 1, ""), "");
	for (uint32_t e = 0; e < m->vec; e++) {
		x = LLVMBuildLoad2(B, t, LLVMBuildGEP2(B, t, slot[e], &lane, 1, ""), "");
		LLVMSetAlignment(LLVMBuildStore(B, x, jit_at(l, p, LLVMConstInt(l->i64,
			e * m->size, false))), m->size);
	}
	bits[1] = LLVMBuildSub(B, left, LLVMConstInt(l->i32, 1, false), "");
	bits[1] = LLVMBuildAnd(B, left, bits[1], "");
	LLVMBuildBr(B, loop);
	LLVMAddIncoming(left, bits, (LLVMBasicBlockRef[]){ from, body }, 2);
	LLVMPositionBuilderAtEnd(B, done);
}

static void mem_store_consecutive(struct jit_lower *l, const struct mem *m, LLVMValueRef v[4])
{
	LLVMBasicBlockRef all = jit_block_new(l, ""), some = jit_block_new(l, "");
	LLVMBasicBlockRef done = jit_block_new(l, "");
	LLVMValueRef p = mem_host(l, m, m->addr, l->f->patterns[m->shape].k[0]), args[4];
	LLVMTypeRef types[2] = { jit_vec(jit_int(l, m->size)), l->ptr };

	LLVMBuildCondBr(B, LLVMBuildICmp(B, LLVMIntEQ, jit_bits(l, m->active),
					 LLVMConstAllOnes(l->i32), ""), all, some);
	LLVMPositionBuilderAtEnd(B, all);
	LLVMSetAlignment(LLVMBuildStore(B, m->vec == 1 ? v[0] : mem_interleave(l, m, v), p),
			 m->size);
	LLVMBuildBr(B, done);
	LLVMPositionBuilderAtEnd(B, some);
	if (m->vec == 1) {
		args[0] = v[0];
		args[1] = p;
		args[2] = LLVMConstInt(l->i32, m->size, false);
		args[3] = m->active;
		mem_call_intrinsic(l, "llvm.masked.store", types, args);
	} else {
		mem_store_scatter(l, m, v);
	}
	LLVMBuildBr(B, done);
	LLVMPositionBuilderAtEnd(B, done);
}

static void mem_store_slow(struct jit_lower *l, const struct mem *m, LLVMValueRef v[4])
{
	LLVMSetAlignment(LLVMBuildStore(B, mem_all(l, m), mem_scratch(l, -1)), 64);
	for (uint32_t e = 0; e < m->vec; e++)
		LLVMSetAlignment(LLVMBuildStore(B, v[e], mem_scratch(l, e)), 64);
	mem_slow_call(l, m, offsetof(struct sg_jit_ctx, store));
}

bool mem_store(struct jit_lower *l, const struct sg_insn *in, struct mem *m)
{
	LLVMBasicBlockRef slow, join;
	LLVMValueRef v[4];

	for (uint32_t e = 0; e < m->vec; e++)
		v[e] = mem_store_value(l, in, m, e);
	mem_fence(l, in);
	m->site = mem_site(l, m);
	mem_address(l, m);
	slow = jit_block_new(l, "slow");
	join = jit_block_new(l, "");
	jit_require(l, mem_check(l, m), slow);
	if (m->shape == JIT_UNIFORM && !m->lane_stride)
		mem_store_uniform(l, m, v);
	else if (mem_consecutive(l, m, mem_total(m)))
		mem_store_consecutive(l, m, v);
	else
		mem_store_scatter(l, m, v);
	LLVMBuildBr(B, join);
	LLVMPositionBuilderAtEnd(B, slow);
	mem_store_slow(l, m, v);
	LLVMBuildBr(B, join);
	LLVMPositionBuilderAtEnd(B, join);
	return true;
}
