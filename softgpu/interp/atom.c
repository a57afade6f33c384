/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atomic operations (ISA 9.0, 9.7.13.6 and .7), one lane after the other on the
 * memory itself. Always sequentially consistent, which is more than any
 * qualifier asks; on x86 a locked operation is that anyway.
 */
#include "softgpu/interp/handlers.h"
#include "softgpu/interp/lane.h"

#define ROW(T, at) ((T *)(w->rf + (at)))

#define ATOM_HEAD(name)                                                                            \
	static const struct sg_code *atom_##name(struct sg_warp *w, const struct sg_code *c)

/* b, c: source rows; d: destination, a scratch row for red. */
#define ATOM(name, T, expr)                                                                        \
	ATOM_HEAD(name)                                                                            \
	{                                                                                          \
		uint32_t m = sg_active(w, c);                                                      \
		uint8_t *p[SG_LANES];                                                              \
                                                                                                   \
		if (!m)                                                                            \
			return c + 1;                                                              \
		w->spinning = true;                                                                \
		if (!sg_resolve(w, c, m, sizeof(T), true, p))                                      \
			return NULL;                                                               \
		for (; m; m &= m - 1) {                                                            \
			int i = __builtin_ctz(m);                                                  \
			T *at = (T *)p[i];                                                         \
			T b = ROW(T, c->b)[i];                                                     \
                                                                                                   \
			ROW(T, c->d)[i] = expr;                                                    \
		}                                                                                  \
		return c + 1;                                                                      \
	}

