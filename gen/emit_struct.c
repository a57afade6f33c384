/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoders and decoders of structures that are described field by field.
 *
 * Theory of operation: a structure travels as its fields, in the order of the
 * description; of a union only the part that the discriminating member names.
 * A value of that member which is not described ends the call: it is never
 * copied blind. The two sides differ in handles alone: the guest sends the
 * value, the worker puts its own object in place.
 */
#include <string.h>

#include "gen/emit.h"

enum {
	GUEST_PUT,
	GUEST_GET,
	WORKER_PUT,
	WORKER_GET
};

/* @expr with every @ replaced by "s". */
static char *of_struct(const char *expr)
{
	char *s = gen_strdup(expr);

	for (char *p = s; (p = strchr(p, '@'));)
		*p = 's';
	return s;
}

static void put_handle(struct gen_out *o, const struct gen_type *t, const char *at, int how)
{
	switch (how) {
	case GUEST_PUT:
		gen_put(o, "\tcw_enc_u64(e, (uintptr_t)%s);\n", at);
		break;
	case GUEST_GET:
		gen_put(o, "\t%s = (%s)(uintptr_t)cw_dec_u64(d);\n", at, t->name);
		break;
	case WORKER_PUT:
		gen_put(o, "\tcw_enc_u64(e, ws_handle(t, %s, (uintptr_t)%s));\n",
			gen_handle_enum(t), at);
		break;
	default:
		gen_put(o,
			"\tif (!wk_handle_in(t, %s, cw_dec_u64(d), &host))\n"
			"\t\treturn wk_bad_handle(%s);\n\t%s = (%s)(uintptr_t)host;\n",
			gen_handle_enum(t), gen_handle_enum(t), at, t->name);
	}
}

static void put_nested(struct gen_out *o, const struct gen_type *t, const char *at, int how)
{
	const char *verb = how == GUEST_PUT || how == WORKER_PUT ? "put" : "get";
	const char *coder = how == GUEST_PUT || how == WORKER_PUT ? "e" : "d";

	if (how <= GUEST_GET)
		gen_put(o, "\tif (!gs_%s_%s(%s, &%s))\n\t\treturn false;\n", verb, t->name, coder,
			at);
	else
		gen_put(o, "\tr = ws_%s_%s(t, %s, &%s);\n\tif (r)\n\t\treturn r;\n", verb, t->name,
			coder, at);
}

static void put_value(struct gen_out *o, const struct gen_type *t, const char *at, int how)
{
	bool put = how == GUEST_PUT || how == WORKER_PUT;

	switch (t->kind) {
	case GEN_SCALAR:
		if (put)
			gen_put(o, "\tcw_enc_u64(e, (uint64_t)%s);\n", at);
		else
			gen_put(o, "\t%s = (%s)cw_dec_u64(d);\n", at, t->name);
		break;
	case GEN_HANDLE:
		put_handle(o, t, at, how);
		break;
	case GEN_STRUCT:
		put_nested(o, t, at, how);
		break;
	default:
		gen_put(o,
			put ? "\tcw_enc_bytes(e, &%s, sizeof(%s));\n"
			    : "\tcw_dec_fixed(d, &%s, sizeof(%s));\n",
			at, at);
	}
}

static void put_array(struct gen_out *o, const struct gen_field *f, int how)
{
	char *n = of_struct(f->count);

	if (how == GUEST_PUT)
		gen_put(o, "\tif (%s > API_ELEMS_MAX || (%s && !s->%s))\n\t\treturn false;\n", n, n,
			f->path);
	else
		gen_put(o,
			"\tif (%s > API_ELEMS_MAX) {\n\t\td->fatal = true;\n"
			"\t\treturn CUDA_ERROR_INVALID_VALUE;\n\t}\n"
			"\tif (%s)\n\t\ts->%s = wk_temp(t, %s * sizeof(*s->%s));\n"
			"\tif (%s && !s->%s)\n\t\treturn CUDA_ERROR_OUT_OF_MEMORY;\n",
			n, n, f->path, n, f->path, n, f->path);
	gen_put(o, "\tfor (size_t i = 0; i < %s; i++) {\n", n);
	put_value(o, f->type, gen_printf("s->%s[i]", f->path), how);
	gen_put(o, "\t}\n");
}

/* The switch over a union's discriminating member: one part, or its end. */
static void put_case(struct gen_out *o, const struct gen_field *f, const char **open, int how)
{
	const char *key = f ? f->key : NULL;

	if (*open && (!key || strcmp(*open, key))) {
		gen_put(o, "\tbreak;\n\tdefault:\n\t\treturn %s;\n\t}\n",
			how <= GUEST_GET ? "false" : "CUDA_ERROR_NOT_SUPPORTED");
		*open = NULL;
	}
	if (!key || f->type)
		return;
	if (*open)
		gen_put(o, "\tbreak;\n");
	else
		gen_put(o, "\tswitch (s->%s) {\n", key);
	*open = key;
	for (int i = 0; i < f->ncases; i++)
		gen_put(o, "\tcase %s:\n", f->cases[i]);
}

