/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cw/util.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

/**
 * cd_memfd_create() - Make a memory file of fixed size
 * @name:	shown in maps files
 * @size:	bytes
 * @seals:	F_SEAL_* to set at once, 0 to leave it open for later ones
 *
 * Return: descriptor, close-on-exec, or -errno.
 */
int cd_memfd_create(const char *name, uint64_t size, unsigned int seals)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);
	int ret;

	/* Before Linux 6.3 the flag is unknown; sealed executable is as before. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, flags);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) || (seals && fcntl(fd, F_ADD_SEALS, seals))) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

/**
 * cd_memfd_is_safe() - Whether a stranger's file can be mapped without fear
 * @fd:		descriptor that came from outside
 * @size:	bytes it must have
 *
 * A file that can still shrink would let its owner make us fault at will, so
 * it has to be a memory file, sealed against that. One of huge pages can lose
 * them and find none in their place.
 *
 * Return: true if it can.
 */
bool cd_memfd_is_safe(int fd, uint64_t size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) || fs.f_type != TMPFS_MAGIC)
		return false;
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st))
		return false;
	return S_ISREG(st.st_mode) && st.st_size >= 0 && (uint64_t)st.st_size == size;
}

/**
 * cd_file_range() - Name a piece of an open file
 * @fd:		the file
 * @offset:	first byte
 * @len:	bytes
 * @ret:	the piece
 *
 * Return: 0 or -errno.
 */
int cd_file_range(int fd, uint64_t offset, uint64_t len, struct cd_file_range *ret)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*ret = (struct cd_file_range){
		.dev = st.st_dev, .ino = st.st_ino, .offset = offset, .len = len
	};
	return 0;
}

/**
 * cd_ranges_overlap() - Whether two pieces of files have a byte in common
 * @a:	one
 * @b:	the other
 *
 * Return: true if they have.
 */
bool cd_ranges_overlap(const struct cd_file_range *a, const struct cd_file_range *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->offset < b->offset + b->len &&
	       b->offset < a->offset + a->len;
}

/* Bytes from @from on, mapped at @va, that a mapping which is fine accounts for. */
static uint64_t fine_bytes(const struct cd_maps_query *q, const struct cd_mapping *at,
			   uint64_t from)
{
	for (uint32_t i = 0; i < q->nr_fine; i++) {
		const struct cd_mapping *m = &q->fine[i];

		if (m->range.dev == at->range.dev && m->range.ino == at->range.ino &&
		    m->va - m->range.offset == at->va - at->range.offset &&
		    from >= m->range.offset && from - m->range.offset < m->range.len)
			return m->range.len - (from - m->range.offset);
	}
	return 0;
}

/* Whether a mapping shows a byte of a piece that it should not show. */
static bool shows(const struct cd_maps_query *q, const struct cd_mapping *at,
		  const struct cd_file_range *range)
{
	uint64_t from, end, fine;

	if (!cd_ranges_overlap(&at->range, range))
		return false;
	end = cw_min(at->range.offset + at->range.len, range->offset + range->len);
	for (from = cw_max(at->range.offset, range->offset); from < end; from += fine) {
		fine = fine_bytes(q, at, from);
		if (!fine)
			return true;
	}
	return false;
}

/* A line of a maps file; false where it is none, or of no file. */
static bool maps_line(const char *line, struct cd_mapping *ret)
{
	unsigned int major, minor;
	uint64_t end, ino, offset;

	/* The tail of a long path name does not parse, and is no line. */
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*4c %" SCNx64 " %x:%x %" SCNu64, &ret->va, &end,
		   &offset, &major, &minor, &ino) != 6 || !ino)
		return false;
	ret->range = (struct cd_file_range){
		.dev = makedev(major, minor), .ino = ino, .offset = offset, .len = end - ret->va,
	};
	return true;
}

/**
 * cd_maps_has() - Whether a process has any of these pieces mapped
 * @q:	process, pieces, and where it may have them
 *
 * A mapping that was moved is still a mapping: only the very address that is
 * fine is. A process that lives has some mappings; one whose first thread has
 * ended shows none, whatever its other threads have.
 *
 * Return: 1 if it has, 0 if not, -errno where that can't be seen: -ESRCH where
 * there is no such process, or it shows nothing at all.
 */
int cd_maps_has(const struct cd_maps_query *q)
{
	char path[32], line[512];
	struct cd_mapping at;
	bool any = false;
	FILE *f;
	int ret = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", q->pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!ret && fgets(line, sizeof(line), f)) {
		any = true;
		if (!maps_line(line, &at))
			continue;
		for (uint32_t i = 0; i < q->nr_ranges && !ret; i++)
			ret = shows(q, &at, &q->range[i]);
	}
	if (ferror(f) && !ret)
		ret = -EIO;
	else if (!any)
		ret = -ESRCH;
	fclose(f);
	return ret;
}
