/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Function ids and classes (SEMANTICS 1), and the commands of the protocol
 * itself, which are no CUDA functions.
 */
#ifndef WIRE_FN_H
#define WIRE_FN_H

#include <stdint.h>

/**
 * enum cw_class - Where a call runs and who waits
 * @CW_LOCAL:	answered in the guest
 * @CW_ASYNC:	the caller goes on; runs on the dispatcher
 * @CW_INLINE:	the caller waits; bounded, runs on the dispatcher
 * @CW_SYNC:	the caller waits; runs on the helper of its thread
 */
enum cw_class {
	CW_LOCAL,
	CW_ASYNC,
	CW_INLINE,
	CW_SYNC,
};

/**
 * cw_fn_hash() - Id of a function by its name (FNV-1a, 32 bits)
 *
 * Stable for ever; the generator refuses two names with one id. 0 is
 * CW_CMD_PAD and 1 .. 63 are the protocol's own, which no name maps to.
 */
static inline uint32_t cw_fn_hash(const char *name)
{
	uint32_t h = 2166136261u;

	while (*name)
		h = (h ^ (uint8_t)*name++) * 16777619u;
	return h;
}

/* Commands of the protocol: arguments -> results, as words. */
enum cw_fn {
	/* dir, dst, src, bytes, stream, sync -> id, window offset, bytes granted */
	CW_FN_COPY_BEGIN = 1,
	/* id -> nothing: the process (or daemon) has moved the bytes */
	CW_FN_COPY_END = 2,
	/* bytes -> id, window offset: room for an image */
	CW_FN_IMAGE_BEGIN = 3,
	/* id: gives the room back (after the load) */
	CW_FN_IMAGE_END = 4,
	/* va, bytes, host-register flags, kind -> device pointer */
	CW_FN_REGION_MAP = 5,
	/* va */
	CW_FN_REGION_UNMAP = 6,
	/* id, CUresult: a host function has returned */
	CW_FN_UPCALL_DONE = 7,
	/* offset -> blob: a piece of device printf output */
	CW_FN_PRINTF_FETCH = 8,
	/* nothing: the thread ends, its slot is free after this */
	CW_FN_THREAD_EXIT = 9,
	/* stream, count: wait until that many launches of the stream are done */
	CW_FN_CREDIT = 10,
	/* name -> nothing: for tests (holds the dispatcher), only with a hook enabled */
	CW_FN_TEST_HOOK = 11,
	/* -> counters, struct cw_worker_stat as words */
	CW_FN_STAT = 12,
	CW_FN_RESERVED_MAX = 63,
};

enum cw_copy_dir {
	CW_COPY_HTOD = 1,
	CW_COPY_DTOH = 2,
};

#endif
