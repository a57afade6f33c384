/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups in the API, and the form of every parameter.
 */
#include "gen/model.h"

#include <ctype.h>
#include <string.h>

const struct gen_type *gen_find_type(const struct gen_api *api, const char *name)
{
	for (int i = 0; i < api->ntypes; i++) {
		if (!strcmp(api->type[i].name, name))
			return &api->type[i];
	}
	return NULL;
}

const struct gen_func *gen_find_func(const struct gen_api *api, const char *name)
{
	for (int i = 0; i < api->nfuncs; i++) {
		if (!strcmp(api->func[i].name, name))
			return &api->func[i];
	}
	return NULL;
}

static bool cut_end(char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	if (n <= m || strcmp(s + n - m, end))
		return false;
	s[n - m] = 0;
	return true;
}

char *gen_base_name(const char *symbol)
{
	char *base = gen_strdup(symbol);
	size_t n;

	if (!cut_end(base, "_ptsz"))
		cut_end(base, "_ptds");
	n = strlen(base);
	if (n > 3 && isdigit((unsigned char)base[n - 1]) && base[n - 2] == 'v' &&
	    base[n - 3] == '_')
		base[n - 3] = 0;
	return base;
}

/* As cw_fn_hash() of wire/fn.h: FNV-1a. A test compares the two. */
uint32_t gen_hash(const char *name)
{
	uint32_t h = 2166136261u;

	while (*name)
		h = (h ^ (uint8_t)*name++) * 16777619u;
	return h;
}

const struct gen_symbol *gen_main_symbol(const struct gen_func *f)
{
	const struct gen_symbol *best = NULL;

	for (int i = 0; i < f->nsymbols; i++) {
		if (!f->symbol[i].per_thread && !f->symbol[i].refused)
			best = &f->symbol[i];
	}
	return best;
}

const struct gen_param *gen_stream_param(const struct gen_func *f)
{
	for (int i = 0; i < f->nparams; i++) {
		const struct gen_param *p = &f->param[i];

		if (p->dir == GEN_IN && !p->stars && !strcmp(p->base, "CUstream"))
			return p;
	}
	return NULL;
}

bool gen_has_per_thread(const struct gen_func *f)
{
	for (int i = 0; i < f->nsymbols; i++) {
		if (f->symbol[i].per_thread)
			return true;
	}
	return false;
}

bool gen_extra_stream(const struct gen_func *f)
{
	return gen_has_per_thread(f) && !gen_stream_param(f);
}

bool gen_has_array(const struct gen_type *type)
{
	for (int i = 0; i < type->nfields; i++) {
		if (type->field[i].count)
			return true;
	}
	return false;
}

bool gen_crosses(const struct gen_func *f)
{
	return !f->refused && f->cls != GEN_LOCAL && !f->engine;
}

/*
 * A guest body written by hand may still send the described call, so the
 * worker's side is there whenever some engine does not replace it.
 */
bool gen_dispatched(const struct gen_func *f)
{
	return gen_crosses(f) && !f->hand_worker;
}

static enum gen_form pointer_form(struct gen_param *p)
{
	bool text = !strcmp(p->base, "char");

	if (p->bytes || p->attr)
		return GEN_F_BYTES;
	if (p->borrowed)
		return GEN_F_BORROWED;
	if (p->chars)
		return GEN_F_CHARS;
	if (p->count)
		return GEN_F_ARRAY;
	if (text && p->stars == 1 && p->dir == GEN_IN)
		return GEN_F_STRING;
	if (text && p->stars == 2 && p->dir == GEN_OUT)
		return GEN_F_NAME;
	if (p->stars == 1 && p->type && p->type->kind <= GEN_STRUCT)
		return GEN_F_ONE;
	return GEN_F_NONE;
}

/* @attr is SET(EXPR). */
static void resolve_attr(struct gen_api *api, struct gen_param *p)
{
	const char *open = strchr(p->attr, '(');
	size_t n = strlen(p->attr);

	if (!open || p->attr[n - 1] != ')') {
		gen_error(p->line, "attr wants SET(EXPR)");
		return;
	}
	p->attr_expr = gen_printf("%.*s", (int)(p->attr + n - 1 - open - 1), open + 1);
	for (int i = 0; i < api->nattrs; i++) {
		const char *name = api->attrs[i].name;

		if (strlen(name) == (size_t)(open - p->attr) &&
		    !strncmp(name, p->attr, open - p->attr))
			p->attrs = &api->attrs[i];
	}
	if (!p->attrs)
		gen_error(p->line, "no attributes entry '%.*s'", (int)(open - p->attr), p->attr);
}

static void resolve_param(struct gen_api *api, struct gen_func *f, struct gen_param *p)
{
	p->type = gen_find_type(api, p->base);
	if (!p->type && strcmp(p->base, "void")) {
		gen_error(p->line, "type %s is not described", p->base);
		return;
	}
	if (p->attr)
		resolve_attr(api, p);
	if (!gen_crosses(f) || p->fixed)
		p->form = GEN_F_NONE;
	else if (p->image)
		p->form = GEN_F_IMAGE;
	else if (p->address || (!p->stars && p->type && p->type->kind <= GEN_POD))
		p->form = p->dir == GEN_OUT ? GEN_F_ONE : GEN_F_VALUE;
	else
		p->form = pointer_form(p);
	if (gen_crosses(f) && !p->fixed && p->form == GEN_F_NONE)
		gen_error(p->line,
			  "parameter %s does not say how it crosses: count=, bytes=, "
			  "attr=, chars=, address, image or fixed=",
			  p->name);
}

void gen_resolve(struct gen_api *api)
{
	for (int i = 0; i < api->nfuncs; i++) {
		for (int j = 0; j < api->func[i].nparams; j++)
			resolve_param(api, &api->func[i], &api->func[i].param[j]);
	}
}
