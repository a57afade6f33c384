/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One flat function out of a program: a copy of the kernel's instructions, and
 * what they read and write.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "softgpu/jit/ir.h"

bool jit_refuse(struct jit_func *f, const char *format, ...)
{
	va_list ap;

	if (f->rq->reason[0])
		return false;
	va_start(ap, format);
	vsnprintf(f->rq->reason, sizeof(f->rq->reason), format, ap);
	va_end(ap);
	return false;
}

bool jit_is_branch(const struct sg_insn *in)
{
	return in->op == SG_OP_BRA || in->op == SG_OP_BRX;
}

bool jit_is_exit(const struct sg_insn *in)
{
	return in->op == SG_OP_EXIT || in->op == SG_OP_RET || in->op == SG_OP_END;
}

void jit_uses(const struct sg_insn *in, jit_reg_fn *fn, void *arg)
{
	if (in->guard != SG_NO_REG)
		fn(arg, in->guard);
	for (uint32_t i = 0; i < in->n; i++) {
		const struct sg_opnd *o = &in->o[i];

		if ((o->kind == SG_OPND_MEM && o->reg != SG_NO_REG) ||
		    (o->kind == SG_OPND_REG && i >= in->nd))
			fn(arg, o->reg);
	}
}

void jit_defs(const struct sg_insn *in, jit_reg_fn *fn, void *arg)
{
	for (uint32_t i = 0; i < in->nd; i++) {
		if (in->o[i].kind == SG_OPND_REG)
			fn(arg, in->o[i].reg);
	}
	/* The condition code is the last operand, read and written. */
	if ((in->flags & SG_F_CC) && in->n && in->o[in->n - 1].kind == SG_OPND_REG)
		fn(arg, in->o[in->n - 1].reg);
}

static bool flatten_check(struct jit_func *f, const struct sg_insn *in)
{
	switch (in->op) {
	case SG_OP_CALL:
		if (in->call->target)
			return jit_refuse(f, "line %u: calls a function", in->line);
		if (!in->call->builtin)
			return jit_refuse(f, "line %u: indirect call", in->line);
		return true;
	case SG_OP_BRX:
		return jit_refuse(f, "line %u: brx.idx", in->line);
	default:
		return true;
	}
}

/**
 * jit_flatten() - Copy the kernel
 * @f:		with @rq set
 *
 * Return: false with a reason, or without one when out of memory.
 */
bool jit_flatten(struct jit_func *f)
{
	const struct sg_func *k = f->rq->prog->funcs[0];

	if (k->ninsns > JIT_MAX_INSNS || k->nregs > JIT_MAX_REGS)
		return jit_refuse(f, "%u instructions, %u registers: too large", k->ninsns,
				  k->nregs);
	f->insns = calloc(k->ninsns + 1, sizeof(*f->insns));
	f->regs = malloc(k->nregs + 1);
	if (!f->insns || !f->regs)
		return false;
	memcpy(f->regs, k->regs, k->nregs);
	f->nregs = k->nregs;
	for (uint32_t i = 0; i < k->ninsns; i++) {
		if (!flatten_check(f, &k->insns[i]))
			return false;
		f->insns[i].in = k->insns[i];
		f->insns[i].index = i;
	}
	f->ninsns = k->ninsns;
	return true;
}

void jit_func_free(struct jit_func *f)
{
	free(f->insns);
	free(f->regs);
	free(f->blocks);
	free(f->succs);
	free(f->live_in);
	free(f->pend);
	free(f->shape);
	free(f->align);
	free(f->lazy);
	free(f->patterns);
}
