/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the string array that is no inline function.
 */
#include "tools/strv.h"

#include <stdarg.h>
#include <stdio.h>

int ct_strv_addf(struct ct_strv *v, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? -ENOMEM : ct_strv_take(v, s);
}
