/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks: memory for one, its warps in turn, and its end.
 *
 * Warps are resumable states, so no stacks are switched: a warp runs until its
 * turn is over, it waits at a barrier, or it is done, and then the next one
 * does. The state of the CPU's floating-point unit is ours only inside a turn.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "softgpu/interp/handlers.h"
#include "softgpu/interp/worker.h"

/* Instructions of one warp before the next one gets its turn. */
#define BLOCK_TURN 20000
#define BLOCK_DEFAULT_STACK 1024

struct sg_worker *sg_worker_create(void)
{
	return calloc(1, sizeof(struct sg_worker));
}

static void worker_free_warps(struct sg_worker *k)
{
	for (uint32_t i = 0; i < k->nwarps; i++) {
		free(k->warps[i].ret);
		for (int l = 0; l < SG_LANES; l++)
			free(k->warps[i].save[l].data);
	}
	free(k->warps);
	k->warps = NULL;
	k->nwarps = 0;
}

void sg_worker_destroy(struct sg_worker *k)
{
	if (!k)
		return;
	sg_jit_state_free(k->jit);
	worker_free_warps(k);
	free(k->rf);
	free(k->shared);
	free(k->local);
	free(k);
}

void sg_worker_set_sm(struct sg_worker *k, uint32_t smid)
{
	k->smid = smid;
}

void sg_worker_abandon(struct sg_worker *k)
{
	k->busy = false;
}

uint64_t sg_worker_lane_instructions(const struct sg_worker *k)
{
	return k->lane_insns;
}

bool sg_worker_grow(uint8_t **p, size_t *have, size_t size)
{
	if (size <= *have)
		return true;
	free(*p);
	*have = 0;
	*p = aligned_alloc(64, cw_align_up(size, 4096));
	if (!*p)
		return false;
	*have = cw_align_up(size, 4096);
	/* What an earlier owner of these pages left is not a kernel's to see. */
	memset(*p, 0, *have);
	return true;
}

static bool worker_memory(struct sg_worker *k, const struct sg_launch *l)
{
	struct sg_block *b = &k->block;
	const struct sg_prog *p = b->exec->prog;
	uint32_t stack = 0;

	if (p->has_recursion || p->has_indirect)
		stack = l->max_stack ? l->max_stack : BLOCK_DEFAULT_STACK;
	b->shared_size = p->dynamic_offset + l->dyn_shared;
	b->local_size = cw_align_up((uint64_t)p->local_bytes + stack, 16);
	if (k->nwarps < b->nwarps) {
		worker_free_warps(k);
		k->warps = calloc(b->nwarps, sizeof(*k->warps));
		if (!k->warps)
			return false;
		k->nwarps = b->nwarps;
	}
	if ((size_t)b->exec->rf_bytes * b->nwarps > k->rf_size)
		k->rf_exec = 0;
	return sg_worker_grow(&k->rf, &k->rf_size,
			   cw_align_up(b->exec->rf_bytes, 64) * b->nwarps) &&
	       sg_worker_grow(&k->shared, &k->shared_size, b->shared_size + 64) &&
	       sg_worker_grow(&k->local, &k->local_size,
			   (size_t)b->local_size * b->nwarps * SG_LANES + 64);
}

static void block_fill(uint8_t *row, uint64_t value, uint32_t size)
{
	for (int i = 0; i < SG_LANES; i++)
		memcpy(row + i * size, &value, size);
}

/* Constants: once per program and worker, nothing writes these rows. */
static void block_constants(struct sg_worker *k)
{
	const struct sg_exec *x = k->block.exec;
	size_t stride = cw_align_up(x->rf_bytes, 64);

	for (uint32_t w = 0; w < k->block.nwarps; w++) {
		uint8_t *rf = k->rf + stride * w;

		*(uint32_t *)rf = SG_ALL;
		for (uint32_t i = 0; i < x->nconsts; i++)
			block_fill(rf + x->consts[i].at, x->consts[i].value, x->consts[i].size);
		/* The kernel's own frame is at the start of local memory. */
		memset(rf + x->funcs[0].frame_row, 0, SG_LANES * sizeof(uint32_t));
	}
}

