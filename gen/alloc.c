/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generator's memory.
 *
 * It runs once and ends, so nothing is ever freed: every string lives as long
 * as the process.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/scan.h"

/* Memory comes from chunks that are all reachable until the end. */
struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

void *gen_alloc(size_t size)
{
	static struct chunk *chunks;
	struct chunk *c = chunks;

	size = (size + 15) & ~(size_t)15;
	if (!c || c->size - c->used < size) {
		size_t room = size > (1 << 20) ? size : 1 << 20;

		c = calloc(1, sizeof(*c) + room);
		if (!c) {
			fputs("out of memory\n", stderr);
			exit(1);
		}
		c->next = chunks;
		c->size = room;
		chunks = c;
	}
	c->used += size;
	return c->bytes + c->used - size;
}

char *gen_strdup(const char *s)
{
	return strcpy(gen_alloc(strlen(s) + 1), s);
}

char *gen_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = gen_alloc((size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}
