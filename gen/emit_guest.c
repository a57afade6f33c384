/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stubs of the guest's libcuda: one file per family.
 *
 * Theory of operation: each function gets a const object fn_NAME, a function
 * call_NAME that does the work, and its exported symbols, which only choose
 * the default stream and trace. call_NAME checks what the guest can check, and
 * then is local, hands over to an engine, or crosses: arguments out, results
 * into temporaries, and only where all of them were well-formed into the
 * program's memory.
 */
#include "gen/emit_guest.h"

#include <string.h>

static const char *const class_names[] = { "CW_LOCAL", "CW_ASYNC", "CW_INLINE", "CW_SYNC" };

/* @expr with $fn as the function's object and $file as the file's bytes. */
char *gen_expand(const struct gen_func *f, const char *expr)
{
	char *out = "";

	for (const char *p = expr, *d; *p; p = d) {
		d = strchr(p, '$');
		if (!d)
			return gen_printf("%s%s", out, p);
		out = gen_printf("%s%.*s", out, (int)(d - p), p);
		if (!strncmp(d, "$file", 5)) {
			out = gen_printf("%sfile_bytes", out);
			d += 5;
		} else {
			out = gen_printf("%s&fn_%s", out, f->name);
			d += strncmp(d, "$fn", 3) ? 1 : 3;
		}
	}
	return out;
}

static char *call_params(const struct gen_func *f)
{
	if (!gen_extra_stream(f))
		return gen_param_list(f);
	return f->nparams ? gen_printf("%s, CUstream stream0", gen_param_list(f))
			  : "CUstream stream0";
}

static bool wants_null_check(const struct gen_param *p)
{
	if (!p->stars || p->optional || p->fixed || p->borrowed)
		return false;
	if (p->dir != GEN_IN)
		return true;
	if (p->form == GEN_F_NONE)
		return p->stars == 1 && strcmp(p->base, "void");
	return !p->address;
}

void gen_put_checks(struct gen_out *o, const struct gen_func *f)
{
	for (int i = 0; i < f->nparams; i++) {
		const struct gen_param *p = &f->param[i];

		if (wants_null_check(p))
			gen_put(o, p->count ? "\tif (!%s && (size_t)(%s))\n" : "\tif (!%s)\n",
				p->name, p->count);
		if (wants_null_check(p))
			gen_put(o, "\t\treturn CUDA_ERROR_INVALID_VALUE;\n");
		if (p->form == GEN_F_ARRAY)
			gen_put(o, "\tif (%s && (size_t)(%s) > %s)\n\t\treturn %s;\n", p->name,
				p->count, p->dir == GEN_IN ? "API_ELEMS_MAX" : "API_OUT_ELEMS_MAX",
				p->dir == GEN_IN ? "CUDA_ERROR_INVALID_VALUE"
						 : "CUDA_ERROR_NOT_SUPPORTED");
		if (p->attrs && p->form == GEN_F_BYTES)
			gen_put(o,
				"\tif (!api_attr_size_%s(%s))\n"
				"\t\treturn CUDA_ERROR_NOT_SUPPORTED;\n",
				p->attrs->name, p->attr_expr);
	}
	for (int i = 0; i < f->nrequires; i++)
		gen_put(o, "\tif (!(%s))\n\t\treturn %s;\n", f->require[i].a, f->require[i].b);
	for (int i = 0; i < f->nbefores; i++)
		gen_put(o, "\tr = %s;\n\tif (r)\n\t\treturn r;\n", gen_expand(f, f->before[i]));
}

void gen_put_values(struct gen_out *o, const struct gen_func *f, const char *indent)
{
	for (int i = 0; i < f->nparams; i++) {
		const struct gen_param *p = &f->param[i];

		if (!p->value)
			continue;
		if (p->optional)
			gen_put(o, "%sif (%s)\n\t", indent, p->name);
		gen_put(o, "%s*%s = %s;\n", indent, p->name, p->value);
	}
}

static void put_local(struct gen_out *o, const struct gen_func *f)
{
	gen_put(o, "\tCUresult r = cg_enter(&fn_%s);\n\n\tif (r)\n\t\treturn r;\n", f->name);
	gen_put_checks(o, f);
	if (f->local) {
		gen_put(o, "\treturn %s;\n", gen_expand(f, f->local));
		return;
	}
	gen_put_values(o, f, "\t");
	gen_put(o, "\treturn CUDA_SUCCESS;\n");
}

