/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device memory as one mapping of one memfd.
 *
 * A worker that serves a client hands in the client's window
 * (CAUSEWAY_SOFT_ARENA_FD, _BASE, _SIZE): then device memory is memory that
 * the daemon can fill and empty directly. Otherwise the file is our own.
 */
#ifndef SOFTGPU_MEM_ARENA_H
#define SOFTGPU_MEM_ARENA_H

#include <stdint.h>

/**
 * struct sg_arena - The mapping
 * @base:	first byte; a device pointer is a pointer into it
 * @size:	bytes, a multiple of the page size
 * @fd:		the memfd
 */
struct sg_arena {
	char *base;
	uint64_t size;
	int fd;
};

int sg_arena_open(struct sg_arena *ret_arena);
void sg_arena_close(struct sg_arena *arena);
void sg_arena_punch(const struct sg_arena *arena, uint64_t off, uint64_t size);

#endif
