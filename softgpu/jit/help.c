/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways out of compiled code: one instruction by the interpreter's
 * handlers, the rest of a warp by the interpreter, and returns.
 */
#include <stdlib.h>

#include "softgpu/jit/lower.h"

uint32_t jit_site_new(struct jit_lower *l)
{
	struct sg_jit_site *s;

	if (l->nsites == l->sites_cap) {
		uint32_t cap = l->sites_cap ? l->sites_cap * 2 : 64;

		s = realloc(l->sites, cap * sizeof(*s));
		if (!s) {
			l->failed = true;
			return 0;
		}
		l->sites = s;
		l->sites_cap = cap;
	}
	s = &l->sites[l->nsites];
	*s = (struct sg_jit_site){ .slot = UINT32_MAX };
	if (l->at)
		s->code = l->f->rq->insn_code[l->at->func][l->at->index];
	return l->nsites++;
}

void jit_return(struct jit_lower *l, enum sg_jit_why why)
{
	jit_ctx_set(l, offsetof(struct sg_jit_ctx, warp), jit_warp(l));
	LLVMBuildRet(l->b, LLVMConstInt(l->i32, why, false));
}

/* A register's lanes to its row; special registers are there already. */
static void help_store(struct jit_lower *l, uint32_t reg)
{
	uint32_t row = l->f->rq->reg_row[0][reg];
	LLVMValueRef v;

	if (!row || !l->reg[reg] || reg == l->f->rq->prog->funcs[0]->frame_reg)
		return;
	v = jit_reg_vec(l, reg);
	if (l->f->regs[reg] == SG_PRED)
		v = jit_bits(l, v);
	LLVMSetAlignment(LLVMBuildStore(l->b, v, jit_row_ptr(l, row)),
			 l->f->regs[reg] == SG_PRED ? 4 : 64);
}

static void help_store_use(void *arg, uint32_t reg)
{
	help_store(arg, reg);
}

static void help_load(void *arg, uint32_t reg)
{
	struct jit_lower *l = arg;
	struct sg_opnd o = { .kind = SG_OPND_REG, .reg = reg };
	LLVMValueRef guard = l->guard, p = jit_row_ptr(l, l->f->rq->reg_row[0][reg]), v, lane;
	LLVMTypeRef t = jit_reg_type(l, l->f->regs[reg]);

	if (t == l->i1) {
		v = jit_from_bits(l, LLVMBuildLoad2(l->b, l->i32, p, ""));
	} else {
		v = LLVMBuildLoad2(l->b, jit_vec(t), p, "");
		LLVMSetAlignment(v, 64);
	}
	if (!jit_varying(l->f, reg)) {
		LLVMValueRef args[2] = { jit_bits(l, l->mask), LLVMConstInt(l->i1, 0, false) };

		lane = jit_call(l, "llvm.cttz", l->i32, args, 2);
		lane = LLVMBuildAnd(l->b, lane, LLVMConstInt(l->i32, 31, false), "");
		v = LLVMBuildExtractElement(l->b, v, lane, "");
		l->guard = NULL;
	}
	jit_def(l, &o, v);
	l->guard = guard;
}

static LLVMValueRef help_call(struct jit_lower *l, size_t offset, LLVMValueRef *args, unsigned n)
{
	LLVMTypeRef types[8] = { l->ptr, l->i32, l->i32, l->i32, l->i32, l->i32, l->i32, l->i32 };
	LLVMTypeRef t = LLVMFunctionType(l->i32, types, n, false);

	return LLVMBuildCall2(l->b, t, jit_ctx_get(l, l->ptr, offset), args, n, "");
}

/**
 * jit_help() - Let the interpreter's handlers run the current instruction
 * @l:		at an instruction that does not change the flow
 */
void jit_help(struct jit_lower *l)
{
	const struct jit_insn *at = l->at;
	const uint32_t *code = l->f->rq->insn_code[at->func];
	uint32_t first = code[at->index], n = code[at->index + 1] - first;
	LLVMValueRef args[6], r, zero = LLVMConstInt(l->i32, 0, false);

	l->helped++;
	jit_uses(&at->in, help_store_use, l);
	/* What is not written in every lane: handlers keep the others. */
	if (at->in.guard != SG_NO_REG)
		jit_defs(&at->in, help_store_use, l);
	args[0] = l->ctx;
	args[1] = jit_warp(l);
	args[2] = jit_bits(l, l->mask);
	args[3] = args[2];
	args[4] = LLVMConstInt(l->i32, first, false);
	args[5] = LLVMConstInt(l->i32, n, false);
	r = help_call(l, offsetof(struct sg_jit_ctx, help), args, 6);
	jit_require(l, LLVMBuildICmp(l->b, LLVMIntEQ, r, zero, ""), l->ret_fault);
	l->guard = at->in.guard == SG_NO_REG ? NULL : l->guard;
	jit_defs(&at->in, help_load, l);
}


