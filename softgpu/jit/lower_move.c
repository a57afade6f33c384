/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What moves values about: mov, selp, pack, special registers, addresses; and
 * what makes predicates.
 */
#include "softgpu/ir/window.h"
#include "softgpu/jit/lower.h"
#include "softgpu/jit/shape.h"

#define B (l->b)

static void move_mov(struct jit_lower *l, const struct sg_insn *in)
{
	const struct sg_opnd *a = &in->o[1], *d = &in->o[0];
	uint32_t size = sg_type_size(in->type);

	if (in->type == SG_PRED)
		jit_def(l, d, jit_src_pred(l, a));
	else if (d->kind == SG_OPND_REG && l->f->lazy[d->reg])
		jit_def(l, d, jit_src_any(l, a, size));
	else
		jit_def(l, d, jit_src(l, a, size));
}

static bool move_selp(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);
	const struct sg_opnd *p = &in->o[3];
	LLVMValueRef a = jit_src(l, &in->o[1], size), b = jit_src(l, &in->o[2], size), c;

	/* One predicate for all lanes is one i1. */
	if (l->wide && jit_opnd_shape(l, p) == JIT_UNIFORM) {
		l->wide = false;
		c = jit_src_pred(l, p);
		l->wide = true;
	} else {
		c = jit_src_pred(l, p);
	}
	jit_def(l, &in->o[0], LLVMBuildSelect(B, c, a, b, ""));
	return true;
}

static bool move_pack(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t part = sg_type_size(in->type2), size = part * in->vec;
	LLVMTypeRef t = jit_ty(l, jit_int(l, size));
	LLVMValueRef r = NULL;

	if (size > 8)
		return false;
	for (uint32_t i = 0; i < in->vec; i++) {
		LLVMValueRef v = LLVMBuildZExt(B, jit_src(l, &in->o[1 + i], part), t, "");

		v = LLVMBuildShl(B, v, jit_const(t, 8 * part * i), "");
		r = r ? LLVMBuildOr(B, r, v, "") : v;
	}
	jit_def(l, &in->o[0], r);
	return true;
}

static bool move_unpack(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t part = sg_type_size(in->type2), size = part * in->vec;
	LLVMTypeRef t = jit_ty(l, jit_int(l, size)), p = jit_ty(l, jit_int(l, part));
	LLVMValueRef a;

	if (size > 8)
		return false;
	a = jit_src(l, &in->o[in->vec], size);
	for (uint32_t i = 0; i < in->vec; i++) {
		LLVMValueRef v = LLVMBuildLShr(B, a, jit_const(t, 8 * part * i), "");

		jit_def(l, &in->o[i], LLVMBuildTrunc(B, v, p, ""));
	}
	return true;
}

/* Quotient of thread numbers, below 1024: exact in single precision. */
static LLVMValueRef move_small_div(struct jit_lower *l, LLVMValueRef a, LLVMValueRef n)
{
	LLVMTypeRef f = jit_vec(l->f32);
	LLVMValueRef x = LLVMBuildFAdd(B, LLVMBuildUIToFP(B, a, f, ""), jit_constf(f, 0.5), "");
	LLVMValueRef y = jit_splat(l, LLVMBuildUIToFP(B, n, l->f32, ""));

	return LLVMBuildFPToSI(B, LLVMBuildFDiv(B, x, y, ""), jit_vec(l->i32), "");
}

static LLVMValueRef move_ctx32(struct jit_lower *l, size_t offset)
{
	return jit_ctx_get(l, l->i32, offset);
}

#define CTX32(field) move_ctx32(l, offsetof(struct sg_jit_ctx, field))

/* tid where nothing is known of the block's shape: three vectors. */
static LLVMValueRef move_tid_any(struct jit_lower *l, enum sg_sreg r)
{
	LLVMTypeRef t = jit_vec(l->i32);
	LLVMValueRef lane[SG_JIT_LANES], v, nx = CTX32(ntid[0]), ny = CTX32(ntid[1]), q;

	for (int i = 0; i < SG_JIT_LANES; i++)
		lane[i] = LLVMConstInt(l->i32, i, false);
	v = LLVMBuildShl(B, jit_warp(l), LLVMConstInt(l->i32, 5, false), "");
	v = LLVMBuildAdd(B, jit_splat(l, v), LLVMConstVector(lane, SG_JIT_LANES), "");
	v = LLVMBuildAnd(B, v, jit_const(t, 1023), "");
	q = move_small_div(l, v, nx);
	if (r == SG_SREG_TID_X)
		return LLVMBuildSub(B, v, LLVMBuildMul(B, q, jit_splat(l, nx), ""), "");
	v = move_small_div(l, q, ny);
	if (r == SG_SREG_TID_Z)
		return v;
	return LLVMBuildSub(B, q, LLVMBuildMul(B, v, jit_splat(l, ny), ""), "");
}

/* The scalar of tid, see shape.c for what goes with it. */
static LLVMValueRef move_tid(struct jit_lower *l, enum sg_sreg r)
{
	uint32_t class = l->f->rq->shape, log = class - SG_JIT_SHAPE_ROWS;
	LLVMValueRef zero = LLVMConstInt(l->i32, 0, false), t, row;

	if (class == SG_JIT_SHAPE_ANY)
		return move_tid_any(l, r);
	t = LLVMBuildShl(B, jit_warp(l), LLVMConstInt(l->i32, 5, false), "");
	if (class == SG_JIT_SHAPE_FLAT)
		return r == SG_SREG_TID_X ? t : zero;
	if (class == SG_JIT_SHAPE_LINEAR) {
		if (r == SG_SREG_TID_X)
			return LLVMBuildURem(B, t, CTX32(ntid[0]), "");
		row = LLVMBuildUDiv(B, t, CTX32(ntid[0]), "");
	} else {
		if (r == SG_SREG_TID_X)
			return zero;
		row = LLVMBuildLShr(B, t, LLVMConstInt(l->i32, log, false), "");
	}
	return r == SG_SREG_TID_Y ? LLVMBuildURem(B, row, CTX32(ntid[1]), "") :
				    LLVMBuildUDiv(B, row, CTX32(ntid[1]), "");
}

