/* SPDX-License-Identifier: Apache-2.0 */
/* Integer lane functions; included by lane.h, which has types and rules. */
#ifndef SOFTGPU_INTERP_LANE_INT_H
#define SOFTGPU_INTERP_LANE_INT_H

LANE u32 lane_mulhi_u16(u32 a, u32 b)
{
	return (a * b) >> 16;
}

LANE u64 lane_mulhi_u64(u64 a, u64 b)
{
	return (unsigned __int128)a * b >> 64;
}

LANE u64 lane_mulhi_s64(s64 a, s64 b)
{
	return (unsigned __int128)((__int128)a * b) >> 64;
}

LANE s32 lane_sat_s32(s64 x)
{
	return x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : (s32)x;
}

LANE s32 lane_sext24(u32 x)
{
	return (s32)(x << 8) >> 8;
}

/* Division by zero: all ones, and the dividend as remainder; see facts 1.3 J. */
#define LANE_DIVIDE(bits)                                                                          \
	LANE u##bits lane_div_u##bits(u##bits a, u##bits b)                                        \
	{                                                                                          \
		return b ? a / b : (u##bits)-1;                                                    \
	}                                                                                          \
	LANE u##bits lane_rem_u##bits(u##bits a, u##bits b)                                        \
	{                                                                                          \
		return b ? a % b : a;                                                              \
	}                                                                                          \
	LANE u##bits lane_div_s##bits(s##bits a, s##bits b)                                        \
	{                                                                                          \
		if (b == -1)                                                                       \
			return -(u##bits)a;                                                        \
		return b ? (u##bits)(a / b) : (u##bits)-1;                                         \
	}                                                                                          \
	LANE u##bits lane_rem_s##bits(s##bits a, s##bits b)                                        \
	{                                                                                          \
		if (b == -1)                                                                       \
			return 0;                                                                  \
		return b ? (u##bits)(a % b) : (u##bits)a;                                          \
	}
LANE_DIVIDE(16)
LANE_DIVIDE(32)
LANE_DIVIDE(64)

/* Low @n bits set, n from 0 to the width. */
LANE u32 lane_ones32(u32 n)
{
	return n >= 32 ? UINT32_MAX : (1u << n) - 1;
}

LANE u64 lane_ones64(u32 n)
{
	return n >= 64 ? UINT64_MAX : (1ull << n) - 1;
}

LANE u32 lane_bfe_u32(u32 a, u32 pos, u32 len)
{
	pos &= 0xff;
	len &= 0xff;
	return (pos > 31 ? 0 : a >> (pos & 31)) & lane_ones32(len);
}

LANE u64 lane_bfe_u64(u64 a, u32 pos, u32 len)
{
	pos &= 0xff;
	len &= 0xff;
	return (pos > 63 ? 0 : a >> (pos & 63)) & lane_ones64(len);
}

/* Bits beyond the field or beyond the register are the field's top bit. */
LANE u32 lane_bfe_s32(u32 a, u32 pos, u32 len)
{
	u32 top, valid, sign;

	pos &= 0xff;
	len &= 0xff;
	if (!len)
		return 0;
	top = pos + len - 1;
	sign = a >> (top > 31 ? 31 : top) & 1;
	valid = pos > 31 ? 0 : len < 32 - pos ? len : 32 - pos;
	return ((pos > 31 ? 0 : a >> (pos & 31)) & lane_ones32(valid)) |
	       (sign ? ~lane_ones32(valid) : 0);
}

LANE u64 lane_bfe_s64(u64 a, u32 pos, u32 len)
{
	u32 top, valid;
	u64 sign;

	pos &= 0xff;
	len &= 0xff;
	if (!len)
		return 0;
	top = pos + len - 1;
	sign = a >> (top > 63 ? 63 : top) & 1;
	valid = pos > 63 ? 0 : len < 64 - pos ? len : 64 - pos;
	return ((pos > 63 ? 0 : a >> (pos & 63)) & lane_ones64(valid)) |
	       (sign ? ~lane_ones64(valid) : 0);
}

LANE u32 lane_bfi_u32(u32 a, u32 b, u32 pos, u32 len)
{
	u32 m;

	pos &= 0xff;
	m = pos > 31 ? 0 : lane_ones32(len & 0xff) << (pos & 31);
	return (b & ~m) | ((pos > 31 ? 0 : a << (pos & 31)) & m);
}

LANE u64 lane_bfi_u64(u64 a, u64 b, u32 pos, u32 len)
{
	u64 m;

	pos &= 0xff;
	m = pos > 63 ? 0 : lane_ones64(len & 0xff) << (pos & 63);
	return (b & ~m) | ((pos > 63 ? 0 : a << (pos & 63)) & m);
}

LANE u32 lane_bmsk(u32 pos, u32 len, int wrap)
{
	if (wrap) {
		pos &= 31;
		len &= 31;
	}
	return pos > 31 ? 0 : lane_ones32(len) << (pos & 31);
}

LANE u32 lane_szext_s32(u32 a, u32 n, int wrap)
{
	if (wrap)
		n &= 31;
	return n > 31 ? a : !n ? 0 : (u32)((s32)(a << (32 - n)) >> (32 - n));
}

LANE u32 lane_szext_u32(u32 a, u32 n, int wrap)
{
	if (wrap)
		n &= 31;
	return a & lane_ones32(n);
}

LANE u32 lane_brev32(u32 x)
{
	x = (x >> 1 & 0x55555555) | (x & 0x55555555) << 1;
	x = (x >> 2 & 0x33333333) | (x & 0x33333333) << 2;
	x = (x >> 4 & 0x0f0f0f0f) | (x & 0x0f0f0f0f) << 4;
	return __builtin_bswap32(x);
}

LANE u64 lane_brev64(u64 x)
{
	return (u64)lane_brev32(x) << 32 | lane_brev32(x >> 32);
}

LANE u32 lane_clz32(u32 x)
{
	return x ? __builtin_clz(x) : 32;
}

LANE u32 lane_clz64(u64 x)
{
	return x ? __builtin_clzll(x) : 64;
}

/* Bit number of the most significant one (of a complement, if negative). */
LANE u32 lane_bfind(u64 x, u32 bits, int shiftamt)
{
	u32 pos;

	if (!x)
		return UINT32_MAX;
	pos = 63 - __builtin_clzll(x);
	return shiftamt ? bits - 1 - pos : pos;
}

/* n-th set bit from a base, n negative: downwards (ISA 9.0, 9.7.1.22). */
LANE u32 lane_fns(u32 mask, u32 base, u32 offset)
{
	s32 n = (s32)offset, pos = base;

	if (base > 31)
		return UINT32_MAX;
	if (!n)
		return mask >> base & 1 ? base : UINT32_MAX;
	for (; pos >= 0 && pos < 32; pos += n > 0 ? 1 : -1) {
		if (!(mask >> pos & 1))
			continue;
		n += n > 0 ? -1 : 1;
		if (!n)
			return pos;
	}
	return UINT32_MAX;
}

LANE u32 lane_prmt_byte(u64 bytes, u32 sel)
{
	u32 b = bytes >> (8 * (sel & 7)) & 0xff;

	return sel & 8 ? (b & 0x80 ? 0xff : 0) : b;
}

LANE u32 lane_prmt(u32 a, u32 b, u32 sel)
{
	u64 x = (u64)b << 32 | a;

	return lane_prmt_byte(x, sel) | lane_prmt_byte(x, sel >> 4) << 8 |
	       lane_prmt_byte(x, sel >> 8) << 16 | lane_prmt_byte(x, sel >> 12) << 24;
}

/* Selectors of the prmt modes, four per mode, for the low two bits of c. */
LANE u32 lane_prmt_mode(u32 a, u32 b, u32 c, int mode)
{
	static const u16 table[6][4] = {
		{ 0x3210, 0x4321, 0x5432, 0x6543 },	/* f4e */
		{ 0x5670, 0x6701, 0x7012, 0x0123 },	/* b4e */
		{ 0x0000, 0x1111, 0x2222, 0x3333 },	/* rc8 */
		{ 0x3210, 0x3211, 0x3222, 0x3333 },	/* ecl */
		{ 0x0000, 0x1110, 0x2210, 0x3210 },	/* ecr */
		{ 0x1010, 0x3232, 0x1010, 0x3232 },	/* rc16 */
	};

	return lane_prmt(a, b, table[mode - SG_SUB_F4E][c & 3]);
}

LANE u32 lane_lop3(u32 a, u32 b, u32 c, u32 lut)
{
	u32 r = 0;

	r |= (lut & 1 ? ~a & ~b & ~c : 0) | (lut & 2 ? ~a & ~b & c : 0);
	r |= (lut & 4 ? ~a & b & ~c : 0) | (lut & 8 ? ~a & b & c : 0);
	r |= (lut & 16 ? a & ~b & ~c : 0) | (lut & 32 ? a & ~b & c : 0);
	r |= (lut & 64 ? a & b & ~c : 0) | (lut & 128 ? a & b & c : 0);
	return r;
}

#define LANE_BYTE_S(x, i) ((s32)(s8)((x) >> (8 * (i))))
#define LANE_BYTE_U(x, i) ((s32)(u8)((x) >> (8 * (i))))
#define LANE_HALF_S(x, i) ((s32)(s16)((x) >> (16 * (i))))
#define LANE_HALF_U(x, i) ((s32)(u16)((x) >> (16 * (i))))
#define LANE_DOT4(A, B, a, b, c)                                                                   \
	((c) + (u32)(LANE_BYTE_##A(a, 0) * LANE_BYTE_##B(b, 0)) +                                  \
	 (u32)(LANE_BYTE_##A(a, 1) * LANE_BYTE_##B(b, 1)) +                                        \
	 (u32)(LANE_BYTE_##A(a, 2) * LANE_BYTE_##B(b, 2)) +                                        \
	 (u32)(LANE_BYTE_##A(a, 3) * LANE_BYTE_##B(b, 3)))
#define LANE_DOT2(A, B, a, b, c, h)                                                                \
	((c) + (u32)(LANE_HALF_##A(a, 0) * LANE_BYTE_##B(b, 2 * (h))) +                            \
	 (u32)(LANE_HALF_##A(a, 1) * LANE_BYTE_##B(b, 2 * (h) + 1)))

#endif
