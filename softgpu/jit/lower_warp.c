/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations between lanes. A .sync form whose members are not all here is left
 * to the interpreter, which makes them meet; see interp/warp.c for the rest.
 */
#include "softgpu/jit/lower.h"

#define B (l->b)

/* Lanes that wait elsewhere, or NULL where nobody can. */
static LLVMValueRef warp_elsewhere(struct jit_lower *l)
{
	const struct jit_func *f = l->f;
	const uint64_t *pend = f->pend + (size_t)l->block * f->block_words;
	LLVMValueRef all = NULL;

	for (uint32_t i = 0; i < f->nblocks; i++) {
		LLVMValueRef v;

		if (!jit_bit(pend, i))
			continue;
		v = LLVMBuildLoad2(B, jit_vec(l->i1), l->lanes[i], "");
		all = all ? LLVMBuildOr(B, all, v, "") : v;
	}
	return all ? jit_bits(l, all) : NULL;
}

/* Members that are alive but not among the active lanes: let them meet first. */
static void warp_meet(struct jit_lower *l, const struct sg_opnd *members)
{
	LLVMValueRef away = warp_elsewhere(l), off, m;
	LLVMBasicBlockRef out;

	if (members->kind == SG_OPND_SINK)
		return;
	/* Lanes here whose guard is off never come: nothing to wait for. */
	if (!away)
		return;
	out = jit_deopt_block(l, false);
	if (members->kind == SG_OPND_IMM || jit_opnd_shape(l, members) == JIT_UNIFORM) {
		m = jit_src_scalar(l, members, 4);
		off = LLVMBuildAnd(B, away, m, "");
	} else {
		/* Masks differ by lane: anybody elsewhere may be meant. */
		off = away;
	}
	jit_require(l, LLVMBuildICmp(B, LLVMIntEQ, off, LLVMConstInt(l->i32, 0, false), ""), out);
}

static LLVMValueRef warp_shuffle(struct jit_lower *l, LLVMValueRef v, const int *from)
{
	LLVMValueRef mask[SG_JIT_LANES];

	for (int i = 0; i < SG_JIT_LANES; i++)
		mask[i] = LLVMConstInt(l->i32, from[i], false);
	return LLVMBuildShuffleVector(B, v, LLVMGetPoison(LLVMTypeOf(v)),
				      LLVMConstVector(mask, SG_JIT_LANES), "");
}

/* Offset and clamp known: a fixed permutation. */
static void warp_shfl_const(struct jit_lower *l, const struct sg_insn *in)
{
	uint32_t b = in->o[3].imm & 31, c = in->o[4].imm, clamp = c & 31, segment = c >> 8 & 31;
	LLVMValueRef v = jit_src_vec(l, &in->o[2], 4), ok[SG_JIT_LANES];
	int from[SG_JIT_LANES];

	for (uint32_t lane = 0; lane < SG_JIT_LANES; lane++) {
		int max = (lane & segment) | (clamp & ~segment), j;
		bool in_range;

		switch ((enum sg_sub)in->sub) {
		case SG_SUB_UP:
			j = (int)lane - (int)b;
			in_range = j >= max;
			break;
		case SG_SUB_DOWN:
			j = lane + b;
			in_range = j <= max;
			break;
		case SG_SUB_BFLY:
			j = lane ^ b;
			in_range = j <= max;
			break;
		default:
			j = (lane & segment) | (b & ~segment);
			in_range = j <= max;
			break;
		}
		from[lane] = in_range ? j & 31 : (int)lane;
		ok[lane] = LLVMConstInt(l->i1, in_range, false);
	}
	jit_def(l, &in->o[0], warp_shuffle(l, v, from));
	jit_def(l, &in->o[1], LLVMConstVector(ok, SG_JIT_LANES));
}

static LLVMValueRef warp_lane_ids(struct jit_lower *l)
{
	LLVMValueRef id[SG_JIT_LANES];

	for (int i = 0; i < SG_JIT_LANES; i++)
		id[i] = LLVMConstInt(l->i32, i, false);
	return LLVMConstVector(id, SG_JIT_LANES);
}

