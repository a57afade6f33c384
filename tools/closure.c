/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files a program needs, found as the dynamic loader finds them: folders
 * put in front, the run path of the file that asks, ld.so.cache, the loader's
 * own folders (ld.so(8)). One thing is left out: a run path of the program
 * itself (DT_RPATH) also serves its libraries' needs in the loader; nobody has
 * written such files for years.
 */
#include "tools/closure.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/ct.h"

static const char *const closure_dirs[] = {
	"/lib/x86_64-linux-gnu",
	"/usr/lib/x86_64-linux-gnu",
	"/lib64",
	"/usr/lib64",
	"/lib",
	"/usr/lib",
};

/* ld.so.cache(8) as glibc writes it since 2.32; offsets are from its start. */
struct ldcache_head {
	char magic[20];
	uint32_t count;
	uint32_t len_strings;
	uint32_t unused[5];
};

struct ldcache_entry {
	int32_t flags;
	uint32_t key;
	uint32_t value;
	uint32_t osversion;
	uint64_t hwcap;
};

#define LDCACHE_MAGIC "glibc-ld.so.cache1.1"
#define LDCACHE_X86_64 0x0303 /* FLAG_ELF_LIBC6 | FLAG_X8664_LIB64 */

static bool closure_exists(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* Looks @name up in a mapped cache; entries for special CPUs are passed over. */
static char *ldcache_find(const char *map, size_t len, const char *name)
{
	const struct ldcache_head *head = (const void *)map;
	const struct ldcache_entry *e = (const void *)(map + sizeof(*head));

	if (len < sizeof(*head) || memcmp(head->magic, LDCACHE_MAGIC, sizeof(head->magic)) ||
	    !cw_range_ok(sizeof(*head), (uint64_t)head->count * sizeof(*e), len))
		return NULL;
	for (uint32_t i = 0; i < head->count; i++) {
		if (e[i].flags != LDCACHE_X86_64 || e[i].hwcap || e[i].key >= len ||
		    e[i].value >= len || strncmp(map + e[i].key, name, len - e[i].key))
			continue;
		if (memchr(map + e[i].value, '\0', len - e[i].value))
			return strdup(map + e[i].value);
	}
	return NULL;
}

static char *closure_find_cached(const char *name)
{
	int fd = open("/etc/ld.so.cache", O_RDONLY | O_CLOEXEC);
	char *found = NULL;
	struct stat st;
	void *map;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && st.st_size > 0) {
		map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map != MAP_FAILED) {
			found = ldcache_find(map, st.st_size, name);
			munmap(map, st.st_size);
		}
	}
	close(fd);
	if (found && !closure_exists(found)) {
		free(found);
		found = NULL;
	}
	return found;
}

/* DIR/NAME with $ORIGIN at the start of DIR replaced, if it is a file. */
static char *closure_try(const char *dir, size_t dir_len, const char *name, const char *origin)
{
	static const char *const tokens[] = { "$ORIGIN", "${ORIGIN}" };
	size_t skip = 0;
	char *path;

	for (size_t i = 0; i < CW_ARRAY_SIZE(tokens); i++) {
		size_t len = strlen(tokens[i]);

		if (dir_len >= len && !memcmp(dir, tokens[i], len))
			skip = len;
	}
	if (asprintf(&path, "%.*s%.*s/%s", skip ? (int)(strrchr(origin, '/') - origin) : 0, origin,
		     (int)(dir_len - skip), dir + skip, name) < 0)
		return NULL;
	if (closure_exists(path))
		return path;
	free(path);
	return NULL;
}

static char *closure_find_in(const char *list, const char *name, const char *origin)
{
	while (list && *list) {
		size_t len = strcspn(list, ":");
		char *path = len ? closure_try(list, len, name, origin) : NULL;

		if (path)
			return path;
		list += len + (list[len] == ':');
	}
	return NULL;
}

static bool closure_is_default(const char *path)
{
	size_t len = strrchr(path, '/') - path;

	for (size_t i = 0; i < CW_ARRAY_SIZE(closure_dirs); i++) {
		if (strlen(closure_dirs[i]) == len && !memcmp(closure_dirs[i], path, len))
			return true;
	}
	return false;
}

static char *closure_find(struct ct_closure *set, const char *name, const char *libpath,
			  const struct ct_elf *elf, const char *origin)
{
	char *path, *dir;

	if (strchr(name, '/'))
		return closure_exists(name) ? strdup(name) : NULL;
	path = closure_find_in(libpath, name, origin);
	if (!path)
		path = closure_find_in(elf->rpath, name, origin);
	if (path)
		return path;
	path = closure_find_cached(name);
	if (path && !closure_is_default(path)) {
		dir = strndup(path, strrchr(path, '/') - path);
		if (dir && !ct_strv_has(&set->extra_dirs, dir))
			ct_strv_take(&set->extra_dirs, dir);
		else
			free(dir);
	}
	for (size_t i = 0; !path && i < CW_ARRAY_SIZE(closure_dirs); i++)
		path = closure_try(closure_dirs[i], strlen(closure_dirs[i]), name, origin);
	return path;
}

/* Whether a library of that soname is in the set: the loader takes no second. */
static bool closure_has_soname(const struct ct_closure *set, const char *name)
{
	for (size_t i = 0; i < set->files.n; i++) {
		const char *slash = strrchr(set->files.s[i], '/');

		if (slash && !strcmp(slash + 1, name))
			return true;
	}
	return false;
}

