/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a description file into lines of words.
 */
#include "gen/scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int errors;

void gen_error(const struct gen_line *line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: error: ", line->file, line->no);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	errors++;
}

int gen_errors(void)
{
	return errors;
}

static char *read_all(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t len = 0, cap = 1 << 16;
	char *text;

	if (!f) {
		fprintf(stderr, "%s: error: %s\n", path, strerror(errno));
		errors++;
		return NULL;
	}
	text = gen_alloc(cap);
	for (size_t n; (n = fread(text + len, 1, cap - len - 1, f)) > 0;) {
		len += n;
		if (len + 1 == cap) {
			char *more = gen_alloc(cap * 2);

			memcpy(more, text, len);
			text = more;
			cap *= 2;
		}
	}
	fclose(f);
	text[len] = 0;
	return text;
}

/* One word at @p, unquoted, terminated; returns where the next may begin. */
static char *take_word(struct gen_line *line, char *p)
{
	char *start = p, *end;

	if (*p == '"') {
		start = ++p;
		end = strchr(p, '"');
		if (!end) {
			gen_error(line, "quote without an end");
			end = p + strlen(p);
		}
	} else {
		end = p + strcspn(p, " \t");
	}
	p = *end ? end + 1 : end;
	*end = 0;
	if (line->n == GEN_WORDS)
		gen_error(line, "more than %d words in a line", GEN_WORDS);
	else
		line->word[line->n++] = start;
	return p;
}

static void split(struct gen_line *line, char *text)
{
	char *p = text + strspn(text, " \t");

	line->indent = p != text;
	line->rest = p + strcspn(p, " \t");
	line->rest = gen_strdup(line->rest + strspn(line->rest, " \t"));
	while (*p && *p != '#') {
		p = take_word(line, p);
		p += strspn(p, " \t");
	}
}

int gen_scan(const char *path, struct gen_file *ret_file)
{
	char *text = read_all(path);
	int lines = 1, no = 0;

	if (!text)
		return -1;
	for (char *p = text; *p; p++)
		lines += *p == '\n';
	ret_file->line = gen_alloc(sizeof(*ret_file->line) * lines);
	ret_file->n = 0;
	for (char *next; text; text = next) {
		struct gen_line *line = &ret_file->line[ret_file->n];

		next = strchr(text, '\n');
		if (next)
			*next++ = 0;
		*line = (struct gen_line){ .file = path, .no = ++no };
		split(line, text);
		if (line->n)
			ret_file->n++;
	}
	return 0;
}
