/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dispatch functions of the worker: one file per family.
 *
 * Theory of operation: disp_NAME takes every argument out of the command into
 * locals that have the names of the parameters, checks the decoder once, turns
 * handles into objects, and calls the back end. Expressions of the description
 * (counts, sizes) are valid there as written. Nothing the guest sent is used
 * as a size before it was compared with a bound.
 */
#include <string.h>

#include "gen/emit.h"

static bool comes_back(const struct gen_param *p)
{
	return p->dir != GEN_IN && p->form != GEN_F_NONE;
}

/* `const ` where the back end's parameter points to constant memory. */
static const char *constness(const struct gen_param *p)
{
	return strncmp(p->decl, "const ", 6) ? "" : "const ";
}

static void put_local(struct gen_out *o, const struct gen_param *p)
{
	char *elem = gen_elem_type(p);

	switch (p->form) {
	case GEN_F_VALUE:
		if (gen_elem_handle(p))
			gen_put(o, "\tuint64_t h_%s;\n\tvoid *o_%s;\n", p->name, p->name);
		gen_put(o, "\t%s;\n", p->decl);
		break;
	case GEN_F_ONE:
		if (gen_elem_handle(p) && p->dir != GEN_OUT)
			gen_put(o, "\tuint64_t h_%s;\n\tvoid *o_%s;\n", p->name, p->name);
		if (p->chosen)
			gen_put(o, "\tuint64_t g_%s;\n", p->name);
		gen_put(o, "\t%s v_%s = { 0 };\n\t%s%s *%s = &v_%s;\n", elem, p->name, constness(p),
			elem, p->name, p->name);
		break;
	case GEN_F_ARRAY:
		if (p->dir == GEN_IN && gen_elem_struct(p))
			gen_put(o, "\tsize_t n_%s;\n", p->name);
		else if (p->dir == GEN_IN)
			gen_put(o, "\tconst uint64_t *b_%s;\n\tsize_t n_%s;\n", p->name, p->name);
		gen_put(o, "\t%s *%s = NULL;\n", elem, p->name);
		if (p->dir == GEN_OUT)
			gen_put(o, "\tsize_t cap_%s = 0;\n", p->name);
		if (p->optional)
			gen_put(o, "\tbool has_%s;\n", p->name);
		break;
	case GEN_F_BYTES:
		gen_put(o, "\tsize_t n_%s;\n\tvoid *%s = NULL;\n", p->name, p->name);
		if (p->dir == GEN_IN)
			gen_put(o, "\tconst void *b_%s;\n", p->name);
		break;
	case GEN_F_STRING:
	case GEN_F_NAME:
		gen_put(o, "\tconst char *%s%s;\n", p->form == GEN_F_NAME ? "v_" : "", p->name);
		if (p->form == GEN_F_NAME)
			gen_put(o, "\tconst char **%s = &v_%s;\n", p->name, p->name);
		break;
	case GEN_F_CHARS:
		gen_put(o, "\tchar *%s;\n", p->name);
		break;
	case GEN_F_BORROWED:
		gen_put(o, "\tconst %s v_%s = NULL;\n\tconst %s*%s = &v_%s;\n", elem, p->name, elem,
			p->name, p->name);
		break;
	case GEN_F_IMAGE:
		gen_put(o, "\tsize_t n_%s;\n\tconst void *%s;\n", p->name, p->name);
		break;
	default:
		break;
	}
}

