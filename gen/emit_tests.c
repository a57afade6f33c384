/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wire tests of every function that crosses.
 *
 * For each there is back_NAME, a back end that checks that it got the sample
 * arguments and gives sample results, and play_NAME, which calls the stub with
 * the sample arguments and checks the results. tests/wire/loop.c joins stub
 * and dispatcher and cuts or forges what passes between them.
 */
#include <string.h>
#include <strings.h>

#include "gen/emit.h"

#define SAMPLES 32 /* elements of sample arrays */

static bool tested(const struct gen_func *f)
{
	return gen_dispatched(f) && !f->hand_worker;
}

/* Sample of a scalar parameter: an attribute's selector must be a known one. */
static char *scalar_sample(const struct gen_func *f, const struct gen_param *p)
{
	for (int i = 0; i < f->nparams; i++) {
		const struct gen_param *q = &f->param[i];

		if (q->attrs && !strcmp(q->attr_expr, p->name))
			return gen_strdup(q->attrs->attr[0].attr);
	}
	if (f->nrequires && !strcasecmp(p->name, "flags"))
		return "0";
	/* A condition may be about alignment. */
	return gen_printf("%d", (3 + (int)(p - f->param)) * (f->nrequires ? 8 : 1));
}

/* Type to cast a sample to: an address by value keeps its star. */
static char *sample_type(const struct gen_param *p)
{
	return p->form == GEN_F_VALUE && p->stars ? gen_printf("%s *", p->base) : gen_elem_type(p);
}

/* Sample handle, as guest or as host sees it. */
static char *handle_sample(const struct gen_type *t, const char *n, bool host)
{
	return gen_printf("LOOP_%s(%s, %s)", host ? "HOST" : "GUEST", gen_handle_enum(t), n);
}

/* C expression or statement list that fills @at with element @n. */
static void put_fill(struct gen_out *o, const struct gen_func *f, const struct gen_param *p,
		     const char *at, bool host)
{
	if (gen_elem_struct(p))
		gen_put(o, "\tsample_%s(&%s, variant, %d);\n", p->base, at, host);
	else if (gen_elem_pod(p))
		gen_put(o, "\tloop_pod(&%s, sizeof(%s));\n", at, at);
	else if (gen_elem_handle(p))
		gen_put(o, "\t%s = (%s)%s;\n", at, p->base, handle_sample(p->type, "7", host));
	else
		gen_put(o, "\t%s = (%s)%s;\n", at, sample_type(p), scalar_sample(f, p));
}

static void put_compare(struct gen_out *o, const struct gen_func *f, const struct gen_param *p,
			const char *at, bool host)
{
	if (gen_elem_struct(p))
		gen_put(o, "\tloop_check(same_%s(&%s, variant, %d), \"%s\");\n", p->base, at, host,
			p->name);
	else if (gen_elem_pod(p))
		gen_put(o, "\tloop_check(loop_is_pod(&%s, sizeof(%s)), \"%s\");\n", at, at,
			p->name);
	else if (gen_elem_handle(p))
		gen_put(o, "\tloop_check((uintptr_t)%s == (uintptr_t)%s, \"%s\");\n", at,
			handle_sample(p->type, "7", host), p->name);
	else
		gen_put(o, "\tloop_check(%s == (%s)%s, \"%s\");\n", at, sample_type(p),
			scalar_sample(f, p), p->name);
}

static char *bytes_of(const struct gen_param *p)
{
	return p->attrs ? gen_printf("api_attr_size_%s(%s)", p->attrs->name, p->attr_expr)
			: gen_printf("(size_t)(%s)", p->bytes);
}

/* The back end's view of an argument. */
static void put_back_in(struct gen_out *o, const struct gen_func *f, const struct gen_param *p)
{
	if (p->optional && p->form != GEN_F_VALUE)
		gen_put(o, "\tloop_check((%s == NULL) == (variant & 1), \"%s\");\n\tif (%s) {\n",
			p->name, p->name, p->name);
	switch (p->form) {
	case GEN_F_VALUE:
		put_compare(o, f, p, p->name, true);
		break;
	case GEN_F_ONE:
		put_compare(o, f, p, gen_printf("(*%s)", p->name), true);
		break;
	case GEN_F_ARRAY:
		gen_put(o, "\tfor (size_t i = 0; i < (size_t)(%s); i++) {\n", p->count);
		put_compare(o, f, p, gen_printf("%s[i]", p->name), true);
		gen_put(o, "\t}\n");
		break;
	case GEN_F_BYTES:
		gen_put(o, "\tloop_check(loop_is_pod(%s, %s), \"%s\");\n", p->name, bytes_of(p),
			p->name);
		break;
	case GEN_F_STRING:
	case GEN_F_IMAGE:
		gen_put(o, "\tloop_check(!strcmp(%s, \"sample\"), \"%s\");\n", p->name, p->name);
		break;
	default:
		break;
	}
	if (p->optional && p->form != GEN_F_VALUE)
		gen_put(o, "\t}\n");
}

