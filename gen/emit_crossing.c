/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest stubs that cross: arguments into the command, results out of the reply.
 *
 * The order on the wire is gen_pass(): values, single elements, arrays and
 * texts, an image. emit_worker.c follows the same order.
 */
#include <string.h>

#include "gen/emit_guest.h"

static bool comes_back(const struct gen_param *p)
{
	return p->dir != GEN_IN && !p->chosen && p->form != GEN_F_NONE;
}

static void put_temps(struct gen_out *o, const struct gen_func *f)
{
	gen_put(o, "\tstruct cg_call c;\n\tCUresult r;\n");
	for (int i = 0; i < f->nparams; i++) {
		const struct gen_param *p = &f->param[i];

		if (p->form == GEN_F_IMAGE)
			gen_put(o, "\tuint64_t image_id = 0;\n");
		if (p->dir == GEN_IN)
			continue;
		if (p->form == GEN_F_ONE)
			gen_put(o, "\t%s v_%s = { 0 };\n", gen_elem_type(p), p->name);
		else if (p->form != GEN_F_NONE)
			gen_put(o, "\tconst void *b_%s = NULL;\n\tsize_t n_%s = 0;\n", p->name,
				p->name);
		if (p->layout && p->form == GEN_F_ONE)
			gen_put(o, "\tstruct cg_layout_param layout[CG_PARAMS_MAX];\n"
				   "\tuint32_t layout_n = 0;\n");
	}
	gen_put(o, "\n");
}

static void put_cache(struct gen_out *o, const struct gen_func *f)
{
	gen_put(o, "\tconst uint64_t key[3] = {");
	for (const char *p = f->cache_key, *e; *p; p = *e ? e + 1 : e) {
		int depth = 0;

		for (e = p; *e && (*e != ',' || depth); e++)
			depth += (*e == '(') - (*e == ')');
		gen_put(o, "%s (uint64_t)%.*s", p == f->cache_key ? "" : ",", (int)(e - p), p);
	}
	gen_put(o,
		" };\n\tuint64_t cached;\n\n\tif (cg_cache_get(&fn_%s, key, &cached)) {\n"
		"\t\tr = cg_enter(&fn_%s);\n\t\tif (!r)\n\t\t\t*%s = cached;\n"
		"\t\treturn r;\n\t}\n",
		f->name, f->name, f->cache_value);
}

static void put_shortcut(struct gen_out *o, const struct gen_func *f)
{
	gen_put(o, "\tif (%s) {\n\t\tr = cg_enter(&fn_%s);\n\t\tif (r)\n\t\t\treturn r;\n",
		f->shortcut, f->name);
	gen_put_values(o, f, "\t\t");
	gen_put(o, "\t\treturn CUDA_SUCCESS;\n\t}\n");
}

static void put_elem(struct gen_out *o, const struct gen_param *p, const char *at)
{
	if (gen_elem_struct(p))
		gen_put(o,
			"\tif (!gs_put_%s(&c.enc, &%s))\n"
			"\t\treturn cg_call_done(&c, CUDA_ERROR_NOT_SUPPORTED);\n",
			p->base, at);
	else if (gen_elem_pod(p))
		gen_put(o, "\tcw_enc_bytes(&c.enc, &%s, sizeof(%s));\n", at, at);
	else if (gen_elem_handle(p) || p->address)
		gen_put(o, "\tcw_enc_u64(&c.enc, (uintptr_t)%s);\n", at);
	else
		gen_put(o, "\tcw_enc_u64(&c.enc, (uint64_t)%s);\n", at);
}

static void put_in_array(struct gen_out *o, const struct gen_param *p)
{
	char *n = gen_printf("(%s ? (size_t)(%s) : 0)", p->name, p->count);

	if (gen_elem_pod(p)) {
		gen_put(o, "\tcw_enc_bytes(&c.enc, %s, %s * sizeof(*%s));\n", p->name, n, p->name);
		return;
	}
	gen_put(o, "\tcw_enc_u64(&c.enc, %s%s);\n\tfor (size_t i = 0; i < %s; i++) {\n", n,
		gen_elem_struct(p) ? "" : " * 8", n);
	put_elem(o, p, gen_printf("%s[i]", p->name));
	gen_put(o, "\t}\n");
}

