/* SPDX-License-Identifier: Apache-2.0 */
/* Floating-point lane functions; included by lane.h, which has types and rules. */
#ifndef SOFTGPU_INTERP_LANE_FLOAT_H
#define SOFTGPU_INTERP_LANE_FLOAT_H

LANE u32 lane_f32_bits(f32 x)
{
	u32 r;

	memcpy(&r, &x, sizeof(r));
	return r;
}

LANE f32 lane_bits_f32(u32 x)
{
	f32 r;

	memcpy(&r, &x, sizeof(r));
	return r;
}

LANE u64 lane_f64_bits(f64 x)
{
	u64 r;

	memcpy(&r, &x, sizeof(r));
	return r;
}

LANE f64 lane_bits_f64(u64 x)
{
	f64 r;

	memcpy(&r, &x, sizeof(r));
	return r;
}

/* Every NaN an f32 instruction makes is this one. */
LANE f32 lane_canon(f32 x)
{
	return x != x ? lane_bits_f32(0x7fffffff) : x;
}

/* bits of f16 likewise */
LANE f16 lane_canon_f16(f16 x)
{
	u16 nan = 0x7fff;
	f16 r = x;

	if (x != x)
		memcpy(&r, &nan, sizeof(r));
	return r;
}

LANE f32 lane_bf16_f32(bf16 x)
{
	return lane_bits_f32((u32)x.bits << 16);
}

LANE bf16 lane_f32_bf16(f32 x)
{
	u32 b = lane_f32_bits(x);

	if (x != x)
		return (bf16){ 0x7fff };
	return (bf16){ (u16)((b + 0x7fff + (b >> 16 & 1)) >> 16) };
}

LANE bf16 lane_f32_bf16_rz(f32 x)
{
	return x != x ? (bf16){ 0x7fff } : (bf16){ (u16)(lane_f32_bits(x) >> 16) };
}

LANE f32 lane_flush(f32 x)
{
	u32 b = lane_f32_bits(x);

	return lane_bits_f32((b & 0x7f800000) ? b : b & 0x80000000);
}

/* min and max: the number if one is NaN, -0 below +0 (ISA 9.0, 9.7.3.11). */
LANE f32 lane_fmin32(f32 a, f32 b)
{
	f32 r = a < b ? a : b;

	r = a == b ? lane_bits_f32(lane_f32_bits(a) | lane_f32_bits(b)) : r;
	r = b != b ? a : r;
	return lane_canon(r);
}

LANE f32 lane_fmax32(f32 a, f32 b)
{
	f32 r = a > b ? a : b;

	r = a == b ? lane_bits_f32(lane_f32_bits(a) & lane_f32_bits(b)) : r;
	r = b != b ? a : r;
	return lane_canon(r);
}

LANE f64 lane_fmin64(f64 a, f64 b)
{
	f64 r = a < b ? a : b;

	r = a == b ? lane_bits_f64(lane_f64_bits(a) | lane_f64_bits(b)) : r;
	return b != b ? a : r;
}

LANE f64 lane_fmax64(f64 a, f64 b)
{
	f64 r = a > b ? a : b;

	r = a == b ? lane_bits_f64(lane_f64_bits(a) & lane_f64_bits(b)) : r;
	return b != b ? a : r;
}

LANE f32 lane_nan_or(f32 a, f32 b, f32 r)
{
	return a != a || b != b ? lane_bits_f32(0x7fffffff) : r;
}

/* NaN becomes 0: the ISA's order of comparison. */
LANE f32 lane_saturate(f32 x)
{
	return x > 0 ? (x < 1 ? x : 1) : 0;
}

LANE f64 lane_saturate64(f64 x)
{
	return x > 0 ? (x < 1 ? x : 1) : 0;
}

/* Saturating conversion to an integer; x is integral already. */
LANE s64 lane_clamp_s(f64 x, s64 lo, s64 hi, s64 nan)
{
	if (x != x)
		return nan;
	/* hi + 1 is a power of two, so the comparison is exact. */
	return x < (f64)lo ? lo : x >= (f64)hi + 1 ? hi : (s64)x;
}

LANE s64 lane_clamp_s64(f64 x)
{
	if (x != x || x < -0x1p63)
		return INT64_MIN;
	return x >= 0x1p63 ? INT64_MAX : (s64)x;
}

LANE u64 lane_clamp_u(f64 x, u64 hi, u64 nan)
{
	if (x != x)
		return nan;
	return x <= 0 ? 0 : x >= (f64)hi + 1 ? hi : (u64)x;
}

LANE u64 lane_clamp_u64(f64 x)
{
	if (x != x)
		return 1ull << 63;
	return x <= 0 ? 0 : x >= 0x1p64 ? UINT64_MAX : (u64)x;
}

/* The common case, in a form compilers vectorise. */
LANE s32 lane_clamp_s32_f32(f32 r)
{
	s32 v = r >= 0x1p31f ? INT32_MAX : r < -0x1p31f ? INT32_MIN : r != r ? 0 : (s32)r;

	return v;
}

LANE __int128 lane_clamp_int(__int128 x, __int128 lo, __int128 hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

/*
 * fma for f16: the product is exact in f64, the sum is rounded to odd there,
 * so that the second rounding is the only one (Boldo and Melquiond).
 */
LANE f16 lane_fma_f16(f16 a, f16 b, f16 c)
{
	f64 p = (f64)a * (f64)b, z = (f64)c, s = p + z;
	f64 v = s - p, err = (p - (s - v)) + (z - v);
	u64 bits = lane_f64_bits(s);

	if (err != 0 && s == s && !(bits & 1) && (bits << 1) < 0xffe0000000000000ull)
		bits += (err > 0) == (s > 0) ? 1 : -1;
	return lane_canon_f16((f16)lane_bits_f64(bits));
}

LANE bf16 lane_fma_bf16(bf16 a, bf16 b, bf16 c)
{
	f64 p = (f64)lane_bf16_f32(a) * (f64)lane_bf16_f32(b), z = (f64)lane_bf16_f32(c);
	f64 s = p + z, v = s - p, err = (p - (s - v)) + (z - v);
	u64 bits = lane_f64_bits(s);
	f32 f;
	u32 low;

	if (err != 0 && s == s && !(bits & 1) && (bits << 1) < 0xffe0000000000000ull)
		bits += (err > 0) == (s > 0) ? 1 : -1;
	/* Again to odd on the way through f32, then to bf16. */
	s = lane_bits_f64(bits);
	f = (f32)s;
	low = lane_f32_bits(f);
	if (f == f && (f64)f != s && !(low & 1) && (low << 1) < 0xff000000u)
		low += (s > (f64)f) == (f > 0) ? 1 : -1;
	return lane_f32_bf16(lane_bits_f32(low));
}

#endif
