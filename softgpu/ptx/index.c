/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of a text: one pass over its top level. Bodies and initialisers
 * are stepped over and only their extents kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "softgpu/ptx/module_priv.h"

struct index_state {
	struct sg_module *m;
	struct sg_lex lx;
	struct sg_log *log;
	uint32_t unit;
	/* linkage words in front of the current declaration */
	bool visible, weak, external;
	bool linkage;		/* the last item was such a word */
};

static bool index_error(struct index_state *st, const char *what)
{
	sg_log_error(st->log, st->lx.tok.line, "%s near '%.*s'", what,
		     (int)cw_min(st->lx.tok.len, 40u), st->lx.tok.s);
	return false;
}

/* The rest of a directive we need nothing of: all tokens of its line. */
static bool index_skip_line(struct index_state *st, uint32_t line)
{
	while (st->lx.tok.kind != SG_TOK_END && st->lx.tok.line == line) {
		if (st->lx.tok.kind == SG_TOK_BAD)
			return index_error(st, "bad token");
		sg_lex_next(&st->lx);
	}
	return true;
}

/* "6.3" comes as FLOAT or, at a cut, as INT. */
static bool index_version(struct index_state *st)
{
	const struct sg_tok *t = &st->lx.tok;
	char buf[16] = "";
	char *dot;

	if (t->kind != SG_TOK_FLOAT || t->len >= sizeof(buf))
		return index_error(st, "bad .version");
	memcpy(buf, t->s, t->len);
	dot = strchr(buf, '.');
	if (!dot)
		return index_error(st, "bad .version");
	if (!st->unit)
		st->m->version = strtoul(buf, NULL, 10) * 10 + strtoul(dot + 1, NULL, 10);
	sg_lex_next(&st->lx);
	return true;
}

static bool index_target(struct index_state *st)
{
	do {
		const struct sg_tok *t = &st->lx.tok;

		if (t->kind != SG_TOK_WORD)
			return index_error(st, "bad .target");
		if (t->len > 3 && !memcmp(t->s, "sm_", 3) && !st->unit) {
			uint32_t n = 0;

			for (uint32_t i = 3; i < t->len && t->s[i] >= '0' && t->s[i] <= '9'; i++)
				n = n * 10 + (t->s[i] - '0');
			st->m->target = n;
		}
		sg_lex_next(&st->lx);
	} while (sg_lex_accept(&st->lx, ','));
	return true;
}

static bool index_address_size(struct index_state *st)
{
	if (st->lx.tok.kind != SG_TOK_INT || st->lx.tok.value != 64)
		return index_error(st, "only .address_size 64 is supported,");
	sg_lex_next(&st->lx);
	return true;
}

static bool index_section(struct index_state *st)
{
	while (!sg_lex_is_punct(&st->lx, '{')) {
		if (st->lx.tok.kind == SG_TOK_END || st->lx.tok.kind == SG_TOK_BAD)
			return index_error(st, "bad .section");
		sg_lex_next(&st->lx);
	}
	if (!sg_lex_skip_braces(&st->lx))
		return index_error(st, "section has no end");
	return true;
}

/* Elements of an initialiser with no size in its declaration. */
static void index_count_elements(struct sg_decl *d, const struct sg_extent *init)
{
	uint64_t n = 0;
	struct sg_lex lx;

	sg_lex_init(&lx, init->p, init->end, init->line);
	for (; lx.tok.kind != SG_TOK_END && lx.tok.kind != SG_TOK_BAD; sg_lex_next(&lx))
		n += sg_lex_is_punct(&lx, ',');
	d->dims[0] = n + 1;
	d->size = (n + 1) * sg_type_size(d->type) * d->vec;
}

/* "= value" or "= { ... }" */
static bool index_initialiser(struct index_state *st, struct sg_symbol *s)
{
	struct sg_lex *lx = &st->lx;

	s->init = (struct sg_extent){ .p = lx->tok.s, .line = lx->tok.line };
	if (sg_lex_is_punct(lx, '{')) {
		if (!sg_lex_skip_braces(lx))
			return index_error(st, "initialiser has no end");
	} else {
		int depth = 0;

		while (depth || !(sg_lex_is_punct(lx, ';') || sg_lex_is_punct(lx, ','))) {
			if (lx->tok.kind == SG_TOK_END || lx->tok.kind == SG_TOK_BAD)
				return index_error(st, "initialiser has no end");
			depth += sg_lex_is_punct(lx, '(') - sg_lex_is_punct(lx, ')');
			sg_lex_next(lx);
		}
	}
	s->init.end = lx->tok.s;
	if (!s->decl.size)
		index_count_elements(&s->decl, &s->init);
	return true;
}

