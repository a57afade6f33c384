/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended precision (ISA 9.0, 9.7.2): arithmetic through the condition code
 * register, here one more 32-bit row (e). For sub it holds the borrow.
 */
#include "softgpu/interp/handlers.h"
#include "softgpu/interp/lane.h"

#define ROW(T, at) ((T *)(w->rf + (at)))

/* x + y + carry in; the carry row is written where n says so. */
#define CARRY(name, T, W, setup)                                                                   \
	static const struct sg_code *carry_##name(struct sg_warp *w, const struct sg_code *c)      \
	{                                                                                          \
		uint32_t m = sg_writable(w, c), *cc = ROW(uint32_t, c->e);                         \
                                                                                                   \
		for (; m; m &= m - 1) {                                                            \
			int i = __builtin_ctz(m);                                                  \
			T a = ROW(T, c->a)[i], b = ROW(T, c->b)[i];                                \
			T k __attribute__((unused)) = ROW(T, c->c)[i];                             \
			W sum;                                                                     \
                                                                                                   \
			setup;                                                                     \
			ROW(T, c->d)[i] = (T)sum;                                                  \
			if (c->n)                                                                  \
				cc[i] = sum >> (8 * sizeof(T)) & 1;                                \
		}                                                                                  \
		return c + 1;                                                                      \
	}

typedef unsigned __int128 u128;

#define CARRY_ALL(bits, W)                                                                         \
	CARRY(add_u##bits, u##bits, W, sum = (W)a + b)                                             \
	CARRY(addc_u##bits, u##bits, W, sum = (W)a + b + cc[i])                                    \
	CARRY(sub_u##bits, u##bits, W, sum = (W)a - b)                                             \
	CARRY(subc_u##bits, u##bits, W, sum = (W)a - b - cc[i])                                    \
	CARRY(mad_lo_u##bits, u##bits, W, sum = (W)(u##bits)((W)a * b) + k)                        \
	CARRY(madc_lo_u##bits, u##bits, W, sum = (W)(u##bits)((W)a * b) + k + cc[i])               \
	CARRY(mad_hi_u##bits, u##bits, W, sum = ((W)a * b >> bits) + k)                            \
	CARRY(madc_hi_u##bits, u##bits, W, sum = ((W)a * b >> bits) + k + cc[i])
CARRY_ALL(32, u64)
CARRY_ALL(64, u128)
CARRY(mad_hi_s32, u32, u64, sum = (u64)(u32)((u64)((s64)(s32)a * (s32)b) >> 32) + k)
CARRY(madc_hi_s32, u32, u64, sum = (u64)(u32)((u64)((s64)(s32)a * (s32)b) >> 32) + k + cc[i])
CARRY(mad_hi_s64, u64, u128, sum = (u128)lane_mulhi_s64(a, b) + k)
CARRY(madc_hi_s64, u64, u128, sum = (u128)lane_mulhi_s64(a, b) + k + cc[i])

struct carry_row {
	uint16_t op;
	uint8_t size, sub;
	bool sign;		/* for .hi the sign matters */
	sg_handler *fn;
};

#define CARRY_ROWS(bits)                                                                           \
	{ SG_OP_ADD, bits / 8, SG_SUB_NONE, false, carry_add_u##bits },                            \
	{ SG_OP_ADDC, bits / 8, SG_SUB_NONE, false, carry_addc_u##bits },                          \
	{ SG_OP_SUB, bits / 8, SG_SUB_NONE, false, carry_sub_u##bits },                            \
	{ SG_OP_SUBC, bits / 8, SG_SUB_NONE, false, carry_subc_u##bits },                          \
	{ SG_OP_MAD, bits / 8, SG_SUB_LO, false, carry_mad_lo_u##bits },                           \
	{ SG_OP_MADC, bits / 8, SG_SUB_LO, false, carry_madc_lo_u##bits },                         \
	{ SG_OP_MAD, bits / 8, SG_SUB_HI, false, carry_mad_hi_u##bits },                           \
	{ SG_OP_MADC, bits / 8, SG_SUB_HI, false, carry_madc_hi_u##bits },                         \
	{ SG_OP_MAD, bits / 8, SG_SUB_HI, true, carry_mad_hi_s##bits },                            \
	{ SG_OP_MADC, bits / 8, SG_SUB_HI, true, carry_madc_hi_s##bits }
static const struct carry_row carry_rows[] = { CARRY_ROWS(32), CARRY_ROWS(64) };

sg_handler *sg_carry_handler(const struct sg_insn *in)
{
	bool sign = in->sub == SG_SUB_HI && sg_type_is_signed(in->type);

	for (size_t i = 0; i < CW_ARRAY_SIZE(carry_rows); i++) {
		const struct carry_row *r = &carry_rows[i];

		if (r->op == in->op && r->size == sg_type_size(in->type) && r->sub == in->sub &&
		    r->sign == sign)
			return r->fn;
	}
	return NULL;
}
