/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the guest kernel: the one ./do setup has fetched, or one that is named.
 */
#include "tools/run/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/ct.h"

/* x86 boot protocol: "HdrS" at 0x202 says that this is a bzImage. */
#define BZIMAGE_MAGIC_AT 0x202
#define BZIMAGE_MAGIC "HdrS"
/* There: offset of the version text, less that of the setup code. */
#define BZIMAGE_VERSION_AT 0x20e
#define BZIMAGE_SETUP 0x200

void ct_kernel_cache(char *buf, size_t len)
{
	const char *own = getenv("CAUSEWAY_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (own && *own)
		snprintf(buf, len, "%s/kernel", own);
	else if (xdg && *xdg)
		snprintf(buf, len, "%s/causeway/kernel", xdg);
	else
		snprintf(buf, len, "%s/.cache/causeway/kernel", home ? home : "");
}

/* Reads the text that starts "6.1.0-56-cloud-amd64 (build@host) ..." up to its blank. */
static void kernel_read_version(struct ct_kernel *k, int fd)
{
	uint16_t at;
	ssize_t n;

	if (pread(fd, &at, sizeof(at), BZIMAGE_VERSION_AT) != sizeof(at))
		return;
	n = pread(fd, k->version, sizeof(k->version) - 1, at + BZIMAGE_SETUP);
	k->version[cw_max(n, (ssize_t)0)] = '\0';
	k->version[strcspn(k->version, " ")] = '\0';
}

static int kernel_check(struct ct_kernel *k)
{
	char magic[4] = "";
	int fd = open(k->image, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		ct_error("cannot read the guest kernel '%s': %s", k->image, strerror(errno));
		return -errno;
	}
	n = pread(fd, magic, sizeof(magic), BZIMAGE_MAGIC_AT);
	if (n == sizeof(magic) && !memcmp(magic, BZIMAGE_MAGIC, sizeof(magic))) {
		kernel_read_version(k, fd);
		close(fd);
		return 0;
	}
	close(fd);
	ct_error("'%s' is no Linux kernel image (bzImage); --kernel wants one, or a folder "
		 "with vmlinuz and modules/",
		 k->image);
	return -ENOEXEC;
}

/* A folder as ./do kernel leaves it. */
static int kernel_from_dir(struct ct_kernel *k, const char *dir)
{
	if (snprintf(k->image, sizeof(k->image), "%s/vmlinuz", dir) >= (int)sizeof(k->image) ||
	    snprintf(k->modules, sizeof(k->modules), "%s/modules", dir) >= (int)sizeof(k->modules))
		return -ENAMETOOLONG;
	if (access(k->modules, F_OK))
		k->modules[0] = '\0';
	return kernel_check(k);
}

/* "6.12" stands for the last kernel of the cache that is a 6.12.something. */
static bool kernel_by_start(char *dir, size_t len, const char *cache, const char *wanted)
{
	char pattern[PATH_MAX];
	glob_t found;

	/* Not "6.1" for 6.12, and no way out of the cache. */
	snprintf(pattern, sizeof(pattern), "%s/%s[.+-]*", cache, wanted);
	if (strpbrk(wanted, "/*?[\\") || glob(pattern, 0, NULL, &found))
		return false;
	snprintf(dir, len, "%s", found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
	return true;
}

int ct_kernel_find(struct ct_kernel *k, const char *wanted)
{
	char cache[PATH_MAX / 2], dir[PATH_MAX];
	struct stat st;

	*k = (struct ct_kernel){ 0 };
	if (!wanted)
		wanted = getenv("CAUSEWAY_KERNEL");
	ct_kernel_cache(cache, sizeof(cache));
	snprintf(dir, sizeof(dir), "%s/%s", cache, wanted ? wanted : "default");
	if (!wanted && stat(dir, &st)) {
		ct_error("there is no guest kernel in %s; ./do setup fetches one", cache);
		return -ENOENT;
	}
	if (wanted && !stat(wanted, &st)) {
		if (S_ISDIR(st.st_mode))
			return kernel_from_dir(k, wanted);
		snprintf(k->image, sizeof(k->image), "%s", wanted);
		return kernel_check(k);
	}
	if (wanted && stat(dir, &st) && !kernel_by_start(dir, sizeof(dir), cache, wanted)) {
		ct_error("there is no guest kernel '%s', nor one of that name in %s", wanted,
			 cache);
		return -ENOENT;
	}
	return kernel_from_dir(k, dir);
}
