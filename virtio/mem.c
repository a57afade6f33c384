/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory map.
 *
 * Theory of operation: an address from the guest is worth nothing without a
 * length. Both go in, and host segments come out that lie wholly inside RAM,
 * or the lookup fails; there is no way to ask for "the pointer at" an address
 * (CVE-2018-1059 and its kin). Only RAM is in the map, so a descriptor that
 * points at a device's own registers does not resolve.
 */
#include "virtio/mem.h"

#include <errno.h>
#include <string.h>

#include "cw/util.h"

/**
 * vq_mem_init() - Start with no guest memory
 * @mem:	map
 */
void vq_mem_init(struct vq_mem *mem)
{
	mem->n = 0;
}

/* Index of the first region that ends after gpa: where gpa is, or belongs. */
static size_t mem_lower(const struct vq_mem *mem, uint64_t gpa)
{
	size_t lo = 0, hi = mem->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct vq_mem_region *r = &mem->region[mid];

		/* The last byte, since one past it may be 2^64. */
		if (r->gpa + (r->size - 1) < gpa)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/**
 * vq_mem_add() - Add a region
 * @mem:	map
 * @gpa:	first guest address
 * @size:	bytes
 * @host:	where it is mapped
 *
 * Return: 0; -EINVAL where the region is empty or wraps; -EEXIST where it
 * overlaps another; -ENOSPC where the map is full.
 */
int vq_mem_add(struct vq_mem *mem, uint64_t gpa, uint64_t size, void *host)
{
	size_t i;

	if (!size || gpa + (size - 1) < gpa)
		return -EINVAL;
	if (mem->n == VQ_MEM_MAX_REGIONS)
		return -ENOSPC;
	i = mem_lower(mem, gpa);
	if (i < mem->n && mem->region[i].gpa <= gpa + (size - 1))
		return -EEXIST;
	memmove(&mem->region[i + 1], &mem->region[i], (mem->n - i) * sizeof(mem->region[0]));
	mem->region[i] = (struct vq_mem_region){gpa, size, host};
	mem->n++;
	return 0;
}

/**
 * vq_mem_del() - Remove a region that was added
 * @mem:	map
 * @gpa:	its first guest address
 * @size:	its size in bytes
 *
 * Return: 0, or -ENOENT where no region is exactly that.
 */
int vq_mem_del(struct vq_mem *mem, uint64_t gpa, uint64_t size)
{
	size_t i = mem_lower(mem, gpa);

	if (i == mem->n || mem->region[i].gpa != gpa || mem->region[i].size != size)
		return -ENOENT;
	mem->n--;
	memmove(&mem->region[i], &mem->region[i + 1], (mem->n - i) * sizeof(mem->region[0]));
	return 0;
}

/**
 * vq_mem_map() - Host segments of a guest range
 * @mem:	map
 * @gpa:	first guest address, untrusted
 * @len:	bytes, untrusted; 0 gives no segment
 * @out:	@seg: room for @n segments; on success @n is what was used. A range
 *		that spans neighbouring regions takes one segment of each.
 *
 * Return: 0; -EFAULT where any byte is not RAM; -E2BIG where @out is too short.
 */
int vq_mem_map(const struct vq_mem *mem, uint64_t gpa, uint64_t len, struct vq_segs *out)
{
	size_t used = 0;

	if (len && gpa + (len - 1) < gpa)
		return -EFAULT;
	for (size_t i = mem_lower(mem, gpa); len; i++) {
		const struct vq_mem_region *r = &mem->region[i];
		uint64_t off, part;

		if (i == mem->n || gpa < r->gpa)
			return -EFAULT;
		if (used == out->n)
			return -E2BIG;
		off = gpa - r->gpa;
		part = cw_min(len, r->size - off);
		out->seg[used++] = (struct vq_seg){(char *)r->host + off, part};
		gpa += part;
		len -= part;
	}
	out->n = used;
	return 0;
}

/**
 * vq_mem_ptr() - Host address of a guest range that must not be split
 * @mem:	map
 * @gpa:	first guest address, untrusted
 * @len:	bytes, untrusted
 *
 * Return: the address, or NULL where the range is empty, not RAM, or spans
 * two regions.
 */
void *vq_mem_ptr(const struct vq_mem *mem, uint64_t gpa, uint64_t len)
{
	struct vq_seg seg;
	struct vq_segs out = {&seg, 1};

	if (!len || vq_mem_map(mem, gpa, len, &out))
		return NULL;
	return seg.addr;
}
