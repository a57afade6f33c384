/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker from the inside: shared by the interpreter and the runtime of
 * compiled code, which run blocks on it in turns.
 */
#ifndef SOFTGPU_INTERP_WORKER_H
#define SOFTGPU_INTERP_WORKER_H

#include "softgpu/interp/exec.h"

struct sg_jit_state;

struct sg_worker {
	struct sg_block block;	/* first: a block leads to its worker */
	bool busy;
	bool ready;		/* block and warps are set up for the block at hand */
	uint32_t smid;
	/* Memory that is kept from block to block. */
	struct sg_warp *warps;
	uint32_t nwarps;
	uint8_t *rf;
	size_t rf_size;
	uint64_t rf_exec;	/* whose constants are in it */
	uint32_t rf_warps;
	uint8_t *shared;
	size_t shared_size;
	uint8_t *local;
	size_t local_size;
	/* What the rows of special registers were filled for. */
	uint32_t grid[3], dims[3], dyn_shared;
	uint64_t lane_insns;
	struct sg_jit_state *jit;	/* NULL before the first compiled kernel */
};

static inline struct sg_worker *sg_worker_of(struct sg_block *b)
{
	return (struct sg_worker *)b;
}

/* block.c. Memory for a block of @l, nothing filled in; false: there is none. */
bool sg_block_memory(struct sg_worker *k, const struct sg_launch *l, const uint32_t ctaid[3]);
/* Everything a block needs to start; false: no memory. */
bool sg_block_begin(struct sg_worker *k, const struct sg_launch *l, const uint32_t ctaid[3]);
/* Turns until the block ends, faults or its slice is used up. */
int sg_block_step(struct sg_block *b);
void sg_block_fault(struct sg_block *b, enum sg_fault_kind kind, const char *text);
bool sg_block_cancelled(struct sg_block *b);
uint64_t sg_block_sreg(const struct sg_block *b, enum sg_sreg r);
/* Grow to at least @size bytes at a cache line; contents are not kept. */
bool sg_worker_grow(uint8_t **p, size_t *have, size_t size);

/* jit/run/: nothing happens where no kernel was compiled. */
void sg_jit_state_free(struct sg_jit_state *s);
/* A turn of a warp that runs compiled code. */
void sg_jit_turn(struct sg_block *b, struct sg_warp *w);
int sg_jit_run_block(struct sg_worker *k, const struct sg_launch *l, const uint32_t ctaid[3],
		     struct sg_fault *ret_fault);

#endif
