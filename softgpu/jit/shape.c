/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of values across the lanes of a warp.
 *
 * A register has one shape for all of the kernel: the join over its
 * definitions. Pattern: the value in lane i is a scalar plus a constant k[i];
 * pattern 0 has all k zero, "uniform". A scalar is written by a block whenever
 * any lane runs it, so a register is only kept as one if no lane can still want
 * the value from before: see diverge.c.
 */
#include <stdlib.h>
#include <string.h>

#include "softgpu/jit/shape.h"

/* Lanes may lie this far apart in a value that is widened on trust. */
#define SHAPE_MAX_SPREAD (1 << 17)

uint16_t jit_pattern_intern(struct jit_func *f, const struct jit_pattern *p)
{
	for (uint32_t i = 0; i < f->npatterns; i++) {
		if (!memcmp(&f->patterns[i], p, sizeof(*p)))
			return i;
	}
	if (f->npatterns == JIT_MAX_PATTERNS)
		return JIT_VARYING;
	f->patterns[f->npatterns] = *p;
	return f->npatterns++;
}

/* k of the result by a function of k of the sources, cut to the width. */
typedef int64_t shape_fn(int64_t a, int64_t b);

static int64_t shape_add(int64_t a, int64_t b)
{
	return (uint64_t)a + b;
}

static int64_t shape_sub(int64_t a, int64_t b)
{
	return (uint64_t)a - b;
}

static int64_t shape_mul(int64_t a, int64_t b)
{
	return (uint64_t)a * b;
}

static int64_t shape_and(int64_t a, int64_t b)
{
	return a & b;
}

static uint16_t shape_map(struct jit_func *f, uint16_t a, uint16_t b, int64_t imm, shape_fn *fn,
			  uint32_t size)
{
	struct jit_pattern p;

	for (int i = 0; i < SG_JIT_LANES; i++) {
		int64_t kb = b == JIT_VARYING ? imm : f->patterns[b].k[i];

		p.k[i] = fn(f->patterns[a].k[i], kb);
		if (size == 4)
			p.k[i] = (int32_t)p.k[i];
	}
	return jit_pattern_intern(f, &p);
}

static uint16_t shape_of(const struct jit_func *f, const struct sg_opnd *o)
{
	if (o->kind == SG_OPND_REG || (o->kind == SG_OPND_MEM && o->reg != SG_NO_REG))
		return f->shape[o->reg];
	return JIT_UNIFORM;
}

static uint32_t shape_align(const struct jit_func *f, const struct sg_opnd *o)
{
	if (o->kind == SG_OPND_REG)
		return f->align[o->reg];
	return o->kind == SG_OPND_IMM && o->imm ? (uint32_t)__builtin_ctzll(o->imm) : 63;
}

static uint32_t shape_size(const struct jit_func *f, const struct sg_opnd *o, enum sg_type t)
{
	return o->kind == SG_OPND_REG ? sg_type_size(f->regs[o->reg]) : sg_type_size(t);
}

static uint16_t shape_sreg(struct jit_func *f, enum sg_sreg r, uint32_t *ret_align)
{
	uint32_t class = f->rq->shape, log = class - SG_JIT_SHAPE_ROWS;
	bool linear = class == SG_JIT_SHAPE_FLAT || class == SG_JIT_SHAPE_LINEAR;
	struct jit_pattern p = { 0 };

	*ret_align = 0;
	switch (r) {
	case SG_SREG_TID_X:
		if (class == SG_JIT_SHAPE_ANY)
			return JIT_VARYING;
		*ret_align = linear ? 5 : 63;
		for (int i = 0; i < SG_JIT_LANES; i++)
			p.k[i] = linear ? i : i & ((1 << log) - 1);
		return jit_pattern_intern(f, &p);
	case SG_SREG_TID_Y:
		if (class == SG_JIT_SHAPE_ANY)
			return JIT_VARYING;
		*ret_align = linear ? 0 : 5 - log;
		for (int i = 0; i < SG_JIT_LANES; i++)
			p.k[i] = linear ? 0 : i >> log;
		return jit_pattern_intern(f, &p);
	case SG_SREG_TID_Z:
		return class == SG_JIT_SHAPE_ANY ? JIT_VARYING : JIT_UNIFORM;
	case SG_SREG_LANEID:
		*ret_align = 63;
		for (int i = 0; i < SG_JIT_LANES; i++)
			p.k[i] = i;
		return jit_pattern_intern(f, &p);
	case SG_SREG_LANEMASK_EQ: case SG_SREG_LANEMASK_LE: case SG_SREG_LANEMASK_LT:
	case SG_SREG_LANEMASK_GE: case SG_SREG_LANEMASK_GT:
		for (int i = 0; i < SG_JIT_LANES; i++)
			p.k[i] = (int32_t)jit_lanemask(r, i);
		*ret_align = 63;
		return jit_pattern_intern(f, &p);
	default:
		return JIT_UNIFORM;
	}
}

