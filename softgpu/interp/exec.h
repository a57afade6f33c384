/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter from the inside.
 *
 * Theory of operation: a program is decoded once into an array of sg_code, one
 * handler and its operands as byte offsets into the register file of a warp.
 * A register is a row of 32 lanes (a predicate: one 32-bit mask); constants
 * and special registers are rows too, so a handler never asks what kind its
 * operand is. A handler runs one instruction for all lanes under the mask and
 * returns the next one; NULL leaves the loop, sg_warp.why says for what.
 *
 * Divergence: lanes at one place of the code are a group. The current group is
 * in the sg_warp itself, others wait in sg_warp.groups. At the start of each
 * basic block (handler sg_h_block) groups at the same place merge, and the one
 * with the deepest call and then the lowest address goes on, which brings
 * lanes together again at joins because compilers lay out joins behind what
 * they join. A group that holds the others up for long (a spin lock whose
 * holder waits) is made to give way: group.c.
 */
#ifndef SOFTGPU_INTERP_EXEC_H
#define SOFTGPU_INTERP_EXEC_H

#include <string.h>

#include "cw/util.h"

#include "softgpu/interp/interp.h"
#include "softgpu/ir/ir.h"

#define SG_LANES 32
#define SG_ALL UINT32_MAX
#define SG_MAX_WARPS 32
#define SG_BARRIERS 16

struct sg_warp;
struct sg_code;

typedef const struct sg_code *sg_handler(struct sg_warp *w, const struct sg_code *c);

/**
 * struct sg_code - One decoded instruction
 * @fn:		its handler
 * @guard:	row of a predicate, always valid; lanes run where it ^ @gxor
 * @d..e:	rows of operands: destination first, then sources
 * @n:		what else the handler wants: space, sub-operation, length
 * @csr:	MXCSR the instruction wants (floating point only)
 * @imm:	address offset, immediate
 * @target:	branch target; @base: handler below a wrapping one
 * @insn:	for messages, and for all a rare handler wants to know
 */
struct sg_code {
	sg_handler *fn;
	uint32_t guard, gxor;
	uint32_t d, a, b, c, e;
	uint32_t n;
	uint32_t csr;
	union {
		int64_t imm;
		const struct sg_code *target;
		sg_handler *base;
	};
	const struct sg_insn *insn;
};

/* What a recursive call saves of a function: one row per register. */
struct sg_row {
	uint32_t at;
	uint32_t size;		/* bytes per lane; 0: predicate */
};

struct sg_func_exec {
	const struct sg_func *f;
	const struct sg_code *start;
	uint32_t frame_row;
	const struct sg_row *rows;
	uint32_t nrows;
	uint32_t save_bytes;	/* per lane */
};

struct sg_const {
	uint64_t value;
	uint32_t at;
	uint32_t size;
};

/* What the interpreter makes of a sg_prog; hangs on sg_prog.exec. */
struct sg_exec {
	const struct sg_prog *prog;
	uint64_t id;		/* unique: tells a worker that its constants are there */
	struct sg_code *code;
	uint32_t ncode;
	struct sg_func_exec *funcs;
	struct sg_const *consts;
	uint32_t nconsts, consts_cap;
	uint32_t rf_bytes;
	uint32_t sreg_row[SG_SREG_COUNT];	/* 0: not used */
	uint32_t const_end;
	uint32_t max_depth;
	/* For the JIT: rows of registers, and the first code of each instruction. */
	uint32_t **reg_row;
	uint32_t **insn_code;
	_Atomic(void *) jit;
	void (*jit_free)(void *jit);
};

enum sg_why {
	SG_WHY_YIELD,		/* slice used up */
	SG_WHY_BARRIER,		/* waits for other warps */
	SG_WHY_DONE,		/* all lanes have exited */
	SG_WHY_FAULT,
};

enum sg_group_state {
	SG_GROUP_READY,
	SG_GROUP_SYNC,		/* at a .sync, lanes of its mask are missing */
	SG_GROUP_BARRIER,	/* at a barrier; pc is behind it */
};

struct sg_group {
	uint32_t mask;
	uint32_t depth;
	const struct sg_code *pc;
	enum sg_group_state state;
	uint32_t barrier;
	uint32_t stamp;		/* when it last ran */
	const struct sg_code *bar_code;
};

struct sg_save {
	uint8_t *data;
	uint32_t len, cap;
};

struct sg_block;

/**
 * struct sg_warp - 32 lanes
 * @rf:		register file
 * @mask:	lanes of the current group
 * @wmask:	lanes a handler without side effects may write: @mask, or all
 *		where no other lane of the warp is alive
 * @live:	lanes that have not exited
 * @pc:		where to go on
 * @depth:	call depth of the current group
 * @npending:	groups that are not current
 * @best_pc, @best_depth: the READY one that would run next
 * @patience:	blocks the current group may run before others get a turn
 * @forced:	the current group runs out of order, so others must not pre-empt it
 * @spinning:	it has touched memory the way spin loops do
 * @compiled:	runs compiled code, from @jit_state with @jit_lanes; @jit_bar is
 *		the barrier it waits at, @jit_value what bar.red gave
 */
