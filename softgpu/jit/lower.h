/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lowering from the inside: state shared by the lower_*.c files.
 *
 * Theory of operation: each register is an alloca, scalar or vector by its
 * shape, and LLVM makes values of them. All start as zero, and no instruction
 * emitted here can yield poison for any input: lanes that are off compute with
 * whatever is in them.
 *
 * An instruction is lowered in one of two ways, the same code for both: with
 * scalars where its result is a scalar (jit_lower.wide false), with vectors of
 * 32 lanes else.
 *
 * NaN: the interpreter's f32 results have one NaN. Arithmetic does not care
 * which NaN it reads, so registers that only arithmetic writes hold any
 * ("lazy") and are made canonical where somebody sees the bits.
 */
#ifndef SOFTGPU_JIT_LOWER_H
#define SOFTGPU_JIT_LOWER_H

#include <llvm-c/Core.h>

#include "cw/util.h"
#include "softgpu/jit/ir.h"

#define JIT_GROUPS 16
/* Accesses further apart than this are not checked together. */
#define JIT_GROUP_MAX 65536

/* Accesses of a block through one register, checked at once: lower_mem.c. */
struct jit_group {
	uint32_t reg, space, op, block;
	uint32_t end, n, slot;
	bool over;
	int64_t lo, hi;
	uint32_t align;
	LLVMValueRef ok, base, delta;
};

struct jit_lower {
	struct jit_func *f;
	LLVMContextRef c;
	LLVMModuleRef m;
	LLVMBuilderRef b;
	LLVMValueRef fn, ctx;
	LLVMTypeRef i1, i8, i16, i32, i64, f16, f32, f64, ptr;
	LLVMBasicBlockRef entry, start, warp_done, ret_fault;
	LLVMValueRef *reg;		/* alloca of each register, NULL: not used */
	LLVMValueRef *lanes;		/* alloca of each block: lanes that wait there */
	LLVMBasicBlockRef *bb, *test;
	LLVMValueRef warp, budget;	/* allocas */
	LLVMValueRef mask;		/* of the current block */
	LLVMValueRef guard;		/* of the current instruction, or NULL */
	LLVMValueRef resume;		/* switch at the entry, or NULL */
	const struct jit_insn *at;
	uint32_t block;
	bool wide;
	uint64_t *need;			/* registers that waiting lanes want */
	struct sg_jit_site *sites;
	uint32_t nsites, sites_cap;
	uint32_t *groups;
	uint32_t ngroups, groups_cap;
	uint32_t nslots, nmasks, nresume;
	uint32_t spill_bytes;
	uint32_t helped;
	struct jit_group group[JIT_GROUPS];
	unsigned md_invariant;
	bool failed;			/* out of memory */
};

/* build.c: types and values. */
LLVMTypeRef jit_vec(LLVMTypeRef t);
/* Type of a register of @t: integers of its size, i1 for predicates. */
LLVMTypeRef jit_reg_type(struct jit_lower *l, enum sg_type t);
LLVMTypeRef jit_int(struct jit_lower *l, uint32_t bytes);
/* A vector of it where the current instruction is wide. */
LLVMTypeRef jit_ty(struct jit_lower *l, LLVMTypeRef t);
LLVMValueRef jit_const(LLVMTypeRef t, uint64_t v);	/* scalar or splat */
LLVMValueRef jit_constf(LLVMTypeRef t, double v);
LLVMValueRef jit_splat(struct jit_lower *l, LLVMValueRef v);
LLVMValueRef jit_pattern_vec(struct jit_lower *l, LLVMTypeRef t, uint16_t pattern);
LLVMValueRef jit_call(struct jit_lower *l, const char *intrinsic, LLVMTypeRef overload,
		      LLVMValueRef *args, unsigned n);