static void put_take_one(struct gen_out *o, const struct gen_param *p)
{
	bool one = p->form == GEN_F_ONE;
	const char *at = gen_printf("%s%s", one ? "v_" : "", p->name);

	if (one && p->optional)
		gen_put(o, "\tif (!cw_dec_u64(in))\n\t\t%s = NULL;\n\telse {\n", p->name);
	if (gen_elem_struct(p))
		gen_put(o,
			"\tr = ws_get_%s(t, in, &%s);\n\tif (r)\n\t\treturn cw_dec_ok(in) ? r : "
			"wk_malformed(t);\n",
			p->base, at);
	else if (gen_elem_pod(p))
		gen_put(o, "\tcw_dec_fixed(in, &%s, sizeof(%s));\n", at, at);
	else if (gen_elem_handle(p))
		gen_put(o, "\th_%s = cw_dec_u64(in);\n", p->name);
	else if (p->address && p->stars)
		gen_put(o, "\t%s = cw_dec_ptr(in);\n", at);
	else
		gen_put(o, "\t%s = (%s)cw_dec_u64(in);\n", at, p->base);
	if (one && p->optional)
		gen_put(o, "\t}\n");
}

static void put_take(struct gen_out *o, const struct gen_param *p)
{
	if (p->form > GEN_F_ONE && p->optional && p->form != GEN_F_STRING)
		gen_put(o,
			p->form == GEN_F_ARRAY ? "\thas_%s = cw_dec_u64(in);\n"
					       : "\t(void)cw_dec_u64(in); /* wants %s */\n",
			p->name);
	if (p->dir == GEN_OUT)
		return;
	switch (p->form) {
	case GEN_F_VALUE:
	case GEN_F_ONE:
		put_take_one(o, p);
		break;
	case GEN_F_ARRAY:
		if (!gen_elem_struct(p)) {
			gen_put(o, "\tb_%s = cw_dec_bytes(in, CW_CMD_MAX, &n_%s);\n", p->name,
				p->name);
			break;
		}
		gen_put(o,
			"\tn_%s = cw_dec_u64(in);\n\tif (n_%s > API_ELEMS_MAX)\n"
			"\t\treturn wk_malformed(t);\n"
			"\t%s = wk_temp(t, n_%s * sizeof(*%s));\n"
			"\tfor (size_t i = 0; %s && i < n_%s; i++) {\n"
			"\t\tr = ws_get_%s(t, in, &%s[i]);\n\t\tif (r)\n"
			"\t\t\treturn cw_dec_ok(in) ? r : wk_malformed(t);\n\t}\n",
			p->name, p->name, p->name, p->name, p->name, p->name, p->name, p->base,
			p->name);
		break;
	case GEN_F_BYTES:
		gen_put(o, "\tb_%s = cw_dec_bytes(in, CW_CMD_MAX, &n_%s);\n", p->name, p->name);
		break;
	case GEN_F_STRING:
		gen_put(o, "\t%s = cw_dec_str(in, API_STRING_MAX);\n", p->name);
		break;
	case GEN_F_IMAGE:
		gen_put(o,
			"\t%s = wk_image_in(t, in, &n_%s);\n\tif (!%s)\n\t\treturn "
			"wk_malformed(t);\n",
			p->name, p->name, p->name);
		break;
	default:
		break;
	}
}

static void put_take_all(struct gen_out *o, const struct gen_func *f)
{
	for (int i = 0; i < f->nparams; i++) {
		if (f->param[i].chosen)
			gen_put(o, "\tg_%s = cw_dec_u64(in);\n", f->param[i].name);
	}
	for (int pass = 0; pass < GEN_PASSES; pass++) {
		for (int i = 0; i < f->nparams; i++) {
			const struct gen_param *p = &f->param[i];

			if (p->form != GEN_F_NONE && !p->chosen && gen_pass(p) == pass)
				put_take(o, p);
		}
	}
	gen_put(o, "\tif (!cw_dec_ok(in))\n\t\treturn wk_malformed(t);\n");
}

static void put_use_handle(struct gen_out *o, const struct gen_param *p)
{
	char *type = gen_handle_enum(p->type);

	if (p->dir == GEN_OUT)
		return;
	gen_put(o,
		"\tif (!wk_handle_in(t, %s, h_%s, &o_%s))\n\t\treturn wk_bad_handle(%s);\n"
		"\t%s%s = (%s)(uintptr_t)o_%s;\n",
		type, p->name, p->name, type, p->form == GEN_F_ONE ? "v_" : "", p->name, p->base,
		p->name);
}