static void put_in(struct gen_out *o, const struct gen_param *p)
{
	const char *one = gen_printf(p->form == GEN_F_VALUE ? "%s" : "(*%s)", p->name);

	if (p->form > GEN_F_ONE && p->optional && p->form != GEN_F_STRING)
		gen_put(o, "\tcw_enc_u64(&c.enc, %s != NULL);\n", p->name);
	if (p->dir == GEN_OUT)
		return;
	switch (p->form) {
	case GEN_F_ONE:
		if (p->optional)
			gen_put(o, "\tcw_enc_u64(&c.enc, %s != NULL);\n\tif (%s) {\n", p->name,
				p->name);
		put_elem(o, p, one);
		if (p->optional)
			gen_put(o, "\t}\n");
		break;
	case GEN_F_VALUE:
		put_elem(o, p, one);
		break;
	case GEN_F_ARRAY:
		put_in_array(o, p);
		break;
	case GEN_F_BYTES:
		if (p->attrs)
			gen_put(o, "\tcw_enc_bytes(&c.enc, %s, api_attr_size_%s(%s));\n", p->name,
				p->attrs->name, p->attr_expr);
		else
			gen_put(o, "\tcw_enc_bytes(&c.enc, %s, %s);\n", p->name, p->bytes);
		break;
	case GEN_F_STRING:
		gen_put(o, "\tcw_enc_str(&c.enc, %s);\n", p->name);
		break;
	case GEN_F_IMAGE:
		gen_put(o,
			"\tr = cg_image_send(&c, %s, &image_id);\n\tif (r)\n"
			"\t\treturn cg_call_done(&c, r);\n",
			p->name);
		break;
	default:
		break;
	}
}

static void put_arguments(struct gen_out *o, const struct gen_func *f)
{
	for (int i = 0; i < f->nparams; i++) {
		const struct gen_param *p = &f->param[i];

		if (p->chosen)
			gen_put(o,
				"\tv_%s = (%s)(uintptr_t)cg_handle_new(%s);\n\tif (!v_%s)\n"
				"\t\treturn cg_call_done(&c, CUDA_ERROR_OUT_OF_MEMORY);\n"
				"\tcw_enc_u64(&c.enc, (uintptr_t)v_%s);\n",
				p->name, p->base, gen_handle_enum(p->type), p->name, p->name);
	}
	for (int pass = 0; pass < GEN_PASSES; pass++) {
		for (int i = 0; i < f->nparams; i++) {
			const struct gen_param *p = &f->param[i];

			if (p->form != GEN_F_NONE && !p->chosen && gen_pass(p) == pass)
				put_in(o, p);
		}
	}
}

static void put_read(struct gen_out *o, const struct gen_param *p)
{
	if (p->form != GEN_F_ONE) {
		gen_put(o, "\t\tb_%s = cw_dec_bytes(&c.dec, CW_RESULT_MAX, &n_%s);\n", p->name,
			p->name);
		return;
	}
	if (gen_elem_struct(p))
		gen_put(o, "\t\tc.dec.fatal |= !gs_get_%s(&c.dec, &v_%s);\n", p->base, p->name);
	else if (gen_elem_pod(p))
		gen_put(o, "\t\tcw_dec_fixed(&c.dec, &v_%s, sizeof(v_%s));\n", p->name, p->name);
	else if (gen_elem_handle(p) || p->stars > 1)
		gen_put(o, "\t\tv_%s = (%s)(uintptr_t)cw_dec_u64(&c.dec);\n", p->name,
			gen_elem_type(p));
	else
		gen_put(o, "\t\tv_%s = (%s)cw_dec_u64(&c.dec);\n", p->name, p->base);
	if (p->layout)
		gen_put(o, "\t\tlayout_n = cg_layout_read(&c.dec, layout);\n");
}

/* Blobs lie in the reply slot, so they are copied before the call is done. */
static void put_store_blob(struct gen_out *o, const struct gen_param *p)
{
	switch (p->form) {
	case GEN_F_ARRAY:
		if (gen_elem_pod(p))
			gen_put(o,
				"\t\tif (%s && b_%s && n_%s <= (size_t)(%s) * sizeof(*%s))\n"
				"\t\t\tmemcpy(%s, b_%s, n_%s);\n",
				p->name, p->name, p->name, p->count, p->name, p->name, p->name,
				p->name);
		else
			gen_put(o,
				"\t\tfor (size_t i = 0; %s && i < (size_t)(%s) && i < n_%s / 8; "
				"i++)\n"
				"\t\t\t%s[i] = (%s)%s((const uint64_t *)b_%s)[i];\n",
				p->name, p->count, p->name, p->name, p->base,
				gen_elem_handle(p) ? "(uintptr_t)" : "", p->name);
		break;
	case GEN_F_BYTES:
		if (p->attrs)
			gen_put(o,
				"\t\tif (n_%s == api_attr_size_%s(%s))\n"
				"\t\t\tmemcpy(%s, b_%s, n_%s);\n",
				p->name, p->attrs->name, p->attr_expr, p->name, p->name, p->name);
		else
			gen_put(o, "\t\tif (n_%s <= (size_t)(%s))\n\t\t\tmemcpy(%s, b_%s, n_%s);\n",
				p->name, p->bytes, p->name, p->name, p->name);
		break;
	case GEN_F_CHARS:
		gen_put(o, "\t\tif (n_%s <= (size_t)(%s))\n\t\t\tmemcpy(%s, b_%s, n_%s);\n",
			p->name, p->chars, p->name, p->name, p->name);
		break;
	case GEN_F_NAME:
		gen_put(o, "\t\t*%s = cg_intern(b_%s, n_%s);\n", p->name, p->name, p->name);
		break;
	default: /* GEN_F_BORROWED */
		gen_put(o, "\t\tif (%s)\n\t\t\t*%s = cg_borrow(b_%s, n_%s);\n", p->name, p->name,
			p->name, p->name);
	}
}

