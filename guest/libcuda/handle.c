/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles whose slot this process chooses, so that a stream or an event can be
 * made without waiting. One dense space per type; a freed slot comes back with
 * the next generation.
 */
#include <stdlib.h>
#include <string.h>

#include "guest/libcuda/client.h"

/* As many as the worker's table takes. */
#define SLOTS_MAX (1u << 20)

static struct space {
	uint16_t *gen;	/* by slot; of the handle given out last */
	uint32_t *free; /* stack of slots */
	uint32_t n, max, nr_free;
} spaces[CW_H_TYPES];
static pthread_mutex_t space_lock = PTHREAD_MUTEX_INITIALIZER;

static bool space_grow(struct space *s)
{
	uint32_t max = s->max ? s->max * 2 : 64;
	uint16_t *gen;
	uint32_t *list;

	if (s->n < s->max)
		return true;
	if (max > SLOTS_MAX)
		return false;
	gen = realloc(s->gen, max * sizeof(*gen));
	if (gen)
		s->gen = gen;
	list = realloc(s->free, max * sizeof(*list));
	if (list)
		s->free = list;
	if (!gen || !list)
		return false;
	memset(s->gen + s->max, 0, (max - s->max) * sizeof(*gen));
	s->max = max;
	return true;
}

uint64_t cg_handle_new(enum cw_handle_type type)
{
	struct space *s = &spaces[type];
	uint64_t h = 0;
	uint32_t slot;

	pthread_mutex_lock(&space_lock);
	if (s->nr_free) {
		slot = s->free[--s->nr_free];
		h = cw_handle(type, CW_H_BY_GUEST, ++s->gen[slot], slot);
	} else if (space_grow(s)) {
		slot = s->n++;
		h = cw_handle(type, CW_H_BY_GUEST, s->gen[slot], slot);
	}
	pthread_mutex_unlock(&space_lock);
	return h;
}

/* Nothing happens for a handle of the worker, or one that is free already. */
void cg_handle_free(uint64_t h)
{
	uint32_t slot = cw_handle_slot(h);
	struct space *s = &spaces[cw_handle_type(h)];

	if (cw_handle_where(h) != CW_H_BY_GUEST)
		return;
	pthread_mutex_lock(&space_lock);
	if (slot < s->n && s->gen[slot] == cw_handle_gen(h) && s->nr_free < s->max) {
		s->free[s->nr_free++] = slot;
		s->gen[slot]++; /* a second free of the same handle finds another */
	}
	pthread_mutex_unlock(&space_lock);
}
