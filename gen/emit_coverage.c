/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/coverage.md: every function, what becomes of it, what tests it.
 */
#include <string.h>

#include "gen/emit.h"

static const char *const class_words[] = { "local", "async", "inline", "sync" };

/* How the two sides get their bodies. */
static const char *made_by(const struct gen_func *f)
{
	if (f->hand_guest && f->hand_worker)
		return "by hand: both";
	if (f->hand_guest)
		return "by hand: guest";
	if (f->hand_worker)
		return "by hand: worker";
	if (f->engine)
		return "engine";
	return f->cls == GEN_LOCAL ? "primitive" : "generated";
}

static void put_totals(struct gen_out *o)
{
	int done = 0, refused = 0, symbols = 0, hand = 0, crossing = 0;

	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		symbols += f->nsymbols;
		refused += f->refused != NULL;
		done += !f->refused;
		crossing += gen_crosses(f);
		hand += f->hand_guest || f->hand_worker;
	}
	gen_put(o,
		"%d exported symbols: %d functions are described, %d of them cross to the worker,\n"
		"%d have a body written by hand on one side or both; %d more functions are "
		"exported\n"
		"and refused: they answer `CUDA_ERROR_NOT_SUPPORTED`, and the first call of each "
		"is\n"
		"logged by name.\n\n",
		symbols, done, crossing, hand, refused);
}

static void put_row(struct gen_out *o, const struct gen_func *f)
{
	gen_put(o, "| %s | %s | %s | %s | %s |\n", f->name, class_words[f->cls], made_by(f),
		f->soft_refused ? f->soft_refused : "yes", f->test ? f->test : "");
}

static void put_family(struct gen_out *o, const struct gen_family *family)
{
	int rows = 0;

	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		if (f->refused || strcmp(f->family, family->name))
			continue;
		if (!rows++)
			gen_put(o,
				"## %s\n\n| function | class | body | software GPU | test |\n"
				"|---|---|---|---|---|\n",
				family->title);
		put_row(o, f);
	}
	if (rows)
		gen_put(o, "\n");
}

static void put_refused(struct gen_out *o)
{
	gen_put(o, "## Refused\n\n| function | why |\n|---|---|\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		if (f->refused)
			gen_put(o, "| %s | %s |\n", f->name, f->refused);
	}
	gen_put(o, "\n## Refused versions of described functions\n\n| symbol | why |\n|---|---|\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		for (int j = 0; j < f->nsymbols; j++) {
			if (f->symbol[j].refused)
				gen_put(o, "| %s | %s |\n", f->symbol[j].name,
					f->symbol[j].refused);
		}
	}
}

void gen_emit_coverage(struct gen_out *o)
{
	gen_put(o, "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
		   "<!-- Made from api/ by cwgen: ninja -C build api-coverage -->\n"
		   "# Coverage of the CUDA driver API\n\n");
	put_totals(o);
	gen_put(o,
		"*class* says where a call runs: in the guest (local), without waiting (async),\n"
		"on the worker's dispatcher (inline), on a helper thread (sync). *body* says what\n"
		"makes its code: the generator alone, a primitive of the guest library that "
		"several\n"
		"functions share, an engine (copies, launches, regions, callbacks), or a "
		"hand.\n\n");
	for (int i = 0; i < o->api->nfamilies; i++)
		put_family(o, &o->api->family[i]);
	put_refused(o);
}
