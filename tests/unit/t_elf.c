/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program needs, read from good files and from damaged ones.
 */
#include "tools/closure.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cw/util.h"
#include "tests/tap.h"

#define ELF_SELF "/proc/self/exe"

/* The bytes of this program, which is an ELF file like any other. */
static char *elf_load(size_t *ret_len)
{
	int fd = open(ELF_SELF, O_RDONLY);
	struct stat st;
	char *bytes;

	CHECK(fd >= 0 && !fstat(fd, &st));
	bytes = malloc(st.st_size);
	CHECK_EQ(read(fd, bytes, st.st_size), st.st_size);
	close(fd);
	*ret_len = st.st_size;
	return bytes;
}

struct elf_counts {
	int mkstemp_of_libc;
	int symbols;
};

static int elf_count_symbol(void *ctx, const struct ct_elf_symbol *sym)
{
	struct elf_counts *counts = ctx;

	counts->symbols++;
	if (!strncmp(sym->name, "mkstemp", 7))
		counts->mkstemp_of_libc +=
			sym->version && !strncmp(sym->version, "GLIBC_2.", 8) && !sym->defined;
	return 0;
}

/* Opens @bytes as a file; returns what ct_elf_open() says. */
static int elf_open_bytes(const char *bytes, size_t len)
{
	char path[] = "/tmp/t_elf-XXXXXX";
	int fd = mkstemp(path), err;
	struct ct_elf elf;

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, bytes, len), len);
	close(fd);
	err = ct_elf_open(&elf, path);
	if (!err) {
		struct elf_counts counts = { 0 };

		ct_elf_symbols(&elf, elf_count_symbol, &counts);
		ct_elf_close(&elf);
	}
	unlink(path);
	return err;
}

TEST(program_names_its_loader_and_libc)
{
	struct ct_elf elf;
	int libc = 0;

	CHECK_EQ(ct_elf_open(&elf, ELF_SELF), 0);
	CHECK_STR(elf.interp, "/lib64/ld-linux-x86-64.so.2");
	for (size_t i = 0; i < elf.n_needed; i++)
		libc += !strcmp(elf.needed[i], "libc.so.6");
	CHECK_EQ(libc, 1);
	ct_elf_close(&elf);
}

TEST(symbols_come_with_their_version)
{
	struct elf_counts counts = { 0 };
	struct ct_elf elf;

	CHECK_EQ(ct_elf_open(&elf, ELF_SELF), 0);
	CHECK_EQ(ct_elf_symbols(&elf, elf_count_symbol, &counts), 0);
	CHECK(counts.symbols > 10);
	CHECK(counts.mkstemp_of_libc > 0);
	ct_elf_close(&elf);
}

TEST(closure_has_program_loader_and_libc_once)
{
	struct ct_closure set = { 0 };
	int libc = 0;

	CHECK_EQ(ct_closure_add(&set, ELF_SELF, NULL), 0);
	CHECK_EQ(set.missing.n, 0);
	for (size_t i = 0; i < set.files.n; i++)
		libc += strstr(set.files.s[i], "/libc.so.6") != NULL;
	CHECK_EQ(libc, 1);
	CHECK(ct_strv_has(&set.files, "/lib64/ld-linux-x86-64.so.2"));
	ct_closure_free(&set);
}

TEST(script_brings_its_interpreter)
{
	struct ct_closure set = { 0 };
	char path[] = "/tmp/t_elf-XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0 && write(fd, "#! /bin/sh -e\n", 14) == 14);
	close(fd);
	CHECK_EQ(ct_closure_add(&set, path, NULL), 0);
	unlink(path);
	CHECK(ct_strv_has(&set.files, path));
	CHECK(ct_strv_has(&set.files, "/bin/sh"));
	ct_closure_free(&set);
}

TEST(what_is_no_elf_file_is_refused)
{
	size_t len;
	char *bytes = elf_load(&len);

	CHECK_EQ(elf_open_bytes("text", 4), -ENOEXEC);
	bytes[EI_CLASS] = ELFCLASS32;
	CHECK_EQ(elf_open_bytes(bytes, len), -ENOEXEC);
	free(bytes);
}

TEST(file_cut_at_any_length_is_read_within_its_bounds)
{
	size_t len, step;
	char *bytes = elf_load(&len);

	/* Each length near the heads, then some; a fault ends this program. */
	for (size_t cut = 0; cut < len; cut += step) {
		int err = elf_open_bytes(bytes, cut);

		step = cut < 256 ? 1 : len / 97;
		CHECK(err == 0 || err == -ENOEXEC || err == -EBADMSG);
	}
	free(bytes);
}

TEST(forged_offsets_are_read_within_bounds)
{
	static const uint64_t values[] = { 0, 1, UINT64_MAX, UINT64_MAX - 7, 1ull << 63, 1u << 31 };
	size_t len, heads;
	char *bytes = elf_load(&len);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)bytes;

	/* The head, and all program heads, eight bytes at a time. */
	heads = sizeof(*eh) + eh->e_phnum * sizeof(Elf64_Phdr);
	for (size_t at = 32; at + 8 <= heads; at += 8) {
		uint64_t old, now;

		memcpy(&old, bytes + at, 8);
		for (size_t v = 0; v < CW_ARRAY_SIZE(values); v++) {
			memcpy(bytes + at, &values[v], 8);
			elf_open_bytes(bytes, len);
		}
		memcpy(bytes + at, &old, 8);
		memcpy(&now, bytes + at, 8);
		CHECK_EQ(now, old);
	}
	/* The heads of the sections that symbols are read from. */
	for (int i = 0; i < eh->e_shnum; i++) {
		Elf64_Shdr *sh = (Elf64_Shdr *)(bytes + eh->e_shoff) + i, old = *sh;

		if (old.sh_type != SHT_DYNSYM && old.sh_type != SHT_STRTAB &&
		    old.sh_type != SHT_GNU_verneed && old.sh_type != SHT_GNU_versym)
			continue;
		for (size_t at = 0; at < sizeof(*sh); at += 8) {
			for (size_t v = 0; v < CW_ARRAY_SIZE(values); v++) {
				memcpy((char *)sh + at, &values[v], 8);
				elf_open_bytes(bytes, len);
			}
			*sh = old;
		}
	}
	CHECK_EQ(elf_open_bytes(bytes, len), 0);
	free(bytes);
}

TAP_MAIN()
