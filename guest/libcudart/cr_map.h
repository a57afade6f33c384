/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map from a host address to what was registered for it.
 */
#ifndef LIBCUDART_CR_MAP_H
#define LIBCUDART_CR_MAP_H

#include <stdatomic.h>
#include <stddef.h>

#include "cw/util.h"

struct cr_map_table;

/**
 * struct cr_map - Map; zero is an empty one
 * @table:	today's table
 * @used:	keys in it, removed ones included
 */
struct cr_map {
	_Atomic(struct cr_map_table *) table;
	size_t used;
};

void *cr_map_get(const struct cr_map *map, const void *key) CW_HIDDEN;
int cr_map_put(struct cr_map *map, const void *key, void *value) CW_HIDDEN;

#endif
