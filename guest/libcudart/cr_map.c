/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address map that is read without a lock.
 *
 * Theory of operation: every launch looks its kernel up, so readers must not
 * meet on a lock's cache line. The table is open addressed; keys are only ever
 * added (a removed one keeps its slot with a NULL value), value before key, so
 * a reader sees a key with its value or no key. A full table is replaced by
 * one twice as large; the old one stays reachable from the new, since a reader
 * may still be in it. All old tables together are smaller than the current.
 * Writers hold the registry's lock (cr_module.c).
 */
#include "cr_map.h"

#include <errno.h>
#include <stdlib.h>

struct cr_map_slot {
	_Atomic(const void *) key;
	_Atomic(void *) value;
};

struct cr_map_table {
	size_t mask;
	struct cr_map_table *old;
	struct cr_map_slot slots[];
};

enum {
	CR_MAP_FIRST = 64
};

static size_t cr_map_hash(const void *key)
{
	uint64_t h = (uintptr_t)key * 0x9e3779b97f4a7c15ull;

	return h >> 20;
}

/* Slot of a key, or the free slot where it would go: one is always free. */
static struct cr_map_slot *cr_map_find(struct cr_map_table *t, const void *key)
{
	for (size_t i = cr_map_hash(key);; i++) {
		struct cr_map_slot *slot = &t->slots[i & t->mask];
		const void *k = atomic_load_explicit(&slot->key, memory_order_acquire);

		if (!k || k == key)
			return slot;
	}
}

/**
 * cr_map_get() - Value of a key
 *
 * Thread: any, without a lock.
 *
 * Return: the value; NULL where the key is unknown or was removed.
 */
void *cr_map_get(const struct cr_map *map, const void *key)
{
	struct cr_map_table *t = atomic_load_explicit(&map->table, memory_order_acquire);

	if (!t || !key)
		return NULL;
	return atomic_load_explicit(&cr_map_find(t, key)->value, memory_order_acquire);
}

static int cr_map_grow(struct cr_map *map)
{
	struct cr_map_table *old = atomic_load_explicit(&map->table, memory_order_relaxed);
	size_t size = old ? (old->mask + 1) * 2 : CR_MAP_FIRST;
	struct cr_map_table *t = calloc(1, sizeof(*t) + size * sizeof(t->slots[0]));

	if (!t)
		return -ENOMEM;
	t->mask = size - 1;
	t->old = old;
	for (size_t i = 0; old && i <= old->mask; i++) {
		const void *key = atomic_load_explicit(&old->slots[i].key, memory_order_relaxed);
		struct cr_map_slot *slot = key ? cr_map_find(t, key) : NULL;

		if (slot) {
			slot->value = old->slots[i].value;
			slot->key = key;
		}
	}
	/* Publishes the copied slots to readers. */
	atomic_store_explicit(&map->table, t, memory_order_release);
	return 0;
}

/**
 * cr_map_put() - Set the value of a key
 * @map:	map
 * @key:	address, not NULL
 * @value:	value; NULL removes the key
 *
 * Thread: writers exclude each other.
 *
 * Return: 0 or -ENOMEM.
 */
int cr_map_put(struct cr_map *map, const void *key, void *value)
{
	struct cr_map_table *t = atomic_load_explicit(&map->table, memory_order_relaxed);
	struct cr_map_slot *slot;

	/* At most half full, so that probes are short and end. */
	if (!t || map->used * 2 > t->mask) {
		if (cr_map_grow(map))
			return -ENOMEM;
		t = atomic_load_explicit(&map->table, memory_order_relaxed);
	}
	slot = cr_map_find(t, key);
	atomic_store_explicit(&slot->value, value, memory_order_release);
	if (!atomic_load_explicit(&slot->key, memory_order_relaxed)) {
		atomic_store_explicit(&slot->key, key, memory_order_release);
		map->used++;
	}
	return 0;
}
