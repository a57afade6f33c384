/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/back_end.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/options.h"

/*
 * Absolute paths, never a bare name: what the loader would find for
 * "libcuda.so.1" may be Causeway's own guest library.
 */
const struct cd_back_end cd_back_ends[] = {
	{ "soft", "CAUSEWAY_SOFT_LIBCUDA",
	  { "../lib/causeway/soft/libcuda.so.1", "../softgpu/libcuda.so.1" } },
	{ "nvidia", "CAUSEWAY_NVIDIA_LIBCUDA",
	  { "/usr/lib/x86_64-linux-gnu/libcuda.so.1", "/usr/lib64/libcuda.so.1",
	    "/usr/lib/libcuda.so.1", "/usr/local/nvidia/lib64/libcuda.so.1" } },
};
const size_t cd_back_ends_count = sizeof(cd_back_ends) / sizeof(cd_back_ends[0]);

/* Names a file relative to a folder in @path, and looks whether it is there. */
static int path_take(const char *dir, const char *name, char *path)
{
	if (snprintf(path, CD_PATH_MAX, "%s%s", *name == '/' ? "" : dir, name) >= CD_PATH_MAX)
		errno = ENAMETOOLONG;
	else if (!access(path, R_OK))
		return 0;
	return -errno;
}

/* A path by a person: made absolute, as the worker has another idea of ".". */
static int path_given(const char *name, char *path)
{
	char *full = realpath(name, NULL);
	int ret = path_take("", full ? full : name, path);

	free(full);
	return ret;
}

/* Folder of our program with its '/'; empty where that is not known. */
static void own_folder(char *dir)
{
	ssize_t n = readlink("/proc/self/exe", dir, PATH_MAX - 1);
	char *slash;

	dir[n > 0 ? n : 0] = '\0';
	slash = strrchr(dir, '/');
	if (slash)
		slash[1] = '\0';
}

/**
 * cd_back_end_find() - Absolute path of a back end's libcuda
 * @name:	"soft", "nvidia", or a path
 * @path:	CD_PATH_MAX bytes for the answer; not @name's own bytes. Holds
 *		the place looked at last where the return is not 0
 *
 * Return: 0, or -errno (errno is set, too) where there is no such file.
 */
int cd_back_end_find(const char *name, char *path)
{
	char dir[PATH_MAX];
	const char *override;

	if (strchr(name, '/'))
		return path_given(name, path);
	own_folder(dir);
	path[0] = '\0';
	for (size_t i = 0; i < cd_back_ends_count; i++) {
		const struct cd_back_end *b = &cd_back_ends[i];

		if (strcmp(b->name, name))
			continue;
		override = b->variable ? getenv(b->variable) : NULL;
		if (override && *override)
			return path_given(override, path);
		for (int p = 0; b->paths[p]; p++) {
			if (!path_take(dir, b->paths[p], path))
				return 0;
		}
		return -errno;
	}
	errno = EINVAL;
	return -EINVAL;
}
