/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names inside a function. Scopes nest ({ } around calls and inline assembly);
 * names of an inner scope hide those of an outer one and end with it. Labels
 * may be used before they are defined, so uses are kept and resolved last.
 */
#include <stdlib.h>
#include <string.h>

#include "softgpu/ptx/parse.h"

void *sg_vec_push(struct sg_vec *v, size_t size)
{
	void *at;

	if (v->n == v->cap) {
		uint32_t cap = v->cap ? v->cap * 2 : 32;
		void *bigger = realloc(v->data, cap * size);

		if (!bigger)
			return NULL;
		v->data = bigger;
		v->cap = cap;
	}
	at = (char *)v->data + size * v->n++;
	memset(at, 0, size);
	return at;
}

bool sg_scope_open(struct sg_parse *ps)
{
	struct sg_scope_mark *mark = sg_vec_push(&ps->marks, sizeof(*mark));
	uint32_t *parent = sg_vec_push(&ps->parents, sizeof(*parent));

	if (!mark || !parent)
		return sg_parse_error(ps, "out of memory");
	*mark = (struct sg_scope_mark){ ps->names.n, ps->frame, ps->scope };
	*parent = ps->scope;
	ps->scope = ps->parents.n - 1;
	return true;
}

bool sg_scope_close(struct sg_parse *ps)
{
	const struct sg_scope_mark *mark;

	if (!ps->marks.n)
		return sg_parse_error(ps, "'}' without '{'");
	mark = (struct sg_scope_mark *)ps->marks.data + --ps->marks.n;
	ps->names.n = mark->names;
	ps->frame = mark->frame;
	ps->scope = mark->scope;
	return true;
}

/* Register number i of "name<n>" for the token "name" followed by i. */
static bool scope_in_range(const struct sg_name *n, const struct sg_tok *t, uint32_t *ret_reg)
{
	uint32_t i = 0;

	if (t->len <= n->len || t->len - n->len > 9 || memcmp(t->s, n->s, n->len))
		return false;
	if (t->s[n->len] == '0' && t->len - n->len > 1)
		return false;
	for (uint32_t k = n->len; k < t->len; k++) {
		if (t->s[k] < '0' || t->s[k] > '9')
			return false;
		i = i * 10 + (t->s[k] - '0');
	}
	if (i >= n->count)
		return false;
	*ret_reg = n->value + i;
	return true;
}

/**
 * sg_scope_find() - What a name means here
 * @ps:		parse
 * @t:		the name
 * @ret_reg:	the register, where it is one
 *
 * Return: the name's entry, NULL where the function knows none.
 */
const struct sg_name *sg_scope_find(struct sg_parse *ps, const struct sg_tok *t,
				    uint32_t *ret_reg)
{
	const struct sg_name *names = ps->names.data;

	for (uint32_t i = ps->names.n; i-- > 0;) {
		const struct sg_name *n = &names[i];

		if (n->kind == SG_NAME_REGS) {
			if (scope_in_range(n, t, ret_reg))
				return n;
			continue;
		}
		if (n->len != t->len || memcmp(n->s, t->s, t->len))
			continue;
		if (n->kind == SG_NAME_REG)
			*ret_reg = n->value;
		return n;
	}
	return NULL;
}

struct sg_name *sg_scope_add(struct sg_parse *ps, const char *s, uint32_t len,
			     enum sg_name_kind kind)
{
	struct sg_name *n = sg_vec_push(&ps->names, sizeof(*n));

	if (!n) {
		sg_parse_error(ps, "out of memory");
		return NULL;
	}
	n->s = s;
	n->len = len;
	n->kind = kind;
	return n;
}

bool sg_scope_label(struct sg_parse *ps, const struct sg_tok *t)
{
	struct sg_label *l = sg_vec_push(&ps->labels, sizeof(*l));

	if (!l)
		return sg_parse_error(ps, "out of memory");
	*l = (struct sg_label){ t->s, t->len, ps->scope, ps->f->ninsns };
	return true;
}