uint32_t jit_lanemask(enum sg_sreg r, int i)
{
	switch (r) {
	case SG_SREG_LANEMASK_EQ:
		return 1u << i;
	case SG_SREG_LANEMASK_LE:
		return 2u * (1u << i) - 1;
	case SG_SREG_LANEMASK_LT:
		return (1u << i) - 1;
	case SG_SREG_LANEMASK_GE:
		return UINT32_MAX << i;
	default:
		return UINT32_MAX << i << 1;
	}
}

/* All sources one for the warp? TOP as long as one is not known. */
static uint16_t shape_all_uniform(const struct jit_func *f, const struct sg_insn *in)
{
	uint16_t r = JIT_UNIFORM;

	for (uint32_t i = in->nd; i < in->n; i++) {
		uint16_t s = shape_of(f, &in->o[i]);

		if (s == JIT_TOP)
			return JIT_TOP;
		if (s != JIT_UNIFORM)
			r = JIT_VARYING;
	}
	return r;
}

static bool shape_is_int(enum sg_type t, uint32_t at_least)
{
	return !sg_type_is_float(t) && t != SG_PRED && sg_type_size(t) >= at_least &&
	       sg_type_size(t) <= 8;
}

bool jit_widens(const struct sg_insn *in)
{
	if (in->op == SG_OP_MUL || in->op == SG_OP_MAD)
		return in->sub == SG_SUB_WIDE && sg_type_size(in->type) == 4;
	return in->op == SG_OP_CVT && sg_type_size(in->type2) == 4 && sg_type_size(in->type) == 8;
}

/* May k be taken into 64 bits, trusting that base + k does not wrap? */
static bool shape_may_widen(const struct jit_func *f, uint16_t s)
{
	if (s == JIT_UNIFORM)
		return true;
	if (f->rq->careful)
		return false;
	for (int i = 0; i < SG_JIT_LANES; i++) {
		if (llabs(f->patterns[s].k[i]) > SHAPE_MAX_SPREAD)
			return false;
	}
	return true;
}

static uint16_t shape_product(struct jit_func *f, const struct sg_insn *in, uint32_t *ret_align)
{
	const struct sg_opnd *a = &in->o[1], *b = &in->o[2];
	uint32_t size = in->sub == SG_SUB_WIDE ? 2 * sg_type_size(in->type) :
						 sg_type_size(in->type);
	uint16_t s;

	if (shape_of(f, a) == JIT_UNIFORM && b->kind == SG_OPND_REG) {
		a = &in->o[2];
		b = &in->o[1];
	}
	*ret_align = shape_align(f, a) + shape_align(f, b);
	s = shape_of(f, a);
	if (s == JIT_VARYING || in->sub == SG_SUB_HI || (in->flags & (SG_F_SAT | SG_F_CC)))
		return JIT_VARYING;
	if (in->sub == SG_SUB_WIDE && !shape_may_widen(f, s))
		return JIT_VARYING;
	if (b->kind != SG_OPND_IMM)
		return s == JIT_UNIFORM && shape_of(f, b) == JIT_UNIFORM ? JIT_UNIFORM :
									   JIT_VARYING;
	return shape_map(f, s, JIT_VARYING,
			 sg_type_is_signed(in->type) ? (int32_t)b->imm : (int64_t)b->imm,
			 shape_mul, size);
}

/* Low bits by and or rem, high bits by shr or div, of an aligned scalar. */
static uint16_t shape_bits(struct jit_func *f, const struct sg_insn *in, bool low, uint32_t bits,
			   uint32_t *ret_align)
{
	uint16_t s = shape_of(f, &in->o[1]);
	uint32_t align = shape_align(f, &in->o[1]);

	if (s == JIT_VARYING || align < bits)
		return JIT_VARYING;
	*ret_align = low ? 63 : align == 63 ? 63 : align - bits;
	if (low)
		return shape_map(f, s, JIT_VARYING, (1ll << bits) - 1, shape_and,
				 sg_type_size(in->type));
	for (int i = 0; i < SG_JIT_LANES; i++) {
		if (f->patterns[s].k[i] < 0 || f->patterns[s].k[i] >> bits)
			return JIT_VARYING;
	}
	return JIT_UNIFORM;
}

static bool shape_pow2(const struct sg_opnd *o, uint64_t plus, uint32_t *ret_bits)
{
	uint64_t v = o->imm + plus;

	if (o->kind != SG_OPND_IMM || !v || (v & (v - 1)) || v >> 31)
		return false;
	*ret_bits = __builtin_ctzll(v);
	return true;
}

