/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules: which ranges go with them, and options of the compiler.
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

CUresult cg_managed_refused(void)
{
	return cg_refused("__managed__ variables");
}

/* Where the window is device memory, any other address is one that the worker made. */
CUresult cg_global_usable(CUdeviceptr ptr)
{
	if (!cg_client()->open.direct || cg_is_device(ptr))
		return CUDA_SUCCESS;
	return cg_managed_refused();
}

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
}

/* Options whose value is a pointer to where a log goes: it comes back empty. */
static void log_empty(CUjit_option option, void *value)
{
	if ((option == CU_JIT_INFO_LOG_BUFFER || option == CU_JIT_ERROR_LOG_BUFFER) && value)
		*(char *)value = 0;
}

/**
 * cg_jit_options() - Look at the options of a load
 * @n:		number
 * @options:	their names
 * @values:	their values
 *
 * Options tune the compiler of the back end, which knows better; the logs are
 * empty.
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_VALUE for arrays that are missing.
 */
CUresult cg_jit_options(unsigned int n, CUjit_option *options, void **values)
{
	if (n && (!options || !values))
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned int i = 0; i < n; i++)
		log_empty(options[i], values[i]);
	return CUDA_SUCCESS;
}
