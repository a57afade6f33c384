/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations between the lanes of a warp (ISA 9.0, 9.7.9.6 to .7 and 9.7.13).
 * A .sync form first meets its members (sg_group_sync); what an operation reads
 * from a lane that does not take part is whatever its register holds.
 */
#include "softgpu/interp/handlers.h"

#define ROW(T, at) ((T *)(w->rf + (at)))

/*
 * Meet, then give the lanes that run the instruction now. members: row of
 * masks, 0 for the forms without .sync. Zero lanes: return *ret_next.
 */
static uint32_t warp_meet(struct sg_warp *w, const struct sg_code *c, uint32_t members,
			  const struct sg_code **ret_next)
{
	uint32_t lanes = sg_active(w, c);

	*ret_next = c + 1;
	if (!lanes || !members)
		return lanes;
	if (!sg_group_sync(w, c, ROW(uint32_t, members), ret_next))
		return 0;
	return sg_active(w, c);
}

static void warp_set_pred(struct sg_warp *w, uint32_t at, uint32_t lanes, uint32_t value)
{
	uint32_t *p = ROW(uint32_t, at);

	*p = (*p & ~lanes) | (value & lanes);
}

/* Source lane and whether it is in range (ISA 9.0, 9.7.9.6, the pseudo code). */
static uint32_t shfl_source(enum sg_sub mode, uint32_t lane, uint32_t b, uint32_t c, bool *ret_ok)
{
	uint32_t clamp = c & 31, segment = c >> 8 & 31, offset = b & 31;
	uint32_t max = (lane & segment) | (clamp & ~segment);
	uint32_t min = lane & segment;
	int32_t j;

	switch (mode) {
	case SG_SUB_UP:
		j = (int32_t)lane - (int32_t)offset;
		*ret_ok = j >= (int32_t)max;
		break;
	case SG_SUB_DOWN:
		j = lane + offset;
		*ret_ok = j <= (int32_t)max;
		break;
	case SG_SUB_BFLY:
		j = lane ^ offset;
		*ret_ok = j <= (int32_t)max;
		break;
	default:
		j = min | (offset & ~segment);
		*ret_ok = j <= (int32_t)max;
		break;
	}
	return *ret_ok ? (uint32_t)j & 31 : lane;
}

/* a: value, b: lane or offset, c: clamp and segment; imm: members; e: predicate */
const struct sg_code *sg_h_shfl(struct sg_warp *w, const struct sg_code *c)
{
	const struct sg_code *next;
	uint32_t lanes = warp_meet(w, c, (uint32_t)c->imm, &next);
	uint32_t values[SG_LANES], ok = 0;
	const uint32_t *b = ROW(uint32_t, c->b), *seg = ROW(uint32_t, c->c);

	memcpy(values, ROW(uint32_t, c->a), sizeof(values));
	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);
		bool in;
		uint32_t from = shfl_source(c->n, lane, b[lane], seg[lane], &in);

		ROW(uint32_t, c->d)[lane] = values[from];
		ok |= (uint32_t)in << lane;
	}
	if (lanes)
		warp_set_pred(w, c->e, lanes, ok);
	return next;
}

/* a: predicate, gxor of the source in b (0 or ~0 as imm high); imm: members */
const struct sg_code *sg_h_vote(struct sg_warp *w, const struct sg_code *c)
{
	const struct sg_code *next;
	uint32_t lanes = warp_meet(w, c, (uint32_t)c->imm, &next);
	uint32_t p = *ROW(uint32_t, c->a);
	uint32_t among = lanes;

	/* Lanes of one mask vote together; tiles have different masks. */
	for (uint32_t left = lanes; left; left &= ~among) {
		uint32_t members = c->imm ? ROW(uint32_t, c->imm)[__builtin_ctz(left)] : lanes;
		uint32_t yes, v;

		among = (members & left) | (left & -left);
		yes = p & among;
		switch (c->n) {
		case SG_SUB_BALLOT:
			for (uint32_t m = among; m; m &= m - 1)
				ROW(uint32_t, c->d)[__builtin_ctz(m)] = yes;
			continue;
		case SG_SUB_ALL:
			v = yes == among;
			break;
		case SG_SUB_ANY:
			v = yes != 0;
			break;
		default:
			v = yes == among || !yes;
			break;
		}
		warp_set_pred(w, c->d, among, v ? SG_ALL : 0);
	}
	return next;
}

