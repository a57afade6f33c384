/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From IR to handlers. An instruction becomes one sg_code, sometimes a few:
 * saturation, complemented predicates and registers wider than a conversion's
 * types are steps of their own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "softgpu/interp/decode.h"
#include "softgpu/interp/lane.h"
#include "softgpu/ir/module.h"

bool sg_decode_unsupported(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	const char *word = sg_op_info[in->op].word;

	if (!dc->failed && dc->log && dc->log_size)
		snprintf(dc->log, dc->log_size,
			 SG_MESSAGE "in %s: unsupported instruction %s%s%s%s%s", in->line,
			 dc->prog->funcs[dc->func]->name, word ? word : "?", in->type ? "." : "",
			 in->type ? sg_type_info[in->type].word : "", in->type2 ? "." : "",
			 in->type2 ? sg_type_info[in->type2].word : "");
	dc->failed = true;
	return false;
}

static uint32_t decode_guard_row(struct sg_decode *dc)
{
	return dc->in->guard == SG_NO_REG ? SG_ROW_TRUE :
					    dc->reg_row[dc->func][dc->in->guard];
}

struct sg_code *sg_decode_emit(struct sg_decode *dc, sg_handler *fn)
{
	struct sg_exec *x = dc->x;
	struct sg_code *c;

	if (x->ncode == dc->code_cap) {
		uint32_t cap = dc->code_cap ? dc->code_cap * 2 : 256;

		c = realloc(x->code, cap * sizeof(*c));
		if (!c) {
			dc->failed = true;
			return NULL;
		}
		x->code = c;
		dc->code_cap = cap;
	}
	c = &x->code[x->ncode++];
	*c = (struct sg_code){
		.fn = fn, .guard = decode_guard_row(dc), .insn = dc->in, .csr = SG_CSR_DEFAULT,
	};
	c->gxor = dc->in->guard_not ? SG_ALL : 0;
	return c;
}

static uint32_t decode_csr(const struct sg_insn *in)
{
	uint32_t csr = SG_CSR_DEFAULT;
	bool wide = in->type == SG_F64 && (in->type2 == SG_NONE || in->type2 == SG_F64);

	if ((in->flags & SG_F_FTZ) && !wide)
		csr |= SG_CSR_FLUSH;
	switch ((enum sg_round)in->round) {
	case SG_ROUND_RZ:
	case SG_ROUND_RZI:
		return csr | SG_CSR_ZERO;
	case SG_ROUND_RM:
	case SG_ROUND_RMI:
		return csr | SG_CSR_DOWN;
	case SG_ROUND_RP:
	case SG_ROUND_RPI:
		return csr | SG_CSR_UP;
	default:
		return csr;
	}
}

struct sg_code *sg_decode_row(struct sg_decode *dc, const struct sg_hrow *row)
{
	struct sg_code *c;

	if (!row) {
		sg_decode_unsupported(dc);
		return NULL;
	}
	c = sg_decode_emit(dc, row->fn);
	if (c && row->fp)
		c->csr = decode_csr(dc->in);
	return c;
}

/* Predicate source; a complemented one goes through a scratch row. */
uint32_t sg_decode_pred(struct sg_decode *dc, const struct sg_opnd *o)
{
	uint32_t row;
	struct sg_code *c;

	if (o->kind == SG_OPND_IMM)
		row = sg_row_const(dc, o->imm, 4);
	else if (o->kind == SG_OPND_REG)
		row = dc->reg_row[dc->func][o->reg];
	else
		return SG_ROW_TRUE;
	if (!o->not)
		return row;
	c = sg_decode_row(dc, sg_select(SG_OP_NOT, SG_PRED, SG_NONE, 0));
	if (!c)
		return row;
	c->guard = SG_ROW_TRUE;
	c->gxor = 0;
	c->a = row;
	c->d = SG_ROW_PRED_TEMP + 4 * (dc->pred_temps++ % 3);
	return c->d;
}

uint32_t sg_decode_pred_dest(struct sg_decode *dc, const struct sg_opnd *o)
{
	return o->kind == SG_OPND_REG ? dc->reg_row[dc->func][o->reg] : SG_ROW_PRED_SINK;
}

