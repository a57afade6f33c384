/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The software GPU's face: what it exports, and what stands behind.
 *
 * Theory of operation: softgpu/ defines functions under their API names, which
 * soft_names.h gives another assembler name, soft_NAME. What is exported under
 * the API name is generated: it calls the other and, where CAUSEWAY_TRACE asks
 * for it, prints the call. So calls that softgpu/ makes to itself are not
 * printed, and where nothing is to be printed a call costs one jump. Behind
 * each name lies a weak stub: the linker takes softgpu's own where there is
 * one.
 */
#include "gen/emit.h"

void gen_emit_soft_h(struct gen_out *o)
{
	gen_put_head(o, "Names by which the linker knows the functions of softgpu/.");
	gen_put(o, "#ifndef API_SOFT_NAMES_H\n#define API_SOFT_NAMES_H\n\n"
		   "#include \"cuda_proto.h\"\n\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		for (int j = 0; j < f->nsymbols; j++) {
			const char *name = f->symbol[j].name;

			if (gen_symbol_lives(f, &f->symbol[j]))
				gen_put(o, "extern __typeof__(%s) %s __asm__(\"soft_%s\");\n", name,
					name, name);
		}
	}
	gen_put(o, "\n#endif\n");
}

static void put_entry(struct gen_out *o, const struct gen_func *f, const char *symbol)
{
	char *params = gen_param_list(f), *args = gen_arg_list(f);
	char *call = gen_printf("soft_%s(%s)", symbol, args);

	gen_put(o, "\n%s;\n%s\n{\n",
		gen_wrap(gen_printf("CW_HIDDEN CUresult soft_%s(%s)", symbol, params)),
		gen_wrap(gen_printf("CW_EXPORT CUresult %s(%s)", symbol, params)));
	gen_put(o,
		"\tif (__builtin_expect(api_trace_on(), 0))\n\t\treturn %s;\n\treturn %s;\n}\n",
		gen_wrap(gen_printf("trace_%s(%s%s%s)", f->name, call, f->nparams ? ", " : "",
				    args)),
		gen_wrap(call));
}

void gen_emit_soft_c(struct gen_out *o)
{
	gen_put_head(o, "What the software GPU exports: prints the call where that is wanted.");
	gen_put(o, "#include \"api/trace.h\"\n#include \"cuda_proto.h\"\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		if (f->refused)
			continue;
		gen_put_trace(o, f);
		for (int j = 0; j < f->nsymbols; j++) {
			if (gen_symbol_lives(f, &f->symbol[j]))
				put_entry(o, f, f->symbol[j].name);
		}
	}
}

/* They lie in one object of their own, with no prototypes in sight. */
void gen_emit_weak(struct gen_out *o)
{
	gen_put_head(o, "Weak stubs of all exports: what softgpu/ does not define is refused.");
	gen_put(o, "#include \"cw/cuda.h\"\n\n"
		   "/* Logs the name once, answers CUDA_ERROR_NOT_SUPPORTED. */\n"
		   "CUresult sg_refused(const char *name);\n"
		   "/* The same for an export that has no printer. */\n"
		   "CUresult sg_refused_export(const char *name);\n\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		for (int j = 0; j < f->nsymbols; j++) {
			const char *name = f->symbol[j].name;
			bool lives = gen_symbol_lives(f, &f->symbol[j]);
			const char *prefix = lives ? "soft_" : "";

			gen_put(o,
				"__attribute__((weak)) CUresult %s%s(void);\n"
				"__attribute__((weak)) CUresult %s%s(void)\n{\n"
				"\treturn %s(\"%s\");\n}\n\n",
				prefix, name, prefix, name,
				lives ? "sg_refused" : "sg_refused_export", name);
		}
	}
}

/* Harmless: numbers and handles are 0, what is pointed to is all zeros. */
static const char *null_arg(const struct gen_param *p)
{
	if (p->stars)
		return "soft_call_zeros()";
	if (p->type && (p->type->kind == GEN_POD || p->type->kind == GEN_STRUCT))
		return gen_printf("(%s){ 0 }", p->base);
	return "0";
}

void gen_emit_soft_calls(struct gen_out *o)
{
	gen_put_head(o, "Calls each described function once, and says what is to come of it.");
	gen_put(o, "#include \"cuda_proto.h\"\n#include \"soft_calls.h\"\n\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];
		char *args = "";

		for (int j = 0; j < f->nparams; j++)
			args = gen_printf("%s%s%s", args, j ? ", " : "", null_arg(&f->param[j]));
		for (int j = 0; j < f->nsymbols; j++) {
			const char *name = f->symbol[j].name;

			if (gen_symbol_lives(f, &f->symbol[j]))
				gen_put(o, "static CUresult try_%s(void)\n{\n%s;\n}\n\n", name,
					gen_wrap(gen_printf("\treturn %s(%s)", name, args)));
		}
	}
	gen_put(o, "const struct soft_call soft_calls[] = {\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		for (int j = 0; j < f->nsymbols; j++) {
			const char *name = f->symbol[j].name;

			if (gen_symbol_lives(f, &f->symbol[j]))
				gen_put(o, "\t{ \"%s\", %d, try_%s },\n", name,
					f->soft_refused != NULL, name);
		}
	}
	gen_put(o, "};\nconst unsigned int soft_calls_count = sizeof(soft_calls) / "
		   "sizeof(soft_calls[0]);\n");
}
