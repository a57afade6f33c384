/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions. */
#include "softgpu/interp/alu.h"

#define ALU_PROLOGUE sg_want_csr(w, k);
#define ALU_FP true

#define L1 ALU_L1
#define L2 ALU_L2
#define L3 ALU_L3
#define L4 ALU_L4
#include "softgpu/interp/cvt.def"
#undef L1
#undef L2
#undef L3
#undef L4

#define L1(op, type, type2, variant, ...) ALU_ENTRY(op, type, type2, variant)
#define L2 L1
#define L3 L1
#define L4 L1
static const struct sg_hrow alu_cvt_rows[] = {
#include "softgpu/interp/cvt.def"
};

struct sg_htable ALU_NAME(sg_rows_cvt)(void);
struct sg_htable ALU_NAME(sg_rows_cvt)(void)
{
	return (struct sg_htable){ alu_cvt_rows, CW_ARRAY_SIZE(alu_cvt_rows) };
}
