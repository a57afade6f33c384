/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of what went wrong. The first fault of a block ends it.
 */
#include <stdio.h>

#include "softgpu/interp/exec.h"

static const char *const fault_texts[] = {
	[SG_FAULT_ILLEGAL_ADDRESS] = "illegal address",
	[SG_FAULT_MISALIGNED] = "misaligned address",
	[SG_FAULT_TRAP] = "trap",
	[SG_FAULT_INVALID_PC] = "jump to no instruction",
};

const struct sg_code *sg_raise_text(struct sg_warp *w, const struct sg_code *c, uint32_t lanes,
				    enum sg_fault_kind kind, const char *text)
{
	struct sg_block *b = w->block;
	const uint32_t *n = b->launch->block;
	struct sg_fault *f = b->fault;
	uint32_t t = w->index * SG_LANES + (lanes ? __builtin_ctz(lanes) : 0);

	w->why = SG_WHY_FAULT;
	if (b->faulted)
		return NULL;
	b->faulted = true;
	*f = (struct sg_fault){ .kind = kind, .entry = b->exec->prog->name };
	f->line = c && c->insn ? c->insn->line : 0;
	memcpy(f->ctaid, b->ctaid, sizeof(f->ctaid));
	f->tid[0] = t % n[0];
	f->tid[1] = t / n[0] % n[1];
	f->tid[2] = t / n[0] / n[1];
	snprintf(f->text, sizeof(f->text), "%s", text);
	return NULL;
}

const struct sg_code *sg_raise(struct sg_warp *w, const struct sg_code *c, uint32_t lanes,
			       enum sg_fault_kind kind, uint64_t addr)
{
	const char *text = fault_texts[kind];
	bool first = !w->block->faulted;

	sg_raise_text(w, c, lanes, kind, text ? text : "fault");
	if (first)
		w->block->fault->addr = addr;
	return NULL;
}
