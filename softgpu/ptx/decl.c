/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Declarations: variables, parameters, signatures (ISA 9.0, 5.4 and 7).
 */
#include <stdlib.h>
#include <string.h>

#include "softgpu/ptx/module_priv.h"

static bool decl_expect(struct sg_lex *lx, char c, struct sg_log *log)
{
	if (sg_lex_accept(lx, c))
		return true;
	sg_log_error(log, lx->tok.line, "expected '%c' before '%.*s'", c,
		     (int)cw_min(lx->tok.len, 40u), lx->tok.s);
	return false;
}

static bool decl_align(struct sg_lex *lx, uint32_t *ret_align, struct sg_log *log)
{
	if (lx->tok.kind != SG_TOK_INT || !cw_is_pow2(lx->tok.value) ||
	    lx->tok.value > 1 << 16) {
		sg_log_error(log, lx->tok.line, "bad alignment");
		return false;
	}
	*ret_align = lx->tok.value;
	sg_lex_next(lx);
	return true;
}

/* .attribute(.managed, .unified(1, 2)) */
static bool decl_attributes(struct sg_lex *lx, struct sg_decl *d, struct sg_log *log)
{
	int depth = 0;

	if (!sg_lex_is_punct(lx, '(')) {
		sg_log_error(log, lx->tok.line, "bad .attribute");
		return false;
	}
	do {
		if (sg_lex_is_punct(lx, '('))
			depth++;
		else if (sg_lex_is_punct(lx, ')'))
			depth--;
		else if (sg_lex_is_dot(lx, "managed"))
			d->managed = true;
		else if (lx->tok.kind == SG_TOK_END || lx->tok.kind == SG_TOK_BAD)
			depth = -1;
		sg_lex_next(lx);
	} while (depth > 0);
	if (depth < 0)
		sg_log_error(log, lx->tok.line, "bad .attribute");
	return depth == 0;
}

static bool decl_is_space(const struct sg_lex *lx)
{
	return sg_lex_is_dot(lx, "global") || sg_lex_is_dot(lx, "const") ||
	       sg_lex_is_dot(lx, "shared") || sg_lex_is_dot(lx, "local") ||
	       sg_lex_is_dot(lx, "param");
}

/* One dotted word of a declaration, current token. */
static bool decl_word(struct sg_lex *lx, struct sg_decl *d, bool *ptr, struct sg_log *log)
{
	struct sg_tok t = lx->tok;
	enum sg_type type = sg_type_by_word(t.s, t.len);
	uint32_t ignored;

	sg_lex_next(lx);
	if (type != SG_NONE) {
		d->type = type;
		return true;
	}
	if (sg_tok_is(&t, SG_TOK_DOT, "align"))
		return decl_align(lx, *ptr ? &ignored : &d->align, log);
	if (sg_tok_is(&t, SG_TOK_DOT, "attribute"))
		return decl_attributes(lx, d, log);
	if (sg_tok_is(&t, SG_TOK_DOT, "v2")) {
		d->vec = 2;
	} else if (sg_tok_is(&t, SG_TOK_DOT, "v4")) {
		d->vec = 4;
	} else if (sg_tok_is(&t, SG_TOK_DOT, "ptr")) {
		*ptr = true;
	} else if (sg_tok_is(&t, SG_TOK_DOT, "texref") || sg_tok_is(&t, SG_TOK_DOT, "surfref") ||
		   sg_tok_is(&t, SG_TOK_DOT, "samplerref")) {
		d->type = SG_U64;
		d->opaque = true;
	} else if (!*ptr) {
		sg_log_error(log, t.line, "unexpected '.%.*s' in a declaration", (int)t.len, t.s);
		return false;
	}
	return true;
}

static bool decl_dims(struct sg_lex *lx, struct sg_decl *d, struct sg_log *log)
{
	d->size = (uint64_t)sg_type_size(d->type) * d->vec;
	while (sg_lex_accept(lx, '[')) {
		uint64_t n = 0;

		if (lx->tok.kind == SG_TOK_INT) {
			n = lx->tok.value;
			sg_lex_next(lx);
		}
		if (!decl_expect(lx, ']', log))
			return false;
		if (d->ndims == SG_MAX_DIMS || __builtin_mul_overflow(d->size, n, &d->size) ||
		    d->size > SG_MAX_VAR_SIZE) {
			sg_log_error(log, d->line, "%.*s is too large", (int)d->name_len, d->name);
			return false;
		}
		d->dims[d->ndims++] = n;
	}
	return true;
}

