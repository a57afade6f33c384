/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls. All arguments cross in memory: the caller has them in its frame (call
 * scopes declare .param variables there, other operands get a temporary), a
 * call copies them to the start of the callee's frame, and results back. A
 * parameter that is a register in the callee is loaded on entry, a result that
 * is one is stored before each ret.
 */
#include <string.h>

#include "softgpu/ir/window.h"
#include "softgpu/ptx/parse.h"

#define CALL_MAX_ARGS 256

struct call_operand {
	struct sg_opnd o;	/* REG or IMM */
	bool in_frame;
	uint32_t offset;
};

struct call_state {
	struct call_operand rets[CALL_MAX_ARGS], args[CALL_MAX_ARGS];
	uint32_t nrets, nargs;
};

static bool call_operand(struct sg_parse *ps, struct call_operand *c)
{
	uint32_t reg;
	const struct sg_name *n = NULL;

	if (ps->lx.tok.kind == SG_TOK_WORD)
		n = sg_scope_find(ps, &ps->lx.tok, &reg);
	if (n && n->kind == SG_NAME_FRAME) {
		c->in_frame = true;
		c->offset = n->value;
		sg_lex_next(&ps->lx);
		return true;
	}
	c->in_frame = false;
	return sg_parse_source(ps, &c->o, SG_NONE);
}

static bool call_list(struct sg_parse *ps, struct call_operand *list, uint32_t *n)
{
	if (!sg_parse_expect(ps, '('))
		return false;
	if (sg_lex_accept(&ps->lx, ')'))
		return true;
	do {
		if (*n == CALL_MAX_ARGS)
			return sg_parse_error(ps, "too many arguments");
		if (!call_operand(ps, &list[(*n)++]))
			return false;
	} while (sg_lex_accept(&ps->lx, ','));
	return sg_parse_expect(ps, ')');
}

/* A value in the frame and a register: ld or st of the formal's type. */
static bool call_move(struct sg_parse *ps, enum sg_op op, const struct sg_formal *f,
		      const struct sg_opnd *value, uint32_t offset)
{
	struct sg_opnd mem = { .kind = SG_OPND_MEM, .reg = SG_NO_REG, .imm = offset };
	struct sg_insn *in;
	uint32_t size = sg_type_size(f->type);

	if (value->kind == SG_OPND_REG && (ps->f->regs[value->reg] == SG_PRED ||
					    sg_type_size(ps->f->regs[value->reg]) < size))
		return sg_parse_error(ps, "argument of the wrong width");
	if (f->is_array || size > 8)
		return sg_parse_error(ps, "argument must be a .param variable");
	in = sg_parse_emit(ps, op, f->type);
	if (!in)
		return false;
	if (!ps->f->is_entry)
		mem.reg = ps->f->frame_reg;
	in->space = SG_SPACE_LOCAL;
	in->vec = 1;
	in->n = 2;
	in->nd = op == SG_OP_LD;
	in->o[op == SG_OP_LD ? 0 : 1] = *value;
	in->o[op == SG_OP_LD ? 1 : 0] = mem;
	return true;
}

/* Give an operand that is not in the frame a place there. */
static bool call_spill(struct sg_parse *ps, struct call_operand *c, const struct sg_signature *sig,
		       uint32_t i)
{
	c->offset = sg_scope_frame(ps, sig->places[i].size, sig->places[i].align);
	return c->offset != UINT32_MAX;
}

