/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory of a vhost-user back end.
 *
 * Theory of operation: the front end names memory by file, offset and the two
 * addresses it is known under. All of it is checked: ranges do not wrap, lie
 * inside the file (or the first touch would be a SIGBUS), and do not overlap.
 * A region goes away in one order only: rings that lie in it are stopped, the
 * device says that nothing uses it, then it is unmapped. A table that repeats a
 * region leaves that region alone, so a memory hotplug does not disturb what
 * runs.
 */
#include "vhost/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cw/util.h"

static bool region_used(const struct vu_region *r)
{
	return r->map_len != 0;
}

/**
 * vu_region_next() - Walk the regions
 * @b:		back end
 * @prev:	region before, NULL for the first
 *
 * Return: a region, valid until mem_removing() returned 0 for it, or NULL.
 */
const struct vu_region *vu_region_next(const struct vu_backend *b, const struct vu_region *prev)
{
	const struct vu_region *r = prev ? prev + 1 : b->region;

	for (; r < b->region + VU_MAX_REGIONS; r++) {
		if (region_used(r))
			return r;
	}
	return NULL;
}

/**
 * vu_region_find() - Region that holds a guest range
 * @b:		back end
 * @gpa:	first guest address, untrusted
 * @len:	bytes, untrusted
 *
 * Return: the region that holds all of it, or NULL.
 */
const struct vu_region *vu_region_find(const struct vu_backend *b, uint64_t gpa, uint64_t len)
{
	const struct vu_region *r = NULL;

	while ((r = vu_region_next(b, r))) {
		if (gpa >= r->gpa && cw_range_ok(gpa - r->gpa, len, r->size))
			return r;
	}
	return NULL;
}

/**
 * vu_regions_user_ptr() - Host address of a range the front end names by its own
 * @b:		back end
 * @uva:	address in the front end, untrusted
 * @len:	bytes, untrusted
 *
 * Return: the address, or NULL where no single region holds the range.
 */
void *vu_regions_user_ptr(const struct vu_backend *b, uint64_t uva, uint64_t len)
{
	const struct vu_region *r = NULL;

	while ((r = vu_region_next(b, r))) {
		if (uva >= r->uva && cw_range_ok(uva - r->uva, len, r->size))
			return (char *)r->host + (uva - r->uva);
	}
	return NULL;
}

static bool region_is(const struct vu_region *r, const struct vu_mem_region *want)
{
	return r->gpa == want->gpa && r->size == want->size && r->uva == want->uva;
}

static bool ranges_meet(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a <= b + (b_len - 1) && b <= a + (a_len - 1);
}

static int region_check(const struct vu_backend *b, const struct vu_mem_region *want)
{
	uint64_t last = want->size - 1;
	const struct vu_region *r = NULL;

	if (!want->size || want->gpa + last < want->gpa || want->uva + last < want->uva ||
	    want->offset + last < want->offset)
		return -EINVAL;
	while ((r = vu_region_next(b, r))) {
		if (ranges_meet(r->gpa, r->size, want->gpa, want->size) ||
		    ranges_meet(r->uva, r->size, want->uva, want->size))
			return -EEXIST;
	}
	return 0;
}

/* Fills in everything of @r that depends on the file, and maps it. */
static int region_map(struct vu_region *r, const struct vu_mem_region *want, int fd)
{
	uint64_t align = sysconf(_SC_PAGESIZE);
	struct stat st;
	size_t slack;
	void *map;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || !cw_range_ok(want->offset, want->size, st.st_size))
		return -EINVAL;
	/* hugetlbfs tells its page size here; mappings must be multiples of it. */
	if (cw_is_pow2(st.st_blksize))
		align = cw_max(align, (uint64_t)st.st_blksize);
	slack = want->offset & (align - 1);
	if (want->size > SIZE_MAX - slack - align)
		return -EINVAL;
	*r = (struct vu_region){
		.gpa = want->gpa,
		.size = want->size,
		.uva = want->uva,
		.offset = want->offset,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.fd = fd,
		.map_len = cw_align_up(slack + want->size, align),
	};
	map = mmap(NULL, r->map_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		   want->offset - slack);
	if (map == MAP_FAILED) {
		r->map_len = 0;
		return -errno;
	}
	madvise(map, r->map_len, MADV_DONTDUMP);
	r->map = map;
	r->host = (char *)map + slack;
	return 0;
}

static void region_unmap(struct vu_backend *b, struct vu_region *r)
{
	vq_mem_del(&b->mem, r->gpa, r->size);
	munmap(r->map, r->map_len);
	close(r->fd);
	memset(r, 0, sizeof(*r));
}

