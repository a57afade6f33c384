/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control flow: branches, calls, exit; and what moves registers about without
 * computing: pack, unpack, special registers.
 */
#include <stdlib.h>
#include <time.h>

#include "cw/util.h"
#include "softgpu/interp/handlers.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define ROW(T, at) ((T *)(w->rf + (at)))

const struct sg_code *sg_h_bra(struct sg_warp *w, const struct sg_code *c)
{
	uint32_t taken = sg_active(w, c);

	if (taken == w->mask)
		return c->target;
	if (!taken)
		return c + 1;
	return sg_group_split(w, taken, c->target, c + 1);
}

/* brx.idx: the lanes of one target at a time; the rest comes back here. */
const struct sg_code *sg_h_brx(struct sg_warp *w, const struct sg_code *c)
{
	const struct sg_exec *x = w->block->exec;
	const uint32_t *index = ROW(uint32_t, c->a);
	const struct sg_code *target;
	uint32_t lanes = sg_active(w, c), first, same = 0;

	if (!lanes)
		return c + 1;
	if (w->mask & ~lanes)
		sg_group_add(w, w->mask & ~lanes, c + 1, w->depth, SG_GROUP_READY);
	first = index[__builtin_ctz(lanes)];
	if (first >= c->insn->ntargets)
		return sg_raise(w, c, lanes, SG_FAULT_INVALID_PC, first);
	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);

		same |= (uint32_t)(index[lane] == first) << lane;
	}
	/* Decoding left the code index of each target in the table. */
	target = &x->code[((const uint32_t *)(uintptr_t)c->imm)[first]];
	if (lanes & ~same)
		sg_group_add(w, lanes & ~same, c, w->depth, SG_GROUP_READY);
	sg_set_mask(w, same);
	return target;
}

const struct sg_code *sg_h_exit(struct sg_warp *w, const struct sg_code *c)
{
	sg_warp_exit(w, sg_active(w, c));
	return w->mask ? c + 1 : sg_group_next(w);
}

const struct sg_code *sg_h_trap(struct sg_warp *w, const struct sg_code *c)
{
	uint32_t lanes = sg_active(w, c);

	if (!lanes)
		return c + 1;
	return sg_raise(w, c, lanes, SG_FAULT_TRAP, 0);
}

/* Row of return addresses of a call depth; NULL when out of memory. */
static const struct sg_code **ctl_ret_row(struct sg_warp *w, uint32_t depth)
{
	if (depth >= w->ret_depth) {
		uint32_t want = cw_max(w->ret_depth * 2, depth + 8);
		void *bigger = realloc(w->ret, (size_t)want * SG_LANES * sizeof(*w->ret));

		if (!bigger)
			return NULL;
		w->ret = bigger;
		w->ret_depth = want;
	}
	return w->ret + (size_t)depth * SG_LANES;
}

static void ctl_save_lane(const struct sg_warp *w, const struct sg_func_exec *f, uint32_t lane,
			  uint8_t *to)
{
	for (uint32_t i = 0; i < f->nrows; i++) {
		const struct sg_row *r = &f->rows[i];

		if (!r->size) {
			*to++ = *ROW(uint32_t, r->at) >> lane & 1;
			continue;
		}
		memcpy(to, w->rf + r->at + lane * r->size, r->size);
		to += r->size;
	}
}

static void ctl_restore_lane(struct sg_warp *w, const struct sg_func_exec *f, uint32_t lane,
			     const uint8_t *from)
{
	for (uint32_t i = 0; i < f->nrows; i++) {
		const struct sg_row *r = &f->rows[i];

		if (!r->size) {
			uint32_t *p = ROW(uint32_t, r->at);

			*p = (*p & ~(1u << lane)) | (uint32_t)*from++ << lane;
			continue;
		}
		memcpy(w->rf + r->at + lane * r->size, from, r->size);
		from += r->size;
	}
}

/* The registers of a function that may be active already, lane by lane. */
static bool ctl_save(struct sg_warp *w, const struct sg_func_exec *f, uint32_t lanes)
{
	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);
		struct sg_save *s = &w->save[lane];

		if (s->len + f->save_bytes > s->cap) {
			uint32_t want = s->cap * 2 + f->save_bytes;
			uint8_t *bigger = want > 16u << 20 ? NULL : realloc(s->data, want);

			if (!bigger)
				return false;
			s->data = bigger;
			s->cap = want;
		}
		ctl_save_lane(w, f, lane, s->data + s->len);
		s->len += f->save_bytes;
	}
	return true;
}

static void ctl_restore(struct sg_warp *w, const struct sg_func_exec *f, uint32_t lanes)
{
	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);
		struct sg_save *s = &w->save[lane];

		s->len -= f->save_bytes;
		ctl_restore_lane(w, f, lane, s->data + s->len);
	}
}

