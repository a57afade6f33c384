/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements of a function body, and the functions a kernel reaches.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "softgpu/ptx/parse.h"

bool sg_parse_error(struct sg_parse *ps, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	/* An instruction may go over lines: the compiler names the one it began in. */
	if (ps->opcode.len)
		sg_log_error(ps->log, ps->opcode.line,
			     "%s in instruction '%.*s' of %s, near '%.*s'", what,
			     (int)cw_min(ps->opcode.len, 40u), ps->opcode.s, ps->symbol->name,
			     (int)cw_min(ps->lx.tok.len, 40u), ps->lx.tok.s);
	else
		sg_log_error(ps->log, ps->lx.tok.line, "%s in %s, near '%.*s'", what,
			     ps->symbol->name, (int)cw_min(ps->lx.tok.len, 40u), ps->lx.tok.s);
	return false;
}

bool sg_parse_expect(struct sg_parse *ps, char c)
{
	return sg_lex_accept(&ps->lx, c) || sg_parse_error(ps, "expected '%c'", c);
}

/* .reg .b32 %r<12>, %x; */
static bool body_reg(struct sg_parse *ps)
{
	enum sg_type type;

	if (ps->lx.tok.kind != SG_TOK_DOT)
		return sg_parse_error(ps, "expected a type");
	type = sg_type_by_word(ps->lx.tok.s, ps->lx.tok.len);
	if (type == SG_NONE)
		return sg_parse_error(ps, "unsupported register type");
	if (sg_type_size(type) == 1)	/* kept in 16 bits, as the ISA allows */
		type = SG_B16;
	sg_lex_next(&ps->lx);
	do {
		struct sg_tok t = ps->lx.tok;
		uint32_t count = 1, reg = ps->f->nregs;
		struct sg_name *n;

		if (t.kind != SG_TOK_WORD)
			return sg_parse_error(ps, "expected a register name");
		sg_lex_next(&ps->lx);
		n = sg_scope_add(ps, t.s, t.len, SG_NAME_REG);
		if (!n)
			return false;
		if (sg_lex_accept(&ps->lx, '<')) {
			if (ps->lx.tok.kind != SG_TOK_INT || ps->lx.tok.value > 1 << 20)
				return sg_parse_error(ps, "bad register count");
			count = ps->lx.tok.value;
			n->kind = SG_NAME_REGS;
			sg_lex_next(&ps->lx);
			if (!sg_parse_expect(ps, '>'))
				return false;
		}
		n->value = reg;
		n->count = count;
		n->type = type;
		for (uint32_t i = 0; i < count; i++) {
			if (sg_func_add_reg(ps->f, type) == SG_NO_REG)
				return sg_parse_error(ps, "out of memory");
		}
	} while (sg_lex_accept(&ps->lx, ','));
	return sg_parse_expect(ps, ';');
}

/* .local, .shared and .param variables of a function or a call scope. */
static bool body_variable(struct sg_parse *ps, enum sg_name_kind kind)
{
	do {
		struct sg_decl d;
		struct sg_name *n;
		uint32_t at = 0;

		if (!sg_decl_parse(&ps->lx, &d, ps->log))
			return false;
		if (kind == SG_NAME_SHARED && !d.size)
			ps->link->prog->dynamic_align =
				cw_max(ps->link->prog->dynamic_align, d.align);
		else if (kind == SG_NAME_SHARED)
			at = sg_scope_shared(ps, d.size, d.align);
		else
			at = sg_scope_frame(ps, d.size, d.align);
		n = at == UINT32_MAX ? NULL : sg_scope_add(ps, d.name, d.name_len, kind);
		if (!n)
			return false;
		n->value = at;
		n->type = d.type;
		n->count = d.size != 0;
	} while (sg_lex_accept(&ps->lx, ','));
	return sg_parse_expect(ps, ';');
}

/* "name: .branchtargets a, b;" and .calltargets */
static bool body_targets(struct sg_parse *ps, const struct sg_tok *label)
{
	struct sg_name *n = sg_scope_add(ps, label->s, label->len, SG_NAME_TARGETS);
	struct sg_target_list *list = sg_vec_push(&ps->lists, sizeof(*list));

	if (!n || !list)
		return sg_parse_error(ps, "out of memory");
	n->value = ps->lists.n - 1;
	do {
		struct sg_tok *words;

		if (ps->lx.tok.kind != SG_TOK_WORD)
			return sg_parse_error(ps, "expected a name");
		words = realloc(list->words, (list->n + 1) * sizeof(*words));
		if (!words)
			return sg_parse_error(ps, "out of memory");
		list->words = words;
		list->words[list->n++] = ps->lx.tok;
		sg_lex_next(&ps->lx);
	} while (sg_lex_accept(&ps->lx, ','));
	return sg_parse_expect(ps, ';');
}