/* The array's length on the wire must be what the description says it is. */
static void put_use_array(struct gen_out *o, const struct gen_param *p)
{
	const char *has = p->optional ? gen_printf("has_%s", p->name) : "true";

	if (p->dir != GEN_IN) {
		/* Kept: the back end may put a larger number in its place. */
		gen_put(o,
			"\tif (%s)\n\t\tcap_%s = (size_t)(%s);\n"
			"\tif (cap_%s > API_OUT_ELEMS_MAX)\n\t\treturn wk_malformed(t);\n"
			"\tif (cap_%s)\n\t\t%s = wk_temp(t, cap_%s * sizeof(*%s));\n"
			"\tif (cap_%s && !%s)\n\t\treturn CUDA_ERROR_OUT_OF_MEMORY;\n",
			has, p->name, p->count, p->name, p->name, p->name, p->name, p->name,
			p->name, p->name);
		return;
	}
	if (gen_elem_struct(p)) {
		gen_put(o,
			"\tif (n_%s != (size_t)(%s))\n\t\treturn wk_malformed(t);\n"
			"\tif (n_%s && !%s)\n\t\treturn CUDA_ERROR_OUT_OF_MEMORY;\n",
			p->name, p->count, p->name, p->name);
		return;
	}
	if (gen_elem_pod(p))
		gen_put(o,
			"\tif (n_%s %% sizeof(*%s) || n_%s / sizeof(*%s) != (%s ? (size_t)(%s) : "
			"0))\n"
			"\t\treturn wk_malformed(t);\n\t%s = (%s *)(uintptr_t)b_%s;\n",
			p->name, p->name, p->name, p->name, has, p->count, p->name, p->base,
			p->name);
	else
		gen_put(o,
			"\tif (n_%s %% 8 || n_%s / 8 != (%s ? (size_t)(%s) : 0))\n"
			"\t\treturn wk_malformed(t);\n"
			"\tif (n_%s)\n\t\t%s = wk_temp(t, n_%s / 8 * sizeof(*%s));\n"
			"\tif (n_%s && !%s)\n\t\treturn CUDA_ERROR_OUT_OF_MEMORY;\n",
			p->name, p->name, has, p->count, p->name, p->name, p->name, p->name,
			p->name, p->name);
	if (gen_elem_handle(p))
		gen_put(o,
			"\tfor (size_t i = 0; i < n_%s / 8; i++) {\n\t\tvoid *host;\n\n"
			"\t\tif (!wk_handle_in(t, %s, b_%s[i], &host))\n"
			"\t\t\treturn wk_bad_handle(%s);\n\t\t%s[i] = host;\n\t}\n",
			p->name, gen_handle_enum(p->type), p->name, gen_handle_enum(p->type),
			p->name);
	else if (!gen_elem_pod(p))
		gen_put(o, "\tfor (size_t i = 0; i < n_%s / 8; i++)\n\t\t%s[i] = (%s)b_%s[i];\n",
			p->name, p->name, p->base, p->name);
}

/* Room for the largest value where an attribute decides the type. */
static void put_use_bytes(struct gen_out *o, const struct gen_param *p)
{
	const char *size =
		p->attrs ? gen_printf("api_attr_size_%s(%s)", p->attrs->name, p->attr_expr)
			 : gen_printf("(size_t)(%s)", p->bytes);

	if (p->dir != GEN_IN)
		gen_put(o,
			"\tn_%s = %s;\n\tif (%sn_%s > API_OUT_BYTES_MAX)\n"
			"\t\treturn wk_malformed(t);\n",
			p->name, size, p->attrs ? gen_printf("!n_%s || ", p->name) : "", p->name);
	else
		gen_put(o, "\tif (n_%s != %s%s)\n\t\treturn wk_malformed(t);\n", p->name, size,
			p->attrs ? gen_printf(" || !n_%s", p->name) : "");
	gen_put(o,
		"\t%s = wk_temp(t, cw_max(n_%s, sizeof(CUlaunchAttributeValue)));\n\tif (!%s)\n"
		"\t\treturn CUDA_ERROR_OUT_OF_MEMORY;\n",
		p->name, p->name, p->name);
	if (p->dir == GEN_IN)
		gen_put(o, "\tif (n_%s)\n\t\tmemcpy(%s, b_%s, n_%s);\n", p->name, p->name, p->name,
			p->name);
}

