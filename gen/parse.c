/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of the description: families, types, attributes, functions.
 *
 * An entry starts at the left margin; its lines are indented. Every error
 * names its line, and parsing goes on, so that one run shows all of them.
 */
#include <stdlib.h>
#include <string.h>

#include "gen/model.h"

/* Room for one more of a growing array: capacity doubles at powers of two. */
#define GEN_PUSH(array, n)                                                             \
	({                                                                             \
		if (!((n) & ((n)-1))) {                                                \
			void *more_ = gen_alloc(sizeof(*(array)) * ((n) ? (n)*2 : 1)); \
			if (n)                                                         \
				memcpy(more_, (array), sizeof(*(array)) * (n));        \
			(array) = more_;                                               \
		}                                                                      \
		&(array)[(n)++];                                                       \
	})

/**
 * struct gen_state - Where the parser is
 * @type, @attrs, @func:	the entry that indented lines belong to
 * @key, @cases, @ncases:	open `case` of a structure
 */
struct gen_state {
	struct gen_api *api;
	const char *family;
	int type, attrs, func;
	const char *key;
	const char *const *cases;
	int ncases;
};

static const char *const type_words[] = {
	[GEN_SCALAR] = "scalar", [GEN_HANDLE] = "handle",     [GEN_POD] = "pod",
	[GEN_STRUCT] = "struct", [GEN_CALLBACK] = "callback", [GEN_OPAQUE] = "opaque",
};

static void open_type(struct gen_state *s, const struct gen_line *line, enum gen_type_kind kind)
{
	struct gen_type *t;
	int names = kind == GEN_HANDLE || kind == GEN_SCALAR ? line->n - 1 : line->n;

	if (line->n < 2 || (names != line->n && line->n < 3)) {
		gen_error(line, "%s wants a type name%s", line->word[0],
			  names == line->n ? "" : ", then its kind or format");
		return;
	}
	for (int i = 1; i < names; i++) {
		/* "unsigned~int" stands for a type of two words. */
		for (char *p = line->word[i]; (p = strchr(p, '~'));)
			*p = ' ';
		if (gen_find_type(s->api, line->word[i])) {
			gen_error(line, "type %s is described twice", line->word[i]);
			continue;
		}
		t = GEN_PUSH(s->api->type, s->api->ntypes);
		*t = (struct gen_type){ .line = line, .name = line->word[i], .kind = kind };
		if (kind == GEN_HANDLE)
			t->handle = line->word[names];
		if (kind == GEN_SCALAR)
			t->fmt = line->word[names];
	}
	s->type = kind == GEN_STRUCT ? s->api->ntypes - 1 : -1;
	s->key = NULL;
}

static void open_func(struct gen_state *s, const struct gen_line *line, bool refused)
{
	struct gen_func *f;

	if (line->n < 2 + refused) {
		gen_error(line,
			  refused ? "refused wants a name and a reason" : "function wants a name");
		return;
	}
	if (!s->family) {
		gen_error(line, "function before any family");
		return;
	}
	f = GEN_PUSH(s->api->func, s->api->nfuncs);
	*f = (struct gen_func){ .line = line, .name = line->word[1], .family = s->family };
	f->id = gen_hash(f->name);
	if (refused) {
		f->refused = line->word[2];
		f->cls = GEN_LOCAL;
		f->has_class = true;
	}
	s->func = s->api->nfuncs - 1;
}

static void open_family(struct gen_state *s, const struct gen_line *line)
{
	struct gen_family *f;

	if (line->n != 3) {
		gen_error(line, "family wants a name and a title");
		return;
	}
	for (int i = 0; i < s->api->nfamilies; i++) {
		if (!strcmp(s->api->family[i].name, line->word[1]))
			gen_error(line, "family %s is opened twice", line->word[1]);
	}
	f = GEN_PUSH(s->api->family, s->api->nfamilies);
	*f = (struct gen_family){ line->word[1], line->word[2] };
	s->family = line->word[1];
}

static void open_attrs(struct gen_state *s, const struct gen_line *line)
{
	struct gen_attrs *a;

	if (line->n != 2) {
		gen_error(line, "attributes wants a name");
		return;
	}
	a = GEN_PUSH(s->api->attrs, s->api->nattrs);
	*a = (struct gen_attrs){ .line = line, .name = line->word[1] };
	s->attrs = s->api->nattrs - 1;
}

