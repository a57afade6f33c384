/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Basic blocks, and the order in which lanes run them.
 *
 * The order is a weak topological one (Bourdoncle, 1993): strongly connected
 * components in topological order, each with its header first and the rest of
 * it ordered in the same way without the edges to the header. So a loop is one
 * run of blocks, and what lies behind it comes behind all of it. Where several
 * edges go back to a header, a latch is put at the end of the component: lanes
 * that are through with an iteration wait there for the others.
 */
#include <stdlib.h>
#include <string.h>

#include "softgpu/jit/ir.h"

struct order {
	struct jit_func *f;
	uint32_t *block_of;	/* instruction to block, JIT_NONE inside one */
	uint32_t *dfn;		/* Bourdoncle's numbering */
	uint32_t *stack, depth;
	uint32_t num;
	uint32_t *list, n;	/* the order, backwards: blocks and marks */
	uint32_t *back;		/* back edges to each block */
};

/* A mark in the list: the end of the component whose header is in the rest. */
#define ORDER_END 0x80000000u

static bool order_ends_block(const struct sg_insn *in)
{
	return jit_is_branch(in) || jit_is_exit(in) || in->op == SG_OP_BAR || in->op == SG_OP_TRAP;
}

static bool order_split(struct order *o)
{
	struct jit_func *f = o->f;
	const struct sg_func *k = f->rq->prog->funcs[0];
	uint8_t *leader = calloc(f->ninsns + 1, 1);

	if (!leader)
		return false;
	memcpy(leader, k->leader, f->ninsns);
	for (uint32_t i = 0; i < f->ninsns; i++) {
		if (order_ends_block(&f->insns[i].in))
			leader[i + 1] = 1;
	}
	for (uint32_t i = 0; i < f->ninsns; i++)
		f->nblocks += leader[i];
	/* At most one latch for each block. */
	f->blocks = calloc(2 * f->nblocks + 1, sizeof(*f->blocks));
	f->succs = calloc(4 * f->nblocks + 2, sizeof(*f->succs));
	if (!f->blocks || !f->succs) {
		free(leader);
		return false;
	}
	for (uint32_t i = 0, b = 0; i < f->ninsns; i++) {
		o->block_of[i] = JIT_NONE;
		if (!leader[i])
			continue;
		if (b)
			f->blocks[b - 1].end = i;
		o->block_of[i] = b;
		f->blocks[b].first = i;
		f->blocks[b++].end = f->ninsns;
	}
	free(leader);
	return true;
}

static void order_succs(struct order *o)
{
	struct jit_func *f = o->f;

	for (uint32_t i = 0; i < f->nblocks; i++) {
		struct jit_block *b = &f->blocks[i];
		const struct sg_insn *last = jit_last(f, b);

		b->succ = &f->succs[2 * i];
		if (last->op == SG_OP_BRA) {
			b->succ[b->nsucc++] = o->block_of[last->target];
			/* Both ways to one place are one way. */
			if (last->guard != SG_NO_REG && i + 1 < f->nblocks && b->succ[0] != i + 1)
				b->succ[b->nsucc++] = i + 1;
		} else if ((!jit_is_exit(last) && last->op != SG_OP_TRAP) ||
			   last->guard != SG_NO_REG) {
			if (i + 1 < f->nblocks)
				b->succ[b->nsucc++] = i + 1;
		}
	}
}

static uint32_t order_visit(struct order *o, uint32_t v);

/* The component of @v, whose blocks are on the stack above it. */
static void order_component(struct order *o, uint32_t v)
{
	const struct jit_block *b = &o->f->blocks[v];

	o->list[o->n++] = v | ORDER_END;
	for (uint32_t i = 0; i < b->nsucc; i++) {
		if (!o->dfn[b->succ[i]])
			order_visit(o, b->succ[i]);
	}
	o->list[o->n++] = v;
}

static uint32_t order_visit(struct order *o, uint32_t v)
{
	const struct jit_block *b = &o->f->blocks[v];
	uint32_t head, min, w;
	bool loop = false;

	o->stack[o->depth++] = v;
	head = o->dfn[v] = ++o->num;
	for (uint32_t i = 0; i < b->nsucc; i++) {
		uint32_t s = b->succ[b->nsucc - 1 - i];

		min = o->dfn[s] ? o->dfn[s] : order_visit(o, s);
		if (min <= head) {
			head = min;
			loop = true;
		}
	}
	if (head != o->dfn[v])
		return head;
	o->dfn[v] = UINT32_MAX;
	w = o->stack[--o->depth];
	if (!loop) {
		o->list[o->n++] = v;
		return head;
	}
	for (; w != v; w = o->stack[--o->depth])
		o->dfn[w] = 0;
	order_component(o, v);
	return head;
}

