/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of a compiled kernel.
 *
 * Theory of operation: where no warp ever waits for another, compiled code runs
 * all warps of a block in one call and nothing of the interpreter is set up.
 * That is done the first time something needs it (sg_jit_warp). Where warps
 * wait at barriers, or one is left to the interpreter, the block is run by
 * turns like any other (interp/block.c), with compiled and interpreted warps
 * side by side; a compiled warp's turn is sg_jit_turn().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "softgpu/interp/handlers.h"
#include "softgpu/jit/run/unit.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

/* Polls of loops that have no reason to wait before slices begin to matter. */
#define TURN_POLLS 4096

static struct sg_worker *turn_worker(struct sg_jit_ctx *ctx)
{
	return ctx->opaque;
}

static void turn_csr(uint32_t csr)
{
#if defined(__x86_64__)
	_mm_setcsr(csr);
#endif
}

struct sg_warp *sg_jit_warp(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t lanes)
{
	struct sg_worker *k = turn_worker(ctx);
	struct sg_block *b = &k->block;
	struct sg_fault *fault = b->fault;
	struct sg_warp *w;

	if (!k->ready) {
		const struct sg_launch *l = b->launch;
		uint32_t ctaid[3] = { ctx->ctaid[0], ctx->ctaid[1], ctx->ctaid[2] };

		if (!sg_block_begin(k, l, ctaid)) {
			sg_block_fault(b, SG_FAULT_NO_MEMORY, "no memory for a block");
			return NULL;
		}
		b->fault = fault;
		for (uint32_t i = 0; i < b->nwarps; i++)
			b->warps[i].compiled = true;
		k->ready = true;
	}
	w = &b->warps[warp];
	w->live = lanes;
	sg_set_mask(w, lanes);
	return w;
}

/* Interpreter code [first, first + n) for some lanes; non-zero: a fault. */
static uint32_t turn_help(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t lanes, uint32_t live,
			  uint32_t first, uint32_t n)
{
	struct sg_warp *w = sg_jit_warp(ctx, warp, lanes);
	const struct sg_code *c;

	if (!w)
		return 1;
	w->csr = ctx->csr;
	c = &w->block->exec->code[first];
	for (const struct sg_code *end = c + n; c && c < end;) {
		/* The start of a basic block is nothing to run here. */
		c = c->fn == sg_h_block ? c + 1 : c->fn(w, c);
	}
	if (w->csr != ctx->csr)
		sg_set_csr(w, ctx->csr);
	w->csr = SG_CSR_DEFAULT;
	return !c;
}

static uint32_t turn_poll(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t spins)
{
	struct sg_worker *k = turn_worker(ctx);

	if (sg_block_cancelled(&k->block))
		return 1;
	if (!spins && ++k->jit->polls < TURN_POLLS)
		return 0;
	k->jit->polls = 0;
	return 2;
}

static uint64_t turn_sreg(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t sreg)
{
	if (sreg >= SG_SREG_CLOCK)
		return sg_clock_sreg(sreg);
	return sg_block_sreg(&turn_worker(ctx)->block, sreg);
}

void sg_jit_state_free(struct sg_jit_state *s)
{
	if (!s)
		return;
	free(s->slots);
	free(s->spill);
	free(s->masks);
	free(s);
}

