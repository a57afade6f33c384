/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PTX tokens. The lexer owns nothing: tokens point into the text.
 */
#ifndef SOFTGPU_PTX_LEX_H
#define SOFTGPU_PTX_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sg_tok_kind {
	SG_TOK_END,
	SG_TOK_WORD,	/* name, opcode, register: [A-Za-z_$%][A-Za-z0-9_$]* */
	SG_TOK_DOT,	/* ".word" or ".word::word"; s points behind the dot */
	SG_TOK_INT,	/* value */
	SG_TOK_FLOAT,	/* value: bits of a double, or of a float if is_f32 */
	SG_TOK_STRING,	/* s..len between the quotes */
	SG_TOK_PUNCT,	/* one character: *s */
	SG_TOK_BAD,	/* a byte that begins no token, or an unended comment */
};

struct sg_tok {
	enum sg_tok_kind kind;
	bool is_f32;
	bool is_unsigned;	/* INT with suffix U or above INT64_MAX */
	uint32_t line;
	const char *s;
	uint32_t len;
	uint64_t value;
};

/**
 * struct sg_lex - Place in a text
 * @p, @end:	next byte, and the one behind the last
 * @line:	line of @p, from 1
 * @tok:	current token
 */
struct sg_lex {
	const char *p, *end;
	uint32_t line;
	struct sg_tok tok;
};

/* Start at text..end; the first token is current afterwards. */
void sg_lex_init(struct sg_lex *lx, const char *text, const char *end, uint32_t line);
/* Go to the next token. At the end it stays there. */
void sg_lex_next(struct sg_lex *lx);
/*
 * Current token is '{': go behind its matching '}'. Sees comments and strings
 * but makes no tokens, so it is fast. False where the text ends first.
 */
bool sg_lex_skip_braces(struct sg_lex *lx);

bool sg_tok_is(const struct sg_tok *t, enum sg_tok_kind kind, const char *word);

static inline bool sg_lex_is_punct(const struct sg_lex *lx, char c)
{
	return lx->tok.kind == SG_TOK_PUNCT && *lx->tok.s == c;
}

static inline bool sg_lex_is_dot(const struct sg_lex *lx, const char *word)
{
	return sg_tok_is(&lx->tok, SG_TOK_DOT, word);
}

/* Whether the current token is this character; steps over it if so. */
bool sg_lex_accept(struct sg_lex *lx, char c);

#endif
