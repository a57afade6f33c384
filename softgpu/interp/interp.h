/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running the blocks of a kernel.
 *
 * Theory of operation: one sg_worker holds one block at a time: its shared
 * memory, the register files of its warps, local memory. The scheduler owns
 * the threads and the order of blocks; a thread may own several workers and
 * so keep several blocks resident (cooperative launches, a kernel that spins
 * on another one). sg_run_block() runs a block until it ends, faults or has
 * used up its slice; it never waits for anything outside the block.
 *
 * No address a kernel computes is used before it was found in the launch's
 * memory map (global), or inside the block's shared or the thread's local
 * memory. A device address need not be the host address.
 */
#ifndef SOFTGPU_INTERP_INTERP_H
#define SOFTGPU_INTERP_INTERP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "softgpu/ir/window.h"

struct sg_entry;
struct sg_jit_code;
struct sg_worker;

/* Returned by sg_run_block(): slice used up, call again to go on. */
#define SG_AGAIN 1

enum sg_fault_kind {
	SG_FAULT_NONE,
	SG_FAULT_ILLEGAL_ADDRESS,	/* CUDA_ERROR_ILLEGAL_ADDRESS */
	SG_FAULT_MISALIGNED,		/* CUDA_ERROR_MISALIGNED_ADDRESS */
	SG_FAULT_TRAP,			/* CUDA_ERROR_LAUNCH_FAILED */
	SG_FAULT_ASSERT,		/* CUDA_ERROR_ASSERT; text has the message */
	SG_FAULT_ILLEGAL_INSTRUCTION,	/* CUDA_ERROR_ILLEGAL_INSTRUCTION */
	SG_FAULT_INVALID_PC,		/* indirect call to no function */
	SG_FAULT_STACK,			/* call depth or local memory exceeded */
	SG_FAULT_DEADLOCK,		/* every warp of the block waits for ever */
	SG_FAULT_CANCELLED,		/* *cancel was set */
	SG_FAULT_NO_MEMORY,		/* the host has none for this block */
};

/**
 * struct sg_fault - Why a block did not end
 * @kind:	what happened
 * @entry:	kernel, a string that lives as long as the module
 * @line:	line of the PTX text, from 1
 * @ctaid:	block
 * @tid:	lowest thread concerned
 * @addr:	address, for the address faults
 * @text:	one sentence; for SG_FAULT_ASSERT the line CUDA prints
 */
struct sg_fault {
	enum sg_fault_kind kind;
	const char *entry;
	uint32_t line;
	uint32_t ctaid[3];
	uint32_t tid[3];
	uint64_t addr;
	char text[512];
};

#define SG_MEM_READONLY 1u

/**
 * struct sg_mem_range - Device memory a kernel may touch
 * @base:	device address of the first byte
 * @size:	bytes
 * @host:	where the bytes are in this process
 * @flags:	SG_MEM_READONLY
 */
struct sg_mem_range {
	uint64_t base;
	uint64_t size;
	void *host;
	uint32_t flags;
};

/* Sorted by base, not overlapping; immutable while a launch may use it. */
struct sg_mem_map {
	const struct sg_mem_range *ranges;
	size_t n;
};

/**
 * struct sg_host_ops - What a kernel asks of its embedder
 * @map_refresh: called on an address miss before it becomes a fault: the map
 *		as it is now (memory allocated while the kernel runs). The old
 *		one must stay valid until the block ends. May be NULL.
 * @print:	device printf: formatted text, not NUL-terminated. May be NULL.
 * @heap_alloc:	device malloc: device address or 0. May be NULL.
 * @heap_free:	device free. May be NULL.
 *
 * Thread: called from the thread inside sg_run_block(), concurrently for
 * several workers.
 */
struct sg_host_ops {
	const struct sg_mem_map *(*map_refresh)(void *opaque);
	void (*print)(void *opaque, const char *text, size_t len);
	uint64_t (*heap_alloc)(void *opaque, uint64_t size);
	void (*heap_free)(void *opaque, uint64_t addr);
};

/**
 * struct sg_launch - One kernel launch, shared by all workers, read only
 * @entry:	prepared entry
 * @grid:	blocks in x, y, z
 * @block:	threads in x, y, z; at most 1024 in all
 * @dyn_shared:	bytes of dynamic shared memory
 * @params:	parameter buffer, laid out by sg_entry_info()
 * @params_size: bytes, at least param_bytes of the entry
 * @map:	device memory, may not be NULL
 * @max_stack:	local memory per thread for recursion, 0 for the default (1 KiB
 *		on top of what the entry itself needs)
 * @slice:	instructions of one warp per sg_run_block() before SG_AGAIN,
 *		times the number of warps; 0 = never return SG_AGAIN
 * @sm:		number of SMs to report; %smid comes from sg_worker_set_sm()
 * @grid_id:	%gridid
 * @grid_workspace: device address for cooperative grid sync (%envreg1, 2), or 0
 * @cancel:	block ends with SG_FAULT_CANCELLED soon after this becomes
 *		non-zero; may be NULL
 * @ops:	call-backs, may be NULL
 * @opaque:	handed to them
 * @jit:	compiled code (jit/run/unit.h), NULL: the interpreter runs it all
 */
struct sg_launch {
	const struct sg_entry *entry;
	uint32_t grid[3];
	uint32_t block[3];
	uint32_t dyn_shared;
	const void *params;
	size_t params_size;
	const struct sg_mem_map *map;
	uint32_t max_stack;
	uint64_t slice;
	uint32_t sm;
	uint64_t grid_id;
	uint64_t grid_workspace;
	const atomic_int *cancel;
	const struct sg_host_ops *ops;
	void *opaque;
	struct sg_jit_code *jit;
};

/* NULL when out of memory. Not thread safe itself: one thread at a time. */
struct sg_worker *sg_worker_create(void);
/* Takes NULL. */
void sg_worker_destroy(struct sg_worker *w);
/* What %smid says for blocks on this worker. */
void sg_worker_set_sm(struct sg_worker *w, uint32_t smid);

/**
 * sg_run_block() - Run one block, or go on with it
 * @w:		worker; idle, or holding this very block after SG_AGAIN
 * @launch:	unchanged between calls for one block
 * @ctaid:	block index in the grid
 * @ret_fault:	filled where -EFAULT is returned
 *
 * Return: 0 when every thread has exited, SG_AGAIN when the slice is used up,
 * -EFAULT with *ret_fault. After 0 and -EFAULT the worker is idle.
 */
int sg_run_block(struct sg_worker *w, const struct sg_launch *launch, const uint32_t ctaid[3],
		 struct sg_fault *ret_fault);

/* Drop a block that returned SG_AGAIN; the worker is idle afterwards. */
void sg_worker_abandon(struct sg_worker *w);

/* Number of instructions this worker has run, times active lanes (tests, bench). */
uint64_t sg_worker_lane_instructions(const struct sg_worker *w);

#endif