static bool index_variable(struct index_state *st, struct sg_symbol *proto)
{
	struct sg_decl d;

	if (!sg_decl_parse(&st->lx, &d, st->log))
		return false;
	for (;;) {
		struct sg_symbol s = *proto;
		struct sg_tok name = { .s = d.name, .len = d.name_len };

		s.decl = d;
		s.line = d.line;
		if (sg_lex_accept(&st->lx, '=') && !index_initialiser(st, &s))
			return false;
		if (!s.decl.size && s.kind == SG_SYM_VAR && !s.external)
			return index_error(st, "variable of no size");
		if (s.kind == SG_SYM_VAR && s.space == SG_VAR_CONST)
			st->m->const_bytes += s.decl.size;
		if (!sg_symbol_add(st->m, &s, &name, st->log))
			return false;
		if (!sg_lex_accept(&st->lx, ','))
			break;
		/* ".global .u32 a, b[2];": the words stand for all names. */
		d.name = st->lx.tok.s;
		d.name_len = st->lx.tok.len;
		d.ndims = 0;
		d.size = (uint64_t)sg_type_size(d.type) * d.vec;
		if (st->lx.tok.kind != SG_TOK_WORD)
			return index_error(st, "expected a name");
		sg_lex_next(&st->lx);
		if (sg_lex_is_punct(&st->lx, '['))
			return index_error(st, "array in a list of names");
	}
	if (!sg_lex_accept(&st->lx, ';'))
		return index_error(st, "expected ';'");
	return true;
}

static bool index_dims(struct index_state *st, uint32_t *dims)
{
	dims[0] = dims[1] = dims[2] = 1;
	for (int i = 0; i < 3; i++) {
		if (st->lx.tok.kind != SG_TOK_INT || st->lx.tok.value > 1u << 30)
			return index_error(st, "expected a number");
		dims[i] = st->lx.tok.value;
		sg_lex_next(&st->lx);
		if (!sg_lex_accept(&st->lx, ','))
			break;
	}
	return true;
}

/* Performance and other directives between the parameters and the body. */
static bool index_directives(struct index_state *st, struct sg_entry_info *info)
{
	struct sg_lex *lx = &st->lx;

	while (lx->tok.kind == SG_TOK_DOT) {
		uint32_t one[3];
		bool maxntid = sg_lex_is_dot(lx, "maxntid");
		bool reqntid = sg_lex_is_dot(lx, "reqntid");
		bool minctas = sg_lex_is_dot(lx, "minnctapersm");
		bool pragma = sg_lex_is_dot(lx, "pragma");

		sg_lex_next(lx);
		if (maxntid && !index_dims(st, info->maxntid))
			return false;
		if (reqntid && !index_dims(st, info->reqntid))
			return false;
		if (minctas) {
			if (!index_dims(st, one))
				return false;
			info->minnctapersm = one[0];
		}
		while (lx->tok.kind == SG_TOK_INT || lx->tok.kind == SG_TOK_STRING ||
		       sg_lex_is_punct(lx, ','))
			sg_lex_next(lx);
		if (pragma && !sg_lex_accept(lx, ';'))
			return index_error(st, "expected ';'");
	}
	return true;
}

static bool index_new_entry(struct index_state *st, struct sg_symbol *s,
			    const struct sg_entry_info *info)
{
	struct sg_module *m = st->m;
	struct sg_entry *e = s->entry;

	if (!e) {
		if (m->nentries == m->entries_cap) {
			size_t cap = m->entries_cap ? m->entries_cap * 2 : 16;
			struct sg_entry **bigger = realloc(m->entries, cap * sizeof(*bigger));

			if (!bigger)
				return index_error(st, "out of memory");
			m->entries = bigger;
			m->entries_cap = cap;
		}
		e = calloc(1, sizeof(*e));
		if (!e)
			return index_error(st, "out of memory");
		pthread_mutex_init(&e->lock, NULL);
		m->entries[m->nentries++] = e;
	}
	e->module = m;
	e->symbol = s - m->symbols;
	e->info = *info;
	e->info.name = s->name;
	e->info.params = s->sig.places;
	e->info.nparams = s->sig.n;
	e->info.param_bytes = s->sig.bytes;
	s->entry = e;
	return true;
}

