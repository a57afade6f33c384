/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way payload moves.
 *
 * Theory of operation: the promise "one copy per byte" (PROTOCOL 4) is only
 * worth something if it is counted. Every byte of payload between a guest
 * program's memory and device memory is moved by cw_copy(), and nothing else
 * is; tests read the counter on both sides and compare it with the bytes asked
 * for. Headers, arguments and results are not payload and use memcpy().
 *
 * The counter is one per linked image: a weak hidden symbol, so that this
 * header is all there is to it.
 */
#ifndef CW_COPY_H
#define CW_COPY_H

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "cw/util.h"

__attribute__((weak)) CW_HIDDEN atomic_ullong cw_copied_bytes;

/**
 * cw_copy() - Move payload and count it
 * @dst:	destination; must not overlap @src
 * @src:	source
 * @len:	bytes
 */
static inline void cw_copy(void *dst, const void *src, size_t len)
{
	atomic_fetch_add_explicit(&cw_copied_bytes, len, memory_order_relaxed);
	memcpy(dst, src, len);
}

#endif
