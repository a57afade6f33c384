/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads from an ELF file what it needs to run. The file is mapped and every
 * offset in it is checked, for it may be anything.
 */
#include "tools/closure.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const void *elf_at(const struct ct_elf *elf, uint64_t off, uint64_t len)
{
	return cw_range_ok(off, len, elf->map_len) ? (const char *)elf->map + off : NULL;
}

/* A string at @off that ends inside the file, or NULL. */
static const char *elf_string(const struct ct_elf *elf, uint64_t off)
{
	const char *s = elf_at(elf, off, 1);

	return s && memchr(s, '\0', elf->map_len - off) ? s : NULL;
}

static const Elf64_Phdr *elf_phdr(const struct ct_elf *elf, unsigned int i)
{
	const Elf64_Ehdr *eh = elf->map;

	if (i >= eh->e_phnum || eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phoff % 8)
		return NULL;
	return elf_at(elf, eh->e_phoff + (uint64_t)i * sizeof(Elf64_Phdr), sizeof(Elf64_Phdr));
}

/* File offset of a virtual address, or -1. */
static uint64_t elf_offset(const struct ct_elf *elf, uint64_t vaddr)
{
	const Elf64_Phdr *ph;

	for (unsigned int i = 0; (ph = elf_phdr(elf, i)); i++) {
		if (ph->p_type == PT_LOAD && vaddr >= ph->p_vaddr &&
		    vaddr - ph->p_vaddr < ph->p_filesz)
			return ph->p_offset + (vaddr - ph->p_vaddr);
	}
	return UINT64_MAX;
}

static const Elf64_Phdr *elf_find_phdr(const struct ct_elf *elf, uint32_t type)
{
	const Elf64_Phdr *ph;

	for (unsigned int i = 0; (ph = elf_phdr(elf, i)); i++) {
		if (ph->p_type == type)
			return ph;
	}
	return NULL;
}

/* Value of the first dynamic entry with @tag, or -1. */
static uint64_t elf_dynamic(const Elf64_Dyn *dyn, size_t n, int64_t tag)
{
	for (size_t i = 0; i < n && dyn[i].d_tag != DT_NULL; i++) {
		if (dyn[i].d_tag == tag)
			return dyn[i].d_un.d_val;
	}
	return UINT64_MAX;
}

static int elf_read_dynamic(struct ct_elf *elf, const Elf64_Phdr *ph)
{
	size_t n = ph->p_filesz / sizeof(Elf64_Dyn);
	const Elf64_Dyn *dyn = elf_at(elf, ph->p_offset, ph->p_filesz);
	uint64_t strings, val;

	if (!dyn || ph->p_offset % 8)
		return -EBADMSG;
	strings = elf_offset(elf, elf_dynamic(dyn, n, DT_STRTAB));
	if (strings == UINT64_MAX)
		return -EBADMSG;
	val = elf_dynamic(dyn, n, DT_RUNPATH);
	if (val == UINT64_MAX)
		val = elf_dynamic(dyn, n, DT_RPATH);
	if (val != UINT64_MAX)
		elf->rpath = elf_string(elf, strings + val);
	val = elf_dynamic(dyn, n, DT_SONAME);
	if (val != UINT64_MAX)
		elf->soname = elf_string(elf, strings + val);
	for (size_t i = 0; i < n && dyn[i].d_tag != DT_NULL; i++) {
		const char *name;

		if (dyn[i].d_tag != DT_NEEDED)
			continue;
		name = elf_string(elf, strings + dyn[i].d_un.d_val);
		if (!name || elf->n_needed == CT_ELF_NEEDED_MAX)
			return -EBADMSG;
		elf->needed[elf->n_needed++] = name;
	}
	return 0;
}

static int elf_read(struct ct_elf *elf)
{
	const Elf64_Ehdr *eh = elf->map;
	const Elf64_Phdr *ph;

	if (elf->map_len < sizeof(*eh) || memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_machine != EM_X86_64)
		return -ENOEXEC;
	if (!elf_at(elf, eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(*ph)))
		return -EBADMSG;
	ph = elf_find_phdr(elf, PT_INTERP);
	if (ph) {
		elf->interp = elf_string(elf, ph->p_offset);
		if (!elf->interp)
			return -EBADMSG;
	}
	ph = elf_find_phdr(elf, PT_DYNAMIC);
	return ph ? elf_read_dynamic(elf, ph) : 0;
}

