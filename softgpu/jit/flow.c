/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control flow under masks: of all blocks where lanes wait, the lowest runs.
 *
 * A block takes the lanes that wait for it, clears their place, and at its end
 * puts them where they go. What may run next is known up to the blocks of the
 * pending set, so most ends are one branch; where they are not, lanes are
 * looked for in order.
 */
#include <stdlib.h>
#include <string.h>

#include "softgpu/jit/lower.h"

/* So many tests in line; more share the chain of tests. */
#define FLOW_INLINE_TESTS 4
/* Iterations between two polls; loops that may spin ask sooner. */
#define FLOW_BUDGET (1 << 14)
#define FLOW_SPIN_COST (1 << 8)

static LLVMValueRef flow_lanes(struct jit_lower *l, uint32_t i)
{
	return LLVMBuildLoad2(l->b, jit_vec(l->i1), l->lanes[i], "");
}

static const uint64_t *flow_pending(const struct jit_lower *l)
{
	return l->f->pend + (size_t)l->block * l->f->block_words;
}

/* @m more lanes wait at block @to. */
static void flow_add(struct jit_lower *l, uint32_t to, LLVMValueRef m)
{
	if (jit_bit(flow_pending(l), to))
		m = LLVMBuildOr(l->b, m, flow_lanes(l, to), "");
	LLVMBuildStore(l->b, m, l->lanes[to]);
}

/* Test whether lanes wait at @i, else at the next place where any may. */
static LLVMBasicBlockRef flow_test(struct jit_lower *l, uint32_t i)
{
	while (i < l->f->nblocks && !l->test[i])
		i++;
	return i < l->f->nblocks ? l->test[i] : l->warp_done;
}

/*
 * Go to the lowest of @set where lanes wait. @sure: lanes wait there for
 * certain, if not earlier; nblocks where nothing is certain.
 */
static void flow_next(struct jit_lower *l, const uint64_t *set, uint32_t sure)
{
	uint32_t n = 0, list[FLOW_INLINE_TESTS + 1];

	for (uint32_t i = 0; i < l->f->nblocks && i <= sure && n <= FLOW_INLINE_TESTS; i++) {
		if (jit_bit(set, i))
			list[n++] = i;
	}
	if (n > FLOW_INLINE_TESTS) {
		LLVMBuildBr(l->b, flow_test(l, list[0]));
		return;
	}
	for (uint32_t k = 0; k < n; k++) {
		LLVMBasicBlockRef next;

		if (list[k] == sure) {
			LLVMBuildBr(l->b, l->bb[sure]);
			return;
		}
		next = jit_block_new(l, "");
		LLVMBuildCondBr(l->b, jit_any(l, flow_lanes(l, list[k])), l->bb[list[k]], next);
		LLVMPositionBuilderAtEnd(l->b, next);
	}
	LLVMBuildBr(l->b, l->warp_done);
}

/* All lanes of @m go to @to. */
static void flow_jump(struct jit_lower *l, uint32_t to, LLVMValueRef m, bool sure)
{
	uint64_t *set = malloc(l->f->block_words * sizeof(*set));

	if (!set) {
		l->failed = true;
		LLVMBuildUnreachable(l->b);
		return;
	}
	memcpy(set, flow_pending(l), l->f->block_words * sizeof(*set));
	flow_add(l, to, m);
	jit_set_bit(set, to);
	flow_next(l, set, sure ? to : l->f->nblocks);
	free(set);
}

/* Nobody of this block goes on: others may wait. */
static void flow_others(struct jit_lower *l)
{
	flow_next(l, flow_pending(l), l->f->nblocks);
}

static void flow_divergent_branch(struct jit_lower *l, const struct jit_block *b, LLVMValueRef p)
{
	uint32_t words = l->f->block_words;
	uint64_t *set = malloc(words * sizeof(*set));
	LLVMValueRef taken = LLVMBuildAnd(l->b, l->mask, p, "");
	LLVMValueRef rest = LLVMBuildAnd(l->b, l->mask, LLVMBuildNot(l->b, p, ""), "");

	if (!set) {
		l->failed = true;
		LLVMBuildUnreachable(l->b);
		return;
	}
	memcpy(set, flow_pending(l), words * sizeof(*set));
	flow_add(l, b->succ[0], taken);
	flow_add(l, b->succ[1], rest);
	jit_set_bit(set, b->succ[0]);
	jit_set_bit(set, b->succ[1]);
	flow_next(l, set, cw_max(b->succ[0], b->succ[1]));
	free(set);
}

