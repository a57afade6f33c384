/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers that are chosen by name, not from a table of rows.
 */
#ifndef SOFTGPU_INTERP_HANDLERS_H
#define SOFTGPU_INTERP_HANDLERS_H

#include "softgpu/interp/exec.h"

/* Handlers by operation, type and variant. */
struct sg_hrow {
	uint16_t op;
	uint8_t type, type2;
	uint16_t variant;
	bool fp;		/* wants c->csr */
	sg_handler *fn;
};

struct sg_htable {
	const struct sg_hrow *rows;
	size_t n;
};

/* ctl.c */
sg_handler sg_h_bra, sg_h_brx, sg_h_exit, sg_h_trap, sg_h_call, sg_h_call_indirect;
sg_handler sg_h_call_done, sg_h_ret, sg_h_nop, sg_h_nanosleep, sg_h_fence, sg_h_sreg;
/* Special registers that are read anew each time. */
uint64_t sg_clock_sreg(enum sg_sreg r);
sg_handler sg_h_localaddr, sg_h_pack, sg_h_unpack;
/* barrier.c */
sg_handler sg_h_bar;
/* warp.c */
sg_handler sg_h_shfl, sg_h_vote, sg_h_match, sg_h_activemask, sg_h_redux, sg_h_elect;
sg_handler sg_h_bar_warp;
/* builtin.c */
sg_handler sg_h_vprintf, sg_h_assertfail, sg_h_malloc, sg_h_free;
/* mem.c */
sg_handler *sg_mem_handler(const struct sg_insn *in, uint32_t reg_size);
sg_handler sg_h_cvta, sg_h_isspacep;
/* atom.c; NULL where there is none */
sg_handler *sg_atom_handler(const struct sg_insn *in);
/* carry.c */
sg_handler *sg_carry_handler(const struct sg_insn *in);

#endif
