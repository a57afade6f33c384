/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --trace: one line per call, to stderr or the file that CAUSEWAY_TRACE names.
 *
 * The printers are generated (gen/emit_trace.c); the guest library and the
 * software GPU both hold them, and this is where they write.
 */
#include "api/trace.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int trace_fd = -1;
static _Atomic int trace_state; /* 0: not looked, 1: off, 2: on */
static pthread_mutex_t trace_lock = PTHREAD_MUTEX_INITIALIZER;

static void trace_look(void)
{
	const char *to = secure_getenv("CAUSEWAY_TRACE");

	pthread_mutex_lock(&trace_lock);
	if (!trace_state) {
		if (to && (!*to || !strcmp(to, "1") || !strcmp(to, "-")))
			trace_fd = 2;
		else if (to)
			trace_fd = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		trace_state = trace_fd >= 0 ? 2 : 1;
	}
	pthread_mutex_unlock(&trace_lock);
}

bool api_trace_on(void)
{
	if (__builtin_expect(!trace_state, 0))
		trace_look();
	return trace_state == 2;
}

void api_trace_line(const char *fmt, ...)
{
	char line[2048];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	n = cw_min(n, (int)sizeof(line) - 2);
	line[n++] = '\n';
	if (write(trace_fd, line, (size_t)n) < 0)
		trace_state = 1;
}
