/* SPDX-License-Identifier: Apache-2.0 */
/*
 * softgpu/interp: one instruction over 32 lanes against C, and the corners the
 * ISA names: clamped shifts, division by zero, NaN, saturation, rounding.
 */
#include <fenv.h>
#include <math.h>

#include "tests/softgpu/ptx_embed.h"

static uint64_t lane_seed = 1;

static uint64_t lane_random(void)
{
	static const uint64_t corners[] = {
		0, 1, 31, 32, 33, 63, 64, UINT64_MAX, 0x80000000, 0x7fffffff,
		0x8000000000000000ull, 0x7f800000, 0xff800000, 0x7fc00000, 0x3f800000, 1u << 23,
	};

	lane_seed = lane_seed * 6364136223846793005ull + 1442695040888963407ull;
	if ((lane_seed >> 60) < 4)
		return corners[lane_seed >> 40 & 15];
	return lane_seed >> 7 ^ lane_seed << 31;
}

typedef uint64_t lane_fn(uint64_t a, uint64_t b, uint64_t c);

static void lane_compare(const char *type, const char *dtype, size_t size, const char *body,
			 lane_fn *want)
{
	size_t dsize = strstr(dtype, "64") ? 8 : strstr(dtype, "16") ? 2 : 4;
	uint64_t mask = dsize == 8 ? UINT64_MAX : (1ull << (8 * dsize)) - 1;
	uint64_t in[3][32];

	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < 3; i++) {
			for (int l = 0; l < 32; l++) {
				in[i][l] = lane_random();
				if (size < 8)
					in[i][l] &= (1ull << (8 * size)) - 1;
				embed_set(i, l, in[i][l]);
			}
		}
		CHECK_EQ(embed_lanes(type, dtype, body), 0);
		for (int l = 0; l < 32; l++) {
			uint64_t have = embed_get(l, dsize);
			uint64_t should = want(in[0][l], in[1][l], in[2][l]) & mask;

			if (have != should)
				printf("# %s of %llx %llx %llx\n", body, (long long)in[0][l],
				       (long long)in[1][l], (long long)in[2][l]);
			CHECK_EQ(have, should);
		}
	}
}

#define LANE(name, expr)                                                                           \
	static uint64_t want_##name(uint64_t a, uint64_t b, uint64_t c)                            \
	{                                                                                          \
		return expr;                                                                       \
	}
#define U32 (uint32_t)
#define S32 (int32_t)
LANE(add, a + b)
LANE(mad, a * b + c)
LANE(mulhi_s32, (uint64_t)((int64_t)S32 a * S32 b) >> 32)
LANE(wide_s32, (int64_t)S32 a * S32 b)
LANE(div_u32, U32 b ? U32 a / U32 b : UINT32_MAX)
LANE(rem_s32, U32 b == 0 ? a : S32 b == -1 ? 0 : (uint64_t)(S32 a % S32 b))
LANE(shl, U32 b > 31 ? 0 : a << b)
LANE(shr_s32, S32 a >> (U32 b > 31 ? 31 : b))
LANE(clz, U32 a ? __builtin_clz(a) : 32)
LANE(clz64, a ? __builtin_clzll(a) : 64)
LANE(popc64, __builtin_popcountll(a))
LANE(bfe, (U32 b & 255) > 31 ? 0 :
	  (U32 a >> (b & 255)) & ((c & 255) > 31 ? ~0u : (1u << (c & 255)) - 1))
LANE(lop3, (U32 a & U32 b) ^ U32 c)
LANE(selp, S32 a < S32 b ? a : c)
LANE(min_u64, a < b ? a : b)
LANE(satadd, S32 a + (int64_t)S32 b > INT32_MAX ? INT32_MAX :
	     S32 a + (int64_t)S32 b < INT32_MIN ? INT32_MIN : S32 a + (int64_t)S32 b)
LANE(sub128, a - b)

