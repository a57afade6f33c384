/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placing variables and evaluating their initialisers (ISA 9.0, 5.4.4): every
 * variable gets its address first, because an initialiser may hold the address
 * of any other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "softgpu/ir/window.h"
#include "softgpu/ptx/module_priv.h"

struct place_state {
	struct sg_module *m;
	const struct sg_symbol *s;
	struct sg_lex lx;
	struct sg_log *log;
	uint8_t *bytes;
	int depth;		/* of nested terms: bounds our stack */
};

static bool place_error(struct place_state *st, const char *what)
{
	sg_log_error(st->log, st->lx.tok.line, "initialiser of %s: %s", st->s->name, what);
	return false;
}

/* Address of a name as a 64-bit value. */
static bool place_symbol(struct place_state *st, const struct sg_tok *t, uint64_t *ret_value)
{
	const struct sg_symbol *s = sg_symbol_find(st->m, st->s->unit, t->s, t->len);

	if (!s)
		return place_error(st, "unknown name");
	switch (s->kind) {
	case SG_SYM_VAR:
		*ret_value = s->addr;
		return true;
	case SG_SYM_FUNC:
	case SG_SYM_ENTRY:
		*ret_value = SG_CODE_WINDOW + 16ull * (s - st->m->symbols + 1);
		return true;
	default:
		return place_error(st, "not an address known before launch");
	}
}

static bool place_term(struct place_state *st, enum sg_type type, uint64_t *ret_value);

