/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of the region arena: addresses only, first fit, in whole pages.
 */
#include <stdlib.h>
#include <string.h>

#include "guest/libcuda/client.h"

#define ARENA_ALIGN (64u << 10)

struct piece {
	uint64_t va;
	uint64_t len;
};

static struct piece *pieces; /* taken, sorted */
static size_t nr_pieces, max_pieces;
static pthread_mutex_t arena_lock = PTHREAD_MUTEX_INITIALIZER;

static bool pieces_grow(void)
{
	size_t max = max_pieces ? max_pieces * 2 : 64;
	struct piece *more;

	if (nr_pieces < max_pieces)
		return true;
	more = realloc(pieces, max * sizeof(*more));
	if (!more)
		return false;
	pieces = more;
	max_pieces = max;
	return true;
}

/**
 * cg_arena_alloc() - Take an address range for a region
 * @len:	bytes, multiple of the granule
 *
 * Return: its first address, 0 where the arena is full.
 */
uint64_t cg_arena_alloc(uint64_t len)
{
	const struct cg_open *o = &cg_client()->open;
	uint64_t align = cw_max((uint64_t)ARENA_ALIGN, o->granule);
	uint64_t at = cw_align_up(o->region_base, align);
	size_t i = 0;

	pthread_mutex_lock(&arena_lock);
	while (i < nr_pieces && pieces[i].va - at < len) {
		at = cw_align_up(pieces[i].va + pieces[i].len, align);
		i++;
	}
	if (!cw_range_ok(at - o->region_base, len, o->region_size) || !pieces_grow()) {
		at = 0;
	} else {
		memmove(&pieces[i + 1], &pieces[i], (nr_pieces - i) * sizeof(*pieces));
		pieces[i] = (struct piece){ at, len };
		nr_pieces++;
	}
	pthread_mutex_unlock(&arena_lock);
	return at;
}

void cg_arena_free(uint64_t va, uint64_t len)
{
	pthread_mutex_lock(&arena_lock);
	for (size_t i = 0; i < nr_pieces; i++) {
		if (pieces[i].va == va) {
			memmove(&pieces[i], &pieces[i + 1],
				(--nr_pieces - i) * sizeof(*pieces));
			break;
		}
	}
	pthread_mutex_unlock(&arena_lock);
}