bool sg_scope_use_label(struct sg_parse *ps, const struct sg_tok *t, uint32_t slot)
{
	struct sg_label_use *u = sg_vec_push(&ps->uses, sizeof(*u));

	if (!u)
		return sg_parse_error(ps, "out of memory");
	*u = (struct sg_label_use){ t->s, t->len, t->line, ps->scope, ps->f->ninsns - 1, slot };
	return true;
}

static int scope_label_compare(const void *a, const void *b)
{
	const struct sg_label *x = a, *y = b;
	int c = memcmp(x->s, y->s, cw_min(x->len, y->len));

	if (c)
		return c;
	return x->len < y->len ? -1 : x->len > y->len;
}

/* The innermost label of that name in the scopes around the use. */
static const struct sg_label *scope_find_label(struct sg_parse *ps, const struct sg_label_use *u)
{
	const struct sg_label key = { .s = u->s, .len = u->len };
	const struct sg_label *first = ps->labels.data, *end, *l;
	const uint32_t *parents = ps->parents.data;

	if (!ps->labels.n)
		return NULL;
	end = first + ps->labels.n;
	l = bsearch(&key, first, ps->labels.n, sizeof(*l), scope_label_compare);
	if (!l)
		return NULL;
	while (l > first && !scope_label_compare(l - 1, &key))
		l--;
	first = l;
	for (uint32_t scope = u->scope;; scope = parents[scope]) {
		for (l = first; l < end && !scope_label_compare(l, &key); l++) {
			if (l->scope == scope)
				return l;
		}
		if (!scope)
			return NULL;
	}
}

bool sg_scope_resolve(struct sg_parse *ps)
{
	const struct sg_label_use *uses = ps->uses.data;

	if (ps->labels.n)
		qsort(ps->labels.data, ps->labels.n, sizeof(struct sg_label),
		      scope_label_compare);
	for (uint32_t i = 0; i < ps->uses.n; i++) {
		const struct sg_label *l = scope_find_label(ps, &uses[i]);
		struct sg_insn *in = &ps->f->insns[uses[i].insn];

		if (!l) {
			sg_log_error(ps->log, uses[i].line, "no label %.*s", (int)uses[i].len,
				     uses[i].s);
			return false;
		}
		if (uses[i].slot == UINT32_MAX)
			in->target = l->insn;
		else
			in->targets[uses[i].slot] = l->insn;
	}
	return true;
}

uint32_t sg_scope_frame(struct sg_parse *ps, uint64_t size, uint32_t align)
{
	uint64_t at = cw_align_up(ps->frame, align);

	if (size > SG_MAX_FRAME || at + size > SG_MAX_FRAME) {
		sg_parse_error(ps, "too much local memory");
		return UINT32_MAX;
	}
	ps->frame = at + size;
	/* Frames follow one another: keep each a multiple of 16. */
	ps->f->frame = cw_max(ps->f->frame, (uint32_t)cw_align_up(ps->frame, 16));
	return at;
}

uint32_t sg_scope_shared(struct sg_parse *ps, uint64_t size, uint32_t align)
{
	struct sg_prog *p = ps->link->prog;
	uint64_t at = cw_align_up(p->static_shared, align);

	if (size > SG_MAX_SHARED || at + size > SG_MAX_SHARED) {
		sg_parse_error(ps, "too much shared memory");
		return UINT32_MAX;
	}
	p->static_shared = at + size;
	return at;
}

void sg_scope_finish(struct sg_parse *ps)
{
	struct sg_target_list *lists = ps->lists.data;
	struct sg_signature *protos = ps->protos.data;

	for (uint32_t i = 0; i < ps->lists.n; i++)
		free(lists[i].words);
	for (uint32_t i = 0; i < ps->protos.n; i++) {
		free(protos[i].formals);
		free(protos[i].places);
	}
	free(ps->names.data);
	free(ps->labels.data);
	free(ps->uses.data);
	free(ps->parents.data);
	free(ps->marks.data);
	free(ps->lists.data);
	free(ps->protos.data);
}