/* Bits of a floating-point literal in the type of the variable. */
static uint64_t place_float(const struct sg_tok *t, enum sg_type type)
{
	uint64_t bits;
	double d;
	float f;
	uint32_t u;

	if (t->is_f32) {
		u = t->value;
		memcpy(&f, &u, sizeof(f));
		d = f;
		if (type == SG_F32 || type == SG_B32 || type == SG_U32)
			return t->value;
	} else {
		memcpy(&d, &t->value, sizeof(d));
	}
	if (type == SG_F32) {
		f = (float)d;
		memcpy(&u, &f, sizeof(u));
		return u;
	}
	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

/* generic(name), or a mask over an expression: 0xFF00(name). */
static bool place_paren(struct place_state *st, uint64_t *ret_value)
{
	bool plus = true;
	uint64_t sum = 0;

	do {
		uint64_t v;

		if (!place_term(st, SG_U64, &v))
			return false;
		sum = plus ? sum + v : sum - v;
		plus = sg_lex_is_punct(&st->lx, '+');
	} while (sg_lex_accept(&st->lx, '+') || sg_lex_accept(&st->lx, '-'));
	if (!sg_lex_accept(&st->lx, ')'))
		return place_error(st, "expected ')'");
	*ret_value = sum;
	return true;
}

static bool place_masked(struct place_state *st, uint64_t mask, uint64_t *ret_value)
{
	uint64_t v;

	if (!place_paren(st, &v))
		return false;
	*ret_value = mask ? (v & mask) >> __builtin_ctzll(mask) : 0;
	return true;
}

static bool place_term(struct place_state *st, enum sg_type type, uint64_t *ret_value)
{
	struct sg_tok t = st->lx.tok;

	if (st->depth++ > 1 << 20)
		return place_error(st, "too long");
	if (sg_lex_accept(&st->lx, '-')) {
		bool is_float = st->lx.tok.kind == SG_TOK_FLOAT;

		if (!place_term(st, type, ret_value))
			return false;
		if (is_float)
			*ret_value ^= 1ull << (8 * sg_type_size(type) - 1);
		else
			*ret_value = -*ret_value;
		return true;
	}
	sg_lex_next(&st->lx);
	switch (t.kind) {
	case SG_TOK_INT:
		*ret_value = t.value;
		if (sg_lex_accept(&st->lx, '('))
			return place_masked(st, t.value, ret_value);
		return true;
	case SG_TOK_FLOAT:
		*ret_value = place_float(&t, type);
		return true;
	case SG_TOK_WORD:
		if (sg_tok_is(&t, SG_TOK_WORD, "generic") && sg_lex_accept(&st->lx, '('))
			return place_paren(st, ret_value);
		return place_symbol(st, &t, ret_value);
	case SG_TOK_PUNCT:
		if (*t.s == '(')
			return place_paren(st, ret_value);
		break;
	default:
		break;
	}
	return place_error(st, "unexpected token");
}

static bool place_value(struct place_state *st, enum sg_type type, uint64_t *ret_value)
{
	if (!place_term(st, type, ret_value))
		return false;
	while (sg_lex_is_punct(&st->lx, '+') || sg_lex_is_punct(&st->lx, '-')) {
		bool minus = sg_lex_is_punct(&st->lx, '-');
		uint64_t v;

		sg_lex_next(&st->lx);
		if (!place_term(st, type, &v))
			return false;
		*ret_value = minus ? *ret_value - v : *ret_value + v;
	}
	return true;
}

/* Elements in braces; an inner pair of braces fills one row of the array. */
static bool place_list(struct place_state *st, uint64_t at, uint32_t dim)
{
	const struct sg_decl *d = &st->s->decl;
	uint32_t size = sg_type_size(d->type);
	uint64_t row = (uint64_t)size * d->vec;

	for (uint32_t i = dim + 1; i < d->ndims; i++)
		row *= d->dims[i];
	if (dim > SG_MAX_DIMS)
		return place_error(st, "braces too deep");
	sg_lex_next(&st->lx);
	while (!sg_lex_accept(&st->lx, '}')) {
		uint64_t v;

		if (sg_lex_is_punct(&st->lx, '{')) {
			if (at > d->size || !place_list(st, at, dim + 1))
				return false;
			at += row;
		} else {
			if (!place_value(st, d->type, &v))
				return false;
			if (!cw_range_ok(at, size, d->size))
				return place_error(st, "more elements than there is room");
			memcpy(st->bytes + at, &v, size);
			at += size;
		}
		if (!sg_lex_accept(&st->lx, ',') && !sg_lex_is_punct(&st->lx, '}'))
			return place_error(st, "expected ',' or '}'");
	}
	return true;
}

static bool place_initial(struct place_state *st)
{
	const struct sg_decl *d = &st->s->decl;
	uint64_t v;

	sg_lex_init(&st->lx, st->s->init.p, st->s->init.end, st->s->init.line);
	if (sg_lex_is_punct(&st->lx, '{'))
		return place_list(st, 0, 0);
	if (!place_value(st, d->type, &v))
		return false;
	memcpy(st->bytes, &v, cw_min(d->size, (uint64_t)sg_type_size(d->type)));
	return true;
}

static int place_write(struct place_state *st, const struct sg_placer *placer)
{
	const struct sg_decl *d = &st->s->decl;
	int rc = -EINVAL;

	if (sg_type_size(d->type) > 8 && st->s->init.p) {
		place_error(st, "of a 128-bit type");
		return -EINVAL;
	}
	st->bytes = calloc(1, d->size ? d->size : 1);
	if (!st->bytes)
		return -ENOMEM;
	if (!st->s->init.p || place_initial(st))
		rc = placer->write(placer->opaque, st->s->addr, st->bytes, d->size);
	free(st->bytes);
	return rc;
}

/* The one symbol that stands for a variable: others of its name only refer. */
static bool place_is_definition(const struct sg_module *m, const struct sg_symbol *s)
{
	return s->kind == SG_SYM_VAR && sg_symbol_find(m, s->unit, s->name, strlen(s->name)) == s;
}

int sg_module_place(struct sg_module *m, const struct sg_placer *placer, char *log,
		    size_t log_size)
{
	struct sg_log l = { .buf = log, .size = log_size };

	if (log && log_size)
		log[0] = '\0';
	for (uint32_t i = 0; i < m->nsymbols; i++) {
		struct sg_symbol *s = &m->symbols[i];
		struct sg_var_info info;

		if (!place_is_definition(m, s))
			continue;
		info = (struct sg_var_info){
			.name = s->name,
			.space = s->space,
			.size = s->decl.size,
			.align = s->decl.align,
			.external = s->external,
			.managed = s->decl.managed,
		};
		s->addr = placer->place(placer->opaque, &info);
		if (!s->addr) {
			sg_log_error(&l, s->line, "no memory for %s", s->name);
			return -ENOMEM;
		}
	}
	for (uint32_t i = 0; i < m->nsymbols; i++) {
		struct place_state st = { .m = m, .s = &m->symbols[i], .log = &l };
		int rc;

		if (!place_is_definition(m, st.s) || st.s->external)
			continue;
		rc = place_write(&st, placer);
		if (rc)
			return rc;
	}
	m->placed = true;
	return 0;
}
