/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One instruction: opcode, modifiers, operands by the letters of ops.def.
 */
#include "softgpu/ptx/parse.h"

struct sg_insn *sg_parse_emit(struct sg_parse *ps, enum sg_op op, enum sg_type type)
{
	struct sg_insn *in = sg_func_add_insn(ps->f);

	if (!in) {
		sg_parse_error(ps, "out of memory");
		return NULL;
	}
	in->op = op;
	in->type = type;
	in->line = ps->lx.tok.line;
	return in;
}

/* p, p|q, _|q: always two destinations. */
static bool insn_pred_dests(struct sg_parse *ps, struct sg_insn *in)
{
	if (!sg_parse_dest(ps, &in->o[in->n++], SG_PRED))
		return false;
	in->o[in->n].kind = SG_OPND_SINK;
	in->nd = 2;
	return !sg_lex_accept(&ps->lx, '|') || sg_parse_dest(ps, &in->o[in->n], SG_PRED);
}

/* d, d|p */
static bool insn_dest_pred(struct sg_parse *ps, struct sg_insn *in)
{
	if (!sg_parse_dest(ps, &in->o[in->n++], in->type))
		return false;
	in->o[in->n].kind = SG_OPND_SINK;
	in->nd = 2;
	return !sg_lex_accept(&ps->lx, '|') || sg_parse_dest(ps, &in->o[in->n], SG_PRED);
}

static bool insn_operand(struct sg_parse *ps, struct sg_insn *in, char letter)
{
	enum sg_type wide = in->sub == SG_SUB_WIDE ? sg_type_widen(in->type) : in->type;
	struct sg_opnd *o = &in->o[in->n];

	switch (letter) {
	case 'D':
	case 'd':
	case 'w':
		in->nd++;
		return sg_parse_dest(ps, o,
				     letter == 'D' ? in->type : letter == 'd' ? SG_B32 : wide);
	case 'A':
		return in->type == SG_PRED ? sg_parse_pred(ps, o) :
					     sg_parse_source(ps, o, in->type);
	case 'W':
		return sg_parse_source(ps, o, wide);
	case 'S':
		return sg_parse_source(ps, o, in->type2);
	case 'u':
		return sg_parse_source(ps, o, SG_B32);
	case 'q':
		return insn_pred_dests(ps, in);
	case 'X':
		return insn_dest_pred(ps, in);
	default:
		return sg_parse_pred(ps, o);
	}
}

/**
 * sg_parse_signature() - Operands by the letters of ops.def
 * @ps:		parse
 * @in:		instruction with its modifiers decoded
 * @letters:	see ops.def
 *
 * Return: true; false with a message.
 */
bool sg_parse_signature(struct sg_parse *ps, struct sg_insn *in, const char *letters)
{
	for (const char *l = letters; *l; l++) {
		if (*l == 'o' && !sg_lex_is_punct(&ps->lx, ','))
			break;
		if (l > letters && !sg_parse_expect(ps, ','))
			return false;
		if (!insn_operand(ps, in, *l))
			return false;
		in->n++;
	}
	return true;
}

static bool insn_check(struct sg_parse *ps, const struct sg_insn *in)
{
	enum sg_type t = in->type;
	bool flt = sg_type_is_float(t);

	switch (in->op) {
	case SG_OP_MUL:
	case SG_OP_MAD:
	case SG_OP_MUL24:
	case SG_OP_MAD24:
	case SG_OP_MADC:
		if (!flt && in->sub == SG_SUB_NONE)
			return sg_parse_error(ps, "needs .lo, .hi or .wide");
		if (in->sub == SG_SUB_WIDE && sg_type_widen(t) == SG_NONE)
			return sg_parse_error(ps, "no .wide for this type");
		break;
	case SG_OP_SET:
	case SG_OP_SLCT:
	case SG_OP_DP4A:
	case SG_OP_DP2A:
		if (in->type2 == SG_NONE)
			return sg_parse_error(ps, "needs two types");
		break;
	default:
		if (in->type2 != SG_NONE && in->op != SG_OP_CVT)
			return sg_parse_error(ps, "too many types");
		break;
	}
	if ((in->op == SG_OP_SETP || in->op == SG_OP_SET) && in->cmp == SG_CMP_NONE)
		return sg_parse_error(ps, "needs a comparison");
	return true;
}

/* Carry in and out are operands behind the others. */
static bool insn_carry(struct sg_parse *ps, struct sg_insn *in)
{
	bool reads = in->op == SG_OP_ADDC || in->op == SG_OP_SUBC || in->op == SG_OP_MADC;

	if (!reads && !(in->flags & SG_F_CC))
		return true;
	if (sg_type_is_float(in->type))
		return sg_parse_error(ps, "no .cc for floating point");
	in->o[in->n++] = (struct sg_opnd){ .kind = SG_OPND_REG, .reg = sg_parse_carry(ps) };
	return true;
}

/**
 * sg_parse_insn() - The rest of an instruction
 * @ps:		parse; the token behind the opcode word is current
 * @opcode:	that word
 * @guard:	predicate in front of it, kind NONE where there is none
 *
 * Return: true, with the token behind ';' current; false with a message.
 */
bool sg_parse_insn(struct sg_parse *ps, const struct sg_tok *opcode, const struct sg_opnd *guard)
{
	struct sg_insn in = { .op = sg_op_by_word(opcode->s, opcode->len), .guard = SG_NO_REG };
	sg_special_fn *special = sg_special(in.op);
	struct sg_insn *at;

	in.line = opcode->line;
	if (in.op == SG_OP_INVALID)
		return sg_parse_error(ps, "Not a name of any known instruction: '%.*s'",
				      (int)opcode->len, opcode->s);
	ps->opcode = *opcode;
	if (guard->kind != SG_OPND_NONE) {
		in.guard = guard->reg;
		in.guard_not = guard->not;
	}
	if (!sg_parse_mods(ps, &in))
		return false;
	if (special) {
		if (!special(ps, &in))
			return false;
	} else {
		if (!insn_check(ps, &in) ||
		    !sg_parse_signature(ps, &in, sg_op_info[in.op].operands) ||
		    !insn_carry(ps, &in))
			return false;
	}
	if (!sg_parse_expect(ps, ';'))
		return false;
	ps->opcode.len = 0;
	/* Specials that emitted all they need leave op invalid. */
	if (in.op == SG_OP_INVALID)
		return true;
	at = sg_parse_emit(ps, in.op, in.type);
	if (at)
		*at = in;
	return at != NULL;
}