static bool turn_memory(struct sg_worker *k, const struct sg_launch *l)
{
	struct sg_jit_state *s = k->jit;
	const struct sg_jit_image *im = l->jit->image;
	struct sg_block *b = &k->block;
	struct sg_jit_ctx *x = &s->ctx;
	size_t slots = (size_t)im->nslots * sizeof(struct sg_jit_slot);

	if (!sg_worker_grow(&s->slots, &s->slots_size, slots + 64) ||
	    !sg_worker_grow(&s->spill, &s->spill_size, (size_t)im->spill_bytes * b->nwarps + 64) ||
	    !sg_worker_grow(&s->masks, &s->masks_size, im->nmasks * sizeof(uint32_t) + 64))
		return false;
	if (s->code_id != l->jit->id || s->map != l->map || s->grid_id != l->grid_id ||
	    !l->grid_id || x->shared != k->shared) {
		memset(s->slots, 0, slots);
		s->code_id = l->jit->id;
		s->map = l->map;
		s->grid_id = l->grid_id;
	}
	*x = (struct sg_jit_ctx){
		.params = l->params,
		.shared = k->shared,
		.shared_size = b->shared_size,
		.local = k->local,
		.local_size = b->local_size,
		.local_stride = (uint64_t)b->local_size * SG_LANES,
		.slots = (struct sg_jit_slot *)s->slots,
		.masks = (uint32_t *)s->masks,
		.spill = s->spill,
		.spill_stride = im->spill_bytes,
		.rf = k->rf,
		.rf_stride = cw_align_up(b->exec->rf_bytes, 64),
		.access = &s->access,
		.threads = b->threads,
		.csr = im->csr,
		.help = turn_help,
		.load = sg_jit_slow_load,
		.store = sg_jit_slow_store,
		.poll = turn_poll,
		.sreg = turn_sreg,
		.opaque = k,
	};
	memcpy(x->ntid, l->block, sizeof(x->ntid));
	memcpy(x->nctaid, l->grid, sizeof(x->nctaid));
	memcpy(x->ctaid, b->ctaid, sizeof(x->ctaid));
	return true;
}

static uint32_t turn_call(struct sg_jit_ctx *ctx, const struct sg_jit_code *code)
{
	uint32_t why;

	if (ctx->csr != SG_CSR_DEFAULT)
		turn_csr(ctx->csr);
	why = code->fn(ctx);
	if (ctx->csr != SG_CSR_DEFAULT)
		turn_csr(SG_CSR_DEFAULT);
	return why;
}

/* Registers are in the rows; lanes become groups where they wait. */
static void turn_deopt(struct sg_block *b, struct sg_jit_ctx *ctx)
{
	struct sg_jit_code *code = b->launch->jit;
	const struct sg_jit_site *s = &sg_jit_sites(code->image)[ctx->site];
	const uint32_t *groups = sg_jit_groups(code->image) + s->first;
	struct sg_warp *w = sg_jit_warp(ctx, ctx->warp, ctx->masks[0]);
	const struct sg_code *base = b->exec->code;

	atomic_fetch_add_explicit(&code->deopts, 1, memory_order_relaxed);
	w->compiled = false;
	w->csr = SG_CSR_DEFAULT;
	w->npending = 0;
	w->best_pc = NULL;
	w->depth = 0;
	w->patience = 1u << 20;
	w->forced = w->spinning = false;
	w->last = NULL;
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t m = ctx->masks[1 + i];

		if (!m)
			continue;
		w->live |= m;
		sg_group_add(w, m, base + groups[i], 0, SG_GROUP_READY);
	}
	sg_set_mask(w, w->mask);
	w->pc = base + s->code;
	w->why = SG_WHY_YIELD;
	if (!w->mask)
		w->pc = sg_group_next(w);
}

static void turn_barrier(struct sg_warp *w, struct sg_jit_ctx *ctx)
{
	struct sg_block *b = w->block;
	const struct sg_jit_site *s = &sg_jit_sites(b->launch->jit->image)[ctx->site];
	uint32_t id = ctx->masks[1], count = ctx->masks[2];

	w->live = ctx->masks[0];
	w->jit_bar = &b->exec->code[s->code];
	/* A barrier at the start of a block has the block's code before its own. */
	if (w->jit_bar->fn == sg_h_block)
		w->jit_bar++;
	if (id >= SG_BARRIERS) {
		sg_raise_text(w, w->jit_bar, w->live, SG_FAULT_ILLEGAL_INSTRUCTION,
			      "barrier number above 15");
		return;
	}
	if (count != SG_JIT_NO_COUNT)
		b->bars[id].expected = (count + 31) & ~31u;
	sg_barrier_add(&b->bars[id], w->live, ctx->masks[3]);
	w->jit_state = ctx->state;
	w->jit_lanes = ctx->masks[0];
	w->why = SG_WHY_BARRIER;
	sg_barrier_warp_arrive(w, id);
}