static void flow_branch(struct jit_lower *l, const struct jit_block *b)
{
	LLVMBasicBlockRef yes, no;

	if (b->nsucc == 1) {
		flow_jump(l, b->succ[0], l->mask, true);
		return;
	}
	if (jit_diverges(l->f, b)) {
		flow_divergent_branch(l, b, l->guard);
		return;
	}
	yes = jit_block_new(l, "");
	no = jit_block_new(l, "");
	LLVMBuildCondBr(l->b, l->guard, yes, no);
	LLVMPositionBuilderAtEnd(l->b, yes);
	flow_jump(l, b->succ[0], l->mask, true);
	LLVMPositionBuilderAtEnd(l->b, no);
	flow_jump(l, b->succ[1], l->mask, true);
}

static void flow_exit(struct jit_lower *l, const struct jit_block *b)
{
	LLVMBasicBlockRef yes, no;

	if (!b->nsucc || !l->guard) {
		flow_others(l);
		return;
	}
	if (jit_diverges(l->f, b)) {
		LLVMValueRef stay = LLVMBuildAnd(l->b, l->mask, LLVMBuildNot(l->b, l->guard, ""),
						 "");

		flow_jump(l, b->succ[0], stay, false);
		return;
	}
	yes = jit_block_new(l, "");
	no = jit_block_new(l, "");
	LLVMBuildCondBr(l->b, l->guard, yes, no);
	LLVMPositionBuilderAtEnd(l->b, yes);
	flow_others(l);
	LLVMPositionBuilderAtEnd(l->b, no);
	flow_jump(l, b->succ[0], l->mask, true);
}

/* Any lane but those here? Then the barrier is the interpreter's business. */
static LLVMValueRef flow_alone(struct jit_lower *l)
{
	LLVMValueRef all = NULL;

	for (uint32_t i = 0; i < l->f->nblocks; i++) {
		if (!jit_bit(flow_pending(l), i))
			continue;
		all = all ? LLVMBuildOr(l->b, all, flow_lanes(l, i), "") : flow_lanes(l, i);
	}
	return all ? LLVMBuildNot(l->b, jit_any(l, all), "") : NULL;
}

/* Save or restore what lives across a barrier; offsets are the same in both. */
static void flow_spill(struct jit_lower *l, uint32_t to, bool save)
{
	const struct jit_func *f = l->f;
	LLVMValueRef base = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, spill));
	LLVMValueRef stride = jit_ctx_get(l, l->i64, offsetof(struct sg_jit_ctx, spill_stride));
	uint32_t at = 0;

	base = jit_at(l, base, LLVMBuildMul(l->b, LLVMBuildZExt(l->b, jit_warp(l), l->i64, ""),
					    stride, ""));
	for (uint32_t r = 0; r < f->nregs; r++) {
		LLVMValueRef p, v;
		LLVMTypeRef t;
		uint32_t size = f->regs[r] == SG_PRED ? 4 : sg_type_size(f->regs[r]), align;
		bool wide;

		if (!jit_bit(f->live_in + (size_t)to * f->reg_words, r) || !l->reg[r])
			continue;
		t = LLVMGetAllocatedType(l->reg[r]);
		wide = jit_varying(f, r) && f->regs[r] != SG_PRED;
		align = wide ? 64 : size;
		at = cw_align_up(at, align);
		p = jit_at(l, base, LLVMConstInt(l->i64, at, false));
		at += wide ? size * SG_JIT_LANES : size;
		if (save) {
			v = LLVMBuildLoad2(l->b, t, l->reg[r], "");
			v = LLVMBuildStore(l->b, t == jit_vec(l->i1) ? jit_bits(l, v) : v, p);
			LLVMSetAlignment(v, align);
		} else if (t == jit_vec(l->i1)) {
			v = LLVMBuildLoad2(l->b, l->i32, p, "");
			LLVMBuildStore(l->b, jit_from_bits(l, v), l->reg[r]);
		} else {
			v = LLVMBuildLoad2(l->b, t, p, "");
			LLVMSetAlignment(v, align);
			LLVMBuildStore(l->b, v, l->reg[r]);
		}
	}
	l->spill_bytes = cw_max(l->spill_bytes, at);
}