static const struct {
	const char *name;
	enum sg_builtin builtin;
} index_builtins[] = {
	{ "vprintf", SG_BUILTIN_VPRINTF },
	{ "__assertfail", SG_BUILTIN_ASSERTFAIL },
	{ "malloc", SG_BUILTIN_MALLOC },
	{ "free", SG_BUILTIN_FREE },
};

static enum sg_builtin index_builtin(const struct sg_tok *name)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(index_builtins); i++) {
		if (sg_tok_is(name, SG_TOK_WORD, index_builtins[i].name))
			return index_builtins[i].builtin;
	}
	return SG_BUILTIN_NONE;
}

/* Name, parameters, directives and the extent of the body. */
static bool index_function_rest(struct index_state *st, struct sg_symbol *proto,
				struct sg_tok *ret_name, struct sg_entry_info *info)
{
	struct sg_lex *lx = &st->lx;

	if (proto->kind == SG_SYM_FUNC) {
		while (lx->tok.kind == SG_TOK_DOT) {	/* .attribute(...) */
			sg_lex_next(lx);
			if (sg_lex_is_punct(lx, '('))
				return index_error(st, "function attribute");
		}
		if (sg_lex_is_punct(lx, '(') &&
		    !sg_signature_parse(lx, &proto->sig, true, st->log))
			return false;
	}
	if (lx->tok.kind != SG_TOK_WORD)
		return index_error(st, "expected a function name");
	*ret_name = lx->tok;
	proto->line = lx->tok.line;
	sg_lex_next(lx);
	if (sg_lex_is_punct(lx, '(') && !sg_signature_parse(lx, &proto->sig, false, st->log))
		return false;
	sg_signature_finish(&proto->sig);
	if (!index_directives(st, info))
		return false;
	if (sg_lex_is_punct(lx, '{')) {
		proto->body = (struct sg_extent){ .p = lx->tok.s, .line = lx->tok.line };
		if (!sg_lex_skip_braces(lx))
			return index_error(st, "function has no end");
		proto->body.end = lx->tok.s;
		return true;
	}
	if (!sg_lex_accept(lx, ';'))
		return index_error(st, "expected a body or ';'");
	return true;
}

static bool index_function(struct index_state *st, enum sg_symbol_kind kind)
{
	struct sg_symbol *s, proto = {
		.kind = kind,
		.unit = st->unit,
		.visible = st->visible || st->external || st->weak || kind == SG_SYM_ENTRY,
		.weak = st->weak,
		.external = st->external,
	};
	struct sg_entry_info info = { 0 };
	struct sg_tok name;

	if (!index_function_rest(st, &proto, &name, &info)) {
		free(proto.sig.formals);
		free(proto.sig.places);
		return false;
	}
	if (kind == SG_SYM_FUNC && !proto.body.p)
		proto.builtin = index_builtin(&name);
	s = sg_symbol_add(st->m, &proto, &name, st->log);
	if (!s)
		return false;
	if (kind == SG_SYM_ENTRY && proto.body.p)
		return index_new_entry(st, s, &info);
	return true;
}

/* .alias name, definition; */
static bool index_alias(struct index_state *st)
{
	struct sg_symbol proto = { .kind = SG_SYM_ALIAS, .unit = st->unit, .visible = true };
	struct sg_tok name = st->lx.tok, target;
	struct sg_symbol *s;

	sg_lex_next(&st->lx);
	if (name.kind != SG_TOK_WORD || !sg_lex_accept(&st->lx, ','))
		return index_error(st, "bad .alias");
	target = st->lx.tok;
	sg_lex_next(&st->lx);
	if (target.kind != SG_TOK_WORD || !sg_lex_accept(&st->lx, ';'))
		return index_error(st, "bad .alias");
	proto.line = name.line;
	proto.alias_of = strndup(target.s, target.len);
	s = proto.alias_of ? sg_symbol_add(st->m, &proto, &name, st->log) : NULL;
	if (!s)
		free(proto.alias_of);
	else if (s->kind != SG_SYM_ALIAS) {
		/* The prototype came first: it becomes the alias. */
		s->kind = SG_SYM_ALIAS;
		s->alias_of = proto.alias_of;
	}
	return s != NULL;
}

