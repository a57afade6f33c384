/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles and what is behind them.
 *
 * Theory of operation: a handle is the address of a slot in one reserved
 * stretch of memory that is never given back. So any number a program passes
 * can be judged without touching memory that may be gone: outside the
 * stretch, not on a slot, or a slot of another type or of none is an invalid
 * handle, not a crash. Slots are reused oldest first.
 */
#ifndef SOFTGPU_API_OBJECT_H
#define SOFTGPU_API_OBJECT_H

#include <stdatomic.h>
#include <stdint.h>

enum sg_type {
	SG_TYPE_NONE,
	SG_TYPE_CTX,
	SG_TYPE_STREAM,
	SG_TYPE_EVENT,
	SG_TYPE_MODULE,
	SG_TYPE_LIBRARY,
	SG_TYPE_KERNEL,	/* CUfunction and CUkernel */
	SG_TYPE_POOL,
};

struct sg_ctx;

/**
 * struct sg_object - Start of everything that has a handle
 * @handle:	what the program holds
 * @ctx:	context it dies with, or NULL
 * @prev:	neighbour in the context's list
 * @next:	neighbour in the context's list
 * @destroy:	frees it; the handle is invalid already
 * @type:	what it is
 */
struct sg_object {
	void *handle;
	struct sg_ctx *ctx;
	struct sg_object *prev, *next;
	void (*destroy)(struct sg_object *obj);
	enum sg_type type;
};

int sg_object_add(struct sg_object *obj, enum sg_type type, struct sg_ctx *ctx);
void *sg_object_find(const void *handle, enum sg_type type);
void *sg_object_take(const void *handle, enum sg_type type);
void sg_object_destroy_all(struct sg_ctx *ctx);

#endif
