/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the test program in the guest and the scripted device say to each
 * other through a client's channel, in place of CUDA calls.
 *
 * The header's first u64 counts commands written. Command n lies at entry
 * n % SCRIPT_ENTRIES of the ring. A command with a slot is answered there:
 * result behind the head, then seq; an event follows if the slot sleeps.
 */
#ifndef TESTS_KERNEL_SCRIPT_H
#define TESTS_KERNEL_SCRIPT_H

#include <stdint.h>

#define SCRIPT_ENTRIES 256u
#define SCRIPT_RESULT 64u /* offset of the u64 result in a slot */
#define SCRIPT_WINDOW (128ull << 20)

/**
 * enum script_op - What the fake worker does
 * @OP_NOP:		answers
 * @OP_DELAY:		answers after @a ms
 * @OP_FILL:		window range [@a, @a + @b) becomes the pattern of seed @c
 * @OP_SUM:		answers the sum of window range [@a, @a + @b)
 * @OP_REGION_FILL:	bytes [@a, @a + @b) of the region arena become the pattern
 * @OP_REGION_SUM:	answers their sum
 * @OP_UPCALL:		slot 0's seq grows by one and is woken
 * @OP_DIE:		the client's worker "dies": an event says so
 * @OP_TRICK:		the next @c messages of type @b are treated with trick @a
 * @OP_HANG:		nothing is popped for @a ms, or until the device is reset
 * @OP_RAW:		writes nonsense @a into a used ring
 * @OP_EVENT:		sends @b events of a bad kind @a
 * @OP_COUNT:		answers counter @a of the device
 * @OP_RELEASE:		answers what TRICK_HOLD held
 */
enum script_op {
	OP_NOP,
	OP_DELAY,
	OP_FILL,
	OP_SUM,
	OP_REGION_FILL,
	OP_REGION_SUM,
	OP_UPCALL,
	OP_DIE,
	OP_TRICK,
	OP_HANG,
	OP_RAW,
	OP_EVENT,
	OP_COUNT,
	OP_RELEASE,
};

enum script_trick {
	TRICK_NONE,
	TRICK_SHORT,	/* used length of 3 bytes */
	TRICK_LONG,	/* used length beyond the chain */
	TRICK_STATUS,	/* a status that does not exist */
	TRICK_EPOCH,	/* an epoch that is not ours */
	TRICK_STALE,	/* says STALE */
	TRICK_BODY,	/* claims a body of another length */
	TRICK_SILENT,	/* popped, never answered */
	TRICK_HOLD,	/* answered at OP_RELEASE */
	TRICK_REFUSE,	/* honest ERR_LIMIT */
};

enum script_raw {
	RAW_ID,		/* used element with an id nobody posted */
	RAW_JUMP,	/* used index far ahead */
};

enum script_event {
	EVENT_LENGTH,	/* too short */
	EVENT_TYPE,	/* unknown */
	EVENT_CLIENT,	/* unknown client: to be ignored */
	EVENT_EPOCH,	/* of before: to be ignored */
	EVENT_FLOOD,	/* good WAKEs of slot 1, as fast as buffers come back */
};

enum script_count {
	COUNT_HELLOS,
	COUNT_CLIENTS,	/* open now */
	COUNT_CLOSES,
	COUNT_REGIONS,	/* attached now, all clients */
	COUNT_PINGS,
	COUNT_HELD, /* messages held now */
	COUNT_MAX_HELD, /* most messages held at once since this was asked last */
};

struct script_cmd {
	uint32_t op;
	uint32_t slot; /* 0: no answer */
	uint64_t seq;
	uint64_t a, b, c;
	uint64_t reserved[3];
};

_Static_assert(sizeof(struct script_cmd) == 64, "an entry of the ring");

/* Byte i of the pattern of a seed. */
static inline uint8_t script_byte(uint64_t seed, uint64_t i)
{
	return (uint8_t)((i * 2654435761u + seed * 40503u) >> 7);
}

static inline void script_fill(void *dst, uint64_t len, uint64_t seed)
{
	for (uint64_t i = 0; i < len; i++)
		((volatile uint8_t *)dst)[i] = script_byte(seed, i);
}

/* Order matters, unlike in a plain sum. */
static inline uint64_t script_sum(uint64_t sum, const void *src, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++)
		sum = sum * 31 + ((const uint8_t *)src)[i];
	return sum;
}

#endif
