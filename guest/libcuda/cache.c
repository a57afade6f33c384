/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cache of answers that do not change: attributes of functions, occupancy.
 *
 * Direct mapped, under one lock: frameworks ask the same few things before
 * each launch, and a miss costs one crossing.
 */
#include <string.h>

#include "guest/libcuda/client.h"

#define LINES 1024u

struct line {
	uint32_t id; /* function, 0: empty */
	uint64_t key[3];
	uint64_t value;
};

static struct line lines[LINES];
static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;

static struct line *line_of(const struct cg_fn *fn, const uint64_t key[3])
{
	uint64_t h = fn->id;

	for (int i = 0; i < 3; i++)
		h = (h ^ key[i]) * 0x9e3779b97f4a7c15ull;
	return &lines[h >> 40 & (LINES - 1)];
}

bool cg_cache_get(const struct cg_fn *fn, const uint64_t key[3], uint64_t *ret)
{
	struct line *l = line_of(fn, key);
	bool hit;

	pthread_mutex_lock(&cache_lock);
	hit = l->id == fn->id && !memcmp(l->key, key, sizeof(l->key));
	if (hit)
		*ret = l->value;
	pthread_mutex_unlock(&cache_lock);
	return hit;
}

void cg_cache_put(const struct cg_fn *fn, const uint64_t key[3], uint64_t value)
{
	struct line *l = line_of(fn, key);

	pthread_mutex_lock(&cache_lock);
	l->id = fn->id;
	memcpy(l->key, key, sizeof(l->key));
	l->value = value;
	pthread_mutex_unlock(&cache_lock);
}

/* Forgets every answer of @fn whose first key is @key0. */
void cg_cache_drop(const struct cg_fn *fn, uint64_t key0)
{
	pthread_mutex_lock(&cache_lock);
	for (uint32_t i = 0; i < LINES; i++) {
		if (lines[i].id == fn->id && lines[i].key[0] == key0)
			lines[i].id = 0;
	}
	pthread_mutex_unlock(&cache_lock);
	cg_launch_forget();
}
