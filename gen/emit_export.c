/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a libcuda.so.1 shows: prototypes, the list of exports, the table behind
 * cuGetProcAddress, and answers for what is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "gen/emit.h"

bool gen_symbol_lives(const struct gen_func *f, const struct gen_symbol *s)
{
	return !f->refused && !s->refused;
}

void gen_emit_proto(struct gen_out *o)
{
	gen_put_head(o, "Prototypes of the CUDA driver functions that are described.");
	gen_put(o, "#ifndef API_CUDA_PROTO_H\n#define API_CUDA_PROTO_H\n\n"
		   "#include \"cw/cuda.h\"\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		if (f->refused)
			continue;
		gen_put(o, "\n/* %s */\n", f->doc);
		for (int j = 0; j < f->nsymbols; j++) {
			if (gen_symbol_lives(f, &f->symbol[j]))
				gen_put(o, "%s;\n",
					gen_wrap(gen_printf("CUresult %s(%s)", f->symbol[j].name,
							    gen_param_list(f))));
		}
	}
	gen_put(o, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
}

void gen_emit_exports(struct gen_out *o)
{
	gen_put(o, "# Exports of libcuda.so.1: no version nodes, as NVIDIA's has none.\n{\n"
		   "global:\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		for (int j = 0; j < f->nsymbols; j++)
			gen_put(o, "\t%s;\n", f->symbol[j].name);
	}
	gen_put(o, "local:\n\t*;\n};\n");
}

/* A symbol with what the table of cuGetProcAddress sorts by. */
struct proc {
	const char *base;
	const struct gen_symbol *symbol;
	bool refused;
};

static int compare_procs(const void *a, const void *b)
{
	const struct proc *p = a, *q = b;
	int c = strcmp(p->base, q->base);

	if (!c)
		c = p->symbol->per_thread - q->symbol->per_thread;
	return c ? c : p->symbol->version - q->symbol->version;
}

static struct proc *sorted_procs(const struct gen_api *api, int *ret_n)
{
	struct proc *procs;
	int n = 0;

	for (int i = 0; i < api->nfuncs; i++)
		n += api->func[i].nsymbols;
	procs = gen_alloc(sizeof(*procs) * (n + 1));
	n = 0;
	for (int i = 0; i < api->nfuncs; i++) {
		const struct gen_func *f = &api->func[i];

		for (int j = 0; j < f->nsymbols; j++)
			procs[n++] = (struct proc){ gen_base_name(f->symbol[j].name), &f->symbol[j],
						    !gen_symbol_lives(f, &f->symbol[j]) };
	}
	qsort(procs, n, sizeof(*procs), compare_procs);
	*ret_n = n;
	return procs;
}

/* Symbols as objects of unknown type: only their addresses are wanted. */
void gen_emit_procaddr(struct gen_out *o)
{
	int n;
	struct proc *p = sorted_procs(o->api, &n);

	gen_put_head(o, "Symbols by base name, flavour and version.");
	gen_put(o, "#include \"api/procaddr.h\"\n\n");
	for (int i = 0; i < n; i++)
		gen_put(o, "extern const char api_sym_%s[] __asm__(\"%s\");\n", p[i].symbol->name,
			p[i].symbol->name);
	gen_put(o, "\n/* Sorted by base name, then flavour, then version. */\n"
		   "const struct api_proc api_procs[] = {\n");
	for (int i = 0; i < n; i++)
		gen_put(o, "\t{ \"%s\", \"%s\", %d, %d, %d, api_sym_%s },\n", p[i].base,
			p[i].symbol->name, p[i].symbol->version, p[i].symbol->per_thread,
			p[i].refused, p[i].symbol->name);
	gen_put(o, "};\nconst unsigned int api_procs_count = %d;\n", n);
}

void gen_emit_refused(struct gen_out *o)
{
	gen_put_head(o, "Functions that the guest library refuses: each logs its name once.");
	gen_put(o, "#include \"guest/libcuda/cg.h\"\n\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		for (int j = 0; j < f->nsymbols; j++) {
			if (!gen_symbol_lives(f, &f->symbol[j]))
				gen_put(o,
					"__attribute__((visibility(\"default\"))) CUresult "
					"%s(void);\nCUresult %s(void)\n{\n"
					"\treturn cg_refused(\"%s\");\n}\n\n",
					f->symbol[j].name, f->symbol[j].name, f->symbol[j].name);
		}
	}
}

static char *reason(const char *text)
{
	return text ? gen_printf("\"%s\"", text) : "NULL";
}

void gen_emit_answers(struct gen_out *o)
{
	int n = 0;

	gen_put_head(o, "What becomes of each export of libcuda.");
	gen_put(o, "#include \"api/answers.h\"\n\n#include <stddef.h>\n\n"
		   "const struct api_answer api_answers[] = {\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		for (int j = 0; j < f->nsymbols; j++, n++) {
			const struct gen_symbol *s = &f->symbol[j];

			gen_put(o, "\t{ \"%s\", \"%s\", NULL,\n\t  %s, %s },\n", s->name, f->name,
				reason(f->refused ? f->refused : s->refused),
				reason(f->soft_refused));
		}
	}
	gen_put(o, "};\nconst unsigned int api_answers_count = %d;\n", n);
}
