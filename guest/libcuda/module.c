/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules: which ranges go with them.
 */
#include <stdlib.h>
#include <string.h>

#include "guest/libcuda/client.h"

/* Globals that were looked up, by the module or library that owns them. */
struct global {
	struct global *next;
	uint64_t owner;
	uint64_t base;
};

static struct global *globals;
static pthread_mutex_t global_lock = PTHREAD_MUTEX_INITIALIZER;

/**
 * cg_range_global() - Enter a module's variable into the range map
 * @base:	its address
 * @size:	its bytes
 * @owner:	handle of the module or library
 */
void cg_range_global(CUdeviceptr base, uint64_t size, uint64_t owner)
{
	struct cg_range range;
	struct global *g;

	if (!base || !size || cg_range_find(base, &range))
		return;
	g = malloc(sizeof(*g));
	if (!g)
		return;
	cg_range_new(CG_RANGE_GLOBAL, base, size);
	pthread_mutex_lock(&global_lock);
	*g = (struct global){ globals, owner, base };
	globals = g;
	pthread_mutex_unlock(&global_lock);
}

/* A module or library ended: so did its variables. */
void cg_module_gone(uint64_t owner)
{
	struct global **at = &globals;

	pthread_mutex_lock(&global_lock);
	while (*at) {
		struct global *g = *at;

		if (g->owner != owner) {
			at = &g->next;
			continue;
		}
		*at = g->next;
		cg_range_del(g->base, NULL);
		free(g);
	}
	pthread_mutex_unlock(&global_lock);
	cg_managed_gone(owner);
}
