/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Immediate post-dominators: where lanes that part at a branch meet again.
 */
#include <stdlib.h>
#include <string.h>

#include "softgpu/jit/ir.h"

static bool post_exits(const struct jit_func *f, const struct jit_block *b)
{
	const struct sg_insn *last = jit_last(f, b);

	return !b->nsucc || (last && (jit_is_exit(last) || last->op == SG_OP_TRAP));
}

static bool post_meet(const struct jit_func *f, uint64_t *sets, uint32_t i, uint32_t words)
{
	const struct jit_block *b = &f->blocks[i];
	uint64_t *set = sets + (size_t)i * words;
	bool changed = false;

	for (uint32_t w = 0; w < words; w++) {
		uint64_t v = post_exits(f, b) ? 0 : ~0ull;

		for (uint32_t s = 0; s < b->nsucc && !post_exits(f, b); s++)
			v &= sets[(size_t)b->succ[s] * words + w];
		if (w == i / 64)
			v |= 1ull << (i % 64);
		changed |= v != set[w];
		set[w] = v;
	}
	return changed;
}

/**
 * jit_post_dominators() - Fill in ipdom of every block
 * @f:		ordered
 *
 * Return: false when out of memory.
 */
bool jit_post_dominators(struct jit_func *f)
{
	uint32_t words = (f->nblocks + 63) / 64;
	uint64_t *sets = malloc((size_t)f->nblocks * words * sizeof(*sets));
	uint32_t *count = calloc(f->nblocks, sizeof(*count));
	bool changed = true;

	if (!sets || !count) {
		free(sets);
		free(count);
		return false;
	}
	memset(sets, 0xff, (size_t)f->nblocks * words * sizeof(*sets));
	while (changed) {
		changed = false;
		for (uint32_t i = f->nblocks; i-- > 0;)
			changed |= post_meet(f, sets, i, words);
	}
	for (uint32_t i = 0; i < f->nblocks; i++) {
		for (uint32_t w = 0; w < words; w++)
			count[i] += __builtin_popcountll(sets[(size_t)i * words + w]);
	}
	for (uint32_t i = 0; i < f->nblocks; i++) {
		f->blocks[i].ipdom = f->nblocks;
		for (uint32_t p = 0; p < f->nblocks; p++) {
			if (p != i && jit_bit(sets + (size_t)i * words, p) &&
			    count[p] + 1 == count[i])
				f->blocks[i].ipdom = p;
		}
	}
	free(sets);
	free(count);
	return true;
}
