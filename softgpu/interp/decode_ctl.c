/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding control flow, barriers and operations between lanes.
 */
#include "softgpu/interp/decode.h"

bool sg_decode_bar(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	uint32_t p = sg_decode_pred(dc, &in->o[3]);
	struct sg_code *c = sg_decode_emit(dc, in->flags & SG_F_WARP ? sg_h_bar_warp : sg_h_bar);

	if (!c)
		return false;
	c->a = sg_row_operand(dc, &in->o[1], 4);
	c->imm = c->a;
	c->b = sg_row_operand(dc, &in->o[2], 4);
	c->c = p;
	c->d = in->sub == SG_SUB_POPC ? sg_row_dest(dc, &in->o[0]) :
					sg_decode_pred_dest(dc, &in->o[0]);
	return true;
}

/* Warp operations: imm is the row of member masks, 0 where there is none. */
bool sg_decode_warp(struct sg_decode *dc)
{
	static sg_handler *const handlers[SG_OP_COUNT] = {
		[SG_OP_SHFL] = sg_h_shfl,	[SG_OP_VOTE] = sg_h_vote,
		[SG_OP_MATCH] = sg_h_match,	[SG_OP_REDUX] = sg_h_redux,
		[SG_OP_ELECT] = sg_h_elect,	[SG_OP_ACTIVEMASK] = sg_h_activemask,
	};
	const struct sg_insn *in = dc->in;
	const struct sg_opnd *o = in->o, *members = &in->o[in->n - 1];
	uint32_t p = in->op == SG_OP_VOTE ? sg_decode_pred(dc, &o[1]) : 0;
	struct sg_code *c = sg_decode_emit(dc, handlers[in->op]);

	if (!c)
		return false;
	c->n = in->sub;
	c->d = in->type == SG_PRED ? sg_decode_pred_dest(dc, &o[0]) : sg_row_dest(dc, &o[0]);
	c->e = SG_ROW_PRED_SINK;
	if (in->op == SG_OP_ACTIVEMASK)
		return true;
	c->imm = members->kind == SG_OPND_SINK ? 0 : sg_row_operand(dc, members, 4);
	if (in->op == SG_OP_SHFL || in->op == SG_OP_MATCH || in->op == SG_OP_ELECT)
		c->e = sg_decode_pred_dest(dc, &o[1]);
	if (in->op == SG_OP_SHFL) {
		c->a = sg_row_operand(dc, &o[2], 4);
		c->b = sg_row_operand(dc, &o[3], 4);
		c->c = sg_row_operand(dc, &o[4], 4);
	} else if (in->op == SG_OP_MATCH) {
		c->a = sg_row_operand(dc, &o[2], sg_type_size(in->type));
	} else if (in->op == SG_OP_REDUX) {
		c->a = sg_row_operand(dc, &o[1], 4);
	} else {
		c->a = p;
	}
	return true;
}

bool sg_decode_branch(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	struct sg_code *c = sg_decode_emit(dc, in->op == SG_OP_BRA ? sg_h_bra : sg_h_brx);
	uint32_t *table;

	if (!c)
		return false;
	c->imm = in->target;	/* an instruction index until decode_link() */
	if (in->op == SG_OP_BRA)
		return true;
	table = sg_prog_alloc(dc->prog, in->ntargets * sizeof(*table) + 1);
	if (!table) {
		dc->failed = true;
		return false;
	}
	c->a = sg_row_operand(dc, &in->o[0], 4);
	c->imm = (int64_t)(uintptr_t)table;
	return true;
}

static uint32_t decode_func_index(struct sg_decode *dc, const struct sg_func *f)
{
	for (uint32_t i = 0; i < dc->prog->nfuncs; i++) {
		if (dc->prog->funcs[i] == f)
			return i;
	}
	return 0;
}

bool sg_decode_call(struct sg_decode *dc)
{
	static sg_handler *const builtins[] = {
		[SG_BUILTIN_VPRINTF] = sg_h_vprintf,
		[SG_BUILTIN_ASSERTFAIL] = sg_h_assertfail,
		[SG_BUILTIN_MALLOC] = sg_h_malloc,
		[SG_BUILTIN_FREE] = sg_h_free,
	};
	const struct sg_insn *in = dc->in;
	const struct sg_call *call = in->call;
	const struct sg_func *f = dc->prog->funcs[dc->func];
	uint32_t frame = dc->reg_row[dc->func][f->frame_reg];
	struct sg_code *c;

	c = sg_decode_emit(dc, call->builtin ? builtins[call->builtin] :
			    call->target  ? sg_h_call : sg_h_call_indirect);
	if (!c)
		return false;
	c->e = frame;
	c->n = f->frame;
	if (call->builtin)
		return true;
	if (call->target)
		c->imm = decode_func_index(dc, call->target);
	else
		c->a = sg_row_operand(dc, &in->o[0], 8);
	c = sg_decode_emit(dc, sg_h_call_done);
	if (!c)
		return false;
	c->guard = SG_ROW_TRUE;
	c->gxor = 0;
	c->e = frame;
	c->n = f->frame;
	return true;
}