static void put_back_out(struct gen_out *o, const struct gen_func *f, const struct gen_param *p)
{
	switch (p->form) {
	case GEN_F_ONE:
		put_fill(o, f, p, gen_printf("(*%s)", p->name), true);
		/* A back end that says there is more than there was room for. */
		if (p->dir == GEN_INOUT && p->type->kind == GEN_SCALAR)
			gen_put(o, "\tif (loop.forged)\n\t\t*%s = (%s)~0ull;\n", p->name, p->base);
		break;
	case GEN_F_ARRAY:
		gen_put(o, "\tfor (size_t i = 0; %s && i < (size_t)(%s); i++) {\n", p->name,
			p->count);
		put_fill(o, f, p, gen_printf("%s[i]", p->name), true);
		gen_put(o, "\t}\n");
		break;
	case GEN_F_BYTES:
		gen_put(o, "\tloop_pod(%s, %s);\n", p->name, bytes_of(p));
		break;
	case GEN_F_CHARS:
		gen_put(o, "\tsnprintf(%s, %s, \"sample\");\n", p->name, p->chars);
		break;
	case GEN_F_NAME:
		gen_put(o, "\t*%s = \"sample\";\n", p->name);
		break;
	case GEN_F_BORROWED:
		gen_put(o,
			"\tstatic %s lent_%s[%d];\n\n\tfor (int i = 0; i < %d; i++)\n"
			"\t\tlent_%s[i] = (%s)%s;\n\t*%s = lent_%s;\n",
			p->base, p->name, SAMPLES, SAMPLES, p->name, p->base,
			handle_sample(p->type, "7", true), p->name, p->name);
		break;
	default:
		break;
	}
}

static void put_back(struct gen_out *o, const struct gen_func *f)
{
	gen_put(o, "\n%s\n{\n\tint variant = loop.variant;\n\n\t(void)variant;\n\tloop.calls++;\n",
		gen_wrap(gen_printf("static CUresult back_%s(%s)", f->name, gen_param_list(f))));
	for (int i = 0; i < f->nparams; i++) {
		if (f->param[i].dir != GEN_OUT && f->param[i].form != GEN_F_NONE)
			put_back_in(o, f, &f->param[i]);
	}
	/* Arrays first: their counts may change below. */
	for (int pass = 2; pass >= 0; pass--) {
		for (int i = 0; i < f->nparams; i++) {
			const struct gen_param *p = &f->param[i];

			if (p->dir != GEN_IN && p->form != GEN_F_NONE && gen_pass(p) == pass)
				put_back_out(o, f, p);
		}
	}
	gen_put(o, "\treturn CUDA_SUCCESS;\n}\n");
}

static void put_play_arg(struct gen_out *o, const struct gen_func *f, const struct gen_param *p)
{
	const char *given = p->optional ? "variant & 1 ? NULL : " : "";
	char *elem = gen_elem_type(p);

	if (p->form == GEN_F_VALUE || (p->form == GEN_F_NONE && !p->stars)) {
		gen_put(o, "\t%s;\n\tmemset(&%s, 0, sizeof(%s));\n", p->decl, p->name, p->name);
		if (p->form == GEN_F_VALUE)
			put_fill(o, f, p, p->name, false);
	} else if (p->form == GEN_F_NONE) {
		gen_put(o, "\tvoid *%s = NULL;\n", p->name);
	} else if (p->form == GEN_F_STRING || p->form == GEN_F_IMAGE) {
		gen_put(o, "\tconst char *%s = \"sample\";\n", p->name);
	} else if (p->form == GEN_F_BYTES || p->form == GEN_F_CHARS) {
		gen_put(o,
			"\tchar s_%s[256];\n\tvoid *%s = s_%s;\n\tmemset(s_%s, 0xee, "
			"sizeof(s_%s));\n",
			p->name, p->name, p->name, p->name, p->name);
		if (p->dir == GEN_IN)
			gen_put(o, "\tloop_pod(s_%s, sizeof(s_%s));\n", p->name, p->name);
	} else if (p->form == GEN_F_NAME || p->form == GEN_F_BORROWED) {
		gen_put(o, "\tconst %ss_%s = NULL;\n\tconst %s*%s = %s&s_%s;\n", elem, p->name,
			elem, p->name, given, p->name);
	} else {
		gen_put(o,
			"\t%s s_%s[%d];\n\t%s *%s = %ss_%s;\n"
			"\tmemset(s_%s, 0xee, sizeof(s_%s));\n",
			elem, p->name, SAMPLES, elem, p->name, given, p->name, p->name, p->name);
		if (p->dir != GEN_OUT) {
			gen_put(o, "\tfor (int i = 0; i < %d; i++) {\n", SAMPLES);
			put_fill(o, f, p, gen_printf("s_%s[i]", p->name), false);
			gen_put(o, "\t}\n");
		}
	}
}