static void add_policy(struct gen_state *s, const struct gen_line *line)
{
	struct gen_policy *p;
	bool constant = line->n > 2 && !strcmp(line->word[2], "constant");

	if (line->n != 3 + constant ||
	    (!constant && strcmp(line->word[2], "pass") && strcmp(line->word[2], "computed"))) {
		gen_error(line, "policy wants an attribute and pass, computed or constant VALUE");
		return;
	}
	p = GEN_PUSH(s->api->policy, s->api->npolicies);
	*p = (struct gen_policy){ line, line->word[1], line->word[2],
				  constant ? line->word[3] : "0" };
}

static void add_result(struct gen_state *s, const struct gen_line *line)
{
	if (line->n != 3)
		gen_error(line, "result wants a name and what it means");
	else
		*GEN_PUSH(s->api->result, s->api->nresults) =
			(struct gen_result){ line->word[1], line->word[2] };
}

static void open_entry(struct gen_state *s, const struct gen_line *line)
{
	const char *word = line->word[0];

	s->type = s->attrs = s->func = -1;
	for (int i = 0; i <= GEN_OPAQUE; i++) {
		if (!strcmp(word, type_words[i])) {
			open_type(s, line, i);
			return;
		}
	}
	if (!strcmp(word, "family"))
		open_family(s, line);
	else if (!strcmp(word, "function") || !strcmp(word, "refused"))
		open_func(s, line, *word == 'r');
	else if (!strcmp(word, "attributes"))
		open_attrs(s, line);
	else if (!strcmp(word, "policy"))
		add_policy(s, line);
	else if (!strcmp(word, "result"))
		add_result(s, line);
	else
		gen_error(line, "unknown entry '%s'", word);
}

static void field_line(struct gen_state *s, struct gen_type *t, const struct gen_line *line)
{
	struct gen_field *f;
	int n = line->n;
	const char *count = NULL;
	char *type;

	if (!strcmp(line->word[0], "case") && n >= 3) {
		s->key = line->word[1];
		s->cases = (const char *const *)line->word + 2;
		s->ncases = n - 2;
		*GEN_PUSH(t->field, t->nfields) = (struct gen_field){
			.line = line, .key = s->key, .cases = s->cases, .ncases = s->ncases
		};
		return;
	}
	if (!strcmp(line->word[0], "end") && n == 1) {
		s->key = NULL;
		return;
	}
	if (n > 2 && !strncmp(line->word[n - 1], "count=", 6))
		count = line->word[--n] + 6;
	if (strcmp(line->word[0], "field") || n != 3) {
		gen_error(line, "a structure holds lines 'field TYPE MEMBER [count=EXPR]', "
				"'case MEMBER VALUE...' and 'end'");
		return;
	}
	type = line->word[1];
	for (char *p = type; (p = strchr(p, '~'));)
		*p = ' ';
	f = GEN_PUSH(t->field, t->nfields);
	*f = (struct gen_field){ .line = line, .type = gen_find_type(s->api, type) };
	if (!f->type)
		gen_error(line, "type %s is not described (above this line)", type);
	f->path = line->word[2];
	f->count = count;
	f->key = s->key;
	f->cases = s->key ? s->cases : NULL;
	f->ncases = s->key ? s->ncases : 0;
}

static void attr_line(struct gen_state *s, const struct gen_line *line)
{
	struct gen_attrs *a = &s->api->attrs[s->attrs];
	struct gen_attr *one;

	if (line->n != 2) {
		gen_error(line, "an attribute line is 'ATTRIBUTE TYPE'");
		return;
	}
	for (char *p = line->word[1]; (p = strchr(p, '~'));)
		*p = ' ';
	one = GEN_PUSH(a->attr, a->n);
	*one = (struct gen_attr){ line->word[0], line->word[1] };
}

void gen_parse(struct gen_api *api, const struct gen_file *file)
{
	struct gen_state s = { .api = api, .type = -1, .attrs = -1, .func = -1 };

	for (int i = 0; i < file->n; i++) {
		const struct gen_line *line = &file->line[i];

		if (!line->indent)
			open_entry(&s, line);
		else if (s.func >= 0)
			gen_parse_func_line(&api->func[s.func], line);
		else if (s.type >= 0)
			field_line(&s, &api->type[s.type], line);
		else if (s.attrs >= 0)
			attr_line(&s, line);
		else
			gen_error(line, "indented line that belongs to no entry");
	}
}