TEST(integer_instructions_agree_with_c)
{
	lane_compare("u32", "u32", 4, "add.u32 %d, %a0, %a1;", want_add);
	lane_compare("u64", "u64", 8, "add.s64 %d, %a0, %a1;", want_add);
	lane_compare("u16", "u16", 2, "add.u16 %d, %a0, %a1;", want_add);
	lane_compare("u32", "u32", 4, "mad.lo.s32 %d, %a0, %a1, %a2;", want_mad);
	lane_compare("u64", "u64", 8, "mad.lo.u64 %d, %a0, %a1, %a2;", want_mad);
	lane_compare("u16", "u16", 2, "mad.lo.u16 %d, %a0, %a1, %a2;", want_mad);
	lane_compare("s32", "s32", 4, "mul.hi.s32 %d, %a0, %a1;", want_mulhi_s32);
	lane_compare("s32", "s64", 4, "mul.wide.s32 %d, %a0, %a1;", want_wide_s32);
	lane_compare("u32", "u32", 4, "div.u32 %d, %a0, %a1;", want_div_u32);
	lane_compare("s32", "s32", 4, "rem.s32 %d, %a0, %a1;", want_rem_s32);
	lane_compare("b32", "b32", 4, "shl.b32 %d, %a0, %a1;", want_shl);
	lane_compare("s32", "s32", 4, "shr.s32 %d, %a0, %a1;", want_shr_s32);
	lane_compare("b32", "u32", 4, "clz.b32 %d, %a0;", want_clz);
	lane_compare("b64", "u32", 8, "clz.b64 %d, %a0;", want_clz64);
	lane_compare("b64", "u32", 8, "popc.b64 %d, %a0;", want_popc64);
	lane_compare("u32", "u32", 4, "bfe.u32 %d, %a0, %a1, %a2;", want_bfe);
	lane_compare("b32", "b32", 4, "lop3.b32 %d, %a0, %a1, %a2, 0x6a;", want_lop3);
	lane_compare("s32", "s32", 4,
		     "setp.lt.s32 %p1, %a0, %a1; selp.s32 %d, %a0, %a2, %p1;", want_selp);
	lane_compare("s32", "s32", 4,
		     "setp.ge.s32 %p1, %a0, %a1; @!%p1 mov.u32 %d, %a0; @%p1 mov.u32 %d, %a2;",
		     want_selp);
	lane_compare("u64", "u64", 8, "min.u64 %d, %a0, %a1;", want_min_u64);
	lane_compare("s32", "s32", 4, "add.sat.s32 %d, %a0, %a1;", want_satadd);
}

TEST(carries_make_wide_arithmetic)
{
	lane_compare("u64", "u64", 8,
		     "mov.b64 {%r1, %r2}, %a0; mov.b64 {%r3, %r4}, %a1;"
		     "sub.cc.u32 %r1, %r1, %r3; subc.u32 %r2, %r2, %r4; mov.b64 %d, {%r1, %r2};",
		     want_sub128);
	lane_compare("u64", "u64", 8,
		     "mov.b64 {%r1, %r2}, %a0; mov.b64 {%r3, %r4}, %a1;"
		     "add.cc.u32 %r1, %r1, %r3; addc.u32 %r2, %r2, %r4; mov.b64 %d, {%r1, %r2};",
		     want_add);
}

static float lane_float(uint64_t bits)
{
	uint32_t b = bits;
	float f;

	memcpy(&f, &b, sizeof(f));
	return f;
}

static uint64_t lane_bits(float f)
{
	uint32_t b;

	memcpy(&b, &f, sizeof(b));
	return f != f ? 0x7fffffff : b;
}

#define LANE_ROUNDED(name, mode, expr)                                                             \
	static uint64_t want_##name(uint64_t ia, uint64_t ib, uint64_t ic)                         \
	{                                                                                          \
		volatile float a = lane_float(ia), b = lane_float(ib), c = lane_float(ic), r;      \
                                                                                                   \
		(void)b, (void)c;                                                                  \
		fesetround(mode);                                                                  \
		r = expr;                                                                          \
		fesetround(FE_TONEAREST);                                                          \
		return lane_bits(r);                                                               \
	}
LANE_ROUNDED(fadd, FE_TONEAREST, a + b)
LANE_ROUNDED(fadd_rz, FE_TOWARDZERO, a + b)
LANE_ROUNDED(fmul_rm, FE_DOWNWARD, a * b)
LANE_ROUNDED(fdiv_rp, FE_UPWARD, a / b)
LANE_ROUNDED(ffma, FE_TONEAREST, fmaf(a, b, c))
LANE_ROUNDED(fsqrt, FE_TONEAREST, sqrtf(a))
LANE_ROUNDED(frcp, FE_TONEAREST, 1.0f / a)