/* What has no instruction: compare and swap the bits until it holds. */
#define ATOM_LOOP(name, T, U, expr)                                                                \
	static inline T atom_do_##name(U *at, T b)                                                 \
	{                                                                                          \
		U old = __atomic_load_n(at, __ATOMIC_RELAXED), next;                               \
		T a, r;                                                                            \
                                                                                                   \
		do {                                                                               \
			memcpy(&a, &old, sizeof(a));                                               \
			r = expr;                                                                  \
			memcpy(&next, &r, sizeof(next));                                           \
		} while (!__atomic_compare_exchange_n(at, &old, next, false, __ATOMIC_SEQ_CST,     \
						      __ATOMIC_RELAXED));                          \
		return a;                                                                          \
	}                                                                                          \
	ATOM(name, T, atom_do_##name((U *)at, b))

static inline u16 atom_cas16(u16 *at, u16 old, u16 next)
{
	__atomic_compare_exchange_n(at, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return old;
}

static inline u32 atom_cas32(u32 *at, u32 old, u32 next)
{
	__atomic_compare_exchange_n(at, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return old;
}

static inline u64 atom_cas64(u64 *at, u64 old, u64 next)
{
	__atomic_compare_exchange_n(at, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return old;
}

#define ATOM_INT(bits)                                                                             \
	ATOM(add_u##bits, u##bits, __atomic_fetch_add(at, b, __ATOMIC_SEQ_CST))                    \
	ATOM(and_u##bits, u##bits, __atomic_fetch_and(at, b, __ATOMIC_SEQ_CST))                    \
	ATOM(or_u##bits, u##bits, __atomic_fetch_or(at, b, __ATOMIC_SEQ_CST))                      \
	ATOM(xor_u##bits, u##bits, __atomic_fetch_xor(at, b, __ATOMIC_SEQ_CST))                    \
	ATOM(exch_u##bits, u##bits, __atomic_exchange_n(at, b, __ATOMIC_SEQ_CST))                  \
	ATOM(cas_u##bits, u##bits, atom_cas##bits(at, b, ROW(u##bits, c->c)[i]))                   \
	ATOM_LOOP(min_u##bits, u##bits, u##bits, a < b ? a : b)                                    \
	ATOM_LOOP(max_u##bits, u##bits, u##bits, a > b ? a : b)                                    \
	ATOM_LOOP(min_s##bits, s##bits, u##bits, a < b ? a : b)                                    \
	ATOM_LOOP(max_s##bits, s##bits, u##bits, a > b ? a : b)
ATOM_INT(32)
ATOM_INT(64)
ATOM(cas_u16, u16, atom_cas16(at, b, ROW(u16, c->c)[i]))
ATOM_LOOP(inc_u32, u32, u32, a >= b ? 0 : a + 1)
ATOM_LOOP(dec_u32, u32, u32, a == 0 || a > b ? b : a - 1)
ATOM_LOOP(add_f32, f32, u32, lane_canon(a + b))
ATOM_LOOP(add_f64, f64, u64, a + b)
ATOM_LOOP(add_f16, f16, u16, lane_canon_f16((f16)((f32)a + (f32)b)))
ATOM_LOOP(add_bf16, bf16, u16, lane_f32_bf16(lane_bf16_f32(a) + lane_bf16_f32(b)))
ATOM_LOOP(add_f16x2, f16x2, u32,
	  ((f16x2){ { lane_canon_f16((f16)((f32)a.v[0] + (f32)b.v[0])),
		      lane_canon_f16((f16)((f32)a.v[1] + (f32)b.v[1])) } }))
ATOM_LOOP(add_bf16x2, bf16x2, u32,
	  ((bf16x2){ { lane_f32_bf16(lane_bf16_f32(a.v[0]) + lane_bf16_f32(b.v[0])),
		       lane_f32_bf16(lane_bf16_f32(a.v[1]) + lane_bf16_f32(b.v[1])) } }))

struct atom_row {
	uint8_t sub;
	uint8_t size;
	uint8_t type;		/* SG_NONE: any of that size */
	sg_handler *fn;
};

#define ATOM_ROWS(bits)                                                                            \
	{ SG_SUB_ADD, bits / 8, SG_U##bits, atom_add_u##bits },                                    \
	{ SG_SUB_ADD, bits / 8, SG_S##bits, atom_add_u##bits },                                    \
	{ SG_SUB_AND, bits / 8, SG_NONE, atom_and_u##bits },                                       \
	{ SG_SUB_OR, bits / 8, SG_NONE, atom_or_u##bits },                                         \
	{ SG_SUB_XOR, bits / 8, SG_NONE, atom_xor_u##bits },                                       \
	{ SG_SUB_EXCH, bits / 8, SG_NONE, atom_exch_u##bits },                                     \
	{ SG_SUB_CAS, bits / 8, SG_NONE, atom_cas_u##bits },                                       \
	{ SG_SUB_MIN, bits / 8, SG_U##bits, atom_min_u##bits },                                    \
	{ SG_SUB_MIN, bits / 8, SG_S##bits, atom_min_s##bits },                                    \
	{ SG_SUB_MAX, bits / 8, SG_U##bits, atom_max_u##bits },                                    \
	{ SG_SUB_MAX, bits / 8, SG_S##bits, atom_max_s##bits }
static const struct atom_row atom_rows[] = {
	ATOM_ROWS(32),
	ATOM_ROWS(64),
	{ SG_SUB_CAS, 2, SG_NONE, atom_cas_u16 },
	{ SG_SUB_INC, 4, SG_U32, atom_inc_u32 },
	{ SG_SUB_DEC, 4, SG_U32, atom_dec_u32 },
	{ SG_SUB_ADD, 4, SG_F32, atom_add_f32 },
	{ SG_SUB_ADD, 8, SG_F64, atom_add_f64 },
	{ SG_SUB_ADD, 2, SG_F16, atom_add_f16 },
	{ SG_SUB_ADD, 2, SG_BF16, atom_add_bf16 },
	{ SG_SUB_ADD, 4, SG_F16X2, atom_add_f16x2 },
	{ SG_SUB_ADD, 4, SG_BF16X2, atom_add_bf16x2 },
};

sg_handler *sg_atom_handler(const struct sg_insn *in)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(atom_rows); i++) {
		const struct atom_row *r = &atom_rows[i];

		if (r->sub == in->sub && r->size == sg_type_size(in->type) &&
		    (r->type == SG_NONE || r->type == in->type))
			return r->fn;
	}
	return NULL;
}
