/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operands (ISA 9.0, 6). Widths are checked here, so that later stages may
 * rely on them: a source has exactly the width of its type, except where the
 * ISA relaxes that (ld, st, cvt: 9.4.1).
 */
#include <string.h>

#include "softgpu/ir/window.h"
#include "softgpu/ptx/parse.h"

/* "%tid" followed by ".x" is two tokens. */
static bool operand_sreg(struct sg_parse *ps, const struct sg_tok *t, struct sg_opnd *o,
			 enum sg_type type)
{
	const struct sg_tok *dot = &ps->lx.tok;
	uint32_t len = t->len;
	struct sg_insn *in;

	if (*t->s != '%')
		return false;
	if (dot->kind == SG_TOK_DOT && dot->s == t->s + t->len + 1)
		len += 1 + dot->len;
	for (int i = 0; i < SG_SREG_COUNT; i++) {
		const struct sg_sreg_info *s = &sg_sreg_info[i];

		if (strlen(s->word) != len || memcmp(s->word, t->s, len))
			continue;
		if (len > t->len)
			sg_lex_next(&ps->lx);
		o->kind = SG_OPND_REG;
		o->reg = sg_func_add_reg(ps->f, type == SG_NONE ? s->type : type);
		in = sg_parse_emit(ps, SG_OP_SREG, s->type);
		if (!in || o->reg == SG_NO_REG)
			return sg_parse_error(ps, "out of memory");
		in->sreg = i;
		in->nd = in->n = 1;
		in->o[0] = *o;
		return true;
	}
	/* %envreg0 .. 31: only 1 and 2 mean something (cooperative launch). */
	if (len > 7 && !memcmp(t->s, "%envreg", 7)) {
		o->kind = SG_OPND_IMM;
		return true;
	}
	return false;
}

static uint64_t operand_float_bits(const struct sg_tok *t, enum sg_type type)
{
	uint64_t bits = t->value;
	uint32_t low = bits;
	double d;
	float f;

	if (t->is_f32 && sg_type_size(type) == 8 && sg_type_is_float(type)) {
		memcpy(&f, &low, sizeof(f));
		d = f;
		memcpy(&bits, &d, sizeof(bits));
	} else if (!t->is_f32 && sg_type_size(type) == 4) {
		memcpy(&d, &bits, sizeof(d));
		f = (float)d;
		memcpy(&low, &f, sizeof(low));
		bits = low;
	}
	return bits;
}

static uint64_t operand_int_bits(uint64_t v, enum sg_type type)
{
	double d = (double)(int64_t)v;
	float f = (float)d;
	uint32_t low;

	if (type == SG_F64) {
		memcpy(&v, &d, sizeof(v));
	} else if (type == SG_F32) {
		memcpy(&low, &f, sizeof(low));
		v = low;
	}
	return v;
}

static bool operand_literal(struct sg_parse *ps, struct sg_opnd *o, enum sg_type type)
{
	bool minus = sg_lex_accept(&ps->lx, '-');
	bool complement = !minus && sg_lex_accept(&ps->lx, '~');
	const struct sg_tok *t = &ps->lx.tok;

	o->kind = SG_OPND_IMM;
	if (t->kind == SG_TOK_FLOAT) {
		o->imm = operand_float_bits(t, type);
		if (minus)
			o->imm ^= 1ull << (8 * cw_max(sg_type_size(type), 4u) - 1);
	} else if (t->kind == SG_TOK_INT) {
		uint64_t v = minus ? -t->value : complement ? ~t->value : t->value;

		o->imm = operand_int_bits(v, type);
	} else {
		return sg_parse_error(ps, "expected an operand");
	}
	sg_lex_next(&ps->lx);
	return true;
}

static bool operand_place_shared(struct sg_parse *ps, struct sg_symbol *s, struct sg_opnd *o)
{
	struct sg_link *l = ps->link;
	uint32_t *at = &l->shared_at[s - l->m->symbols];

	if (!s->decl.size) {	/* dynamic: all such names are one address */
		l->prog->dynamic_align = cw_max(l->prog->dynamic_align, s->decl.align);
		o->dynamic_shared = true;
		return true;
	}
	if (!*at) {
		uint32_t off = sg_scope_shared(ps, s->decl.size, s->decl.align);

		if (off == UINT32_MAX)
			return false;
		*at = off + 1;
	}
	o->imm = *at - 1;
	return true;
}