/* Everything but the type that distinguishes handlers of a family. */
static uint32_t decode_variant(const struct sg_insn *in)
{
	bool flt = sg_type_is_float(in->type);
	uint32_t v = 0;

	switch (in->op) {
	case SG_OP_MUL:
	case SG_OP_MAD:
	case SG_OP_MUL24:
	case SG_OP_MAD24:
	case SG_OP_ADD:
	case SG_OP_SUB:
		return flt ? 0 : in->sub | (in->flags & SG_F_SAT ? V_SAT : 0);
	case SG_OP_MIN:
	case SG_OP_MAX:
		if (in->flags & SG_F_FTZ && in->type == SG_F32)
			v |= V_FTZ;
		return v | (in->flags & SG_F_NAN ? V_ANYNAN : 0);
	case SG_OP_NEG:
	case SG_OP_ABS:
		return in->flags & SG_F_FTZ && in->type == SG_F32 ? V_FTZ : 0;
	case SG_OP_BFIND:
		return in->flags & SG_F_SHIFTAMT ? V_SHIFTAMT : 0;
	case SG_OP_BMSK:
	case SG_OP_SZEXT:
		return in->flags & SG_F_WRAP ? V_WRAP : V_CLAMP;
	case SG_OP_SHF:
		return in->sub | (in->flags & SG_F_WRAP ? V_WRAP : V_CLAMP);
	case SG_OP_DP2A:
	case SG_OP_PRMT:
	case SG_OP_TESTP:
		return in->sub;
	case SG_OP_SETP:
	case SG_OP_SET:
		switch ((enum sg_cmp)in->cmp) {
		case SG_CMP_LO:
			return SG_CMP_LT;
		case SG_CMP_LS:
			return SG_CMP_LE;
		case SG_CMP_HI:
			return SG_CMP_GT;
		case SG_CMP_HS:
			return SG_CMP_GE;
		default:
			return in->cmp;
		}
	default:
		return 0;
	}
}

static uint32_t decode_width(const struct sg_insn *in, char letter)
{
	switch (letter) {
	case 'u':
		return 4;
	case 'W':
		return sg_type_size(in->sub == SG_SUB_WIDE ? sg_type_widen(in->type) : in->type);
	case 'S':
		return sg_type_size(in->type2);
	default:
		return sg_type_size(in->type);
	}
}

/* A floating-point result cut to [0, 1]. */
static bool decode_saturate(struct sg_decode *dc, uint32_t row)
{
	struct sg_code *c = sg_decode_row(dc, sg_select(SG_OP_MOV, dc->in->type, SG_NONE, V_SAT));

	if (!c)
		return false;
	c->a = c->d = row;
	return true;
}

/* Families with one destination and up to four sources of ops.def's letters. */
static bool decode_plain(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	const char *letters = sg_op_info[in->op].operands;
	enum sg_op op = in->op == SG_OP_MAD && sg_type_is_float(in->type) ? SG_OP_FMA : in->op;
	bool two = op == SG_OP_SLCT || op == SG_OP_DP4A || op == SG_OP_DP2A;
	uint32_t src[4] = { 0 }, n = 0, pred = 0;
	struct sg_code *c;
	bool sat = sg_type_is_float(in->type) && (in->flags & SG_F_SAT);

	if (in->flags & (SG_F_RELU | SG_F_XORSIGN_ABS | SG_F_ABS))
		return sg_decode_unsupported(dc);
	for (uint32_t i = 1; letters[i] && n < 4; i++, n++) {
		const struct sg_opnd *o = &in->o[i];

		if (letters[i] == 'p' || in->type == SG_PRED)
			src[n] = pred = sg_decode_pred(dc, o);
		else
			src[n] = sg_row_operand(dc, o, decode_width(in, letters[i]));
	}
	c = sg_decode_row(dc, sg_select(op, in->type, two ? in->type2 : SG_NONE,
					decode_variant(in)));
	if (!c)
		return false;
	c->d = sg_row_dest(dc, &in->o[0]);
	c->a = src[0];
	c->b = src[1];
	c->c = src[2];
	c->e = src[3];
	return !sat || decode_saturate(dc, c->d);
}

static bool decode_carry(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	sg_handler *fn = sg_carry_handler(in);
	uint32_t size = sg_type_size(in->type);
	struct sg_code *c = fn ? sg_decode_emit(dc, fn) : NULL;

	if (!c)
		return sg_decode_unsupported(dc);
	c->n = (in->flags & SG_F_CC) != 0;
	c->d = sg_row_dest(dc, &in->o[0]);
	c->a = sg_row_operand(dc, &in->o[1], size);
	c->b = sg_row_operand(dc, &in->o[2], size);
	c->c = in->n == 5 ? sg_row_operand(dc, &in->o[3], size) : SG_ROW_SINK;
	c->e = sg_row_operand(dc, &in->o[in->n - 1], 4);
	return true;
}