/* What must hold of an output after success. */
static void put_play_result(struct gen_out *o, const struct gen_func *f, const struct gen_param *p)
{
	if (p->optional)
		gen_put(o, "\tif (%s) {\n", p->name);
	switch (p->form) {
	case GEN_F_ONE:
		if (p->chosen)
			gen_put(o, "\tloop_check((uintptr_t)s_%s[0] == loop.chosen, \"%s\");\n",
				p->name, p->name);
		else
			put_compare(o, f, p, gen_printf("s_%s[0]", p->name), false);
		break;
	case GEN_F_ARRAY:
		gen_put(o, "\tfor (size_t i = 0; i < (size_t)(%s); i++) {\n", p->count);
		put_compare(o, f, p, gen_printf("s_%s[i]", p->name), false);
		gen_put(o, "\t}\n");
		break;
	case GEN_F_BYTES:
		gen_put(o, "\tloop_check(loop_is_pod(s_%s, %s), \"%s\");\n", p->name, bytes_of(p),
			p->name);
		break;
	case GEN_F_CHARS:
	case GEN_F_NAME:
		gen_put(o, "\tloop_check(!strcmp(s_%s, \"sample\"), \"%s\");\n", p->name, p->name);
		break;
	case GEN_F_BORROWED:
		gen_put(o,
			"\tfor (size_t i = 0; i < (size_t)(%s); i++)\n"
			"\t\tloop_check((uintptr_t)s_%s[i] == (uintptr_t)%s, \"%s\");\n",
			p->borrowed, p->name, handle_sample(p->type, "7", false), p->name);
		break;
	default:
		break;
	}
	if (p->optional)
		gen_put(o, "\t}\n");
}

static void put_play(struct gen_out *o, const struct gen_func *f)
{
	gen_put(o, "\nstatic CUresult play_%s(int variant)\n{\n\tCUresult r;\n", f->name);
	for (int i = 0; i < f->nparams; i++)
		put_play_arg(o, f, &f->param[i]);
	gen_put(o, "\n\t(void)variant;\n%s;\n\tif (!r && !loop.forged) {\n",
		gen_wrap(gen_printf("\tr = call_%s(%s%s)", f->name, gen_arg_list(f),
				    !gen_extra_stream(f) ? ""
				    : f->nparams	 ? ", NULL"
							 : "NULL")));
	for (int i = 0; i < f->nparams; i++) {
		if (f->param[i].dir != GEN_IN && f->param[i].form != GEN_F_NONE)
			put_play_result(o, f, &f->param[i]);
	}
	gen_put(o, "\t} else if (r) {\n");
	for (int i = 0; i < f->nparams; i++) {
		const struct gen_param *p = &f->param[i];

		if (p->dir == GEN_OUT && p->form == GEN_F_ONE)
			gen_put(o,
				"\t\tloop_check(loop_untouched(s_%s, sizeof(s_%s)), \"%s "
				"untouched\");\n",
				p->name, p->name, p->name);
	}
	gen_put(o, "\t}\n\treturn r;\n}\n");
}

/* The member that holds the length of an array. */
static char *count_of(const struct gen_field *f)
{
	return gen_printf("s%s", strchr(f->count, '@') + 1);
}

static bool is_count(const struct gen_type *t, const char *path)
{
	for (int i = 0; i < t->nfields; i++) {
		if (t->field[i].count && !strcmp(count_of(&t->field[i]) + 3, path))
			return true;
	}
	return false;
}

