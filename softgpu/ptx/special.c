/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions whose operands ops.def cannot describe by letters.
 */
#include "softgpu/ptx/parse.h"

/* { a, b } as sources or destinations; returns how many, 0 with a message. */
static uint32_t special_list(struct sg_parse *ps, struct sg_insn *in, enum sg_type type, bool dest,
			     bool wide)
{
	uint32_t n = 0;

	do {
		struct sg_opnd *o = &in->o[in->n];
		bool ok;

		if (in->n + 2 >= SG_MAX_OPERANDS) {
			sg_parse_error(ps, "too many elements");
			return 0;
		}
		if (dest)
			ok = wide ? sg_parse_wide_dest(ps, o, type) : sg_parse_dest(ps, o, type);
		else
			ok = wide ? sg_parse_wide_source(ps, o, type) :
				    sg_parse_source(ps, o, type);
		if (!ok)
			return 0;
		in->n++;
		n++;
	} while (sg_lex_accept(&ps->lx, ','));
	return sg_parse_expect(ps, '}') ? n : 0;
}

static enum sg_type special_part(struct sg_parse *ps, enum sg_type whole, uint32_t n)
{
	switch (sg_type_size(whole) / n) {
	case 1:
		sg_parse_error(ps, "no registers of 8 bits");
		return SG_NONE;
	case 2:
		return SG_B16;
	case 4:
		return SG_B32;
	case 8:
		return SG_B64;
	default:
		return SG_NONE;
	}
}

/* All elements have the width of the whole divided by their number. */
static bool special_check_parts(struct sg_parse *ps, struct sg_insn *in, int first, uint32_t n)
{
	enum sg_type part = special_part(ps, in->type, n);

	if (part == SG_NONE)
		return sg_parse_error(ps, "elements do not fit");
	for (uint32_t i = 0; i < n; i++) {
		const struct sg_opnd *o = &in->o[first + i];

		if (o->kind == SG_OPND_REG &&
		    sg_type_size(ps->f->regs[o->reg]) != sg_type_size(part))
			return sg_parse_error(ps, "elements do not fit");
	}
	in->type2 = part;
	return true;
}

static bool special_mov(struct sg_parse *ps, struct sg_insn *in)
{
	uint32_t n;

	if (sg_type_size(in->type) < 2)
		return sg_parse_error(ps, "mov of 8 bits");
	if (sg_lex_accept(&ps->lx, '{')) {
		n = special_list(ps, in, SG_NONE, true, false);
		if (!n || !special_check_parts(ps, in, 0, n) || !sg_parse_expect(ps, ','))
			return false;
		in->op = SG_OP_UNPACK;
		in->nd = n;
		in->vec = n;
		return sg_parse_source(ps, &in->o[in->n++], in->type);
	}
	if (!sg_parse_dest(ps, &in->o[in->n++], in->type) || !sg_parse_expect(ps, ','))
		return false;
	in->nd = 1;
	if (sg_lex_accept(&ps->lx, '{')) {
		n = special_list(ps, in, SG_NONE, false, false);
		in->op = SG_OP_PACK;
		in->vec = n;
		return n && special_check_parts(ps, in, 1, n);
	}
	if (in->type == SG_PRED)
		return sg_parse_pred(ps, &in->o[in->n++]);
	return sg_parse_source(ps, &in->o[in->n++], in->type);
}

/* An optional ", policy" of a cache hint. */
static bool special_cache_policy(struct sg_parse *ps)
{
	struct sg_opnd ignored;

	return !sg_lex_accept(&ps->lx, ',') || sg_parse_source(ps, &ignored, SG_B64);
}

static bool special_ld(struct sg_parse *ps, struct sg_insn *in)
{
	uint32_t want = in->vec ? in->vec : 1;

	if (in->type == SG_PRED)
		return sg_parse_error(ps, "ld of a predicate");
	if (sg_type_size(in->type) == 16)
		return sg_parse_error(ps, "unsupported: ld of 128 bits");
	if (in->vec) {
		if (!sg_parse_expect(ps, '{') ||
		    special_list(ps, in, in->type, true, true) != want)
			return sg_parse_error(ps, "wrong number of elements");
	} else if (!sg_parse_wide_dest(ps, &in->o[in->n++], in->type)) {
		return false;
	}
	in->nd = want;
	in->vec = want;
	in->op = SG_OP_LD;
	return sg_parse_expect(ps, ',') && sg_parse_address(ps, &in->o[in->n++], &in->space) &&
	       special_cache_policy(ps);
}