static void ctl_copy(struct sg_warp *w, uint32_t lanes, const uint32_t *caller_frame,
		     uint32_t caller_size, const struct sg_call *call, bool in)
{
	const struct sg_call_copy *list = in ? call->in : call->out;
	uint32_t n = in ? call->nin : call->nout;

	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);
		uint8_t *caller = w->local + (size_t)lane * w->block->local_size +
				  caller_frame[lane];
		uint8_t *callee = caller + caller_size;

		for (uint32_t i = 0; i < n; i++) {
			uint8_t *x = caller + list[i].caller, *y = callee + list[i].callee;

			memcpy(in ? y : x, in ? x : y, list[i].size);
		}
	}
}

/* Enter a function with @lanes; caller's frames are in row @frame. */
static const struct sg_code *ctl_enter(struct sg_warp *w, const struct sg_code *c,
				       const struct sg_func_exec *f, uint32_t lanes)
{
	const struct sg_call *call = c->insn->call;
	uint32_t caller_size = c->n, frames[SG_LANES];
	const struct sg_code **ret;
	uint32_t *callee_frame = ROW(uint32_t, f->frame_row);

	memcpy(frames, ROW(uint32_t, c->e), sizeof(frames));
	if (w->depth + 1 >= w->block->exec->max_depth)
		return sg_raise_text(w, c, lanes, SG_FAULT_STACK, "calls nested too deeply");
	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);

		if ((uint64_t)frames[lane] + caller_size + cw_max(f->f->frame, call->param_bytes) >
		    w->block->local_size)
			return sg_raise_text(w, c, lanes, SG_FAULT_STACK, "stack overflow");
	}
	ret = ctl_ret_row(w, w->depth + 1);
	if (!ret || (f->f->recursive && !ctl_save(w, f, lanes)))
		return sg_raise_text(w, c, lanes, SG_FAULT_STACK, "no memory for the stack");
	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);

		ret[lane] = c + 1;
		callee_frame[lane] = frames[lane] + caller_size;
	}
	ctl_copy(w, lanes, frames, caller_size, call, true);
	w->depth++;
	sg_set_mask(w, lanes);
	/* The others sleep behind the call; they are less deep, so we go first. */
	sg_group_update(w);
	return f->start;
}

const struct sg_code *sg_h_call(struct sg_warp *w, const struct sg_code *c)
{
	uint32_t lanes = sg_active(w, c);

	if (!lanes)
		return c + 2;
	if (w->mask & ~lanes)
		sg_group_add(w, w->mask & ~lanes, c + 2, w->depth, SG_GROUP_READY);
	return ctl_enter(w, c, &w->block->exec->funcs[c->imm], lanes);
}

static const struct sg_func_exec *ctl_find_func(const struct sg_exec *x, uint64_t addr)
{
	uint64_t id = (addr - SG_CODE_WINDOW) / 16;

	if (addr < SG_CODE_WINDOW || addr % 16)
		return NULL;
	for (uint32_t i = 1; i < x->prog->nfuncs; i++) {
		if (x->funcs[i].f->code_id == id)
			return &x->funcs[i];
	}
	return NULL;
}

/* Indirect: the lanes of one target at a time; the rest comes back here. */
const struct sg_code *sg_h_call_indirect(struct sg_warp *w, const struct sg_code *c)
{
	const uint64_t *addr = ROW(uint64_t, c->a);
	uint32_t lanes = sg_active(w, c), same = 0;
	const struct sg_func_exec *f;
	uint64_t first;

	if (!lanes)
		return c + 2;
	if (w->mask & ~lanes)
		sg_group_add(w, w->mask & ~lanes, c + 2, w->depth, SG_GROUP_READY);
	first = addr[__builtin_ctz(lanes)];
	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);

		same |= (uint32_t)(addr[lane] == first) << lane;
	}
	f = ctl_find_func(w->block->exec, first);
	if (!f)
		return sg_raise(w, c, same, SG_FAULT_INVALID_PC, first);
	if (lanes & ~same)
		sg_group_add(w, lanes & ~same, c, w->depth, SG_GROUP_READY);
	return ctl_enter(w, c, f, same);
}

/* Where a call returns to: fetch the results. */
const struct sg_code *sg_h_call_done(struct sg_warp *w, const struct sg_code *c)
{
	uint32_t frames[SG_LANES];

	memcpy(frames, ROW(uint32_t, c->e), sizeof(frames));
	ctl_copy(w, w->mask, frames, c->n, c->insn->call, false);
	return c + 1;
}

