/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of `causeway cc` share: what was asked for.
 */
#ifndef TOOLS_CC_CC_H
#define TOOLS_CC_CC_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/strv.h"

/* Which of clang's runs a word of the command line is for. */
enum cc_pass {
	CC_HOST = 1 << 0,
	CC_DEVICE = 1 << 1,
	CC_COMPILE = CC_HOST | CC_DEVICE,
	CC_LINK = 1 << 2,
};

enum cc_goal {
	CC_PROGRAM,
	CC_OBJECT,
	CC_PTX,
	CC_FATBIN,
};

/**
 * struct cc_args - What was asked for
 * @goal:	what to make
 * @out:	-o, or NULL
 * @clang:	compiler to use; after cc_find_clang() never NULL
 * @version:	of the CUDA runtime whose headers and calls are wanted, "13.0"
 * @arch:	75 for sm_75
 * @cudart:	link our libcudart and libcuda
 * @verbose:	print each command
 * @host:	words for compiling the host's side
 * @device:	words for compiling the device's side
 * @link:	words for the linker, in order, the sources among them
 * @source_at:	which words of @link are sources
 * @n_sources:	how many
 */
struct cc_args {
	enum cc_goal goal;
	const char *out;
	const char *clang;
	const char *version;
	unsigned int arch;
	bool cudart;
	bool verbose;
	struct ct_strv host;
	struct ct_strv device;
	struct ct_strv link;
	size_t *source_at;
	size_t n_sources;
};

/**
 * cc_parse() - Read the command line
 * @args:	filled; the caller frees it with cc_free(), also after an error
 * @argc:	words
 * @argv:	words; argv[0] is the command
 *
 * Return: 0, 1 where help was asked for and printed, or -EINVAL after a line
 * on stderr.
 */
int cc_parse(struct cc_args *args, int argc, char **argv);
void cc_free(struct cc_args *args);

/* Whether a file is CUDA C++ by its name. */
bool cc_is_cuda(const char *path);

/**
 * cc_compile() - Make from one source what was asked for
 * @args:	what was asked for
 * @source:	file
 * @temp:	path without suffix below which files may be made; the caller
 *		removes them
 * @out:	file to write
 *
 * Return: 0, or the wait status of the clang that failed, or 125 << 8.
 */
int cc_compile(const struct cc_args *args, const char *source, const char *temp, const char *out);

/**
 * cc_link() - Make a program of objects
 * @args:	what was asked for; sources of @args->link are replaced by objects
 * @out:	file to write
 *
 * Return: as for cc_compile().
 */
int cc_link(const struct cc_args *args, const char *out);

#endif