static bool special_st(struct sg_parse *ps, struct sg_insn *in)
{
	uint32_t want = in->vec ? in->vec : 1;

	if (in->type == SG_PRED)
		return sg_parse_error(ps, "st of a predicate");
	if (sg_type_size(in->type) == 16)
		return sg_parse_error(ps, "unsupported: st of 128 bits");
	if (!sg_parse_address(ps, &in->o[in->n++], &in->space) || !sg_parse_expect(ps, ','))
		return false;
	if (in->space == SG_SPACE_PARAM || in->space == SG_SPACE_CONST)
		return sg_parse_error(ps, "store to read-only space");
	if (in->vec) {
		if (!sg_parse_expect(ps, '{') ||
		    special_list(ps, in, in->type, false, true) != want)
			return sg_parse_error(ps, "wrong number of elements");
	} else if (!sg_parse_wide_source(ps, &in->o[in->n++], in->type)) {
		return false;
	}
	in->vec = want;
	return special_cache_policy(ps);
}

static bool special_atom_type_ok(const struct sg_insn *in)
{
	switch ((enum sg_sub)in->sub) {
	case SG_SUB_ADD:
		return in->type != SG_B32 && in->type != SG_B64 && in->type != SG_B16;
	case SG_SUB_MIN:
	case SG_SUB_MAX:
		return sg_type_size(in->type) >= 4 && !sg_type_is_float(in->type);
	case SG_SUB_INC:
	case SG_SUB_DEC:
		return in->type == SG_U32;
	case SG_SUB_AND:
	case SG_SUB_OR:
	case SG_SUB_XOR:
		return sg_type_size(in->type) >= 4;
	case SG_SUB_EXCH:
		return sg_type_size(in->type) >= 4;
	case SG_SUB_CAS:
		return sg_type_size(in->type) >= 2;
	default:
		return false;
	}
}

/* atom d, [a], b{, c}; red [a], b */
static bool special_atom(struct sg_parse *ps, struct sg_insn *in)
{
	uint32_t size = sg_type_size(in->type);

	if (size < 2 || size > 8 || !special_atom_type_ok(in))
		return sg_parse_error(ps, "unsupported: this operation on .%s",
				      sg_type_info[in->type].word);
	in->o[0].kind = SG_OPND_SINK;
	if (in->op == SG_OP_ATOM &&
	    (!sg_parse_dest(ps, &in->o[0], in->type) || !sg_parse_expect(ps, ',')))
		return false;
	in->nd = 1;
	in->n = 3;
	in->op = SG_OP_ATOM;
	if (!sg_parse_address(ps, &in->o[1], &in->space) || !sg_parse_expect(ps, ',') ||
	    !sg_parse_source(ps, &in->o[2], in->type))
		return false;
	if (in->space == SG_SPACE_PARAM || in->space == SG_SPACE_CONST)
		return sg_parse_error(ps, "store to read-only space");
	if (in->sub == SG_SUB_CAS) {
		in->n = 4;
		if (!sg_parse_expect(ps, ',') || !sg_parse_source(ps, &in->o[3], in->type))
			return false;
	}
	return special_cache_policy(ps);
}

static bool special_isspacep(struct sg_parse *ps, struct sg_insn *in)
{
	in->nd = 1;
	in->n = 2;
	return sg_parse_dest(ps, &in->o[0], SG_PRED) && sg_parse_expect(ps, ',') &&
	       sg_parse_source(ps, &in->o[1], SG_NONE);
}

/* cvt.dtype.atype d, a; cvt.rn.f16x2.f32 d, a, b */
static bool special_cvt(struct sg_parse *ps, struct sg_insn *in)
{
	bool pair = in->type == SG_F16X2 || in->type == SG_BF16X2;

	if (in->type2 == SG_NONE || in->type == SG_PRED || in->type2 == SG_PRED)
		return sg_parse_error(ps, "cvt needs two types");
	in->nd = 1;
	in->n = pair ? 3 : 2;
	if (!sg_parse_wide_dest(ps, &in->o[0], in->type) || !sg_parse_expect(ps, ',') ||
	    !sg_parse_wide_source(ps, &in->o[1], in->type2))
		return false;
	return !pair ||
	       (sg_parse_expect(ps, ',') && sg_parse_source(ps, &in->o[2], in->type2));
}

