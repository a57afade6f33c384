/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules that no single line shows: names and ids are unique, symbols follow
 * the order of their versions, every function says what it must.
 */
#include <stdlib.h>
#include <string.h>

#include "gen/model.h"

/* Hand-written bodies on either side that the project allows itself. */
#define GEN_HAND_MAX 25

static void check_ids(const struct gen_api *api)
{
	for (int i = 0; i < api->nfuncs; i++) {
		const struct gen_func *f = &api->func[i];

		if (f->id < 64)
			gen_error(f->line, "id of %s is one of the protocol's own", f->name);
		for (int j = 0; j < i; j++) {
			const struct gen_func *g = &api->func[j];

			if (!strcmp(f->name, g->name))
				gen_error(f->line, "function %s is described twice (line %d of %s)",
					  f->name, g->line->no, g->line->file);
			else if (f->id == g->id)
				gen_error(f->line, "functions %s and %s have one id", f->name,
					  g->name);
		}
	}
}

/* Whether plain symbol @s goes with per-thread symbol @t: cuX_v2, cuX_v2_ptsz. */
static bool same_but_flavour(const char *s, const char *t)
{
	size_t n = strlen(s);

	return !strncmp(s, t, n) && (!strcmp(t + n, "_ptsz") || !strcmp(t + n, "_ptds"));
}

static void check_symbol(const struct gen_func *f, const struct gen_symbol *s)
{
	bool suffix = strlen(s->name) > 5 && (!strcmp(s->name + strlen(s->name) - 5, "_ptsz") ||
					      !strcmp(s->name + strlen(s->name) - 5, "_ptds"));

	if (suffix != s->per_thread)
		gen_error(s->line, "%s: _ptsz and _ptds go with stream=per-thread", s->name);
	if (strcmp(gen_base_name(s->name), gen_base_name(f->name)))
		gen_error(s->line, "symbol %s does not belong to %s", s->name, f->name);
	if (!s->per_thread || s->refused || f->refused)
		return;
	for (int i = 0; i < f->nsymbols; i++) {
		if (same_but_flavour(f->symbol[i].name, s->name))
			return;
	}
	gen_error(s->line, "%s has no plain symbol beside it", s->name);
}

/* A later version of a base name was brought by a later CUDA. */
static void check_order(const struct gen_symbol *a, const struct gen_symbol *b)
{
	if (!strcmp(a->name, b->name)) {
		gen_error(b->line, "symbol %s is described twice (line %d of %s)", b->name,
			  a->line->no, a->line->file);
		return;
	}
	if (a->per_thread != b->per_thread ||
	    strcmp(gen_base_name(a->name), gen_base_name(b->name)))
		return;
	/* cuX < cuX_v2 < cuX_v3, and so are their versions (at most nine). */
	if ((strcmp(a->name, b->name) < 0) != (a->version < b->version))
		gen_error(b->line, "versions of %s and %s are not in the order of their names",
			  a->name, b->name);
}

static void check_symbols(const struct gen_api *api)
{
	for (int i = 0; i < api->nfuncs; i++) {
		const struct gen_func *f = &api->func[i];

		for (int k = 0; k < f->nsymbols; k++) {
			check_symbol(f, &f->symbol[k]);
			for (int j = 0; j <= i; j++) {
				const struct gen_func *g = &api->func[j];

				for (int l = 0; l < (j == i ? k : g->nsymbols); l++)
					check_order(&g->symbol[l], &f->symbol[k]);
			}
		}
	}
}

static void check_wait(const struct gen_api *api, const struct gen_func *f)
{
	const struct gen_func *q = gen_find_func(api, f->wait);

	if (!q || !gen_crosses(q)) {
		gen_error(f->line, "wait=%s is no function that crosses", f->wait);
		return;
	}
	if (f->cls != GEN_SYNC)
		gen_error(f->line, "only a sync function can have a query form");
	for (int i = 0; i < f->nparams || i < q->nparams; i++) {
		if (i >= f->nparams || i >= q->nparams ||
		    strcmp(f->param[i].base, q->param[i].base) ||
		    f->param[i].stars != q->param[i].stars) {
			gen_error(f->line, "%s and %s differ in their parameters", f->name,
				  q->name);
			return;
		}
	}
}

