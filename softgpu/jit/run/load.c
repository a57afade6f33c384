/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relocatable ELF object into memory that may be executed.
 *
 * Compiled code calls through sg_jit_ctx, so what is to be linked is little:
 * constants next to the code, and a few functions of the C library that LLVM
 * calls on its own. One anonymous mapping, written, then made executable; no
 * file is ever mapped for execution. The object is checked like any input: it
 * may come from a file.
 */
#include <elf.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "softgpu/jit/run/unit.h"

#define LOAD_MAX_SECTIONS 256
/* Room for the jump to one function: jmp *[rip + 0]; address. */
#define LOAD_STUB 16

static const struct load_symbol {
	const char *name;
	void *addr;
} load_symbols[] = {
	{ "memcpy", memcpy },	{ "memmove", memmove }, { "memset", memset },
	{ "fma", fma },		{ "fmaf", fmaf },	{ "floor", floor },
	{ "floorf", floorf },	{ "ceil", ceil },	{ "ceilf", ceilf },
	{ "trunc", trunc },	{ "truncf", truncf },	{ "rint", rint },
	{ "rintf", rintf },	{ "nearbyint", nearbyint }, { "nearbyintf", nearbyintf },
	{ "roundeven", roundeven }, { "roundevenf", roundevenf },
};

struct load {
	const uint8_t *p;
	size_t size;
	const Elf64_Ehdr *eh;
	const Elf64_Shdr *sh;
	uint32_t n;
	const Elf64_Sym *sym;
	size_t nsym;
	const char *str;
	size_t str_size;
	uint8_t *text;
	size_t text_size, stubs_at, nstubs;
	size_t at[LOAD_MAX_SECTIONS];	/* in the mapping; 0: not loaded */
	char *reason;
	size_t reason_size;
};

static bool load_fail(struct load *l, const char *what)
{
	snprintf(l->reason, l->reason_size, "object: %s", what);
	return false;
}

static bool load_wanted(const Elf64_Shdr *s, const char *name)
{
	return (s->sh_flags & SHF_ALLOC) && s->sh_size && strcmp(name, ".eh_frame");
}

static const char *load_string(const struct load *l, const char *table, size_t size, size_t at)
{
	return at < size && memchr(table + at, 0, size - at) ? table + at : NULL;
}

/* Bounds of header and tables; everything after may trust them. */
static bool load_headers(struct load *l)
{
	const Elf64_Ehdr *e = (const void *)l->p;
	const Elf64_Shdr *s;

	if (l->size < sizeof(*e) || memcmp(e->e_ident, ELFMAG, SELFMAG) ||
	    e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_type != ET_REL ||
	    e->e_machine != EM_X86_64 || e->e_shentsize != sizeof(Elf64_Shdr) ||
	    e->e_shnum > LOAD_MAX_SECTIONS || e->e_shoff % 8 ||
	    !cw_range_ok(e->e_shoff, (uint64_t)e->e_shnum * sizeof(*s), l->size) ||
	    e->e_shstrndx >= e->e_shnum)
		return load_fail(l, "not one of ours");
	l->eh = e;
	l->sh = (const void *)(l->p + e->e_shoff);
	l->n = e->e_shnum;
	for (uint32_t i = 0; i < l->n; i++) {
		s = &l->sh[i];
		if (s->sh_type != SHT_NOBITS && s->sh_type != SHT_NULL &&
		    (!cw_range_ok(s->sh_offset, s->sh_size, l->size) || s->sh_addralign > 4096))
			return load_fail(l, "bad section");
		if (s->sh_type != SHT_SYMTAB)
			continue;
		if (s->sh_link >= l->n || s->sh_offset % 8)
			return load_fail(l, "bad symbols");
		l->sym = (const void *)(l->p + s->sh_offset);
		l->nsym = s->sh_size / sizeof(*l->sym);
		l->str = (const char *)l->p + l->sh[s->sh_link].sh_offset;
		l->str_size = l->sh[s->sh_link].sh_size;
	}
	return l->nsym || load_fail(l, "no symbols");
}

