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

static bool overlaps(const struct cd_file_range *a, const struct cd_file_range *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->offset < b->offset + b->len &&
	       b->offset < a->offset + a->len;
}

/**
 * cd_maps_has() - Whether a process has any of these pieces mapped
 * @pid:	the process
 * @ranges:	pieces of files
 * @n:		their number
 *
 * The address does not matter: a mapping that was moved is still a mapping. A
 * process that lives has some mappings; one whose first thread has ended shows
 * none, whatever its other threads have.
 *
 * Return: 1 if it has, 0 if not, -errno where that can't be seen: -ESRCH where
 * there is no such process, or it shows nothing at all.
 */
int cd_maps_has(pid_t pid, const struct cd_file_range *ranges, uint32_t n)
{
	char path[32], line[512];
	bool any = false;
	FILE *f;
	int ret = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!ret && fgets(line, sizeof(line), f)) {
		struct cd_file_range at = { 0 };
		uint64_t start, end, ino;
		unsigned int major, minor;

		any = true;
		/* The tail of a long path name does not parse, and is no line. */
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*4c %" SCNx64 " %x:%x %" SCNu64, &start,
			   &end, &at.offset, &major, &minor, &ino) != 6 || !ino)
			continue;
		at.dev = makedev(major, minor);
		at.ino = ino;
		at.len = end - start;
		for (uint32_t i = 0; i < n && !ret; i++)
			ret = overlaps(&at, &ranges[i]);
	}
	if (ferror(f) && !ret)
		ret = -EIO;
	else if (!any)
		ret = -ESRCH;
	fclose(f);
	return ret;
}