/* Effects on caches only: the address is looked at by nobody. */
static bool special_prefetch(struct sg_parse *ps, struct sg_insn *in)
{
	struct sg_opnd o;

	if (!sg_parse_address(ps, &o, &in->space) || !special_cache_policy(ps))
		return false;
	in->op = SG_OP_INVALID;
	return true;
}

/* shfl.sync.mode.b32 d|p, a, b, c, mask */
static bool special_shfl(struct sg_parse *ps, struct sg_insn *in)
{
	if (!sg_parse_signature(ps, in, in->flags & SG_F_SYNC ? "XAuuu" : "XAuu"))
		return false;
	if (!(in->flags & SG_F_SYNC))
		in->o[in->n++] = (struct sg_opnd){ .kind = SG_OPND_SINK };
	return in->sub != SG_SUB_NONE || sg_parse_error(ps, "needs a mode");
}

/* vote.sync.ballot.b32 d, p, mask; vote.sync.any.pred q, p, mask */
static bool special_vote(struct sg_parse *ps, struct sg_insn *in)
{
	bool ballot = in->sub == SG_SUB_BALLOT;

	if (in->sub == SG_SUB_NONE || ballot != (in->type == SG_B32))
		return sg_parse_error(ps, "bad vote");
	in->nd = 1;
	in->n = 3;
	if (!sg_parse_dest(ps, &in->o[0], in->type) || !sg_parse_expect(ps, ',') ||
	    !sg_parse_pred(ps, &in->o[1]))
		return false;
	in->o[2] = (struct sg_opnd){ .kind = SG_OPND_SINK };
	return !(in->flags & SG_F_SYNC) ||
	       (sg_parse_expect(ps, ',') && sg_parse_source(ps, &in->o[2], SG_B32));
}

/* match.any.sync.b32 d, a, mask; match.all.sync.b32 d|p, a, mask */
static bool special_match(struct sg_parse *ps, struct sg_insn *in)
{
	in->nd = 2;
	in->n = 4;
	in->o[1].kind = SG_OPND_SINK;
	if (in->sub != SG_SUB_ANY && in->sub != SG_SUB_ALL)
		return sg_parse_error(ps, "needs .any or .all");
	if (!sg_parse_dest(ps, &in->o[0], SG_B32))
		return false;
	if (sg_lex_accept(&ps->lx, '|') && !sg_parse_dest(ps, &in->o[1], SG_PRED))
		return false;
	return sg_parse_expect(ps, ',') && sg_parse_source(ps, &in->o[2], in->type) &&
	       sg_parse_expect(ps, ',') && sg_parse_source(ps, &in->o[3], SG_B32);
}

static bool special_redux(struct sg_parse *ps, struct sg_insn *in)
{
	if (in->sub == SG_SUB_NONE || in->sub >= SG_SUB_INC ||
	    (in->type == SG_F32 && in->sub != SG_SUB_MIN && in->sub != SG_SUB_MAX))
		return sg_parse_error(ps, "bad redux");
	return sg_parse_signature(ps, in, "DAu");
}

/* elect.sync d|p, mask */
static bool special_elect(struct sg_parse *ps, struct sg_insn *in)
{
	in->type = SG_B32;
	return sg_parse_signature(ps, in, "Xu");
}

/*
 * bar.sync a{, b}; bar.red.op.pred p, a{, b}, c; bar.arrive a, b;
 * bar.warp.sync mask. Operands become: dest, barrier, count, source.
 */
static bool special_bar(struct sg_parse *ps, struct sg_insn *in)
{
	struct sg_opnd *o = in->o;

	in->op = SG_OP_BAR;
	in->nd = 1;
	in->n = 4;
	for (int i = 0; i < 4; i++)
		o[i].kind = SG_OPND_SINK;
	if (in->flags & SG_F_WARP)
		return sg_parse_source(ps, &o[1], SG_B32);
	if (in->sem == SG_SUB_RED) {
		bool popc = in->sub == SG_SUB_POPC;

		if (!sg_parse_dest(ps, &o[0], popc ? SG_U32 : SG_PRED) ||
		    !sg_parse_expect(ps, ','))
			return false;
	}
	if (in->sem == SG_SUB_NONE)
		return sg_parse_error(ps, "needs .sync, .arrive or .red");
	if (!sg_parse_source(ps, &o[1], SG_B32))
		return false;
	if (in->sem == SG_SUB_RED) {
		struct sg_opnd next = { .kind = SG_OPND_NONE };
		struct sg_lex before;

		if (!sg_parse_expect(ps, ','))
			return false;
		/* Count or predicate? Two operands left mean a count first. */
		before = ps->lx;
		if (sg_lex_accept(&ps->lx, '!'))
			ps->lx = before;
		else if (!sg_parse_source(ps, &next, SG_NONE))
			return false;
		if (next.kind != SG_OPND_NONE && sg_lex_accept(&ps->lx, ','))
			o[2] = next;
		else
			ps->lx = before;
		return sg_parse_pred(ps, &o[3]);
	}
	if (sg_lex_accept(&ps->lx, ','))
		return sg_parse_source(ps, &o[2], SG_B32);
	return in->sem != SG_SUB_ARRIVE || sg_parse_error(ps, "bar.arrive needs a count");
}