static struct vu_region *region_slot(struct vu_backend *b)
{
	for (int i = 0; i < VU_MAX_REGIONS; i++) {
		if (!region_used(&b->region[i]))
			return &b->region[i];
	}
	return NULL;
}

/**
 * vu_regions_add() - Add a region
 * @b:		back end
 * @want:	region, untrusted
 * @fd:		its file; the back end's afterwards, whatever is returned
 *
 * Return: 0 or -errno.
 */
int vu_regions_add(struct vu_backend *b, const struct vu_mem_region *want, int fd)
{
	struct vu_region *r = region_slot(b);
	int ret = r ? region_check(b, want) : -ENOSPC;

	if (!ret)
		ret = region_map(r, want, fd);
	if (ret) {
		close(fd);
		return ret;
	}
	ret = vq_mem_add(&b->mem, r->gpa, r->size, r->host);
	if (!ret && b->p.ops->mem_added)
		ret = b->p.ops->mem_added(b->p.dev, r);
	if (ret)
		region_unmap(b, r);
	return ret;
}

static int region_remove(struct vu_backend *b, struct vu_region *r)
{
	int ret = vu_rings_leave_region(b, r);

	if (!ret && b->p.ops->mem_removing)
		ret = b->p.ops->mem_removing(b->p.dev, r);
	if (ret)
		return ret;
	region_unmap(b, r);
	return 0;
}

/**
 * vu_regions_del() - Remove a region
 * @b:		back end
 * @want:	its two addresses and its size
 *
 * Return: 0; -ENOENT where there is no such region; -EAGAIN where ring or
 * device put off: to be called again.
 */
int vu_regions_del(struct vu_backend *b, const struct vu_mem_region *want)
{
	for (int i = 0; i < VU_MAX_REGIONS; i++) {
		struct vu_region *r = &b->region[i];

		if (region_used(r) && region_is(r, want))
			return region_remove(b, r);
	}
	return -ENOENT;
}

/**
 * vu_regions_clear() - Remove all regions
 * @b:		back end
 *
 * Return: 0, or -EAGAIN: to be called again.
 */
int vu_regions_clear(struct vu_backend *b)
{
	for (int i = 0; i < VU_MAX_REGIONS; i++) {
		int ret = region_used(&b->region[i]) ? region_remove(b, &b->region[i]) : 0;

		if (ret)
			return ret;
	}
	return 0;
}

/* Whether entry @i of @table is region @r, in the same file at the same place. */
static bool table_repeats(const struct vu_mem_table *table, const struct vu_rx *rx, unsigned int i,
			  const struct vu_region *r)
{
	struct stat st;

	return region_is(r, &table->region[i]) && r->offset == table->region[i].offset &&
	       !fstat(rx->fds[i], &st) && st.st_dev == r->dev && st.st_ino == r->ino;
}

static bool table_has(const struct vu_mem_table *table, const struct vu_rx *rx,
		      const struct vu_region *r)
{
	for (unsigned int i = 0; i < table->n; i++) {
		if (table_repeats(table, rx, i, r))
			return true;
	}
	return false;
}

static bool table_entry_is_there(const struct vu_backend *b, const struct vu_mem_table *table,
				 const struct vu_rx *rx, unsigned int i)
{
	const struct vu_region *r = NULL;

	while ((r = vu_region_next(b, r))) {
		if (table_repeats(table, rx, i, r))
			return true;
	}
	return false;
}

/**
 * vu_regions_set() - Make the memory what a table says
 * @b:		back end
 * @table:	regions; @n was checked against the descriptors of @rx
 * @rx:		message, for its descriptors
 *
 * What the table does not repeat goes first, then the new ones come. A table
 * that repeats itself fails at the second of the two, since they overlap.
 *
 * Return: 0; -EAGAIN to be called again; another -errno with the regions
 * before the bad one in place.
 */
int vu_regions_set(struct vu_backend *b, const struct vu_mem_table *table, struct vu_rx *rx)
{
	bool keep[VU_TABLE_REGIONS];

	for (int i = 0; i < VU_MAX_REGIONS; i++) {
		struct vu_region *r = &b->region[i];
		int ret = 0;

		if (region_used(r) && !table_has(table, rx, r))
			ret = region_remove(b, r);
		if (ret)
			return ret;
	}
	for (unsigned int i = 0; i < table->n; i++)
		keep[i] = table_entry_is_there(b, table, rx, i);
	for (unsigned int i = 0; i < table->n; i++) {
		int ret = 0;

		if (!keep[i])
			ret = vu_regions_add(b, &table->region[i], vu_rx_take_fd(rx, i));
		if (ret)
			return ret;
	}
	return 0;
}