/* "name: .callprototype (ret) _ (params);" */
static bool body_prototype(struct sg_parse *ps, const struct sg_tok *label)
{
	struct sg_name *n = sg_scope_add(ps, label->s, label->len, SG_NAME_PROTO);
	struct sg_signature *sig = sg_vec_push(&ps->protos, sizeof(*sig));

	if (!n || !sig)
		return sg_parse_error(ps, "out of memory");
	n->value = ps->protos.n - 1;
	if (sg_lex_is_punct(&ps->lx, '(') && !sg_signature_parse(&ps->lx, sig, true, ps->log))
		return false;
	if (ps->lx.tok.kind != SG_TOK_WORD)
		return sg_parse_error(ps, "expected '_'");
	sg_lex_next(&ps->lx);
	if (sg_lex_is_punct(&ps->lx, '(') && !sg_signature_parse(&ps->lx, sig, false, ps->log))
		return false;
	sg_signature_finish(sig);
	while (ps->lx.tok.kind == SG_TOK_DOT || ps->lx.tok.kind == SG_TOK_INT)
		sg_lex_next(&ps->lx);
	return sg_parse_expect(ps, ';');
}

/* A dotted word where a statement begins; @label is the name in front of it. */
static bool body_directive(struct sg_parse *ps, const struct sg_tok *label)
{
	struct sg_tok t = ps->lx.tok;

	sg_lex_next(&ps->lx);
	if (sg_tok_is(&t, SG_TOK_DOT, "reg"))
		return body_reg(ps);
	if (sg_tok_is(&t, SG_TOK_DOT, "local") || sg_tok_is(&t, SG_TOK_DOT, "param"))
		return body_variable(ps, SG_NAME_FRAME);
	if (sg_tok_is(&t, SG_TOK_DOT, "shared"))
		return body_variable(ps, SG_NAME_SHARED);
	if (sg_tok_is(&t, SG_TOK_DOT, "extern"))
		return true;
	if (label && (sg_tok_is(&t, SG_TOK_DOT, "branchtargets") ||
		      sg_tok_is(&t, SG_TOK_DOT, "calltargets")))
		return body_targets(ps, label);
	if (label && sg_tok_is(&t, SG_TOK_DOT, "callprototype"))
		return body_prototype(ps, label);
	if (sg_tok_is(&t, SG_TOK_DOT, "loc") || sg_tok_is(&t, SG_TOK_DOT, "pragma") ||
	    sg_tok_is(&t, SG_TOK_DOT, "file")) {
		while (ps->lx.tok.line == t.line && ps->lx.tok.kind != SG_TOK_END) {
			if (ps->lx.tok.kind == SG_TOK_BAD)
				return sg_parse_error(ps, "bad token");
			sg_lex_next(&ps->lx);
		}
		return true;
	}
	return sg_parse_error(ps, "unsupported directive .%.*s", (int)t.len, t.s);
}

/* A word at the start of a statement: label or opcode. */
static bool body_word(struct sg_parse *ps)
{
	const struct sg_opnd no_guard = { .kind = SG_OPND_NONE };
	struct sg_tok t = ps->lx.tok;

	sg_lex_next(&ps->lx);
	if (!sg_lex_accept(&ps->lx, ':'))
		return sg_parse_insn(ps, &t, &no_guard);
	/* A list or prototype has its name in front; it is a label to nobody. */
	if (!sg_scope_label(ps, &t))
		return false;
	return ps->lx.tok.kind != SG_TOK_DOT || body_directive(ps, &t);
}

static bool body_guarded(struct sg_parse *ps)
{
	struct sg_opnd guard;
	struct sg_tok t;

	if (!sg_parse_pred(ps, &guard))
		return false;
	if (guard.kind != SG_OPND_REG)
		return sg_parse_error(ps, "guard must be a predicate register");
	t = ps->lx.tok;
	if (t.kind != SG_TOK_WORD)
		return sg_parse_error(ps, "expected an instruction");
	sg_lex_next(&ps->lx);
	return sg_parse_insn(ps, &t, &guard);
}

