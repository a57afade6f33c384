/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inflate (RFC 1951), for png.c.
 *
 * Codes are decoded bit by bit from counts per length and symbols in order of
 * code: slow and short. Every read and write is bounded; a bad stream is
 * -EINVAL, and an output that does not fill the room is one as well.
 */
#include <errno.h>
#include <string.h>

#include "png.h"

struct stream {
	const unsigned char *in;
	size_t size;
	size_t at;
	unsigned int bits;
	int count;
	int bad;
	unsigned char *out;
	size_t room;
	size_t n;
};

enum {
	MAX_BITS = 15,
	LITERALS = 288,
	DISTANCES = 30
};

struct code {
	unsigned short count[MAX_BITS + 1];
	unsigned short symbol[LITERALS];
};

static unsigned int get_bits(struct stream *s, int want)
{
	unsigned int v;

	while (s->count < want) {
		if (s->at >= s->size) {
			s->bad = 1;
			return 0;
		}
		s->bits |= (unsigned int)s->in[s->at++] << s->count;
		s->count += 8;
	}
	v = s->bits & ((1u << want) - 1);
	s->bits >>= want;
	s->count -= want;
	return v;
}

static void make_code(struct code *c, const unsigned char *lengths, int n)
{
	unsigned short offset[MAX_BITS + 2] = { 0 };

	memset(c, 0, sizeof(*c));
	for (int i = 0; i < n; i++)
		c->count[lengths[i]]++;
	c->count[0] = 0;
	for (int i = 1; i <= MAX_BITS; i++)
		offset[i + 1] = (unsigned short)(offset[i] + c->count[i]);
	for (int i = 0; i < n; i++) {
		if (lengths[i])
			c->symbol[offset[lengths[i]]++] = (unsigned short)i;
	}
}

static int get_symbol(struct stream *s, const struct code *c)
{
	int code = 0, first = 0, index = 0;

	for (int len = 1; len <= MAX_BITS && !s->bad; len++) {
		code |= (int)get_bits(s, 1);
		if (code - c->count[len] < first)
			return c->symbol[index + code - first];
		index += c->count[len];
		first = (first + c->count[len]) << 1;
		code <<= 1;
	}
	s->bad = 1;
	return 0;
}

static void put_byte(struct stream *s, unsigned int v)
{
	if (s->n < s->room)
		s->out[s->n++] = (unsigned char)v;
	else
		s->bad = 1;
}

static void copy_match(struct stream *s, int symbol, const struct code *dist)
{
	static const unsigned short base[29] = { 3,  4,	 5,  6,	  7,   8,   9,	 10,  11, 13,
						 15, 17, 19, 23,  27,  31,  35,	 43,  51, 59,
						 67, 83, 99, 115, 131, 163, 195, 227, 258 };
	static const unsigned char extra[29] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
						 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };
	static const unsigned short dbase[DISTANCES] = { 1,    2,    3,	   4,	  5,	 7,
							 9,    13,   17,   25,	  33,	 49,
							 65,   97,   129,  193,	  257,	 385,
							 513,  769,  1025, 1537,  2049,	 3073,
							 4097, 6145, 8193, 12289, 16385, 24577 };
	size_t len, back;
	int d;

	if (symbol - 257 >= 29) {
		s->bad = 1;
		return;
	}
	len = base[symbol - 257] + get_bits(s, extra[symbol - 257]);
	d = get_symbol(s, dist);
	if (d >= DISTANCES) {
		s->bad = 1;
		return;
	}
	back = dbase[d] + get_bits(s, d < 4 ? 0 : d / 2 - 1);
	if (back > s->n)
		s->bad = 1;
	while (len-- && !s->bad)
		put_byte(s, s->out[s->n - back]);
}

static void codes_block(struct stream *s, const struct code *lit, const struct code *dist)
{
	while (!s->bad) {
		int symbol = get_symbol(s, lit);

		if (symbol == 256)
			return;
		if (symbol < 256)
			put_byte(s, (unsigned int)symbol);
		else
			copy_match(s, symbol, dist);
	}
}

static void stored_block(struct stream *s)
{
	unsigned int len, inverse;

	s->bits = 0;
	s->count = 0;
	len = get_bits(s, 16);
	inverse = get_bits(s, 16);
	if (len != (~inverse & 0xffff))
		s->bad = 1;
	while (len-- && !s->bad)
		put_byte(s, get_bits(s, 8));
}

static void fixed_block(struct stream *s)
{
	unsigned char lengths[LITERALS];
	struct code lit, dist;

	memset(lengths, 8, 144);
	memset(lengths + 144, 9, 112);
	memset(lengths + 256, 7, 24);
	memset(lengths + 280, 8, 8);
	make_code(&lit, lengths, LITERALS);
	memset(lengths, 5, DISTANCES);
	make_code(&dist, lengths, DISTANCES);
	codes_block(s, &lit, &dist);
}

static void dynamic_block(struct stream *s)
{
	static const unsigned char order[19] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
						 11, 4,	 12, 3, 13, 2, 14, 1, 15 };
	int nlit = (int)get_bits(s, 5) + 257, ndist = (int)get_bits(s, 5) + 1;
	int ncode = (int)get_bits(s, 4) + 4, n = 0;
	unsigned char lengths[LITERALS + 32] = { 0 };
	struct code lit, dist;

	if (nlit > 286 || ndist > DISTANCES) {
		s->bad = 1;
		return;
	}
	for (int i = 0; i < ncode; i++)
		lengths[order[i]] = (unsigned char)get_bits(s, 3);
	make_code(&lit, lengths, 19);
	memset(lengths, 0, sizeof(lengths));
	while (n < nlit + ndist && !s->bad) {
		int symbol = get_symbol(s, &lit), repeat = 1;
		unsigned char value = (unsigned char)symbol;

		if (symbol >= 16) {
			value = symbol == 16 && n ? lengths[n - 1] : 0;
			repeat = symbol == 16	? 3 + (int)get_bits(s, 2)
				 : symbol == 17 ? 3 + (int)get_bits(s, 3)
						: 11 + (int)get_bits(s, 7);
		}
		if (n + repeat > nlit + ndist)
			s->bad = 1;
		while (repeat-- && !s->bad)
			lengths[n++] = value;
	}
	if (s->bad)
		return;
	make_code(&lit, lengths, nlit);
	make_code(&dist, lengths + nlit, ndist);
	codes_block(s, &lit, &dist);
}

/**
 * png_inflate() - Decompress a deflate stream
 * @in:		stream, without its zlib header
 * @size:	bytes of it; trailing bytes are ignored
 * @out:	result
 * @room:	bytes of it; the stream must give just as many
 *
 * Return: 0 or -EINVAL.
 */
int png_inflate(const unsigned char *in, size_t size, unsigned char *out, size_t room)
{
	struct stream s = { .in = in, .size = size, .out = out, .room = room };
	unsigned int last;

	do {
		unsigned int type;

		last = get_bits(&s, 1);
		type = get_bits(&s, 2);
		if (type == 0)
			stored_block(&s);
		else if (type == 1)
			fixed_block(&s);
		else if (type == 2)
			dynamic_block(&s);
		else
			s.bad = 1;
	} while (!last && !s.bad);
	return s.bad || s.n != room ? -EINVAL : 0;
}
