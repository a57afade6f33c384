/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program needs to run: its own file, its interpreter, and every shared
 * library, found as the dynamic loader would find them.
 */
#ifndef TOOLS_CLOSURE_H
#define TOOLS_CLOSURE_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/strv.h"

#define CT_ELF_NEEDED_MAX 256

/**
 * struct ct_elf - The few facts of an ELF file that decide what it needs
 * @interp:	dynamic loader it asks for, or NULL
 * @rpath:	DT_RUNPATH, else DT_RPATH, or NULL; unexpanded
 * @needed:	DT_NEEDED, in order
 * @soname:	DT_SONAME or NULL
 *
 * The strings live until ct_elf_close().
 */
struct ct_elf {
	const char *interp;
	const char *rpath;
	const char *soname;
	const char *needed[CT_ELF_NEEDED_MAX];
	size_t n_needed;
	void *map;
	size_t map_len;
};

/**
 * ct_elf_open() - Read what an ELF file needs
 * @elf:	filled
 * @path:	file
 *
 * Return: 0; -ENOEXEC where it is no 64-bit x86 ELF file, -EBADMSG where it is
 * a damaged one, or the errno of opening it.
 */
int ct_elf_open(struct ct_elf *elf, const char *path);
void ct_elf_close(struct ct_elf *elf);

/**
 * struct ct_elf_symbol - A dynamic symbol
 * @name:	without its version
 * @version:	that it asks for, or NULL
 * @defined:	the file has it; else it needs it
 */
struct ct_elf_symbol {
	const char *name;
	const char *version;
	bool defined;
};

/**
 * ct_elf_symbols() - Call a function for each dynamic symbol
 * @elf:	file
 * @each:	called with @ctx; what it returns other than 0 ends the walk
 * @ctx:	for @each
 *
 * A file without a section table shows none, and one with a damaged one those
 * that can be read.
 *
 * Return: 0, or what @each returned.
 */
int ct_elf_symbols(const struct ct_elf *elf,
		   int (*each)(void *ctx, const struct ct_elf_symbol *sym), void *ctx);

/**
 * struct ct_closure - All files that a program needs
 * @files:	absolute paths as the loader opens them (links unresolved)
 * @extra_dirs:	folders, outside the loader's own, that only ld.so.cache named:
 *		where there is no such cache they belong on LD_LIBRARY_PATH
 * @missing:	"LIBRARY (needed by FILE)" for what was not found
 */
struct ct_closure {
	struct ct_strv files;
	struct ct_strv extra_dirs;
	struct ct_strv missing;
};

/**
 * ct_closure_add() - Add a program or library and all it needs
 * @set:	zero-initialised before the first
 * @path:	absolute path of the program, library, or script with a "#!"
 * @libpath:	folders to search first, with ':' between, like LD_LIBRARY_PATH
 *
 * A library that is not found is not an error but an entry of @set->missing.
 *
 * Return: 0, or a negative errno where @path itself cannot be read.
 */
int ct_closure_add(struct ct_closure *set, const char *path, const char *libpath);
void ct_closure_free(struct ct_closure *set);

/**
 * ct_find_program() - The file that execvp() would run
 * @name:	as typed
 * @ret_path:	absolute path; the caller frees it
 *
 * Return: 0, -ENOENT, or -EACCES where something is there that is not executable.
 */
int ct_find_program(const char *name, char **ret_path);

/* Whether a file is an ELF file that ct_closure_add() understands. */
bool ct_is_program(const char *path);

/**
 * ct_check_program() - Find a program, and say what is missing to run it
 * @name:	as typed
 * @libpath:	as for ct_closure_add()
 * @set:	receives the closure, or NULL
 * @ret_path:	absolute path; the caller frees it
 *
 * Return: 0, or the exit status (126, 127) after a line on stderr.
 */
int ct_check_program(const char *name, const char *libpath, struct ct_closure *set,
		     char **ret_path);

/**
 * ct_find_library() - The file the loader takes for a library
 * @name:	soname
 *
 * Return: its path, which the caller frees, or NULL.
 */
char *ct_find_library(const char *name);

#endif