/* Value of a special register that is one for the whole block. */
uint64_t sg_block_sreg(const struct sg_block *b, enum sg_sreg r)
{
	const struct sg_launch *l = b->launch;

	switch (r) {
	case SG_SREG_NTID_X: case SG_SREG_NTID_Y: case SG_SREG_NTID_Z:
		return l->block[r - SG_SREG_NTID_X];
	case SG_SREG_CTAID_X: case SG_SREG_CTAID_Y: case SG_SREG_CTAID_Z:
		return b->ctaid[r - SG_SREG_CTAID_X];
	case SG_SREG_NCTAID_X: case SG_SREG_NCTAID_Y: case SG_SREG_NCTAID_Z:
		return l->grid[r - SG_SREG_NCTAID_X];
	/* Without clusters each block is a cluster of its own. */
	case SG_SREG_CLUSTERID_X: case SG_SREG_CLUSTERID_Y: case SG_SREG_CLUSTERID_Z:
		return b->ctaid[r - SG_SREG_CLUSTERID_X];
	case SG_SREG_NCLUSTERID_X: case SG_SREG_NCLUSTERID_Y: case SG_SREG_NCLUSTERID_Z:
		return l->grid[r - SG_SREG_NCLUSTERID_X];
	case SG_SREG_CLUSTER_NCTAID_X: case SG_SREG_CLUSTER_NCTAID_Y:
	case SG_SREG_CLUSTER_NCTAID_Z: case SG_SREG_CLUSTER_NCTARANK:
		return 1;
	case SG_SREG_NWARPID:
		return SG_MAX_WARPS;
	case SG_SREG_SMID:
		return b->smid;
	case SG_SREG_NSMID:
		return l->sm ? l->sm : 1;
	case SG_SREG_GRIDID:
		return l->grid_id;
	case SG_SREG_TOTAL_SMEM:
	case SG_SREG_AGGR_SMEM:
		return b->shared_size;
	case SG_SREG_DYNAMIC_SMEM:
		return l->dyn_shared;
	case SG_SREG_ENVREG1:
		return l->grid_workspace >> 32;
	case SG_SREG_ENVREG2:
		return (uint32_t)l->grid_workspace;
	case SG_SREG_WARPSZ:
		return SG_LANES;
	default:
		return 0;
	}
}

static uint32_t block_lane_sreg(const struct sg_block *b, enum sg_sreg r, uint32_t warp,
				uint32_t lane, bool *ret_lane_wise)
{
	const uint32_t *n = b->launch->block;
	uint32_t t = warp * SG_LANES + lane;

	*ret_lane_wise = true;
	switch (r) {
	case SG_SREG_TID_X:
		return t % n[0];
	case SG_SREG_TID_Y:
		return t / n[0] % n[1];
	case SG_SREG_TID_Z:
		return t / n[0] / n[1];
	case SG_SREG_LANEID:
		return lane;
	case SG_SREG_WARPID:
		return warp;
	case SG_SREG_LANEMASK_EQ:
		return 1u << lane;
	case SG_SREG_LANEMASK_LE:
		return 2u * (1u << lane) - 1;
	case SG_SREG_LANEMASK_LT:
		return (1u << lane) - 1;
	case SG_SREG_LANEMASK_GE:
		return SG_ALL << lane;
	case SG_SREG_LANEMASK_GT:
		return SG_ALL << lane << 1;
	default:
		*ret_lane_wise = false;
		return 0;
	}
}

