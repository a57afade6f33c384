/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Integer arithmetic, logic, selection: interp/lane.def in LLVM's words.
 */
#include "softgpu/jit/lower.h"
#include "softgpu/jit/shape.h"

#define B (l->b)

static LLVMValueRef alu_cmp(struct jit_lower *l, LLVMIntPredicate p, LLVMValueRef a,
			    LLVMValueRef b)
{
	return LLVMBuildICmp(B, p, a, b, "");
}

static LLVMValueRef alu_sel(struct jit_lower *l, LLVMValueRef c, LLVMValueRef a, LLVMValueRef b)
{
	return LLVMBuildSelect(B, c, a, b, "");
}

/* Zero- or sign-extend, or cut, to @t. */
static LLVMValueRef alu_resize(struct jit_lower *l, LLVMValueRef v, LLVMTypeRef t, bool sign)
{
	LLVMTypeRef from = LLVMTypeOf(v), ef = from, et = t;

	if (LLVMGetTypeKind(from) == LLVMVectorTypeKind) {
		ef = LLVMGetElementType(from);
		et = LLVMGetElementType(t);
	}
	if (LLVMGetIntTypeWidth(et) < LLVMGetIntTypeWidth(ef))
		return LLVMBuildTrunc(B, v, t, "");
	if (LLVMGetIntTypeWidth(et) == LLVMGetIntTypeWidth(ef))
		return v;
	return sign ? LLVMBuildSExt(B, v, t, "") : LLVMBuildZExt(B, v, t, "");
}

static LLVMValueRef alu_mulhi(struct jit_lower *l, LLVMValueRef a, LLVMValueRef b, uint32_t size,
			      bool sign)
{
	LLVMTypeRef t = jit_ty(l, jit_int(l, size)), w = jit_ty(l, jit_int(l, 2 * size));
	LLVMValueRef x = LLVMBuildMul(B, alu_resize(l, a, w, sign), alu_resize(l, b, w, sign), "");

	return LLVMBuildTrunc(B, LLVMBuildLShr(B, x, jit_const(w, 8 * size), ""), t, "");
}

static bool alu_product(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);
	bool sign = sg_type_is_signed(in->type), mad = in->op == SG_OP_MAD;
	LLVMValueRef a, b, r;

	if (in->flags & (SG_F_SAT | SG_F_CC))
		return false;
	if (in->sub == SG_SUB_HI && size == 8 && l->wide)
		return false;
	a = jit_src(l, &in->o[1], size);
	b = jit_src(l, &in->o[2], size);
	if (in->sub == SG_SUB_WIDE) {
		LLVMTypeRef w = jit_ty(l, jit_int(l, 2 * size));

		r = LLVMBuildMul(B, alu_resize(l, a, w, sign), alu_resize(l, b, w, sign), "");
		size *= 2;
	} else {
		r = in->sub == SG_SUB_HI ? alu_mulhi(l, a, b, size, sign) :
					   LLVMBuildMul(B, a, b, "");
	}
	if (mad)
		r = LLVMBuildAdd(B, r, jit_src(l, &in->o[3], size), "");
	jit_def(l, &in->o[0], r);
	return true;
}

/* Quotients of 32 bits by doubles, which hold them exactly. */
static LLVMValueRef alu_div_vec32(struct jit_lower *l, LLVMValueRef a, LLVMValueRef b, bool sign)
{
	LLVMTypeRef d = jit_vec(l->f64), t = jit_vec(l->i32);
	LLVMValueRef x = sign ? LLVMBuildSIToFP(B, a, d, "") : LLVMBuildUIToFP(B, a, d, "");
	LLVMValueRef y = sign ? LLVMBuildSIToFP(B, b, d, "") : LLVMBuildUIToFP(B, b, d, "");
	LLVMValueRef q = LLVMBuildFDiv(B, x, y, "");

	return sign ? LLVMBuildFPToSI(B, q, t, "") : LLVMBuildFPToUI(B, q, t, "");
}

/* By zero: all ones, and the dividend as remainder; INT_MIN / -1 wraps. */
static bool alu_divide(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);
	bool sign = sg_type_is_signed(in->type), rem = in->op == SG_OP_REM;
	bool imm = in->o[2].kind == SG_OPND_IMM;
	LLVMTypeRef t = jit_ty(l, jit_int(l, size));
	LLVMValueRef a, b, q, r, one = jit_const(t, 1), zero = LLVMConstNull(t), bad, minus = NULL;

	if (l->wide && size == 8 && !imm)
		return false;
	a = jit_src(l, &in->o[1], size);
	b = jit_src(l, &in->o[2], size);
	bad = alu_cmp(l, LLVMIntEQ, b, zero);
	q = alu_sel(l, bad, one, b);
	if (sign) {
		minus = alu_cmp(l, LLVMIntEQ, b, LLVMConstAllOnes(t));
		q = alu_sel(l, minus, one, q);
	}
	if (l->wide && size == 4 && !imm)
		r = alu_div_vec32(l, a, q, sign);
	else
		r = sign ? LLVMBuildSDiv(B, a, q, "") : LLVMBuildUDiv(B, a, q, "");
	if (rem) {
		r = LLVMBuildSub(B, a, LLVMBuildMul(B, r, q, ""), "");
		r = alu_sel(l, bad, a, r);
		r = minus ? alu_sel(l, minus, zero, r) : r;
	} else {
		r = minus ? alu_sel(l, minus, LLVMBuildNeg(B, a, ""), r) : r;
		r = alu_sel(l, bad, LLVMConstAllOnes(t), r);
	}
	jit_def(l, &in->o[0], r);
	return true;
}

