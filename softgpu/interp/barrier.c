/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 16 barriers of a block (ISA 9.0, 9.7.13.1). A warp arrives as a whole
 * when all its lanes that have not exited are there, and counts 32 threads. A
 * barrier without a count waits for the block: warps that have exited count as
 * arrived, else an early return would hang the rest.
 */
#include "softgpu/interp/handlers.h"

/* Results of bar.red for the lanes of one waiting group. */
static void barrier_give_result(struct sg_warp *w, const struct sg_group *g,
				const struct sg_barrier *bar)
{
	const struct sg_code *c = g->bar_code;
	const struct sg_insn *in = c->insn;

	if (in->sem != SG_SUB_RED)
		return;
	if (in->sub == SG_SUB_POPC) {
		uint32_t *d = (uint32_t *)(w->rf + c->d);

		for (uint32_t m = g->mask; m; m &= m - 1)
			d[__builtin_ctz(m)] = bar->popc;
	} else {
		uint32_t *d = (uint32_t *)(w->rf + c->d);
		bool v = in->sub == SG_SUB_AND ? bar->all : bar->any;

		*d = (*d & ~g->mask) | (v ? g->mask : 0);
	}
}

/* The same for a warp that runs compiled code. */
static void barrier_note_result(struct sg_warp *w, const struct sg_barrier *bar)
{
	switch ((enum sg_sub)w->jit_bar->insn->sub) {
	case SG_SUB_POPC:
		w->jit_value = bar->popc;
		break;
	case SG_SUB_AND:
		w->jit_value = bar->all;
		break;
	default:
		w->jit_value = bar->any;
		break;
	}
}

static void barrier_release(struct sg_block *b, uint32_t id)
{
	struct sg_barrier *bar = &b->bars[id];

	for (uint32_t m = bar->waiting; m; m &= m - 1) {
		struct sg_warp *w = &b->warps[__builtin_ctz(m)];

		if (w->compiled)
			barrier_note_result(w, bar);
		for (uint32_t i = 0; i < w->npending; i++) {
			struct sg_group *g = &w->groups[i];

			if (g->state != SG_GROUP_BARRIER || g->barrier != id)
				continue;
			barrier_give_result(w, g, bar);
			g->state = SG_GROUP_READY;
		}
		sg_group_update(w);
		w->why = SG_WHY_YIELD;
	}
	*bar = (struct sg_barrier){ .all = true };
}

static bool barrier_complete(const struct sg_block *b, const struct sg_barrier *bar)
{
	uint32_t all = b->nwarps * SG_LANES;
	uint32_t gone = b->done * SG_LANES;

	if (!bar->arrived)
		return false;
	/* With a count: also when nobody is left who could still arrive. */
	return bar->arrived + gone >= all || (bar->expected && bar->arrived >= bar->expected);
}

/* A warp has exited: that may complete what others wait at. */
void sg_barrier_recheck(struct sg_block *b)
{
	for (uint32_t id = 0; id < SG_BARRIERS; id++) {
		if (b->bars[id].waiting && barrier_complete(b, &b->bars[id]))
			barrier_release(b, id);
	}
}

void sg_barrier_warp_arrive(struct sg_warp *w, uint32_t id)
{
	struct sg_barrier *bar = &w->block->bars[id];

	bar->arrived += SG_LANES;
	bar->waiting |= 1u << w->index;
	w->barrier = id;
	if (barrier_complete(w->block, bar))
		barrier_release(w->block, id);
}

/* Predicates of lanes that have come to a bar.red. */
void sg_barrier_add(struct sg_barrier *bar, uint32_t lanes, uint32_t p)
{
	if (!bar->waiting && !bar->popc && !bar->any)
		bar->all = true;
	bar->popc += __builtin_popcount(p & lanes);
	bar->any |= (p & lanes) != 0;
	bar->all &= (p & lanes) == lanes;
}

static uint32_t barrier_lane_value(const struct sg_warp *w, uint32_t row, uint32_t lanes)
{
	return ((const uint32_t *)(w->rf + row))[__builtin_ctz(lanes)];
}

/* bar.sync, bar.red, bar.arrive. a: number, b: count or 0, c: predicate. */
const struct sg_code *sg_h_bar(struct sg_warp *w, const struct sg_code *c)
{
	uint32_t lanes = sg_active(w, c), id, p;
	struct sg_barrier *bar;
	struct sg_group *g;

	if (!lanes)
		return c + 1;
	id = barrier_lane_value(w, c->a, lanes);
	if (id >= SG_BARRIERS)
		return sg_raise_text(w, c, lanes, SG_FAULT_ILLEGAL_INSTRUCTION,
				     "barrier number above 15");
	bar = &w->block->bars[id];
	if (c->insn->o[2].kind != SG_OPND_SINK)
		bar->expected = (barrier_lane_value(w, c->b, lanes) + 31) & ~31u;
	if (c->insn->sem == SG_SUB_ARRIVE) {
		/* Counted once per warp: by the group with its first lane. */
		if (lanes & (w->live & -w->live))
			bar->arrived += SG_LANES;
		if (barrier_complete(w->block, bar))
			barrier_release(w->block, id);
		return c + 1;
	}
	p = *(const uint32_t *)(w->rf + c->c);
	sg_barrier_add(bar, lanes, p);
	/* Lanes whose guard is off go on behind it. */
	if (w->mask & ~lanes)
		sg_group_add(w, w->mask & ~lanes, c + 1, w->depth, SG_GROUP_READY);
	for (uint32_t i = 0; i < w->npending; i++) {
		g = &w->groups[i];
		if (g->state == SG_GROUP_BARRIER && g->bar_code == c && g->depth == w->depth) {
			g->mask |= lanes;
			return sg_group_next(w);
		}
	}
	sg_group_add(w, lanes, c + 1, w->depth, SG_GROUP_BARRIER);
	g = &w->groups[w->npending - 1];
	g->barrier = id;
	g->bar_code = c;
	return sg_group_next(w);
}