static void put_results(struct gen_out *o, const struct gen_func *f)
{
	bool blobs = false, any = false;

	for (int i = 0; i < f->nparams; i++) {
		any |= comes_back(&f->param[i]);
		blobs |= comes_back(&f->param[i]) && f->param[i].form != GEN_F_ONE;
	}
	gen_put(o, "\tr = cg_call_end(&c);\n");
	if (!any)
		return;
	gen_put(o, "\tif (!r) {\n");
	for (int pass = 0; pass < GEN_PASSES; pass++) {
		for (int i = 0; i < f->nparams; i++) {
			if (comes_back(&f->param[i]) && gen_pass(&f->param[i]) == pass)
				put_read(o, &f->param[i]);
		}
	}
	gen_put(o, "\t}\n");
	if (!blobs)
		return;
	gen_put(o, "\tif (!r && cw_dec_ok(&c.dec)) {\n");
	for (int i = 0; i < f->nparams; i++) {
		if (comes_back(&f->param[i]) && f->param[i].form != GEN_F_ONE)
			put_store_blob(o, &f->param[i]);
	}
	gen_put(o, "\t}\n");
}

static void put_failure(struct gen_out *o, const struct gen_func *f)
{
	const struct gen_param *chosen = NULL;

	for (int i = 0; i < f->nparams; i++) {
		if (f->param[i].chosen)
			chosen = &f->param[i];
		if (f->param[i].form == GEN_F_IMAGE)
			gen_put(o, "\tcg_image_done(image_id);\n");
	}
	gen_put(o, "\tr = cg_call_done(&c, r);\n");
	if (chosen)
		gen_put(o, "\tif (r)\n\t\tcg_handle_free((uintptr_t)v_%s);\n", chosen->name);
	if (f->again)
		gen_put(o, "\tif (r && %s)\n\t\tgoto again;\n", gen_expand(f, f->again));
	gen_put(o, "\tif (r)\n\t\treturn r;\n");
}

static void put_effects(struct gen_out *o, const struct gen_func *f)
{
	if (f->accept)
		gen_put(o, "\tr = %s;\n\tif (r)\n\t\treturn r;\n", gen_expand(f, f->accept));
	for (int i = 0; i < f->nparams; i++) {
		const struct gen_param *p = &f->param[i];

		if (p->dir != GEN_IN && p->form == GEN_F_ONE) {
			if (p->optional)
				gen_put(o, "\tif (%s)\n\t", p->name);
			gen_put(o, "\t*%s = v_%s;\n", p->name, p->name);
		}
		if (p->layout && p->form == GEN_F_ONE)
			gen_put(o, "\tcg_function_learn((uintptr_t)v_%s, layout, layout_n);\n",
				p->name);
		if (p->destroys)
			gen_put(o, "\tcg_handle_free((uintptr_t)%s);\n", p->name);
	}
	if (f->cache_value)
		gen_put(o, "\tcg_cache_put(&fn_%s, key, (uint64_t)v_%s);\n", f->name,
			f->cache_value);
	for (int i = 0; i < f->ndrops; i++)
		gen_put(o, "\tcg_cache_drop(&fn_%s, (uint64_t)%s);\n", f->drops[i].a,
			f->drops[i].b);
	for (int i = 0; i < f->nafters; i++)
		gen_put(o, "\t%s;\n", gen_expand(f, f->after[i]));
}

void gen_put_crossing(struct gen_out *o, const struct gen_func *f)
{
	put_temps(o, f);
	gen_put_checks(o, f);
	if (f->shortcut)
		put_shortcut(o, f);
	if (f->cache_key)
		put_cache(o, f);
	if (f->again)
		gen_put(o, "again:\n");
	gen_put(o, "\tr = cg_call_begin(&c, &fn_%s);\n\tif (r)\n\t\treturn r;\n", f->name);
	put_arguments(o, f);
	put_results(o, f);
	put_failure(o, f);
	put_effects(o, f);
	gen_put(o, "\treturn CUDA_SUCCESS;\n");
}
