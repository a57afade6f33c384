/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of `causeway api` share: the functions a program needs.
 */
#ifndef TOOLS_API_API_H
#define TOOLS_API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "api/answers.h"
#include "tools/strv.h"

/**
 * struct need - A function that a file asks the loader for
 * @name:	symbol
 * @version:	version node, or NULL
 * @file:	who asks: base name
 * @answer:	ours, or NULL where no library of ours has it
 */
struct need {
	char *name;
	char *version;
	char *file;
	const struct api_answer *answer;
};

/**
 * struct called - A driver function that was called
 * @name:	as the trace prints it
 * @calls:	how often
 * @unsupported: how many of them were answered "not supported"
 * @answer:	ours, or NULL
 */
struct called {
	char *name;
	unsigned long calls;
	unsigned long unsupported;
	const struct api_answer *answer;
};

/**
 * struct needs - What a program needs, with its libraries
 * @program:	path
 * @need:	functions, by name
 * @runtimes:	files with NVIDIA's libcudart inside, which looks up what it
 *		calls as it runs
 * @missing:	libraries that are not found: "LIBRARY (needed by FILE)"
 * @shared:	libcudart.so.V that is asked for, or NULL
 * @called:	what it called; only after needs_run()
 * @ran:	needs_run() ran it
 * @status:	exit status of that run
 */
struct needs {
	const char *program;
	struct need *need;
	size_t n;
	struct ct_strv runtimes;
	struct ct_strv missing;
	char *shared;
	struct called *called;
	size_t n_called;
	bool ran;
	int status;
};

/**
 * needs_read() - Find out what a program and its libraries ask for
 * @needs:	filled; the caller frees it with needs_free(), also after an error
 * @program:	absolute path
 *
 * Return: 0, or a negative errno after a line on stderr.
 */
int needs_read(struct needs *needs, const char *program);
void needs_free(struct needs *needs);

/**
 * needs_run() - Run the program on the software GPU and note what it calls
 * @needs:	@called, @ran and @status are filled
 * @argv:	program and arguments; its stdout becomes our stderr
 *
 * Return: 0, or a negative errno after a line on stderr.
 */
int needs_run(struct needs *needs, char **argv);

/* Functions and libraries that are refused or unknown. */
size_t needs_lacking(const struct needs *needs);

void needs_print_table(const struct needs *needs);
void needs_print_json(const struct needs *needs);

#endif