static void put_copy(struct gen_out *o, const struct gen_func *f)
{
	const struct gen_copy *c = &f->copy;
	const char *ends[] = { c->dst, c->src };
	static const char *const words[] = { "dst", "src" };

	if (c->param) {
		gen_put(o,
			"\treturn cg_copy%s(&fn_%s, (const CUDA_MEMCPY%cD *)(const void *)%s, %s, "
			"%s);\n",
			c->keyword + 4, f->name, c->keyword[4], c->param, c->stream,
			c->async ? "true" : "false");
		return;
	}
	gen_put(o, "\treturn cg_copy(&fn_%s, &(struct cg_copy_op){\n", f->name);
	for (int i = 0; i < 2; i++) {
		const char *colon = strchr(ends[i], ':');
		char kind = colon ? ends[i][0] : '?';

		gen_put(o, "\t\t.%s_kind = CU_MEMORYTYPE_%s,\n\t\t.%s = (uintptr_t)%s,\n", words[i],
			kind == 'h'   ? "HOST"
			: kind == 'd' ? "DEVICE"
				      : "UNIFIED",
			words[i], colon ? colon + 1 : ends[i]);
	}
	gen_put(o, "\t\t.bytes = %s,\n\t\t.stream = (uintptr_t)%s,\n\t\t.async = %s,\n\t});\n",
		c->bytes, c->stream, c->async ? "true" : "false");
}

static void put_launch(struct gen_out *o, const struct gen_func *f)
{
	const struct gen_launch *l = &f->launch;
	const char *c = l->config;

	gen_put(o,
		"\treturn cg_launch(&fn_%s, &(struct cg_launch_op){\n"
		"\t\t.function = (uintptr_t)%s,\n",
		f->name, l->function);
	if (c)
		gen_put(o,
			"\t\t.grid = { %s->gridDimX, %s->gridDimY, %s->gridDimZ },\n"
			"\t\t.block = { %s->blockDimX, %s->blockDimY, %s->blockDimZ },\n"
			"\t\t.shared = %s->sharedMemBytes,\n\t\t.stream = (uintptr_t)stream,\n"
			"\t\t.attrs = %s->attrs,\n\t\t.nr_attrs = %s->numAttrs,\n",
			c, c, c, c, c, c, c, c, c);
	else
		gen_put(o,
			"\t\t.grid = { %s },\n\t\t.block = { %s },\n\t\t.shared = %s,\n"
			"\t\t.stream = (uintptr_t)%s,\n",
			l->grid, l->block, l->shared, l->stream);
	gen_put(o, "\t\t.params = kernelParams,\n\t\t.extra = %s,\n\t\t.cooperative = %d,\n\t});\n",
		l->extra ? l->extra : "extra", l->cooperative);
}

static void put_engine(struct gen_out *o, const struct gen_func *f)
{
	if (f->nbefores || f->file_param)
		gen_put(o, "\tCUresult r;\n");
	if (f->file_param)
		gen_put(o, "\tvoid *file_bytes;\n");
	if (f->launch.config)
		gen_put(o, "\tCUstream stream = NULL;\n");
	if (f->nbefores || f->file_param || f->launch.config)
		gen_put(o, "\n");
	gen_put_checks(o, f);
	if (f->launch.config)
		gen_put(o, "\tstream = %s->hStream ? %s->hStream : stream0;\n", f->launch.config,
			f->launch.config);
	if (f->copy.keyword) {
		put_copy(o, f);
	} else if (f->launch.function) {
		put_launch(o, f);
	} else if (f->file_param) {
		gen_put(o,
			"\tr = cg_file_read(%s, &file_bytes);\n\tif (r)\n\t\treturn r;\n"
			"\tr = %s;\n\tcg_file_drop(file_bytes);\n\treturn r;\n",
			f->file_param, gen_expand(f, f->engine));
	} else {
		gen_put(o, "\treturn %s;\n", gen_expand(f, f->engine));
	}
}