static bool has_kind(const struct gen_type *t, enum gen_type_kind kind)
{
	for (int i = 0; i < t->nfields; i++) {
		if (t->field[i].type && t->field[i].type->kind == kind)
			return true;
	}
	return false;
}

static char *signature(const struct gen_type *t, int how)
{
	static const char *const heads[] = { "bool gs_put_", "bool gs_get_", "CUresult ws_put_",
					     "CUresult ws_get_" };
	bool put = how == GUEST_PUT || how == WORKER_PUT;

	return gen_printf("%s%s(%s%s, %s%s *s)", heads[how], t->name,
			  how >= WORKER_PUT ? "struct wk_thread *t, " : "",
			  put ? "struct cw_enc *e" : "struct cw_dec *d", put ? "const " : "",
			  t->name);
}

static void put_codec(struct gen_out *o, const struct gen_type *t, int how)
{
	const char *open = NULL;

	gen_put(o, "\n%s\n{\n", signature(t, how));
	if (how == WORKER_GET && has_kind(t, GEN_HANDLE))
		gen_put(o, "\tvoid *host;\n");
	if (how >= WORKER_PUT && has_kind(t, GEN_STRUCT))
		gen_put(o, "\tCUresult r;\n");
	if (how == GUEST_GET || how == WORKER_GET)
		gen_put(o, "\tmemset(s, 0, sizeof(*s));\n");
	for (int i = 0; i < t->nfields; i++) {
		const struct gen_field *f = &t->field[i];

		put_case(o, f, &open, how);
		if (f->count)
			put_array(o, f, how);
		else if (f->type)
			put_value(o, f->type, gen_printf("s->%s", f->path), how);
	}
	put_case(o, NULL, &open, how);
	gen_put(o, "\treturn %s;\n}\n", how <= GUEST_GET ? "true" : "CUDA_SUCCESS");
}

static void put_all(struct gen_out *o, int put, int get, bool bodies)
{
	for (int i = 0; i < o->api->ntypes; i++) {
		const struct gen_type *t = &o->api->type[i];
		int back = put == GUEST_PUT ? get : put;

		if (t->kind != GEN_STRUCT)
			continue;
		for (int how = put; how <= get; how++) {
			if (how == back && gen_has_array(t))
				continue;
			if (bodies)
				put_codec(o, t, how);
			else
				gen_put(o, "%s;\n", signature(t, how));
		}
	}
}

void gen_emit_guest_structs_h(struct gen_out *o)
{
	gen_put_head(o, "Structures on the wire, guest side.");
	gen_put(o,
		"#ifndef API_GUEST_STRUCTS_H\n#define API_GUEST_STRUCTS_H\n\n"
		"#include \"cw/cuda.h\"\n#include \"wire/codec.h\"\n\n"
		"/* False: holds something that is not described; the call is not supported. */\n");
	put_all(o, GUEST_PUT, GUEST_GET, false);
	gen_put(o, "\n#endif\n");
}

void gen_emit_guest_structs_c(struct gen_out *o)
{
	gen_put_head(o, "Structures on the wire, guest side.");
	gen_put(o, "#include \"api/guest_structs.h\"\n#include \"api/limits.h\"\n");
	put_all(o, GUEST_PUT, GUEST_GET, true);
}

void gen_emit_worker_structs_h(struct gen_out *o)
{
	gen_put_head(o, "Structures on the wire, worker side.");
	gen_put(o,
		"#ifndef API_WORKER_STRUCTS_H\n#define API_WORKER_STRUCTS_H\n\n"
		"#include \"worker/wk.h\"\n\n"
		"static inline uint64_t ws_handle(struct wk_thread *t, enum cw_handle_type type,\n"
		"\t\t\t\t uintptr_t host)\n{\n"
		"\treturn host ? wk_handle_out(t, type, (void *)host) : 0;\n}\n\n"
		"/* Other than success is the answer of the call; check the decoder as well. */\n");
	put_all(o, WORKER_PUT, WORKER_GET, false);
	gen_put(o, "\n#endif\n");
}

void gen_emit_worker_structs_c(struct gen_out *o)
{
	gen_put_head(o, "Structures on the wire, worker side.");
	gen_put(o, "#include \"api/worker_structs.h\"\n#include \"api/limits.h\"\n");
	put_all(o, WORKER_PUT, WORKER_GET, true);
}
