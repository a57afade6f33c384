/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest handles (SEMANTICS 5): values that are never dereferenced.
 *
 *	63      56 55      48 47      32 31 30 29        0
 *	[ 0x00   ] [ type   ] [ gen    ] [where][ slot    ]
 *
 * type starts at 1, so every handle lies above 4 GiB and the special streams
 * 0, 1, 2 stay what they are. where says who chose the slot.
 */
#ifndef WIRE_HANDLE_H
#define WIRE_HANDLE_H

#include <stdint.h>

#include "cw/util.h"

enum cw_handle_type {
	CW_H_NONE,
	CW_H_CONTEXT,
	CW_H_MODULE,
	CW_H_FUNCTION, /* CUfunction and CUkernel: one space */
	CW_H_LIBRARY,
	CW_H_STREAM,
	CW_H_EVENT,
	CW_H_MEMPOOL,
	CW_H_GRAPH,
	CW_H_GRAPHEXEC,
	CW_H_GRAPHNODE,
	CW_H_ARRAY,
	CW_H_MIPMAP,
	CW_H_TEXOBJ,
	CW_H_SURFOBJ,
	CW_H_LINKSTATE,
	CW_H_USEROBJ,
	CW_H_EXTMEM,
	CW_H_EXTSEM,
	CW_H_GREENCTX,
	CW_H_MEMHANDLE,
	CW_H_TYPES,
};

enum cw_handle_where {
	CW_H_BY_WORKER = 0,  /* slot of the worker's table */
	CW_H_PRIMARY = 1,    /* slot is a device: its primary context */
	CW_H_BY_GUEST = 2,   /* slot chosen by the process (async creation) */
};

static inline uint64_t cw_handle(enum cw_handle_type type, enum cw_handle_where where,
				 uint16_t gen, uint32_t slot)
{
	return (uint64_t)type << 48 | (uint64_t)gen << 32 | (uint64_t)where << 30 |
	       (slot & 0x3fffffffu);
}

static inline enum cw_handle_type cw_handle_type(uint64_t h)
{
	return h >> 48 < CW_H_TYPES ? (enum cw_handle_type)(h >> 48) : CW_H_NONE;
}

static inline enum cw_handle_where cw_handle_where(uint64_t h)
{
	return (enum cw_handle_where)(h >> 30 & 3);
}

static inline uint16_t cw_handle_gen(uint64_t h)
{
	return (uint16_t)(h >> 32);
}

static inline uint32_t cw_handle_slot(uint64_t h)
{
	return (uint32_t)h & 0x3fffffffu;
}

#endif
