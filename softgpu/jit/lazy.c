/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating-point state that is decided once per kernel: registers whose NaNs
 * need not be canonical, and the flushing mode (ISA 9.0, 9.7.3: .ftz).
 *
 * Flushing is a mode of the CPU. A kernel runs in the mode that most of its
 * f32 instructions ask for; those that ask for the other one, and f64 or f16
 * arithmetic under flushing, are left to the interpreter's handlers, which
 * switch it.
 */
#include <stdlib.h>
#include <string.h>

#include "softgpu/jit/lower.h"

static bool lazy_rounds_nearest(const struct sg_insn *in)
{
	return in->round == SG_ROUND_NONE || in->round == SG_ROUND_RN;
}

bool jit_is_f32_arith(const struct jit_func *f, const struct sg_insn *in)
{
	if (in->type != SG_F32 || (in->flags & (SG_F_SAT | SG_F_RELU)) ||
	    !lazy_rounds_nearest(in) || !jit_fp_mode_fits(f, in))
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
		return true;
	default:
		return false;
	}
}

/* Instructions whose result depends on the flushing mode. */
static bool lazy_sees_mode(const struct sg_insn *in)
{
	bool f32 = in->type == SG_F32 || in->type2 == SG_F32;

	switch (in->op) {
	case SG_OP_ADD: case SG_OP_SUB: case SG_OP_MUL: case SG_OP_MAD: case SG_OP_FMA:
	case SG_OP_DIV: case SG_OP_RCP: case SG_OP_SQRT: case SG_OP_RSQRT: case SG_OP_SIN:
	case SG_OP_COS: case SG_OP_LG2: case SG_OP_EX2: case SG_OP_TANH: case SG_OP_SETP:
	case SG_OP_SET: case SG_OP_CVT:
		return f32 || sg_type_is_float(in->type) || sg_type_is_float(in->type2);
	case SG_OP_MIN:
	case SG_OP_MAX:
		return sg_type_is_float(in->type);
	case SG_OP_SLCT:
		return in->type2 == SG_F32;
	default:
		return false;
	}
}

static bool lazy_is_f32_only(const struct sg_insn *in)
{
	return (in->type == SG_F32 || !sg_type_is_float(in->type)) &&
	       (in->type2 == SG_F32 || !sg_type_is_float(in->type2));
}

bool jit_fp_mode_fits(const struct jit_func *f, const struct sg_insn *in)
{
	if (!lazy_sees_mode(in))
		return true;
	if (!f->ftz)
		return !(in->flags & SG_F_FTZ);
	/* From integers nothing is subnormal, either way. */
	if (in->op == SG_OP_CVT && in->type == SG_F32 && !sg_type_is_float(in->type2))
		return true;
	return lazy_is_f32_only(in) && (in->flags & SG_F_FTZ);
}

void jit_choose_ftz(struct jit_func *f)
{
	uint32_t with = 0, without = 0;

	for (uint32_t i = 0; i < f->ninsns; i++) {
		const struct sg_insn *in = &f->insns[i].in;

		if (!lazy_sees_mode(in))
			continue;
		if (in->op == SG_OP_CVT && in->type == SG_F32 && !sg_type_is_float(in->type2))
			continue;
		if (lazy_is_f32_only(in) && (in->flags & SG_F_FTZ))
			with++;
		else
			without++;
	}
	f->ftz = with > without;
}

static bool lazy_imm_is_number(const struct sg_opnd *o)
{
	return o->kind == SG_OPND_IMM && (o->imm & 0x7fffffff) <= 0x7f800000;
}

/* Does this definition keep a lazy register honest? */
static bool lazy_def_ok(const struct jit_func *f, const struct sg_insn *in)
{
	const struct sg_opnd *a = &in->o[1];

	if (jit_is_f32_arith(f, in))
		return true;
	if (in->op != SG_OP_MOV)
		return false;
	return lazy_imm_is_number(a) || (a->kind == SG_OPND_REG && f->lazy[a->reg]);
}

/**
 * jit_lazy_nans() - Fill in lazy
 * @f:		flattened, flushing mode chosen
 *
 * Return: false when out of memory.
 */
bool jit_lazy_nans(struct jit_func *f)
{
	bool changed = true;

	f->lazy = calloc(f->nregs, sizeof(bool));
	if (!f->lazy)
		return false;
	for (uint32_t i = 0; i < f->ninsns; i++) {
		const struct sg_insn *in = &f->insns[i].in;

		if (jit_is_f32_arith(f, in) && in->o[0].kind == SG_OPND_REG)
			f->lazy[in->o[0].reg] = true;
		/* What is only moved may be lazy too. */
		if (in->op == SG_OP_MOV && in->type != SG_PRED && sg_type_size(in->type) == 4 &&
		    in->o[1].kind == SG_OPND_REG && in->o[0].kind == SG_OPND_REG)
			f->lazy[in->o[0].reg] = true;
	}
	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < f->ninsns; i++) {
			const struct sg_insn *in = &f->insns[i].in;
			bool ok = lazy_def_ok(f, in);

			for (uint32_t d = 0; d < in->nd && !ok; d++) {
				if (in->o[d].kind != SG_OPND_REG || !f->lazy[in->o[d].reg])
					continue;
				f->lazy[in->o[d].reg] = false;
				changed = true;
			}
		}
	}
	return true;
}
