/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers and operands as LLVM values.
 */
#include <stdlib.h>

#include "softgpu/jit/lower.h"

static void value_note(void *arg, uint32_t reg)
{
	bool *used = arg;

	used[reg] = true;
}

/* An alloca for every register that is named. */
bool jit_value_init(struct jit_lower *l)
{
	struct jit_func *f = l->f;
	bool *used = calloc(f->nregs, sizeof(bool));

	l->reg = calloc(f->nregs, sizeof(*l->reg));
	if (!used || !l->reg) {
		free(used);
		return false;
	}
	for (uint32_t i = 0; i < f->ninsns; i++) {
		jit_uses(&f->insns[i].in, value_note, used);
		jit_defs(&f->insns[i].in, value_note, used);
	}
	for (uint32_t r = 0; r < f->nregs; r++) {
		LLVMTypeRef t = jit_reg_type(l, f->regs[r]);

		if (used[r])
			l->reg[r] = jit_alloca(l, jit_varying(f, r) ? jit_vec(t) : t, "r");
	}
	free(used);
	return true;
}

static LLVMValueRef value_load(struct jit_lower *l, uint32_t reg)
{
	return LLVMBuildLoad2(l->b, LLVMGetAllocatedType(l->reg[reg]), l->reg[reg], "");
}

LLVMValueRef jit_canon(struct jit_lower *l, LLVMValueRef bits)
{
	LLVMTypeRef t = LLVMTypeOf(bits);
	bool vec = LLVMGetTypeKind(t) == LLVMVectorTypeKind;
	LLVMValueRef x = LLVMBuildBitCast(l->b, bits, vec ? jit_vec(l->f32) : l->f32, "");
	LLVMValueRef nan = LLVMBuildFCmp(l->b, LLVMRealUNO, x, x, "");

	return LLVMBuildSelect(l->b, nan, jit_const(t, 0x7fffffff), bits, "");
}

/* All lanes of a register, NaNs as they are. */
static LLVMValueRef value_vec(struct jit_lower *l, uint32_t reg)
{
	uint16_t s = l->f->shape[reg];
	LLVMValueRef v = value_load(l, reg);
	LLVMTypeRef t = LLVMTypeOf(v);

	if (s == JIT_VARYING)
		return v;
	v = jit_splat(l, v);
	return s == JIT_UNIFORM ? v : LLVMBuildAdd(l->b, v, jit_pattern_vec(l, t, s), "");
}

LLVMValueRef jit_reg_vec(struct jit_lower *l, uint32_t reg)
{
	LLVMValueRef v;

	if (!l->f->lazy[reg])
		return value_vec(l, reg);
	if (jit_varying(l->f, reg))
		return jit_canon(l, value_vec(l, reg));
	v = jit_canon(l, value_load(l, reg));
	return jit_splat(l, v);
}

uint16_t jit_opnd_shape(const struct jit_lower *l, const struct sg_opnd *o)
{
	if ((o->kind == SG_OPND_REG || o->kind == SG_OPND_MEM) && o->reg != SG_NO_REG)
		return l->f->shape[o->reg];
	return JIT_UNIFORM;
}

bool jit_dest_wide(const struct jit_lower *l, const struct sg_insn *in)
{
	for (uint32_t i = 0; i < in->nd; i++) {
		if (in->o[i].kind == SG_OPND_REG && jit_varying(l->f, in->o[i].reg))
			return true;
	}
	return (in->flags & SG_F_CC) != 0;
}

static LLVMValueRef value_imm(struct jit_lower *l, const struct sg_opnd *o, uint32_t size,
			      bool wide)
{
	LLVMTypeRef t = jit_int(l, size);
	uint64_t v = o->kind == SG_OPND_IMM ? o->imm : 0;

	if (size < 8)
		v &= (1ull << (8 * size)) - 1;
	return jit_const(wide ? jit_vec(t) : t, v);
}

