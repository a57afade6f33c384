/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons, and what works on whole predicate masks.
 */
#include "softgpu/interp/alu.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* One bit per lane out of one byte (0 or 0xff) per lane. */
static inline uint32_t cmp_pack(const int8_t *t)
{
#ifdef __SSE2__
	__m128i lo = _mm_load_si128((const __m128i *)t);
	__m128i hi = _mm_load_si128((const __m128i *)(t + 16));

	return (uint32_t)_mm_movemask_epi8(lo) | (uint32_t)_mm_movemask_epi8(hi) << 16;
#else
	uint32_t m = 0;

	for (int i = 0; i < SG_LANES; i++)
		m |= (uint32_t)(t[i] & 1) << i;
	return m;
#endif
}

static inline uint32_t cmp_combine(enum sg_sub sub, uint32_t x, uint32_t y)
{
	switch (sub) {
	case SG_SUB_AND:
		return x & y;
	case SG_SUB_OR:
		return x | y;
	case SG_SUB_XOR:
		return x ^ y;
	default:
		return x;
	}
}

/* p = r op c, q = !r op c; rows of nobody's interest are a scratch row. */
static inline const struct sg_code *cmp_store(struct sg_warp *w, const struct sg_code *k,
					      const int8_t *t)
{
	uint32_t r = cmp_pack(t);
	uint32_t m = sg_writable(w, k);
	uint32_t c = *ALU_ROW(uint32_t, k->c);
	uint32_t *p = ALU_ROW(uint32_t, k->d), *q = ALU_ROW(uint32_t, k->e);
	uint32_t vp = cmp_combine(k->n, r, c), vq = cmp_combine(k->n, ~r, c);

	*p = (*p & ~m) | (vp & m);
	*q = (*q & ~m) | (vq & m);
	return k + 1;
}

#define P2(op, type, variant, A, expr)                                                             \
	ALU_HEAD(op, type, NONE, variant)                                                          \
	{                                                                                          \
		const A *ra = ALU_ROW(A, k->a);                                                    \
		const A *rb = ALU_ROW(A, k->b);                                                    \
		int8_t t[SG_LANES] __attribute__((aligned(64)));                                   \
                                                                                                   \
		sg_want_csr(w, k);                                                                 \
		for (int i = 0; i < SG_LANES; i++) {                                               \
			A a = ra[i], b __attribute__((unused)) = rb[i];                            \
			t[i] = -(int8_t)(expr);                                                    \
		}                                                                                  \
		return cmp_store(w, k, t);                                                         \
	}
#include "softgpu/interp/cmp.def"
#undef P2

#define CMP_MASK_OP(name, expr)                                                                    \
	static const struct sg_code *cmp_##name(struct sg_warp *w, const struct sg_code *k)        \
	{                                                                                          \
		uint32_t a = *ALU_ROW(uint32_t, k->a);                                             \
		uint32_t b __attribute__((unused)) = *ALU_ROW(uint32_t, k->b);                     \
		uint32_t m = sg_writable(w, k), *d = ALU_ROW(uint32_t, k->d);                      \
                                                                                                   \
		*d = (*d & ~m) | ((expr) & m);                                                     \
		return k + 1;                                                                      \
	}
CMP_MASK_OP(and, a & b)
CMP_MASK_OP(or, a | b)
CMP_MASK_OP(xor, a ^ b)
CMP_MASK_OP(not, ~a)
CMP_MASK_OP(mov, a)

#define CMP_SELECT(bits)                                                                           \
	static const struct sg_code *cmp_selp##bits(struct sg_warp *w, const struct sg_code *k)    \
	{                                                                                          \
		const u##bits *ra = ALU_ROW(u##bits, k->a), *rb = ALU_ROW(u##bits, k->b);          \
		uint32_t m = sg_writable(w, k), p = *ALU_ROW(uint32_t, k->c);                      \
		u##bits *d = ALU_ROW(u##bits, k->d);                                               \
                                                                                                   \
		ALU_IVDEP                                                                          \
		for (int i = 0; i < SG_LANES; i++) {                                               \
			u##bits r = p >> i & 1 ? ra[i] : rb[i];                                    \
			d[i] = m >> i & 1 ? r : d[i];                                              \
		}                                                                                  \
		return k + 1;                                                                      \
	}
CMP_SELECT(16)
CMP_SELECT(32)
CMP_SELECT(64)

#define P2(op, type, variant, A, expr)                                                             \
	{ SG_OP_##op, SG_##type, SG_NONE, SG_##variant, true, alu_##op##_##type##_NONE_##variant },
static const struct sg_hrow alu_cmp_rows[] = {
#include "softgpu/interp/cmp.def"
	{ SG_OP_AND, SG_PRED, 0, 0, false, cmp_and },
	{ SG_OP_OR, SG_PRED, 0, 0, false, cmp_or },
	{ SG_OP_XOR, SG_PRED, 0, 0, false, cmp_xor },
	{ SG_OP_NOT, SG_PRED, 0, 0, false, cmp_not },
	{ SG_OP_MOV, SG_PRED, 0, 0, false, cmp_mov },
	{ SG_OP_SELP, SG_U16, 0, 0, false, cmp_selp16 },
	{ SG_OP_SELP, SG_U32, 0, 0, false, cmp_selp32 },
	{ SG_OP_SELP, SG_U64, 0, 0, false, cmp_selp64 },
};

struct sg_htable ALU_NAME(sg_rows_cmp)(void);
struct sg_htable ALU_NAME(sg_rows_cmp)(void)
{
	return (struct sg_htable){ alu_cmp_rows, CW_ARRAY_SIZE(alu_cmp_rows) };
}