static void put_use(struct gen_out *o, const struct gen_param *p)
{
	if (gen_elem_handle(p) && p->form <= GEN_F_ONE && p->form != GEN_F_NONE)
		put_use_handle(o, p);
	else if (p->form == GEN_F_ARRAY)
		put_use_array(o, p);
	else if (p->form == GEN_F_BYTES)
		put_use_bytes(o, p);
	else if (p->form == GEN_F_CHARS)
		gen_put(o,
			"\tif ((size_t)(%s) > API_OUT_BYTES_MAX)\n\t\treturn wk_malformed(t);\n"
			"\t%s = wk_temp(t, (size_t)(%s) + 1);\n\tif (!%s)\n"
			"\t\treturn CUDA_ERROR_OUT_OF_MEMORY;\n",
			p->chars, p->name, p->chars, p->name);
	else if (p->form == GEN_F_STRING && !p->optional)
		gen_put(o, "\tif (!%s)\n\t\treturn wk_malformed(t);\n", p->name);
}

static void put_give_one(struct gen_out *o, const struct gen_param *p)
{
	if (p->chosen)
		gen_put(o,
			"\tif (!wk_handle_bind(t, %s, g_%s, (void *)(uintptr_t)v_%s)) {\n"
			"\t\twk_object_end(%s, (void *)(uintptr_t)v_%s);\n"
			"\t\treturn CUDA_ERROR_OUT_OF_MEMORY;\n\t}\n",
			gen_handle_enum(p->type), p->name, p->name, gen_handle_enum(p->type),
			p->name);
	else if (gen_elem_struct(p))
		gen_put(o, "\tr = ws_put_%s(t, out, &v_%s);\n\tif (r)\n\t\treturn r;\n", p->base,
			p->name);
	else if (gen_elem_pod(p))
		gen_put(o, "\tcw_enc_bytes(out, &v_%s, sizeof(v_%s));\n", p->name, p->name);
	else if (gen_elem_handle(p))
		gen_put(o, "\tcw_enc_u64(out, ws_handle(t, %s, (uintptr_t)v_%s));\n",
			gen_handle_enum(p->type), p->name);
	else
		gen_put(o, "\tcw_enc_u64(out, (uint64_t)%sv_%s);\n",
			p->stars > 1 ? "(uintptr_t)" : "", p->name);
	if (p->layout)
		gen_put(o, "\twk_function_layout(t, (CUfunction)v_%s, out);\n", p->name);
}

static void put_give_words(struct gen_out *o, const struct gen_param *p, const char *n)
{
	const char *at = gen_printf(p->form == GEN_F_BORROWED ? "v_%s[i]" : "%s[i]", p->name);

	gen_put(o, "\tcw_enc_u64(out, (%s) * 8);\n\tfor (size_t i = 0; i < (%s); i++)\n", n, n);
	if (gen_elem_handle(p) || p->form == GEN_F_BORROWED)
		gen_put(o, "\t\tcw_enc_u64(out, ws_handle(t, %s, (uintptr_t)%s));\n",
			gen_handle_enum(p->type), at);
	else
		gen_put(o, "\t\tcw_enc_u64(out, (uint64_t)%s);\n", at);
}

