/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slow path of memory accesses of compiled code: lane by lane what the
 * interpreter does, with its faults, and a slot that knows better next time.
 */
#include <string.h>

#include "softgpu/jit/run/unit.h"

static const struct sg_jit_site *access_site(const struct sg_jit_ctx *ctx, uint32_t site)
{
	const struct sg_worker *k = ctx->opaque;

	return &sg_jit_sites(k->block.launch->jit->image)[site];
}

/* Remember the memory that holds all of an access. */
static void access_teach(struct sg_jit_ctx *ctx, const struct sg_jit_site *s,
			 const struct sg_mem_range *r)
{
	struct sg_jit_slot *slot;

	if (s->slot == UINT32_MAX || r->size < s->span)
		return;
	slot = &ctx->slots[s->slot];
	slot->base = r->base;
	slot->count = r->size - s->span + 1;
	slot->delta = (uint64_t)(uintptr_t)r->host - r->base;
}

/* Generic addresses of shared memory are worth a slot too. */
static void access_teach_shared(struct sg_jit_ctx *ctx, const struct sg_jit_site *s, uint64_t addr)
{
	struct sg_mem_range r = {
		.base = SG_SHARED_WINDOW, .size = ctx->shared_size, .host = ctx->shared,
	};

	if (s->space == SG_SPACE_GENERIC && addr - SG_SHARED_WINDOW < ctx->shared_size)
		access_teach(ctx, s, &r);
}

/* Host addresses of the lanes; false after raising a fault. */
static bool access_resolve(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t lanes,
			   const struct sg_jit_site *s, bool write, uint8_t *ret_ptr[SG_LANES])
{
	const uint64_t *addr = ctx->access->addr;
	struct sg_warp *w = sg_jit_warp(ctx, warp, lanes);
	const struct sg_code *c;
	uint64_t bits = 0, lo = UINT64_MAX;

	if (!w)
		return false;
	c = &w->block->exec->code[s->code];
	for (uint32_t m = lanes; m; m &= m - 1) {
		bits |= addr[__builtin_ctz(m)];
		lo = cw_min(lo, addr[__builtin_ctz(m)]);
	}
	if (bits & (s->size - 1)) {
		sg_raise(w, c, lanes, SG_FAULT_MISALIGNED, lo);
		return false;
	}
	w->last = NULL;
	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);

		ret_ptr[lane] = sg_resolve_in(w, s->space, lane, addr[lane], s->size, write);
		if (ret_ptr[lane])
			continue;
		sg_raise(w, c, 1u << lane, SG_FAULT_ILLEGAL_ADDRESS, addr[lane]);
		return false;
	}
	if (w->last)
		access_teach(ctx, s, w->last);
	else if (lanes)
		access_teach_shared(ctx, s, lo);
	return true;
}

uint32_t sg_jit_slow_load(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t lanes, uint32_t site)
{
	const struct sg_jit_site *s = access_site(ctx, site);
	uint32_t n = s->pad, size = s->size / n, first;
	uint8_t *p[SG_LANES];

	if (!lanes)
		return 0;
	if (!access_resolve(ctx, warp, lanes, s, false, p))
		return 1;
	first = __builtin_ctz(lanes);
	for (uint32_t lane = 0; lane < SG_LANES; lane++) {
		const uint8_t *from = lanes >> lane & 1 ? p[lane] : p[first];

		for (uint32_t e = 0; e < n; e++)
			memcpy((uint8_t *)ctx->access->data[e] + lane * size, from + e * size,
			       size);
	}
	return 0;
}

uint32_t sg_jit_slow_store(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t lanes, uint32_t site)
{
	const struct sg_jit_site *s = access_site(ctx, site);
	uint32_t n = s->pad, size = s->size / n;
	uint8_t *p[SG_LANES];

	if (!lanes)
		return 0;
	if (!access_resolve(ctx, warp, lanes, s, true, p))
		return 1;
	for (uint32_t m = lanes; m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);

		for (uint32_t e = 0; e < n; e++)
			memcpy(p[lane] + e * size,
			       (uint8_t *)ctx->access->data[e] + lane * size, size);
	}
	return 0;
}
