/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per call where tracing is on: arguments, result, outputs.
 *
 *	cuMemAlloc(dptr=0x7ffc..., bytesize=64) = 0 *dptr=0x7f00...
 */
#include <string.h>

#include "gen/emit.h"

static const char *in_format(const struct gen_param *p)
{
	if (p->stars == 1 && !strcmp(p->base, "char") && p->dir == GEN_IN)
		return "\\\"%s\\\"";
	if (p->stars || !p->type || p->type->kind == GEN_HANDLE || p->type->kind >= GEN_CALLBACK)
		return "%p";
	return p->type->kind == GEN_SCALAR ? p->type->fmt : "{...}";
}

/* Argument for in_format(); NULL where the format takes none. */
static char *in_value(const struct gen_param *p)
{
	const char *fmt = in_format(p);

	if (!strcmp(fmt, "{...}"))
		return NULL;
	if (*fmt == '\\')
		return gen_printf("%s ? %s : \"(null)\"", p->name, p->name);
	if (!strcmp(fmt, "%p"))
		return gen_printf("(void *)(uintptr_t)%s", p->name);
	return gen_strdup(p->name);
}

static bool shows_result(const struct gen_param *p)
{
	return p->dir != GEN_IN && p->stars == 1 && p->type && p->type->kind <= GEN_HANDLE &&
	       !p->count && !p->chars && !p->bytes && !p->attr && strcmp(p->base, "char");
}

void gen_put_trace(struct gen_out *o, const struct gen_func *f)
{
	char *fmt = gen_printf("%s(", f->name), *args = "";

	for (int i = 0; i < f->nparams; i++) {
		const struct gen_param *p = &f->param[i];
		char *value = in_value(p);

		fmt = gen_printf("%s%s%s=%s", fmt, i ? ", " : "", p->name, in_format(p));
		if (value)
			args = gen_printf("%s%s,\n\t\t\t      ", args, value);
	}
	fmt = gen_printf("%s) = %%d", fmt);
	args = gen_printf("%sr", args);
	for (int i = 0; i < f->nparams; i++) {
		const struct gen_param *p = &f->param[i];
		bool handle = p->type && p->type->kind == GEN_HANDLE;

		if (!shows_result(p))
			continue;
		fmt = gen_printf("%s *%s=%s", fmt, p->name, handle ? "%p" : p->type->fmt);
		args = gen_printf(
			handle ? "%s,\n\t\t\t      (void *)(uintptr_t)(r || !%s ? 0 : *%s)"
			       : "%s,\n\t\t\t      r || !%s ? 0 : *%s",
			args, p->name, p->name);
	}
	gen_put(o,
		"\n%s\n{\n\tif (api_trace_on())\n"
		"\t\tapi_trace_line(\"%s\",\n\t\t\t      %s);\n\treturn r;\n}\n",
		gen_wrap(gen_printf("static CUresult trace_%s(CUresult r%s%s)", f->name,
				    f->nparams ? ", " : "", f->nparams ? gen_param_list(f) : "")),
		fmt, args);
}
