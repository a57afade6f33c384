/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel: memory that a client's process and its worker share.
 *
 * Theory of operation (PROTOCOL 3). The process appends commands to a byte
 * ring, the worker consumes them in order; that order is the client's program
 * order. head and tail are free-running byte counters. Every thread of the
 * process has a reply slot. All of it can be written by the other side at any
 * time: whoever reads copies first, checks the copy, and uses only the copy.
 * Where things lie is fixed in uapi/linux/vcuda.h.
 */
#ifndef CW_CHANNEL_H
#define CW_CHANNEL_H

#include <stdatomic.h>
#include <stdint.h>

#include "cw/util.h"
#include "uapi/linux/vcuda.h"

/* Contexts that have an error word; slot numbers are the worker's. */
#define CW_CONTEXTS 64
/* Counters of finished launches; the process maps its streams to them. */
#define CW_CREDITS 256

/**
 * enum cw_channel_status - Bits of cw_channel.status
 * @CW_CH_IDLE:		worker sleeps or is about to: whoever appends and clears
 *			the bit (by exchange) rings the doorbell
 * @CW_CH_FATAL:	worker is gone or gave up; nothing will be answered
 */
enum cw_channel_status {
	CW_CH_IDLE = 1,
	CW_CH_FATAL = 2,
};

/**
 * struct cw_channel - Header of a channel
 * @tail:	bytes appended, ever. Written by the process.
 * @head:	bytes consumed, ever. Written by the worker.
 * @status:	enum cw_channel_status
 * @ctx_error:	CUresult that ended a context, 0 while it lives; written by the
 *		worker before anything else tells of the failure (SEMANTICS 3)
 * @credit_done: launches of a credit counter that are known to be over, modulo
 *		2^32, in steps; written by the worker
 * @polled:	EVENT_POLL commands that have been served
 */
struct cw_channel {
	_Alignas(64) _Atomic uint64_t tail;
	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) _Atomic uint32_t status;
	_Alignas(64) _Atomic uint32_t ctx_error[CW_CONTEXTS];
	_Alignas(64) _Atomic uint32_t credit_done[CW_CREDITS];
	_Alignas(64) _Atomic uint32_t polled;
	uint32_t reserved;
};
_Static_assert(sizeof(struct cw_channel) <= VCUDA_HEADER_SIZE, "header page");

/**
 * struct cw_slot - Reply slot of one thread
 * @seq:	number of the last command answered; written last. Worker.
 * @sleeping:	1: the thread sleeps or is about to. Set by the thread, taken by
 *		the worker (exchange), which then wakes it. Over a socket this
 *		word is the futex.
 * @len:	bytes of results, at most CW_RESULT_MAX; @data has the first of them
 * @result:	CUresult of the call
 * @printed:	bytes of device printf output to be fetched (SEMANTICS 8)
 * @late:	non-sticky error of an asynchronous call of this thread, or 0;
 *		the thread takes it (exchange) at its next call
 * @data:	encoded results
 *
 * Slot 0 belongs to upcalls: its seq counts them.
 */
struct cw_slot {
	_Atomic uint64_t seq;
	_Atomic uint32_t sleeping;
	uint32_t len;
	uint32_t result;
	uint32_t printed;
	_Atomic uint32_t late;
	uint32_t reserved[9];
	uint8_t data[VCUDA_SLOT_SIZE - 64];
};
_Static_assert(sizeof(struct cw_slot) == VCUDA_SLOT_SIZE, "slot size");
_Static_assert(offsetof(struct cw_slot, seq) == offsetof(struct vcuda_slot, seq), "seq");
_Static_assert(offsetof(struct cw_slot, sleeping) == offsetof(struct vcuda_slot, sleeping),
	       "sleeping");
#define CW_REPLY_MAX (VCUDA_SLOT_SIZE - 64)
#define CW_UPCALL_SLOT 0

