/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating-point arithmetic: interp/flane.def in LLVM's words. Rounding to
 * nearest only; the other modes are left to the handlers.
 */
#include "softgpu/jit/lower.h"

#define B (l->b)

static LLVMTypeRef float_type(struct jit_lower *l, enum sg_type t)
{
	return jit_ty(l, t == SG_F64 ? l->f64 : l->f32);
}

/* Source as a float; any NaN. */
static LLVMValueRef float_src(struct jit_lower *l, const struct sg_insn *in, int i)
{
	return LLVMBuildBitCast(B, jit_src_any(l, &in->o[i], sg_type_size(in->type)),
				float_type(l, in->type), "");
}

static LLVMValueRef float_bits(struct jit_lower *l, LLVMValueRef v, enum sg_type t)
{
	return LLVMBuildBitCast(B, v, jit_ty(l, jit_int(l, sg_type_size(t))), "");
}

/* NaN becomes 0 as well. */
static LLVMValueRef float_saturate(struct jit_lower *l, LLVMValueRef x)
{
	LLVMTypeRef t = LLVMTypeOf(x);
	LLVMValueRef zero = LLVMConstNull(t), one = jit_constf(t, 1.0);
	LLVMValueRef low = LLVMBuildFCmp(B, LLVMRealOLT, x, one, "");

	return LLVMBuildSelect(B, LLVMBuildFCmp(B, LLVMRealOGT, x, zero, ""),
			       LLVMBuildSelect(B, low, x, one, ""), zero, "");
}

static void float_result(struct jit_lower *l, const struct sg_insn *in, LLVMValueRef r)
{
	if (in->flags & SG_F_SAT)
		jit_def(l, &in->o[0], float_bits(l, float_saturate(l, r), in->type));
	else if (in->type == SG_F32)
		jit_def_any(l, &in->o[0], float_bits(l, r, in->type));
	else
		jit_def(l, &in->o[0], float_bits(l, r, in->type));
}

static LLVMValueRef float_call(struct jit_lower *l, const char *name, LLVMValueRef *args,
			       unsigned n)
{
	return jit_call(l, name, LLVMTypeOf(args[0]), args, n);
}

static LLVMValueRef float_rsqrt(struct jit_lower *l, const struct sg_insn *in, LLVMValueRef a)
{
	LLVMTypeRef d = jit_ty(l, l->f64);
	LLVMValueRef x = in->type == SG_F32 ? LLVMBuildFPExt(B, a, d, "") : a;

	x = LLVMBuildFDiv(B, jit_constf(d, 1.0), float_call(l, "llvm.sqrt", &x, 1), "");
	return in->type == SG_F32 ? LLVMBuildFPTrunc(B, x, LLVMTypeOf(a), "") : x;
}

static bool float_arith(struct jit_lower *l, const struct sg_insn *in)
{
	LLVMValueRef v[3], r;

	if (in->round > SG_ROUND_RN || (in->flags & SG_F_RELU) || !jit_fp_mode_fits(l->f, in))
		return false;
	for (uint32_t i = 0; i < 3 && 1 + i < in->n; i++)
		v[i] = float_src(l, in, 1 + i);
	switch (in->op) {
	case SG_OP_ADD:
		r = LLVMBuildFAdd(B, v[0], v[1], "");
		break;
	case SG_OP_SUB:
		r = LLVMBuildFSub(B, v[0], v[1], "");
		break;
	case SG_OP_MUL:
		r = LLVMBuildFMul(B, v[0], v[1], "");
		break;
	case SG_OP_MAD:
	case SG_OP_FMA:
		r = float_call(l, "llvm.fma", v, 3);
		break;
	case SG_OP_DIV:
		r = LLVMBuildFDiv(B, v[0], v[1], "");
		break;
	case SG_OP_RCP:
		r = LLVMBuildFDiv(B, jit_constf(LLVMTypeOf(v[0]), 1.0), v[0], "");
		break;
	case SG_OP_SQRT:
		r = float_call(l, "llvm.sqrt", v, 1);
		break;
	default:
		/* In between it is a double: not to be flushed. */
		if (in->type == SG_F32 && l->f->ftz)
			return false;
		r = float_rsqrt(l, in, v[0]);
		break;
	}
	float_result(l, in, r);
	return true;
}