/* Number blocks by the list, add latches, rewrite successors. */
static bool order_apply(struct order *o)
{
	struct jit_func *f = o->f;
	uint32_t n = 0, old = f->nblocks, *where = malloc(2 * old * sizeof(*where));
	struct jit_block *blocks = calloc(2 * old + 1, sizeof(*blocks));
	uint32_t *succs = calloc(4 * old + 2, sizeof(*succs));
	uint32_t *latch = where ? where + old : NULL;

	if (!where || !blocks || !succs) {
		free(where);
		free(blocks);
		free(succs);
		return false;
	}
	for (uint32_t i = 0; i < 2 * old; i++)
		where[i] = JIT_NONE;
	/* Positions first: a block is placed before its component's end. */
	for (uint32_t i = o->n; i-- > 0;) {
		uint32_t v = o->list[i] & ~ORDER_END;

		if (!(o->list[i] & ORDER_END)) {
			where[v] = n++;
			continue;
		}
		if (o->back[v] > 1)
			latch[v] = n++;
		blocks[where[v]].loop_end = n;
	}
	for (uint32_t v = 0; v < old; v++) {
		struct jit_block *b = where[v] == JIT_NONE ? NULL : &blocks[where[v]];

		if (!b)
			continue;
		b->first = f->blocks[v].first;
		b->end = f->blocks[v].end;
		b->nsucc = f->blocks[v].nsucc;
		b->succ = &succs[2 * where[v]];
		b->reached = true;
		for (uint32_t i = 0; i < b->nsucc; i++) {
			uint32_t s = f->blocks[v].succ[i];
			bool back = where[s] <= where[v];

			b->succ[i] = back && latch[s] != JIT_NONE ? latch[s] : where[s];
		}
		if (b->nsucc == 2 && b->succ[0] == b->succ[1])
			b->nsucc = 1;
		if (latch[v] == JIT_NONE)
			continue;
		b = &blocks[latch[v]];
		b->succ = &succs[2 * latch[v]];
		b->succ[b->nsucc++] = where[v];
		b->latch = b->reached = true;
	}
	free(where);
	free(f->blocks);
	free(f->succs);
	f->blocks = blocks;
	f->succs = succs;
	f->nblocks = n;
	return true;
}

static void order_loops(struct jit_func *f)
{
	for (uint32_t i = 0; i < f->nblocks; i++)
		f->blocks[i].header = JIT_NONE;
	for (uint32_t i = 0; i < f->nblocks; i++) {
		for (uint32_t k = i; k < f->blocks[i].loop_end; k++)
			f->blocks[k].header = i;
	}
	for (uint32_t i = 0; i < f->nblocks; i++) {
		for (uint32_t s = 0; s < f->blocks[i].nsucc; s++) {
			uint32_t to = f->blocks[i].succ[s], h = f->blocks[to].header;

			/* Into a loop from outside, past its header. */
			if (to > i && h != JIT_NONE && h != to && i < h)
				f->irreducible = true;
		}
	}
}

static void order_count_back(struct order *o)
{
	struct jit_func *f = o->f;
	uint32_t *at = o->dfn;	/* free by now: positions */

	for (uint32_t i = 0; i < f->nblocks; i++)
		at[i] = JIT_NONE;
	for (uint32_t i = o->n, n = 0; i-- > 0;) {
		if (!(o->list[i] & ORDER_END))
			at[o->list[i]] = n++;
	}
	for (uint32_t v = 0; v < f->nblocks; v++) {
		for (uint32_t i = 0; at[v] != JIT_NONE && i < f->blocks[v].nsucc; i++)
			o->back[f->blocks[v].succ[i]] += at[f->blocks[v].succ[i]] <= at[v];
	}
}

/**
 * jit_order() - Make blocks and order them
 * @f:		flattened
 *
 * Return: false with a reason, or without one when out of memory.
 */
bool jit_order(struct jit_func *f)
{
	struct order o = { .f = f };
	bool ok = false;

	o.block_of = calloc(f->ninsns + 1, sizeof(*o.block_of));
	if (!o.block_of || !order_split(&o))
		goto out;
	if (f->nblocks > JIT_MAX_BLOCKS) {
		jit_refuse(f, "%u basic blocks: too many", f->nblocks);
		goto out;
	}
	order_succs(&o);
	o.dfn = calloc(f->nblocks, sizeof(*o.dfn));
	o.stack = calloc(f->nblocks + 1, sizeof(*o.stack));
	o.list = calloc(2 * f->nblocks + 2, sizeof(*o.list));
	o.back = calloc(f->nblocks, sizeof(*o.back));
	if (!o.dfn || !o.stack || !o.list || !o.back)
		goto out;
	order_visit(&o, 0);
	order_count_back(&o);
	ok = order_apply(&o);
	if (ok)
		order_loops(f);
out:
	free(o.block_of);
	free(o.dfn);
	free(o.stack);
	free(o.list);
	free(o.back);
	return ok;
}
