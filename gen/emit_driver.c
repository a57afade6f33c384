/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of the worker: functions by id, queries by id, and the back end's
 * functions as a structure of pointers.
 */
#include <stdlib.h>

#include "gen/emit.h"

void gen_emit_driver_h(struct gen_out *o)
{
	gen_put_head(o, "The back end's functions. A member is NULL where it has none.");
	gen_put(o, "#ifndef API_CU_DRIVER_H\n#define API_CU_DRIVER_H\n\n#include \"cw/cuda.h\"\n\n"
		   "struct cu_driver {\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		if (!f->refused)
			gen_put(o, "%s;\n",
				gen_wrap(gen_printf("\tCUresult (*%s)(%s)",
						    gen_main_symbol(f)->name, gen_param_list(f))));
	}
	gen_put(o, "};\n\n#endif\n");
}

void gen_emit_driver_c(struct gen_out *o)
{
	gen_put_head(o, "Binds the back end's functions.");
	gen_put(o, "#include \"api/cu_driver.h\"\n\n#include <string.h>\n\n#include "
		   "\"worker/wk.h\"\n\n"
		   "static const struct {\n\tconst char *symbol;\n\tsize_t offset;\n} members[] = "
		   "{\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];
		const char *symbol = f->refused ? NULL : gen_main_symbol(f)->name;

		if (symbol)
			gen_put(o, "\t{ \"%s\", offsetof(struct cu_driver, %s) },\n", symbol,
				symbol);
	}
	gen_put(o, "};\n\nvoid cu_driver_bind(struct cu_driver *cu, void *(*lookup)(void *arg, "
		   "const char *symbol),\n\t\t    void *arg)\n{\n"
		   "\tfor (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {\n"
		   "\t\tvoid *address = lookup(arg, members[i].symbol);\n\n"
		   "\t\tmemcpy((char *)cu + members[i].offset, &address, sizeof(address));\n"
		   "\t}\n}\n");
}

void gen_emit_worker_h(struct gen_out *o)
{
	gen_put_head(o, "Dispatch functions, generated or by hand, and query forms of waits.");
	gen_put(o,
		"#ifndef API_WORKER_FNS_H\n#define API_WORKER_FNS_H\n\n#include \"worker/wk.h\"\n\n"
		"/* A sync call that waits: its query form with the same arguments. Answers\n"
		" * CUDA_ERROR_NOT_READY while there is something to wait for. */\n"
		"struct wk_query {\n\tuint32_t id;\n\twk_dispatch_fn fn;\n};\n"
		"extern const struct wk_query wk_queries[];\n"
		"extern const size_t wk_queries_count;\n\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		if (gen_crosses(f))
			gen_put(o,
				"CUresult disp_%s(struct wk_thread *t, struct cw_dec *in, "
				"struct cw_enc *out);%s\n",
				f->name, f->hand_worker ? " /* by hand */" : "");
		if (gen_dispatched(f) && f->wait)
			gen_put(o,
				"CUresult query_%s(struct wk_thread *t, struct cw_dec *in, "
				"struct cw_enc *out);\n",
				f->name);
	}
	gen_put(o, "\n#endif\n");
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = (*(const struct gen_func *const *)a)->id;
	uint32_t y = (*(const struct gen_func *const *)b)->id;

	return (x > y) - (x < y);
}

void gen_emit_worker_table(struct gen_out *o)
{
	static const char *const classes[] = { "CW_LOCAL", "CW_ASYNC", "CW_INLINE", "CW_SYNC" };
	const struct gen_func **f = gen_alloc(sizeof(*f) * (o->api->nfuncs + 1));
	int n = 0;

	for (int i = 0; i < o->api->nfuncs; i++) {
		if (gen_crosses(&o->api->func[i]))
			f[n++] = &o->api->func[i];
	}
	qsort(f, n, sizeof(*f), compare_ids);
	gen_put_head(o, "Functions of the worker by id.");
	gen_put(o,
		"#include \"api/worker_fns.h\"\n\nconst struct wk_function wk_functions[] = {\n");
	for (int i = 0; i < n; i++)
		gen_put(o, "\t{ 0x%08xu, %s, %s%s0, \"%s\", disp_%s },\n", f[i]->id,
			classes[f[i]->cls], f[i]->no_ctx ? "" : "WK_FN_CTX | ",
			f[i]->binds ? "WK_FN_BINDS | " : "", f[i]->name, f[i]->name);
	gen_put(o,
		"};\nconst size_t wk_functions_count = %d;\n\n"
		"const struct wk_query wk_queries[] = {\n",
		n);
	for (int i = 0; i < n; i++) {
		if (f[i]->wait && gen_dispatched(f[i]))
			gen_put(o, "\t{ 0x%08xu, query_%s },\n", f[i]->id, f[i]->name);
	}
	gen_put(o, "};\nconst size_t wk_queries_count = sizeof(wk_queries) / "
		   "sizeof(wk_queries[0]);\n");
}