static bool call_arguments(struct sg_parse *ps, struct call_state *st,
			   const struct sg_signature *sig, struct sg_call *call)
{
	if (st->nrets > sig->nrets || st->nargs != sig->n - sig->nrets)
		return sg_parse_error(ps, "call does not match the function's parameters");
	call->in = sg_prog_alloc(ps->link->prog, st->nargs * sizeof(*call->in) + 1);
	call->out = sg_prog_alloc(ps->link->prog, st->nrets * sizeof(*call->out) + 1);
	if (!call->in || !call->out)
		return sg_parse_error(ps, "out of memory");
	for (uint32_t i = 0; i < st->nargs; i++) {
		uint32_t k = sig->nrets + i;

		if (!st->args[i].in_frame &&
		    (!call_spill(ps, &st->args[i], sig, k) ||
		     !call_move(ps, SG_OP_ST, &sig->formals[k], &st->args[i].o,
				st->args[i].offset)))
			return false;
		call->in[call->nin++] = (struct sg_call_copy){
			st->args[i].offset, sig->places[k].offset, sig->places[k].size };
	}
	for (uint32_t i = 0; i < st->nrets; i++) {
		if (!st->rets[i].in_frame && !call_spill(ps, &st->rets[i], sig, i))
			return false;
		call->out[call->nout++] = (struct sg_call_copy){
			st->rets[i].offset, sig->places[i].offset, sig->places[i].size };
	}
	call->param_bytes = sig->bytes;
	return true;
}

/* Direct or indirect? Fills @call or the operand and finds the signature. */
static const struct sg_signature *call_target(struct sg_parse *ps, struct sg_insn *in,
					      struct sg_call *call)
{
	struct sg_tok t = ps->lx.tok;
	struct sg_symbol *s;
	uint32_t reg;

	if (t.kind != SG_TOK_WORD) {
		sg_parse_error(ps, "expected a function");
		return NULL;
	}
	if (sg_scope_find(ps, &t, &reg)) {
		in->n = 1;
		ps->link->prog->has_indirect = true;
		sg_parse_source(ps, &in->o[0], SG_B64);
		return NULL;
	}
	sg_lex_next(&ps->lx);
	s = sg_symbol_find(ps->link->m, ps->symbol->unit, t.s, t.len);
	if (!s || s->kind != SG_SYM_FUNC) {
		sg_parse_error(ps, "%.*s is no function", (int)t.len, t.s);
		return NULL;
	}
	call->builtin = s->builtin;
	if (!s->builtin) {
		if (!s->body.p) {
			sg_parse_error(ps, "undefined function %s", s->name);
			return NULL;
		}
		call->target = sg_link_func(ps->link, s);
		if (!call->target) {
			sg_parse_error(ps, "too many functions");
			return NULL;
		}
	}
	return &s->sig;
}

/* The prototype behind an indirect call, or the first function it may reach. */
static const struct sg_signature *call_prototype(struct sg_parse *ps)
{
	uint32_t reg;
	const struct sg_name *n = sg_scope_find(ps, &ps->lx.tok, &reg);
	const struct sg_target_list *list;
	const struct sg_symbol *s;

	if (n && n->kind == SG_NAME_PROTO)
		return (struct sg_signature *)ps->protos.data + n->value;
	if (n && n->kind == SG_NAME_TARGETS) {
		list = (struct sg_target_list *)ps->lists.data + n->value;
		s = list->n ? sg_symbol_find(ps->link->m, ps->symbol->unit, list->words[0].s,
					     list->words[0].len) : NULL;
		if (s && s->kind == SG_SYM_FUNC)
			return &s->sig;
	}
	sg_parse_error(ps, "indirect call without a prototype");
	return NULL;
}

static bool call_operands(struct sg_parse *ps, struct sg_insn *in, struct call_state *st,
			  struct sg_call *call, const struct sg_signature **ret_sig)
{
	const struct sg_signature *sig;

	if (sg_lex_is_punct(&ps->lx, '(') &&
	    (!call_list(ps, st->rets, &st->nrets) || !sg_parse_expect(ps, ',')))
		return false;
	sig = call_target(ps, in, call);
	if (ps->log->failed)
		return false;
	if (sg_lex_accept(&ps->lx, ',')) {
		if (sg_lex_is_punct(&ps->lx, '(')) {
			if (!call_list(ps, st->args, &st->nargs))
				return false;
		}
		if (sg_lex_accept(&ps->lx, ',') || ps->lx.tok.kind == SG_TOK_WORD) {
			if (!sig)
				sig = call_prototype(ps);
			sg_lex_next(&ps->lx);
		}
	}
	if (!sig)
		return sg_parse_error(ps, "indirect call without a prototype");
	*ret_sig = sig;
	return !ps->log->failed;
}

