/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lexer (ISA 9.0, 4). Bytes are read only below end, so any cut of a text
 * ends in SG_TOK_END or SG_TOK_BAD.
 */
#include "softgpu/ptx/lex.h"

#include <stdlib.h>
#include <string.h>

enum {
	C_WORD = 1,	/* may start a word */
	C_DIGIT = 2,
	C_SPACE = 4,
};

static int lex_class(char ch)
{
	unsigned char c = ch;

	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '%')
		return C_WORD;
	if (c >= '0' && c <= '9')
		return C_DIGIT;
	if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v')
		return C_SPACE;
	return 0;
}

static bool lex_at(const struct sg_lex *lx, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(lx->end - lx->p) >= n && !memcmp(lx->p, s, n);
}

/* Over a comment if there is one. False where it does not end. */
static bool lex_skip_comment(struct sg_lex *lx)
{
	if (lex_at(lx, "//")) {
		const char *nl = memchr(lx->p, '\n', lx->end - lx->p);

		lx->p = nl ? nl : lx->end;
		return true;
	}
	for (lx->p += 2; lx->p < lx->end; lx->p++) {
		if (*lx->p == '\n')
			lx->line++;
		if (lex_at(lx, "*/")) {
			lx->p += 2;
			return true;
		}
	}
	return false;
}

static bool lex_skip_space(struct sg_lex *lx)
{
	while (lx->p < lx->end) {
		if (*lx->p == '\n')
			lx->line++;
		if (lex_class(*lx->p) == C_SPACE || *lx->p == '\0') {
			lx->p++;
			continue;
		}
		if (!lex_at(lx, "//") && !lex_at(lx, "/*"))
			break;
		if (!lex_skip_comment(lx))
			return false;
	}
	return true;
}

static const char *lex_word_end(const struct sg_lex *lx, const char *p)
{
	while (p < lx->end && (lex_class(*p) & (C_WORD | C_DIGIT)))
		p++;
	return p;
}

/* Modifiers such as .L2::128B and .shared::cta are one token. */
static void lex_dot(struct sg_lex *lx)
{
	struct sg_tok *t = &lx->tok;
	const char *e = lex_word_end(lx, lx->p + 1);

	while (lx->end - e > 2 && e[0] == ':' && e[1] == ':')
		e = lex_word_end(lx, e + 2);
	t->kind = e > lx->p + 1 ? SG_TOK_DOT : SG_TOK_PUNCT;
	if (t->kind == SG_TOK_DOT) {
		t->s = lx->p + 1;
		t->len = e - t->s;
	}
	lx->p = e;
}

/* 0f3F800000 and 0d3FF0000000000000: bits in hexadecimal. */
static bool lex_float_bits(struct sg_lex *lx, const char *digits, const char *e)
{
	struct sg_tok *t = &lx->tok;
	char kind = lx->p[1] | 0x20;
	int want = kind == 'f' ? 8 : 16;
	char buf[17];

	if (e - digits != want)
		return false;
	memcpy(buf, digits, want);
	buf[want] = '\0';
	t->kind = SG_TOK_FLOAT;
	t->is_f32 = kind == 'f';
	t->value = strtoull(buf, NULL, 16);
	return true;
}

static int lex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static bool lex_int(struct sg_tok *t, const char *p, const char *e)
{
	uint64_t base = 10, v = 0;

	if (e > p && (e[-1] == 'U' || e[-1] == 'u')) {
		t->is_unsigned = true;
		e--;
	}
	if (e - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x') {
		base = 16;
		p += 2;
	} else if (e - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'b') {
		base = 2;
		p += 2;
	} else if (e - p > 1 && p[0] == '0') {
		base = 8;
		p++;
	}
	if (p == e)
		return false;
	for (; p < e; p++) {
		uint64_t d = lex_digit(*p);

		if (d >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, d, &v))
			return false;
	}
	t->kind = SG_TOK_INT;
	t->value = v;
	t->is_unsigned |= v > INT64_MAX;
	return true;
}

/* Decimal floating point: digits, a dot or an exponent. */
static bool lex_decimal(struct sg_lex *lx, const char *e)
{
	char buf[64], *stop;
	size_t n = e - lx->p;
	double d;

	if (n >= sizeof(buf))
		return false;
	memcpy(buf, lx->p, n);
	buf[n] = '\0';
	d = strtod(buf, &stop);
	if (*stop)
		return false;
	lx->tok.kind = SG_TOK_FLOAT;
	memcpy(&lx->tok.value, &d, sizeof(d));
	return true;
}