static void flow_barrier_args(struct jit_lower *l, const struct sg_insn *in)
{
	LLVMValueRef masks = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, masks)), v[4];

	l->wide = false;
	v[0] = jit_bits(l, l->mask);
	v[1] = jit_src_scalar(l, &in->o[1], 4);
	v[2] = in->o[2].kind == SG_OPND_SINK ? LLVMConstInt(l->i32, SG_JIT_NO_COUNT, false) :
					       jit_src_scalar(l, &in->o[2], 4);
	l->wide = true;
	v[3] = jit_bits(l, LLVMBuildAnd(l->b, jit_src_pred(l, &in->o[3]), l->mask, ""));
	for (int i = 0; i < 4; i++)
		LLVMBuildStore(l->b, v[i], jit_at(l, masks, LLVMConstInt(l->i64, 4 * i, false)));
	l->nmasks = cw_max(l->nmasks, 4u);
}

static void flow_barrier(struct jit_lower *l, const struct jit_block *b, const struct sg_insn *in)
{
	bool plain = (in->sem == SG_SUB_SYNC || in->sem == SG_SUB_RED) && !l->guard &&
		     b->nsucc == 1 && jit_opnd_shape(l, &in->o[1]) == JIT_UNIFORM &&
		     jit_opnd_shape(l, &in->o[2]) == JIT_UNIFORM;
	LLVMValueRef alone = plain ? flow_alone(l) : NULL;
	LLVMBasicBlockRef go;
	uint32_t site;

	if (!plain || alone) {
		LLVMBasicBlockRef out = jit_deopt_block(l, false);

		if (!plain) {
			LLVMBuildBr(l->b, out);
			return;
		}
		jit_require(l, alone, out);
	}
	site = jit_site_new(l);
	flow_barrier_args(l, in);
	flow_spill(l, b->succ[0], true);
	jit_ctx_set(l, offsetof(struct sg_jit_ctx, site), LLVMConstInt(l->i32, site, false));
	jit_ctx_set(l, offsetof(struct sg_jit_ctx, state),
		    LLVMConstInt(l->i32, ++l->nresume, false));
	jit_return(l, SG_JIT_BARRIER);
	go = jit_block_new(l, "resume");
	LLVMAddCase(l->resume, LLVMConstInt(l->i32, l->nresume, false), go);
	LLVMPositionBuilderAtEnd(l->b, go);
	flow_spill(l, b->succ[0], false);
	/* Lanes did not change; the first of the words still says which. */
	l->mask = jit_from_bits(l, jit_ctx_get(l, l->i32, offsetof(struct sg_jit_ctx, lanes)));
	if (in->sem == SG_SUB_RED) {
		LLVMValueRef v = jit_ctx_get(l, l->i32, offsetof(struct sg_jit_ctx, bar_value));

		l->wide = false;
		memset(l->need, 0, l->f->reg_words * sizeof(uint64_t));
		jit_def(l, &in->o[0], in->sub == SG_SUB_POPC ? v :
			LLVMBuildTrunc(l->b, v, l->i1, ""));
	}
	LLVMBuildStore(l->b, l->mask, l->lanes[b->succ[0]]);
	LLVMBuildBr(l->b, l->bb[b->succ[0]]);
}

/* What waiting lanes want of the registers: they keep it. */
static void flow_need(struct jit_lower *l)
{
	const struct jit_func *f = l->f;

	memset(l->need, 0, f->reg_words * sizeof(uint64_t));
	for (uint32_t i = 0; i < f->nblocks; i++) {
		if (!jit_bit(flow_pending(l), i))
			continue;
		for (uint32_t w = 0; w < f->reg_words; w++)
			l->need[w] |= f->live_in[(size_t)i * f->reg_words + w];
	}
}

