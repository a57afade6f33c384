/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of a module. A chained hash over all texts; a name may occur once per
 * text, and visible names tie the texts together.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "softgpu/ptx/module_priv.h"

void sg_log_error(struct sg_log *log, uint32_t line, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (log->failed)
		return;
	log->failed = true;
	if (!log->buf || !log->size)
		return;
	n = snprintf(log->buf, log->size, SG_MESSAGE, line);
	if (n < 0 || (size_t)n >= log->size)
		return;
	va_start(ap, fmt);
	vsnprintf(log->buf + n, log->size - n, fmt, ap);
	va_end(ap);
}

/* FNV-1a */
static uint32_t symbol_hash(const char *s, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h;
}

static bool symbol_rehash(struct sg_module *m)
{
	uint32_t n = m->nbuckets ? m->nbuckets * 4 : 256;
	uint32_t *b = calloc(n, sizeof(*b));

	if (!b)
		return false;
	free(m->buckets);
	m->buckets = b;
	m->nbuckets = n;
	for (uint32_t i = 0; i < m->nsymbols; i++) {
		struct sg_symbol *s = &m->symbols[i];
		uint32_t h = symbol_hash(s->name, strlen(s->name)) & (n - 1);

		s->next = b[h];
		b[h] = i + 1;
	}
	return true;
}

/* How good a symbol is as the meaning of a name used in @unit; 0 = not at all. */
static int symbol_rank(const struct sg_symbol *s, uint32_t unit)
{
	if (s->unit == unit)
		return s->external ? 1 : 4;
	if (!s->visible || s->external)
		return 0;
	return s->weak ? 2 : 3;
}

static struct sg_symbol *symbol_lookup(const struct sg_module *m, uint32_t unit, const char *name,
				       size_t len)
{
	struct sg_symbol *best = NULL;
	int best_rank = 0;
	uint32_t i;

	if (!m->nbuckets)
		return NULL;
	for (i = m->buckets[symbol_hash(name, len) & (m->nbuckets - 1)]; i;
	     i = m->symbols[i - 1].next) {
		struct sg_symbol *s = &m->symbols[i - 1];
		int rank;

		if (strlen(s->name) != len || memcmp(s->name, name, len))
			continue;
		rank = symbol_rank(s, unit);
		if (rank > best_rank) {
			best = s;
			best_rank = rank;
		}
	}
	return best;
}

struct sg_symbol *sg_symbol_find(const struct sg_module *m, uint32_t unit, const char *name,
				 size_t len)
{
	struct sg_symbol *s = symbol_lookup(m, unit, name, len);

	/* A chain of aliases longer than this is a cycle. */
	for (int hops = 0; s && s->kind == SG_SYM_ALIAS; hops++) {
		if (hops == 8)
			return NULL;
		s = symbol_lookup(m, s->unit, s->alias_of, strlen(s->alias_of));
	}
	return s;
}

static struct sg_symbol *symbol_in_unit(struct sg_module *m, uint32_t unit, const char *name)
{
	uint32_t h = symbol_hash(name, strlen(name));

	for (uint32_t i = m->nbuckets ? m->buckets[h & (m->nbuckets - 1)] : 0; i;
	     i = m->symbols[i - 1].next) {
		struct sg_symbol *s = &m->symbols[i - 1];

		if (s->unit == unit && !strcmp(s->name, name))
			return s;
	}
	return NULL;
}

static bool symbol_is_declaration(const struct sg_symbol *s)
{
	return s->external || ((s->kind == SG_SYM_FUNC || s->kind == SG_SYM_ENTRY) && !s->body.p);
}

/* A second mention of a name in one text: fine if at most one defines it. */
static struct sg_symbol *symbol_merge(struct sg_symbol *old, const struct sg_symbol *proto,
				      struct sg_log *log)
{
	struct sg_entry *entry = old->entry;
	char *name = old->name;
	uint32_t next = old->next;

	if (symbol_is_declaration(proto)) {
		free(proto->sig.formals);
		free(proto->sig.places);
		return old;
	}
	if (!symbol_is_declaration(old)) {
		sg_log_error(log, proto->line, "%s is defined twice", old->name);
		free(proto->sig.formals);
		free(proto->sig.places);
		return NULL;
	}
	free(old->sig.formals);
	free(old->sig.places);
	*old = *proto;
	old->name = name;
	old->next = next;
	old->entry = entry;
	return old;
}

/**
 * sg_symbol_add() - Enter a name of a text
 * @m:		module
 * @proto:	all but the name; its signature belongs to the module afterwards,
 *		also on failure
 * @name:	the name as a token
 * @log:	for messages
 *
 * Return: the symbol, valid until the next one is added; NULL with a message.
 */
struct sg_symbol *sg_symbol_add(struct sg_module *m, const struct sg_symbol *proto,
				const struct sg_tok *name, struct sg_log *log)
{
	char *copy = strndup(name->s, name->len);
	struct sg_symbol *s = copy ? symbol_in_unit(m, proto->unit, copy) : NULL;
	uint32_t h;

	if (s) {
		free(copy);
		return symbol_merge(s, proto, log);
	}
	if (copy && m->nsymbols == m->symbols_cap) {
		uint32_t cap = m->symbols_cap ? m->symbols_cap * 2 : 64;
		struct sg_symbol *bigger = realloc(m->symbols, cap * sizeof(*bigger));

		if (bigger) {
			m->symbols = bigger;
			m->symbols_cap = cap;
		}
	}
	if (copy && (m->nsymbols < m->nbuckets || symbol_rehash(m)) &&
	    m->nsymbols < m->symbols_cap) {
		s = &m->symbols[m->nsymbols];
		*s = *proto;
		s->name = copy;
		h = symbol_hash(copy, name->len) & (m->nbuckets - 1);
		s->next = m->buckets[h];
		m->buckets[h] = ++m->nsymbols;
		return s;
	}
	free(copy);
	free(proto->sig.formals);
	free(proto->sig.places);
	sg_log_error(log, proto->line, "out of memory");
	return NULL;
}

/* Two texts may not both define a visible name, unless one is weak. */
int sg_module_check_duplicates(struct sg_module *m, struct sg_log *log)
{
	for (uint32_t i = 0; m->ntexts > 1 && i < m->nsymbols; i++) {
		struct sg_symbol *s = &m->symbols[i];

		if (!s->visible || s->weak || symbol_is_declaration(s))
			continue;
		for (uint32_t k = s->next; k; k = m->symbols[k - 1].next) {
			struct sg_symbol *o = &m->symbols[k - 1];

			if (o->visible && !o->weak && !symbol_is_declaration(o) &&
			    !strcmp(o->name, s->name)) {
				sg_log_error(log, s->line, "%s is defined by two texts", s->name);
				return -EEXIST;
			}
		}
	}
	return 0;
}
