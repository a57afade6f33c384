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
	/* dir, device address, width, height, pitch, stream
	 * -> id, window offset, rows granted, window pitch.
	 * Answered when the stream has come to the copy. */
	CW_FN_COPY_BEGIN = 1,
	/* id: the process (or daemon) has moved the bytes, the stream goes on */
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
	/* counter, count, stream: wait until at most that many launches are left */
	CW_FN_CREDIT = 10,
	/* name -> nothing: for tests (holds the dispatcher), only with a hook enabled */
	CW_FN_TEST_HOOK = 11,
	/* -> commands, launches, idle entries, wakes */
	CW_FN_STAT = 12,
	/* function, grid[3], block[3], shared, cooperative, stream, credit counter,
	 * attributes: count, then (id, CW_ATTR_WORDS words) each, parameters: blob */
	CW_FN_LAUNCH = 13,
	/* device address, stream, then the bytes as the tail */
	CW_FN_HTOD = 14,
	/* device address, bytes, stream -> blob */
	CW_FN_DTOH = 15,
	/* dst, src, bytes, stream, sync: both known to the worker */
	CW_FN_DTOD = 16,
	/* CUDA_MEMCPY3D with device sides only, as a blob, stream, sync */
	CW_FN_COPY3D = 17,
	/* kind (enum cw_upcall_kind), stream, function, argument */
	CW_FN_HOST_FUNC = 18,
	/* device address */
	CW_FN_MEM_FREE = 19,
	/* event, stream, flags */
	CW_FN_EVENT_RECORD = 20,
	/* publish which events are over, count it in the channel */
	CW_FN_EVENT_POLL = 21,
	/* offset -> blob: a piece of the results that the slot had no room for */
	CW_FN_REPLY_REST = 22,
	/*
	 * what the thread's next loads are told: address and bytes of a region for
	 * managed variables (or 0), bytes wanted of the info and of the error log,
	 * number of options; then option and value of each
	 */
	CW_FN_LOAD_OPTIONS = 23,
	/* enum cw_load_asks, and its argument: what the thread's last load said */
	CW_FN_LOAD_RESULT = 24,
	CW_FN_RESERVED_MAX = 63,
};

/* Grants of images, beside those of copies, which count from 1. */
#define CW_GRANT_IMAGE (1ull << 63)

/**
 * enum cw_load_asks - What LOAD_RESULT answers
 * @CW_LOAD_MANAGED:	bytes of managed variables, for which there was no region
 * @CW_LOAD_INFO_LOG:	bytes of the compiler's log from the argument on
 * @CW_LOAD_ERROR_LOG:	the same of its errors
 * @CW_LOAD_IS_MANAGED:	whether the argument is an address of managed memory
 */
enum cw_load_asks {
	CW_LOAD_MANAGED,
	CW_LOAD_INFO_LOG,
	CW_LOAD_ERROR_LOG,
	CW_LOAD_IS_MANAGED,
};

/* Options of the compiler in one LOAD_OPTIONS; bytes of a log. */
#define CW_LOAD_OPTIONS_MAX 16u
#define CW_LOAD_LOG_MAX (64u << 10)

/* Value of a launch attribute on the wire. */
#define CW_ATTR_WORDS 8
#define CW_ATTR_MAX 16

enum cw_copy_dir {
	CW_COPY_HTOD = 1,
	CW_COPY_DTOH = 2,
};

#endif