/* @all: also what is the same for every block of a launch. */
static void block_special_registers(struct sg_worker *k, bool all)
{
	struct sg_block *b = &k->block;
	const struct sg_exec *x = b->exec;
	size_t stride = cw_align_up(x->rf_bytes, 64);

	for (int r = 0; r < SG_SREG_COUNT; r++) {
		uint32_t size = sg_type_size(sg_sreg_info[r].type);
		bool lane_wise;

		if (!x->sreg_row[r])
			continue;
		block_lane_sreg(b, r, 0, 0, &lane_wise);
		if (!all && lane_wise)
			continue;
		for (uint32_t w = 0; w < b->nwarps; w++) {
			uint8_t *row = k->rf + stride * w + x->sreg_row[r];

			if (!lane_wise) {
				block_fill(row, sg_block_sreg(b, r), size);
				continue;
			}
			for (int i = 0; i < SG_LANES; i++)
				((uint32_t *)row)[i] = block_lane_sreg(b, r, w, i, &lane_wise);
		}
	}
}

static void block_init_warp(struct sg_worker *k, uint32_t i)
{
	struct sg_block *b = &k->block;
	struct sg_warp *w = &k->warps[i];
	uint32_t left = b->threads - i * SG_LANES;
	uint32_t mask = left >= SG_LANES ? SG_ALL : (1u << left) - 1;

	w->rf = k->rf + cw_align_up(b->exec->rf_bytes, 64) * i;
	w->block = b;
	w->index = i;
	w->live = mask;
	sg_set_mask(w, mask);
	w->csr = SG_CSR_DEFAULT;
	w->pc = b->exec->funcs[0].start;
	w->lane_insns = 0;
	w->depth = 0;
	w->npending = 0;
	w->best_pc = NULL;
	w->patience = 1u << 20;
	w->forced = w->spinning = false;
	w->clock = 0;
	w->why = SG_WHY_YIELD;
	w->compiled = false;
	w->last = NULL;
	w->local = k->local + (size_t)i * SG_LANES * b->local_size;
	for (int l = 0; l < SG_LANES; l++)
		w->save[l].len = 0;
}

static bool block_same_shape(const struct sg_worker *k, const struct sg_launch *l)
{
	return !memcmp(k->grid, l->grid, sizeof(k->grid)) &&
	       !memcmp(k->dims, l->block, sizeof(k->dims)) && k->dyn_shared == l->dyn_shared;
}

bool sg_block_memory(struct sg_worker *k, const struct sg_launch *l, const uint32_t ctaid[3])
{
	struct sg_block *b = &k->block;

	*b = (struct sg_block){
		.launch = l,
		.exec = sg_entry_prog(l->entry)->exec,
		.map = l->map,
		.ctaid = { ctaid[0], ctaid[1], ctaid[2] },
		.threads = l->block[0] * l->block[1] * l->block[2],
		.smid = k->smid,
	};
	b->nwarps = (b->threads + SG_LANES - 1) / SG_LANES;
	if (!b->threads || b->nwarps > SG_MAX_WARPS || !worker_memory(k, l))
		return false;
	b->shared = k->shared;
	b->warps = k->warps;
	return true;
}

bool sg_block_begin(struct sg_worker *k, const struct sg_launch *l, const uint32_t ctaid[3])
{
	struct sg_block *b = &k->block;
	bool fresh;

	if (!sg_block_memory(k, l, ctaid))
		return false;
	fresh = k->rf_exec != b->exec->id || k->rf_warps < b->nwarps;
	if (fresh)
		block_constants(k);
	block_special_registers(k, fresh || !block_same_shape(k, l));
	k->rf_exec = b->exec->id;
	k->rf_warps = b->nwarps;
	memcpy(k->grid, l->grid, sizeof(k->grid));
	memcpy(k->dims, l->block, sizeof(k->dims));
	k->dyn_shared = l->dyn_shared;
	for (uint32_t i = 0; i < b->nwarps; i++)
		block_init_warp(k, i);
	for (int i = 0; i < SG_BARRIERS; i++)
		b->bars[i].all = true;
	b->slice_left = l->slice && l->slice < INT64_MAX / SG_MAX_WARPS ?
				(int64_t)l->slice * b->nwarps : INT64_MAX;
	return true;
}

