/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding what touches memory or moves registers about.
 */
#include "softgpu/interp/decode.h"

#define MEM_ADDR64 0x100u

/* Address row, offset and space of a memory operand. */
static void decode_address(struct sg_decode *dc, struct sg_code *c, const struct sg_opnd *o)
{
	const struct sg_func *f = dc->prog->funcs[dc->func];

	c->n = dc->in->space;
	c->imm = o->imm;
	c->csr = dc->in->sem != SG_SEM_WEAK;
	if (o->reg == SG_NO_REG) {
		c->a = sg_row_const(dc, 0, 4);
		return;
	}
	c->a = dc->reg_row[dc->func][o->reg];
	if (sg_type_size(f->regs[o->reg]) == 8)
		c->n |= MEM_ADDR64;
}

bool sg_decode_ld_st(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	bool store = in->op == SG_OP_ST;
	const struct sg_opnd *elem = store ? &in->o[1] : &in->o[0];
	uint32_t rows[4] = { 0 }, size = 0;
	sg_handler *fn;
	struct sg_code *c;

	for (uint32_t v = 0; v < in->vec; v++) {
		uint32_t s = sg_decode_reg_size(dc, &elem[v], 0);

		if (s && size && s != size)
			return sg_decode_unsupported(dc);
		size = s ? s : size;
	}
	if (!size)
		size = cw_max(sg_type_size(in->type), 2u);
	fn = sg_mem_handler(in, size);
	if (!fn)
		return sg_decode_unsupported(dc);
	for (uint32_t v = 0; v < in->vec; v++)
		rows[v] = store ? sg_row_operand(dc, &elem[v], size) : sg_row_dest(dc, &elem[v]);
	c = sg_decode_emit(dc, fn);
	if (!c)
		return false;
	c->d = rows[0];
	c->b = rows[1];
	c->c = rows[2];
	c->e = rows[3];
	decode_address(dc, c, store ? &in->o[0] : &in->o[in->vec]);
	return true;
}

bool sg_decode_atom(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	uint32_t size = sg_type_size(in->type);
	sg_handler *fn = sg_atom_handler(in);
	struct sg_code *c = fn ? sg_decode_emit(dc, fn) : NULL;

	if (!c)
		return sg_decode_unsupported(dc);
	c->d = sg_row_dest(dc, &in->o[0]);
	c->b = sg_row_operand(dc, &in->o[2], size);
	c->c = in->n > 3 ? sg_row_operand(dc, &in->o[3], size) : 0;
	decode_address(dc, c, &in->o[1]);
	return true;
}

static uint64_t decode_window(struct sg_decode *dc, enum sg_space space)
{
	switch (space) {
	case SG_SPACE_SHARED:
		return SG_SHARED_WINDOW;
	case SG_SPACE_LOCAL:
		return SG_LOCAL_WINDOW;
	case SG_SPACE_PARAM:	/* a function's parameters are in its frame */
		return dc->func ? SG_LOCAL_WINDOW : SG_PARAM_WINDOW;
	default:
		return 0;
	}
}

bool sg_decode_cvta(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	uint64_t base = decode_window(dc, in->space);
	struct sg_code *c;

	if (sg_type_size(in->type) != 8)
		return sg_decode_unsupported(dc);
	c = sg_decode_row(dc, sg_select(SG_OP_MOV, SG_U64, SG_NONE, 0));
	if (!c)
		return false;
	c->d = sg_row_dest(dc, &in->o[0]);
	c->a = sg_row_operand(dc, &in->o[1], 8);
	if (base) {
		c->fn = sg_h_cvta;
		c->imm = in->flags & SG_F_TO ? -base : base;
	}
	return true;
}

bool sg_decode_isspacep(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	struct sg_code *c;

	if (sg_decode_reg_size(dc, &in->o[1], 8) != 8)
		return sg_decode_unsupported(dc);
	c = sg_decode_emit(dc, sg_h_isspacep);
	if (!c)
		return false;
	c->d = sg_decode_pred_dest(dc, &in->o[0]);
	c->a = sg_row_operand(dc, &in->o[1], 8);
	c->n = in->space;
	c->imm = decode_window(dc, in->space);
	return true;
}

bool sg_decode_pack(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	bool pack = in->op == SG_OP_PACK;
	uint32_t size = sg_type_size(in->type2), rows[4] = { 0 };
	struct sg_code *c;

	if (in->vec > 4)
		return sg_decode_unsupported(dc);
	for (uint32_t i = 0; i < in->vec; i++)
		rows[i] = pack ? sg_row_operand(dc, &in->o[1 + i], size) :
				 sg_row_dest(dc, &in->o[i]);
	c = sg_decode_emit(dc, pack ? sg_h_pack : sg_h_unpack);
	if (!c)
		return false;
	c->n = size;
	c->imm = in->vec;
	c->b = rows[1];
	c->c = rows[2];
	c->e = rows[3];
	if (pack) {
		c->a = rows[0];
		c->d = sg_row_dest(dc, &in->o[0]);
	} else {
		c->d = rows[0];
		c->a = sg_row_operand(dc, &in->o[in->vec], sg_type_size(in->type));
	}
	return true;
}

bool sg_decode_sreg(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	struct sg_code *c;

	if (in->sreg < SG_SREG_CLOCK &&
	    dc->x->sreg_row[in->sreg] == dc->reg_row[dc->func][in->o[0].reg])
		return true;	/* the register is the row */
	c = sg_decode_emit(dc, sg_h_sreg);
	if (!c)
		return false;
	c->d = sg_row_dest(dc, &in->o[0]);
	c->n = sg_decode_reg_size(dc, &in->o[0], 4);
	c->imm = sg_type_size(sg_sreg_info[in->sreg].type) == 8;
	c->a = in->sreg < SG_SREG_CLOCK ? sg_row_sreg(dc, in->sreg) : 0;
	return true;
}

bool sg_decode_localaddr(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	struct sg_code *c = sg_decode_emit(dc, sg_h_localaddr);

	if (!c)
		return false;
	c->d = sg_row_dest(dc, &in->o[0]);
	c->a = dc->reg_row[dc->func][in->o[1].reg];
	c->n = sg_decode_reg_size(dc, &in->o[0], 8);
	c->imm = in->o[1].imm;
	return true;
}
