/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the emitters share.
 */
#include "gen/emit.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

void gen_put(struct gen_out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(o->f, fmt, ap);
	va_end(ap);
}

void gen_put_head(struct gen_out *o, const char *what)
{
	gen_put(o,
		"/* SPDX-License-Identifier: Apache-2.0 */\n"
		"/* %s Generated from api/ by cwgen. */\n",
		what);
}

bool gen_in_family(const struct gen_out *o, const struct gen_func *f)
{
	return !o->family || !strcmp(o->family, f->family);
}

char *gen_param_list(const struct gen_func *f)
{
	char *s = f->nparams ? "" : "void";

	for (int i = 0; i < f->nparams; i++)
		s = gen_printf("%s%s%s", s, i ? ", " : "", f->param[i].decl);
	return s;
}

char *gen_arg_list(const struct gen_func *f)
{
	char *s = "";

	for (int i = 0; i < f->nparams; i++)
		s = gen_printf("%s%s%s", s, i ? ", " : "", f->param[i].name);
	return s;
}

char *gen_elem_type(const struct gen_param *p)
{
	char *s = gen_strdup(p->base);

	for (int i = 1; i < p->stars; i++)
		s = gen_printf("%s%s*", s, i > 1 ? "" : " ");
	return s;
}

/* Kind of what the pointer points to; a pointer itself counts as a word. */
static bool elem_is(const struct gen_param *p, enum gen_type_kind kind)
{
	return p->type && p->stars <= 1 && p->type->kind == kind && !p->address;
}

bool gen_elem_handle(const struct gen_param *p)
{
	return elem_is(p, GEN_HANDLE);
}

bool gen_elem_pod(const struct gen_param *p)
{
	return elem_is(p, GEN_POD);
}

bool gen_elem_struct(const struct gen_param *p)
{
	return elem_is(p, GEN_STRUCT);
}

char *gen_handle_enum(const struct gen_type *type)
{
	char *s = gen_printf("CW_H_%s", type->handle);

	for (char *c = s; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return s;
}

int gen_pass(const struct gen_param *p)
{
	if (p->form == GEN_F_VALUE)
		return 0;
	if (p->form == GEN_F_ONE)
		return 1;
	return p->form == GEN_F_IMAGE ? 3 : 2;
}

/* Column after @c at column @at. */
static int advance(int at, char c)
{
	if (c == '\n')
		return 0;
	return c == '\t' ? (at / 8 + 1) * 8 : at + 1;
}

char *gen_wrap(const char *text)
{
	char *out = gen_alloc(strlen(text) * 2 + 16), *to = out;
	int at = 0;

	for (const char *p = text; *p; p++) {
		*to++ = *p;
		at = advance(at, *p);
		/* Past a comma: would the next piece still fit? */
		if (*p == ' ' && p > text && p[-1] == ',' && at + (int)strcspn(p + 1, ",)") > 92) {
			to[-1] = '\n';
			to = stpcpy(to, "\t\t");
			at = 16;
		}
	}
	return out;
}