static bool operand_module_symbol(struct sg_parse *ps, const struct sg_tok *t, struct sg_opnd *o,
				  uint8_t *space)
{
	struct sg_link *l = ps->link;
	struct sg_symbol *s = sg_symbol_find(l->m, ps->symbol->unit, t->s, t->len);

	if (!s)
		return sg_parse_error(ps, "unknown name %.*s", (int)t->len, t->s);
	o->kind = SG_OPND_IMM;
	switch (s->kind) {
	case SG_SYM_VAR:
		if (!s->addr)
			return sg_parse_error(ps, "%s is defined nowhere", s->name);
		*space = s->space == SG_VAR_CONST ? SG_SPACE_CONST : SG_SPACE_GLOBAL;
		o->imm = s->addr;
		return true;
	case SG_SYM_SHARED:
		*space = SG_SPACE_SHARED;
		return operand_place_shared(ps, s, o);
	case SG_SYM_FUNC:
	case SG_SYM_ENTRY:
		*space = SG_SPACE_GENERIC;
		o->imm = SG_CODE_WINDOW + 16ull * (s - l->m->symbols + 1);
		return true;
	default:
		return sg_parse_error(ps, "%s has no address", s->name);
	}
}

/**
 * sg_parse_symbol() - What a variable's or function's name is worth
 * @ps:		parse
 * @t:		the name; the token behind it is current
 * @o:		address: an immediate, or a frame offset as SG_OPND_MEM
 * @space:	the space the address is in
 *
 * Return: true; false with a message for a name without an address.
 */
bool sg_parse_symbol(struct sg_parse *ps, const struct sg_tok *t, struct sg_opnd *o,
		     uint8_t *space)
{
	uint32_t reg;
	const struct sg_name *n = sg_scope_find(ps, t, &reg);

	if (!n)
		return operand_module_symbol(ps, t, o, space);
	o->kind = SG_OPND_IMM;
	o->imm = n->value;
	switch (n->kind) {
	case SG_NAME_FRAME:
		*space = SG_SPACE_LOCAL;
		if (!ps->f->is_entry) {
			o->kind = SG_OPND_MEM;
			o->reg = ps->f->frame_reg;
		}
		return true;
	case SG_NAME_SHARED:
		*space = SG_SPACE_SHARED;
		o->dynamic_shared = n->count == 0;
		return true;
	case SG_NAME_PARAM:
		*space = SG_SPACE_PARAM;
		return true;
	default:
		return sg_parse_error(ps, "%.*s has no address", (int)t->len, t->s);
	}
}

/* A frame address is known at run time only: frame register + offset. */
static bool operand_frame_address(struct sg_parse *ps, struct sg_opnd *o, enum sg_type type)
{
	uint32_t reg = sg_func_add_reg(ps->f, sg_type_size(type) == 8 ? SG_U64 : SG_U32);
	struct sg_insn *in = sg_parse_emit(ps, SG_OP_LOCALADDR,
					   sg_type_size(type) == 8 ? SG_U64 : SG_U32);

	if (!in || reg == SG_NO_REG)
		return sg_parse_error(ps, "out of memory");
	in->nd = 1;
	in->n = 2;
	in->o[0] = (struct sg_opnd){ .kind = SG_OPND_REG, .reg = reg };
	in->o[1] = *o;
	*o = in->o[0];
	return true;
}

/* name + 4 */
static bool operand_offset(struct sg_parse *ps, uint64_t *imm)
{
	bool minus = sg_lex_is_punct(&ps->lx, '-');

	if (!minus && !sg_lex_is_punct(&ps->lx, '+'))
		return true;
	sg_lex_next(&ps->lx);
	if (sg_lex_accept(&ps->lx, '-'))
		minus = !minus;
	if (ps->lx.tok.kind != SG_TOK_INT)
		return sg_parse_error(ps, "expected an offset");
	*imm += minus ? -ps->lx.tok.value : ps->lx.tok.value;
	sg_lex_next(&ps->lx);
	return true;
}

static bool operand_width_ok(struct sg_parse *ps, uint32_t reg, enum sg_type type, bool wider)
{
	enum sg_type have = ps->f->regs[reg];

	if (type == SG_NONE)
		return true;
	if ((type == SG_PRED) != (have == SG_PRED))
		return false;
	return sg_type_size(have) == sg_type_size(type) ||
	       (wider && sg_type_size(have) > sg_type_size(type));
}

static bool operand_source(struct sg_parse *ps, struct sg_opnd *o, enum sg_type type, bool wider)
{
	struct sg_tok t = ps->lx.tok;
	const struct sg_name *n;
	uint8_t space;

	*o = (struct sg_opnd){ .kind = SG_OPND_NONE };
	if (t.kind != SG_TOK_WORD)
		return operand_literal(ps, o, type);
	sg_lex_next(&ps->lx);
	n = sg_scope_find(ps, &t, &o->reg);
	if (n && (n->kind == SG_NAME_REG || n->kind == SG_NAME_REGS)) {
		o->kind = SG_OPND_REG;
		if (!operand_width_ok(ps, o->reg, type, wider))
			return sg_parse_error(ps, "%.*s is .%s, not .%s", (int)t.len, t.s,
					      sg_type_info[ps->f->regs[o->reg]].word,
					      sg_type_info[type].word);
		return true;
	}
	if (sg_tok_is(&t, SG_TOK_WORD, "WARP_SZ")) {
		*o = (struct sg_opnd){ .kind = SG_OPND_IMM, .imm = 32 };
		return true;
	}
	if (sg_tok_is(&t, SG_TOK_WORD, "_")) {
		o->kind = SG_OPND_SINK;
		return true;
	}
	if (!n && operand_sreg(ps, &t, o, type))
		return true;
	if (ps->log->failed || !sg_parse_symbol(ps, &t, o, &space) ||
	    !operand_offset(ps, &o->imm))
		return false;
	if (o->kind == SG_OPND_MEM)
		return operand_frame_address(ps, o, type);
	return true;
}

