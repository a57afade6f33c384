/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which registers are live at the start of each block, per lane; and where
 * lanes may be waiting while a block runs.
 */
#include <stdlib.h>
#include <string.h>

#include "softgpu/jit/ir.h"

struct live {
	uint64_t *use, *def;	/* of one block, in its order */
	bool guarded;
};

static void live_use(void *arg, uint32_t reg)
{
	struct live *l = arg;

	if (!jit_bit(l->def, reg))
		jit_set_bit(l->use, reg);
}

static void live_def(void *arg, uint32_t reg)
{
	struct live *l = arg;

	/* Lanes whose guard is off keep the old value. */
	if (l->guarded)
		live_use(arg, reg);
	else
		jit_set_bit(l->def, reg);
}

static bool live_meet(struct jit_func *f, uint32_t i, const uint64_t *use, const uint64_t *def)
{
	const struct jit_block *b = &f->blocks[i];
	uint32_t words = f->reg_words;
	uint64_t *in = f->live_in + (size_t)i * words;
	bool changed = false;

	for (uint32_t w = 0; w < words; w++) {
		uint64_t out = 0, v;

		for (uint32_t s = 0; s < b->nsucc; s++)
			out |= f->live_in[(size_t)b->succ[s] * words + w];
		v = use[w] | (out & ~def[w]);
		changed |= v != in[w];
		in[w] = v;
	}
	return changed;
}

/**
 * jit_live() - Fill in live_in
 * @f:		ordered
 *
 * Return: false when out of memory.
 */
bool jit_live(struct jit_func *f)
{
	size_t size;
	uint64_t *sets;
	bool changed = true;

	f->reg_words = (f->nregs + 63) / 64;
	size = (size_t)f->nblocks * f->reg_words;
	f->live_in = calloc(size, sizeof(uint64_t));
	sets = calloc(2 * size, sizeof(uint64_t));
	if (!f->live_in || !sets) {
		free(sets);
		return false;
	}
	for (uint32_t i = 0; i < f->nblocks; i++) {
		struct live l = {
			.use = sets + 2 * (size_t)i * f->reg_words,
			.def = sets + (2 * (size_t)i + 1) * f->reg_words,
		};

		for (uint32_t k = f->blocks[i].first; k < f->blocks[i].end; k++) {
			const struct sg_insn *in = &f->insns[k].in;

			l.guarded = in->guard != SG_NO_REG;
			jit_uses(in, live_use, &l);
			jit_defs(in, live_def, &l);
		}
	}
	while (changed) {
		changed = false;
		for (uint32_t i = f->nblocks; i-- > 0;) {
			uint64_t *s = sets + 2 * (size_t)i * f->reg_words;

			changed |= live_meet(f, i, s, s + f->reg_words);
		}
	}
	free(sets);
	return true;
}

bool jit_diverges(const struct jit_func *f, const struct jit_block *b)
{
	const struct sg_insn *last = jit_last(f, b);

	if (!last || last->guard == SG_NO_REG || !jit_varying(f, last->guard))
		return false;
	return jit_is_exit(last) || (jit_is_branch(last) && b->nsucc > 1);
}

/*
 * Lanes may wait at the blocks of @set. Whichever of them runs next, those
 * behind it still wait then; @last: lanes are there for sure.
 */
static bool pend_flow(struct jit_func *f, const uint64_t *set, uint32_t last)
{
	bool changed = false;

	for (uint32_t j = 0; j < f->nblocks && j <= last; j++) {
		uint64_t *to = f->pend + (size_t)j * f->block_words;

		if (!jit_bit(set, j))
			continue;
		for (uint32_t w = j / 64; w < f->block_words; w++) {
			uint64_t v = set[w];

			if (w == j / 64)
				v &= j % 64 == 63 ? 0 : ~0ull << (j % 64 + 1);
			changed |= (v & ~to[w]) != 0;
			to[w] |= v;
		}
	}
	return changed;
}

static bool pend_block(struct jit_func *f, uint32_t i, uint64_t *set)
{
	const struct jit_block *b = &f->blocks[i];
	const uint64_t *from = f->pend + (size_t)i * f->block_words;
	size_t bytes = f->block_words * sizeof(uint64_t);
	bool changed = false;

	memcpy(set, from, bytes);
	if (!b->nsucc)
		return pend_flow(f, set, f->nblocks);
	if (jit_diverges(f, b)) {
		uint32_t last = 0;

		for (uint32_t s = 0; s < b->nsucc; s++) {
			jit_set_bit(set, b->succ[s]);
			last = b->succ[s] > last ? b->succ[s] : last;
		}
		/* An exit may leave nobody for its successor. */
		return pend_flow(f, set, b->nsucc == 1 ? f->nblocks : last);
	}
	for (uint32_t s = 0; s < b->nsucc; s++) {
		memcpy(set, from, bytes);
		jit_set_bit(set, b->succ[s]);
		changed |= pend_flow(f, set, b->succ[s]);
	}
	/* A uniform exit with a guard: all may be gone. */
	if (b->nsucc == 1 && jit_last(f, b) && jit_is_exit(jit_last(f, b))) {
		memcpy(set, from, bytes);
		changed |= pend_flow(f, set, f->nblocks);
	}
	return changed;
}

/**
 * jit_pending() - Fill in pend
 * @f:		with shapes
 *
 * Return: false when out of memory.
 */
bool jit_pending(struct jit_func *f)
{
	bool changed = true;
	uint64_t *set;

	f->block_words = (f->nblocks + 63) / 64;
	f->pend = calloc((size_t)f->nblocks * f->block_words, sizeof(uint64_t));
	set = calloc(f->block_words, sizeof(uint64_t));
	while (f->pend && set && changed) {
		changed = false;
		for (uint32_t i = 0; i < f->nblocks; i++)
			changed |= pend_block(f, i, set);
	}
	free(set);
	return f->pend && set;
}
