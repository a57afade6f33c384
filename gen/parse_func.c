/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of a function entry. One table of key words, one small function each.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "gen/model.h"

static void line_symbol(struct gen_func *f, const struct gen_line *line)
{
	struct gen_symbol *s = &f->symbol[f->nsymbols];
	char *end;

	if (f->nsymbols == GEN_SYMBOLS) {
		gen_error(line, "more than %d symbols", GEN_SYMBOLS);
		return;
	}
	if (line->n < 3) {
		gen_error(line, "symbol wants a name and the version that brought it");
		return;
	}
	*s = (struct gen_symbol){ .line = line, .name = line->word[1] };
	s->version = (int)strtol(line->word[2], &end, 10);
	if (*end || s->version < 2000)
		gen_error(line, "'%s' is not a CUDA version such as 12040", line->word[2]);
	for (int i = 3; i < line->n; i++) {
		if (!strcmp(line->word[i], "stream=per-thread"))
			s->per_thread = true;
		else if (!strcmp(line->word[i], "refused") && i + 1 < line->n)
			s->refused = line->word[++i];
		else
			gen_error(line, "'%s' says nothing about a symbol", line->word[i]);
	}
	f->nsymbols++;
}

static void line_class(struct gen_func *f, const struct gen_line *line)
{
	static const char *const names[] = { "local", "async", "inline", "sync" };

	for (int i = 0; i < 4 && line->n > 1; i++) {
		if (!strcmp(line->word[1], names[i])) {
			f->cls = i;
			f->has_class = true;
		}
	}
	if (!f->has_class)
		gen_error(line, "class is local, async, inline or sync");
	if (line->n == 3 && !strncmp(line->word[2], "wait=", 5))
		f->wait = line->word[2] + 5;
	else if (line->n != 2)
		gen_error(line, "class takes one word and perhaps wait=FUNCTION");
}

static void line_needs(struct gen_func *f, const struct gen_line *line)
{
	for (int i = 1; i < line->n; i++) {
		const char *w = line->word[i];

		if (!strcmp(w, "nothing"))
			f->no_init = f->no_ctx = f->callback_ok = true;
		else if (!strcmp(w, "init"))
			f->no_ctx = true;
		else if (!strcmp(w, "callback-ok"))
			f->callback_ok = true;
		else if (strcmp(w, "context"))
			gen_error(line, "needs takes nothing, init, context and callback-ok");
	}
}

/* `const CUDA_MEMCPY2D *pCopy` in words 1 .. @n - 1, into base, stars, name. */
static int take_decl(struct gen_param *p, const struct gen_line *line, int n)
{
	const char *sep = "";

	p->decl = p->base = "";
	for (int i = 1; i < n; i++) {
		const char *w = line->word[i];

		p->decl = gen_printf("%s%s%s", p->decl, sep, w);
		for (; *w == '*'; w++)
			p->stars++;
		sep = w[0] ? " " : "";
		if (i == n - 1)
			p->name = w;
		else if (*w && strcmp(w, "const"))
			p->base = gen_printf("%s%s%s", p->base, *p->base ? " " : "", w);
	}
	for (const char *c = p->name; c && *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '_')
			p->name = NULL;
	}
	return p->name && *p->name && *p->base ? 0 : -1;
}

static bool take_flag(struct gen_param *p, const char *w)
{
	const struct {
		const char *word;
		bool *flag;
	} flags[] = {
		{ "optional", &p->optional }, { "creates", &p->creates },
		{ "destroys", &p->destroys }, { "chosen", &p->chosen },
		{ "layout", &p->layout },     { "address", &p->address },
		{ "image", &p->image },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (!strcmp(w, flags[i].word))
			return *flags[i].flag = true;
	}
	return false;
}

static bool take_value(struct gen_param *p, const char *w)
{
	const struct {
		const char *word;
		const char **value;
	} values[] = {
		{ "count=", &p->count },       { "bytes=", &p->bytes }, { "chars=", &p->chars },
		{ "attr=", &p->attr },	       { "value=", &p->value }, { "fixed=", &p->fixed },
		{ "borrowed=", &p->borrowed },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		size_t len = strlen(values[i].word);

		if (!strncmp(w, values[i].word, len) && w[len]) {
			*values[i].value = w + len;
			return true;
		}
	}
	return false;
}