/**
 * sg_parse_call() - call{.uni} (rets), function, (args){, prototype}
 * @ps:		parse, behind the modifiers
 * @in:		instruction; op is invalid afterwards: all has been emitted
 *
 * Return: true; false with a message.
 */
bool sg_parse_call(struct sg_parse *ps, struct sg_insn *in)
{
	struct call_state *st = sg_prog_alloc(ps->link->prog, sizeof(*st));
	struct sg_call *call = sg_prog_alloc(ps->link->prog, sizeof(*call));
	const struct sg_signature *sig = NULL;
	struct sg_insn *at;

	if (!st || !call)
		return sg_parse_error(ps, "out of memory");
	if (!call_operands(ps, in, st, call, &sig) || !call_arguments(ps, st, sig, call))
		return false;
	at = sg_parse_emit(ps, SG_OP_CALL, SG_NONE);
	if (!at)
		return false;
	*at = *in;
	at->call = call;
	for (uint32_t i = 0; i < st->nrets; i++) {
		uint32_t before = ps->f->ninsns;

		if (st->rets[i].in_frame || st->rets[i].o.kind == SG_OPND_SINK)
			continue;
		if (st->rets[i].o.kind != SG_OPND_REG)
			return sg_parse_error(ps, "result must go to a register");
		if (!call_move(ps, SG_OP_LD, &sig->formals[i], &st->rets[i].o,
			       st->rets[i].offset))
			return false;
		ps->f->insns[before].guard = in->guard;
		ps->f->insns[before].guard_not = in->guard_not;
	}
	in->op = SG_OP_INVALID;
	return true;
}

/* Parameters as names of the outermost scope; register ones are loaded. */
bool sg_parse_formals(struct sg_parse *ps)
{
	const struct sg_signature *sig = &ps->symbol->sig;

	for (uint32_t i = 0; i < sig->n; i++) {
		const struct sg_formal *f = &sig->formals[i];
		bool entry = ps->f->is_entry;
		struct sg_name *n;

		n = sg_scope_add(ps, f->name, f->name_len,
				 f->is_reg ? SG_NAME_REG :
				 entry	   ? SG_NAME_PARAM : SG_NAME_FRAME);
		if (!n)
			return false;
		n->value = f->offset;
		n->type = f->type;
		if (!f->is_reg)
			continue;
		n->value = sg_func_add_reg(ps->f, f->type);
		if (n->value == SG_NO_REG)
			return sg_parse_error(ps, "out of memory");
		if (i >= sig->nrets &&
		    !call_move(ps, SG_OP_LD, f,
			       &(struct sg_opnd){ .kind = SG_OPND_REG, .reg = n->value },
			       f->offset))
			return false;
	}
	if (!ps->f->is_entry && sg_scope_frame(ps, sig->bytes, 16) == UINT32_MAX)
		return false;
	return true;
}

/* ret, with results that are registers stored first. */
bool sg_parse_ret(struct sg_parse *ps, struct sg_insn *in __attribute__((unused)))
{
	const struct sg_signature *sig = &ps->symbol->sig;

	for (uint32_t i = 0; i < sig->nrets; i++) {
		const struct sg_formal *f = &sig->formals[i];
		struct sg_tok t = { .s = f->name, .len = f->name_len };
		struct sg_opnd value = { .kind = SG_OPND_REG };

		if (!f->is_reg)
			continue;
		if (!sg_scope_find(ps, &t, &value.reg) ||
		    !call_move(ps, SG_OP_ST, f, &value, f->offset))
			return false;
	}
	return true;
}
