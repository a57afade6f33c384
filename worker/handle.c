/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles: two-way tables between guest values and host objects.
 *
 * Theory of operation (SEMANTICS 5). One table per type. A slot is chosen by
 * us, or by the process where it creates an object without waiting; the handle
 * says which. A generation per slot makes a handle of a dead object unusable.
 * The way back, host object to handle, is a hash, so that a host object seen
 * before has the same guest handle. Primary contexts have handles that the
 * process knows before it retains them: their slot is the device.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cu_driver.h"
#include "cw/log.h"
#include "worker/internal.h"

/* Objects of one type a client may have. */
#define SLOTS_MAX (1u << 20)

struct entry {
	void *host;   /* NULL: free */
	uint64_t ctx; /* guest handle of the context it was made in, 0: none */
	uint16_t gen;
	uint32_t next; /* free list */
};

struct side {
	struct entry *entry;
	uint32_t n;
	uint32_t free; /* slot + 1 */
};

struct type_table {
	struct side worker;
	struct side guest;
	uint64_t *hash; /* handles, 0: empty, 1: was used */
	uint32_t hash_size;
	uint32_t hash_used; /* not empty */
	uint32_t hash_live; /* handles */
};

static struct type_table tables[CW_H_TYPES];
static _Atomic uint32_t nr_objects; /* in all tables */
static _Atomic(void *) primary[CW_PRIMARIES];
static pthread_mutex_t handle_lock = PTHREAD_MUTEX_INITIALIZER;

static uint32_t host_hash(const void *host)
{
	uint64_t x = (uintptr_t)host * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(x >> 32);
}

static bool side_grow(struct side *s, uint32_t want)
{
	uint32_t n = cw_max(s->n * 2, 64u);
	struct entry *e;

	if (want <= s->n)
		return true;
	if (want > SLOTS_MAX)
		return false;
	n = cw_max(n, want);
	n = cw_min(n, SLOTS_MAX);
	e = realloc(s->entry, n * sizeof(*e));
	if (!e)
		return false;
	memset(e + s->n, 0, (n - s->n) * sizeof(*e));
	s->entry = e;
	s->n = n;
	return true;
}

static struct entry *entry_of(struct type_table *tt, uint64_t h)
{
	struct side *s = cw_handle_where(h) == CW_H_BY_GUEST ? &tt->guest : &tt->worker;
	uint32_t slot = cw_handle_slot(h);

	if (slot >= s->n || !s->entry[slot].host || s->entry[slot].gen != cw_handle_gen(h))
		return NULL;
	return &s->entry[slot];
}

static void hash_put(struct type_table *tt, void *host, uint64_t h);

static void hash_rebuild(struct type_table *tt)
{
	uint64_t *old = tt->hash;
	uint32_t n = tt->hash_size;

	/* Mostly places that were used: the size will do, once they are clean. */
	tt->hash_size = tt->hash_live * 4 < n ? n : cw_max(n * 2, 64u);
	tt->hash = calloc(tt->hash_size, sizeof(*tt->hash));
	if (!tt->hash)
		abort(); /* a worker without memory is a dead client, nothing else */
	tt->hash_used = tt->hash_live = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct entry *e = old[i] > 1 ? entry_of(tt, old[i]) : NULL;

		if (e)
			hash_put(tt, e->host, old[i]);
	}
	free(old);
}

static void hash_put(struct type_table *tt, void *host, uint64_t h)
{
	uint32_t i;

	if (tt->hash_used * 2 >= tt->hash_size)
		hash_rebuild(tt);
	for (i = host_hash(host) & (tt->hash_size - 1); tt->hash[i] > 1;)
		i = (i + 1) & (tt->hash_size - 1);
	if (!tt->hash[i])
		tt->hash_used++;
	tt->hash[i] = h;
	tt->hash_live++;
}

/* Position of a host object's handle, or -1. */
static int64_t hash_find(struct type_table *tt, const void *host)
{
	uint32_t i;

	if (!tt->hash_size)
		return -1;
	for (i = host_hash(host) & (tt->hash_size - 1); tt->hash[i];) {
		struct entry *e = tt->hash[i] > 1 ? entry_of(tt, tt->hash[i]) : NULL;

		if (e && e->host == host)
			return i;
		i = (i + 1) & (tt->hash_size - 1);
	}
	return -1;
}