static uint64_t match_value(struct sg_warp *w, const struct sg_code *c, uint32_t lane)
{
	return sg_type_size(c->insn->type) == 8 ? ROW(uint64_t, c->a)[lane] :
						  ROW(uint32_t, c->a)[lane];
}

/* a: value; imm: members; e: predicate */
const struct sg_code *sg_h_match(struct sg_warp *w, const struct sg_code *c)
{
	const struct sg_code *next;
	uint32_t lanes = warp_meet(w, c, (uint32_t)c->imm, &next);
	uint32_t same[SG_LANES], ok = 0;

	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);
		uint32_t members = ROW(uint32_t, c->imm)[lane] & lanes;
		uint64_t v = match_value(w, c, lane);

		same[lane] = 0;
		for (uint32_t o = members; o; o &= o - 1) {
			uint32_t other = __builtin_ctz(o);

			same[lane] |= (uint32_t)(match_value(w, c, other) == v) << other;
		}
		if (c->n == SG_SUB_ALL) {
			bool all = same[lane] == members;

			same[lane] = all ? members : 0;
			ok |= (uint32_t)all << lane;
		}
	}
	for (uint32_t m = lanes; m; m &= m - 1)
		ROW(uint32_t, c->d)[__builtin_ctz(m)] = same[__builtin_ctz(m)];
	if (lanes && c->n == SG_SUB_ALL)
		warp_set_pred(w, c->e, lanes, ok);
	return next;
}

const struct sg_code *sg_h_activemask(struct sg_warp *w, const struct sg_code *c)
{
	uint32_t lanes = sg_active(w, c);

	for (uint32_t m = lanes; m; m &= m - 1)
		ROW(uint32_t, c->d)[__builtin_ctz(m)] = lanes;
	return c + 1;
}

static uint32_t redux_f32(enum sg_sub sub, uint32_t x, uint32_t y)
{
	float a, b;

	memcpy(&a, &x, sizeof(a));
	memcpy(&b, &y, sizeof(b));
	if (a != a)
		return y;
	if (b != b)
		return x;
	if (a == b)
		return sub == SG_SUB_MIN ? x | y : x & y;
	return (sub == SG_SUB_MIN) == (a < b) ? x : y;
}

static uint32_t redux_step(const struct sg_insn *in, uint32_t x, uint32_t y)
{
	bool less = in->type == SG_S32 ? (int32_t)x < (int32_t)y : x < y;

	if (in->type == SG_F32)
		return redux_f32(in->sub, x, y);
	switch ((enum sg_sub)in->sub) {
	case SG_SUB_ADD:
		return x + y;
	case SG_SUB_MIN:
		return less ? x : y;
	case SG_SUB_MAX:
		return less ? y : x;
	case SG_SUB_AND:
		return x & y;
	case SG_SUB_OR:
		return x | y;
	default:
		return x ^ y;
	}
}

/* a: value; imm: members */
const struct sg_code *sg_h_redux(struct sg_warp *w, const struct sg_code *c)
{
	const struct sg_code *next;
	uint32_t lanes = warp_meet(w, c, (uint32_t)c->imm, &next);
	uint32_t among;

	for (uint32_t left = lanes; left; left &= ~among) {
		uint32_t first = __builtin_ctz(left), sum;
		uint32_t rest;

		among = (ROW(uint32_t, c->imm)[first] & left) | 1u << first;
		sum = ROW(uint32_t, c->a)[first];
		for (rest = among & (among - 1); rest; rest &= rest - 1)
			sum = redux_step(c->insn, sum, ROW(uint32_t, c->a)[__builtin_ctz(rest)]);
		for (rest = among; rest; rest &= rest - 1)
			ROW(uint32_t, c->d)[__builtin_ctz(rest)] = sum;
	}
	return next;
}

/* imm: members; d: elected lane; e: predicate */
const struct sg_code *sg_h_elect(struct sg_warp *w, const struct sg_code *c)
{
	const struct sg_code *next;
	uint32_t lanes = warp_meet(w, c, (uint32_t)c->imm, &next);

	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);
		uint32_t members = (ROW(uint32_t, c->imm)[lane] & lanes) | 1u << lane;
		uint32_t leader = __builtin_ctz(members);

		ROW(uint32_t, c->d)[lane] = leader;
		warp_set_pred(w, c->e, 1u << lane, leader == lane ? SG_ALL : 0);
	}
	return next;
}

const struct sg_code *sg_h_bar_warp(struct sg_warp *w, const struct sg_code *c)
{
	const struct sg_code *next;

	warp_meet(w, c, (uint32_t)c->imm, &next);
	return next;
}