bool sg_parse_source(struct sg_parse *ps, struct sg_opnd *o, enum sg_type type)
{
	return operand_source(ps, o, type, false);
}

bool sg_parse_wide_source(struct sg_parse *ps, struct sg_opnd *o, enum sg_type type)
{
	return operand_source(ps, o, type, true);
}

static bool operand_dest(struct sg_parse *ps, struct sg_opnd *o, enum sg_type type, bool wider)
{
	struct sg_tok t = ps->lx.tok;
	const struct sg_name *n;

	*o = (struct sg_opnd){ .kind = SG_OPND_SINK };
	if (t.kind != SG_TOK_WORD)
		return sg_parse_error(ps, "expected a register");
	sg_lex_next(&ps->lx);
	if (sg_tok_is(&t, SG_TOK_WORD, "_"))
		return true;
	n = sg_scope_find(ps, &t, &o->reg);
	if (!n || (n->kind != SG_NAME_REG && n->kind != SG_NAME_REGS))
		return sg_parse_error(ps, "%.*s is no register", (int)t.len, t.s);
	if (!operand_width_ok(ps, o->reg, type, wider))
		return sg_parse_error(ps, "%.*s is .%s, not .%s", (int)t.len, t.s,
				      sg_type_info[ps->f->regs[o->reg]].word,
				      sg_type_info[type].word);
	o->kind = SG_OPND_REG;
	return true;
}

bool sg_parse_dest(struct sg_parse *ps, struct sg_opnd *o, enum sg_type type)
{
	return operand_dest(ps, o, type, false);
}

bool sg_parse_wide_dest(struct sg_parse *ps, struct sg_opnd *o, enum sg_type type)
{
	return operand_dest(ps, o, type, true);
}

bool sg_parse_pred(struct sg_parse *ps, struct sg_opnd *o)
{
	bool not = sg_lex_accept(&ps->lx, '!');

	if (!sg_parse_source(ps, o, SG_PRED))
		return false;
	o->not = not;
	if (o->kind == SG_OPND_IMM)	/* 0 or 1 is allowed for a predicate */
		o->imm = o->imm ? UINT32_MAX : 0;
	return true;
}

bool sg_parse_address(struct sg_parse *ps, struct sg_opnd *o, uint8_t *space)
{
	struct sg_tok t;
	const struct sg_name *n;
	uint8_t found = *space;

	if (!sg_parse_expect(ps, '['))
		return false;
	t = ps->lx.tok;
	*o = (struct sg_opnd){ .kind = SG_OPND_MEM, .reg = SG_NO_REG };
	if (t.kind == SG_TOK_INT) {
		o->imm = t.value;
		sg_lex_next(&ps->lx);
	} else if (t.kind == SG_TOK_WORD) {
		uint32_t reg;

		sg_lex_next(&ps->lx);
		n = sg_scope_find(ps, &t, &reg);
		if (n && (n->kind == SG_NAME_REG || n->kind == SG_NAME_REGS)) {
			if (sg_type_size(ps->f->regs[reg]) < 4 || ps->f->regs[reg] == SG_PRED)
				return sg_parse_error(ps, "address of the wrong width");
			o->reg = reg;
			if (*space == SG_SPACE_PARAM && !ps->f->is_entry)
				found = SG_SPACE_LOCAL;
		} else {
			if (!sg_parse_symbol(ps, &t, o, &found))
				return false;
			if (o->kind == SG_OPND_IMM)
				o->reg = SG_NO_REG;
			o->kind = SG_OPND_MEM;
		}
	}
	if (!operand_offset(ps, &o->imm) || !sg_parse_expect(ps, ']'))
		return false;
	/* A name says where it lives; ".param" of a function is its frame. */
	if (*space == SG_SPACE_PARAM || *space == SG_SPACE_GENERIC)
		*space = found;
	else if (found != *space)
		return sg_parse_error(ps, "%.*s is in another space", (int)t.len, t.s);
	return true;
}

uint32_t sg_parse_carry(struct sg_parse *ps)
{
	if (ps->carry == SG_NO_REG)
		ps->carry = sg_func_add_reg(ps->f, SG_U32);
	return ps->carry;
}