static bool decode_mov(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	bool pred = in->type == SG_PRED;
	uint32_t a = pred ? sg_decode_pred(dc, &in->o[1]) :
			    sg_row_operand(dc, &in->o[1], sg_type_size(in->type));
	struct sg_code *c = sg_decode_row(dc, sg_select(SG_OP_MOV, in->type, SG_NONE, 0));

	if (!c)
		return false;
	c->d = pred ? sg_decode_pred_dest(dc, &in->o[0]) : sg_row_dest(dc, &in->o[0]);
	c->a = a;
	return true;
}

static bool decode_setp(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	bool test = in->op == SG_OP_TESTP;
	uint32_t size = sg_type_size(in->type);
	uint32_t with = in->n > 4 && !test ? sg_decode_pred(dc, &in->o[4]) : SG_ROW_TRUE;
	struct sg_code *c = sg_decode_row(dc, sg_select(in->op, in->type, SG_NONE,
						     decode_variant(in)));

	if (!c)
		return false;
	c->d = sg_decode_pred_dest(dc, &in->o[0]);
	c->e = sg_decode_pred_dest(dc, &in->o[1]);
	c->a = sg_row_operand(dc, &in->o[2], size);
	c->b = test ? c->a : sg_row_operand(dc, &in->o[3], size);
	c->c = with;
	c->n = in->n > 4 && !test ? in->sub : SG_SUB_NONE;
	return true;
}

/* set: setp, then selp between true and false of the destination type. */
static bool decode_set(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	uint32_t size = sg_type_size(in->type2), dsize = sg_type_size(in->type);
	uint32_t with = in->n > 3 ? sg_decode_pred(dc, &in->o[3]) : SG_ROW_TRUE;
	uint64_t yes = in->type == SG_F32 ? 0x3f800000u : UINT64_MAX;
	struct sg_code *c = sg_decode_row(dc, sg_select(SG_OP_SETP, in->type2, SG_NONE,
						     decode_variant(in)));

	if (!c)
		return false;
	c->d = SG_ROW_PRED_TEMP + 12;
	c->e = SG_ROW_PRED_SINK;
	c->a = sg_row_operand(dc, &in->o[1], size);
	c->b = sg_row_operand(dc, &in->o[2], size);
	c->c = with;
	c->n = in->n > 3 ? in->sub : SG_SUB_NONE;
	c = sg_decode_row(dc, sg_select(SG_OP_SELP, in->type, SG_NONE, 0));
	if (!c)
		return false;
	c->d = sg_row_dest(dc, &in->o[0]);
	c->a = sg_row_const(dc, yes, dsize);
	c->b = sg_row_const(dc, 0, dsize);
	c->c = SG_ROW_PRED_TEMP + 12;
	return true;
}

static enum sg_type decode_int_type(uint32_t size, bool sign)
{
	switch (size) {
	case 1:
		return sign ? SG_S8 : SG_U8;
	case 2:
		return sign ? SG_S16 : SG_U16;
	case 4:
		return sign ? SG_S32 : SG_U32;
	default:
		return sign ? SG_S64 : SG_U64;
	}
}

/* A plain integer conversion between rows: a step of cvt. */
static bool decode_resize(struct sg_decode *dc, uint32_t d, enum sg_type to, uint32_t a,
			  enum sg_type from)
{
	struct sg_code *c = sg_decode_row(dc, sg_select(SG_OP_CVT, to, from, 0));

	if (!c)
		return false;
	c->d = d;
	c->a = a;
	return true;
}

uint32_t sg_decode_reg_size(struct sg_decode *dc, const struct sg_opnd *o, uint32_t otherwise)
{
	if (o->kind != SG_OPND_REG)
		return otherwise;
	return sg_type_size(dc->prog->funcs[dc->func]->regs[o->reg]);
}

static uint32_t decode_cvt_variant(const struct sg_insn *in)
{
	bool df = sg_type_is_float(in->type), sf = sg_type_is_float(in->type2);

	if (!df && !sf)
		return in->flags & SG_F_SAT ? V_SAT : 0;
	if (in->type == in->type2 && in->round >= SG_ROUND_RNI)
		return V_RINT;
	if ((in->type == SG_BF16 || in->type == SG_BF16X2) && in->round == SG_ROUND_RZ)
		return V_RZ;
	return 0;
}

/* Bit types convert as unsigned. */
static enum sg_type decode_cvt_type(enum sg_type t)
{
	return sg_type_info[t].class == SG_CLASS_BITS ? decode_int_type(sg_type_size(t), false) : t;
}

