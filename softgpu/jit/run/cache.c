/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled kernels on disk.
 *
 * Theory of operation: an entry is a file named by the SHA-256 of all that goes
 * into the code: the kernel's instructions, the block shape's class, the CPU,
 * and the compiler (its file's size and time). The folder and the files belong
 * to one user alone, who is checked at each use, because what is in them will
 * be executed. A file says a digest over its name and contents; one that is
 * damaged, cut, renamed or not ours is a miss and goes away. Entries appear by
 * renaming, so that processes may share the folder; the oldest ones leave when
 * it grows beyond its limit.
 *
 * The folder is opened once, early: a sandbox may close the path to it.
 */
#include "softgpu/jit/run/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cw/log.h"

#define CACHE_MAGIC "CWJITC1"
#define CACHE_ENTRY_MAX (64u << 20)
#define CACHE_DEFAULT_SIZE (256ull << 20)
/* Stores between two looks at the size of the folder. */
#define CACHE_TRIM_EVERY 16

struct cache_head {
	char magic[8];
	uint64_t bytes;
	uint8_t digest[SHA256_DIGEST_SIZE];
};

static struct {
	pthread_once_t once;
	int dir;
	uint64_t limit;
	atomic_uint stores;
} cache = { .once = PTHREAD_ONCE_INIT, .dir = -1 };

static bool cache_private(const struct stat *st, mode_t type)
{
	return (st->st_mode & S_IFMT) == type && st->st_uid == geteuid() &&
	       !(st->st_mode & 077);
}

/* Each folder on the way, private where it is new. */
static int cache_make_path(char *path)
{
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

/* A worker has its folder named by the daemon, one per VM, or none. */
static bool cache_path(char *path, size_t size)
{
	const char *dir = secure_getenv("CAUSEWAY_SOFT_CACHE_DIR");
	const char *xdg = secure_getenv("XDG_CACHE_HOME"), *home = secure_getenv("HOME");
	int n;

	if (dir && *dir)
		n = snprintf(path, size, "%s", dir);
	else if (secure_getenv("CAUSEWAY_SOFT_ARENA_FD"))
		return false;
	else if (xdg && *xdg == '/')
		n = snprintf(path, size, "%s/causeway/soft", xdg);
	else if (home && *home == '/')
		n = snprintf(path, size, "%s/.cache/causeway/soft", home);
	else
		return false;
	return n > 0 && (size_t)n < size;
}

struct cache_file {
	char name[65];
	struct timespec used;
	uint64_t bytes;
};

static int cache_older(const void *a, const void *b)
{
	const struct timespec *x = &((const struct cache_file *)a)->used;
	const struct timespec *y = &((const struct cache_file *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* Files of the folder; everything in it is ours. */
static size_t cache_list(struct cache_file **ret_files, uint64_t *ret_total)
{
	int fd = openat(cache.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct cache_file *files = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;
	struct stat st;

	*ret_total = 0;
	while (d && (e = readdir(d))) {
		if (strlen(e->d_name) > 64 || e->d_name[0] == '.' ||
		    fstatat(cache.dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (n == cap) {
			struct cache_file *bigger;

			cap = cap ? 2 * cap : 64;
			bigger = realloc(files, cap * sizeof(*files));
			if (!bigger)
				break;
			files = bigger;
		}
		files[n] = (struct cache_file){ .used = st.st_mtim, .bytes = st.st_size };
		strcpy(files[n].name, e->d_name);
		*ret_total += files[n++].bytes;
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	*ret_files = files;
	return n;
}

/* The oldest go until a quarter of the limit is free. */
static void cache_trim(uint64_t limit)
{
	struct cache_file *files;
	uint64_t total;
	size_t n = cache_list(&files, &total);

	if (total > limit) {
		qsort(files, n, sizeof(*files), cache_older);
		for (size_t i = 0; i < n && total > limit - limit / 4; i++) {
			unlinkat(cache.dir, files[i].name, 0);
			total -= files[i].bytes;
		}
	}
	free(files);
}

static void cache_open_once(void)
{
	const char *off = secure_getenv("CAUSEWAY_SOFT_CACHE");
	const char *limit = secure_getenv("CAUSEWAY_SOFT_CACHE_SIZE");
	char path[PATH_MAX];
	struct stat st;

	cache.limit = limit ? strtoull(limit, NULL, 10) : CACHE_DEFAULT_SIZE;
	if ((off && !strcmp(off, "0")) || !cache_path(path, sizeof(path)) ||
	    cache_make_path(path))
		return;
	cache.dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (cache.dir < 0)
		return;
	if (!fstat(cache.dir, &st) && cache_private(&st, S_IFDIR)) {
		if (secure_getenv("CAUSEWAY_SOFT_CACHE_CLEAR"))
			cache_trim(0);
		return;
	}
	cw_warn("not a private folder, kernels are not kept: path=\"%s\"", path);
	close(cache.dir);
	cache.dir = -1;
}

void sg_jit_cache_open(void)
{
	pthread_once(&cache.once, cache_open_once);
}

static void cache_name(const struct sg_jit_key *key, char name[65])
{
	for (int i = 0; i < SHA256_DIGEST_SIZE; i++)
		snprintf(name + 2 * i, 3, "%02x", key->bytes[i]);
}

static void cache_digest(const struct sg_jit_key *key, const void *data, size_t size,
			 uint8_t digest[SHA256_DIGEST_SIZE])
{
	struct sha256_ctx c;

	sha256_init(&c);
	sha256_update(&c, sizeof(key->bytes), key->bytes);
	sha256_update(&c, size, data);
	sha256_digest(&c, SHA256_DIGEST_SIZE, digest);
}

static bool cache_read_all(int fd, void *buf, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = read(fd, (char *)buf + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += n;
	}
	return true;
}

static bool cache_write_all(int fd, const void *buf, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, (const char *)buf + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += n;
	}
	return true;
}

/* Tables lie inside the image and name what exists. */
static bool cache_image_ok(const struct sg_jit_image *im, size_t size)
{
	uint64_t need;

	if (size < sizeof(*im) || im->magic != SG_JIT_MAGIC || im->version != SG_JIT_VERSION ||
	    im->bytes != size)
		return false;
	need = sizeof(*im) + (uint64_t)im->nsites * sizeof(struct sg_jit_site) +
	       (uint64_t)im->ngroups * sizeof(uint32_t) + im->object_bytes;
	return need <= size && im->object_bytes % 8 == 0;
}

static struct sg_jit_image *cache_read(int fd, const struct sg_jit_key *key)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sg_jit_image *im;
	struct cache_head head;
	struct stat st;

	if (fstat(fd, &st) || !cache_private(&st, S_IFREG) || st.st_nlink != 1 ||
	    !cache_read_all(fd, &head, sizeof(head)) ||
	    memcmp(head.magic, CACHE_MAGIC, sizeof(head.magic)) ||
	    head.bytes > CACHE_ENTRY_MAX || (uint64_t)st.st_size != sizeof(head) + head.bytes)
		return NULL;
	im = malloc(head.bytes + 1);
	if (!im)
		return NULL;
	if (cache_read_all(fd, im, head.bytes)) {
		cache_digest(key, im, head.bytes, digest);
		if (!memcmp(digest, head.digest, sizeof(digest)) && cache_image_ok(im, head.bytes))
			return im;
	}
	free(im);
	return NULL;
}

/**
 * sg_jit_cache_get() - Look a kernel up
 * @key:	of it
 *
 * Return: its image, to be freed; NULL: there is none that can be trusted.
 */
struct sg_jit_image *sg_jit_cache_get(const struct sg_jit_key *key)
{
	struct sg_jit_image *im;
	char name[65];
	int fd;

	sg_jit_cache_open();
	if (cache.dir < 0)
		return NULL;
	cache_name(key, name);
	fd = openat(cache.dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		if (errno != ENOENT)
			unlinkat(cache.dir, name, 0);
		return NULL;
	}
	im = cache_read(fd, key);
	if (im)
		futimens(fd, NULL);
	else
		unlinkat(cache.dir, name, 0);
	close(fd);
	return im;
}

/**
 * sg_jit_cache_put() - Keep a kernel
 * @key:	of it
 * @im:		its image
 *
 * A failure is nobody's concern: the next process compiles again.
 */
void sg_jit_cache_put(const struct sg_jit_key *key, const struct sg_jit_image *im)
{
	struct cache_head head = { .magic = CACHE_MAGIC, .bytes = im->bytes };
	unsigned nth = atomic_fetch_add(&cache.stores, 1);
	char name[65], temp[64];
	bool ok;
	int fd;

	sg_jit_cache_open();
	if (cache.dir < 0 || im->bytes > CACHE_ENTRY_MAX || im->bytes > cache.limit)
		return;
	cache_digest(key, im, im->bytes, head.digest);
	cache_name(key, name);
	snprintf(temp, sizeof(temp), "new.%ld.%u", (long)getpid(), nth);
	fd = openat(cache.dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	ok = cache_write_all(fd, &head, sizeof(head)) && cache_write_all(fd, im, im->bytes);
	ok = !close(fd) && ok;
	if (!ok || renameat(cache.dir, temp, cache.dir, name))
		unlinkat(cache.dir, temp, 0);
	if (nth % CACHE_TRIM_EVERY == 0)
		cache_trim(cache.limit);
}