static void lex_number(struct sg_lex *lx)
{
	const char *p = lx->p;
	const char *e = lex_word_end(lx, p);
	bool ok;

	if (e - p > 2 && p[0] == '0' &&
	    (p[1] == 'f' || p[1] == 'F' || p[1] == 'd' || p[1] == 'D')) {
		ok = lex_float_bits(lx, p + 2, e);
	} else if (!(e - p > 1 && p[0] == '0' && (p[1] | 0x20) == 'x') &&
		   ((e < lx->end && *e == '.') || memchr(p, 'e', e - p) ||
		    memchr(p, 'E', e - p))) {
		if (e < lx->end && *e == '.')
			e = lex_word_end(lx, e + 1);
		if (e < lx->end && (*e == '+' || *e == '-') && (e[-1] | 0x20) == 'e')
			e = lex_word_end(lx, e + 1);
		ok = lex_decimal(lx, e);
	} else {
		ok = lex_int(&lx->tok, p, e);
	}
	if (!ok)
		lx->tok.kind = SG_TOK_BAD;
	lx->tok.len = e - p;
	lx->p = e;
}

static void lex_string(struct sg_lex *lx)
{
	const char *p = lx->p + 1;

	while (p < lx->end && *p != '"' && *p != '\n')
		p += *p == '\\' && p + 1 < lx->end ? 2 : 1;
	if (p >= lx->end || *p != '"') {
		lx->tok.kind = SG_TOK_BAD;
		lx->p = lx->end;
		return;
	}
	lx->tok.kind = SG_TOK_STRING;
	lx->tok.s = lx->p + 1;
	lx->tok.len = p - lx->tok.s;
	lx->p = p + 1;
}

void sg_lex_next(struct sg_lex *lx)
{
	struct sg_tok *t = &lx->tok;
	bool ok = lex_skip_space(lx);

	*t = (struct sg_tok){ .kind = SG_TOK_END, .line = lx->line, .s = lx->p };
	if (!ok)
		t->kind = SG_TOK_BAD;
	if (!ok || lx->p >= lx->end)
		return;
	switch (lex_class(*lx->p)) {
	case C_WORD:
		t->kind = SG_TOK_WORD;
		lx->p = lex_word_end(lx, lx->p);
		t->len = lx->p - t->s;
		return;
	case C_DIGIT:
		lex_number(lx);
		return;
	default:
		break;
	}
	t->len = 1;
	if (*lx->p == '.') {
		lex_dot(lx);
	} else if (*lx->p == '"') {
		lex_string(lx);
	} else {
		t->kind = strchr("{}[]()<>,;:=+-*/!|@~&?#^", *lx->p) ? SG_TOK_PUNCT : SG_TOK_BAD;
		lx->p++;
	}
}

void sg_lex_init(struct sg_lex *lx, const char *text, const char *end, uint32_t line)
{
	*lx = (struct sg_lex){ .p = text, .end = end, .line = line };
	sg_lex_next(lx);
}

bool sg_lex_skip_braces(struct sg_lex *lx)
{
	int depth = 1;

	while (lx->p < lx->end && depth) {
		switch (*lx->p) {
		case '\n':
			lx->line++;
			break;
		case '{':
			depth++;
			break;
		case '}':
			depth--;
			break;
		case '"':
			lex_string(lx);
			if (lx->tok.kind == SG_TOK_BAD)
				return false;
			continue;
		case '/':
			if (lex_at(lx, "//") || lex_at(lx, "/*")) {
				if (!lex_skip_comment(lx))
					return false;
				continue;
			}
			break;
		default:
			break;
		}
		lx->p++;
	}
	if (depth)
		return false;
	sg_lex_next(lx);
	return true;
}

bool sg_tok_is(const struct sg_tok *t, enum sg_tok_kind kind, const char *word)
{
	return t->kind == kind && strlen(word) == t->len && !memcmp(t->s, word, t->len);
}

bool sg_lex_accept(struct sg_lex *lx, char c)
{
	if (!sg_lex_is_punct(lx, c))
		return false;
	sg_lex_next(lx);
	return true;
}
