/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of a staging window, and images that lie in the window. */
#ifndef WORKER_WINDOW_H
#define WORKER_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/**
 * wk_window_alloc() - Take a block of the window
 * @len:	bytes
 * @ret:	its offset
 *
 * Direct: device memory of the current context. Staged: first fit, free in any
 * order.
 *
 * Return: 0 or -ENOMEM.
 */
int wk_window_alloc(uint64_t len, uint64_t *ret);
void wk_window_free(uint64_t offset);

/**
 * wk_grant() - Tell the daemon which range of the window may be copied
 * @id:		of the operation
 * @offset:	in the window
 * @len:	bytes, 0 takes the grant back
 * @write:	true: into the window
 */
void wk_grant(uint64_t id, uint64_t offset, uint64_t len, bool write);

#endif
