/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of lanes: who runs next, who waits for whom. See exec.h.
 *
 * Order: the deepest call first (its caller's lanes wait behind the call), then
 * the lowest address. That order alone would let a lane spin for ever on a lock
 * whose holder is at a higher address, so a group that runs too many blocks
 * while others are ready loses its turn to the one that has waited longest,
 * which then runs out of order until it merges, waits, or has used as many.
 */
#include "softgpu/interp/exec.h"

/* Blocks a group may run while others are ready: when it spins, and when not. */
#define GROUP_PATIENCE_SPIN 64
#define GROUP_PATIENCE (1u << 20)

static bool group_before(uint32_t depth, const struct sg_code *pc, uint32_t other_depth,
			 const struct sg_code *other_pc)
{
	return depth != other_depth ? depth > other_depth : pc < other_pc;
}

/* Recompute what the block handler compares with. */
void sg_group_update(struct sg_warp *w)
{
	w->best_pc = NULL;
	w->best_depth = 0;
	for (uint32_t i = 0; i < w->npending; i++) {
		const struct sg_group *g = &w->groups[i];

		if (g->state != SG_GROUP_READY)
			continue;
		if (!w->best_pc || group_before(g->depth, g->pc, w->best_depth, w->best_pc)) {
			w->best_pc = g->pc;
			w->best_depth = g->depth;
		}
	}
}

static void group_remove(struct sg_warp *w, uint32_t i)
{
	w->groups[i] = w->groups[--w->npending];
}

void sg_group_add(struct sg_warp *w, uint32_t mask, const struct sg_code *pc, uint32_t depth,
		  enum sg_group_state state)
{
	struct sg_group *g;

	for (uint32_t i = 0; i < w->npending; i++) {
		g = &w->groups[i];
		if (state == SG_GROUP_READY && g->state == SG_GROUP_READY && g->pc == pc &&
		    g->depth == depth) {
			g->mask |= mask;
			return;
		}
	}
	/* Groups are disjoint and not empty: at most 31 besides the current. */
	g = &w->groups[w->npending++];
	*g = (struct sg_group){
		.mask = mask, .depth = depth, .pc = pc, .state = state, .stamp = ++w->clock,
	};
	sg_group_update(w);
}

static const struct sg_code *group_take(struct sg_warp *w, uint32_t i)
{
	struct sg_group g = w->groups[i];

	group_remove(w, i);
	w->depth = g.depth;
	w->patience = GROUP_PATIENCE;
	w->spinning = false;
	sg_set_mask(w, g.mask);
	sg_group_update(w);
	return g.pc;
}

static int group_best(const struct sg_warp *w, enum sg_group_state state)
{
	int best = -1;

	for (uint32_t i = 0; i < w->npending; i++) {
		const struct sg_group *g = &w->groups[i];

		if (g->state != state)
			continue;
		if (best < 0 || group_before(g->depth, g->pc, w->groups[best].depth,
					     w->groups[best].pc))
			best = i;
	}
	return best;
}

/* All that is left waits at barriers: does the warp as a whole arrive? */
static const struct sg_code *group_all_at_barrier(struct sg_warp *w)
{
	w->mask = 0;
	w->why = SG_WHY_BARRIER;
	w->pc = NULL;
	sg_barrier_warp_arrive(w, w->groups[0].barrier);
	/* The last warp to arrive releases itself: go on at once. */
	if (group_best(w, SG_GROUP_READY) >= 0)
		return sg_group_next(w);
	return NULL;
}

/**
 * sg_group_next() - Choose another group: the current one is gone or waits
 * @w:		warp; its mask is void
 *
 * Return: where to go on, NULL where the warp is done or waits for others.
 */
const struct sg_code *sg_group_next(struct sg_warp *w)
{
	int i = group_best(w, SG_GROUP_READY);

	w->forced = false;
	if (i >= 0)
		return group_take(w, i);
	if (!w->npending) {
		w->mask = 0;
		w->why = SG_WHY_DONE;
		return NULL;
	}
	/*
	 * Lanes that wait for members which can never come, because those are
	 * at a barrier or wait themselves: undefined in CUDA, and hardware goes
	 * on with who is there. So do we.
	 */
	i = group_best(w, SG_GROUP_SYNC);
	if (i >= 0) {
		const struct sg_code *pc = group_take(w, i);

		w->forced = true;
		return pc;
	}
	return group_all_at_barrier(w);
}

/* The one that has not run for longest; there is at least one READY. */
static uint32_t group_oldest(const struct sg_warp *w)
{
	uint32_t best = SG_LANES;

	for (uint32_t i = 0; i < w->npending; i++) {
		if (w->groups[i].state == SG_GROUP_READY &&
		    (best == SG_LANES || w->groups[i].stamp < w->groups[best].stamp))
			best = i;
	}
	return best;
}

static const struct sg_code *group_give_way(struct sg_warp *w, const struct sg_code *c)
{
	uint32_t mask = w->mask, depth = w->depth;
	uint32_t i = group_oldest(w);
	const struct sg_code *pc = group_take(w, i);

	sg_group_add(w, mask, c, depth, SG_GROUP_READY);
	w->forced = true;
	w->patience = GROUP_PATIENCE_SPIN;
	return pc;
}

/* Some group is ready and there is reason to look: merge, switch or go on. */
static const struct sg_code *group_at_block(struct sg_warp *w, const struct sg_code *c)
{
	for (uint32_t i = 0; i < w->npending; i++) {
		struct sg_group *g = &w->groups[i];

		if (g->state != SG_GROUP_READY || g->pc != c || g->depth != w->depth)
			continue;
		w->mask |= g->mask;
		group_remove(w, i);
		w->forced = false;
		sg_set_mask(w, w->mask);
		sg_group_update(w);
		if (!w->best_pc)
			return c + 1;
		break;
	}
	if (w->spinning && w->patience > GROUP_PATIENCE_SPIN)
		w->patience = GROUP_PATIENCE_SPIN;
	if (!w->best_pc)
		return c + 1;
	if (!w->patience--)
		return group_give_way(w, c);
	if (!w->forced && group_before(w->best_depth, w->best_pc, w->depth, c)) {
		uint32_t mask = w->mask, depth = w->depth, patience = w->patience;
		bool spinning = w->spinning;
		const struct sg_code *pc = group_take(w, group_best(w, SG_GROUP_READY));

		/* Patience is the loop's, not the group's: it does not start anew. */
		w->patience = patience;
		w->spinning = spinning;
		sg_group_add(w, mask, c, depth, SG_GROUP_READY);
		return pc;
	}
	return c + 1;
}

/* Start of a basic block of c->n instructions. */
const struct sg_code *sg_h_block(struct sg_warp *w, const struct sg_code *c)
{
	w->lane_insns += (uint64_t)c->n * __builtin_popcount(w->mask);
	w->budget -= c->n;
	if (__builtin_expect(w->budget < 0, 0)) {
		w->pc = c;
		w->why = SG_WHY_YIELD;
		return NULL;
	}
	if (__builtin_expect(w->best_pc != NULL, 0)) {
		const struct sg_code *next = group_at_block(w, c);

		/* A switch lands at the start of the other one's block: enter it. */
		return next;
	}
	return c + 1;
}

const struct sg_code *sg_group_split(struct sg_warp *w, uint32_t taken,
				     const struct sg_code *target, const struct sg_code *next)
{
	uint32_t rest = w->mask & ~taken;

	if (!rest)
		return target;
	if (!taken)
		return next;
	if (target < next) {
		sg_set_mask(w, taken);
		sg_group_add(w, rest, next, w->depth, SG_GROUP_READY);
		return target;
	}
	sg_set_mask(w, rest);
	sg_group_add(w, taken, target, w->depth, SG_GROUP_READY);
	return next;
}

/* Lanes that wait at this very instruction join the current group. */
static void group_collect(struct sg_warp *w, const struct sg_code *c)
{
	for (uint32_t i = 0; i < w->npending;) {
		struct sg_group *g = &w->groups[i];

		if (g->state != SG_GROUP_SYNC || g->pc != c || g->depth != w->depth) {
			i++;
			continue;
		}
		w->mask |= g->mask;
		group_remove(w, i);
	}
	sg_set_mask(w, w->mask);
}

bool sg_group_sync(struct sg_warp *w, const struct sg_code *c, const uint32_t *members,
		   const struct sg_code **ret_next)
{
	uint32_t active, ok = 0;

	if (!w->npending)	/* nobody is elsewhere */
		return true;
	group_collect(w, c);
	active = sg_active(w, c);
	for (uint32_t m = active; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);

		if (!(members[lane] & w->live & ~active))
			ok |= 1u << lane;
	}
	if (ok == active || w->forced) {
		sg_group_update(w);
		return true;
	}
	/* Those whose members are here go on; the others wait. */
	sg_group_add(w, active & ~ok, c, w->depth, SG_GROUP_SYNC);
	w->mask &= ~(active & ~ok);
	if (w->mask) {
		sg_set_mask(w, w->mask);
		sg_group_update(w);
		return true;
	}
	*ret_next = sg_group_next(w);
	return false;
}

void sg_warp_exit(struct sg_warp *w, uint32_t lanes)
{
	w->live &= ~lanes;
	sg_set_mask(w, w->mask & ~lanes);
	/* Whoever waited for these lanes looks again. */
	for (uint32_t i = 0; i < w->npending; i++) {
		if (w->groups[i].state == SG_GROUP_SYNC)
			w->groups[i].state = SG_GROUP_READY;
	}
	sg_group_update(w);
}