/* One turn of one warp. */
static void block_run_warp(struct sg_block *b, struct sg_warp *w)
{
	const struct sg_code *c = w->pc;

	if (w->compiled) {
		/* Compiled code gets on or waits: it needs no slices. */
		sg_jit_turn(b, w);
		if (w->why == SG_WHY_DONE && !b->faulted) {
			b->done++;
			sg_barrier_recheck(b);
		}
		return;
	}
	/* Released from a barrier: the groups there are ready, none is current. */
	if (!w->mask)
		c = sg_group_next(w);
	w->budget = BLOCK_TURN;
	while (c)
		c = c->fn(w, c);
	if (w->csr != SG_CSR_DEFAULT)
		sg_set_csr(w, SG_CSR_DEFAULT);
	b->slice_left -= BLOCK_TURN - w->budget;
	if (w->why == SG_WHY_DONE && !b->faulted) {
		b->done++;
		sg_barrier_recheck(b);
	}
}

static bool block_deadlocked(struct sg_block *b)
{
	for (uint32_t i = 0; i < b->nwarps; i++) {
		if (b->warps[i].why == SG_WHY_YIELD)
			return false;
	}
	sg_raise_text(&b->warps[0], NULL, 1, SG_FAULT_DEADLOCK,
		      "every warp of the block waits at a barrier the others never reach");
	return true;
}

void sg_block_fault(struct sg_block *b, enum sg_fault_kind kind, const char *text)
{
	*b->fault = (struct sg_fault){ .kind = kind };
	memcpy(b->fault->ctaid, b->ctaid, sizeof(b->ctaid));
	if (b->exec)
		b->fault->entry = b->exec->prog->name;
	snprintf(b->fault->text, sizeof(b->fault->text), "%s", text);
	b->faulted = true;
}

bool sg_block_cancelled(struct sg_block *b)
{
	const atomic_int *flag = b->launch->cancel;

	if (!flag || !atomic_load_explicit(flag, memory_order_relaxed))
		return false;
	sg_block_fault(b, SG_FAULT_CANCELLED, "cancelled");
	return true;
}

int sg_block_step(struct sg_block *b)
{
	while (b->done < b->nwarps) {
		bool ran = false;

		for (uint32_t n = 0; n < b->nwarps; n++) {
			struct sg_warp *w = &b->warps[b->next_warp];

			b->next_warp = (b->next_warp + 1) % b->nwarps;
			if (w->why != SG_WHY_YIELD)
				continue;
			ran = true;
			block_run_warp(b, w);
			if (b->faulted)
				return -EFAULT;
			if (b->slice_left <= 0)
				return b->done == b->nwarps ? 0 : SG_AGAIN;
		}
		if (sg_block_cancelled(b) || (!ran && block_deadlocked(b)))
			return -EFAULT;
	}
	return 0;
}

int sg_run_block(struct sg_worker *k, const struct sg_launch *launch, const uint32_t ctaid[3],
		 struct sg_fault *ret_fault)
{
	struct sg_block *b = &k->block;
	int rc;

	if (!k->busy && launch->jit)
		rc = sg_jit_run_block(k, launch, ctaid, ret_fault);
	else if (!k->busy && !sg_block_begin(k, launch, ctaid))
		rc = -ENOMEM;
	else
		rc = SG_AGAIN;
	if (rc == -ENOMEM) {
		b->fault = ret_fault;
		sg_block_fault(b, SG_FAULT_NO_MEMORY, "no memory for a block");
		rc = -EFAULT;
	}
	if (rc != SG_AGAIN)
		return rc;
	k->busy = true;
	b->fault = ret_fault;
	if (b->slice_left <= 0)
		b->slice_left = (int64_t)launch->slice * b->nwarps;
	rc = sg_block_cancelled(b) ? -EFAULT : sg_block_step(b);
	if (rc == SG_AGAIN)
		return rc;
	for (uint32_t i = 0; i < b->nwarps; i++)
		k->lane_insns += b->warps[i].lane_insns;
	k->busy = false;
	return rc;
}
