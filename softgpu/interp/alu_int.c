/* SPDX-License-Identifier: Apache-2.0 */
/* Integer arithmetic and logic. */
#include "softgpu/interp/alu.h"

#define ALU_PROLOGUE
#define ALU_FP false

#define L1 ALU_L1
#define L2 ALU_L2
#define L3 ALU_L3
#define L4 ALU_L4
#include "softgpu/interp/lane.def"
#undef L1
#undef L2
#undef L3
#undef L4

#define L1(op, type, type2, variant, ...) ALU_ENTRY(op, type, type2, variant)
#define L2 L1
#define L3 L1
#define L4 L1
static const struct sg_hrow alu_int_rows[] = {
#include "softgpu/interp/lane.def"
};

struct sg_htable ALU_NAME(sg_rows_int)(void);
struct sg_htable ALU_NAME(sg_rows_int)(void)
{
	return (struct sg_htable){ alu_int_rows, CW_ARRAY_SIZE(alu_int_rows) };
}
