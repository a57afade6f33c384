/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines and words of a description file.
 */
#ifndef GEN_SCAN_H
#define GEN_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define GEN_WORDS 64

/**
 * struct gen_line - One line that is not empty
 * @file:	its file, as named on the command line
 * @no:		number in the file, from 1
 * @indent:	begins with white space: belongs to the entry above
 * @n:		words
 * @word:	the words; a quoted one without its quotes
 * @rest:	the text behind the first word, as written
 */
struct gen_line {
	const char *file;
	int no;
	bool indent;
	int n;
	char *word[GEN_WORDS];
	char *rest;
};

/**
 * struct gen_file - A description file, read and split
 * @line:	its lines, without empty ones and comments
 * @n:		number of them
 */
struct gen_file {
	struct gen_line *line;
	int n;
};

/**
 * gen_scan() - Read a description file
 * @path:	file to read
 * @ret_file:	its lines; everything in it lives as long as the process
 *
 * Return: 0, or -1 with the error already reported.
 */
int gen_scan(const char *path, struct gen_file *ret_file);

/**
 * gen_error() - Report an error at a line, as a compiler does
 * @line:	where
 * @fmt:	what is wrong, and what would be right
 *
 * The caller goes on with the next line, so that one run shows all errors.
 */
__attribute__((format(printf, 2, 3))) void gen_error(const struct gen_line *line, const char *fmt,
						     ...);

/* Errors reported so far. */
int gen_errors(void);

/* malloc() that ends the program instead of failing; memory is zeroed. */
void *gen_alloc(size_t size);
char *gen_strdup(const char *s);
__attribute__((format(printf, 1, 2))) char *gen_printf(const char *fmt, ...);

#endif