/* A loop in which a lane may wait for what others store. */
static bool flow_may_spin(const struct jit_func *f, const struct jit_block *head)
{
	for (const struct jit_block *b = head; b < f->blocks + head->loop_end; b++) {
		for (uint32_t i = b->first; i < b->end; i++) {
			const struct sg_insn *in = &f->insns[i].in;

			if (in->op == SG_OP_ATOM || in->op == SG_OP_NANOSLEEP ||
			    (in->op == SG_OP_LD && in->sem != SG_SEM_WEAK))
				return true;
		}
	}
	return false;
}

/* At the head of a loop: has it run for long? */
static void flow_poll(struct jit_lower *l, bool spins)
{
	LLVMBasicBlockRef ask = jit_block_new(l, "poll"), go = jit_block_new(l, "");
	LLVMBasicBlockRef again = jit_block_new(l, ""), out = jit_deopt_block(l, true);
	LLVMValueRef left = LLVMBuildLoad2(l->b, l->i32, l->budget, ""), r, args[3], sw;
	LLVMTypeRef types[3] = { l->ptr, l->i32, l->i32 };

	left = LLVMBuildSub(l->b, left, LLVMConstInt(l->i32, spins ? FLOW_SPIN_COST : 1, false),
			    "");
	LLVMBuildStore(l->b, left, l->budget);
	LLVMBuildCondBr(l->b, LLVMBuildICmp(l->b, LLVMIntSLT, left,
					    LLVMConstInt(l->i32, 0, false), ""), ask, go);
	LLVMPositionBuilderAtEnd(l->b, ask);
	args[0] = l->ctx;
	args[1] = jit_warp(l);
	args[2] = LLVMConstInt(l->i32, spins, false);
	r = LLVMBuildCall2(l->b, LLVMFunctionType(l->i32, types, 3, false),
			   jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, poll)), args, 3, "");
	LLVMBuildStore(l->b, LLVMConstInt(l->i32, FLOW_BUDGET, false), l->budget);
	sw = LLVMBuildSwitch(l->b, r, again, 2);
	LLVMAddCase(sw, LLVMConstInt(l->i32, 1, false), l->ret_fault);
	LLVMAddCase(sw, LLVMConstInt(l->i32, 2, false), out);
	LLVMPositionBuilderAtEnd(l->b, again);
	LLVMBuildBr(l->b, go);
	LLVMPositionBuilderAtEnd(l->b, go);
}

/**
 * jit_flow_begin() - Start of a block: who is here?
 * @l:		with @block set
 */
void jit_flow_begin(struct jit_lower *l)
{
	const struct jit_block *b = &l->f->blocks[l->block];

	if (l->test[l->block]) {
		LLVMPositionBuilderAtEnd(l->b, l->test[l->block]);
		LLVMBuildCondBr(l->b, jit_any(l, flow_lanes(l, l->block)), l->bb[l->block],
				flow_test(l, l->block + 1));
	}
	LLVMPositionBuilderAtEnd(l->b, l->bb[l->block]);
	l->mask = flow_lanes(l, l->block);
	LLVMBuildStore(l->b, LLVMConstNull(jit_vec(l->i1)), l->lanes[l->block]);
	l->guard = NULL;
	flow_need(l);
	if (b->loop_end)
		flow_poll(l, flow_may_spin(l->f, b));
}

/**
 * jit_flow_end() - End of a block: where do its lanes go?
 * @l:		with the last instruction current, its guard in @guard
 */
void jit_flow_end(struct jit_lower *l)
{
	const struct jit_block *b = &l->f->blocks[l->block];
	const struct sg_insn *last = jit_last(l->f, b);

	if (last && jit_is_branch(last))
		flow_branch(l, b);
	else if (last && jit_is_exit(last))
		flow_exit(l, b);
	else if (last && last->op == SG_OP_BAR && !(last->flags & SG_F_WARP))
		flow_barrier(l, b, last);
	else if (b->nsucc)
		flow_jump(l, b->succ[0], l->mask, true);
	else
		flow_others(l);
}
