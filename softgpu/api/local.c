/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that libraries keep in a context (export table C693336E).
 */
#include "softgpu/api/local.h"

#include <stdlib.h>

struct sg_local {
	struct sg_local *next;
	const void *key;
	void *value;
	sg_local_dtor dtor;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct sg_local **find(struct sg_ctx *ctx, const void *key)
{
	struct sg_local **link = &ctx->local;

	while (*link && (*link)->key != key)
		link = &(*link)->next;
	return link;
}

/* A context by handle, NULL meaning the current one. */
static struct sg_ctx *resolve(CUcontext handle)
{
	return handle ? sg_object_find(handle, SG_TYPE_CTX) : sg_current();
}

/**
 * sg_local_put() - Keep a value
 * @handle:	context, NULL for the current one
 * @key:	any pointer
 * @value:	any pointer
 * @dtor:	called when the context goes, may be NULL
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_CONTEXT, CUDA_ERROR_OUT_OF_MEMORY.
 */
CUresult sg_local_put(CUcontext handle, const void *key, void *value, sg_local_dtor dtor)
{
	struct sg_ctx *ctx = resolve(handle);
	struct sg_local *local, **link;

	if (!ctx)
		return CUDA_ERROR_INVALID_CONTEXT;
	local = malloc(sizeof(*local));
	if (!local)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*local = (struct sg_local){ .key = key, .value = value, .dtor = dtor };
	pthread_mutex_lock(&lock);
	link = find(ctx, key);
	if (*link) {
		(*link)->value = value;
		(*link)->dtor = dtor;
		free(local);
	} else {
		*link = local;
	}
	pthread_mutex_unlock(&lock);
	return CUDA_SUCCESS;
}

/**
 * sg_local_delete() - Forget a value, without its destructor
 * @handle:	context, NULL for the current one
 * @key:	any pointer
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_CONTEXT, CUDA_ERROR_INVALID_HANDLE.
 */
CUresult sg_local_delete(CUcontext handle, const void *key)
{
	struct sg_ctx *ctx = resolve(handle);
	struct sg_local *local, **link;

	if (!ctx)
		return CUDA_ERROR_INVALID_CONTEXT;
	pthread_mutex_lock(&lock);
	link = find(ctx, key);
	local = *link;
	if (local)
		*link = local->next;
	pthread_mutex_unlock(&lock);
	free(local);
	return local ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

/**
 * sg_local_get() - Find a value
 * @handle:	context, NULL for the current one
 * @key:	any pointer
 * @ret_value:	the value, NULL where there is none
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_CONTEXT, CUDA_ERROR_INVALID_HANDLE.
 */
CUresult sg_local_get(CUcontext handle, const void *key, void **ret_value)
{
	struct sg_ctx *ctx = resolve(handle);
	struct sg_local *local;

	*ret_value = NULL;
	if (!ctx)
		return CUDA_ERROR_INVALID_CONTEXT;
	pthread_mutex_lock(&lock);
	local = *find(ctx, key);
	if (local)
		*ret_value = local->value;
	pthread_mutex_unlock(&lock);
	return local ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

/**
 * sg_local_clear() - The context goes: call every destructor
 * @ctx:	still active
 */
void sg_local_clear(struct sg_ctx *ctx)
{
	struct sg_local *local;

	for (;;) {
		pthread_mutex_lock(&lock);
		local = ctx->local;
		if (local)
			ctx->local = local->next;
		pthread_mutex_unlock(&lock);
		if (!local)
			return;
		if (local->dtor)
			local->dtor(ctx->obj.handle, (void *)local->key, local->value);
		free(local);
	}
}