static void put_give(struct gen_out *o, const struct gen_param *p)
{
	const char *n;

	switch (p->form) {
	case GEN_F_ONE:
		put_give_one(o, p);
		break;
	case GEN_F_ARRAY:
		n = gen_printf("cap_%s", p->name);
		if (gen_elem_pod(p))
			gen_put(o, "\tcw_enc_bytes(out, %s, %s * sizeof(*%s));\n", p->name, n,
				p->name);
		else
			put_give_words(o, p, n);
		break;
	case GEN_F_BORROWED:
		n = gen_printf("v_%s ? cw_min((size_t)(%s), (size_t)API_OUT_ELEMS_MAX) : 0",
			       p->name, p->borrowed);
		put_give_words(o, p, n);
		break;
	case GEN_F_BYTES:
		gen_put(o, "\tcw_enc_bytes(out, %s, n_%s);\n", p->name, p->name);
		break;
	case GEN_F_CHARS:
		gen_put(o, "\tcw_enc_bytes(out, %s, strnlen(%s, (size_t)(%s)) + 1);\n", p->name,
			p->name, p->chars);
		break;
	case GEN_F_NAME:
		gen_put(o,
			"\tcw_enc_bytes(out, v_%s, v_%s ? strnlen(v_%s, API_NAME_MAX) + 1 : 0);\n",
			p->name, p->name, p->name);
		break;
	default:
		break;
	}
}

static char *back_end_args(const struct gen_func *f)
{
	char *s = "";

	for (int i = 0; i < f->nparams; i++) {
		const struct gen_param *p = &f->param[i];

		s = gen_printf("%s%s%s", s, i ? ", " : "", p->fixed ? p->fixed : p->name);
	}
	return s;
}

/*
 * A handle goes before its object: once the back end has ended the object it
 * may give its address to a new one, on another thread.
 */
static void put_call(struct gen_out *o, const struct gen_func *f, const char *symbol)
{
	gen_put(o, "\tif (!wk_cu()->%s)\n\t\treturn CUDA_ERROR_NOT_SUPPORTED;\n", symbol);
	for (int i = 0; i < f->nparams; i++) {
		if (f->param[i].creates)
			gen_put(o, "\tif (!wk_handle_room())\n"
				   "\t\treturn CUDA_ERROR_OUT_OF_MEMORY;\n");
		if (f->param[i].destroys)
			gen_put(o, "\twk_handle_drop(t, %s, h_%s);\n",
				gen_handle_enum(f->param[i].type), f->param[i].name);
	}
	gen_put(o, "%s;\n\tif (r)\n\t\treturn r;\n",
		gen_wrap(gen_printf("\tr = wk_cu()->%s(%s)", symbol, back_end_args(f))));
	for (int pass = 0; pass < GEN_PASSES; pass++) {
		for (int i = 0; i < f->nparams; i++) {
			if (comes_back(&f->param[i]) && gen_pass(&f->param[i]) == pass)
				put_give(o, &f->param[i]);
		}
	}
	gen_put(o, "\treturn r;\n");
}

static void put_dispatch(struct gen_out *o, const struct gen_func *f, const char *prefix,
			 const char *symbol)
{
	gen_put(o,
		"\n/* %s */\nCUresult %s_%s(struct wk_thread *t, struct cw_dec *in, "
		"struct cw_enc *out)\n{\n",
		f->doc, prefix, f->name);
	for (int i = 0; i < f->nparams; i++)
		put_local(o, &f->param[i]);
	gen_put(o, "\tCUresult r;\n\n");
	put_take_all(o, f);
	for (int i = 0; i < f->nparams; i++)
		put_use(o, &f->param[i]);
	put_call(o, f, symbol);
	gen_put(o, "}\n");
}

void gen_emit_worker(struct gen_out *o)
{
	gen_put_head(o, "Dispatch functions of the worker.");
	gen_put(o, "#include <string.h>\n\n#include \"api/attrs.h\"\n#include \"api/cu_driver.h\"\n"
		   "#include \"api/limits.h\"\n#include \"api/worker_fns.h\"\n"
		   "#include \"api/worker_structs.h\"\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		if (!gen_dispatched(f) || !gen_in_family(o, f))
			continue;
		put_dispatch(o, f, "disp", gen_main_symbol(f)->name);
		if (f->wait)
			put_dispatch(o, f, "query",
				     gen_main_symbol(gen_find_func(o->api, f->wait))->name);
	}
}
