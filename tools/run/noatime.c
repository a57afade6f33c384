/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Put in front of a virtiofsd that is not root's (LD_PRELOAD): opens without
 * O_NOATIME.
 *
 * overlayfs in the guest opens what is below it with that flag, virtiofsd hands
 * it on, and the host's kernel grants it to a file's owner alone: nothing of
 * /usr could be read. Newer virtiofsds take the flag away themselves. The access
 * time of a file that is mounted read-only does not change anyway.
 */

/* With it, <fcntl.h> would call both functions openat64. */
#undef _FILE_OFFSET_BITS

#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

int openat(int dir, const char *path, int flags, ...)
{
	int mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(ap, int);
	va_end(ap);
	return (int)syscall(SYS_openat, dir, path, flags & ~O_NOATIME, mode);
}

int openat64(int dir, const char *path, int flags, ...) __attribute__((alias("openat")));

/* What a program built with _FORTIFY_SOURCE calls where nothing is created. */
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags) __attribute__((alias("__openat_2")));

int __openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}
