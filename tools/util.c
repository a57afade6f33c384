/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages, paths and environment for the sub-commands.
 */
#include "tools/ct.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *ct_command_name;

void ct_set_command(const char *name)
{
	ct_command_name = name;
}

void ct_error(const char *fmt, ...)
{
	char line[2048];
	va_list ap;
	int n;

	n = snprintf(line, sizeof(line), "causeway: %s%s", ct_command_name ? ct_command_name : "",
		     ct_command_name ? ": " : "");
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	n = cw_min(n, (int)sizeof(line) - 2);
	line[n++] = '\n';
	/* Written at once, so that lines of several processes do not mix. */
	fwrite(line, 1, n, stderr);
	fflush(stderr);
}

int ct_size_parse(const char *text, unsigned long long *ret_bytes)
{
	static const char units[] = "KMGT";
	unsigned long long value;
	const char *unit;
	char *end;
	int shift = 0;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (end == text || errno || *text == '-')
		return -EINVAL;
	if (*end) {
		unit = strchr(units, *end & ~0x20);
		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * (unit - units + 1);
	}
	if (value > (unsigned long long)LLONG_MAX >> shift)
		return -EINVAL;
	*ret_bytes = value << shift;
	return 0;
}

int ct_path(char *buf, size_t len, const char *rel)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return -errno;
	self[n] = '\0';
	/* PREFIX/bin/causeway: two parts up is the prefix. */
	for (int i = 0; i < 2; i++) {
		slash = strrchr(self, '/');
		if (slash)
			*slash = '\0';
	}
	if (snprintf(buf, len, "%s/%s", self, rel) >= (int)len)
		return -ENAMETOOLONG;
	return access(buf, F_OK) ? -ENOENT : 0;
}

int ct_env_prepend(const char *name, const char *front)
{
	const char *old = getenv(name);
	char *joined;
	int err;

	if (!old || !*old)
		return setenv(name, front, 1) ? -errno : 0;
	if (asprintf(&joined, "%s:%s", front, old) < 0)
		return -ENOMEM;
	err = setenv(name, joined, 1) ? -errno : 0;
	free(joined);
	return err;
}

int ct_set_trace(const char *file)
{
	char cwd[PATH_MAX], *path;
	int err;

	if (!file)
		return setenv("CAUSEWAY_TRACE", "-", 1) ? -errno : 0;
	/* The program may change its folder before it makes its first call. */
	if (*file == '/' || !getcwd(cwd, sizeof(cwd)))
		return setenv("CAUSEWAY_TRACE", file, 1) ? -errno : 0;
	if (asprintf(&path, "%s/%s", cwd, file) < 0)
		return -ENOMEM;
	err = setenv("CAUSEWAY_TRACE", path, 1) ? -errno : 0;
	free(path);
	return err;
}
