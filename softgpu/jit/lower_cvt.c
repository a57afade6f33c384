/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cvt: interp/cvt.def in LLVM's words.
 */
#include "softgpu/jit/lower.h"

#define B (l->b)

static LLVMTypeRef cvt_float(struct jit_lower *l, enum sg_type t)
{
	return jit_ty(l, t == SG_F64 ? l->f64 : t == SG_F32 ? l->f32 : l->f16);
}

/* Source bits, cut to the type where the register is wider. */
static LLVMValueRef cvt_source(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type2);
	LLVMValueRef v = jit_src(l, &in->o[1], size);

	return LLVMBuildIntCast2(B, v, jit_ty(l, jit_int(l, size)), false, "");
}

/* Result bits, extended where the register is wider. */
static void cvt_result(struct jit_lower *l, const struct sg_insn *in, LLVMValueRef v)
{
	LLVMTypeRef t;

	if (in->o[0].kind != SG_OPND_REG)
		return;
	t = jit_ty(l, jit_reg_type(l, l->f->regs[in->o[0].reg]));
	jit_def(l, &in->o[0], LLVMBuildIntCast2(B, v, t, sg_type_is_signed(in->type), ""));
}

static LLVMValueRef cvt_bits(struct jit_lower *l, LLVMValueRef v, uint32_t size)
{
	return LLVMBuildBitCast(B, v, jit_ty(l, jit_int(l, size)), "");
}

static const char *cvt_rounding(enum sg_round r)
{
	switch (r) {
	case SG_ROUND_RNI:
		return "llvm.roundeven";
	case SG_ROUND_RZI:
		return "llvm.trunc";
	case SG_ROUND_RMI:
		return "llvm.floor";
	case SG_ROUND_RPI:
		return "llvm.ceil";
	default:
		return NULL;
	}
}

static LLVMValueRef cvt_call2(struct jit_lower *l, const char *name, LLVMTypeRef ret,
			      LLVMValueRef a)
{
	LLVMTypeRef types[2] = { ret, LLVMTypeOf(a) };
	unsigned id = LLVMLookupIntrinsicID(name, __builtin_strlen(name));
	LLVMValueRef fn = LLVMGetIntrinsicDeclaration(l->m, id, types, 2);

	return LLVMBuildCall2(B, LLVMGlobalGetValueType(fn), fn, &a, 1, "");
}

/* float to integer: saturates; NaN is 0, or the top bit if 64 bits are involved. */
static bool cvt_to_int(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);
	bool sign = sg_type_is_signed(in->type), wide64 = in->type2 == SG_F64 || size == 8;
	const char *rounding = cvt_rounding(in->round);
	LLVMTypeRef t = jit_ty(l, jit_int(l, size));
	LLVMValueRef a, r, nan;

	if (!rounding || (in->type2 != SG_F32 && in->type2 != SG_F64) || size < 4)
		return false;
	a = LLVMBuildBitCast(B, cvt_source(l, in), cvt_float(l, in->type2), "");
	nan = LLVMBuildFCmp(B, LLVMRealUNO, a, a, "");
	a = jit_call(l, rounding, LLVMTypeOf(a), &a, 1);
	r = cvt_call2(l, sign ? "llvm.fptosi.sat" : "llvm.fptoui.sat", t, a);
	if (wide64)
		r = LLVMBuildSelect(B, nan, jit_const(t, 1ull << (8 * size - 1)), r, "");
	cvt_result(l, in, r);
	return true;
}

static LLVMValueRef cvt_saturate(struct jit_lower *l, LLVMValueRef x)
{
	LLVMTypeRef t = LLVMTypeOf(x);
	LLVMValueRef one = jit_constf(t, 1.0), zero = LLVMConstNull(t);
	LLVMValueRef r = LLVMBuildSelect(B, LLVMBuildFCmp(B, LLVMRealOLT, x, one, ""), x, one, "");

	return LLVMBuildSelect(B, LLVMBuildFCmp(B, LLVMRealOGT, x, zero, ""), r, zero, "");
}

