/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte order of ring fields: little endian, or the guest's own for a legacy
 * device (virtio 1.3, 2.4.3, 2.7.3). Fields are loaded and stored once, as a
 * whole: the other side may change them at any time.
 */
#ifndef VIRTIO_ORDER_H
#define VIRTIO_ORDER_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a ring's fields are the other way round than this processor's. */
static inline bool vq_order_swaps(bool big_endian)
{
	return big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

static inline uint16_t vq_swap16(bool swap, uint16_t v)
{
	return swap ? __builtin_bswap16(v) : v;
}

static inline uint32_t vq_swap32(bool swap, uint32_t v)
{
	return swap ? __builtin_bswap32(v) : v;
}

static inline uint64_t vq_swap64(bool swap, uint64_t v)
{
	return swap ? __builtin_bswap64(v) : v;
}

static inline uint16_t vq_load16(bool swap, const uint16_t *p)
{
	return vq_swap16(swap, __atomic_load_n(p, __ATOMIC_RELAXED));
}

/* What the other side wrote before this value is read after it. */
static inline uint16_t vq_load16_acquire(bool swap, const uint16_t *p)
{
	return vq_swap16(swap, __atomic_load_n(p, __ATOMIC_ACQUIRE));
}

static inline uint32_t vq_load32(bool swap, const uint32_t *p)
{
	return vq_swap32(swap, __atomic_load_n(p, __ATOMIC_RELAXED));
}

/* Of the type that ring headers use. */
static inline uint64_t vq_load64(bool swap, const unsigned long long *p)
{
	return vq_swap64(swap, __atomic_load_n(p, __ATOMIC_RELAXED));
}

static inline void vq_store16(bool swap, uint16_t *p, uint16_t v)
{
	__atomic_store_n(p, vq_swap16(swap, v), __ATOMIC_RELAXED);
}

/* The other side sees what was written before this value when it sees it. */
static inline void vq_store16_release(bool swap, uint16_t *p, uint16_t v)
{
	__atomic_store_n(p, vq_swap16(swap, v), __ATOMIC_RELEASE);
}

static inline void vq_store32(bool swap, uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, vq_swap32(swap, v), __ATOMIC_RELAXED);
}

static inline void vq_store64(bool swap, unsigned long long *p, uint64_t v)
{
	__atomic_store_n(p, vq_swap64(swap, v), __ATOMIC_RELAXED);
}

/*
 * Full fence: what we published is visible before what the other side wants
 * is read. Each use has its counterpart on the other side; without either,
 * both sides can find nothing to do and wait for each other.
 */
static inline void vq_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