/* Integer operations that keep a pattern; JIT_VARYING for the others. */
static uint16_t shape_linear(struct jit_func *f, const struct sg_insn *in, uint32_t *ret_align)
{
	uint16_t a = shape_of(f, &in->o[1]), b = in->n > 2 ? shape_of(f, &in->o[2]) : JIT_UNIFORM;
	uint32_t size = sg_type_size(in->type), bits, al;
	uint16_t s;

	if ((in->flags & (SG_F_SAT | SG_F_CC)) || !shape_is_int(in->type, 4))
		return JIT_VARYING;
	switch (in->op) {
	case SG_OP_ADD:
	case SG_OP_SUB:
		if (a == JIT_VARYING || b == JIT_VARYING)
			return JIT_VARYING;
		al = shape_align(f, &in->o[2]);
		*ret_align = cw_min(shape_align(f, &in->o[1]), al);
		return shape_map(f, a, b, 0, in->op == SG_OP_ADD ? shape_add : shape_sub, size);
	case SG_OP_MUL:
		return shape_product(f, in, ret_align);
	case SG_OP_MAD:
		s = shape_product(f, in, ret_align);
		if (s == JIT_VARYING || shape_of(f, &in->o[3]) == JIT_VARYING)
			return JIT_VARYING;
		al = shape_align(f, &in->o[3]);
		*ret_align = cw_min(*ret_align, al);
		return shape_map(f, s, shape_of(f, &in->o[3]), 0, shape_add,
				 in->sub == SG_SUB_WIDE ? 2 * size : size);
	case SG_OP_SHL:
		if (a == JIT_VARYING || in->o[2].kind != SG_OPND_IMM || in->o[2].imm >= 8 * size)
			return JIT_VARYING;
		*ret_align = shape_align(f, &in->o[1]) + in->o[2].imm;
		return shape_map(f, a, JIT_VARYING, 1ll << in->o[2].imm, shape_mul, size);
	case SG_OP_AND:
	case SG_OP_REM:
		if (!shape_pow2(&in->o[2], in->op == SG_OP_AND, &bits) ||
		    (in->op == SG_OP_REM && sg_type_is_signed(in->type)))
			return JIT_VARYING;
		return shape_bits(f, in, true, bits, ret_align);
	case SG_OP_DIV:
		if (!shape_pow2(&in->o[2], 0, &bits) || sg_type_is_signed(in->type))
			return JIT_VARYING;
		return shape_bits(f, in, false, bits, ret_align);
	case SG_OP_SHR:
		if (in->o[2].kind != SG_OPND_IMM || in->o[2].imm >= 8 * size)
			return JIT_VARYING;
		return shape_bits(f, in, false, in->o[2].imm, ret_align);
	default:
		return JIT_VARYING;
	}
}

static uint16_t shape_cvt(struct jit_func *f, const struct sg_insn *in, uint32_t *ret_align)
{
	uint16_t a = shape_of(f, &in->o[1]);

	if (a == JIT_VARYING || (in->flags & SG_F_SAT) || !shape_is_int(in->type, 4) ||
	    !shape_is_int(in->type2, 4) || shape_size(f, &in->o[0], in->type) !=
	    sg_type_size(in->type) || shape_size(f, &in->o[1], in->type2) !=
	    sg_type_size(in->type2))
		return JIT_VARYING;
	*ret_align = shape_align(f, &in->o[1]);
	if (jit_widens(in) && !shape_may_widen(f, a))
		return JIT_VARYING;
	/* Cutting to 32 bits keeps sums modulo 2^32. */
	return shape_map(f, a, JIT_UNIFORM, 0, shape_add, sg_type_size(in->type));
}

static uint16_t shape_selp(const struct jit_func *f, const struct sg_insn *in)
{
	uint16_t a = shape_of(f, &in->o[1]), b = shape_of(f, &in->o[2]);

	return shape_of(f, &in->o[3]) == JIT_UNIFORM && a == b ? a : JIT_VARYING;
}

/**
 * jit_shape_result() - Shape of what an instruction writes
 * @f:		with the shapes known so far
 * @in:		instruction
 * @ret_align:	log2 of what the scalar is a multiple of
 *
 * Return: JIT_TOP while a source is unknown.
 */
uint16_t jit_shape_result(struct jit_func *f, const struct sg_insn *in, uint32_t *ret_align)
{
	uint16_t all = shape_all_uniform(f, in), s = JIT_VARYING;

	*ret_align = 0;
	if (all == JIT_TOP)
		return JIT_TOP;
	switch (in->op) {
	case SG_OP_SREG:
		return shape_sreg(f, in->sreg, ret_align);
	case SG_OP_MOV:
	case SG_OP_CVTA:
		*ret_align = in->op == SG_OP_MOV ? shape_align(f, &in->o[1]) : 0;
		return shape_of(f, &in->o[1]);
	case SG_OP_LD:
		return in->space == SG_SPACE_LOCAL ? JIT_VARYING : all;
	case SG_OP_VOTE:
		return in->o[2].kind == SG_OPND_REG ? JIT_VARYING : JIT_UNIFORM;
	case SG_OP_ACTIVEMASK:
	case SG_OP_LOCALADDR:
	case SG_OP_BAR:
		return JIT_UNIFORM;
	case SG_OP_ATOM:
	case SG_OP_SHFL:
	case SG_OP_MATCH:
	case SG_OP_REDUX:
	case SG_OP_ELECT:
		return JIT_VARYING;
	case SG_OP_SELP:
		return shape_selp(f, in);
	case SG_OP_CVT:
		s = shape_cvt(f, in, ret_align);
		break;
	default:
		s = shape_linear(f, in, ret_align);
		break;
	}
	/* An operation that is not linear keeps uniform values uniform. */
	return s == JIT_VARYING ? all : s;
}