/**
 * sg_decl_parse() - Words, name and dimensions behind a state space
 * @lx:		current token is the first behind ".global" and its like
 * @ret_decl:	what it says; the name points into the text
 * @log:	for messages
 *
 * Return: true, with the token behind the dimensions current.
 */
bool sg_decl_parse(struct sg_lex *lx, struct sg_decl *ret_decl, struct sg_log *log)
{
	struct sg_decl d = { .vec = 1 };
	bool ptr = false;

	while (lx->tok.kind == SG_TOK_DOT) {
		if (ptr && decl_is_space(lx)) {
			sg_lex_next(lx);
			continue;
		}
		if (!decl_word(lx, &d, &ptr, log))
			return false;
	}
	if (lx->tok.kind != SG_TOK_WORD || d.type == SG_NONE) {
		sg_log_error(log, lx->tok.line, "expected a type and a name");
		return false;
	}
	d.name = lx->tok.s;
	d.name_len = lx->tok.len;
	d.line = lx->tok.line;
	sg_lex_next(lx);
	if (!d.align)
		d.align = sg_type_size(d.type) * d.vec;
	if (!decl_dims(lx, &d, log))
		return false;
	*ret_decl = d;
	return true;
}

static bool signature_push(struct sg_signature *sig, const struct sg_decl *d)
{
	struct sg_formal *f;
	struct sg_param_info *p;

	/* Room comes in steps of 16. */
	if (sig->n % 16 == 0) {
		f = realloc(sig->formals, (sig->n + 16) * sizeof(*f));
		if (f)
			sig->formals = f;
		p = realloc(sig->places, (sig->n + 16) * sizeof(*p));
		if (p)
			sig->places = p;
		if (!f || !p)
			return false;
	}
	sig->formals[sig->n] = (struct sg_formal){
		.name = d->name,
		.name_len = d->name_len,
		.type = d->type,
		.is_reg = d->is_reg,
		.is_array = d->ndims != 0,
	};
	sig->places[sig->n++] = (struct sg_param_info){ .size = d->size, .align = d->align };
	return true;
}

/**
 * sg_signature_parse() - A parenthesised parameter list
 * @lx:		current token is '('
 * @sig:	parameters are appended
 * @rets:	the list holds return values
 * @log:	for messages
 *
 * Return: true, with the token behind ')' current.
 */
bool sg_signature_parse(struct sg_lex *lx, struct sg_signature *sig, bool rets,
			struct sg_log *log)
{
	if (!decl_expect(lx, '(', log))
		return false;
	if (sg_lex_accept(lx, ')'))
		return true;
	do {
		struct sg_decl d;
		bool reg = sg_lex_is_dot(lx, "reg");

		if (!reg && !sg_lex_is_dot(lx, "param")) {
			sg_log_error(log, lx->tok.line, "expected .param or .reg");
			return false;
		}
		sg_lex_next(lx);
		if (!sg_decl_parse(lx, &d, log))
			return false;
		d.is_reg = reg;
		if (sig->n == SG_MAX_PARAMS || d.size > SG_MAX_FRAME || !signature_push(sig, &d)) {
			sg_log_error(log, d.line, "too many or too large parameters");
			return false;
		}
		sig->nrets += rets;
	} while (sg_lex_accept(lx, ','));
	return decl_expect(lx, ')', log);
}

/* Lay the parameters out: natural or given alignment, in order (ABI facts 5.3). */
void sg_signature_finish(struct sg_signature *sig)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < sig->n; i++) {
		at = cw_align_up(at, sig->places[i].align);
		sig->places[i].offset = at;
		sig->formals[i].offset = at;
		at += sig->places[i].size;
	}
	/* Too much is refused where the frame is made; 32 bits cannot wrap. */
	sig->bytes = cw_min(at, (uint64_t)UINT32_MAX / 2);
}
