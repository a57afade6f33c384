/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handler for an operation, a type and a variant, from the tables compiled
 * for the best instruction set this CPU has.
 */
#include "softgpu/interp/decode.h"

#define SELECT_DECLARE(isa)                                                                        \
	struct sg_htable sg_rows_int_##isa(void);                                                  \
	struct sg_htable sg_rows_fp_##isa(void);                                                   \
	struct sg_htable sg_rows_cvt_##isa(void);                                                  \
	struct sg_htable sg_rows_cmp_##isa(void);
#define SELECT_TABLES(isa)                                                                         \
	{                                                                                          \
		sg_rows_int_##isa(), sg_rows_fp_##isa(), sg_rows_cvt_##isa(), sg_rows_cmp_##isa()  \
	}

SELECT_DECLARE(base)
#if defined(__x86_64__)
SELECT_DECLARE(avx2)
SELECT_DECLARE(avx512)
#endif

static const struct sg_hrow *select_in(const struct sg_htable *t, const struct sg_hrow *key)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct sg_hrow *r = &t->rows[i];

		if (r->op == key->op && r->type == key->type && r->type2 == key->type2 &&
		    r->variant == key->variant)
			return r;
	}
	return NULL;
}

static const struct sg_hrow *select_tables(const struct sg_htable t[4], const struct sg_hrow *key)
{
	for (int i = 0; i < 4; i++) {
		const struct sg_hrow *r = select_in(&t[i], key);

		if (r)
			return r;
	}
	return NULL;
}

static const struct sg_hrow *select_exact(const struct sg_hrow *key)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
		return select_tables((const struct sg_htable[4])SELECT_TABLES(avx512), key);
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return select_tables((const struct sg_htable[4])SELECT_TABLES(avx2), key);
#endif
	return select_tables((const struct sg_htable[4])SELECT_TABLES(base), key);
}

static enum sg_type select_unsigned(enum sg_type t)
{
	switch (sg_type_size(t)) {
	case 1:
		return SG_U8;
	case 2:
		return SG_U16;
	case 4:
		return SG_U32;
	case 8:
		return SG_U64;
	default:
		return t;
	}
}

/**
 * sg_select() - Find a handler
 * @op:		operation
 * @type:	main type; where there is no row of its own, the unsigned one of
 *		its width serves, for floating point only where bits are moved
 * @type2:	second type, SG_NONE where the operation has none
 * @variant:	V_*, or a comparison or sub-operation
 *
 * Return: its row, NULL where there is none.
 */
const struct sg_hrow *sg_select(enum sg_op op, enum sg_type type, enum sg_type type2,
				uint32_t variant)
{
	struct sg_hrow key = { .op = op, .type = type, .type2 = type2, .variant = variant };
	const struct sg_hrow *r = select_exact(&key);
	bool moves = op == SG_OP_MOV || op == SG_OP_SELP || op == SG_OP_SLCT;

	if (r || type == SG_PRED || (sg_type_is_float(type) && !moves))
		return r;
	key.type = select_unsigned(type);
	return select_exact(&key);
}
