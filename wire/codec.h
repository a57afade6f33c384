/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoder and decoder of commands and replies.
 *
 * Everything is a sequence of 8-byte little-endian words; a blob is its length
 * in bytes, then its bytes, padded to a word. The decoder is bounded and
 * sticky: after the first read past the end, or a blob longer than its limit,
 * every later read gives zeroes and cw_dec_ok() is false, so a dispatcher
 * checks once, before it acts.
 */
#ifndef WIRE_CODEC_H
#define WIRE_CODEC_H

#include <stdint.h>
#include <string.h>

#include "cw/util.h"

/**
 * struct cw_enc - Encoder over a caller's buffer
 * @p:		next byte
 * @end:	first byte past the buffer
 * @fatal:	something did not fit; nothing is written any more
 * @tail:	payload that goes behind the words without passing this buffer
 * @tail_len:	its bytes
 */
struct cw_enc {
	uint8_t *p;
	uint8_t *end;
	bool fatal;
	const void *tail;
	size_t tail_len;
};

struct cw_dec {
	const uint8_t *p;
	const uint8_t *end;
	bool fatal;
};

static inline void cw_enc_init(struct cw_enc *e, void *buf, size_t size)
{
	*e = (struct cw_enc){ .p = buf, .end = (uint8_t *)buf + size };
}

static inline bool cw_enc_ok(const struct cw_enc *e)
{
	return !e->fatal;
}

static inline void cw_enc_u64(struct cw_enc *e, uint64_t v)
{
	if (__builtin_expect((size_t)(e->end - e->p) < 8, 0)) {
		e->fatal = true;
		return;
	}
	memcpy(e->p, &v, 8);
	e->p += 8;
}

static inline void cw_enc_u32(struct cw_enc *e, uint32_t v)
{
	cw_enc_u64(e, v);
}

static inline void cw_enc_i64(struct cw_enc *e, int64_t v)
{
	cw_enc_u64(e, (uint64_t)v);
}

static inline void cw_enc_ptr(struct cw_enc *e, const void *v)
{
	cw_enc_u64(e, (uintptr_t)v);
}

static inline void cw_enc_f64(struct cw_enc *e, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, 8);
	cw_enc_u64(e, bits);
}

/**
 * cw_enc_bytes() - Append a blob
 * @e:		encoder
 * @data:	bytes; may be NULL where @len is 0
 * @len:	number of bytes
 */
static inline void cw_enc_bytes(struct cw_enc *e, const void *data, size_t len)
{
	size_t room, padded;

	cw_enc_u64(e, len);
	room = e->end - e->p;
	padded = cw_align_up(len, 8);
	if (e->fatal || padded < len || padded > room) {
		e->fatal = true;
		return;
	}
	if (len)
		memcpy(e->p, data, len);
	memset(e->p + len, 0, padded - len);
	e->p += padded;
}

/* A string travels with its terminating zero; NULL as a blob of length 0. */
static inline void cw_enc_str(struct cw_enc *e, const char *s)
{
	cw_enc_bytes(e, s, s ? strlen(s) + 1 : 0);
}

/**
 * cw_enc_tail() - Append a blob of payload as the last thing of a command
 * @e:		encoder
 * @data:	payload, must stay until the command is published
 * @len:	number of bytes
 *
 * The bytes go straight from @data into the ring, by cw_copy(). Nothing may be
 * encoded after it. The receiver reads it as any blob.
 */
static inline void cw_enc_tail(struct cw_enc *e, const void *data, size_t len)
{
	cw_enc_u64(e, len);
	e->tail = data;
	e->tail_len = len;
}

/**
 * cw_enc_reserve() - Room for a blob that the caller fills in place
 * @e:		encoder
 * @len:	number of bytes
 *
 * Return: where the bytes go, zeroed; NULL where they do not fit.
 */
static inline void *cw_enc_reserve(struct cw_enc *e, size_t len)
{
	size_t padded = cw_align_up(len, 8);
	uint8_t *at;

	cw_enc_u64(e, len);
	if (e->fatal || padded < len || padded > (size_t)(e->end - e->p)) {
		e->fatal = true;
		return NULL;
	}
	at = e->p;
	memset(at, 0, padded);
	e->p += padded;
	return at;
}

static inline void cw_dec_init(struct cw_dec *d, const void *buf, size_t size)
{
	*d = (struct cw_dec){ .p = buf, .end = (const uint8_t *)buf + size };
}

static inline bool cw_dec_ok(const struct cw_dec *d)
{
	return !d->fatal;
}

static inline size_t cw_dec_left(const struct cw_dec *d)
{
	return d->fatal ? 0 : (size_t)(d->end - d->p);
}

static inline uint64_t cw_dec_u64(struct cw_dec *d)
{
	uint64_t v;

	if (__builtin_expect(d->fatal || (size_t)(d->end - d->p) < 8, 0)) {
		d->fatal = true;
		return 0;
	}
	memcpy(&v, d->p, 8);
	d->p += 8;
	return v;
}

/* A value that does not fit 32 bits is a violation, not a truncation. */
static inline uint32_t cw_dec_u32(struct cw_dec *d)
{
	uint64_t v = cw_dec_u64(d);

	if (v > UINT32_MAX) {
		d->fatal = true;
		return 0;
	}
	return (uint32_t)v;
}

static inline int64_t cw_dec_i64(struct cw_dec *d)
{
	return (int64_t)cw_dec_u64(d);
}

static inline void *cw_dec_ptr(struct cw_dec *d)
{
	return (void *)(uintptr_t)cw_dec_u64(d);
}

static inline double cw_dec_f64(struct cw_dec *d)
{
	uint64_t bits = cw_dec_u64(d);
	double v;

	memcpy(&v, &bits, 8);
	return v;
}

/**
 * cw_dec_bytes() - Read a blob in place
 * @d:		decoder
 * @max:	most bytes that are acceptable
 * @ret_len:	its length
 *
 * Return: the bytes, inside the decoder's buffer (which nobody else can write);
 * NULL where the blob is empty or the decoder is or becomes fatal (@ret_len 0).
 */
static inline const void *cw_dec_bytes(struct cw_dec *d, size_t max, size_t *ret_len)
{
	uint64_t len = cw_dec_u64(d);
	uint64_t padded = cw_align_up(len, 8);
	const uint8_t *at = d->p;

	*ret_len = 0;
	if (d->fatal || len > max || padded < len || padded > (size_t)(d->end - d->p)) {
		d->fatal = true;
		return NULL;
	}
	d->p += padded;
	*ret_len = len;
	return len ? at : NULL;
}

/**
 * cw_dec_fixed() - Read a blob of exactly @len bytes into @dst
 *
 * @dst is zeroed where the decoder is or becomes fatal.
 */
static inline void cw_dec_fixed(struct cw_dec *d, void *dst, size_t len)
{
	size_t got;
	const void *src = cw_dec_bytes(d, len, &got);

	if (got != len) {
		d->fatal = true;
		memset(dst, 0, len);
		return;
	}
	if (len)
		memcpy(dst, src, len);
}

/* A string in place, NULL for none; an unterminated one is fatal. */
static inline const char *cw_dec_str(struct cw_dec *d, size_t max)
{
	size_t len;
	const char *s = cw_dec_bytes(d, max, &len);

	if (s && s[len - 1]) {
		d->fatal = true;
		return NULL;
	}
	return s;
}

#endif
