/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel as the compiler works on it: one flat function, blocks in the order
 * in which lanes are to run, and what the analyses found.
 *
 * Theory of operation: blocks are ordered so that a loop is one run of blocks,
 * header first, and a join comes behind what it joins (order.c). Code is made
 * for one rule: of all blocks where lanes wait, the lowest runs next. Lanes
 * that wait are kept in one mask per block. The rule is right for every flow
 * graph; the order decides how well lanes come together again. A loop with
 * several back edges gets a latch, an empty block at its end, where they meet.
 *
 * Values have shapes (shape.c): a register is one scalar plus a constant per
 * lane where that can be proved, else a vector.
 */
#ifndef SOFTGPU_JIT_IR_H
#define SOFTGPU_JIT_IR_H

#include "softgpu/ir/ir.h"
#include "softgpu/jit/compile.h"

#define SG_JIT_LANES 32
#define JIT_NONE UINT32_MAX

/* Bounds on hostile or machine-made kernels. */
#define JIT_MAX_INSNS 20000u
#define JIT_MAX_BLOCKS 3000u
#define JIT_MAX_REGS 32768u

/**
 * struct jit_insn - One instruction
 * @in:		with registers of the flat function; NULL target fields
 * @func, @index: where it came from
 * @chain:	calls it was inlined through, index into jit_func.chains
 */
struct jit_insn {
	struct sg_insn in;
	uint32_t func, index;
	uint32_t chain;
};

/**
 * struct jit_block - Instructions [first, end)
 * @succ:	0: nothing but exits. A conditional branch: taken, fall-through
 * @header:	of the innermost loop it is in, or JIT_NONE
 * @loop_end:	a header: one past the last block of its loop
 * @latch:	an empty block at the end of the loop @header
 */
struct jit_block {
	uint32_t first, end;
	uint32_t *succ;
	uint32_t nsucc;
	uint32_t header;
	uint32_t loop_end;
	uint32_t ipdom;		/* nblocks: the exit */
	bool latch;
	bool reached;
};

/* Shapes: index into jit_func.patterns, or one of these. */
#define JIT_TOP UINT16_MAX
#define JIT_VARYING (UINT16_MAX - 1)
#define JIT_UNIFORM 0
#define JIT_MAX_PATTERNS 512

struct jit_pattern {
	int64_t k[SG_JIT_LANES];
};

struct jit_func {
	struct sg_jit_request *rq;
	struct jit_insn *insns;
	uint32_t ninsns, insns_cap;
	uint8_t *regs;
	uint32_t nregs;
	struct jit_block *blocks;
	uint32_t nblocks;
	uint32_t *succs;		/* storage of all succ arrays */
	bool irreducible;
	uint32_t reg_words, block_words;
	uint64_t *live_in;		/* [block][reg_words] */
	uint64_t *pend;			/* [block][block_words] */
	uint16_t *shape;		/* per register */
	uint8_t *align;			/* per register: log2 of what its scalar is a multiple of */
	bool *lazy;			/* per register: NaNs need not be canonical */
	struct jit_pattern *patterns;
	uint32_t npatterns;
	bool ftz;			/* the kernel runs with flushing on */
};

static inline bool jit_bit(const uint64_t *set, uint32_t i)
{
	return set[i / 64] >> (i % 64) & 1;
}

static inline void jit_set_bit(uint64_t *set, uint32_t i)
{
	set[i / 64] |= 1ull << (i % 64);
}

static inline bool jit_varying(const struct jit_func *f, uint32_t reg)
{
	return f->shape[reg] == JIT_VARYING;
}

static inline const struct sg_insn *jit_last(const struct jit_func *f, const struct jit_block *b)
{
	return b->end > b->first ? &f->insns[b->end - 1].in : NULL;
}

/* Always false, with a reason in the request. */
bool jit_refuse(struct jit_func *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* flatten.c, order.c, live.c, pend.c, shape.c: in this order; false: refused. */
bool jit_flatten(struct jit_func *f);
bool jit_order(struct jit_func *f);
bool jit_live(struct jit_func *f);
bool jit_shapes(struct jit_func *f);
bool jit_pending(struct jit_func *f);

/* Calls back for each register an instruction reads or writes. */
typedef void jit_reg_fn(void *arg, uint32_t reg);
void jit_uses(const struct sg_insn *in, jit_reg_fn *fn, void *arg);
void jit_defs(const struct sg_insn *in, jit_reg_fn *fn, void *arg);
bool jit_is_branch(const struct sg_insn *in);
bool jit_is_exit(const struct sg_insn *in);
/* The branch or exit goes different ways in different lanes. */
bool jit_diverges(const struct jit_func *f, const struct jit_block *b);

/* post.c */
bool jit_post_dominators(struct jit_func *f);

void jit_func_free(struct jit_func *f);

/* lower.c: to LLVM and on to an image. */
int jit_lower(struct jit_func *f, struct sg_jit_image **ret_image);

#endif
