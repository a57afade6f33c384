/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of all registers, and which of them cannot be kept as scalars because
 * lanes part.
 *
 * Where lanes part at a branch, until they meet again (the immediate
 * post-dominator, if the order of blocks puts it behind all that lies between):
 * a register that one side writes is no scalar if the other side wants the old
 * value, or if a place both sides can reach wants either.
 */
#include <stdlib.h>
#include <string.h>

#include "softgpu/jit/shape.h"

struct diverge {
	struct jit_func *f;
	uint64_t *defs;		/* [block]: registers it writes */
	uint8_t *seen;		/* bit per side of the branch at hand */
	uint32_t *stack;
	uint64_t *written;	/* by one side */
	bool *done;		/* branch looked at */
	bool changed;
};

static void diverge_raise(struct diverge *d, uint32_t reg, uint16_t shape, uint32_t align)
{
	struct jit_func *f = d->f;
	uint16_t *s = &f->shape[reg];
	uint16_t next = *s == JIT_TOP || *s == shape ? shape : JIT_VARYING;

	if (shape == JIT_TOP)
		return;
	/* Predicates have no arithmetic: a pattern would make no sense. */
	if (next != *s) {
		*s = next;
		d->changed = true;
	}
	if (align < f->align[reg]) {
		f->align[reg] = align;
		d->changed = true;
	}
}

struct diverge_def {
	struct diverge *d;
	uint16_t shape;
	uint32_t align;
};

static void diverge_def(void *arg, uint32_t reg)
{
	struct diverge_def *x = arg;

	diverge_raise(x->d, reg, x->shape, x->align);
}

static void diverge_insn(struct diverge *d, const struct sg_insn *in)
{
	struct jit_func *f = d->f;
	struct diverge_def x = { .d = d };

	x.shape = jit_shape_result(f, in, &x.align);
	x.align = cw_min(x.align, 63u);
	if (in->guard != SG_NO_REG && f->shape[in->guard] == JIT_VARYING)
		x.shape = JIT_VARYING;
	if (in->guard != SG_NO_REG && f->shape[in->guard] == JIT_TOP)
		return;
	/*
	 * Carries are not worth a scalar form. The condition code is an operand
	 * of what only writes it, so its shape must not wait for itself.
	 */
	if ((in->flags & SG_F_CC) || in->op == SG_OP_ADDC || in->op == SG_OP_SUBC ||
	    in->op == SG_OP_MADC)
		x.shape = JIT_VARYING;
	jit_defs(in, diverge_def, &x);
}

static void diverge_note_def(void *arg, uint32_t reg)
{
	jit_set_bit(arg, reg);
}

/* Blocks reachable from @from without passing @stop; marks them with @bit. */
static void diverge_walk(struct diverge *d, uint32_t from, uint32_t stop, uint8_t bit)
{
	struct jit_func *f = d->f;
	uint32_t n = 0;

	if (!(d->seen[from] & bit))
		d->stack[n++] = from;
	d->seen[from] |= bit;
	while (n) {
		uint32_t i = d->stack[--n];

		if (i == stop)
			continue;
		for (uint32_t s = 0; s < f->blocks[i].nsucc; s++) {
			uint32_t to = f->blocks[i].succ[s];

			if (d->seen[to] & bit)
				continue;
			d->seen[to] |= bit;
			d->stack[n++] = to;
		}
	}
}

/* Registers in both sets become vectors. */
static void diverge_force(struct diverge *d, const uint64_t *a, const uint64_t *b)
{
	for (uint32_t w = 0; w < d->f->reg_words; w++) {
		for (uint64_t m = a[w] & b[w]; m; m &= m - 1)
			diverge_raise(d, 64 * w + __builtin_ctzll(m), JIT_VARYING, 0);
	}
}