void sg_jit_turn(struct sg_block *b, struct sg_warp *w)
{
	struct sg_jit_ctx *ctx = &sg_worker_of(b)->jit->ctx;

	ctx->warp = w->index;
	ctx->warp_end = w->index + 1;
	ctx->state = w->jit_state;
	ctx->lanes = w->jit_lanes;
	ctx->bar_value = w->jit_value;
	switch ((enum sg_jit_why)turn_call(ctx, b->launch->jit)) {
	case SG_JIT_DONE:
		w->why = SG_WHY_DONE;
		break;
	case SG_JIT_FAULT:
		w->why = SG_WHY_FAULT;
		break;
	case SG_JIT_BARRIER:
		turn_barrier(w, ctx);
		break;
	case SG_JIT_DEOPT:
		turn_deopt(b, ctx);
		break;
	}
}

/* All warps in one call; @ret_first: where turns begin if that is not enough. */
static int turn_at_once(struct sg_worker *k, struct sg_jit_ctx *ctx)
{
	struct sg_block *b = &k->block;

	ctx->warp = 0;
	ctx->warp_end = b->nwarps;
	switch ((enum sg_jit_why)turn_call(ctx, b->launch->jit)) {
	case SG_JIT_DONE:
		return 0;
	case SG_JIT_FAULT:
		return -EFAULT;
	default:
		break;
	}
	turn_deopt(b, ctx);
	for (uint32_t i = 0; i < ctx->warp; i++)
		b->warps[i].why = SG_WHY_DONE;
	b->done = ctx->warp;
	return SG_AGAIN;
}

/*
 * The block before was one of this launch and left nothing behind: only the
 * block's number is new. Launches that have no number of their own start anew.
 */
static bool turn_same_launch(const struct sg_worker *k, const struct sg_launch *l)
{
	const struct sg_jit_state *s = k->jit;

	return s && !k->ready && k->block.launch == l && l->grid_id && s->grid_id == l->grid_id &&
	       s->code_id == l->jit->id && s->map == l->map && !k->block.faulted &&
	       s->ctx.params == l->params;
}

/**
 * sg_jit_run_block() - Start a block of a compiled kernel
 * @k:		idle worker
 * @l:		launch with @jit set
 * @ctaid:	block
 * @ret_fault:	filled where -EFAULT is returned
 *
 * Return: 0: over. SG_AGAIN: set up to be run by turns. -EFAULT, -ENOMEM.
 */
int sg_jit_run_block(struct sg_worker *k, const struct sg_launch *l, const uint32_t ctaid[3],
		     struct sg_fault *ret_fault)
{
	struct sg_block *b = &k->block;

	if (turn_same_launch(k, l)) {
		memcpy(b->ctaid, ctaid, sizeof(b->ctaid));
		memcpy(k->jit->ctx.ctaid, ctaid, sizeof(b->ctaid));
		b->fault = ret_fault;
		return sg_block_cancelled(b) ? -EFAULT : turn_at_once(k, &k->jit->ctx);
	}
	if (!k->jit) {
		k->jit = aligned_alloc(64, sizeof(*k->jit));
		if (k->jit)
			memset(k->jit, 0, sizeof(*k->jit));
	}
	if (!k->jit || !sg_block_memory(k, l, ctaid))
		return -ENOMEM;
	if (!turn_memory(k, l))
		return -ENOMEM;
	b->fault = ret_fault;
	k->ready = false;
	if (!(l->jit->image->flags & SG_JIT_F_BARRIER)) {
		if (sg_block_cancelled(b))
			return -EFAULT;
		return turn_at_once(k, &k->jit->ctx);
	}
	if (!sg_jit_warp(&k->jit->ctx, 0, 0))
		return -EFAULT;
	for (uint32_t i = 0; i < b->nwarps; i++)
		b->warps[i].jit_state = 0;
	return SG_AGAIN;
}
