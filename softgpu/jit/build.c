/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short words for LLVM's builder.
 */
#include <string.h>

#include "softgpu/jit/lower.h"

LLVMTypeRef jit_vec(LLVMTypeRef t)
{
	return LLVMVectorType(t, SG_JIT_LANES);
}

LLVMTypeRef jit_int(struct jit_lower *l, uint32_t bytes)
{
	return LLVMIntTypeInContext(l->c, bytes * 8);
}

LLVMTypeRef jit_reg_type(struct jit_lower *l, enum sg_type t)
{
	return t == SG_PRED ? l->i1 : jit_int(l, sg_type_size(t));
}

LLVMTypeRef jit_ty(struct jit_lower *l, LLVMTypeRef t)
{
	return l->wide ? jit_vec(t) : t;
}

static LLVMValueRef build_splat_const(LLVMTypeRef t, LLVMValueRef v)
{
	LLVMValueRef all[256];
	unsigned n = LLVMGetVectorSize(t);

	for (unsigned i = 0; i < n; i++)
		all[i] = v;
	return LLVMConstVector(all, n);
}

LLVMValueRef jit_const(LLVMTypeRef t, uint64_t v)
{
	if (LLVMGetTypeKind(t) == LLVMVectorTypeKind)
		return build_splat_const(t, LLVMConstInt(LLVMGetElementType(t), v, false));
	return LLVMConstInt(t, v, false);
}

LLVMValueRef jit_constf(LLVMTypeRef t, double v)
{
	if (LLVMGetTypeKind(t) == LLVMVectorTypeKind)
		return build_splat_const(t, LLVMConstReal(LLVMGetElementType(t), v));
	return LLVMConstReal(t, v);
}

LLVMValueRef jit_splat(struct jit_lower *l, LLVMValueRef v)
{
	LLVMTypeRef t = jit_vec(LLVMTypeOf(v));
	LLVMValueRef one, zero = LLVMConstNull(LLVMVectorType(l->i32, SG_JIT_LANES));

	if (LLVMIsConstant(v))
		return build_splat_const(t, v);
	one = LLVMBuildInsertElement(l->b, LLVMGetPoison(t), v, LLVMConstInt(l->i32, 0, false), "");
	return LLVMBuildShuffleVector(l->b, one, LLVMGetPoison(t), zero, "");
}

LLVMValueRef jit_pattern_vec(struct jit_lower *l, LLVMTypeRef t, uint16_t pattern)
{
	LLVMValueRef k[SG_JIT_LANES];

	for (int i = 0; i < SG_JIT_LANES; i++)
		k[i] = LLVMConstInt(t, (uint64_t)l->f->patterns[pattern].k[i], true);
	return LLVMConstVector(k, SG_JIT_LANES);
}

LLVMValueRef jit_call(struct jit_lower *l, const char *intrinsic, LLVMTypeRef overload,
		      LLVMValueRef *args, unsigned n)
{
	unsigned id = LLVMLookupIntrinsicID(intrinsic, strlen(intrinsic));
	unsigned count = overload ? 1 : 0;
	LLVMValueRef fn = LLVMGetIntrinsicDeclaration(l->m, id, &overload, count);

	return LLVMBuildCall2(l->b, LLVMGlobalGetValueType(fn), fn, args, n, "");
}

LLVMValueRef jit_at(struct jit_lower *l, LLVMValueRef ptr, LLVMValueRef bytes)
{
	return LLVMBuildGEP2(l->b, l->i8, ptr, &bytes, 1, "");
}

LLVMValueRef jit_ctx_ptr(struct jit_lower *l, size_t offset)
{
	return jit_at(l, l->ctx, LLVMConstInt(l->i64, offset, false));
}

LLVMValueRef jit_ctx_get(struct jit_lower *l, LLVMTypeRef t, size_t offset)
{
	LLVMValueRef v = LLVMBuildLoad2(l->b, t, jit_ctx_ptr(l, offset), "");

	LLVMSetMetadata(v, l->md_invariant,
			LLVMMetadataAsValue(l->c, LLVMMDNodeInContext2(l->c, NULL, 0)));
	return v;
}

void jit_ctx_set(struct jit_lower *l, size_t offset, LLVMValueRef v)
{
	LLVMBuildStore(l->b, v, jit_ctx_ptr(l, offset));
}

/* In the entry block, wherever the builder is. */
LLVMValueRef jit_alloca(struct jit_lower *l, LLVMTypeRef t, const char *name)
{
	LLVMBasicBlockRef here = LLVMGetInsertBlock(l->b);
	LLVMValueRef first = LLVMGetFirstInstruction(l->entry), v;

	if (first)
		LLVMPositionBuilderBefore(l->b, first);
	else
		LLVMPositionBuilderAtEnd(l->b, l->entry);
	v = LLVMBuildAlloca(l->b, t, name);
	if (here)
		LLVMPositionBuilderAtEnd(l->b, here);
	return v;
}

LLVMBasicBlockRef jit_block_new(struct jit_lower *l, const char *name)
{
	return LLVMAppendBasicBlockInContext(l->c, l->fn, name);
}

LLVMValueRef jit_bits(struct jit_lower *l, LLVMValueRef mask)
{
	return LLVMBuildBitCast(l->b, mask, l->i32, "");
}

LLVMValueRef jit_from_bits(struct jit_lower *l, LLVMValueRef bits)
{
	return LLVMBuildBitCast(l->b, bits, jit_vec(l->i1), "");
}

LLVMValueRef jit_any(struct jit_lower *l, LLVMValueRef mask)
{
	return LLVMBuildICmp(l->b, LLVMIntNE, jit_bits(l, mask), LLVMConstInt(l->i32, 0, false),
			     "");
}

void jit_require(struct jit_lower *l, LLVMValueRef cond, LLVMBasicBlockRef otherwise)
{
	LLVMBasicBlockRef next = jit_block_new(l, "");
	LLVMValueRef br = LLVMBuildCondBr(l->b, cond, next, otherwise);
	LLVMMetadataRef md[3] = {
		LLVMMDStringInContext2(l->c, "branch_weights", 14),
		LLVMValueAsMetadata(LLVMConstInt(l->i32, 2000, false)),
		LLVMValueAsMetadata(LLVMConstInt(l->i32, 1, false)),
	};

	LLVMSetMetadata(br, LLVMGetMDKindIDInContext(l->c, "prof", 4),
			LLVMMetadataAsValue(l->c, LLVMMDNodeInContext2(l->c, md, 3)));
	LLVMPositionBuilderAtEnd(l->b, next);
}

LLVMValueRef jit_warp(struct jit_lower *l)
{
	return LLVMBuildLoad2(l->b, l->i32, l->warp, "");
}

/* A row of the interpreter's register file of this warp. */
LLVMValueRef jit_row_ptr(struct jit_lower *l, uint32_t offset)
{
	LLVMValueRef rf = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, rf));
	LLVMValueRef stride = jit_ctx_get(l, l->i64, offsetof(struct sg_jit_ctx, rf_stride));
	LLVMValueRef w = LLVMBuildZExt(l->b, jit_warp(l), l->i64, "");
	LLVMValueRef at = LLVMBuildMul(l->b, w, stride, "");

	at = LLVMBuildAdd(l->b, at, LLVMConstInt(l->i64, offset, false), "");
	return jit_at(l, rf, at);
}