struct sg_warp {
	uint8_t *rf;
	uint32_t mask, wmask, live;
	uint32_t csr;
	const struct sg_code *pc;
	int64_t budget;
	uint64_t lane_insns;
	uint32_t depth;
	uint32_t npending;
	const struct sg_code *best_pc;
	uint32_t best_depth;
	uint32_t patience;
	bool forced;
	bool spinning;
	uint32_t clock;
	enum sg_why why;
	uint32_t index;
	uint32_t barrier;	/* the one it waits at */
	struct sg_block *block;
	const struct sg_mem_range *last;
	uint8_t *local;
	const struct sg_code **ret;	/* [depth][lane] */
	uint32_t ret_depth;
	struct sg_save save[SG_LANES];
	struct sg_group groups[SG_LANES];
	bool compiled;
	uint32_t jit_state, jit_lanes, jit_value;
	const struct sg_code *jit_bar;
};

struct sg_barrier {
	uint32_t arrived;	/* threads, in whole warps */
	uint32_t expected;	/* 0: all of the block */
	uint32_t waiting;	/* warps */
	uint32_t popc;
	bool all, any;
};

struct sg_block {
	const struct sg_launch *launch;
	const struct sg_exec *exec;
	const struct sg_mem_map *map;
	struct sg_fault *fault;
	bool faulted;
	uint32_t ctaid[3];
	uint32_t threads, nwarps;
	uint32_t smid;
	uint8_t *shared;
	uint32_t shared_size;
	uint32_t local_size;	/* per lane */
	uint32_t done;		/* warps */
	uint32_t next_warp;
	int64_t slice_left;
	uint64_t lane_insns;
	struct sg_barrier bars[SG_BARRIERS];
	struct sg_warp *warps;
};

/* Lanes an instruction with side effects runs for. */
static inline uint32_t sg_active(const struct sg_warp *w, const struct sg_code *c)
{
	return w->mask & (*(const uint32_t *)(w->rf + c->guard) ^ c->gxor);
}

/* Lanes one without may write. */
static inline uint32_t sg_writable(const struct sg_warp *w, const struct sg_code *c)
{
	return w->wmask & (*(const uint32_t *)(w->rf + c->guard) ^ c->gxor);
}

static inline void sg_set_mask(struct sg_warp *w, uint32_t mask)
{
	w->mask = mask;
	w->wmask = mask == w->live ? SG_ALL : mask;
}

/* Rounding and flushing are states of the CPU here: only changes cost. */
void sg_set_csr(struct sg_warp *w, uint32_t csr);

static inline void sg_want_csr(struct sg_warp *w, const struct sg_code *c)
{
	if (__builtin_expect(w->csr != c->csr, 0))
		sg_set_csr(w, c->csr);
}

#define SG_CSR_DEFAULT 0x1f80u
#define SG_CSR_FLUSH 0x8040u	/* FTZ and DAZ */
#define SG_CSR_DOWN 0x2000u
#define SG_CSR_UP 0x4000u
#define SG_CSR_ZERO 0x6000u

/* fault.c: record the first fault; always NULL, to be returned by a handler. */
const struct sg_code *sg_raise(struct sg_warp *w, const struct sg_code *c, uint32_t lanes,
			       enum sg_fault_kind kind, uint64_t addr);
const struct sg_code *sg_raise_text(struct sg_warp *w, const struct sg_code *c, uint32_t lanes,
				    enum sg_fault_kind kind, const char *text);

/* group.c */
sg_handler sg_h_block;
/* The current group has no lanes left or waits: go on with another. */
const struct sg_code *sg_group_next(struct sg_warp *w);
/* Put lanes aside at a place; the current group must be trimmed by the caller. */
void sg_group_add(struct sg_warp *w, uint32_t mask, const struct sg_code *pc, uint32_t depth,
		  enum sg_group_state state);
/* Two-way branch: lanes of @taken go to @target, the rest to @next. */
const struct sg_code *sg_group_split(struct sg_warp *w, uint32_t taken,
				     const struct sg_code *target, const struct sg_code *next);
/*
 * Meet the other lanes of member masks at @c. True: go on with sg_warp.mask.
 * False: return *ret_next from the handler.
 */
bool sg_group_sync(struct sg_warp *w, const struct sg_code *c, const uint32_t *members,
		   const struct sg_code **ret_next);
void sg_group_update(struct sg_warp *w);
void sg_warp_exit(struct sg_warp *w, uint32_t lanes);

/* barrier.c */
void sg_barrier_warp_arrive(struct sg_warp *w, uint32_t id);
void sg_barrier_recheck(struct sg_block *b);
void sg_barrier_add(struct sg_barrier *bar, uint32_t lanes, uint32_t p);

/* mem.c */
/* Host addresses of the lanes in @m; false after raising a fault. */
bool sg_resolve(struct sg_warp *w, const struct sg_code *c, uint32_t m, uint32_t size, bool write,
		uint8_t *ret_ptr[SG_LANES]);
/* One lane, any generic address; NULL where it is not @size readable bytes. */
uint8_t *sg_resolve_one(struct sg_warp *w, uint32_t lane, uint64_t addr, uint64_t size,
			bool write);

/* One lane of an access in @space: what the interpreter's loads and stores use. */
uint8_t *sg_resolve_in(struct sg_warp *w, enum sg_space space, uint32_t lane, uint64_t addr,
		       uint64_t size, bool write);

/* printf.c */
/* Format as device printf does; returns the number of conversions, -1 for a bad address. */
int sg_printf(struct sg_warp *w, uint32_t lane, uint64_t fmt, uint64_t args);
bool sg_read_string(struct sg_warp *w, uint32_t lane, uint64_t addr, char *buf, size_t size);

#endif