/* Shift counts are 32 bits and clamp at the width. */
static bool alu_shift(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type), bits = 8 * size;
	LLVMTypeRef t = jit_ty(l, jit_int(l, size)), t32 = jit_ty(l, l->i32);
	LLVMValueRef a = jit_src(l, &in->o[1], size), n = jit_src(l, &in->o[2], 4), big, r;
	bool sign = in->op == SG_OP_SHR && sg_type_is_signed(in->type);

	big = alu_cmp(l, LLVMIntUGE, n, jit_const(t32, bits));
	n = LLVMBuildAnd(B, n, jit_const(t32, bits - 1), "");
	n = alu_resize(l, n, t, false);
	if (sign) {
		n = alu_sel(l, big, jit_const(t, bits - 1), n);
		r = LLVMBuildAShr(B, a, n, "");
	} else {
		r = in->op == SG_OP_SHL ? LLVMBuildShl(B, a, n, "") : LLVMBuildLShr(B, a, n, "");
		r = alu_sel(l, big, LLVMConstNull(t), r);
	}
	jit_def(l, &in->o[0], r);
	return true;
}

static LLVMValueRef alu_absdiff(struct jit_lower *l, LLVMValueRef a, LLVMValueRef b, bool sign)
{
	LLVMValueRef less = alu_cmp(l, sign ? LLVMIntSLT : LLVMIntULT, a, b);

	return alu_sel(l, less, LLVMBuildSub(B, b, a, ""), LLVMBuildSub(B, a, b, ""));
}

static LLVMValueRef alu_minmax(struct jit_lower *l, const struct sg_insn *in, LLVMValueRef a,
			       LLVMValueRef b)
{
	bool sign = sg_type_is_signed(in->type);
	LLVMValueRef less = alu_cmp(l, sign ? LLVMIntSLT : LLVMIntULT, a, b);

	return in->op == SG_OP_MIN ? alu_sel(l, less, a, b) : alu_sel(l, less, b, a);
}

static LLVMValueRef alu_saturating(struct jit_lower *l, const struct sg_insn *in, LLVMValueRef a,
				   LLVMValueRef b)
{
	LLVMValueRef args[2] = { a, b };

	return jit_call(l, in->op == SG_OP_ADD ? "llvm.sadd.sat" : "llvm.ssub.sat",
			LLVMTypeOf(a), args, 2);
}

/* add, sub, min, max, and, or, xor, sad */
static bool alu_two(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);
	LLVMValueRef a, b, r;

	if (size > 8 || (in->flags & (SG_F_CC | SG_F_RELU)))
		return false;
	if ((in->flags & SG_F_SAT) && in->type != SG_S32)
		return false;
	a = jit_src(l, &in->o[1], size);
	b = jit_src(l, &in->o[2], size);
	switch (in->op) {
	case SG_OP_ADD:
		r = in->flags & SG_F_SAT ? alu_saturating(l, in, a, b) : LLVMBuildAdd(B, a, b, "");
		break;
	case SG_OP_SUB:
		r = in->flags & SG_F_SAT ? alu_saturating(l, in, a, b) : LLVMBuildSub(B, a, b, "");
		break;
	case SG_OP_MIN:
	case SG_OP_MAX:
		r = alu_minmax(l, in, a, b);
		break;
	case SG_OP_AND:
		r = LLVMBuildAnd(B, a, b, "");
		break;
	case SG_OP_OR:
		r = LLVMBuildOr(B, a, b, "");
		break;
	case SG_OP_XOR:
		r = LLVMBuildXor(B, a, b, "");
		break;
	default:
		r = alu_absdiff(l, a, b, sg_type_is_signed(in->type));
		r = LLVMBuildAdd(B, r, jit_src(l, &in->o[3], size), "");
		break;
	}
	jit_def(l, &in->o[0], r);
	return true;
}

static bool alu_one(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);
	LLVMTypeRef t = jit_ty(l, jit_int(l, size));
	LLVMValueRef a = jit_src(l, &in->o[1], size), r, zero = LLVMConstNull(t);

	switch (in->op) {
	case SG_OP_NOT:
		r = LLVMBuildNot(B, a, "");
		break;
	case SG_OP_NEG:
		r = LLVMBuildNeg(B, a, "");
		break;
	case SG_OP_CNOT:
		r = LLVMBuildZExt(B, alu_cmp(l, LLVMIntEQ, a, zero), t, "");
		break;
	default:
		r = alu_sel(l, alu_cmp(l, LLVMIntSLT, a, zero), LLVMBuildNeg(B, a, ""), a);
		break;
	}
	jit_def(l, &in->o[0], r);
	return true;
}

