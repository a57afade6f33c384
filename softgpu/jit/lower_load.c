/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads, by the cheapest form that fits; see lower_mem.c.
 */
#include "softgpu/jit/lower_mem.h"

#define B (l->b)

static LLVMValueRef mem_load_at(struct jit_lower *l, LLVMTypeRef t, LLVMValueRef p, uint32_t align)
{
	LLVMValueRef v = LLVMBuildLoad2(B, t, p, "");

	LLVMSetAlignment(v, align);
	return v;
}

/* Every @step-th element from @first of a vector of @n lanes times @step. */
static LLVMValueRef mem_stride(struct jit_lower *l, LLVMValueRef v, uint32_t first, uint32_t step)
{
	LLVMValueRef mask[SG_JIT_LANES];

	for (uint32_t i = 0; i < SG_JIT_LANES; i++)
		mask[i] = LLVMConstInt(l->i32, first + i * step, false);
	return LLVMBuildShuffleVector(B, v, LLVMGetPoison(LLVMTypeOf(v)),
				      LLVMConstVector(mask, SG_JIT_LANES), "");
}

/* A pattern of at most four places: that many scalars, dealt out to the lanes. */
static bool mem_load_few(struct jit_lower *l, const struct mem *m, LLVMTypeRef t,
			 LLVMValueRef out[4])
{
	int64_t place[4];
	LLVMValueRef mask[SG_JIT_LANES];
	uint32_t n = 0;

	for (int i = 0; i < SG_JIT_LANES; i++) {
		int64_t k = l->f->patterns[m->shape].k[i];
		uint32_t at = 0;

		while (at < n && place[at] != k)
			at++;
		if (at == 4)
			return false;
		if (at == n)
			place[n++] = k;
		mask[i] = LLVMConstInt(l->i32, at, false);
	}
	for (uint32_t e = 0; e < m->vec; e++) {
		LLVMValueRef v = LLVMConstNull(LLVMVectorType(t, 4));

		for (uint32_t i = 0; i < n; i++) {
			LLVMValueRef p = mem_host(l, m, m->addr, place[i] + e * m->size);

			v = LLVMBuildInsertElement(B, v, mem_load_at(l, t, p, m->size),
						   LLVMConstInt(l->i32, i, false), "");
		}
		out[e] = LLVMBuildShuffleVector(B, v, LLVMGetPoison(LLVMTypeOf(v)),
						LLVMConstVector(mask, SG_JIT_LANES), "");
	}
	return true;
}

/* Two runs of 16 lanes that follow each other: rows of a tile. */
static bool mem_load_halves(struct jit_lower *l, const struct mem *m, LLVMTypeRef t,
			    LLVMValueRef out[4])
{
	const int64_t *k = l->f->patterns[m->shape].k;
	LLVMTypeRef half = LLVMVectorType(t, SG_JIT_LANES / 2);
	LLVMValueRef v[2], mask[SG_JIT_LANES];

	for (int i = 0; i < SG_JIT_LANES; i++) {
		if (k[i] != k[i & 16] + (i & 15) * (int64_t)m->size)
			return false;
		mask[i] = LLVMConstInt(l->i32, i, false);
	}
	if (m->vec > 1)
		return false;
	for (int h = 0; h < 2; h++)
		v[h] = mem_load_at(l, half, mem_host(l, m, m->addr, k[16 * h]), m->size);
	out[0] = LLVMBuildShuffleVector(B, v[0], v[1], LLVMConstVector(mask, SG_JIT_LANES), "");
	return true;
}

/* Lanes of one half by the first one's: is each a step behind the one before? */
static LLVMValueRef mem_is_rows(struct jit_lower *l, const struct mem *m)
{
	LLVMValueRef step[SG_JIT_LANES], first[SG_JIT_LANES], v, eq;

	for (int i = 0; i < SG_JIT_LANES; i++) {
		step[i] = LLVMConstInt(l->i64, (uint64_t)(i & 15) * m->size, false);
		first[i] = LLVMConstInt(l->i32, i & 16, false);
	}
	v = LLVMBuildSub(B, m->addr, LLVMConstVector(step, SG_JIT_LANES), "");
	eq = LLVMBuildShuffleVector(B, v, LLVMGetPoison(LLVMTypeOf(v)),
				    LLVMConstVector(first, SG_JIT_LANES), "");
	eq = LLVMBuildICmp(B, LLVMIntEQ, v, eq, "");
	/* A lane that is off may have any address: all must be on to read for all. */
	eq = LLVMBuildAnd(B, eq, m->active, "");
	return LLVMBuildICmp(B, LLVMIntEQ, jit_bits(l, eq), LLVMConstAllOnes(l->i32), "");
}

