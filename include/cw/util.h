/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small helpers that every folder needs. No function here calls libc.
 */
#ifndef CW_UTIL_H
#define CW_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CW_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CW_CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define cw_min(a, b)                                                                               \
	({                                                                                         \
		__typeof__(a) cw_a_ = (a);                                                         \
		__typeof__(b) cw_b_ = (b);                                                         \
		cw_a_ < cw_b_ ? cw_a_ : cw_b_;                                                     \
	})
#define cw_max(a, b)                                                                               \
	({                                                                                         \
		__typeof__(a) cw_a_ = (a);                                                         \
		__typeof__(b) cw_b_ = (b);                                                         \
		cw_a_ > cw_b_ ? cw_a_ : cw_b_;                                                     \
	})

#define CW_HIDDEN __attribute__((visibility("hidden")))
#define CW_EXPORT __attribute__((visibility("default")))
#define CW_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/**
 * cw_align_up() - Round up to a multiple of a power of two
 * @x:		value
 * @align:	power of two
 *
 * Return: the smallest multiple of @align that is >= @x; wraps to 0 where
 * that does not fit, so a caller with untrusted @x compares the result.
 */
static inline uint64_t cw_align_up(uint64_t x, uint64_t align)
{
	return (x + align - 1) & ~(align - 1);
}

static inline bool cw_is_pow2(uint64_t x)
{
	return x && !(x & (x - 1));
}

/**
 * cw_range_ok() - Whether [off, off + len) lies inside [0, size)
 * @off:	first byte, untrusted
 * @len:	bytes, untrusted; 0 is inside where @off <= @size
 * @size:	bytes there are
 *
 * Return: true if it does; never overflows.
 */
static inline bool cw_range_ok(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

static inline void cw_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

#endif