/* mul24 and mad24, low halves. */
static bool alu_24(struct jit_lower *l, const struct sg_insn *in)
{
	LLVMTypeRef t = jit_ty(l, l->i32);
	LLVMValueRef v[2], eight = jit_const(t, 8), r;

	if (in->sub != SG_SUB_LO)
		return false;
	for (int i = 0; i < 2; i++) {
		v[i] = LLVMBuildShl(B, jit_src(l, &in->o[1 + i], 4), eight, "");
		v[i] = sg_type_is_signed(in->type) ? LLVMBuildAShr(B, v[i], eight, "") :
						     LLVMBuildLShr(B, v[i], eight, "");
	}
	r = LLVMBuildMul(B, v[0], v[1], "");
	if (in->op == SG_OP_MAD24)
		r = LLVMBuildAdd(B, r, jit_src(l, &in->o[3], 4), "");
	jit_def(l, &in->o[0], r);
	return true;
}

/* Where a pattern is taken to 64 bits base + k must not wrap in 32. */
static void alu_guard_wrap(struct jit_lower *l, const struct sg_insn *in)
{
	const struct sg_opnd *a = &in->o[1];
	enum sg_type from = in->op == SG_OP_CVT ? in->type2 : in->type;
	bool sign = sg_type_is_signed(from);
	LLVMValueRef base, bad = NULL;
	LLVMBasicBlockRef out;
	uint16_t s = jit_opnd_shape(l, a);

	if (s == JIT_UNIFORM && in->op != SG_OP_CVT) {
		a = &in->o[2];
		s = jit_opnd_shape(l, a);
	}
	if (l->wide || s == JIT_UNIFORM || s == JIT_VARYING)
		return;
	base = jit_src_scalar(l, a, 4);
	for (int end = 0; end < 2; end++) {
		const int64_t *all = l->f->patterns[s].k;
		int64_t k = all[0];
		LLVMValueRef sum, x, over;
		LLVMTypeRef w = l->i64;

		for (int i = 1; i < SG_JIT_LANES; i++)
			k = end ? cw_max(k, all[i]) : cw_min(k, all[i]);
		if (!k)
			continue;
		x = sign ? LLVMBuildSExt(B, base, w, "") : LLVMBuildZExt(B, base, w, "");
		sum = LLVMBuildAdd(B, x, LLVMConstInt(w, (uint64_t)k, true), "");
		x = LLVMBuildTrunc(B, sum, l->i32, "");
		x = sign ? LLVMBuildSExt(B, x, w, "") : LLVMBuildZExt(B, x, w, "");
		over = LLVMBuildICmp(B, LLVMIntNE, x, sum, "");
		bad = bad ? LLVMBuildOr(B, bad, over, "") : over;
	}
	if (!bad)
		return;
	out = jit_deopt_block(l, false);
	jit_require(l, LLVMBuildNot(B, bad, ""), out);
}

bool jit_lower_alu(struct jit_lower *l, const struct sg_insn *in)
{
	if (sg_type_is_float(in->type) || sg_type_size(in->type) > 8 || in->type == SG_U16X2 ||
	    in->type == SG_S16X2)
		return false;
	switch (in->op) {
	case SG_OP_MUL:
	case SG_OP_MAD:
		if (in->sub == SG_SUB_WIDE)
			alu_guard_wrap(l, in);
		return alu_product(l, in);
	case SG_OP_MUL24:
	case SG_OP_MAD24:
		return alu_24(l, in);
	case SG_OP_DIV:
	case SG_OP_REM:
		return alu_divide(l, in);
	case SG_OP_SHL:
	case SG_OP_SHR:
		return alu_shift(l, in);
	case SG_OP_NOT:
	case SG_OP_NEG:
	case SG_OP_CNOT:
	case SG_OP_ABS:
		return alu_one(l, in);
	case SG_OP_ADD:
	case SG_OP_SUB:
	case SG_OP_MIN:
	case SG_OP_MAX:
	case SG_OP_AND:
	case SG_OP_OR:
	case SG_OP_XOR:
	case SG_OP_SAD:
		return alu_two(l, in);
	default:
		return false;
	}
}

/* cvt between integers; registers may be wider than the types. */
bool jit_lower_cvt_int(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t ds = sg_type_size(in->type), ss = sg_type_size(in->type2);
	bool dsign = sg_type_is_signed(in->type), ssign = sg_type_is_signed(in->type2);
	LLVMTypeRef d = jit_ty(l, jit_int(l, ds)), s = jit_ty(l, jit_int(l, ss)), t = d;
	LLVMValueRef v;

	if ((in->flags & SG_F_SAT) || ds > 8 || ss > 8)
		return false;
	if (jit_widens(in))
		alu_guard_wrap(l, in);
	v = alu_resize(l, jit_src(l, &in->o[1], ss), s, false);
	v = alu_resize(l, v, d, ssign);
	if (in->o[0].kind == SG_OPND_REG)
		t = jit_ty(l, jit_reg_type(l, l->f->regs[in->o[0].reg]));
	jit_def(l, &in->o[0], alu_resize(l, v, t, dsign));
	return true;
}