/* Two rows of 16 where the addresses turn out so, else a gather. */
static LLVMValueRef mem_load_rows(struct jit_lower *l, const struct mem *m, LLVMTypeRef t)
{
	LLVMTypeRef v = jit_vec(t), half = LLVMVectorType(t, SG_JIT_LANES / 2);
	LLVMTypeRef types[2] = { v, jit_vec(l->ptr) };
	LLVMBasicBlockRef rows = jit_block_new(l, "rows"), any = jit_block_new(l, "gather");
	LLVMBasicBlockRef join = jit_block_new(l, ""), bb[2];
	LLVMValueRef part[2], mask[SG_JIT_LANES], args[4], out[2], phi;

	LLVMBuildCondBr(B, mem_is_rows(l, m), rows, any);
	LLVMPositionBuilderAtEnd(B, rows);
	for (int i = 0; i < SG_JIT_LANES; i++)
		mask[i] = LLVMConstInt(l->i32, i, false);
	for (int h = 0; h < 2; h++) {
		LLVMValueRef a = LLVMBuildExtractElement(B, m->addr, mask[16 * h], "");

		part[h] = mem_load_at(l, half, mem_host(l, m, a, 0), m->size);
	}
	out[0] = LLVMBuildShuffleVector(B, part[0], part[1], LLVMConstVector(mask, SG_JIT_LANES),
					"");
	bb[0] = LLVMGetInsertBlock(B);
	LLVMBuildBr(B, join);
	LLVMPositionBuilderAtEnd(B, any);
	args[0] = mem_host_all(l, m, 0);
	args[1] = LLVMConstInt(l->i32, m->size, false);
	args[2] = m->active;
	args[3] = LLVMConstNull(v);
	out[1] = mem_call_intrinsic(l, "llvm.masked.gather", types, args);
	bb[1] = LLVMGetInsertBlock(B);
	LLVMBuildBr(B, join);
	LLVMPositionBuilderAtEnd(B, join);
	phi = LLVMBuildPhi(B, v, "");
	LLVMAddIncoming(phi, out, bb, 2);
	return phi;
}

/* The elements by the cheapest form; scalars where the address is one. */
static void mem_load_fast(struct jit_lower *l, const struct mem *m, LLVMValueRef out[4])
{
	LLVMTypeRef t = jit_int(l, m->size), v = jit_vec(t), types[2] = { v, jit_vec(l->ptr) };
	LLVMValueRef wide, args[4], p;

	if (m->shape == JIT_UNIFORM && !m->lane_stride) {
		for (uint32_t e = 0; e < m->vec; e++) {
			p = mem_host(l, m, m->addr, e * m->size);
			out[e] = mem_load_at(l, t, p, m->size);
		}
		return;
	}
	if (mem_consecutive(l, m, mem_total(m))) {
		p = mem_host(l, m, m->addr, l->f->patterns[m->shape].k[0]);
		wide = mem_load_at(l, LLVMVectorType(t, SG_JIT_LANES * m->vec), p, m->size);
		for (uint32_t e = 0; e < m->vec; e++)
			out[e] = m->vec == 1 ? wide : mem_stride(l, wide, e, m->vec);
		return;
	}
	if (m->shape == JIT_VARYING && !m->lane_stride && m->vec == 1 && m->size >= 4) {
		out[0] = mem_load_rows(l, m, t);
		return;
	}
	if (m->shape != JIT_VARYING && !m->lane_stride &&
	    (mem_load_few(l, m, t, out) || mem_load_halves(l, m, t, out)))
		return;
	for (uint32_t e = 0; e < m->vec; e++) {
		args[0] = mem_host_all(l, m, e);
		args[1] = LLVMConstInt(l->i32, m->size, false);
		/* Where addresses are constants apart all lanes are known to be good. */
		args[2] = m->shape == JIT_VARYING ? m->active : LLVMConstAllOnes(jit_vec(l->i1));
		args[3] = LLVMConstNull(v);
		out[e] = mem_call_intrinsic(l, "llvm.masked.gather", types, args);
	}
}