static bool index_space(struct index_state *st, const struct sg_tok *t, bool *ret_known)
{
	struct sg_symbol proto = {
		.kind = SG_SYM_VAR,
		.unit = st->unit,
		.visible = st->visible || st->external || st->weak,
		.weak = st->weak,
		.external = st->external,
	};

	*ret_known = true;
	if (sg_tok_is(t, SG_TOK_DOT, "const"))
		proto.space = SG_VAR_CONST;
	else if (sg_tok_is(t, SG_TOK_DOT, "shared"))
		proto.kind = SG_SYM_SHARED;
	else if (!sg_tok_is(t, SG_TOK_DOT, "global") && !sg_tok_is(t, SG_TOK_DOT, "tex"))
		*ret_known = false;
	if (!*ret_known)
		return true;
	/* .extern .shared x[] is the block's dynamic shared memory. */
	if (proto.kind == SG_SYM_SHARED && proto.external) {
		proto.external = false;
		proto.visible = false;
	}
	return index_variable(st, &proto);
}

static bool index_item(struct index_state *st)
{
	struct sg_lex *lx = &st->lx;
	struct sg_tok t = lx->tok;
	bool known;

	if (t.kind == SG_TOK_PUNCT && *t.s == '@')	/* @@DWARF */
		return index_skip_line(st, t.line);
	if (t.kind != SG_TOK_DOT)
		return sg_lex_accept(lx, ';') || index_error(st, "expected a directive");
	sg_lex_next(lx);
	if (sg_tok_is(&t, SG_TOK_DOT, "version"))
		return index_version(st);
	if (sg_tok_is(&t, SG_TOK_DOT, "target"))
		return index_target(st);
	if (sg_tok_is(&t, SG_TOK_DOT, "address_size"))
		return index_address_size(st);
	if (sg_tok_is(&t, SG_TOK_DOT, "section"))
		return index_section(st);
	if (sg_tok_is(&t, SG_TOK_DOT, "file") || sg_tok_is(&t, SG_TOK_DOT, "loc") ||
	    sg_tok_is(&t, SG_TOK_DOT, "pragma"))
		return index_skip_line(st, t.line);
	if (sg_tok_is(&t, SG_TOK_DOT, "extern"))
		return st->linkage = st->external = true;
	if (sg_tok_is(&t, SG_TOK_DOT, "visible"))
		return st->linkage = st->visible = true;
	if (sg_tok_is(&t, SG_TOK_DOT, "weak") || sg_tok_is(&t, SG_TOK_DOT, "common"))
		return st->linkage = st->weak = true;
	if (sg_tok_is(&t, SG_TOK_DOT, "entry"))
		return index_function(st, SG_SYM_ENTRY);
	if (sg_tok_is(&t, SG_TOK_DOT, "func"))
		return index_function(st, SG_SYM_FUNC);
	if (sg_tok_is(&t, SG_TOK_DOT, "alias"))
		return index_alias(st);
	if (!index_space(st, &t, &known))
		return false;
	if (!known)
		sg_log_error(st->log, t.line, "unknown directive .%.*s", (int)t.len, t.s);
	return known;
}

/**
 * sg_module_index() - Enter all names of one text
 * @m:		module
 * @unit:	number of the text
 * @text:	lives as long as the module
 * @len:	bytes
 * @log:	for messages
 *
 * Return: 0 or -EINVAL.
 */
int sg_module_index(struct sg_module *m, uint32_t unit, const char *text, size_t len,
		    struct sg_log *log)
{
	struct index_state st = { .m = m, .log = log, .unit = unit };

	sg_lex_init(&st.lx, text, text + len, 1);
	if (!sg_lex_is_dot(&st.lx, "version")) {
		index_error(&st, "text does not begin with .version,");
		return -EINVAL;
	}
	while (st.lx.tok.kind != SG_TOK_END) {
		st.linkage = false;
		if (!index_item(&st))
			return -EINVAL;
		if (!st.linkage)
			st.visible = st.weak = st.external = false;
	}
	if (!m->target) {
		sg_log_error(log, st.lx.tok.line, "no .target");
		return -EINVAL;
	}
	return 0;
}