static bool decode_cvt(struct sg_decode *dc)
{
	const struct sg_insn *in = dc->in;
	enum sg_type dt = decode_cvt_type(in->type), st = decode_cvt_type(in->type2);
	uint32_t dsize = sg_type_size(dt), ssize = sg_type_size(st);
	uint32_t dreg = sg_decode_reg_size(dc, &in->o[0], dsize);
	uint32_t sreg = sg_decode_reg_size(dc, &in->o[1], ssize);
	uint32_t d = sg_row_dest(dc, &in->o[0]), to = d;
	uint32_t a = sg_row_operand(dc, &in->o[1], ssize);
	uint32_t b = in->n > 2 ? sg_row_operand(dc, &in->o[2], ssize) : 0;
	struct sg_code *c;

	if ((in->flags & SG_F_RELU) || dsize > 8 || ssize > 8)
		return sg_decode_unsupported(dc);
	if (sreg > ssize) {
		if (!decode_resize(dc, SG_ROW_TEMP, decode_int_type(ssize, false), a,
				   decode_int_type(sreg, false)))
			return false;
		a = SG_ROW_TEMP;
	}
	if (dreg > dsize)
		to = SG_ROW_TEMP2;
	c = sg_decode_row(dc, sg_select(SG_OP_CVT, dt, st, decode_cvt_variant(in)));
	if (!c)
		return false;
	c->d = to;
	c->a = a;
	c->b = b;
	if (sg_type_is_float(dt) && (in->flags & SG_F_SAT) && !decode_saturate(dc, to))
		return false;
	return dreg <= dsize ||
	       decode_resize(dc, d, decode_int_type(dreg, sg_type_is_signed(dt)), to,
			     decode_int_type(dsize, sg_type_is_signed(dt)));
}

static bool decode_simple(struct sg_decode *dc, sg_handler *fn)
{
	struct sg_code *c = sg_decode_emit(dc, fn);

	if (c)
		c->n = dc->func;
	return c != NULL;
}

static bool decode_insn(struct sg_decode *dc)
{
	switch (dc->in->op) {
	case SG_OP_MOV:
		return decode_mov(dc);
	case SG_OP_LD:
	case SG_OP_ST:
		return sg_decode_ld_st(dc);
	case SG_OP_ATOM:
		return sg_decode_atom(dc);
	case SG_OP_CVTA:
		return sg_decode_cvta(dc);
	case SG_OP_ISSPACEP:
		return sg_decode_isspacep(dc);
	case SG_OP_CVT:
		return decode_cvt(dc);
	case SG_OP_PACK:
	case SG_OP_UNPACK:
		return sg_decode_pack(dc);
	case SG_OP_SREG:
		return sg_decode_sreg(dc);
	case SG_OP_LOCALADDR:
		return sg_decode_localaddr(dc);
	case SG_OP_SETP:
	case SG_OP_TESTP:
		return decode_setp(dc);
	case SG_OP_SET:
		return decode_set(dc);
	case SG_OP_SHFL:
	case SG_OP_VOTE:
	case SG_OP_MATCH:
	case SG_OP_REDUX:
	case SG_OP_ELECT:
	case SG_OP_ACTIVEMASK:
		return sg_decode_warp(dc);
	case SG_OP_BAR:
		return sg_decode_bar(dc);
	case SG_OP_BRA:
	case SG_OP_BRX:
		return sg_decode_branch(dc);
	case SG_OP_CALL:
		return sg_decode_call(dc);
	case SG_OP_RET:
	case SG_OP_END:
		return decode_simple(dc, dc->func ? sg_h_ret : sg_h_exit);
	case SG_OP_EXIT:
		return decode_simple(dc, sg_h_exit);
	case SG_OP_TRAP:
	case SG_OP_BRKPT:
		return decode_simple(dc, sg_h_trap);
	case SG_OP_MEMBAR:
	case SG_OP_FENCE:
		return decode_simple(dc, sg_h_fence);
	case SG_OP_NANOSLEEP:
		return decode_simple(dc, sg_h_nanosleep);
	default:
		break;
	}
	if ((dc->in->flags & SG_F_CC) || dc->in->op == SG_OP_ADDC || dc->in->op == SG_OP_SUBC ||
	    dc->in->op == SG_OP_MADC)
		return decode_carry(dc);
	return decode_plain(dc);
}

