/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a lane's expression to a handler. Files that include this are compiled
 * once per instruction set (SG_ISA); the tables they export carry its name.
 *
 * A handler has two loops: one for a full mask, which vectorises, one that
 * keeps lanes that are off. Rows of one width may be the same row (d = d + a)
 * but never overlap otherwise, hence ivdep.
 */
#ifndef SOFTGPU_INTERP_ALU_H
#define SOFTGPU_INTERP_ALU_H

#include "softgpu/interp/handlers.h"
#include "softgpu/interp/lane.h"

#define ALU_CAT2(a, b) a##_##b
#define ALU_CAT(a, b) ALU_CAT2(a, b)
#define ALU_NAME(stem) ALU_CAT(stem, SG_ISA)

#ifdef __clang__
#define ALU_IVDEP _Pragma("clang loop vectorize(enable)")
#else
#define ALU_IVDEP _Pragma("GCC ivdep")
#endif

#define ALU_ROW(T, offset) ((T *)(w->rf + (offset)))

#define ALU_BODY(D, load, expr)                                                                    \
	D *d = ALU_ROW(D, k->d);                                                                   \
	uint32_t m = sg_writable(w, k);                                                            \
                                                                                                   \
	ALU_PROLOGUE                                                                               \
	if (m == SG_ALL) {                                                                         \
		ALU_IVDEP                                                                          \
		for (int i = 0; i < SG_LANES; i++) {                                               \
			load d[i] = expr;                                                          \
		}                                                                                  \
	} else {                                                                                   \
		ALU_IVDEP                                                                          \
		for (int i = 0; i < SG_LANES; i++) {                                               \
			load D r = expr;                                                           \
			d[i] = m >> i & 1 ? r : d[i];                                              \
		}                                                                                  \
	}                                                                                          \
	return k + 1

#define ALU_HEAD(op, type, type2, variant)                                                         \
	static const struct sg_code *alu_##op##_##type##_##type2##_##variant(                      \
		struct sg_warp *w, const struct sg_code *k)

#define ALU_L1(op, type, type2, variant, D, A, expr)                                               \
	ALU_HEAD(op, type, type2, variant)                                                         \
	{                                                                                          \
		const A *ra = ALU_ROW(A, k->a);                                                    \
		ALU_BODY(D, A a = ra[i];, expr);                                                   \
	}
#define ALU_L2(op, type, type2, variant, D, A, B, expr)                                            \
	ALU_HEAD(op, type, type2, variant)                                                         \
	{                                                                                          \
		const A *ra = ALU_ROW(A, k->a);                                                    \
		const B *rb = ALU_ROW(B, k->b);                                                    \
		ALU_BODY(D, A a = ra[i]; B b = rb[i];, expr);                                      \
	}
#define ALU_L3(op, type, type2, variant, D, A, B, C, expr)                                         \
	ALU_HEAD(op, type, type2, variant)                                                         \
	{                                                                                          \
		const A *ra = ALU_ROW(A, k->a);                                                    \
		const B *rb = ALU_ROW(B, k->b);                                                    \
		const C *rc = ALU_ROW(C, k->c);                                                    \
		ALU_BODY(D, A a = ra[i]; B b = rb[i]; C c = rc[i];, expr);                         \
	}
#define ALU_L4(op, type, type2, variant, D, A, B, C, E, expr)                                      \
	ALU_HEAD(op, type, type2, variant)                                                         \
	{                                                                                          \
		const A *ra = ALU_ROW(A, k->a);                                                    \
		const B *rb = ALU_ROW(B, k->b);                                                    \
		const C *rc = ALU_ROW(C, k->c);                                                    \
		const E *re = ALU_ROW(E, k->e);                                                    \
		ALU_BODY(D, A a = ra[i]; B b = rb[i]; C c = rc[i]; E e = re[i];, expr);            \
	}

#define ALU_ENTRY(op, type, type2, variant)                                                        \
	{ SG_OP_##op, SG_##type, SG_##type2, V_##variant, ALU_FP,                                  \
	  alu_##op##_##type##_##type2##_##variant },

#endif
