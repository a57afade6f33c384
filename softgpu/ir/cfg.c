/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is computed over a whole program: basic blocks, the call graph with its
 * recursion and stack depth, the place of dynamic shared memory.
 */
#include <errno.h>
#include <stdlib.h>

#include "cw/util.h"
#include "softgpu/ir/ir.h"

/* A block starts at each branch target and behind each branch. */
static int cfg_leaders(struct sg_func *f)
{
	f->leader = calloc(f->ninsns + 1, 1);
	if (!f->leader)
		return -ENOMEM;
	f->leader[0] = 1;
	for (uint32_t i = 0; i < f->ninsns; i++) {
		const struct sg_insn *in = &f->insns[i];

		switch (in->op) {
		case SG_OP_BRA:
			f->leader[in->target] = 1;
			f->leader[i + 1] = 1;
			break;
		case SG_OP_BRX:
			for (uint32_t t = 0; t < in->ntargets; t++)
				f->leader[in->targets[t]] = 1;
			f->leader[i + 1] = 1;
			break;
		case SG_OP_CALL:
		case SG_OP_RET:
		case SG_OP_EXIT:
		case SG_OP_TRAP:
			f->leader[i + 1] = 1;
			break;
		default:
			break;
		}
	}
	return 0;
}

struct cfg_walk {
	struct sg_prog *p;
	uint8_t *state;		/* 0 new, 1 on the path, 2 done */
	uint32_t *depth;	/* local bytes from this function down */
};

static uint32_t cfg_func_index(const struct sg_prog *p, const struct sg_func *f)
{
	for (uint32_t i = 0; i < p->nfuncs; i++) {
		if (p->funcs[i] == f)
			return i;
	}
	return 0;
}

/*
 * Depth-first over the call graph. A back edge means recursion; every function
 * on the path from its target is then treated as recursive, which is more than
 * needed and never less. The host stack is bounded by the parser's limit on
 * functions per program.
 */
static uint32_t cfg_depth(struct cfg_walk *w, uint32_t at)
{
	struct sg_func *f = w->p->funcs[at];
	uint32_t deepest = 0;

	if (w->state[at] == 2)
		return w->depth[at];
	w->state[at] = 1;
	for (uint32_t i = 0; i < f->ninsns; i++) {
		const struct sg_call *c = f->insns[i].call;
		uint32_t callee, d;

		if (!c || !c->target)
			continue;
		callee = cfg_func_index(w->p, c->target);
		if (w->state[callee] == 1) {
			w->p->has_recursion = true;
			for (uint32_t k = 0; k < w->p->nfuncs; k++)
				w->p->funcs[k]->recursive |= w->state[k] == 1;
			continue;
		}
		d = cfg_depth(w, callee);
		deepest = cw_max(deepest, d);
	}
	w->state[at] = 2;
	w->depth[at] = f->frame + deepest;
	return w->depth[at];
}

static int cfg_call_graph(struct sg_prog *p)
{
	struct cfg_walk w = { .p = p };

	w.state = calloc(p->nfuncs, 1);
	w.depth = calloc(p->nfuncs, sizeof(*w.depth));
	if (!w.state || !w.depth) {
		free(w.state);
		free(w.depth);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < p->nfuncs; i++) {
		uint32_t d = cfg_depth(&w, i);

		if (i == 0 || p->has_indirect)
			p->local_bytes = cw_max(p->local_bytes, d);
	}
	/*
	 * Members of a cycle that were left before the back edge was seen, and
	 * anything an indirect call may reach, count as recursive: a function
	 * wrongly marked only costs time.
	 */
	if (p->has_recursion || p->has_indirect) {
		for (uint32_t i = 1; i < p->nfuncs; i++)
			p->funcs[i]->recursive = true;
	}
	free(w.state);
	free(w.depth);
	return 0;
}

static void cfg_fix_dynamic_shared(struct sg_prog *p)
{
	p->dynamic_offset = cw_align_up(p->static_shared, p->dynamic_align);
	for (uint32_t i = 0; i < p->nfuncs; i++) {
		struct sg_func *f = p->funcs[i];

		for (uint32_t k = 0; k < f->ninsns; k++) {
			for (int o = 0; o < f->insns[k].n; o++) {
				if (!f->insns[k].o[o].dynamic_shared)
					continue;
				f->insns[k].o[o].imm += p->dynamic_offset;
				f->insns[k].o[o].dynamic_shared = false;
			}
		}
	}
}

static void cfg_note_use(struct sg_prog *p, const struct sg_insn *in)
{
	switch (in->op) {
	case SG_OP_BAR:
	case SG_OP_BARRIER:
		p->uses_barrier = true;
		break;
	case SG_OP_SHFL:
	case SG_OP_VOTE:
	case SG_OP_MATCH:
	case SG_OP_ACTIVEMASK:
	case SG_OP_REDUX:
	case SG_OP_ELECT:
		p->uses_warp_ops = true;
		break;
	default:
		break;
	}
}

/**
 * sg_prog_finish() - Analyses and fix-ups once every function is parsed
 * @p:		program
 *
 * Return: 0 or -ENOMEM.
 */
int sg_prog_finish(struct sg_prog *p)
{
	for (uint32_t i = 0; i < p->nfuncs; i++) {
		int rc = cfg_leaders(p->funcs[i]);

		if (rc)
			return rc;
		for (uint32_t k = 0; k < p->funcs[i]->ninsns; k++)
			cfg_note_use(p, &p->funcs[i]->insns[k]);
	}
	cfg_fix_dynamic_shared(p);
	return cfg_call_graph(p);
}
