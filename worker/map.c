/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mapping what belongs to the client.
 *
 * wk_map_segs() is the only function of the worker that maps guest memory
 * (PROTOCOL 2): channel, regions and window all come through it, each as the
 * pieces of files that the daemon granted.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cw/tsan.h"
#include "worker/internal.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/**
 * wk_reserve() - Take an address range, so that nothing else lands there
 * @base:	first address, page aligned
 * @size:	bytes
 *
 * Return: 0, or -errno (-EEXIST: something is mapped there already).
 */
int wk_reserve(uint64_t base, uint64_t size)
{
	void *want = (void *)(uintptr_t)base;
	void *got;

	if (!cw_address_legal(base, size))
		return -EEXIST;
	got = mmap(want, size, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (got == MAP_FAILED)
		return -errno;
	if (got != want) {
		munmap(got, size);
		return -EEXIST;
	}
	return 0;
}

/**
 * wk_map_fence() - The daemon shall know that all mappings so far are made
 *
 * It allows a mapping, then the kernel makes it; only the next call of the same
 * thread tells that it did. This one is refused by all kernels.
 */
void wk_map_fence(void)
{
	if (wk_self()->brokered &&
	    mmap(NULL, 0, PROT_NONE, MAP_SHARED, -1, 0) != MAP_FAILED)
		abort();
}

/* Descriptor of a piece, or -1. */
static int seg_file(const struct cw_worker_seg *s, const int *fds, uint32_t nfds)
{
	const struct wk_worker *w = wk_self();

	if (!(s->fd & CW_SEG_RAM))
		return s->fd < nfds ? fds[s->fd] : -1;
	return (s->fd & ~CW_SEG_RAM) < w->nr_ram ? w->ram[s->fd & ~CW_SEG_RAM] : -1;
}

/**
 * wk_map_segs() - Map granted pieces of files one behind the other
 * @segs:	pieces; offsets and lengths are multiples of the page size
 * @n:		their number
 * @fds:	descriptors that came with them
 * @nfds:	number of descriptors
 * @at:		where (inside a range that wk_reserve() took), NULL: anywhere
 * @len:	bytes, sum of the pieces
 * @prot:	protection
 *
 * Return: the address, or NULL; nothing of it stays mapped then (a reserved
 * range stays reserved).
 */
void *wk_map_segs(const struct cw_worker_seg *segs, uint32_t n, const int *fds, uint32_t nfds,
		  void *at, uint64_t len, int prot)
{
	uint8_t *base = at;
	uint64_t done = 0;

	if (!base) {
		base = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			    0);
		if (base == MAP_FAILED)
			return NULL;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct cw_worker_seg *s = &segs[i];
		int fd = seg_file(s, fds, nfds);

		if (fd < 0 || !s->len || s->len > len - done || (s->len & 4095) ||
		    (s->offset & 4095))
			break;
		if (mmap(base + done, s->len, prot, MAP_SHARED | MAP_FIXED, fd,
			 (off_t)s->offset) == MAP_FAILED)
			break;
		done += s->len;
	}
	if (done == len)
		return base;
	/* Back to a bare reservation, so that a fixed range is not lost. */
	mmap(base, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	if (!at)
		munmap(base, len);
	return NULL;
}

/**
 * wk_map_channel() - Map the channel, wherever there is room
 * @segs, @n:	its pieces; on huge pages their sum is more than its size
 * @fds, @nfds:	descriptors that came with them
 *
 * Return: the address, or NULL.
 */
void *wk_map_channel(const struct cw_worker_seg *segs, uint32_t n, const int *fds, uint32_t nfds)
{
	uint64_t granule = 1ull << wk_self()->start.granule_shift, len = 0;
	uint8_t *base;

	for (uint32_t i = 0; i < n; i++)
		len += segs[i].len;
	/* Huge pages can only be mapped where one could begin. */
	base = mmap(NULL, len + granule, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (base == MAP_FAILED)
		return NULL;
	base = (uint8_t *)(uintptr_t)cw_align_up((uintptr_t)base, granule);
	return wk_map_segs(segs, n, fds, nfds, base, len, PROT_READ | PROT_WRITE);
}
