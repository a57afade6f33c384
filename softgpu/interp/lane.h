/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an instruction does to one lane, where C has no operator for it
 * (ISA 9.0, 9.7). Pure functions, total for every input: no trap, no
 * undefined behaviour, because inactive lanes hold anything.
 */
#ifndef SOFTGPU_INTERP_LANE_H
#define SOFTGPU_INTERP_LANE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "softgpu/ir/type.h"

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
typedef float f32;
typedef double f64;
typedef _Float16 f16;
typedef struct {
	u16 bits;
} bf16;
typedef struct {
	f16 v[2];
} f16x2;
typedef struct {
	bf16 v[2];
} bf16x2;

/* Variants of a handler: values of enum sg_sub, or these. */
enum {
	V_NONE = 0,
	V_LO = SG_SUB_LO,
	V_HI = SG_SUB_HI,
	V_WIDE = SG_SUB_WIDE,
	V_F4E = SG_SUB_F4E,
	V_B4E = SG_SUB_B4E,
	V_RC8 = SG_SUB_RC8,
	V_ECL = SG_SUB_ECL,
	V_ECR = SG_SUB_ECR,
	V_RC16 = SG_SUB_RC16,
	V_SAT = 0x100,
	V_FTZ = 0x200,
	V_ANYNAN = 0x400,
	V_SHIFTAMT = 0x800,
	V_APPROX = 0x1000,
	V_L_CLAMP = 0x2000 + SG_SUB_L,
	V_R_CLAMP = 0x2000 + SG_SUB_R,
	V_L_WRAP = 0x4000 + SG_SUB_L,
	V_R_WRAP = 0x4000 + SG_SUB_R,
	V_WRAP = 0x4000,
	V_CLAMP = 0x2000,
	V_HISAT = V_HI + V_SAT,
	V_FTZNAN = V_FTZ + V_ANYNAN,
	V_RINT = 0x8000,	/* cvt: to an integer in the same format */
	V_RZ = 0x8001,		/* cvt to bf16: toward zero */
};

#define LANE static inline __attribute__((always_inline))

#include "softgpu/interp/lane_int.h"
#include "softgpu/interp/lane_float.h"

#endif