static void line_param(struct gen_func *f, const struct gen_line *line)
{
	struct gen_param *p = &f->param[f->nparams], probe = { 0 };
	int n = 1;

	if (f->nparams == GEN_PARAMS) {
		gen_error(line, "more than %d parameters", GEN_PARAMS);
		return;
	}
	while (n < line->n && !take_flag(&probe, line->word[n]) &&
	       !take_value(&probe, line->word[n]))
		n++;
	*p = (struct gen_param){ .line = line };
	p->dir = line->word[0][0] == 'o' ? GEN_OUT : line->word[0][2] ? GEN_INOUT : GEN_IN;
	if (take_decl(p, line, n)) {
		gen_error(line, "'%s' is not a C declaration of one parameter", line->rest);
		return;
	}
	for (int i = n; i < line->n; i++) {
		if (!take_flag(p, line->word[i]) && !take_value(p, line->word[i]))
			gen_error(line, "'%s' is not a property", line->word[i]);
	}
	f->nparams++;
}

static void line_require(struct gen_func *f, const struct gen_line *line)
{
	if (line->n != 3 || f->nrequires == GEN_NOTES)
		gen_error(line, "require wants a condition and a CUresult name");
	else
		f->require[f->nrequires++] = (struct gen_text){ line->word[1], line->word[2] };
}

static void line_error(struct gen_func *f, const struct gen_line *line)
{
	const char *kind = line->n == 3 ? line->word[2] : "";

	if (strcmp(kind, "immediate") && strcmp(kind, "late") && strcmp(kind, "sticky"))
		gen_error(line, "error wants a result and immediate, late or sticky");
	else if (f->nerrors == GEN_NOTES)
		gen_error(line, "more than %d error lines", GEN_NOTES);
	else
		f->error[f->nerrors++] = (struct gen_text){ line->word[1], kind };
}

static void line_cache(struct gen_func *f, const struct gen_line *line)
{
	for (int i = 1; i < line->n; i++) {
		if (!strncmp(line->word[i], "key=", 4))
			f->cache_key = line->word[i] + 4;
		else if (!strncmp(line->word[i], "value=", 6))
			f->cache_value = line->word[i] + 6;
		else
			gen_error(line, "cache takes key=A,B,C and value=PARAMETER");
	}
	if (!f->cache_key || !f->cache_value)
		gen_error(line, "cache wants key= and value=");
}

static void line_drops(struct gen_func *f, const struct gen_line *line)
{
	if (line->n != 3 || strncmp(line->word[2], "key=", 4) || f->ndrops == GEN_NOTES)
		gen_error(line, "drops wants a cached function and key=EXPR");
	else
		f->drops[f->ndrops++] = (struct gen_text){ line->word[1], line->word[2] + 4 };
}

static void line_hand(struct gen_func *f, const struct gen_line *line)
{
	if (line->n == 3 && !strcmp(line->word[1], "guest"))
		f->hand_guest = line->word[2];
	else if (line->n == 3 && !strcmp(line->word[1], "worker"))
		f->hand_worker = line->word[2];
	else
		gen_error(line, "hand wants guest or worker, and the reason");
}

static void line_soft(struct gen_func *f, const struct gen_line *line)
{
	if (line->n == 3 && !strcmp(line->word[1], "refused"))
		f->soft_refused = line->word[2];
	else
		gen_error(line, "soft wants refused and the reason");
}

static void line_doc(struct gen_func *f, const struct gen_line *line)
{
	f->doc = f->doc ? gen_printf("%s %s", f->doc, line->rest) : line->rest;
}

static void line_engine(struct gen_func *f, const struct gen_line *line)
{
	f->engine = line->rest;
}

static void line_local(struct gen_func *f, const struct gen_line *line)
{
	f->local = line->rest;
}

static void line_copy(struct gen_func *f, const struct gen_line *line)
{
	struct gen_copy *c = &f->copy;

	c->keyword = line->word[0];
	for (int i = 1; i < line->n; i++) {
		const char *w = line->word[i];

		if (!strncmp(w, "dst=", 4))
			c->dst = w + 4;
		else if (!strncmp(w, "src=", 4))
			c->src = w + 4;
		else if (!strncmp(w, "bytes=", 6))
			c->bytes = w + 6;
		else if (!strncmp(w, "stream=", 7))
			c->stream = strcmp(w + 7, "default") ? w + 7 : "stream0";
		else if (!strcmp(w, "async"))
			c->async = true;
		else if (i == 1 && line->word[0][4])
			c->param = w;
		else
			gen_error(line, "'%s' says nothing about a copy", w);
	}
	if (!c->stream || (line->word[0][4] ? !c->param : !c->dst || !c->src || !c->bytes))
		gen_error(line, "copy wants dst= src= bytes= stream=; copy2d and copy3d a "
				"parameter and stream=");
	f->engine = "";
}