int ct_elf_open(struct ct_elf *elf, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int err;

	*elf = (struct ct_elf){ 0 };
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(Elf64_Ehdr)) {
		close(fd);
		return -ENOEXEC;
	}
	elf->map_len = st.st_size;
	elf->map = mmap(NULL, elf->map_len, PROT_READ, MAP_PRIVATE, fd, 0);
	err = -errno;
	close(fd);
	if (elf->map == MAP_FAILED) {
		elf->map = NULL;
		return err;
	}
	err = elf_read(elf);
	if (err)
		ct_elf_close(elf);
	return err;
}

static const Elf64_Shdr *elf_section(const struct ct_elf *elf, unsigned int i)
{
	const Elf64_Ehdr *eh = elf->map;

	if (i >= eh->e_shnum || eh->e_shentsize != sizeof(Elf64_Shdr) || eh->e_shoff % 8)
		return NULL;
	return elf_at(elf, eh->e_shoff + (uint64_t)i * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr));
}

static const Elf64_Shdr *elf_find_section(const struct ct_elf *elf, uint32_t type)
{
	const Elf64_Shdr *sh;

	for (unsigned int i = 0; (sh = elf_section(elf, i)); i++) {
		if (sh->sh_type == type)
			return sh;
	}
	return NULL;
}

/* A string of string table @strings, or NULL. */
static const char *elf_string_in(const struct ct_elf *elf, const Elf64_Shdr *strings, uint64_t off)
{
	return off < strings->sh_size ? elf_string(elf, strings->sh_offset + off) : NULL;
}

/* Copies @len bytes at @off, which need not be aligned; false outside of the file. */
static bool elf_copy(const struct ct_elf *elf, uint64_t off, void *to, size_t len)
{
	const void *at = elf_at(elf, off, len);

	if (at)
		memcpy(to, at, len);
	return at != NULL;
}

/* Name of version @index of those the file needs, or NULL. */
static const char *elf_version(const struct ct_elf *elf, const Elf64_Shdr *need,
			       const Elf64_Shdr *strings, unsigned int index)
{
	uint64_t off = need->sh_offset, aux_off;
	Elf64_Verneed vn;
	Elf64_Vernaux aux;

	/* A chain ends by a next of 0, or, where it is damaged, outside of the file. */
	do {
		if (!elf_copy(elf, off, &vn, sizeof(vn)))
			return NULL;
		aux_off = off + vn.vn_aux;
		do {
			if (!elf_copy(elf, aux_off, &aux, sizeof(aux)))
				return NULL;
			if (aux.vna_other == index)
				return elf_string_in(elf, strings, aux.vna_name);
			aux_off += aux.vna_next;
		} while (aux.vna_next);
		off += vn.vn_next;
	} while (vn.vn_next);
	return NULL;
}

int ct_elf_symbols(const struct ct_elf *elf,
		   int (*each)(void *ctx, const struct ct_elf_symbol *sym), void *ctx)
{
	const Elf64_Shdr *table = elf_find_section(elf, SHT_DYNSYM);
	const Elf64_Shdr *versions = elf_find_section(elf, SHT_GNU_versym);
	const Elf64_Shdr *need = elf_find_section(elf, SHT_GNU_verneed);
	const Elf64_Shdr *strings = table ? elf_section(elf, table->sh_link) : NULL;
	int ret = 0;

	for (uint64_t i = 1; strings && !ret && i < table->sh_size / sizeof(Elf64_Sym); i++) {
		struct ct_elf_symbol sym = { 0 };
		Elf64_Half version;
		Elf64_Sym s;

		if (!elf_copy(elf, table->sh_offset + i * sizeof(s), &s, sizeof(s)))
			break;
		sym.name = elf_string_in(elf, strings, s.st_name);
		sym.defined = s.st_shndx != SHN_UNDEF;
		if (versions && need && !sym.defined &&
		    elf_copy(elf, versions->sh_offset + i * sizeof(version), &version,
			     sizeof(version)))
			sym.version = elf_version(elf, need, strings, version & 0x7fff);
		if (sym.name)
			ret = each(ctx, &sym);
	}
	return ret;
}

void ct_elf_close(struct ct_elf *elf)
{
	if (elf->map)
		munmap(elf->map, elf->map_len);
	*elf = (struct ct_elf){ 0 };
}