/* Subnormal bits become zero of their sign, whatever the CPU's mode. */
static LLVMValueRef float_flush(struct jit_lower *l, LLVMValueRef bits)
{
	LLVMTypeRef t = LLVMTypeOf(bits);
	LLVMValueRef e = LLVMBuildAnd(B, bits, jit_const(t, 0x7f800000), "");
	LLVMValueRef tiny = LLVMBuildICmp(B, LLVMIntEQ, e, LLVMConstNull(t), "");
	LLVMValueRef zero = LLVMBuildAnd(B, bits, jit_const(t, 0x80000000u), "");

	return LLVMBuildSelect(B, tiny, zero, bits, "");
}

/* Sign bits; flushing first where asked. */
static bool float_sign(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);
	LLVMTypeRef t = jit_ty(l, jit_int(l, size));
	uint64_t sign = in->type == SG_F64 ? 1ull << 63 : size == 2 ? 0x8000 :
			in->type == SG_F32 ? 1u << 31 : 0x80008000u;
	LLVMValueRef a = jit_src(l, &in->o[1], size);

	if ((in->flags & SG_F_FTZ) && in->type == SG_F32)
		a = float_flush(l, a);
	else if (in->flags & SG_F_FTZ)
		return false;
	if (in->op == SG_OP_NEG)
		a = LLVMBuildXor(B, a, jit_const(t, sign), "");
	else
		a = LLVMBuildAnd(B, a, jit_const(t, ~sign), "");
	jit_def(l, &in->o[0], a);
	return true;
}

/* The number if one is NaN, -0 below +0. */
static bool float_minmax(struct jit_lower *l, const struct sg_insn *in)
{
	bool min = in->op == SG_OP_MIN;
	bool flush = in->type == SG_F32 && (in->flags & SG_F_FTZ);
	LLVMTypeRef t = float_type(l, in->type);
	LLVMValueRef a, b, ia, ib, r, both, c;

	if ((in->flags & (SG_F_RELU | SG_F_NAN | SG_F_XORSIGN_ABS | SG_F_ABS)) ||
	    (!flush && !jit_fp_mode_fits(l->f, in)))
		return false;
	ia = jit_src_any(l, &in->o[1], sg_type_size(in->type));
	ib = jit_src_any(l, &in->o[2], sg_type_size(in->type));
	ia = flush ? float_flush(l, ia) : ia;
	ib = flush ? float_flush(l, ib) : ib;
	a = LLVMBuildBitCast(B, ia, t, "");
	b = LLVMBuildBitCast(B, ib, t, "");
	c = LLVMBuildFCmp(B, min ? LLVMRealOLT : LLVMRealOGT, a, b, "");
	r = LLVMBuildSelect(B, c, a, b, "");
	both = min ? LLVMBuildOr(B, ia, ib, "") : LLVMBuildAnd(B, ia, ib, "");
	r = LLVMBuildSelect(B, LLVMBuildFCmp(B, LLVMRealOEQ, a, b, ""),
			    LLVMBuildBitCast(B, both, t, ""), r, "");
	r = LLVMBuildSelect(B, LLVMBuildFCmp(B, LLVMRealUNO, b, b, ""), a, r, "");
	r = float_bits(l, r, in->type);
	jit_def(l, &in->o[0], in->type == SG_F32 ? jit_canon(l, r) : r);
	return true;
}

static bool float_copysign(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);
	uint64_t sign = size == 8 ? 1ull << 63 : 1u << 31;
	LLVMTypeRef t = jit_ty(l, jit_int(l, size));
	LLVMValueRef a = LLVMBuildAnd(B, jit_src(l, &in->o[1], size), jit_const(t, sign), "");
	LLVMValueRef b = LLVMBuildAnd(B, jit_src(l, &in->o[2], size), jit_const(t, ~sign), "");

	jit_def(l, &in->o[0], LLVMBuildOr(B, a, b, ""));
	return true;
}

bool jit_lower_float(struct jit_lower *l, const struct sg_insn *in)
{
	if (!sg_type_is_float(in->type))
		return false;
	if (in->op == SG_OP_NEG || in->op == SG_OP_ABS)
		return in->type != SG_TF32 && float_sign(l, in);
	if (in->type != SG_F32 && in->type != SG_F64)
		return false;
	switch (in->op) {
	case SG_OP_ADD:
	case SG_OP_SUB:
	case SG_OP_MUL:
	case SG_OP_MAD:
	case SG_OP_FMA:
	case SG_OP_DIV:
	case SG_OP_RCP:
	case SG_OP_SQRT:
	case SG_OP_RSQRT:
		return float_arith(l, in);
	case SG_OP_MIN:
	case SG_OP_MAX:
		return float_minmax(l, in);
	case SG_OP_COPYSIGN:
		return float_copysign(l, in);
	default:
		return false;
	}
}
