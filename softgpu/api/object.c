/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles and what is behind them: see object.h.
 */
#include "softgpu/api/object.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

#include "softgpu/api/state.h"

#define SLOT_COUNT (1u << 20)

struct slot {
	_Atomic(struct sg_object *) obj;
	atomic_uint type;
	uint32_t next;	/* free list, as index + 1 */
} __attribute__((aligned(32)));

static struct {
	pthread_mutex_t lock;
	_Atomic(struct slot *) slots;
	uint32_t used;			/* slots ever handed out */
	uint32_t free_head, free_tail;	/* as index + 1 */
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct slot *slot_get(void)
{
	struct slot *slots = atomic_load(&table.slots);
	struct slot *slot;

	if (!slots) {
		slots = mmap(NULL, SLOT_COUNT * sizeof(*slots), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (slots == MAP_FAILED)
			return NULL;
		atomic_store(&table.slots, slots);
	}
	if (table.used < SLOT_COUNT)
		return &slots[table.used++];
	if (!table.free_head)
		return NULL;
	slot = &slots[table.free_head - 1];
	table.free_head = slot->next;
	return slot;
}

static void slot_put(struct slot *slot)
{
	struct slot *slots = atomic_load(&table.slots);
	uint32_t index = (uint32_t)(slot - slots) + 1;

	slot->next = 0;
	if (table.free_head)
		slots[table.free_tail - 1].next = index;
	else
		table.free_head = index;
	table.free_tail = index;
}

/* The slot a program's handle means, whatever the handle is. */
static struct slot *slot_of(const void *handle, enum sg_type type)
{
	struct slot *slots = atomic_load(&table.slots);
	uintptr_t off = (uintptr_t)handle - (uintptr_t)slots;
	struct slot *slot;

	if (!slots || off >= SLOT_COUNT * sizeof(*slots) || off % sizeof(*slots))
		return NULL;
	slot = &slots[off / sizeof(*slots)];
	return atomic_load(&slot->type) == type ? slot : NULL;
}

/**
 * sg_object_add() - Give an object its handle
 * @obj:	destroy is set; the rest is filled in
 * @type:	what it is
 * @ctx:	context it dies with, or NULL
 *
 * Return: 0 or -ENOMEM.
 */
int sg_object_add(struct sg_object *obj, enum sg_type type, struct sg_ctx *ctx)
{
	struct slot *slot;

	pthread_mutex_lock(&table.lock);
	slot = slot_get();
	if (slot) {
		obj->handle = slot;
		obj->type = type;
		obj->ctx = ctx;
		obj->prev = NULL;
		obj->next = NULL;
		if (ctx) {
			obj->next = ctx->objects;
			if (obj->next)
				obj->next->prev = obj;
			ctx->objects = obj;
		}
		atomic_store(&slot->obj, obj);
		atomic_store(&slot->type, type);
	}
	pthread_mutex_unlock(&table.lock);
	return slot ? 0 : -ENOMEM;
}

/**
 * sg_object_find() - Object of a handle
 * @handle:	from the program, any number
 * @type:	what it must be
 *
 * Return: the object, or NULL where the handle is no such thing.
 */
void *sg_object_find(const void *handle, enum sg_type type)
{
	struct slot *slot = slot_of(handle, type);

	return slot ? atomic_load(&slot->obj) : NULL;
}

/* Make the handle invalid; the lock is held. */
static void object_remove(struct sg_object *obj)
{
	struct slot *slot = obj->handle;

	atomic_store(&slot->type, SG_TYPE_NONE);
	atomic_store(&slot->obj, NULL);
	if (obj->ctx) {
		if (obj->prev)
			obj->prev->next = obj->next;
		else
			obj->ctx->objects = obj->next;
		if (obj->next)
			obj->next->prev = obj->prev;
	}
	slot_put(slot);
}

/**
 * sg_object_take() - Make a handle invalid and take what was behind it
 * @handle:	from the program, any number
 * @type:	what it must be
 *
 * Of several threads that try, one gets the object.
 *
 * Return: the object, or NULL where the handle is no such thing.
 */
void *sg_object_take(const void *handle, enum sg_type type)
{
	struct slot *slot;
	struct sg_object *obj = NULL;

	pthread_mutex_lock(&table.lock);
	slot = slot_of(handle, type);
	if (slot) {
		obj = atomic_load(&slot->obj);
		object_remove(obj);
	}
	pthread_mutex_unlock(&table.lock);
	return obj;
}

/**
 * sg_object_destroy_all() - Destroy all that dies with a context
 * @ctx:	nothing of it runs any more
 */
void sg_object_destroy_all(struct sg_ctx *ctx)
{
	for (;;) {
		struct sg_object *obj;

		pthread_mutex_lock(&table.lock);
		obj = ctx->objects;
		if (obj)
			object_remove(obj);
		pthread_mutex_unlock(&table.lock);
		if (!obj)
			return;
		obj->destroy(obj);
	}
}