static void put_call(struct gen_out *o, const struct gen_func *f)
{
	gen_put(o, "\n%s\n{\n",
		gen_wrap(gen_printf("CUresult call_%s(%s)", f->name, call_params(f))));
	if (f->cls == GEN_LOCAL)
		put_local(o, f);
	else if (f->engine)
		put_engine(o, f);
	else
		gen_put_crossing(o, f);
	gen_put(o, "}\n");
}

/* Arguments of call_NAME in an exported symbol of one flavour. */
static char *flavoured_args(const struct gen_func *f, bool per_thread)
{
	const struct gen_param *stream = gen_stream_param(f);
	char *s = "";

	for (int i = 0; i < f->nparams; i++) {
		const struct gen_param *p = &f->param[i];

		s = gen_printf("%s%s%s", s, i ? ", " : "", p->name);
		if (p == stream && per_thread)
			s = gen_printf("%s ? %s : CU_STREAM_PER_THREAD", s, p->name);
	}
	if (gen_extra_stream(f))
		s = gen_printf("%s%s%s", s, f->nparams ? ", " : "",
			       per_thread ? "CU_STREAM_PER_THREAD" : "NULL");
	return s;
}

static void put_symbols(struct gen_out *o, const struct gen_func *f)
{
	gen_put_trace(o, f);
	for (int i = 0; i < f->nsymbols; i++) {
		const struct gen_symbol *s = &f->symbol[i];

		if (s->refused)
			continue;
		gen_put(o, "\n%s\n{\n%s;\n}\n",
			gen_wrap(gen_printf("CW_EXPORT CUresult %s(%s)", s->name,
					    gen_param_list(f))),
			gen_wrap(gen_printf("\treturn trace_%s(call_%s(%s)%s%s)", f->name, f->name,
					    flavoured_args(f, s->per_thread),
					    f->nparams ? ", " : "", gen_arg_list(f))));
	}
}

static void put_object(struct gen_out *o, const struct gen_func *f)
{
	gen_put(o,
		"\n/* %s */\nconst struct cg_fn fn_%s = {\n"
		"\t\"%s\", 0x%08xu, %s, %s%s%s0,\n};\n",
		f->doc, f->name, f->name, f->id, class_names[f->cls],
		f->no_init ? "CG_FN_NO_INIT | " : "", f->no_ctx ? "CG_FN_NO_CTX | " : "",
		f->callback_ok ? "CG_FN_IN_CALLBACK | " : "");
}

void gen_emit_guest(struct gen_out *o)
{
	gen_put_head(o, "Stubs of the guest's libcuda.");
	gen_put(o,
		"#include <string.h>\n\n#include \"api/attrs.h\"\n#include \"api/cuda_proto.h\"\n"
		"#include \"api/errors.h\"\n#include \"api/guest_fns.h\"\n"
		"#include \"api/guest_structs.h\"\n#include \"api/limits.h\"\n"
		"#include \"api/procaddr.h\"\n#include \"api/trace.h\"\n#include \"cw/copy.h\"\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		if (f->refused || !gen_in_family(o, f))
			continue;
		put_object(o, f);
		if (!f->hand_guest || gen_crosses(f))
			put_call(o, f);
		if (!f->hand_guest)
			put_symbols(o, f);
	}
}

void gen_emit_guest_h(struct gen_out *o)
{
	gen_put_head(o, "What stubs and hand-written parts of the guest's libcuda share.");
	gen_put(o, "#ifndef API_GUEST_FNS_H\n#define API_GUEST_FNS_H\n\n"
		   "#include \"guest/libcuda/prims.h\"\n#include \"guest/libcuda/cg.h\"\n\n");
	for (int i = 0; i < o->api->nfuncs; i++) {
		const struct gen_func *f = &o->api->func[i];

		if (f->refused)
			continue;
		gen_put(o, "extern CW_HIDDEN const struct cg_fn fn_%s;\n", f->name);
		if (!f->hand_guest || gen_crosses(f))
			gen_put(o, "%s;\n",
				gen_wrap(gen_printf("CW_HIDDEN CUresult call_%s(%s)", f->name,
						    call_params(f))));
	}
	gen_put(o, "\n#endif\n");
}
