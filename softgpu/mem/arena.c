/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device memory as one mapping of one memfd: see arena.h.
 */
#include "softgpu/mem/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cw/log.h"
#include "cw/util.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define PAGE 4096ull
#define GIB (1ull << 30)

/*
 * Addresses that are legal for application data in plain, ASan and TSan
 * processes alike, and far from where the kernel places libraries and stacks.
 */
static const uint64_t candidates[] = {
	0x7ea000000000, 0x7eb000000000, 0x7ec000000000, 0x7ed000000000,
	0x7ee000000000, 0x7ef000000000,
};

/* "512M", "4G", "0x1000": bytes; 0 where it is no size. */
static uint64_t parse_size(const char *text)
{
	static const char units[] = "KMGT";
	char *end;
	uint64_t n;
	const char *unit;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || end == text || *text == '-')
		return 0;
	if (!*end)
		return n;
	unit = strchr(units, *end & ~0x20);
	if (!unit || (end[1] && strcmp(end + 1, "iB") && strcmp(end + 1, "B")))
		return 0;
	for (long i = 0; i <= unit - units; i++) {
		if (n > UINT64_MAX / 1024)
			return 0;
		n *= 1024;
	}
	return n;
}

static uint64_t default_size(void)
{
	const char *env = secure_getenv("CAUSEWAY_SOFT_MEM");
	uint64_t size = env ? parse_size(env) : 0;
	uint64_t ram = (uint64_t)cw_max(sysconf(_SC_PHYS_PAGES), 2048L) * PAGE;

	if (env && size < PAGE)
		cw_warn("not a memory size, ignored: CAUSEWAY_SOFT_MEM=\"%s\"", env);
	if (size < PAGE)
		size = cw_min(ram / 2, 8 * GIB);
	return size & ~(PAGE - 1);
}

static char *map_at(uint64_t base, uint64_t size, int fd, int fixed)
{
	void *p = mmap((void *)base, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_NORESERVE | fixed, fd, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* A kernel before 4.17 takes the address as a hint only. */
	if (fixed && p != (void *)base) {
		munmap(p, size);
		return NULL;
	}
	return p;
}

/* The window of a worker's client. -ENOENT where none was given. */
static int arena_adopt(struct sg_arena *arena)
{
	const char *fd_text = secure_getenv("CAUSEWAY_SOFT_ARENA_FD");
	const char *base_text = secure_getenv("CAUSEWAY_SOFT_ARENA_BASE");
	const char *size_text = secure_getenv("CAUSEWAY_SOFT_ARENA_SIZE");
	uint64_t base, size;
	struct stat st;
	char *end;
	int fd;

	if (!fd_text)
		return -ENOENT;
	fd = (int)strtol(fd_text, &end, 10);
	if (*end || end == fd_text || fd < 0 || fstat(fd, &st) || !base_text)
		return -EINVAL;
	base = strtoull(base_text, &end, 16);
	if (*end || !base || base % PAGE)
		return -EINVAL;
	size = size_text ? parse_size(size_text) : (uint64_t)st.st_size;
	if (!size || size % PAGE || size > (uint64_t)st.st_size)
		return -EINVAL;
	arena->base = map_at(base, size, fd, MAP_FIXED_NOREPLACE);
	if (!arena->base)
		return -EADDRINUSE;
	arena->size = size;
	arena->fd = fd;
	return 0;
}

static int arena_create(struct sg_arena *arena)
{
	uint64_t size = default_size();
	int fd = memfd_create("causeway-soft-arena", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size)) {
		close(fd);
		return -ENOMEM;
	}
	arena->base = NULL;
	for (size_t i = 0; i < CW_ARRAY_SIZE(candidates) && !arena->base; i++)
		arena->base = map_at(candidates[i], size, fd, MAP_FIXED_NOREPLACE);
	if (!arena->base)
		arena->base = map_at(0, size, fd, 0);
	if (!arena->base) {
		close(fd);
		return -ENOMEM;
	}
	arena->size = size;
	arena->fd = fd;
	return 0;
}

/**
 * sg_arena_open() - Map device memory
 * @ret_arena:	the mapping
 *
 * Return: 0, -EINVAL for a window that is not usable, -EADDRINUSE where its
 * address is taken, -ENOMEM.
 */
int sg_arena_open(struct sg_arena *ret_arena)
{
	struct sg_arena arena = { .fd = -1 };
	int err = arena_adopt(&arena);

	if (err == -ENOENT)
		err = arena_create(&arena);
	if (err) {
		cw_error("no device memory error=\"%s\"", strerror(-err));
		return err;
	}
	/* A child of fork has no GPU; pages it could write would be the parent's. */
	madvise(arena.base, arena.size, MADV_DONTFORK);
	madvise(arena.base, arena.size, MADV_DONTDUMP);
	*ret_arena = arena;
	return 0;
}

/**
 * sg_arena_close() - Unmap device memory
 * @arena:	from sg_arena_open()
 */
void sg_arena_close(struct sg_arena *arena)
{
	munmap(arena->base, arena->size);
	close(arena->fd);
}

/**
 * sg_arena_punch() - Give the pages of a free range back to the system
 * @arena:	the mapping
 * @off:	first byte of the range
 * @size:	bytes; only whole pages inside are given back
 */
void sg_arena_punch(const struct sg_arena *arena, uint64_t off, uint64_t size)
{
	uint64_t start = cw_align_up(off, PAGE);
	uint64_t end = (off + size) & ~(PAGE - 1);

	if (start < end)
		fallocate(arena->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)start,
			  (off_t)(end - start));
}
