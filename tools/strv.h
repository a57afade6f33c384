/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing array of strings it owns, always ended by NULL.
 */
#ifndef TOOLS_STRV_H
#define TOOLS_STRV_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cw/util.h"

struct ct_strv {
	char **s;
	size_t n;
	size_t room;
};

/**
 * ct_strv_take() - Append a string and own it
 * @v:		array
 * @s:		from malloc(); freed here on failure
 *
 * Return: 0 or -ENOMEM; a NULL @s counts as no memory.
 */
static inline int ct_strv_take(struct ct_strv *v, char *s)
{
	if (s && v->n + 2 > v->room) {
		size_t room = v->room ? 2 * v->room : 16;
		char **grown = realloc(v->s, room * sizeof(*grown));

		if (grown) {
			v->s = grown;
			v->room = room;
		}
	}
	if (!s || v->n + 2 > v->room) {
		free(s);
		return -ENOMEM;
	}
	v->s[v->n++] = s;
	v->s[v->n] = NULL;
	return 0;
}

static inline int ct_strv_add(struct ct_strv *v, const char *s)
{
	return ct_strv_take(v, strdup(s));
}

/* Appends what asprintf() makes of it. */
CW_PRINTF(2, 3) int ct_strv_addf(struct ct_strv *v, const char *fmt, ...);

static inline bool ct_strv_has(const struct ct_strv *v, const char *s)
{
	for (size_t i = 0; i < v->n; i++) {
		if (!strcmp(v->s[i], s))
			return true;
	}
	return false;
}

static inline void ct_strv_free(struct ct_strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->s[i]);
	free(v->s);
	*v = (struct ct_strv){ 0 };
}

#endif