/* ret of a function; lanes may have come from different calls. */
const struct sg_code *sg_h_ret(struct sg_warp *w, const struct sg_code *c)
{
	uint32_t lanes = sg_active(w, c), left;
	const struct sg_func_exec *f = &w->block->exec->funcs[c->n];
	const struct sg_code **ret;

	if (!lanes)
		return c + 1;
	ret = ctl_ret_row(w, w->depth);
	if (f->f->recursive)
		ctl_restore(w, f, lanes);
	if (w->mask & ~lanes)
		sg_group_add(w, w->mask & ~lanes, c + 1, w->depth, SG_GROUP_READY);
	for (left = lanes; left;) {
		const struct sg_code *to = ret[__builtin_ctz(left)];
		uint32_t same = 0;

		for (uint32_t m = left; m; m &= m - 1) {
			uint32_t lane = __builtin_ctz(m);

			same |= (uint32_t)(ret[lane] == to) << lane;
		}
		left &= ~same;
		sg_group_add(w, same, to, w->depth - 1, SG_GROUP_READY);
	}
	return sg_group_next(w);
}

const struct sg_code *sg_h_nop(struct sg_warp *w, const struct sg_code *c)
{
	return c + 1;
}

/* Give the slice away: somebody else is to make progress. */
const struct sg_code *sg_h_nanosleep(struct sg_warp *w, const struct sg_code *c)
{
	w->spinning = true;
	w->budget = 0;
	return c + 1;
}

/*
 * x86 orders loads and stores as acquire and release do anyway; a full fence is
 * what fence.sc needs, and it is the compiler's business elsewhere.
 */
const struct sg_code *sg_h_fence(struct sg_warp *w, const struct sg_code *c)
{
	atomic_thread_fence(memory_order_seq_cst);
	return c + 1;
}

uint64_t sg_clock_sreg(enum sg_sreg r)
{
	struct timespec ts;
	uint64_t ns;

	switch (r) {
	case SG_SREG_GLOBALTIMER:
	case SG_SREG_GLOBALTIMER_LO:
	case SG_SREG_GLOBALTIMER_HI:
		clock_gettime(CLOCK_REALTIME, &ts);
		break;
	default:
#if defined(__x86_64__)
		ns = __rdtsc();
		return r == SG_SREG_CLOCK_HI ? ns >> 32 : ns;
#else
		clock_gettime(CLOCK_MONOTONIC, &ts);
#endif
		break;
	}
	ns = (uint64_t)ts.tv_sec * 1000000000u + ts.tv_nsec;
	return r == SG_SREG_GLOBALTIMER_HI || r == SG_SREG_CLOCK_HI ? ns >> 32 : ns;
}

/* d = special register that is read anew, or in another width. a: its row, or 0. */
const struct sg_code *sg_h_sreg(struct sg_warp *w, const struct sg_code *c)
{
	uint32_t lanes = sg_active(w, c);
	uint64_t v = c->a ? 0 : sg_clock_sreg(c->insn->sreg);
	bool wide = c->imm;

	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);

		if (c->a)
			v = wide ? ROW(uint64_t, c->a)[lane] : ROW(uint32_t, c->a)[lane];
		if (c->n == 8)
			ROW(uint64_t, c->d)[lane] = v;
		else if (c->n == 4)
			ROW(uint32_t, c->d)[lane] = v;
		else
			ROW(uint16_t, c->d)[lane] = v;
	}
	return c + 1;
}

/* d = frame + immediate */
const struct sg_code *sg_h_localaddr(struct sg_warp *w, const struct sg_code *c)
{
	uint32_t lanes = sg_active(w, c);
	const uint32_t *frame = ROW(uint32_t, c->a);

	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);

		if (c->n == 8)
			ROW(uint64_t, c->d)[lane] = frame[lane] + (uint64_t)c->imm;
		else
			ROW(uint32_t, c->d)[lane] = frame[lane] + (uint32_t)c->imm;
	}
	return c + 1;
}

/* d = {a, b, c, e}: parts of c->n bytes; c->imm of them. */
const struct sg_code *sg_h_pack(struct sg_warp *w, const struct sg_code *c)
{
	const uint32_t part[4] = { c->a, c->b, c->c, c->e };
	uint32_t lanes = sg_active(w, c), size = c->n;

	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);
		uint8_t whole[16];

		for (uint32_t i = 0; i < c->imm; i++)
			memcpy(whole + i * size, w->rf + part[i] + lane * size, size);
		memcpy(w->rf + c->d + lane * size * c->imm, whole, size * c->imm);
	}
	return c + 1;
}

/* {d, b, c, e} = a */
const struct sg_code *sg_h_unpack(struct sg_warp *w, const struct sg_code *c)
{
	const uint32_t part[4] = { c->d, c->b, c->c, c->e };
	uint32_t lanes = sg_active(w, c), size = c->n;

	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);
		uint8_t whole[16];

		memcpy(whole, w->rf + c->a + lane * size * c->imm, size * c->imm);
		for (uint32_t i = 0; i < c->imm; i++)
			memcpy(w->rf + part[i] + lane * size, whole + i * size, size);
	}
	return c + 1;
}

/* Saturation and odd rounding ride on ordinary handlers; see decode.c. */
void sg_set_csr(struct sg_warp *w, uint32_t csr)
{
	w->csr = csr;
#if defined(__x86_64__)
	_mm_setcsr(csr);
#endif
}