LLVMValueRef jit_src_scalar(struct jit_lower *l, const struct sg_opnd *o, uint32_t size)
{
	LLVMValueRef v;

	if (o->kind != SG_OPND_REG && o->kind != SG_OPND_MEM)
		return value_imm(l, o, size, false);
	v = value_load(l, o->reg);
	return l->f->lazy[o->reg] ? jit_canon(l, v) : v;
}

LLVMValueRef jit_src_vec(struct jit_lower *l, const struct sg_opnd *o, uint32_t size)
{
	if (o->kind != SG_OPND_REG && o->kind != SG_OPND_MEM)
		return value_imm(l, o, size, true);
	return jit_reg_vec(l, o->reg);
}

LLVMValueRef jit_src(struct jit_lower *l, const struct sg_opnd *o, uint32_t size)
{
	return l->wide ? jit_src_vec(l, o, size) : jit_src_scalar(l, o, size);
}

LLVMValueRef jit_src_any(struct jit_lower *l, const struct sg_opnd *o, uint32_t size)
{
	if (o->kind != SG_OPND_REG)
		return value_imm(l, o, size, l->wide);
	return l->wide ? value_vec(l, o->reg) : value_load(l, o->reg);
}

LLVMValueRef jit_src_pred(struct jit_lower *l, const struct sg_opnd *o)
{
	LLVMTypeRef t = jit_ty(l, l->i1);
	LLVMValueRef v;

	if (o->kind == SG_OPND_IMM)
		v = jit_const(t, o->imm & 1);
	else if (o->kind != SG_OPND_REG)
		return jit_const(t, 1);
	else
		v = l->wide ? value_vec(l, o->reg) : value_load(l, o->reg);
	return o->not ? LLVMBuildNot(l->b, v, "") : v;
}

LLVMValueRef jit_active(struct jit_lower *l)
{
	LLVMValueRef g = l->guard;

	if (!g)
		return l->mask;
	if (LLVMGetTypeKind(LLVMTypeOf(g)) != LLVMVectorTypeKind)
		return LLVMBuildSelect(l->b, g, l->mask, LLVMConstNull(LLVMTypeOf(l->mask)), "");
	return LLVMBuildAnd(l->b, l->mask, g, "");
}

/*
 * A value in the form its register has. A vector for a scalar register comes
 * from scalars alone, its other destination being a vector.
 */
static LLVMValueRef value_fit(struct jit_lower *l, LLVMValueRef v, uint32_t reg)
{
	bool vec = LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMVectorTypeKind;
	uint16_t s = l->f->shape[reg];

	if (vec == (s == JIT_VARYING))
		return v;
	if (!vec)
		return jit_splat(l, v);
	v = LLVMBuildExtractElement(l->b, v, LLVMConstInt(l->i32, 0, false), "");
	return LLVMBuildSub(l->b, v, LLVMConstInt(LLVMTypeOf(v), l->f->patterns[s].k[0], true),
			    "");
}

void jit_def(struct jit_lower *l, const struct sg_opnd *o, LLVMValueRef v)
{
	LLVMValueRef cond = l->guard, at;

	if (o->kind != SG_OPND_REG)
		return;
	at = l->reg[o->reg];
	v = value_fit(l, v, o->reg);
	if (!jit_varying(l->f, o->reg)) {
		if (cond)
			v = LLVMBuildSelect(l->b, cond, v, value_load(l, o->reg), "");
		LLVMBuildStore(l->b, v, at);
		return;
	}
	if (jit_bit(l->need, o->reg))
		cond = jit_active(l);
	if (cond)
		v = LLVMBuildSelect(l->b, cond, v, value_load(l, o->reg), "");
	LLVMBuildStore(l->b, v, at);
}

void jit_def_any(struct jit_lower *l, const struct sg_opnd *o, LLVMValueRef v)
{
	if (o->kind == SG_OPND_REG && !l->f->lazy[o->reg])
		v = jit_canon(l, v);
	jit_def(l, o, v);
}