static uint32_t decode_block_length(const struct sg_func *f, uint32_t at)
{
	uint32_t n = 1;

	while (at + n < f->ninsns && !f->leader[at + n])
		n++;
	return n;
}

static bool decode_function(struct sg_decode *dc, uint32_t *starts)
{
	const struct sg_func *f = dc->prog->funcs[dc->func];

	for (uint32_t i = 0; i < f->ninsns; i++) {
		dc->in = &f->insns[i];
		dc->pred_temps = 0;
		starts[i] = dc->x->ncode;
		if (f->leader[i]) {
			struct sg_code *c = sg_decode_emit(dc, sg_h_block);

			if (!c)
				return false;
			c->n = decode_block_length(f, i);
		}
		if (!decode_insn(dc) || dc->failed)
			return false;
	}
	return true;
}

/* Instruction indices of branch targets become code indices. */
static void decode_link_function(struct sg_decode *dc, uint32_t first, const uint32_t *starts)
{
	for (uint32_t i = first; i < dc->x->ncode; i++) {
		struct sg_code *c = &dc->x->code[i];

		if (c->fn == sg_h_bra)
			c->imm = starts[c->insn->target];
		for (uint32_t t = 0; c->fn == sg_h_brx && t < c->insn->ntargets; t++)
			((uint32_t *)(uintptr_t)c->imm)[t] = starts[c->insn->targets[t]];
	}
}

static int decode_all(struct sg_decode *dc)
{
	struct sg_exec *x = dc->x;
	uint32_t *entry = calloc(dc->prog->nfuncs, sizeof(*entry));

	x->insn_code = calloc(dc->prog->nfuncs, sizeof(*x->insn_code));
	if (!entry || !x->insn_code || !sg_rows_assign(dc)) {
		free(entry);
		return -ENOMEM;
	}
	for (dc->func = 0; dc->func < dc->prog->nfuncs; dc->func++) {
		const struct sg_func *f = dc->prog->funcs[dc->func];
		uint32_t *starts = calloc(f->ninsns + 1, sizeof(*starts));
		bool ok;

		entry[dc->func] = x->ncode;
		ok = starts && decode_function(dc, starts);
		if (ok) {
			decode_link_function(dc, entry[dc->func], starts);
			starts[f->ninsns] = x->ncode;
		}
		x->insn_code[dc->func] = starts;
		if (!ok) {
			free(entry);
			return dc->log && dc->log[0] ? -EINVAL : -ENOMEM;
		}
	}
	for (uint32_t i = 0; i < x->ncode; i++) {
		if (x->code[i].fn == sg_h_bra)
			x->code[i].target = &x->code[x->code[i].imm];
	}
	for (uint32_t i = 0; i < dc->prog->nfuncs; i++)
		x->funcs[i].start = &x->code[entry[i]];
	free(entry);
	return sg_row_save_lists(dc) ? 0 : -ENOMEM;
}

static void exec_destroy(void *exec)
{
	struct sg_exec *x = exec;

	if (x->jit_free)
		x->jit_free(x->jit);
	for (uint32_t i = 0; i < x->prog->nfuncs; i++) {
		if (x->reg_row)
			free(x->reg_row[i]);
		if (x->insn_code)
			free(x->insn_code[i]);
	}
	free(x->reg_row);
	free(x->insn_code);
	free(x->code);
	free(x->funcs);
	free(x->consts);
	free(x);
}

/**
 * sg_prog_lower() - Decode a program
 * @p:		finished program; gets @exec on success
 * @log:	message on failure
 * @log_size:	bytes of @log
 *
 * Return: 0, -EINVAL for an instruction there is no handler for, -ENOMEM.
 */
int sg_prog_lower(struct sg_prog *p, char *log, size_t log_size)
{
	static atomic_ullong ids;
	struct sg_decode dc = { .prog = p, .log = log, .log_size = log_size };
	int rc = -ENOMEM;

	dc.x = calloc(1, sizeof(*dc.x));
	if (!dc.x)
		return -ENOMEM;
	dc.x->prog = p;
	dc.x->id = atomic_fetch_add(&ids, 1) + 1;
	dc.x->max_depth = p->has_recursion || p->has_indirect ? 4096 : p->nfuncs + 2;
	dc.x->funcs = calloc(p->nfuncs, sizeof(*dc.x->funcs));
	if (dc.x->funcs)
		rc = decode_all(&dc);
	dc.x->reg_row = dc.reg_row;
	if (rc) {
		exec_destroy(dc.x);
		return rc;
	}
	p->exec = dc.x;
	p->exec_free = exec_destroy;
	return 0;
}