static void put_sample_field(struct gen_out *o, const struct gen_field *f, bool compare)
{
	char *at = gen_printf("s->%s", f->path);
	char *host = gen_printf("(host ? (uintptr_t)%s : (uintptr_t)%s)",
				f->type->handle ? handle_sample(f->type, "9", true) : "0",
				f->type->handle ? handle_sample(f->type, "9", false) : "0");
	const char *value = strstr(f->path, "andleTypes") ? "0" : "1";

	if (f->count && compare)
		gen_put(o,
			"\tif (%s != 2 || !same_%s(&s->%s[0], variant, host) ||\n"
			"\t    !same_%s(&s->%s[1], variant, host))\n\t\treturn false;\n",
			count_of(f), f->type->name, f->path, f->type->name, f->path);
	else if (f->count)
		gen_put(o,
			"\tstatic %s array[2];\n\n\tsample_%s(&array[0], variant, host);\n"
			"\tsample_%s(&array[1], variant, host);\n\t%s = 2;\n\ts->%s = array;\n",
			f->type->name, f->type->name, f->type->name, count_of(f), f->path);
	else if (f->type->kind == GEN_HANDLE)
		gen_put(o,
			compare ? "\tif ((uintptr_t)%s != %s)\n\t\treturn false;\n"
				: "\t%s = (%s)%s;\n",
			at, compare ? host : f->type->name, host);
	else if (f->type->kind == GEN_SCALAR)
		gen_put(o, compare ? "\tif (%s != %s)\n\t\treturn false;\n" : "\t%s = %s;\n", at,
			value);
	else
		gen_put(o,
			compare ? "\tif (!loop_is_pod(&%s, sizeof(%s)))\n\t\treturn false;\n"
				: "\tloop_pod(&%s, sizeof(%s));\n",
			at, at);
}

/* Values of the discriminating member that variants run through. */
static int count_cases(const struct gen_type *t, struct gen_out *o)
{
	int n = 0;

	for (int i = 0; i < t->nfields; i++) {
		for (int j = 0; j < (t->field[i].type ? 0 : t->field[i].ncases); j++, n++) {
			if (o)
				gen_put(o, "%s%s", n ? ", " : "", t->field[i].cases[j]);
		}
	}
	return n;
}

static void put_sample(struct gen_out *o, const struct gen_type *t, bool compare)
{
	const char *key = NULL;

	gen_put(o,
		compare ? "\nstatic inline bool same_%s(const %s *s, int variant, int host)\n{\n"
			: "\nstatic inline void sample_%s(%s *s, int variant, int host)\n{\n",
		t->name, t->name);
	if (count_cases(t, NULL)) {
		gen_put(o, "\tstatic const int cases[] = { ");
		count_cases(t, o);
		gen_put(o, " };\n\tint tag = cases[variant %% (int)CW_ARRAY_SIZE(cases)];\n");
	}
	if (!compare)
		gen_put(o, "\tmemset(s, 0, sizeof(*s));\n");
	for (int i = 0; i < t->nfields; i++) {
		const struct gen_field *f = &t->field[i], *g;

		if (key && (!f->key || !f->type))
			gen_put(o, "\t}\n"), key = NULL;
		if (!f->type) {
			gen_put(o, "\tif (");
			for (int j = 0; j < f->ncases; j++)
				gen_put(o, "%stag == %s", j ? " || " : "", f->cases[j]);
			gen_put(o, ") {\n");
			key = f->key;
			continue;
		}
		g = i + 1 < t->nfields ? &t->field[i + 1] : NULL;
		if (g && g->key && !f->key)
			gen_put(o,
				compare ? "\tif ((int)s->%s != tag)\n\t\treturn false;\n"
					: "\ts->%s = tag;\n",
				g->key);
		else if (!is_count(t, f->path))
			put_sample_field(o, f, compare);
	}
	gen_put(o, "%s\t(void)host;\n\t(void)variant;\n%s}\n", key ? "\t}\n" : "",
		compare ? "\treturn true;\n" : "");
}

void gen_emit_tests(struct gen_out *o)
{
	gen_put_head(o, "Sample calls and back end of the wire tests.");
	gen_put(o, "#include <stdio.h>\n#include <string.h>\n\n#include \"api/attrs.h\"\n"
		   "#include \"api/cu_driver.h\"\n#include \"api/guest_fns.h\"\n"
		   "#include \"tests/wire/loop.h\"\n");
	for (int i = 0; i < o->api->ntypes; i++) {
		if (o->api->type[i].kind != GEN_STRUCT)
			continue;
		put_sample(o, &o->api->type[i], false);
		put_sample(o, &o->api->type[i], true);
	}
	for (int i = 0; i < o->api->nfuncs; i++) {
		if (!tested(&o->api->func[i]))
			continue;
		put_back(o, &o->api->func[i]);
		put_play(o, &o->api->func[i]);
	}
	gen_put(o, "\nconst struct cu_driver loop_driver = {\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		if (tested(f))
			gen_put(o, "\t.%s = back_%s,\n", gen_main_symbol(f)->name, f->name);
	}
	gen_put(o, "};\n\nconst struct loop_play loop_plays[] = {\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		if (tested(&o->api->func[i]))
			gen_put(o, "\t{ \"%s\", play_%s },\n", o->api->func[i].name,
				o->api->func[i].name);
	}
	gen_put(o, "};\nconst unsigned int loop_plays_count = CW_ARRAY_SIZE(loop_plays);\n");
}