static bool special_bra(struct sg_parse *ps, struct sg_insn *in)
{
	struct sg_tok t = ps->lx.tok;
	struct sg_insn *at;

	if (t.kind != SG_TOK_WORD)
		return sg_parse_error(ps, "expected a label");
	sg_lex_next(&ps->lx);
	at = sg_parse_emit(ps, SG_OP_BRA, SG_NONE);
	if (!at)
		return false;
	*at = *in;
	in->op = SG_OP_INVALID;
	return sg_scope_use_label(ps, &t, UINT32_MAX);
}

/* brx.idx index, list; */
static bool special_brx(struct sg_parse *ps, struct sg_insn *in)
{
	const struct sg_target_list *list;
	const struct sg_name *n;
	struct sg_insn *at;
	uint32_t reg;

	in->n = 1;
	if (!sg_parse_source(ps, &in->o[0], SG_B32) || !sg_parse_expect(ps, ','))
		return false;
	n = sg_scope_find(ps, &ps->lx.tok, &reg);
	if (!n || n->kind != SG_NAME_TARGETS)
		return sg_parse_error(ps, "expected a list of .branchtargets");
	sg_lex_next(&ps->lx);
	list = (struct sg_target_list *)ps->lists.data + n->value;
	in->ntargets = list->n;
	in->targets = sg_prog_alloc(ps->link->prog, list->n * sizeof(uint32_t));
	at = sg_parse_emit(ps, SG_OP_BRX, SG_NONE);
	if (!at || !in->targets)
		return sg_parse_error(ps, "out of memory");
	*at = *in;
	in->op = SG_OP_INVALID;
	for (uint32_t i = 0; i < list->n; i++) {
		if (!sg_scope_use_label(ps, &list->words[i], i))
			return false;
	}
	return true;
}

/* Operands we need nothing of. */
static bool special_nothing(struct sg_parse *ps, struct sg_insn *in)
{
	while (!sg_lex_is_punct(&ps->lx, ';')) {
		if (ps->lx.tok.kind == SG_TOK_END || ps->lx.tok.kind == SG_TOK_BAD)
			return sg_parse_error(ps, "expected ';'");
		sg_lex_next(&ps->lx);
	}
	in->op = SG_OP_INVALID;
	return true;
}

sg_special_fn *sg_special(enum sg_op op)
{
	static sg_special_fn *const table[SG_OP_COUNT] = {
		[SG_OP_MOV] = special_mov,	  [SG_OP_LD] = special_ld,
		[SG_OP_LDU] = special_ld,	  [SG_OP_ST] = special_st,
		[SG_OP_ATOM] = special_atom,	  [SG_OP_RED] = special_atom,
		[SG_OP_ISSPACEP] = special_isspacep, [SG_OP_CVT] = special_cvt,
		[SG_OP_PREFETCH] = special_prefetch, [SG_OP_PREFETCHU] = special_prefetch,
		[SG_OP_DISCARD] = special_nothing, [SG_OP_SHFL] = special_shfl,
		[SG_OP_VOTE] = special_vote,	  [SG_OP_MATCH] = special_match,
		[SG_OP_REDUX] = special_redux,	  [SG_OP_ELECT] = special_elect,
		[SG_OP_BAR] = special_bar,	  [SG_OP_BARRIER] = special_bar,
		[SG_OP_BRA] = special_bra,	  [SG_OP_BRX] = special_brx,
		[SG_OP_CALL] = sg_parse_call,	  [SG_OP_RET] = sg_parse_ret,
		[SG_OP_PMEVENT] = special_nothing, [SG_OP_GRIDDEPCONTROL] = special_nothing,
	};

	return table[op];
}
