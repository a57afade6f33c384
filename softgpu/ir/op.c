/* SPDX-License-Identifier: Apache-2.0 */
#include "softgpu/ir/op.h"

#include <string.h>

/* Type sets of ops.def. */
#define T_NONE SG_T(NONE)
#define T_PRED SG_T(PRED)
#define T_B16 SG_T(B16)
#define T_B32 SG_T(B32)
#define T_B64 SG_T(B64)
#define T_I16 (SG_T(U16) | SG_T(S16))
#define T_I32 (SG_T(U32) | SG_T(S32))
#define T_I64 (SG_T(U64) | SG_T(S64))
#define T_F32 SG_T(F32)
#define T_F64 SG_T(F64)
#define T_FLT (SG_T(F16) | SG_T(BF16) | T_F32 | T_F64)
#define T_X2 (SG_T(F16X2) | SG_T(BF16X2))
#define T_IX2 (SG_T(U16X2) | SG_T(S16X2))
#define T_ANYV (T_B16 | T_B32 | T_B64 | T_I16 | T_I32 | T_I64 | T_FLT | T_X2)
#define T_ANY (~SG_T(NONE))

const struct sg_op_info sg_op_info[SG_OP_COUNT] = {
#define SG_OP(id, word, operands, types, mods)                                                     \
	[SG_OP_##id] = { word, operands, types, mods },
#include "softgpu/ir/ops.def"
#undef SG_OP
};

enum sg_op sg_op_by_word(const char *word, size_t len)
{
	for (int op = 1; op < SG_OP_COUNT; op++) {
		const char *w = sg_op_info[op].word;

		if (w && w[0] == word[0] && strlen(w) == len && !memcmp(w, word, len))
			return op;
	}
	return SG_OP_INVALID;
}