static void mem_load_slow(struct jit_lower *l, const struct mem *m, LLVMValueRef out[4])
{
	LLVMTypeRef t = jit_int(l, m->size);
	bool scalar = m->shape == JIT_UNIFORM && !m->lane_stride;

	LLVMSetAlignment(LLVMBuildStore(B, mem_all(l, m), mem_scratch(l, -1)), 64);
	mem_slow_call(l, m, offsetof(struct sg_jit_ctx, load));
	for (uint32_t e = 0; e < m->vec; e++)
		out[e] = mem_load_at(l, scalar ? t : jit_vec(t), mem_scratch(l, e),
				     scalar ? 8 : 64);
}

static void mem_merge(struct jit_lower *l, const struct mem *m, LLVMValueRef fast[4],
		      LLVMBasicBlockRef from_fast, LLVMValueRef slow[4],
		      LLVMBasicBlockRef from_slow)
{
	for (uint32_t e = 0; e < m->vec; e++) {
		LLVMValueRef phi = LLVMBuildPhi(B, LLVMTypeOf(fast[e]), "");
		LLVMValueRef v[2] = { fast[e], slow[e] };
		LLVMBasicBlockRef bb[2] = { from_fast, from_slow };

		LLVMAddIncoming(phi, v, bb, 2);
		fast[e] = phi;
	}
}

/* Memory bits as a register holds them. */
static LLVMValueRef mem_extend(struct jit_lower *l, const struct sg_insn *in, uint32_t reg,
			       LLVMValueRef v)
{
	bool vec = LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMVectorTypeKind;
	LLVMTypeRef t = jit_reg_type(l, l->f->regs[reg]);

	return LLVMBuildIntCast2(B, v, vec ? jit_vec(t) : t, sg_type_is_signed(in->type), "");
}

/* A parameter at a place known now. */
static bool mem_is_plain_param(const struct jit_lower *l, const struct mem *m)
{
	return m->space == SG_SPACE_PARAM && m->o->reg == SG_NO_REG &&
	       !(m->o->imm & (mem_total(m) - 1)) &&
	       cw_range_ok(m->o->imm, mem_total(m), l->f->rq->prog->param_bytes);
}

static void mem_load_plain_param(struct jit_lower *l, const struct mem *m, LLVMValueRef out[4])
{
	LLVMValueRef p = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, params)), v;

	for (uint32_t e = 0; e < m->vec; e++) {
		v = jit_at(l, p, LLVMConstInt(l->i64, m->o->imm + e * m->size, false));
		out[e] = mem_load_at(l, jit_int(l, m->size), v, 1);
		LLVMSetMetadata(out[e], l->md_invariant,
				LLVMMetadataAsValue(l->c, LLVMMDNodeInContext2(l->c, NULL, 0)));
	}
}

void mem_load(struct jit_lower *l, const struct sg_insn *in, struct mem *m)
{
	LLVMBasicBlockRef slow, join, from_fast, from_slow;
	LLVMValueRef v[4], s[4];

	if (mem_is_plain_param(l, m)) {
		mem_load_plain_param(l, m, v);
	} else {
		m->site = mem_site(l, m);
		mem_address(l, m);
		slow = jit_block_new(l, "slow");
		join = jit_block_new(l, "");
		jit_require(l, mem_check(l, m), slow);
		mem_load_fast(l, m, v);
		from_fast = LLVMGetInsertBlock(B);
		LLVMBuildBr(B, join);
		LLVMPositionBuilderAtEnd(B, slow);
		mem_load_slow(l, m, s);
		from_slow = LLVMGetInsertBlock(B);
		LLVMBuildBr(B, join);
		LLVMPositionBuilderAtEnd(B, join);
		mem_merge(l, m, v, from_fast, s, from_slow);
	}
	for (uint32_t e = 0; e < m->vec; e++) {
		if (in->o[e].kind == SG_OPND_REG)
			jit_def(l, &in->o[e], mem_extend(l, in, in->o[e].reg, v[e]));
	}
	mem_fence(l, in);
}
