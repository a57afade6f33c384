/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bits and fields: interp/lane.def in LLVM's words.
 */
#include "softgpu/jit/lower.h"

#define B (l->b)

static void bits_result32(struct jit_lower *l, const struct sg_insn *in, LLVMValueRef v)
{
	jit_def(l, &in->o[0], LLVMBuildIntCast2(B, v, jit_ty(l, l->i32), false, ""));
}

static LLVMValueRef bits_clz(struct jit_lower *l, LLVMValueRef a)
{
	LLVMValueRef args[2] = { a, LLVMConstInt(l->i1, 0, false) };

	return jit_call(l, "llvm.ctlz", LLVMTypeOf(a), args, 2);
}

static bool bits_count(struct jit_lower *l, const struct sg_insn *in)
{
	LLVMValueRef a = jit_src(l, &in->o[1], sg_type_size(in->type));

	if (in->op == SG_OP_POPC)
		bits_result32(l, in, jit_call(l, "llvm.ctpop", LLVMTypeOf(a), &a, 1));
	else if (in->op == SG_OP_CLZ)
		bits_result32(l, in, bits_clz(l, a));
	else
		jit_def(l, &in->o[0], jit_call(l, "llvm.bitreverse", LLVMTypeOf(a), &a, 1));
	return true;
}

static bool bits_bfind(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);
	LLVMTypeRef t = jit_ty(l, jit_int(l, size));
	LLVMValueRef a = jit_src(l, &in->o[1], size), n, none, zero = LLVMConstNull(t);

	if (sg_type_is_signed(in->type)) {
		none = LLVMBuildICmp(B, LLVMIntSLT, a, zero, "");
		a = LLVMBuildSelect(B, none, LLVMBuildNot(B, a, ""), a, "");
	}
	n = bits_clz(l, a);
	if (!(in->flags & SG_F_SHIFTAMT))
		n = LLVMBuildSub(B, jit_const(t, 8 * size - 1), n, "");
	none = LLVMBuildICmp(B, LLVMIntEQ, a, zero, "");
	n = LLVMBuildSelect(B, none, LLVMConstAllOnes(t), n, "");
	bits_result32(l, in, n);
	return true;
}

static bool bits_lop3(struct jit_lower *l, const struct sg_insn *in)
{
	LLVMTypeRef t = jit_ty(l, l->i32);
	LLVMValueRef v[3], r = LLVMConstNull(t);
	uint64_t lut = in->o[4].imm;

	if (in->o[4].kind != SG_OPND_IMM)
		return false;
	for (int i = 0; i < 3; i++)
		v[i] = jit_src(l, &in->o[1 + i], 4);
	for (int i = 0; i < 8; i++) {
		LLVMValueRef term = NULL;

		if (!(lut >> i & 1))
			continue;
		for (int k = 0; k < 3; k++) {
			LLVMValueRef x = i >> (2 - k) & 1 ? v[k] : LLVMBuildNot(B, v[k], "");

			term = term ? LLVMBuildAnd(B, term, x, "") : x;
		}
		r = LLVMBuildOr(B, r, term, "");
	}
	jit_def(l, &in->o[0], r);
	return true;
}

/* (b:a) << c high word, or >> c low word; c wraps or clamps at 32. */
static bool bits_shf(struct jit_lower *l, const struct sg_insn *in)
{
	LLVMTypeRef t = jit_ty(l, l->i32), w = jit_ty(l, l->i64);
	LLVMValueRef a = LLVMBuildZExt(B, jit_src(l, &in->o[1], 4), w, "");
	LLVMValueRef b = LLVMBuildZExt(B, jit_src(l, &in->o[2], 4), w, "");
	LLVMValueRef c = jit_src(l, &in->o[3], 4), x, big;

	if (in->flags & SG_F_WRAP) {
		c = LLVMBuildAnd(B, c, jit_const(t, 31), "");
	} else {
		big = LLVMBuildICmp(B, LLVMIntUGT, c, jit_const(t, 32), "");
		c = LLVMBuildSelect(B, big, jit_const(t, 32), c, "");
	}
	c = LLVMBuildZExt(B, c, w, "");
	x = LLVMBuildOr(B, LLVMBuildShl(B, b, jit_const(w, 32), ""), a, "");
	if (in->sub == SG_SUB_L)
		x = LLVMBuildLShr(B, LLVMBuildShl(B, x, c, ""), jit_const(w, 32), "");
	else
		x = LLVMBuildLShr(B, x, c, "");
	jit_def(l, &in->o[0], LLVMBuildTrunc(B, x, t, ""));
	return true;
}

/* The default mode with a constant selector: four bytes. */
static bool bits_prmt(struct jit_lower *l, const struct sg_insn *in)
{
	LLVMTypeRef t = jit_ty(l, l->i32);
	LLVMValueRef v[2], r = LLVMConstNull(t);

	if (in->sub != SG_SUB_NONE || in->o[3].kind != SG_OPND_IMM)
		return false;
	for (int i = 0; i < 2; i++)
		v[i] = jit_src(l, &in->o[1 + i], 4);
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t sel = in->o[3].imm >> (4 * i) & 15;
		LLVMValueRef x = v[sel >> 2 & 1];

		/* The byte to the top, down again with or without its sign's copies. */
		x = LLVMBuildShl(B, x, jit_const(t, 24 - 8 * (sel & 3)), "");
		if (sel & 8)
			x = LLVMBuildAShr(B, x, jit_const(t, 31), "");
		x = LLVMBuildLShr(B, x, jit_const(t, 24), "");
		r = LLVMBuildOr(B, r, LLVMBuildShl(B, x, jit_const(t, 8 * i), ""), "");
	}
	jit_def(l, &in->o[0], r);
	return true;
}