static void diverge_branch(struct diverge *d, uint32_t at)
{
	struct jit_func *f = d->f;
	const struct jit_block *b = &f->blocks[at];
	uint32_t stop = b->ipdom, words = f->reg_words;

	for (int again = 0; again < 2; again++) {
		memset(d->seen, 0, f->nblocks);
		for (uint32_t s = 0; s < b->nsucc; s++)
			diverge_walk(d, b->succ[s], stop, 1 << s);
		/* The order must bring them together there. */
		for (uint32_t i = 0; i < f->nblocks && stop < f->nblocks; i++) {
			if (d->seen[i] && i > stop)
				stop = f->nblocks;
		}
		if (stop == b->ipdom)
			break;
	}
	for (uint32_t s = 0; s < b->nsucc; s++) {
		memset(d->written, 0, words * sizeof(uint64_t));
		for (uint32_t i = 0; i < f->nblocks; i++) {
			if (!(d->seen[i] & 1 << s) || i == stop)
				continue;
			for (uint32_t w = 0; w < words; w++)
				d->written[w] |= d->defs[(size_t)i * words + w];
		}
		for (uint32_t i = 0; i < f->nblocks; i++) {
			bool other = b->nsucc == 2 && i == b->succ[!s];

			if (d->seen[i] == 3 || other)
				diverge_force(d, d->written, f->live_in + (size_t)i * words);
		}
	}
}

static bool diverge_alloc(struct diverge *d)
{
	struct jit_func *f = d->f;

	f->shape = malloc(f->nregs * sizeof(*f->shape));
	f->align = malloc(f->nregs);
	f->patterns = calloc(JIT_MAX_PATTERNS, sizeof(*f->patterns));
	d->defs = calloc((size_t)f->nblocks * f->reg_words, sizeof(uint64_t));
	d->seen = calloc(f->nblocks, 1);
	d->stack = calloc(f->nblocks + 1, sizeof(uint32_t));
	d->written = calloc(f->reg_words, sizeof(uint64_t));
	d->done = calloc(f->nblocks, sizeof(bool));
	return f->shape && f->align && f->patterns && d->defs && d->seen && d->stack &&
	       d->written && d->done;
}

/* Work per divergent branch is blocks times registers: bounded, or all varies. */
static bool diverge_too_much(const struct jit_func *f)
{
	return (uint64_t)f->nblocks * f->nblocks * f->reg_words > 400000000u;
}

static void diverge_solve(struct diverge *d)
{
	struct jit_func *f = d->f;

	do {
		d->changed = false;
		for (uint32_t i = 0; i < f->nblocks; i++) {
			const struct jit_block *b = &f->blocks[i];

			for (uint32_t k = b->first; k < b->end; k++)
				diverge_insn(d, &f->insns[k].in);
			if (d->done[i] || !jit_diverges(f, b))
				continue;
			d->done[i] = true;
			d->changed = true;
			if (b->nsucc > 1)
				diverge_branch(d, i);
		}
	} while (d->changed);
}

/**
 * jit_shapes() - Fill in shape and align
 * @f:		with live_in
 *
 * Return: false when out of memory.
 */
bool jit_shapes(struct jit_func *f)
{
	struct diverge d = { .f = f };
	bool ok = diverge_alloc(&d) && jit_post_dominators(f);

	if (ok) {
		f->npatterns = 1;
		for (uint32_t r = 0; r < f->nregs; r++) {
			f->shape[r] = f->irreducible || diverge_too_much(f) ? JIT_VARYING : JIT_TOP;
			f->align[r] = 63;
		}
		for (uint32_t i = 0; i < f->nblocks; i++) {
			for (uint32_t k = f->blocks[i].first; k < f->blocks[i].end; k++)
				jit_defs(&f->insns[k].in, diverge_note_def,
					 d.defs + (size_t)i * f->reg_words);
		}
		diverge_solve(&d);
		/* Read but never written: any value will do. */
		for (uint32_t r = 0; r < f->nregs; r++) {
			if (f->shape[r] == JIT_TOP)
				f->shape[r] = JIT_UNIFORM;
		}
		f->shape[f->rq->prog->funcs[0]->frame_reg] = JIT_UNIFORM;
	}
	free(d.defs);
	free(d.seen);
	free(d.stack);
	free(d.written);
	free(d.done);
	return ok;
}