static void check_param(const struct gen_func *f, const struct gen_param *p)
{
	static const char *const taken[] = { "c", "r", "t", "in", "out", "i", "stream0" };
	bool handle = p->type && p->type->kind == GEN_HANDLE;

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (!strcmp(p->name, taken[i]))
			gen_error(p->line, "parameter name %s is used by generated code", p->name);
	}
	if (p->dir != GEN_IN && !p->stars)
		gen_error(p->line, "%s is no pointer: it cannot be out", p->name);
	if ((p->creates || p->destroys) && !handle)
		gen_error(p->line, "%s is no handle", p->name);
	if (p->creates && p->dir != GEN_OUT)
		gen_error(p->line, "%s: only an out parameter creates", p->name);
	if (p->destroys && p->dir != GEN_IN)
		gen_error(p->line, "%s: only an in parameter destroys", p->name);
	if (p->chosen && (!p->creates || f->cls != GEN_ASYNC))
		gen_error(p->line, "%s: chosen goes with creates in an async function", p->name);
	if (gen_crosses(f) && f->cls == GEN_ASYNC && p->dir != GEN_IN && !p->chosen)
		gen_error(p->line, "%s: an async function has no results", p->name);
	if (p->form != GEN_F_NONE && p->dir != GEN_IN && p->type && p->type->kind == GEN_STRUCT &&
	    gen_has_array(p->type))
		gen_error(p->line, "%s: a structure with arrays cannot come back", p->name);
	if (p->layout && (!handle || strcmp(p->type->handle, "function")))
		gen_error(p->line, "%s: layout goes with functions and kernels", p->name);
	if (p->value && f->cls != GEN_LOCAL && !f->shortcut)
		gen_error(p->line, "%s: value= is for local functions and shortcuts", p->name);
}

static void check_local(const struct gen_func *f)
{
	bool answered = f->local || f->hand_guest;

	for (int i = 0; i < f->nparams; i++)
		answered |= f->param[i].value != NULL;
	if (!answered)
		gen_error(f->line, "local function %s does not say what answers it", f->name);
	if (f->engine)
		gen_error(f->line, "%s: an engine crosses; use local", f->name);
}

static void check_func(const struct gen_api *api, const struct gen_func *f)
{
	if (!f->has_class)
		gen_error(f->line, "function %s has no class", f->name);
	if (!f->nsymbols)
		gen_error(f->line, "function %s has no symbol", f->name);
	if (f->refused)
		return;
	if (!f->doc)
		gen_error(f->line, "function %s has no doc", f->name);
	if (f->nsymbols && !gen_main_symbol(f))
		gen_error(f->line, "every symbol of %s is refused: use a refused entry", f->name);
	if (f->cls == GEN_LOCAL && f->has_class)
		check_local(f);
	else if (f->local)
		gen_error(f->line, "%s: local goes with class local", f->name);
	if (f->wait)
		check_wait(api, f);
	for (int i = 0; i < f->nparams; i++)
		check_param(f, &f->param[i]);
	for (int i = 0; i < f->ndrops; i++) {
		const struct gen_func *g = gen_find_func(api, f->drops[i].a);

		if (!g || !g->cache_key)
			gen_error(f->line, "%s drops %s, which is not cached", f->name,
				  f->drops[i].a);
	}
}

void gen_check(const struct gen_api *api)
{
	int hand = 0;

	for (int i = 0; i < api->nfuncs; i++) {
		const struct gen_func *f = &api->func[i];

		check_func(api, f);
		hand += f->hand_guest || f->hand_worker;
		if (hand == GEN_HAND_MAX + 1)
			gen_error(f->line, "more than %d functions are written by hand",
				  GEN_HAND_MAX);
	}
	check_ids(api);
	check_symbols(api);
}