static void line_launch(struct gen_func *f, const struct gen_line *line)
{
	struct gen_launch *l = &f->launch;

	l->function = line->n > 1 ? line->word[1] : NULL;
	for (int i = 2; i < line->n; i++) {
		const char *w = line->word[i];

		if (!strncmp(w, "grid=", 5))
			l->grid = w + 5;
		else if (!strncmp(w, "block=", 6))
			l->block = w + 6;
		else if (!strncmp(w, "shared=", 7))
			l->shared = w + 7;
		else if (!strncmp(w, "stream=", 7))
			l->stream = w + 7;
		else if (!strncmp(w, "extra=", 6))
			l->extra = w + 6;
		else if (!strncmp(w, "config=", 7))
			l->config = w + 7;
		else if (!strcmp(w, "cooperative=1"))
			l->cooperative = true;
		else
			gen_error(line, "'%s' says nothing about a launch", w);
	}
	if (!l->function || (!l->config && (!l->grid || !l->block || !l->shared || !l->stream)))
		gen_error(line, "launch wants a function and config=, or grid= block= shared= "
				"stream=");
	f->engine = "";
}

static void line_file(struct gen_func *f, const struct gen_line *line)
{
	if (line->n < 3 || !strstr(line->rest, "$file")) {
		gen_error(line, "file wants a parameter and a call with $file");
		return;
	}
	f->file_param = line->word[1];
	f->engine = line->rest + strcspn(line->rest, " \t");
	f->engine += strspn(f->engine, " \t");
}

static void line_shortcut(struct gen_func *f, const struct gen_line *line)
{
	f->shortcut = line->rest;
}

static void line_before(struct gen_func *f, const struct gen_line *line)
{
	if (f->nbefores < GEN_NOTES)
		f->before[f->nbefores++] = line->rest;
}

static void line_again(struct gen_func *f, const struct gen_line *line)
{
	f->again = line->rest;
}

static void line_accept(struct gen_func *f, const struct gen_line *line)
{
	f->accept = line->rest;
}

static void line_after(struct gen_func *f, const struct gen_line *line)
{
	if (f->nafters < GEN_NOTES)
		f->after[f->nafters++] = line->rest;
}

static void line_test(struct gen_func *f, const struct gen_line *line)
{
	f->test = line->rest;
}

static void line_binds(struct gen_func *f, const struct gen_line *line)
{
	f->binds = true;
}

void gen_parse_func_line(struct gen_func *f, const struct gen_line *line)
{
	static const struct {
		const char *word;
		void (*parse)(struct gen_func *f, const struct gen_line *line);
		bool in_refused;
	} words[] = {
		{ "symbol", line_symbol, true },
		{ "doc", line_doc, true },
		{ "class", line_class },
		{ "needs", line_needs },
		{ "in", line_param },
		{ "out", line_param },
		{ "inout", line_param },
		{ "require", line_require },
		{ "local", line_local },
		{ "engine", line_engine },
		{ "before", line_before },
		{ "again", line_again },
		{ "accept", line_accept },
		{ "after", line_after },
		{ "error", line_error },
		{ "cache", line_cache },
		{ "drops", line_drops },
		{ "hand", line_hand },
		{ "soft", line_soft },
		{ "test", line_test },
		{ "binds", line_binds },
		{ "copy", line_copy },
		{ "copy2d", line_copy },
		{ "copy3d", line_copy },
		{ "launch", line_launch },
		{ "file", line_file },
		{ "shortcut", line_shortcut },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, line->word[0]))
			continue;
		if (f->refused && !words[i].in_refused)
			gen_error(line, "a refused function has only symbol and doc lines");
		else
			words[i].parse(f, line);
		return;
	}
	gen_error(line, "unknown line '%s' in function %s", line->word[0], f->name);
}