static void entry_drop(struct type_table *tt, uint64_t h, struct entry *e)
{
	int64_t at = hash_find(tt, e->host);

	if (at >= 0 && tt->hash[at] == h) {
		tt->hash[at] = 1;
		tt->hash_live--;
	}
	nr_objects--;
	e->host = NULL;
	e->gen++;
	if (cw_handle_where(h) == CW_H_BY_WORKER) {
		e->next = tt->worker.free;
		tt->worker.free = cw_handle_slot(h) + 1;
	}
}

/**
 * wk_handle_primary() - Remember a device's primary context
 * @dev:	device, < CW_PRIMARIES
 * @host:	its context
 */
void wk_handle_primary(CUdevice dev, CUcontext host)
{
	primary[dev] = host;
}

static uint64_t primary_out(const void *host)
{
	for (uint32_t d = 0; d < CW_PRIMARIES; d++) {
		if (primary[d] == host)
			return cw_handle(CW_H_CONTEXT, CW_H_PRIMARY, 0, d);
	}
	return 0;
}

bool wk_handle_in(struct wk_thread *t, enum cw_handle_type type, uint64_t h, void **ret)
{
	struct entry *e;

	*ret = NULL;
	if (type == CW_H_STREAM && h <= 2) {
		*ret = (void *)(uintptr_t)h;
		return h == 2 ? wk_stream_per_thread(t, (CUstream *)ret) : true;
	}
	if (!h)
		return true;
	if (cw_handle_type(h) != type)
		return false;
	if (type == CW_H_CONTEXT && cw_handle_where(h) == CW_H_PRIMARY) {
		uint32_t d = cw_handle_slot(h);

		*ret = d < CW_PRIMARIES ? primary[d] : NULL;
		return *ret != NULL;
	}
	pthread_mutex_lock(&handle_lock);
	e = entry_of(&tables[type], h);
	if (e)
		*ret = e->host;
	pthread_mutex_unlock(&handle_lock);
	return e != NULL;
}

CUresult wk_bad_handle(enum cw_handle_type type)
{
	return type == CW_H_CONTEXT ? CUDA_ERROR_INVALID_CONTEXT : CUDA_ERROR_INVALID_HANDLE;
}

uint64_t wk_handle_out(struct wk_thread *t, enum cw_handle_type type, void *host)
{
	struct type_table *tt = &tables[type];
	uint64_t h = 0;
	uint32_t slot;
	int64_t at;

	if (!host || (type == CW_H_STREAM && (uintptr_t)host <= 2))
		return (uintptr_t)host;
	if (type == CW_H_CONTEXT) {
		h = primary_out(host);
		if (h)
			return h;
	}
	pthread_mutex_lock(&handle_lock);
	at = hash_find(tt, host);
	if (at >= 0) {
		h = tt->hash[at];
		goto out;
	}
	slot = tt->worker.free;
	if (!slot) {
		uint32_t n = tt->worker.n;

		if (!side_grow(&tt->worker, n + 1))
			goto out;
		for (uint32_t i = tt->worker.n; i > n; i--) {
			tt->worker.entry[i - 1].next = tt->worker.free;
			tt->worker.free = i;
		}
		slot = tt->worker.free;
	}
	nr_objects++;
	tt->worker.free = tt->worker.entry[slot - 1].next;
	tt->worker.entry[slot - 1].host = host;
	tt->worker.entry[slot - 1].ctx = type == CW_H_CONTEXT || type == CW_H_LIBRARY ? 0
										       : t->cmd.ctx;
	h = cw_handle(type, CW_H_BY_WORKER, tt->worker.entry[slot - 1].gen, slot - 1);
	hash_put(tt, host, h);
out:
	pthread_mutex_unlock(&handle_lock);
	return h;
}

/**
 * wk_handle_room() - Whether the client may have one more object
 *
 * Asked before the back end makes one. Helpers may ask at the same time, so a
 * client with many threads may have as many more.
 *
 * Return: false: the caller answers CUDA_ERROR_OUT_OF_MEMORY.
 */
bool wk_handle_room(void)
{
	return atomic_load_explicit(&nr_objects, memory_order_relaxed) <
	       wk_self()->start.max_objects;
}