static bool body_statement(struct sg_parse *ps)
{
	switch (ps->lx.tok.kind) {
	case SG_TOK_WORD:
		return body_word(ps);
	case SG_TOK_DOT:
		return body_directive(ps, NULL);
	case SG_TOK_PUNCT:
		if (sg_lex_accept(&ps->lx, '@'))
			return body_guarded(ps);
		if (sg_lex_accept(&ps->lx, '{'))
			return sg_scope_open(ps);
		if (sg_lex_accept(&ps->lx, '}'))
			return sg_scope_close(ps);
		if (sg_lex_accept(&ps->lx, ';'))
			return true;
		break;
	default:
		break;
	}
	return sg_parse_error(ps, "expected an instruction");
}

static bool body_parse(struct sg_parse *ps)
{
	struct sg_insn end = { .op = SG_OP_RET, .guard = SG_NO_REG };
	struct sg_insn *at;

	if (!sg_vec_push(&ps->parents, sizeof(uint32_t)))
		return sg_parse_error(ps, "out of memory");
	if (!sg_parse_formals(ps) || !sg_parse_expect(ps, '{'))
		return false;
	while (!(ps->marks.n == 0 && sg_lex_is_punct(&ps->lx, '}'))) {
		if (!body_statement(ps))
			return false;
	}
	/* Falling off the end returns. */
	end.line = ps->lx.tok.line;
	if (!sg_parse_ret(ps, &end))
		return false;
	at = sg_parse_emit(ps, SG_OP_END, SG_NONE);
	if (!at)
		return false;
	return sg_scope_resolve(ps);
}

static bool link_parse_func(struct sg_link *l, struct sg_func *f)
{
	const struct sg_symbol *s = f->symbol;
	struct sg_parse ps = {
		.link = l, .log = l->log, .f = f, .symbol = s, .carry = SG_NO_REG,
	};
	bool ok;

	sg_lex_init(&ps.lx, s->body.p, s->body.end, s->body.line);
	ok = body_parse(&ps);
	sg_scope_finish(&ps);
	return ok;
}

struct sg_func *sg_link_func(struct sg_link *l, struct sg_symbol *s)
{
	uint32_t i = s - l->m->symbols;
	struct sg_func *f = l->func_of[i];

	if (f || l->prog->nfuncs == SG_MAX_FUNCS)
		return f;
	f = sg_prog_add_func(l->prog, s->name, s);
	if (!f)
		return NULL;
	f->code_id = i + 1;
	l->func_of[i] = f;
	return f;
}

/*
 * An indirect call may reach any function of the module. One that cannot be
 * parsed is only an error if it is called, so it is left out again.
 */
static bool link_all_functions(struct sg_link *l)
{
	for (uint32_t i = 0; i < l->m->nsymbols; i++) {
		struct sg_symbol *s = &l->m->symbols[i];

		if (s->kind == SG_SYM_FUNC && s->body.p && !sg_link_func(l, s))
			return false;
	}
	return true;
}

static int link_program(struct sg_link *l, struct sg_symbol *s)
{
	bool all = false;

	if (!sg_link_func(l, s))
		return -ENOMEM;
	for (uint32_t i = 0; i < l->prog->nfuncs; i++) {
		if (!link_parse_func(l, l->prog->funcs[i]))
			return -EINVAL;
		if (l->prog->has_indirect && !all) {
			all = true;
			if (!link_all_functions(l))
				return -ENOMEM;
		}
	}
	return sg_prog_finish(l->prog);
}

/**
 * sg_prog_parse() - The program of a kernel
 * @e:		entry of a placed module
 * @log:	for messages
 * @ret_rc:	0 or -errno
 *
 * Return: the program, NULL on failure.
 */
struct sg_prog *sg_prog_parse(struct sg_entry *e, struct sg_log *log, int *ret_rc)
{
	struct sg_symbol *s = &e->module->symbols[e->symbol];
	struct sg_link l = { .entry = e, .m = e->module, .log = log };

	*ret_rc = -ENOMEM;
	l.prog = sg_prog_create(s->name);
	l.shared_at = calloc(l.m->nsymbols, sizeof(*l.shared_at));
	l.func_of = calloc(l.m->nsymbols, sizeof(*l.func_of));
	if (l.prog && l.shared_at && l.func_of) {
		l.prog->param_bytes = s->sig.bytes;
		*ret_rc = link_program(&l, s);
	}
	free(l.shared_at);
	free(l.func_of);
	if (!*ret_rc)
		return l.prog;
	sg_prog_destroy(l.prog);
	return NULL;
}
