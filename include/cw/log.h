/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging: five levels, one line per event, to stderr.
 *
 * A line is "causeway: PROGRAM: LEVEL: text key=value". Strings that come from
 * outside are printed with CW_LOG_Q (quoted). The level comes from
 * CAUSEWAY_LOG (error, warn, info, debug, trace; default warn) at first use,
 * or from cw_log_level. Library code never logs above debug, with one
 * exception: the first use of an unsupported function or instruction, once per
 * name, at warn.
 */
#ifndef CW_LOG_H
#define CW_LOG_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cw/util.h"

enum cw_log_level {
	CW_LOG_OFF,
	CW_LOG_ERROR,
	CW_LOG_WARN,
	CW_LOG_INFO,
	CW_LOG_DEBUG,
	CW_LOG_TRACE,
};

/* -1 until the first line: then read from the environment. */
__attribute__((weak)) CW_HIDDEN int cw_log_max = -1;
/* Where lines go; a worker keeps fd 2 for the device's own text. */
__attribute__((weak)) CW_HIDDEN int cw_log_fd = 2;
/* Program or library the line is from: "vhost-user-cuda", "libcuda". */
__attribute__((weak)) CW_HIDDEN const char *cw_log_name = "causeway";

static inline const char *cw_log_level_str(int level)
{
	static const char *const names[] = { "off",  "error", "warn",
					     "info", "debug", "trace" };

	return level >= 0 && level <= CW_LOG_TRACE ? names[level] : "?";
}

/**
 * cw_log_parse_level() - Level by its name
 * @name:	"off", "error" ... "trace"
 *
 * Return: the level, or -1 for another word.
 */
static inline int cw_log_parse_level(const char *name)
{
	for (int i = 0; i <= CW_LOG_TRACE; i++) {
		if (!strcmp(name, cw_log_level_str(i)))
			return i;
	}
	return -1;
}

static inline bool cw_log_on(int level)
{
	if (__builtin_expect(cw_log_max < 0, 0)) {
		const char *env = secure_getenv("CAUSEWAY_LOG");
		int max = env ? cw_log_parse_level(env) : CW_LOG_WARN;

		cw_log_max = max < 0 ? CW_LOG_WARN : max;
	}
	return level <= cw_log_max;
}

/* One write(2) per line, so that lines of several processes do not mix. */
CW_PRINTF(2, 3) static inline void cw_log_write(int level, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n = snprintf(line, sizeof(line), "causeway: %s: %s: ", cw_log_name,
			 cw_log_level_str(level));

	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(cw_log_fd, line, n) < 0)
		return; /* nobody reads: nothing to be done about it */
}

#define cw_log(level, ...)                                                                         \
	do {                                                                                       \
		if (cw_log_on(level))                                                              \
			cw_log_write(level, __VA_ARGS__);                                          \
	} while (0)
#define cw_error(...) cw_log(CW_LOG_ERROR, __VA_ARGS__)
#define cw_warn(...) cw_log(CW_LOG_WARN, __VA_ARGS__)
#define cw_info(...) cw_log(CW_LOG_INFO, __VA_ARGS__)
#define cw_debug(...) cw_log(CW_LOG_DEBUG, __VA_ARGS__)
#define cw_trace(...) cw_log(CW_LOG_TRACE, __VA_ARGS__)

#endif
