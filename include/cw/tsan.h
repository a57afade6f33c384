/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses under ThreadSanitizer.
 *
 * It keeps most of the address space for its shadow and ends a process that
 * maps something there, however politely. A program may have been built with
 * it where this library was not, so that is seen at run time.
 */
#ifndef CW_TSAN_H
#define CW_TSAN_H

#include <stdbool.h>
#include <stdint.h>

#include "cw/util.h"

/* What all of its versions on x86-64 leave to programs, besides the little
 * that the kernel hands out by itself. */
#define CW_TSAN_BASE 0x550000000000ull
#define CW_TSAN_SIZE (1536ull << 30)

extern void __tsan_init(void) __attribute__((weak));

/**
 * cw_address_legal() - Whether this process may map an address range
 * @base:	first address
 * @size:	bytes
 *
 * Return: true, unless ThreadSanitizer watches and the range is not for programs.
 */
static inline bool cw_address_legal(uint64_t base, uint64_t size)
{
	return !__tsan_init || (base >= CW_TSAN_BASE &&
				cw_range_ok(base - CW_TSAN_BASE, size, CW_TSAN_SIZE));
}

#endif