/* "#!/bin/sh -e": the set gains what /bin/sh needs. */
static int closure_add_script(struct ct_closure *set, const char *path, const char *libpath)
{
	char line[PATH_MAX + 2], *end;
	FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	if (strncmp(line, "#!", 2))
		return -ENOEXEC;
	end = line + 2 + strspn(line + 2, " \t");
	line[end - line + strcspn(end, " \t\r\n")] = '\0';
	if (ct_strv_add(&set->files, path))
		return -ENOMEM;
	return ct_closure_add(set, end, libpath);
}

static int closure_add_needed(struct ct_closure *set, const struct ct_elf *elf, const char *path,
			      const char *libpath)
{
	char real[PATH_MAX];
	int err = 0;

	/* $ORIGIN of a program is where it lies, not where a link to it does. */
	if (elf->interp && realpath(path, real))
		path = real;
	for (size_t i = 0; i < elf->n_needed && !err; i++) {
		char *lib;

		if (closure_has_soname(set, elf->needed[i]))
			continue;
		lib = closure_find(set, elf->needed[i], libpath, elf, path);
		if (lib)
			err = ct_closure_add(set, lib, libpath);
		else
			err = ct_strv_addf(&set->missing, "%s (needed by %s)", elf->needed[i],
					   path);
		free(lib);
	}
	return err;
}

int ct_closure_add(struct ct_closure *set, const char *path, const char *libpath)
{
	struct ct_elf elf;
	int err;

	if (ct_strv_has(&set->files, path))
		return 0;
	err = ct_elf_open(&elf, path);
	if (err == -ENOEXEC)
		return closure_add_script(set, path, libpath);
	if (err)
		return err;
	err = ct_strv_add(&set->files, path);
	if (!err && elf.interp && !closure_exists(elf.interp))
		err = ct_strv_addf(&set->missing, "%s (needed by %s)", elf.interp, path);
	else if (!err && elf.interp && !ct_strv_has(&set->files, elf.interp))
		err = ct_strv_add(&set->files, elf.interp);
	if (!err)
		err = closure_add_needed(set, &elf, path, libpath);
	ct_elf_close(&elf);
	return err;
}

void ct_closure_free(struct ct_closure *set)
{
	ct_strv_free(&set->files);
	ct_strv_free(&set->extra_dirs);
	ct_strv_free(&set->missing);
}

/* Whether @path can be run: 0, -ENOENT or -EACCES. */
static int program_check(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno == EACCES ? -EACCES : -ENOENT;
	return !S_ISREG(st.st_mode) || access(path, X_OK) ? -EACCES : 0;
}

int ct_find_program(const char *name, char **ret_path)
{
	const char *list = getenv("PATH");
	int err = -ENOENT;

	if (strchr(name, '/')) {
		char *dir = NULL, cwd[PATH_MAX];

		err = program_check(name);
		if (err)
			return err;
		if (*name == '/')
			dir = strdup(name);
		else if (!getcwd(cwd, sizeof(cwd)) || asprintf(&dir, "%s/%s", cwd, name) < 0)
			return -ENOENT;
		*ret_path = dir;
		return dir ? 0 : -ENOMEM;
	}
	list = list ? list : "/usr/local/bin:/usr/bin:/bin";
	while (*name && *list) {
		size_t len = strcspn(list, ":");
		char *path;

		if (len && asprintf(&path, "%.*s/%s", (int)len, list, name) >= 0) {
			int found = program_check(path);

			if (!found) {
				*ret_path = path;
				return 0;
			}
			free(path);
			if (found == -EACCES)
				err = found;
		}
		list += len + (list[len] == ':');
	}
	return err;
}

bool ct_is_program(const char *path)
{
	struct ct_elf elf;
	int err = ct_elf_open(&elf, path);

	if (!err)
		ct_elf_close(&elf);
	return !err;
}

static int program_missing(const char *name, const struct ct_closure *set)
{
	for (size_t i = 0; i < set->missing.n; i++)
		ct_error("'%s' cannot start: this machine has no %s; install it or set "
			 "LD_LIBRARY_PATH",
			 name, set->missing.s[i]);
	return set->missing.n ? CT_EXIT_NOT_FOUND : 0;
}

int ct_check_program(const char *name, const char *libpath, struct ct_closure *set, char **ret_path)
{
	struct ct_closure own = { 0 };
	char *path = NULL;
	int err, status;

	err = ct_find_program(name, &path);
	if (err == -EACCES) {
		ct_error("'%s' is there but is not an executable file; chmod +x may be missing",
			 name);
		return CT_EXIT_CANNOT_EXEC;
	}
	if (err) {
		ct_error("there is no program '%s'; give its path or look at PATH", name);
		return CT_EXIT_NOT_FOUND;
	}
	err = ct_closure_add(set ? set : &own, path, libpath);
	if (err) {
		ct_error("'%s' cannot be run: %s", path,
			 err == -ENOEXEC ? "it is neither a 64-bit x86 program nor a script"
					 : strerror(-err));
		status = CT_EXIT_CANNOT_EXEC;
	} else {
		status = program_missing(name, set ? set : &own);
	}
	ct_closure_free(&own);
	if (status)
		free(path);
	else
		*ret_path = path;
	return status;
}

char *ct_find_library(const char *name)
{
	struct ct_closure set = { 0 };
	struct ct_elf none = { 0 };
	char *path = closure_find(&set, name, getenv("LD_LIBRARY_PATH"), &none, "/");

	ct_closure_free(&set);
	return path;
}