LLVMValueRef jit_ctx_ptr(struct jit_lower *l, size_t offset);
/* A field that does not change while the code runs. */
LLVMValueRef jit_ctx_get(struct jit_lower *l, LLVMTypeRef t, size_t offset);
void jit_ctx_set(struct jit_lower *l, size_t offset, LLVMValueRef v);
LLVMValueRef jit_at(struct jit_lower *l, LLVMValueRef ptr, LLVMValueRef bytes);
LLVMValueRef jit_alloca(struct jit_lower *l, LLVMTypeRef t, const char *name);
LLVMBasicBlockRef jit_block_new(struct jit_lower *l, const char *name);
LLVMValueRef jit_bits(struct jit_lower *l, LLVMValueRef mask);	/* <32 x i1> to i32 */
LLVMValueRef jit_from_bits(struct jit_lower *l, LLVMValueRef bits);
LLVMValueRef jit_any(struct jit_lower *l, LLVMValueRef mask);
/* Go on in a new block where @cond holds; else at @otherwise. */
void jit_require(struct jit_lower *l, LLVMValueRef cond, LLVMBasicBlockRef otherwise);
LLVMValueRef jit_warp(struct jit_lower *l);
LLVMValueRef jit_row_ptr(struct jit_lower *l, uint32_t offset);

/* value.c: registers and operands. */
bool jit_value_init(struct jit_lower *l);
/* Bits of a source as wide as the instruction, canonical; @size bytes of a constant. */
LLVMValueRef jit_src(struct jit_lower *l, const struct sg_opnd *o, uint32_t size);
/* The same for arithmetic: any NaN. */
LLVMValueRef jit_src_any(struct jit_lower *l, const struct sg_opnd *o, uint32_t size);
LLVMValueRef jit_src_vec(struct jit_lower *l, const struct sg_opnd *o, uint32_t size);
LLVMValueRef jit_src_scalar(struct jit_lower *l, const struct sg_opnd *o, uint32_t size);
/* Predicate source with its complement, i1 or vector; absent: true. */
LLVMValueRef jit_src_pred(struct jit_lower *l, const struct sg_opnd *o);
LLVMValueRef jit_reg_vec(struct jit_lower *l, uint32_t reg);
LLVMValueRef jit_canon(struct jit_lower *l, LLVMValueRef bits);
/* Write a destination for the lanes that are on. */
void jit_def(struct jit_lower *l, const struct sg_opnd *o, LLVMValueRef v);
/* An f32 result whose NaN is not canonical. */
void jit_def_any(struct jit_lower *l, const struct sg_opnd *o, LLVMValueRef v);
/* Lanes that run the current instruction. */
LLVMValueRef jit_active(struct jit_lower *l);
uint16_t jit_opnd_shape(const struct jit_lower *l, const struct sg_opnd *o);
bool jit_dest_wide(const struct jit_lower *l, const struct sg_insn *in);

/* help.c: the ways out. */
uint32_t jit_site_new(struct jit_lower *l);
void jit_help(struct jit_lower *l);
/* Leave the warp to the interpreter, before the current instruction or block. */
LLVMBasicBlockRef jit_deopt_block(struct jit_lower *l, bool at_block);
void jit_return(struct jit_lower *l, enum sg_jit_why why);

/* Each lowers a family; false: no such form, leave it to the handlers. */
bool jit_lower_alu(struct jit_lower *l, const struct sg_insn *in);
bool jit_lower_bits(struct jit_lower *l, const struct sg_insn *in);
bool jit_lower_float(struct jit_lower *l, const struct sg_insn *in);
bool jit_lower_cvt_int(struct jit_lower *l, const struct sg_insn *in);
bool jit_lower_cvt(struct jit_lower *l, const struct sg_insn *in);
bool jit_lower_pred(struct jit_lower *l, const struct sg_insn *in);
bool jit_lower_move(struct jit_lower *l, const struct sg_insn *in);
bool jit_lower_mem(struct jit_lower *l, const struct sg_insn *in);
bool jit_lower_warp(struct jit_lower *l, const struct sg_insn *in);

/* flow.c */
void jit_flow_begin(struct jit_lower *l);
void jit_flow_end(struct jit_lower *l);

/* lazy.c */
bool jit_lazy_nans(struct jit_func *f);
/* f32 arithmetic that flow of NaNs is understood for. */
bool jit_is_f32_arith(const struct jit_func *f, const struct sg_insn *in);
/* The kernel's flushing mode; which instructions it suits. */
void jit_choose_ftz(struct jit_func *f);
bool jit_fp_mode_fits(const struct jit_func *f, const struct sg_insn *in);

/* emit.c: verify, optimise, generate. NULL with a reason. */
LLVMMemoryBufferRef jit_emit(struct jit_lower *l);

#endif