/**
 * struct cw_cmd - Head of a command in the ring
 * @size:	whole command with this head: a multiple of CW_CMD_ALIGN
 * @id:		function (stable hash of its name); CW_CMD_PAD skips @size bytes
 * @slot:	thread of the process, 1 .. VCUDA_SLOTS - 1
 * @flags:	CW_CMD_REPLY
 * @reserved:	zero
 * @seq:	of the reply
 * @ctx:	the thread's current context (guest handle) or 0
 */
struct cw_cmd {
	uint32_t size;
	uint32_t id;
	uint16_t slot;
	uint16_t flags;
	uint32_t reserved;
	uint64_t seq;
	uint64_t ctx;
};
_Static_assert(sizeof(struct cw_cmd) == 32, "command head");

#define CW_CMD_ALIGN 32u
#define CW_CMD_MAX (32u << 10)	/* half of the smallest ring */
/* Results of a call; what a slot does not hold is fetched (CW_FN_REPLY_REST). */
#define CW_RESULT_AT 64u
#define CW_RESULT_MAX (CW_CMD_MAX - CW_RESULT_AT)
#define CW_CMD_REPLY 1u		/* the thread waits for seq in its slot */
#define CW_CMD_PAD 0u

/* Asynchronous copies from pageable memory up to here travel in the ring. */
#define CW_INLINE_MAX (16u << 10)

/* Launches that may be outstanding (SEMANTICS 1). */
#define CW_STREAM_CREDITS 256u
#define CW_CLIENT_CREDITS 768u

/**
 * struct cw_upcall - Head of an upcall: a host function the process shall run
 * @size:	whole record, multiple of 8
 * @kind:	enum cw_upcall_kind
 * @id:		of the stream operation; answered by CW_FN_UPCALL_DONE
 * @fn:		address in the process, as registered
 * @data:	its argument
 * @stream:	guest handle for CW_UP_STREAM_CALLBACK
 * @status:	CUresult for CW_UP_STREAM_CALLBACK
 *
 * The upcall area is an array of CW_UPCALLS of these; the worker fills entry
 * (n % CW_UPCALLS) and publishes seq n + 1 in slot 0; it never overwrites one
 * that has not been answered.
 */
enum cw_upcall_kind {
	CW_UP_HOST_FN = 1,
	CW_UP_STREAM_CALLBACK = 2,
};

struct cw_upcall {
	uint32_t size;
	uint32_t kind;
	uint64_t id;
	uint64_t fn;
	uint64_t data;
	uint64_t stream;
	uint32_t status;
	uint32_t reserved;
};
#define CW_UPCALLS (VCUDA_UPCALL_SIZE / 64)

/**
 * cw_ctx_error_index() - Which error word belongs to a context
 * @primary:	the handle is a device's primary context
 * @slot:	slot of the handle
 *
 * Return: index into cw_channel.ctx_error.
 */
static inline uint32_t cw_ctx_error_index(bool primary, uint32_t slot)
{
	return primary ? slot % 8 : 8 + slot % (CW_CONTEXTS - 8);
}

static inline struct cw_slot *cw_channel_slot(void *channel, uint32_t slot)
{
	return (struct cw_slot *)((char *)channel + VCUDA_SLOT_OFFSET) + slot;
}

/* Events whose state is published: by the slot of their handle. */
#define CW_EVENTS (VCUDA_EVENT_SIZE / 4)

/**
 * cw_channel_events() - For each event, which of its records is known to be over
 * @channel:	the channel
 *
 * Both sides count the records of an event in ring order; the worker stores
 * here the number of the last one that is complete.
 *
 * Return: CW_EVENTS words.
 */
static inline _Atomic uint32_t *cw_channel_events(void *channel)
{
	return (_Atomic uint32_t *)((char *)channel + VCUDA_EVENT_OFFSET);
}

static inline uint8_t *cw_channel_ring(void *channel)
{
	return (uint8_t *)channel + VCUDA_RING_OFFSET;
}

#endif
