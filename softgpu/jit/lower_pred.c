/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons and logic on predicates: interp/cmp.def in LLVM's words.
 */
#include "softgpu/jit/lower.h"

#define B (l->b)

static bool pred_float_cmp(enum sg_cmp c, LLVMRealPredicate *ret)
{
	static const LLVMRealPredicate table[] = {
		[SG_CMP_EQ] = LLVMRealOEQ,  [SG_CMP_NE] = LLVMRealONE,
		[SG_CMP_LT] = LLVMRealOLT,  [SG_CMP_LE] = LLVMRealOLE,
		[SG_CMP_GT] = LLVMRealOGT,  [SG_CMP_GE] = LLVMRealOGE,
		[SG_CMP_LO] = LLVMRealOLT,  [SG_CMP_LS] = LLVMRealOLE,
		[SG_CMP_HI] = LLVMRealOGT,  [SG_CMP_HS] = LLVMRealOGE,
		[SG_CMP_EQU] = LLVMRealUEQ, [SG_CMP_NEU] = LLVMRealUNE,
		[SG_CMP_LTU] = LLVMRealULT, [SG_CMP_LEU] = LLVMRealULE,
		[SG_CMP_GTU] = LLVMRealUGT, [SG_CMP_GEU] = LLVMRealUGE,
		[SG_CMP_NUM] = LLVMRealORD, [SG_CMP_NAN] = LLVMRealUNO,
	};

	if ((size_t)c >= CW_ARRAY_SIZE(table))
		return false;
	*ret = table[c];
	return true;
}

static bool pred_int_cmp(enum sg_cmp c, bool sign, LLVMIntPredicate *ret)
{
	switch (c) {
	case SG_CMP_EQ:
		*ret = LLVMIntEQ;
		return true;
	case SG_CMP_NE:
		*ret = LLVMIntNE;
		return true;
	case SG_CMP_LT:
	case SG_CMP_LO:
		*ret = sign ? LLVMIntSLT : LLVMIntULT;
		return true;
	case SG_CMP_LE:
	case SG_CMP_LS:
		*ret = sign ? LLVMIntSLE : LLVMIntULE;
		return true;
	case SG_CMP_GT:
	case SG_CMP_HI:
		*ret = sign ? LLVMIntSGT : LLVMIntUGT;
		return true;
	case SG_CMP_GE:
	case SG_CMP_HS:
		*ret = sign ? LLVMIntSGE : LLVMIntUGE;
		return true;
	default:
		return false;
	}
}

/* a op b as i1; NULL for a form there is no code for. */
static LLVMValueRef pred_compare(struct jit_lower *l, const struct sg_insn *in, enum sg_type type,
				 const struct sg_opnd *oa, const struct sg_opnd *ob)
{
	uint32_t size = sg_type_size(type);
	LLVMIntPredicate ip;
	LLVMRealPredicate fp;
	LLVMTypeRef t;

	if (!sg_type_is_float(type)) {
		if (size > 8 || size < 2 || type == SG_PRED ||
		    !pred_int_cmp(in->cmp, sg_type_is_signed(type), &ip))
			return NULL;
		return LLVMBuildICmp(B, ip, jit_src(l, oa, size), jit_src(l, ob, size), "");
	}
	if ((type != SG_F32 && type != SG_F64) || !jit_fp_mode_fits(l->f, in) ||
	    !pred_float_cmp(in->cmp, &fp))
		return NULL;
	t = jit_ty(l, type == SG_F32 ? l->f32 : l->f64);
	return LLVMBuildFCmp(B, fp, LLVMBuildBitCast(B, jit_src_any(l, oa, size), t, ""),
			     LLVMBuildBitCast(B, jit_src_any(l, ob, size), t, ""), "");
}

static LLVMValueRef pred_combine(struct jit_lower *l, enum sg_sub sub, LLVMValueRef r,
				 LLVMValueRef c)
{
	switch (sub) {
	case SG_SUB_AND:
		return LLVMBuildAnd(B, r, c, "");
	case SG_SUB_OR:
		return LLVMBuildOr(B, r, c, "");
	case SG_SUB_XOR:
		return LLVMBuildXor(B, r, c, "");
	default:
		return r;
	}
}

static bool pred_setp(struct jit_lower *l, const struct sg_insn *in)
{
	LLVMValueRef r = pred_compare(l, in, in->type, &in->o[2], &in->o[3]), c = NULL, q;
	enum sg_sub sub = in->n > 4 ? in->sub : SG_SUB_NONE;

	if (!r)
		return false;
	q = LLVMBuildNot(B, r, "");
	if (sub != SG_SUB_NONE)
		c = jit_src_pred(l, &in->o[4]);
	jit_def(l, &in->o[0], pred_combine(l, sub, r, c));
	jit_def(l, &in->o[1], pred_combine(l, sub, q, c));
	return true;
}

static bool pred_set(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);
	uint64_t yes = in->type == SG_F32 ? 0x3f800000u : UINT64_MAX;
	LLVMTypeRef t;
	LLVMValueRef r;

	if (size < 2 || size > 8)
		return false;
	t = jit_ty(l, jit_int(l, size));
	r = pred_compare(l, in, in->type2, &in->o[1], &in->o[2]);
	if (!r)
		return false;
	if (in->n > 3)
		r = pred_combine(l, in->sub, r, jit_src_pred(l, &in->o[3]));
	jit_def(l, &in->o[0], LLVMBuildSelect(B, r, jit_const(t, yes), LLVMConstNull(t), ""));
	return true;
}

static bool pred_logic(struct jit_lower *l, const struct sg_insn *in)
{
	LLVMValueRef a = jit_src_pred(l, &in->o[1]);

	switch (in->op) {
	case SG_OP_NOT:
		jit_def(l, &in->o[0], LLVMBuildNot(B, a, ""));
		return true;
	case SG_OP_AND:
		jit_def(l, &in->o[0], LLVMBuildAnd(B, a, jit_src_pred(l, &in->o[2]), ""));
		return true;
	case SG_OP_OR:
		jit_def(l, &in->o[0], LLVMBuildOr(B, a, jit_src_pred(l, &in->o[2]), ""));
		return true;
	case SG_OP_XOR:
		jit_def(l, &in->o[0], LLVMBuildXor(B, a, jit_src_pred(l, &in->o[2]), ""));
		return true;
	default:
		return false;
	}
}

static bool pred_slct(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);
	LLVMTypeRef t = jit_ty(l, l->i32);
	LLVMValueRef c, ge;

	if (size > 8 || sg_type_size(in->type2) != 4 || !jit_fp_mode_fits(l->f, in))
		return false;
	c = jit_src(l, &in->o[3], 4);
	if (in->type2 == SG_F32)
		ge = LLVMBuildFCmp(B, LLVMRealOGE, LLVMBuildBitCast(B, c, jit_ty(l, l->f32), ""),
				   jit_constf(jit_ty(l, l->f32), 0), "");
	else
		ge = LLVMBuildICmp(B, LLVMIntSGE, c, LLVMConstNull(t), "");
	jit_def(l, &in->o[0], LLVMBuildSelect(B, ge, jit_src(l, &in->o[1], size),
					      jit_src(l, &in->o[2], size), ""));
	return true;
}

bool jit_lower_pred(struct jit_lower *l, const struct sg_insn *in)
{
	switch (in->op) {
	case SG_OP_SETP:
		return pred_setp(l, in);
	case SG_OP_SET:
		return pred_set(l, in);
	case SG_OP_SLCT:
		return pred_slct(l, in);
	default:
		return in->type == SG_PRED && pred_logic(l, in);
	}
}