static LLVMValueRef move_sreg_call(struct jit_lower *l, enum sg_sreg r)
{
	LLVMTypeRef types[3] = { l->ptr, l->i32, l->i32 };
	LLVMValueRef args[3] = { l->ctx, jit_warp(l), LLVMConstInt(l->i32, r, false) };

	return LLVMBuildCall2(B, LLVMFunctionType(l->i64, types, 3, false),
			      jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, sreg)), args, 3,
			      "");
}

/* Scalar of a special register, or its lanes where they follow no pattern. */
static LLVMValueRef move_sreg_value(struct jit_lower *l, enum sg_sreg r)
{
	switch (r) {
	case SG_SREG_TID_X: case SG_SREG_TID_Y: case SG_SREG_TID_Z:
		return move_tid(l, r);
	case SG_SREG_NTID_X: case SG_SREG_NTID_Y: case SG_SREG_NTID_Z:
		return move_ctx32(l, offsetof(struct sg_jit_ctx, ntid) + 4 * (r - SG_SREG_NTID_X));
	case SG_SREG_CTAID_X: case SG_SREG_CTAID_Y: case SG_SREG_CTAID_Z:
		return move_ctx32(l, offsetof(struct sg_jit_ctx, ctaid) +
					     4 * (r - SG_SREG_CTAID_X));
	case SG_SREG_NCTAID_X: case SG_SREG_NCTAID_Y: case SG_SREG_NCTAID_Z:
		return move_ctx32(l, offsetof(struct sg_jit_ctx, nctaid) +
					     4 * (r - SG_SREG_NCTAID_X));
	case SG_SREG_LANEID: case SG_SREG_LANEMASK_EQ: case SG_SREG_LANEMASK_LE:
	case SG_SREG_LANEMASK_LT: case SG_SREG_LANEMASK_GE: case SG_SREG_LANEMASK_GT:
		return LLVMConstInt(l->i32, 0, false);
	case SG_SREG_WARPID:
		return jit_warp(l);
	case SG_SREG_WARPSZ:
		return LLVMConstInt(l->i32, SG_JIT_LANES, false);
	default:
		return move_sreg_call(l, r);
	}
}

static LLVMValueRef move_fit(struct jit_lower *l, LLVMValueRef v, LLVMTypeRef scalar)
{
	bool vec = LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMVectorTypeKind;
	LLVMTypeRef t = vec ? jit_vec(scalar) : scalar;

	return LLVMBuildIntCast2(B, v, t, false, "");
}

static bool move_sreg(struct jit_lower *l, const struct sg_insn *in)
{
	LLVMTypeRef t = jit_reg_type(l, l->f->regs[in->o[0].reg]);
	LLVMValueRef v = move_fit(l, move_sreg_value(l, in->sreg), t);
	uint32_t align;
	uint16_t s = jit_shape_result(l->f, in, &align);

	if (!jit_varying(l->f, in->o[0].reg) || s == JIT_VARYING) {
		jit_def(l, &in->o[0], v);
		return true;
	}
	/* A pattern in a register that others made a vector. */
	v = jit_splat(l, v);
	if (s != JIT_UNIFORM)
		v = LLVMBuildAdd(B, v, jit_pattern_vec(l, t, s), "");
	jit_def(l, &in->o[0], v);
	return true;
}

static bool move_cvta(struct jit_lower *l, const struct sg_insn *in)
{
	uint64_t base = 0;
	LLVMTypeRef t = jit_ty(l, l->i64);
	LLVMValueRef v;

	if (sg_type_size(in->type) != 8)
		return false;
	if (in->space == SG_SPACE_SHARED)
		base = SG_SHARED_WINDOW;
	else if (in->space == SG_SPACE_LOCAL)
		base = SG_LOCAL_WINDOW;
	else if (in->space == SG_SPACE_PARAM)
		base = SG_PARAM_WINDOW;
	v = jit_src(l, &in->o[1], 8);
	if (base)
		v = LLVMBuildAdd(B, v, jit_const(t, in->flags & SG_F_TO ? -base : base), "");
	jit_def(l, &in->o[0], v);
	return true;
}

bool jit_lower_move(struct jit_lower *l, const struct sg_insn *in)
{
	switch (in->op) {
	case SG_OP_MOV:
		if (sg_type_size(in->type) > 8)
			return false;
		move_mov(l, in);
		return true;
	case SG_OP_SELP:
		return sg_type_size(in->type) <= 8 && move_selp(l, in);
	case SG_OP_PACK:
		return move_pack(l, in);
	case SG_OP_UNPACK:
		return move_unpack(l, in);
	case SG_OP_SREG:
		return move_sreg(l, in);
	case SG_OP_LOCALADDR:
		/* The kernel's own frame is at zero. */
		jit_def(l, &in->o[0], jit_const(jit_ty(l, jit_reg_type(l,
			l->f->regs[in->o[0].reg])), in->o[1].imm));
		return true;
	case SG_OP_CVTA:
		return move_cvta(l, in);
	default:
		return false;
	}
}