static bool cvt_nearest(const struct sg_insn *in)
{
	return in->round == SG_ROUND_NONE || in->round == SG_ROUND_RN;
}

static bool cvt_from_int(struct jit_lower *l, const struct sg_insn *in)
{
	bool sign = sg_type_is_signed(in->type2);
	LLVMTypeRef t;
	LLVMValueRef a, r;

	if ((in->type != SG_F32 && in->type != SG_F64) || !cvt_nearest(in))
		return false;
	t = cvt_float(l, in->type);
	a = cvt_source(l, in);
	r = sign ? LLVMBuildSIToFP(B, a, t, "") : LLVMBuildUIToFP(B, a, t, "");
	if (in->flags & SG_F_SAT)
		r = cvt_saturate(l, r);
	cvt_result(l, in, cvt_bits(l, r, sg_type_size(in->type)));
	return true;
}

static LLVMValueRef cvt_canon16(struct jit_lower *l, LLVMValueRef x)
{
	LLVMTypeRef t = jit_ty(l, l->i16);
	LLVMValueRef nan = LLVMBuildFCmp(B, LLVMRealUNO, x, x, "");

	return LLVMBuildSelect(B, nan, jit_const(t, 0x7fff), LLVMBuildBitCast(B, x, t, ""), "");
}

static bool cvt_float_float(struct jit_lower *l, const struct sg_insn *in)
{
	enum sg_type d = in->type, s = in->type2;
	const char *rounding = cvt_rounding(in->round);
	LLVMTypeRef t;
	LLVMValueRef a;

	if (rounding ? d != s || d == SG_F16 : !cvt_nearest(in))
		return false;
	t = cvt_float(l, d);
	a = LLVMBuildBitCast(B, cvt_source(l, in), cvt_float(l, s), "");
	if (rounding)
		a = jit_call(l, rounding, t, &a, 1);
	else if (d == s && d != SG_F64)
		a = d == SG_F32 ? LLVMBuildFMul(B, a, jit_constf(t, 1.0), "") : a;
	else if (sg_type_size(d) > sg_type_size(s))
		a = LLVMBuildFPExt(B, a, t, "");
	else if (d != s)
		a = LLVMBuildFPTrunc(B, a, t, "");
	if (in->flags & SG_F_SAT)
		a = cvt_saturate(l, a);
	if (d == SG_F16)
		cvt_result(l, in, cvt_canon16(l, a));
	else if (d == SG_F32)
		cvt_result(l, in, jit_canon(l, cvt_bits(l, a, 4)));
	else
		cvt_result(l, in, cvt_bits(l, a, 8));
	return true;
}

static bool cvt_is_ieee(struct jit_lower *l, enum sg_type t)
{
	/* Half precision without F16C is a library call. */
	return t == SG_F32 || t == SG_F64 || (t == SG_F16 && l->f->rq->isa != SG_JIT_ISA_SSE4);
}

bool jit_lower_cvt(struct jit_lower *l, const struct sg_insn *in)
{
	bool df = sg_type_is_float(in->type), sf = sg_type_is_float(in->type2);

	if (in->op != SG_OP_CVT)
		return false;
	if (!df && !sf)
		return jit_lower_cvt_int(l, in);
	if ((in->flags & SG_F_RELU) || !jit_fp_mode_fits(l->f, in))
		return false;
	if (df && !cvt_is_ieee(l, in->type))
		return false;
	if (sf && !cvt_is_ieee(l, in->type2))
		return false;
	/* f64 to f16 rounds once in the handler; LLVM may go by f32. */
	if ((in->type == SG_F16 && in->type2 == SG_F64) ||
	    (in->type == SG_F64 && in->type2 == SG_F16))
		return false;
	if (df && sf)
		return cvt_float_float(l, in);
	if (in->type == SG_F16 || in->type2 == SG_F16)
		return false;
	return df ? cvt_from_int(l, in) : cvt_to_int(l, in);
}