static void help_kill(void *arg, uint32_t reg)
{
	uint64_t *set = arg;

	set[reg / 64] &= ~(1ull << (reg % 64));
}

static void help_gen(void *arg, uint32_t reg)
{
	jit_set_bit(arg, reg);
}

/* Registers live before the current instruction, or at the block's start. */
static uint64_t *help_live_set(struct jit_lower *l, bool at_block)
{
	const struct jit_func *f = l->f;
	const struct jit_block *b = &f->blocks[l->block];
	uint64_t *set = calloc(f->reg_words, sizeof(*set));
	uint32_t to = at_block ? b->first : (uint32_t)(l->at - f->insns);

	for (uint32_t w = 0; set && w < f->reg_words; w++) {
		for (uint32_t s = 0; s < b->nsucc; s++)
			set[w] |= f->live_in[(size_t)b->succ[s] * f->reg_words + w];
	}
	for (uint32_t i = b->end; set && i-- > to;) {
		if (f->insns[i].in.guard == SG_NO_REG)
			jit_defs(&f->insns[i].in, help_kill, set);
		else
			jit_defs(&f->insns[i].in, help_gen, set);
		jit_uses(&f->insns[i].in, help_gen, set);
	}
	for (uint32_t w = 0; set && w < f->reg_words; w++)
		set[w] |= l->need[w];
	if (!set)
		l->failed = true;
	return set;
}

/* Interpreter code where lanes that wait at a block go on. */
static uint32_t help_block_code(const struct jit_lower *l, uint32_t i)
{
	const struct jit_block *b = &l->f->blocks[i];
	const struct jit_insn *first;

	if (b->latch)
		b = &l->f->blocks[b->succ[0]];
	first = &l->f->insns[b->first];
	return l->f->rq->insn_code[first->func][first->index];
}

static void help_group(struct jit_lower *l, uint32_t i, uint32_t at)
{
	LLVMValueRef index = LLVMConstInt(l->i64, 4 * at, false), masks, v;

	if (l->ngroups == l->groups_cap) {
		uint32_t cap = l->groups_cap ? l->groups_cap * 2 : 64;
		uint32_t *bigger = realloc(l->groups, cap * sizeof(*bigger));

		if (!bigger) {
			l->failed = true;
			return;
		}
		l->groups = bigger;
		l->groups_cap = cap;
	}
	l->groups[l->ngroups++] = help_block_code(l, i);
	masks = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, masks));
	v = LLVMBuildLoad2(l->b, jit_vec(l->i1), l->lanes[i], "");
	LLVMBuildStore(l->b, jit_bits(l, v), jit_at(l, masks, index));
	l->nmasks = cw_max(l->nmasks, at + 1);
}

/**
 * jit_deopt_block() - Code that leaves the warp to the interpreter
 * @l:		at an instruction or the start of a block
 * @at_block:	the latter
 *
 * Return: its first block; the builder is where it was.
 */
LLVMBasicBlockRef jit_deopt_block(struct jit_lower *l, bool at_block)
{
	LLVMBasicBlockRef here = LLVMGetInsertBlock(l->b), bb = jit_block_new(l, "deopt");
	const struct jit_func *f = l->f;
	uint64_t *live = help_live_set(l, at_block);
	uint32_t site = jit_site_new(l), n = 1;
	LLVMValueRef masks;

	LLVMPositionBuilderAtEnd(l->b, bb);
	for (uint32_t r = 0; live && r < f->nregs; r++) {
		if (jit_bit(live, r))
			help_store(l, r);
	}
	free(live);
	masks = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, masks));
	LLVMBuildStore(l->b, jit_bits(l, l->mask), masks);
	l->nmasks = cw_max(l->nmasks, 4u);
	l->sites[site].first = l->ngroups;
	if (at_block)
		l->sites[site].code = help_block_code(l, l->block);
	for (uint32_t i = 0; i < f->nblocks; i++) {
		if (jit_bit(f->pend + (size_t)l->block * f->block_words, i))
			help_group(l, i, n++);
	}
	l->sites[site].n = l->ngroups - l->sites[site].first;
	jit_ctx_set(l, offsetof(struct sg_jit_ctx, site), LLVMConstInt(l->i32, site, false));
	jit_return(l, SG_JIT_DEOPT);
	LLVMPositionBuilderAtEnd(l->b, here);
	return bb;
}