static LLVMValueRef bits_byte(struct jit_lower *l, LLVMValueRef v, uint32_t i, bool sign)
{
	LLVMTypeRef t = jit_ty(l, l->i32);

	v = LLVMBuildShl(B, v, jit_const(t, 24 - 8 * i), "");
	return sign ? LLVMBuildAShr(B, v, jit_const(t, 24), "") :
		      LLVMBuildLShr(B, v, jit_const(t, 24), "");
}

static bool bits_dp4a(struct jit_lower *l, const struct sg_insn *in)
{
	bool sa = sg_type_is_signed(in->type), sb = sg_type_is_signed(in->type2);
	LLVMValueRef a = jit_src(l, &in->o[1], 4), b = jit_src(l, &in->o[2], 4);
	LLVMValueRef r = jit_src(l, &in->o[3], 4);

	for (uint32_t i = 0; i < 4; i++) {
		LLVMValueRef x = bits_byte(l, a, i, sa), y = bits_byte(l, b, i, sb);

		r = LLVMBuildAdd(B, r, LLVMBuildMul(B, x, y, ""), "");
	}
	jit_def(l, &in->o[0], r);
	return true;
}

/* Low @n bits set, n from 0; all from the width on. */
static LLVMValueRef bits_ones(struct jit_lower *l, LLVMTypeRef t, LLVMValueRef n, uint32_t width)
{
	LLVMValueRef all = LLVMBuildICmp(B, LLVMIntUGE, n, jit_const(t, width), "");
	LLVMValueRef m = LLVMBuildAnd(B, n, jit_const(t, width - 1), "");

	m = LLVMBuildSub(B, LLVMBuildShl(B, jit_const(t, 1), m, ""), jit_const(t, 1), "");
	return LLVMBuildSelect(B, all, LLVMConstAllOnes(t), m, "");
}

static LLVMValueRef bits_field_arg(struct jit_lower *l, const struct sg_opnd *o, LLVMTypeRef t)
{
	LLVMValueRef v = LLVMBuildAnd(B, jit_src(l, o, 4), jit_const(jit_ty(l, l->i32), 0xff), "");

	return LLVMBuildIntCast2(B, v, t, false, "");
}

/* Shift by @n, zero from the width on. */
static LLVMValueRef bits_shift(struct jit_lower *l, LLVMValueRef v, LLVMValueRef n, uint32_t width,
			       bool left)
{
	LLVMTypeRef t = LLVMTypeOf(v);
	LLVMValueRef big = LLVMBuildICmp(B, LLVMIntUGE, n, jit_const(t, width), "");

	n = LLVMBuildAnd(B, n, jit_const(t, width - 1), "");
	v = left ? LLVMBuildShl(B, v, n, "") : LLVMBuildLShr(B, v, n, "");
	return LLVMBuildSelect(B, big, LLVMConstNull(t), v, "");
}

static bool bits_bfe(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);
	LLVMTypeRef t = jit_ty(l, jit_int(l, size));
	LLVMValueRef a, pos, len;

	if (sg_type_is_signed(in->type))
		return false;
	a = jit_src(l, &in->o[1], size);
	pos = bits_field_arg(l, &in->o[2], t);
	len = bits_field_arg(l, &in->o[3], t);
	a = bits_shift(l, a, pos, 8 * size, false);
	jit_def(l, &in->o[0], LLVMBuildAnd(B, a, bits_ones(l, t, len, 8 * size), ""));
	return true;
}

static bool bits_bfi(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);
	LLVMTypeRef t = jit_ty(l, jit_int(l, size));
	LLVMValueRef a = jit_src(l, &in->o[1], size), b = jit_src(l, &in->o[2], size);
	LLVMValueRef pos = bits_field_arg(l, &in->o[3], t), len = bits_field_arg(l, &in->o[4], t);
	LLVMValueRef m = bits_shift(l, bits_ones(l, t, len, 8 * size), pos, 8 * size, true);

	a = LLVMBuildAnd(B, bits_shift(l, a, pos, 8 * size, true), m, "");
	b = LLVMBuildAnd(B, b, LLVMBuildNot(B, m, ""), "");
	jit_def(l, &in->o[0], LLVMBuildOr(B, a, b, ""));
	return true;
}

bool jit_lower_bits(struct jit_lower *l, const struct sg_insn *in)
{
	switch (in->op) {
	case SG_OP_POPC:
	case SG_OP_CLZ:
	case SG_OP_BREV:
		return bits_count(l, in);
	case SG_OP_BFIND:
		return bits_bfind(l, in);
	case SG_OP_LOP3:
		return bits_lop3(l, in);
	case SG_OP_SHF:
		return bits_shf(l, in);
	case SG_OP_PRMT:
		return bits_prmt(l, in);
	case SG_OP_DP4A:
		return bits_dp4a(l, in);
	case SG_OP_BFE:
		return bits_bfe(l, in);
	case SG_OP_BFI:
		return bits_bfi(l, in);
	default:
		return false;
	}
}