/* Give each section its place, copy it. */
static bool load_sections(struct load *l)
{
	const Elf64_Shdr *names = &l->sh[l->eh->e_shstrndx];
	const char *table = (const char *)l->p + names->sh_offset;
	size_t at = 64;

	for (uint32_t i = 0; i < l->n; i++) {
		const Elf64_Shdr *s = &l->sh[i];
		const char *name = load_string(l, table, names->sh_size, s->sh_name);

		if (!name || !load_wanted(s, name))
			continue;
		if (s->sh_type == SHT_NOBITS || (s->sh_flags & SHF_WRITE))
			return load_fail(l, "it has variables");
		at = cw_align_up(at, cw_max(s->sh_addralign, (uint64_t)16));
		l->at[i] = at;
		at += s->sh_size;
	}
	l->stubs_at = cw_align_up(at, 16);
	l->text_size = cw_align_up(l->stubs_at + LOAD_STUB * CW_ARRAY_SIZE(load_symbols), 4096);
	l->text = mmap(NULL, l->text_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	if (l->text == MAP_FAILED) {
		l->text = NULL;
		return load_fail(l, "no memory");
	}
	for (uint32_t i = 0; i < l->n; i++) {
		if (l->at[i])
			memcpy(l->text + l->at[i], l->p + l->sh[i].sh_offset, l->sh[i].sh_size);
	}
	return true;
}

/* Address of a stub that jumps to a function; its second half is a GOT entry. */
static uint8_t *load_stub(struct load *l, const char *name)
{
	static const uint8_t jump[6] = { 0xff, 0x25, 2, 0, 0, 0 };

	for (size_t i = 0; name && i < CW_ARRAY_SIZE(load_symbols); i++) {
		uint8_t *stub = l->text + l->stubs_at + i * LOAD_STUB;

		if (strcmp(name, load_symbols[i].name))
			continue;
		memcpy(stub, jump, sizeof(jump));
		memcpy(stub + 8, &load_symbols[i].addr, 8);
		return stub;
	}
	return NULL;
}

static uint8_t *load_symbol(struct load *l, size_t i)
{
	const Elf64_Sym *s = &l->sym[i];
	const char *name = load_string(l, l->str, l->str_size, s->st_name);

	if (i >= l->nsym)
		return NULL;
	if (s->st_shndx == SHN_UNDEF)
		return load_stub(l, name);
	if (s->st_shndx >= l->n || !l->at[s->st_shndx] ||
	    s->st_value > l->sh[s->st_shndx].sh_size)
		return NULL;
	return l->text + l->at[s->st_shndx] + s->st_value;
}

static bool load_reloc(struct load *l, uint32_t section, const Elf64_Rela *r)
{
	size_t i = ELF64_R_SYM(r->r_info), room = l->sh[section].sh_size;
	uint32_t type = ELF64_R_TYPE(r->r_info);
	uint8_t *at = l->text + l->at[section] + r->r_offset, *to;
	int64_t value;
	int32_t v32;

	if (i >= l->nsym || !cw_range_ok(r->r_offset, type == R_X86_64_64 ? 8 : 4, room))
		return load_fail(l, "bad relocation");
	to = load_symbol(l, i);
	if (!to) {
		const char *name = load_string(l, l->str, l->str_size, l->sym[i].st_name);

		snprintf(l->reason, l->reason_size, "object: needs %.60s", name ? name : "?");
		return false;
	}
	value = (int64_t)(uintptr_t)to + r->r_addend;
	switch (type) {
	case R_X86_64_64:
		memcpy(at, &value, 8);
		return true;
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
		/* The address is in the second half of the function's stub. */
		if (l->sym[i].st_shndx != SHN_UNDEF)
			return load_fail(l, "unexpected GOT");
		value += 8;
		break;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		break;
	default:
		return load_fail(l, "unknown relocation");
	}
	value -= (int64_t)(uintptr_t)at;
	v32 = (int32_t)value;
	if (v32 != value)
		return load_fail(l, "too far");
	memcpy(at, &v32, 4);
	return true;
}

static bool load_relocate(struct load *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const Elf64_Shdr *s = &l->sh[i];
		const Elf64_Rela *r = (const void *)(l->p + s->sh_offset);

		if (s->sh_type != SHT_RELA || s->sh_info >= l->n || !l->at[s->sh_info])
			continue;
		if (s->sh_offset % 8)
			return load_fail(l, "bad relocation");
		for (size_t k = 0; k < s->sh_size / sizeof(*r); k++) {
			if (!load_reloc(l, s->sh_info, &r[k]))
				return false;
		}
	}
	return true;
}

static sg_jit_fn *load_entry(struct load *l)
{
	for (size_t i = 0; i < l->nsym; i++) {
		const char *name = load_string(l, l->str, l->str_size, l->sym[i].st_name);

		if (name && !strcmp(name, "sg_kernel") && l->sym[i].st_shndx != SHN_UNDEF)
			return (sg_jit_fn *)(uintptr_t)load_symbol(l, i);
	}
	load_fail(l, "no entry");
	return NULL;
}

/**
 * sg_jit_load() - Make an image ready to run
 * @im:		image whose header has been checked
 * @code:	gets @fn and @text
 * @reason:	why not
 * @size:	bytes of @reason
 *
 * Return: 0 or -ENOEXEC.
 */
int sg_jit_load(struct sg_jit_image *im, struct sg_jit_code *code, char *reason, size_t size)
{
	struct load l = {
		.p = sg_jit_object(im), .size = im->object_bytes,
		.reason = reason, .reason_size = size,
	};

	if (load_headers(&l) && load_sections(&l) && load_relocate(&l)) {
		code->fn = load_entry(&l);
		if (code->fn && !mprotect(l.text, l.text_size, PROT_READ | PROT_EXEC)) {
			code->text = l.text;
			code->text_bytes = l.text_size;
			return 0;
		}
		if (code->fn)
			load_fail(&l, "memory cannot be made executable");
	}
	if (l.text)
		munmap(l.text, l.text_size);
	return -ENOEXEC;
}

void sg_jit_unload(struct sg_jit_code *code)
{
	if (code->text)
		munmap(code->text, code->text_bytes);
}
