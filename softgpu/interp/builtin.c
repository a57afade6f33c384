/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions the machine provides: vprintf, __assertfail, malloc, free. Their
 * arguments lie in the caller's frame, where the call's copies say (call.c).
 */
#include <stdio.h>

#include "softgpu/interp/handlers.h"

#define ROW(T, at) ((T *)(w->rf + (at)))

/* The i-th argument, zero-extended. */
static uint64_t builtin_arg(struct sg_warp *w, const struct sg_code *c, uint32_t lane, uint32_t i)
{
	const struct sg_call *call = c->insn->call;
	uint64_t v = 0;

	if (i < call->nin)
		memcpy(&v,
		       w->local + (size_t)lane * w->block->local_size + ROW(uint32_t, c->e)[lane] +
			       call->in[i].caller,
		       cw_min(call->in[i].size, 8u));
	return v;
}

static void builtin_result(struct sg_warp *w, const struct sg_code *c, uint32_t lane, uint64_t v)
{
	const struct sg_call *call = c->insn->call;

	if (call->nout)
		memcpy(w->local + (size_t)lane * w->block->local_size + ROW(uint32_t, c->e)[lane] +
			       call->out[0].caller,
		       &v, cw_min(call->out[0].size, 8u));
}

const struct sg_code *sg_h_vprintf(struct sg_warp *w, const struct sg_code *c)
{
	for (uint32_t m = sg_active(w, c); m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);
		uint64_t fmt = builtin_arg(w, c, lane, 0);
		int n = sg_printf(w, lane, fmt, builtin_arg(w, c, lane, 1));

		if (n < 0)
			return sg_raise(w, c, 1u << lane, SG_FAULT_ILLEGAL_ADDRESS, fmt);
		builtin_result(w, c, lane, (uint32_t)n);
	}
	return c + 1;
}

/* __assertfail(message, file, line, function, charsize) */
const struct sg_code *sg_h_assertfail(struct sg_warp *w, const struct sg_code *c)
{
	uint32_t lanes = sg_active(w, c), lane;
	char part[3][128], text[512];
	const struct sg_launch *l = w->block->launch;
	const uint32_t *b = w->block->ctaid;
	uint32_t t;

	if (!lanes)
		return c + 1;
	lane = __builtin_ctz(lanes);
	for (int i = 0; i < 3; i++) {
		uint64_t addr = builtin_arg(w, c, lane, i < 2 ? i : 3);

		if (!sg_read_string(w, lane, addr, part[i], sizeof(part[i])))
			snprintf(part[i], sizeof(part[i]), "?");
	}
	t = w->index * SG_LANES + lane;
	snprintf(text, sizeof(text),
		 "%s:%u: %s: block: [%u,%u,%u], thread: [%u,%u,%u] Assertion `%s` failed.", part[1],
		 (uint32_t)builtin_arg(w, c, lane, 2), part[2], b[0], b[1], b[2],
		 t % l->block[0], t / l->block[0] % l->block[1],
		 t / l->block[0] / l->block[1], part[0]);
	return sg_raise_text(w, c, lanes, SG_FAULT_ASSERT, text);
}

const struct sg_code *sg_h_malloc(struct sg_warp *w, const struct sg_code *c)
{
	const struct sg_launch *l = w->block->launch;

	for (uint32_t m = sg_active(w, c); m; m &= m - 1) {
		uint32_t lane = __builtin_ctz(m);
		uint64_t size = builtin_arg(w, c, lane, 0), addr = 0;

		if (l->ops && l->ops->heap_alloc)
			addr = l->ops->heap_alloc(l->opaque, size);
		builtin_result(w, c, lane, addr);
	}
	return c + 1;
}

const struct sg_code *sg_h_free(struct sg_warp *w, const struct sg_code *c)
{
	const struct sg_launch *l = w->block->launch;

	for (uint32_t m = sg_active(w, c); m; m &= m - 1) {
		uint64_t addr = builtin_arg(w, c, __builtin_ctz(m), 0);

		if (addr && l->ops && l->ops->heap_free)
			l->ops->heap_free(l->opaque, addr);
	}
	return c + 1;
}
