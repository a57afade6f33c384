/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled kernels at run time: which there are, where they came from, and how
 * blocks run with them.
 */
#ifndef SOFTGPU_JIT_RUN_UNIT_H
#define SOFTGPU_JIT_RUN_UNIT_H

#include <stdatomic.h>

#include "softgpu/interp/worker.h"
#include "softgpu/jit/compile.h"
#include "softgpu/jit/use.h"

/**
 * struct sg_jit_code - A kernel compiled for one class of block shapes
 * @image:	header and tables; owned
 * @fn:		its entry
 * @text, @text_bytes: the mapping it lies in
 * @id:		unique
 * @deopts:	warps that were left to the interpreter
 */
struct sg_jit_code {
	struct sg_jit_image *image;
	sg_jit_fn *fn;
	void *text;
	size_t text_bytes;
	uint64_t id;
	atomic_uint deopts;
};

/**
 * struct sg_jit_record - What --stats says of a kernel
 * @origin:	"compiled", "cached" or "interpreted"
 * @reason:	why it is interpreted
 * @micros:	time until it could run
 */
struct sg_jit_record {
	struct sg_jit_record *next;
	char *name;
	const char *origin;
	char reason[160];
	uint32_t shape;
	uint32_t insns, helped, blocks, bytes;
	uint64_t micros;
	bool careful;
	atomic_ullong launches;
};

/* load.c: map an image; 0 or -ENOEXEC with a reason. */
int sg_jit_load(struct sg_jit_image *im, struct sg_jit_code *code, char *reason, size_t size);
void sg_jit_unload(struct sg_jit_code *code);

/* stats.c */
struct sg_jit_record *sg_jit_record_new(const char *name);
const struct sg_jit_record *sg_jit_records(void);

/* turn.c: state of a worker. */
struct sg_jit_state {
	struct sg_jit_ctx ctx;
	uint64_t code_id;
	uint64_t grid_id;
	const struct sg_mem_map *map;
	uint8_t *slots, *spill, *masks;
	size_t slots_size, spill_size, masks_size;
	uint32_t polls;
	_Alignas(64) struct sg_jit_access access;
};

/* access.c: the functions compiled code calls. */
uint32_t sg_jit_slow_load(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t lanes, uint32_t site);
uint32_t sg_jit_slow_store(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t lanes, uint32_t site);
/* The warp's state of the interpreter, set up for this block. */
struct sg_warp *sg_jit_warp(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t lanes);

#endif