/* Ends an object whose handle the process chose and cannot have. */
void wk_object_end(enum cw_handle_type type, void *host)
{
	if (type == CW_H_STREAM && wk_cu()->cuStreamDestroy_v2)
		wk_cu()->cuStreamDestroy_v2(host);
	else if (type == CW_H_EVENT && wk_cu()->cuEventDestroy_v2)
		wk_cu()->cuEventDestroy_v2(host);
}

bool wk_handle_bind(struct wk_thread *t, enum cw_handle_type type, uint64_t h, void *host)
{
	struct type_table *tt = &tables[type];
	uint32_t slot = cw_handle_slot(h);
	bool ok = false;

	if (cw_handle_type(h) != type || cw_handle_where(h) != CW_H_BY_GUEST || !host)
		return false;
	pthread_mutex_lock(&handle_lock);
	if (slot < SLOTS_MAX && side_grow(&tt->guest, slot + 1) && !tt->guest.entry[slot].host) {
		tt->guest.entry[slot] = (struct entry){
			.host = host, .ctx = t->cmd.ctx, .gen = cw_handle_gen(h)
		};
		hash_put(tt, host, h);
		nr_objects++;
		ok = true;
	}
	pthread_mutex_unlock(&handle_lock);
	return ok;
}

void wk_handle_drop(struct wk_thread *t, enum cw_handle_type type, uint64_t h)
{
	struct entry *e;

	if (type == CW_H_CONTEXT)
		wk_ctx_objects_drop(h);
	if (type == CW_H_EVENT)
		wk_event_unwatch(h);
	if (cw_handle_where(h) == CW_H_PRIMARY) {
		if (type == CW_H_CONTEXT && cw_handle_slot(h) < CW_PRIMARIES)
			primary[cw_handle_slot(h)] = NULL;
		return;
	}
	pthread_mutex_lock(&handle_lock);
	e = type < CW_H_TYPES ? entry_of(&tables[type], h) : NULL;
	if (e)
		entry_drop(&tables[type], h, e);
	pthread_mutex_unlock(&handle_lock);
}

/**
 * wk_handle_context() - Context that an object was made in
 * @type:	kind of object
 * @h:		its guest handle
 *
 * Return: guest handle of the context; 0 where there is none, or no object.
 */
uint64_t wk_handle_context(enum cw_handle_type type, uint64_t h)
{
	uint64_t ctx = 0;
	struct entry *e;

	pthread_mutex_lock(&handle_lock);
	e = entry_of(&tables[type], h);
	if (e)
		ctx = e->ctx;
	pthread_mutex_unlock(&handle_lock);
	return ctx;
}

/**
 * wk_handle_contexts() - Every context there is
 * @ret:	host objects; to be freed. NULL where there is no memory.
 *
 * Return: their number.
 */
size_t wk_handle_contexts(void ***ret)
{
	const struct side *s = &tables[CW_H_CONTEXT].worker;
	size_t n = 0;

	pthread_mutex_lock(&handle_lock);
	*ret = calloc(CW_PRIMARIES + s->n, sizeof(**ret));
	for (uint32_t d = 0; *ret && d < CW_PRIMARIES; d++) {
		if (primary[d])
			(*ret)[n++] = primary[d];
	}
	for (uint32_t i = 0; *ret && i < s->n; i++) {
		if (s->entry[i].host)
			(*ret)[n++] = s->entry[i].host;
	}
	pthread_mutex_unlock(&handle_lock);
	return n;
}

/* Every handle of objects that died with their context. */
void wk_handle_drop_context(uint64_t ctx)
{
	pthread_mutex_lock(&handle_lock);
	for (int type = 1; type < CW_H_TYPES; type++) {
		struct type_table *tt = &tables[type];

		for (uint32_t i = 0; i < tt->worker.n; i++) {
			struct entry *e = &tt->worker.entry[i];

			if (e->host && e->ctx && e->ctx == ctx)
				entry_drop(tt, cw_handle(type, CW_H_BY_WORKER, e->gen, i), e);
		}
		for (uint32_t i = 0; i < tt->guest.n; i++) {
			struct entry *e = &tt->guest.entry[i];

			if (e->host && e->ctx == ctx)
				entry_drop(tt, cw_handle(type, CW_H_BY_GUEST, e->gen, i), e);
		}
	}
	pthread_mutex_unlock(&handle_lock);
}
