/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where registers, special registers and constants live; see decode.h.
 */
#include <stdlib.h>

#include "softgpu/interp/decode.h"

/* A warp's register file may not be larger: a bound on hostile text. */
#define ROWS_MAX_BYTES (16u << 20)

static uint32_t rows_new(struct sg_decode *dc, uint32_t bytes, uint32_t align)
{
	uint32_t at = cw_align_up(dc->x->rf_bytes, align);

	if (at + bytes > ROWS_MAX_BYTES) {
		dc->failed = true;
		return SG_ROW_SINK;
	}
	dc->x->rf_bytes = at + bytes;
	return at;
}

static uint32_t rows_lane_bytes(enum sg_type t)
{
	return t == SG_PRED ? 0 : sg_type_size(t);
}

/* A special register of the same width is its own row, not a copy. */
static bool rows_alias_sreg(struct sg_decode *dc, const struct sg_func *f,
			    const struct sg_insn *in, uint32_t *row)
{
	uint32_t reg = in->o[0].reg;

	if (in->sreg >= SG_SREG_CLOCK ||
	    sg_type_size(f->regs[reg]) != sg_type_size(sg_sreg_info[in->sreg].type))
		return false;
	row[reg] = sg_row_sreg(dc, in->sreg);
	return true;
}

static void rows_use(struct sg_decode *dc, const struct sg_func *f, uint32_t reg, uint32_t *row)
{
	uint32_t size;

	if (reg == SG_NO_REG || row[reg])
		return;
	size = rows_lane_bytes(f->regs[reg]);
	row[reg] = size ? rows_new(dc, size * SG_LANES, 64) : rows_new(dc, 4, 4);
}

static void rows_function(struct sg_decode *dc, const struct sg_func *f, uint32_t *row)
{
	for (uint32_t i = 0; i < f->ninsns; i++) {
		const struct sg_insn *in = &f->insns[i];

		if (in->op == SG_OP_SREG && rows_alias_sreg(dc, f, in, row))
			continue;
		rows_use(dc, f, in->guard, row);
		for (int o = 0; o < in->n; o++) {
			if (in->o[o].kind == SG_OPND_REG || in->o[o].kind == SG_OPND_MEM)
				rows_use(dc, f, in->o[o].reg, row);
		}
	}
	rows_use(dc, f, f->frame_reg, row);
}

/* Rows for every register that some instruction names. */
bool sg_rows_assign(struct sg_decode *dc)
{
	dc->x->rf_bytes = SG_ROW_FIRST;
	dc->reg_row = calloc(dc->prog->nfuncs, sizeof(*dc->reg_row));
	if (!dc->reg_row)
		return false;
	for (uint32_t i = 0; i < dc->prog->nfuncs; i++) {
		const struct sg_func *f = dc->prog->funcs[i];

		dc->reg_row[i] = calloc(f->nregs, sizeof(uint32_t));
		if (!dc->reg_row[i])
			return false;
		rows_function(dc, f, dc->reg_row[i]);
		dc->x->funcs[i].f = f;
		dc->x->funcs[i].frame_row = dc->reg_row[i][f->frame_reg];
	}
	return !dc->failed;
}

uint32_t sg_row_sreg(struct sg_decode *dc, enum sg_sreg r)
{
	uint32_t *row = &dc->x->sreg_row[r];

	if (!*row)
		*row = rows_new(dc, sg_type_size(sg_sreg_info[r].type) * SG_LANES, 64);
	return *row;
}

uint32_t sg_row_const(struct sg_decode *dc, uint64_t value, uint32_t size)
{
	struct sg_exec *x = dc->x;
	struct sg_const *c;

	if (size < 8)
		value &= (1ull << (8 * size)) - 1;
	for (uint32_t i = x->nconsts; i-- > 0;) {
		if (x->consts[i].value == value && x->consts[i].size == size)
			return x->consts[i].at;
	}
	if (x->nconsts == x->consts_cap) {
		uint32_t cap = x->consts_cap ? x->consts_cap * 2 : 32;

		c = realloc(x->consts, cap * sizeof(*c));
		if (!c) {
			dc->failed = true;
			return SG_ROW_SINK;
		}
		x->consts = c;
		x->consts_cap = cap;
	}
	c = &x->consts[x->nconsts++];
	c->value = value;
	c->size = size;
	c->at = rows_new(dc, size * SG_LANES, 64);
	return c->at;
}

uint32_t sg_row_operand(struct sg_decode *dc, const struct sg_opnd *o, uint32_t size)
{
	switch (o->kind) {
	case SG_OPND_REG:
		return dc->reg_row[dc->func][o->reg];
	case SG_OPND_IMM:
		return sg_row_const(dc, o->imm, size);
	default:
		return sg_row_const(dc, 0, size);
	}
}

uint32_t sg_row_dest(struct sg_decode *dc, const struct sg_opnd *o)
{
	if (o->kind == SG_OPND_REG)
		return dc->reg_row[dc->func][o->reg];
	return SG_ROW_SINK;
}

static bool rows_is_sreg(const struct sg_exec *x, uint32_t at)
{
	for (int i = 0; i < SG_SREG_COUNT; i++) {
		if (x->sreg_row[i] && x->sreg_row[i] == at)
			return true;
	}
	return false;
}

/* What a call of a recursive function saves: all its registers. */
bool sg_row_save_lists(struct sg_decode *dc)
{
	for (uint32_t i = 0; i < dc->prog->nfuncs; i++) {
		const struct sg_func *f = dc->prog->funcs[i];
		struct sg_func_exec *fx = &dc->x->funcs[i];
		struct sg_row *rows;

		if (!f->recursive)
			continue;
		rows = sg_prog_alloc(dc->prog, f->nregs * sizeof(*rows));
		if (!rows)
			return false;
		fx->rows = rows;
		for (uint32_t r = 0; r < f->nregs; r++) {
			uint32_t at = dc->reg_row[i][r];

			if (!at || rows_is_sreg(dc->x, at))
				continue;
			rows[fx->nrows].at = at;
			rows[fx->nrows++].size = rows_lane_bytes(f->regs[r]);
			fx->save_bytes += cw_max(rows_lane_bytes(f->regs[r]), 1u);
		}
	}
	return true;
}
