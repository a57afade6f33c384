/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types, modifiers and state spaces of the typed IR.
 */
#ifndef SOFTGPU_IR_TYPE_H
#define SOFTGPU_IR_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sg_type {
	SG_NONE,
#define SG_TYPE(id, word, size, class) SG_##id,
#include "softgpu/ir/types.def"
#undef SG_TYPE
	SG_TYPE_COUNT
};

enum sg_class {
	SG_CLASS_NONE,
	SG_CLASS_PRED,
	SG_CLASS_BITS,
	SG_CLASS_UINT,
	SG_CLASS_SINT,
	SG_CLASS_FLOAT,
};

struct sg_type_info {
	const char *word;
	uint8_t size;		/* bytes */
	uint8_t class;
};

extern const struct sg_type_info sg_type_info[SG_TYPE_COUNT];

static inline uint32_t sg_type_size(enum sg_type t)
{
	return sg_type_info[t].size;
}

static inline bool sg_type_is_float(enum sg_type t)
{
	return sg_type_info[t].class == SG_CLASS_FLOAT;
}

static inline bool sg_type_is_signed(enum sg_type t)
{
	return sg_type_info[t].class == SG_CLASS_SINT;
}

/* Sets of types, one bit each. */
#define SG_T(id) (1u << SG_##id)

/* SG_NONE where the word names no type. */
enum sg_type sg_type_by_word(const char *word, size_t len);
/* The type of twice the width, for .wide; SG_NONE where there is none. */
enum sg_type sg_type_widen(enum sg_type t);

/* Rounding of results; the *I ones round to an integer in the same format. */
enum sg_round {
	SG_ROUND_NONE,
	SG_ROUND_RN,
	SG_ROUND_RZ,
	SG_ROUND_RM,
	SG_ROUND_RP,
	SG_ROUND_RNA,
	SG_ROUND_RNI,
	SG_ROUND_RZI,
	SG_ROUND_RMI,
	SG_ROUND_RPI,
};

/* Comparisons of set and setp (ISA 9.0, 9.3.3). U forms are true on NaN. */
enum sg_cmp {
	SG_CMP_NONE,
	SG_CMP_EQ,
	SG_CMP_NE,
	SG_CMP_LT,
	SG_CMP_LE,
	SG_CMP_GT,
	SG_CMP_GE,
	SG_CMP_LO,
	SG_CMP_LS,
	SG_CMP_HI,
	SG_CMP_HS,
	SG_CMP_EQU,
	SG_CMP_NEU,
	SG_CMP_LTU,
	SG_CMP_LEU,
	SG_CMP_GTU,
	SG_CMP_GEU,
	SG_CMP_NUM,
	SG_CMP_NAN,
};

/* State spaces. */
enum sg_space {
	SG_SPACE_GENERIC,
	SG_SPACE_GLOBAL,
	SG_SPACE_SHARED,
	SG_SPACE_LOCAL,
	SG_SPACE_CONST,
	SG_SPACE_PARAM,
	SG_SPACE_REG,
};

/* Memory ordering of ld, st, atom, red, fence. */
enum sg_sem {
	SG_SEM_WEAK,
	SG_SEM_VOLATILE,
	SG_SEM_RELAXED,
	SG_SEM_ACQUIRE,
	SG_SEM_RELEASE,
	SG_SEM_ACQ_REL,
	SG_SEM_SC,
};

/* Second word of a family: which operation, direction or mode. */
enum sg_sub {
	SG_SUB_NONE,
	/* combine: setp, set, atom, red, redux, bar.red */
	SG_SUB_AND,
	SG_SUB_OR,
	SG_SUB_XOR,
	SG_SUB_ADD,
	SG_SUB_MIN,
	SG_SUB_MAX,
	SG_SUB_INC,
	SG_SUB_DEC,
	SG_SUB_CAS,
	SG_SUB_EXCH,
	SG_SUB_POPC,
	/* mul, mad, mul24, mad24 */
	SG_SUB_LO,
	SG_SUB_HI,
	SG_SUB_WIDE,
	/* shfl */
	SG_SUB_UP,
	SG_SUB_DOWN,
	SG_SUB_BFLY,
	SG_SUB_IDX,
	/* vote, match */
	SG_SUB_ANY,
	SG_SUB_ALL,
	SG_SUB_UNI,
	SG_SUB_BALLOT,
	/* bar, barrier */
	SG_SUB_SYNC,
	SG_SUB_ARRIVE,
	SG_SUB_RED,
	/* shf */
	SG_SUB_L,
	SG_SUB_R,
	/* prmt */
	SG_SUB_F4E,
	SG_SUB_B4E,
	SG_SUB_RC8,
	SG_SUB_ECL,
	SG_SUB_ECR,
	SG_SUB_RC16,
	/* testp */
	SG_SUB_FINITE,
	SG_SUB_INFINITE,
	SG_SUB_NUMBER,
	SG_SUB_NOTANUMBER,
	SG_SUB_NORMAL,
	SG_SUB_SUBNORMAL,
};

/* Modifiers that are on or off. */
#define SG_F_FTZ (1u << 0)
#define SG_F_SAT (1u << 1)
#define SG_F_APPROX (1u << 2)
#define SG_F_FULL (1u << 3)
#define SG_F_CC (1u << 4)	/* writes the carry flag */
#define SG_F_NAN (1u << 5)
#define SG_F_XORSIGN_ABS (1u << 6)
#define SG_F_TO (1u << 7)	/* cvta.to */
#define SG_F_WRAP (1u << 8)
#define SG_F_CLAMP (1u << 9)
#define SG_F_SHIFTAMT (1u << 10)
#define SG_F_RELU (1u << 11)
#define SG_F_UNI (1u << 12)
#define SG_F_SYNC (1u << 13)
#define SG_F_NOFTZ (1u << 14)
#define SG_F_ABS (1u << 15)
#define SG_F_SATFINITE (1u << 16)
#define SG_F_WARP (1u << 17)	/* bar.warp */

#endif