TEST(floating_point_rounds_as_told)
{
	lane_compare("f32", "f32", 4, "add.f32 %d, %a0, %a1;", want_fadd);
	lane_compare("f32", "f32", 4, "add.rz.f32 %d, %a0, %a1;", want_fadd_rz);
	lane_compare("f32", "f32", 4, "mul.rm.f32 %d, %a0, %a1;", want_fmul_rm);
	lane_compare("f32", "f32", 4, "div.rp.f32 %d, %a0, %a1;", want_fdiv_rp);
	lane_compare("f32", "f32", 4, "fma.rn.f32 %d, %a0, %a1, %a2;", want_ffma);
	lane_compare("f32", "f32", 4, "sqrt.rn.f32 %d, %a0;", want_fsqrt);
	lane_compare("f32", "f32", 4, "rcp.approx.f32 %d, %a0;", want_frcp);
	/* The mode is the instruction's, not the thread's. */
	lane_compare("f32", "f32", 4, "add.rz.f32 %f1, %a0, %a1; add.f32 %d, %a0, %a1;", want_fadd);
}

/* One value in, one out, in every lane. */
static uint64_t lane_one(const char *type, const char *dtype, const char *body, uint64_t a,
			 uint64_t b)
{
	for (int l = 0; l < 32; l++) {
		embed_set(0, l, a);
		embed_set(1, l, b);
	}
	CHECK_EQ(embed_lanes(type, dtype, body), 0);
	return embed_get(17, strstr(dtype, "64") ? 8 : strstr(dtype, "16") ? 2 : 4);
}

TEST(nan_zero_and_subnormal_corners_follow_the_isa)
{
	const uint64_t nan = 0x7fc12345, minus0 = 0x80000000, one = 0x3f800000, tiny = 1;

	CHECK_EQ(lane_one("f32", "f32", "add.f32 %d, %a0, %a1;", nan, one), 0x7fffffff);
	CHECK_EQ(lane_one("f32", "f32", "min.f32 %d, %a0, %a1;", nan, one), one);
	CHECK_EQ(lane_one("f32", "f32", "max.f32 %d, %a0, %a1;", one, nan), one);
	CHECK_EQ(lane_one("f32", "f32", "min.f32 %d, %a0, %a1;", 0, minus0), minus0);
	CHECK_EQ(lane_one("f32", "f32", "max.f32 %d, %a0, %a1;", minus0, 0), 0);
	CHECK_EQ(lane_one("f32", "f32", "max.f32 %d, %a0, %a1;", nan, nan), 0x7fffffff);
	CHECK_EQ(lane_one("f32", "f32", "max.NaN.f32 %d, %a0, %a1;", nan, one), 0x7fffffff);
	CHECK_EQ(lane_one("f32", "f32", "add.ftz.f32 %d, %a0, %a1;", tiny, 0), 0);
	CHECK_EQ(lane_one("f32", "f32", "add.f32 %d, %a0, %a1;", tiny, 0), tiny);
	CHECK_EQ(lane_one("f32", "f32", "mul.ftz.f32 %d, %a0, %a1;", 0x80000001, one), minus0);
	CHECK_EQ(lane_one("f32", "f32", "add.sat.f32 %d, %a0, %a1;", one, one), one);
	CHECK_EQ(lane_one("f32", "f32", "mul.sat.f32 %d, %a0, %a1;", nan, one), 0);
	CHECK_EQ(lane_one("f32", "u32", "set.lt.u32.f32 %d, %a0, %a1;", nan, one), 0);
	CHECK_EQ(lane_one("f32", "u32", "set.ltu.u32.f32 %d, %a0, %a1;", nan, one), UINT32_MAX);
}

