/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program and its libraries ask of CUDA, from their symbols.
 *
 * Only names that CUDA's libraries have count: cu and a capital for libcuda,
 * cuda and a capital or __cuda for libcudart. A name that some other library of
 * the program defines is that library's (cuFileOpen, for one).
 */
#include <errno.h>
#include <string.h>

#include "tools/api/api.h"
#include "tools/closure.h"
#include "tools/ct.h"

/* Names that some file defines, while the files are read. */
struct reader {
	struct needs *needs;
	struct ct_strv defined;
	const char *file;
};

static bool is_capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_cuda_name(const char *name)
{
	if (!strncmp(name, "__cuda", 6))
		return true;
	if (strncmp(name, "cu", 2))
		return false;
	return is_capital(name[2]) || (name[2] == 'd' && name[3] == 'a' && is_capital(name[4]));
}

/* libcuda and libcudart, ours or another's: what they need is their own affair. */
static bool is_cuda_library(const char *base)
{
	return !strncmp(base, "libcuda.so", 10) || !strncmp(base, "libcudart.so", 12);
}

/* A name without a node is libcuda's; with one it has to be of that node. */
static const struct api_answer *find_answer(const char *name, const char *version)
{
	for (unsigned int i = 0; i < api_answers_count; i++) {
		if (!strcmp(api_answers[i].symbol, name))
			return &api_answers[i];
	}
	for (unsigned int i = 0; i < cudart_answers_count; i++) {
		const struct api_answer *a = &cudart_answers[i];

		if (!strcmp(a->symbol, name) && (!version || !strcmp(a->node, version)))
			return a;
	}
	return NULL;
}

static bool needs_has(const struct needs *needs, const struct ct_elf_symbol *sym)
{
	for (size_t i = 0; i < needs->n; i++) {
		const char *version = needs->need[i].version;

		if (!strcmp(needs->need[i].name, sym->name) &&
		    !strcmp(version ? version : "", sym->version ? sym->version : ""))
			return true;
	}
	return false;
}

static int needs_add(struct needs *needs, const struct ct_elf_symbol *sym, const char *file)
{
	struct need *grown;

	if (needs_has(needs, sym))
		return 0;
	grown = realloc(needs->need, (needs->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	needs->need = grown;
	grown[needs->n++] = (struct need){
		.name = strdup(sym->name),
		.version = sym->version ? strdup(sym->version) : NULL,
		.file = strdup(file),
		.answer = find_answer(sym->name, sym->version),
	};
	return 0;
}

static int read_symbol(void *ctx, const struct ct_elf_symbol *sym)
{
	struct reader *r = ctx;

	if (!is_cuda_name(sym->name))
		return 0;
	if (sym->defined)
		return ct_strv_add(&r->defined, sym->name);
	return needs_add(r->needs, sym, r->file);
}

/* Whether a file has libcudart inside: its texts and libcuda's name. */
static bool has_runtime(const struct ct_elf *elf)
{
	static const char error[] = "cudaErrorCudartUnloading", driver[] = "libcuda.so.1";

	return memmem(elf->map, elf->map_len, error, sizeof(error)) &&
	       memmem(elf->map, elf->map_len, driver, sizeof(driver));
}

static int read_file(struct reader *r, const char *path)
{
	struct needs *needs = r->needs;
	struct ct_elf elf;
	int err;

	r->file = strrchr(path, '/') + 1;
	if (is_cuda_library(r->file) || ct_elf_open(&elf, path))
		return 0;
	err = ct_elf_symbols(&elf, read_symbol, r);
	for (size_t i = 0; i < elf.n_needed && !needs->shared; i++) {
		if (!strncmp(elf.needed[i], "libcudart.so", 12))
			needs->shared = strdup(elf.needed[i]);
	}
	if (!err && has_runtime(&elf))
		err = ct_strv_add(&needs->runtimes, r->file);
	ct_elf_close(&elf);
	return err;
}

static void need_free(struct need *need)
{
	free(need->name);
	free(need->version);
	free(need->file);
}

static int compare_needs(const void *a, const void *b)
{
	return strcmp(((const struct need *)a)->name, ((const struct need *)b)->name);
}

/* Leaves out what other libraries have, and sorts the rest. */
static void needs_settle(struct needs *needs, const struct ct_strv *defined)
{
	size_t kept = 0;

	for (size_t i = 0; i < needs->n; i++) {
		if (!needs->need[i].answer && ct_strv_has(defined, needs->need[i].name))
			need_free(&needs->need[i]);
		else
			needs->need[kept++] = needs->need[i];
	}
	needs->n = kept;
	if (kept)
		qsort(needs->need, kept, sizeof(*needs->need), compare_needs);
}

int needs_read(struct needs *needs, const char *program)
{
	struct reader r = { .needs = needs };
	struct ct_closure set = { 0 };
	int err;

	*needs = (struct needs){ .program = program };
	err = ct_closure_add(&set, program, getenv("LD_LIBRARY_PATH"));
	for (size_t i = 0; i < set.files.n && !err; i++)
		err = read_file(&r, set.files.s[i]);
	if (err)
		ct_error("cannot read '%s': %s", program,
			 err == -ENOEXEC ? "not a 64-bit program" : strerror(-err));
	else
		needs_settle(needs, &r.defined);
	needs->missing = set.missing;
	set.missing = (struct ct_strv){ 0 };
	ct_closure_free(&set);
	ct_strv_free(&r.defined);
	return err;
}

size_t needs_lacking(const struct needs *needs)
{
	size_t n = needs->missing.n;

	for (size_t i = 0; i < needs->n; i++)
		n += !needs->need[i].answer || needs->need[i].answer->refused;
	for (size_t i = 0; i < needs->n_called; i++) {
		const struct called *c = &needs->called[i];

		n += !c->answer || c->answer->refused || c->unsupported;
	}
	return n;
}

void needs_free(struct needs *needs)
{
	for (size_t i = 0; i < needs->n; i++)
		need_free(&needs->need[i]);
	for (size_t i = 0; i < needs->n_called; i++)
		free(needs->called[i].name);
	free(needs->need);
	free(needs->called);
	free(needs->shared);
	ct_strv_free(&needs->runtimes);
	ct_strv_free(&needs->missing);
	*needs = (struct needs){ 0 };
}
