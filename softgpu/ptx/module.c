/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public face of a module: see softgpu/ir/module.h.
 */
#include "softgpu/ir/module.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "softgpu/ptx/module_priv.h"

static int module_add_text(struct sg_module *m, const struct sg_source *src, struct sg_log *log)
{
	uint32_t unit = m->ntexts;
	char *copy = malloc(src->len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, src->text, src->len);
	copy[src->len] = '\0';
	m->texts[m->ntexts++] = copy;
	return sg_module_index(m, unit, copy, src->len, log);
}

int sg_module_link(const struct sg_source *sources, size_t n, struct sg_module **ret_module,
		   char *log, size_t log_size)
{
	struct sg_log l = { .buf = log, .size = log_size };
	struct sg_module *m = calloc(1, sizeof(*m));
	int rc = 0;

	if (log && log_size)
		log[0] = '\0';
	if (m)
		m->texts = calloc(n, sizeof(*m->texts));
	if (!m || !m->texts) {
		free(m);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n && !rc; i++)
		rc = module_add_text(m, &sources[i], &l);
	if (!rc)
		rc = sg_module_check_duplicates(m, &l);
	if (rc) {
		sg_module_free(m);
		return rc;
	}
	*ret_module = m;
	return 0;
}

int sg_module_parse(const char *text, size_t len, struct sg_module **ret_module, char *log,
		    size_t log_size)
{
	const struct sg_source src = { text, len };

	return sg_module_link(&src, 1, ret_module, log, log_size);
}

void sg_module_free(struct sg_module *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->nentries; i++) {
		sg_prog_destroy(m->entries[i]->prog);
		pthread_mutex_destroy(&m->entries[i]->lock);
		free(m->entries[i]->prepare_log);
		free(m->entries[i]);
	}
	for (uint32_t i = 0; i < m->nsymbols; i++) {
		free(m->symbols[i].name);
		free(m->symbols[i].alias_of);
		free(m->symbols[i].sig.formals);
		free(m->symbols[i].sig.places);
	}
	for (size_t i = 0; i < m->ntexts; i++)
		free(m->texts[i]);
	free(m->texts);
	free(m->symbols);
	free(m->buckets);
	free(m->entries);
	free(m);
}

uint32_t sg_module_ptx_version(const struct sg_module *m)
{
	return m->version;
}

uint32_t sg_module_target(const struct sg_module *m)
{
	return m->target;
}

size_t sg_module_entry_count(const struct sg_module *m)
{
	return m->nentries;
}

struct sg_entry *sg_module_entry(const struct sg_module *m, size_t i)
{
	return m->entries[i];
}

struct sg_entry *sg_module_find_entry(const struct sg_module *m, const char *name)
{
	for (size_t unit = 0; unit < m->ntexts; unit++) {
		struct sg_symbol *s = sg_symbol_find(m, unit, name, strlen(name));

		if (s && s->entry)
			return s->entry;
	}
	return NULL;
}

const struct sg_entry_info *sg_entry_info(const struct sg_entry *e)
{
	return &e->info;
}

struct sg_module *sg_entry_module(const struct sg_entry *e)
{
	return e->module;
}

static void module_var_info(const struct sg_symbol *s, struct sg_var_info *info)
{
	*info = (struct sg_var_info){
		.name = s->name,
		.space = s->space,
		.size = s->decl.size,
		.align = s->decl.align,
		.addr = s->addr,
		.external = s->external,
		.managed = s->decl.managed,
	};
}

bool sg_module_next_var(const struct sg_module *m, size_t *at, struct sg_var_info *ret_info)
{
	while (*at < m->nsymbols) {
		const struct sg_symbol *s = &m->symbols[(*at)++];

		if (s->kind == SG_SYM_VAR) {
			module_var_info(s, ret_info);
			return true;
		}
	}
	return false;
}

int sg_module_find_var(const struct sg_module *m, const char *name, struct sg_var_info *ret_info)
{
	for (size_t unit = 0; unit < m->ntexts; unit++) {
		struct sg_symbol *s = sg_symbol_find(m, unit, name, strlen(name));

		if (!s || s->kind != SG_SYM_VAR)
			continue;
		module_var_info(s, ret_info);
		return 0;
	}
	return -ENOENT;
}

/* An .extern function that resolves to nothing with a body and is no builtin. */
static bool module_is_undefined(const struct sg_module *m, uint32_t i)
{
	const struct sg_symbol *s = &m->symbols[i];
	const struct sg_symbol *d;

	if (s->kind != SG_SYM_FUNC || !s->external)
		return false;
	d = sg_symbol_find(m, s->unit, s->name, strlen(s->name));
	return d == s && !s->builtin;
}

size_t sg_module_undefined_count(const struct sg_module *m)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->nsymbols; i++)
		n += module_is_undefined(m, i);
	return n;
}

const char *sg_module_undefined(const struct sg_module *m, size_t i)
{
	for (uint32_t k = 0; k < m->nsymbols; k++) {
		if (module_is_undefined(m, k) && !i--)
			return m->symbols[k].name;
	}
	return NULL;
}

int sg_entry_prepare(struct sg_entry *e, char *log, size_t log_size)
{
	char text[1024] = "";
	struct sg_log l = { .buf = text, .size = sizeof(text) };
	int rc;

	if (log && log_size)
		log[0] = '\0';
	pthread_mutex_lock(&e->lock);
	if (!e->prepared) {
		e->prog = sg_prog_parse(e, &l, &e->prepare_rc);
		if (e->prog)
			e->prepare_rc = sg_prog_lower(e->prog, text, sizeof(text));
		e->prepare_log = text[0] ? strdup(text) : NULL;
		e->prepared = true;
	}
	rc = e->prepare_rc;
	pthread_mutex_unlock(&e->lock);
	if (rc && log && log_size)
		snprintf(log, log_size, "%s", e->prepare_log ? e->prepare_log : "");
	return rc;
}

/* A guess for cuFuncGetAttribute: virtual registers are many, live ones few. */
static uint32_t entry_regs(const struct sg_prog *p)
{
	uint32_t n = p->funcs[0]->nregs / 4 + 16;

	return cw_min(n, 255u);
}

const struct sg_prog *sg_entry_prog(const struct sg_entry *e)
{
	return e->prog;
}

void sg_entry_usage(const struct sg_entry *e, struct sg_entry_usage *ret_usage)
{
	const uint32_t *max = e->info.reqntid[0] ? e->info.reqntid : e->info.maxntid;
	uint64_t threads = max[0] ? (uint64_t)max[0] * max[1] * max[2] : 1024;

	*ret_usage = (struct sg_entry_usage){
		.static_shared = e->prog->static_shared,
		.local_bytes = e->prog->local_bytes,
		.const_bytes = e->module->const_bytes,
		.regs = entry_regs(e->prog),
		.max_threads = cw_min(threads, (uint64_t)1024),
	};
}