TEST(conversions_saturate_and_round)
{
	const uint64_t nan = 0x7fc00000, big = 0x7149f2ca, x = 0x40200000; /* 1e30, 2.5 */

	CHECK_EQ(lane_one("f32", "s32", "cvt.rzi.s32.f32 %d, %a0;", nan, 0), 0);
	CHECK_EQ(lane_one("f32", "s32", "cvt.rzi.s32.f32 %d, %a0;", big, 0), INT32_MAX);
	CHECK_EQ(lane_one("f32", "u32", "cvt.rzi.u32.f32 %d, %a0;", 0xbf800000, 0), 0);
	CHECK_EQ(lane_one("f32", "s32", "cvt.rni.s32.f32 %d, %a0;", x, 0), 2);
	CHECK_EQ(lane_one("f32", "s32", "cvt.rpi.s32.f32 %d, %a0;", x, 0), 3);
	CHECK_EQ(lane_one("f32", "s64", "cvt.rzi.s64.f32 %d, %a0;", nan, 0), 1ull << 63);
	CHECK_EQ(lane_one("s32", "f32", "cvt.rn.f32.s32 %d, %a0;", 16777217, 0), 0x4b800000);
	CHECK_EQ(lane_one("s32", "f32", "cvt.rp.f32.s32 %d, %a0;", 16777217, 0), 0x4b800001);
	CHECK_EQ(lane_one("f32", "f32", "cvt.rmi.f32.f32 %d, %a0;", x, 0), 0x40000000);
	CHECK_EQ(lane_one("u32", "u32", "cvt.sat.s8.s32 %d, %a0;", 1000, 0), 127);
	CHECK_EQ(lane_one("u32", "s32", "cvt.s32.s8 %d, %a0;", 0x1ff, 0), UINT32_MAX);
	CHECK_EQ(lane_one("u32", "u32", "cvt.u8.u32 %d, %a0;", 0x1ff, 0), 0xff);
	CHECK_EQ(lane_one("f32", "b16", "cvt.rn.f16.f32 %d, %a0;", x, 0), 0x4100);
	CHECK_EQ(lane_one("b16", "f32", "cvt.f32.f16 %d, %a0;", 0x4100, 0), x);
	CHECK_EQ(lane_one("f32", "b32", "cvt.rn.f16x2.f32 %d, %a0, %a1;", x, 0x3f800000),
		 0x41003c00);
}

TEST(approximations_are_correctly_rounded)
{
	const uint64_t x = 0x3fc00000; /* 1.5 */

	CHECK_EQ(lane_one("f32", "f32", "sin.approx.f32 %d, %a0;", x, 0),
		 lane_bits((float)sin(1.5)));
	CHECK_EQ(lane_one("f32", "f32", "cos.approx.ftz.f32 %d, %a0;", x, 0),
		 lane_bits((float)cos(1.5)));
	CHECK_EQ(lane_one("f32", "f32", "ex2.approx.f32 %d, %a0;", x, 0),
		 lane_bits((float)exp2(1.5)));
	CHECK_EQ(lane_one("f32", "f32", "lg2.approx.f32 %d, %a0;", x, 0),
		 lane_bits((float)log2(1.5)));
	CHECK_EQ(lane_one("f32", "f32", "rsqrt.approx.f32 %d, %a0;", x, 0),
		 lane_bits((float)(1 / sqrt(1.5))));
	CHECK_EQ(lane_one("f32", "f32", "tanh.approx.f32 %d, %a0;", x, 0),
		 lane_bits((float)tanh(1.5)));
}

TEST(bytes_and_fields_move_as_the_isa_says)
{
	CHECK_EQ(lane_one("b32", "b32", "prmt.b32 %d, %a0, %a1, 0x7a40;", 0x33221180, 0x77665544),
		 0x77004480);
	CHECK_EQ(lane_one("b32", "b32", "bfi.b32 %d, %a0, %a1, 8, 8;", 0xab, 0x11223344),
		 0x1122ab44);
	CHECK_EQ(lane_one("s32", "s32", "bfe.s32 %d, %a0, 4, 4;", 0xf0, 0), UINT32_MAX);
	CHECK_EQ(lane_one("b32", "b32", "shf.l.wrap.b32 %d, %a0, %a1, 36;", 0xf0000000, 1), 0x1f);
	CHECK_EQ(lane_one("b32", "b32", "brev.b32 %d, %a0;", 1, 0), 0x80000000);
	CHECK_EQ(lane_one("u32", "u32", "bfind.u32 %d, %a0;", 0x1000, 0), 12);
	CHECK_EQ(lane_one("b32", "s32", "dp4a.s32.u32 %d, %a0, %a1, 10;", 0xff020304, 0x01010101),
		 18);
}

TAP_MAIN()
