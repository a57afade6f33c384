/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding a program: state shared by decode.c (what each instruction becomes)
 * and rows.c (where registers, constants and special registers live).
 *
 * Register file of a warp, in order: the row that is always true, scratch rows,
 * then registers of all functions, special registers and constants as they are
 * met. Offset 0 is the true row, so 0 can stand for "no row" elsewhere.
 */
#ifndef SOFTGPU_INTERP_DECODE_H
#define SOFTGPU_INTERP_DECODE_H

#include "softgpu/interp/handlers.h"

enum {
	SG_ROW_TRUE = 0,
	SG_ROW_PRED_SINK = 4,		/* result nobody wants */
	SG_ROW_PRED_TEMP = 8,		/* three for complemented sources, one for set */
	SG_ROW_SINK = 64,		/* likewise, of up to 16 bytes a lane */
	SG_ROW_TEMP = SG_ROW_SINK + 512,
	SG_ROW_TEMP2 = SG_ROW_TEMP + 256,
	SG_ROW_FIRST = SG_ROW_TEMP2 + 256,
};

struct sg_decode {
	struct sg_prog *prog;
	struct sg_exec *x;
	char *log;
	size_t log_size;
	bool failed;
	uint32_t func;			/* being decoded */
	uint32_t **reg_row;		/* [function][register], 0: not used */
	uint32_t *insn_at;		/* code index of each instruction of the function */
	uint32_t code_cap;
	uint32_t pred_temps;		/* in use by the current instruction */
	const struct sg_insn *in;
};

/* rows.c */
bool sg_rows_assign(struct sg_decode *dc);
uint32_t sg_row_const(struct sg_decode *dc, uint64_t value, uint32_t size);
uint32_t sg_row_sreg(struct sg_decode *dc, enum sg_sreg r);
/* Row of a source or destination; constants are made in @size bytes. */
uint32_t sg_row_operand(struct sg_decode *dc, const struct sg_opnd *o, uint32_t size);
uint32_t sg_row_dest(struct sg_decode *dc, const struct sg_opnd *o);
bool sg_row_save_lists(struct sg_decode *dc);

/* decode.c: one more sg_code for the current instruction; NULL after failing. */
struct sg_code *sg_decode_emit(struct sg_decode *dc, sg_handler *fn);
/* Likewise by a table row, which may be NULL: unsupported then. */
struct sg_code *sg_decode_row(struct sg_decode *dc, const struct sg_hrow *row);
/* Report the current instruction; always false. */
bool sg_decode_unsupported(struct sg_decode *dc);
/* Row of a predicate source (complemented first where asked) or destination. */
uint32_t sg_decode_pred(struct sg_decode *dc, const struct sg_opnd *o);
uint32_t sg_decode_pred_dest(struct sg_decode *dc, const struct sg_opnd *o);
/* Bytes of an operand's register; @otherwise where it is none. */
uint32_t sg_decode_reg_size(struct sg_decode *dc, const struct sg_opnd *o, uint32_t otherwise);

/* decode_mem.c, decode_ctl.c: families; false after failing. */
bool sg_decode_ld_st(struct sg_decode *dc);
bool sg_decode_atom(struct sg_decode *dc);
bool sg_decode_cvta(struct sg_decode *dc);
bool sg_decode_isspacep(struct sg_decode *dc);
bool sg_decode_pack(struct sg_decode *dc);
bool sg_decode_sreg(struct sg_decode *dc);
bool sg_decode_localaddr(struct sg_decode *dc);
bool sg_decode_bar(struct sg_decode *dc);
bool sg_decode_warp(struct sg_decode *dc);
bool sg_decode_branch(struct sg_decode *dc);
bool sg_decode_call(struct sg_decode *dc);

/* select.c */
const struct sg_hrow *sg_select(enum sg_op op, enum sg_type type, enum sg_type type2,
				uint32_t variant);

#endif