/* Any other: the source lane of each lane, then one lookup per lane in memory. */
static void warp_shfl_any(struct jit_lower *l, const struct sg_insn *in)
{
	LLVMTypeRef t = jit_vec(l->i32);
	LLVMValueRef v = jit_src_vec(l, &in->o[2], 4), lane = warp_lane_ids(l);
	LLVMValueRef b = LLVMBuildAnd(B, jit_src_vec(l, &in->o[3], 4), jit_const(t, 31), "");
	LLVMValueRef c = jit_src_vec(l, &in->o[4], 4), seg, nseg, max, j, ok, args[4], at;

	seg = LLVMBuildAnd(B, LLVMBuildLShr(B, c, jit_const(t, 8), ""), jit_const(t, 31), "");
	nseg = LLVMBuildNot(B, seg, "");
	max = LLVMBuildAnd(B, LLVMBuildAnd(B, c, jit_const(t, 31), ""), nseg, "");
	max = LLVMBuildOr(B, LLVMBuildAnd(B, lane, seg, ""), max, "");
	switch ((enum sg_sub)in->sub) {
	case SG_SUB_UP:
		j = LLVMBuildSub(B, lane, b, "");
		break;
	case SG_SUB_DOWN:
		j = LLVMBuildAdd(B, lane, b, "");
		break;
	case SG_SUB_BFLY:
		j = LLVMBuildXor(B, lane, b, "");
		break;
	default:
		j = LLVMBuildOr(B, LLVMBuildAnd(B, lane, seg, ""), LLVMBuildAnd(B, b, nseg, ""),
				"");
		break;
	}
	ok = LLVMBuildICmp(B, in->sub == SG_SUB_UP ? LLVMIntSGE : LLVMIntSLE, j, max, "");
	j = LLVMBuildSelect(B, ok, LLVMBuildAnd(B, j, jit_const(t, 31), ""), lane, "");
	/* Through the scratch row of the slow path. */
	at = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, access));
	LLVMSetAlignment(LLVMBuildStore(B, v, at), 64);
	args[0] = LLVMBuildGEP2(B, l->i32, at, &j, 1, "");
	args[1] = LLVMConstInt(l->i32, 4, false);
	args[2] = LLVMConstAllOnes(jit_vec(l->i1));
	args[3] = LLVMConstNull(t);
	{
		LLVMTypeRef types[2] = { t, jit_vec(l->ptr) };
		unsigned id = LLVMLookupIntrinsicID("llvm.masked.gather", 18);
		LLVMValueRef fn = LLVMGetIntrinsicDeclaration(l->m, id, types, 2);

		v = LLVMBuildCall2(B, LLVMGlobalGetValueType(fn), fn, args, 4, "");
	}
	jit_def(l, &in->o[0], v);
	jit_def(l, &in->o[1], ok);
}

static bool warp_shfl(struct jit_lower *l, const struct sg_insn *in)
{
	warp_meet(l, &in->o[in->n - 1]);
	if (in->o[3].kind == SG_OPND_IMM && in->o[4].kind == SG_OPND_IMM)
		warp_shfl_const(l, in);
	else
		warp_shfl_any(l, in);
	return true;
}

static bool warp_vote(struct jit_lower *l, const struct sg_insn *in)
{
	const struct sg_opnd *members = &in->o[2];
	LLVMValueRef active, p, among, yes, r, zero = LLVMConstInt(l->i32, 0, false);
	bool wide = l->wide;

	/* A mask per lane: tiles vote apart. */
	if (members->kind == SG_OPND_REG && jit_opnd_shape(l, members) != JIT_UNIFORM)
		return false;
	warp_meet(l, members);
	active = jit_bits(l, jit_active(l));
	l->wide = true;
	p = jit_bits(l, jit_src_pred(l, &in->o[1]));
	l->wide = wide;
	among = active;
	if (members->kind != SG_OPND_SINK) {
		LLVMValueRef m = jit_src_scalar(l, members, 4);

		among = LLVMBuildAnd(B, active, m, "");
	}
	yes = LLVMBuildAnd(B, p, among, "");
	switch ((enum sg_sub)in->sub) {
	case SG_SUB_BALLOT:
		r = yes;
		break;
	case SG_SUB_ALL:
		r = LLVMBuildICmp(B, LLVMIntEQ, yes, among, "");
		break;
	case SG_SUB_ANY:
		r = LLVMBuildICmp(B, LLVMIntNE, yes, zero, "");
		break;
	default:
		r = LLVMBuildOr(B, LLVMBuildICmp(B, LLVMIntEQ, yes, among, ""),
				LLVMBuildICmp(B, LLVMIntEQ, yes, zero, ""), "");
		break;
	}
	jit_def(l, &in->o[0], r);
	return true;
}

bool jit_lower_warp(struct jit_lower *l, const struct sg_insn *in)
{
	switch (in->op) {
	case SG_OP_SHFL:
		return warp_shfl(l, in);
	case SG_OP_VOTE:
		return warp_vote(l, in);
	case SG_OP_ACTIVEMASK:
		jit_def(l, &in->o[0], jit_bits(l, jit_active(l)));
		return true;
	case SG_OP_BAR:
		/* bar.warp: lanes run in step. */
		warp_meet(l, &in->o[1]);
		return true;
	case SG_OP_MATCH:
	case SG_OP_REDUX:
	case SG_OP_ELECT:
		warp_meet(l, &in->o[in->n - 1]);
		jit_help(l);
		return true;
	default:
		return false;
	}
}
