/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The op table as data: families, their operand shapes and what they take.
 */
#ifndef SOFTGPU_IR_OP_H
#define SOFTGPU_IR_OP_H

#include <stddef.h>
#include <stdint.h>

#include "softgpu/ir/type.h"

enum sg_op {
	SG_OP_INVALID,
#define SG_OP(id, word, operands, types, mods) SG_OP_##id,
#include "softgpu/ir/ops.def"
#undef SG_OP
	/* Made by the front end, never in a text. */
	SG_OP_LOCALADDR,	/* d = frame + immediate */
	SG_OP_PACK,		/* d = {a, b, ...} */
	SG_OP_UNPACK,		/* {d, e, ...} = a */
	SG_OP_SREG,		/* d = special register */
	SG_OP_END,		/* falling off the end: ret */
	SG_OP_COUNT
};

/* Groups of modifier words a family takes: last column of ops.def. */
#define M_ROUND (1u << 0)
#define M_FTZ (1u << 1)
#define M_SAT (1u << 2)
#define M_CC (1u << 3)
#define M_MULMODE (1u << 4)
#define M_APPROX (1u << 5)
#define M_NANMOD (1u << 6)
#define M_SHIFTAMT (1u << 7)
#define M_WRAPMODE (1u << 8)
#define M_RELU (1u << 9)
#define M_TESTP (1u << 10)
#define M_CMP (1u << 11)
#define M_COMBINE (1u << 12)
#define M_SHFDIR (1u << 13)
#define M_PRMT (1u << 14)
#define M_SHFL (1u << 15)
#define M_VOTE (1u << 16)
#define M_SYNC (1u << 17)
#define M_BAR (1u << 18)
#define M_SCOPE (1u << 19)
#define M_SEM (1u << 20)
#define M_UNI (1u << 21)
#define M_IDX (1u << 22)
#define M_SPACE (1u << 23)
#define M_VEC (1u << 24)
#define M_CACHE (1u << 25)
#define M_TO (1u << 26)
#define M_NOFTZ (1u << 27)

struct sg_op_info {
	const char *word;
	const char *operands;
	uint32_t types;		/* SG_T() set; bit SG_NONE: may have none */
	uint32_t mods;		/* M_* */
};

extern const struct sg_op_info sg_op_info[SG_OP_COUNT];

/* SG_OP_INVALID where the word is no family. */
enum sg_op sg_op_by_word(const char *word, size_t len);

#endif
