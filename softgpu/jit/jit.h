/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JIT: what compiled code, its runtime and the compiler agree on.
 *
 * Theory of operation: a kernel is compiled once per block-shape class, by
 * libcw-jit.so (compile.h), which is loaded when the first kernel is compiled
 * and not before. The result is an image: a header, tables and an ELF object,
 * all position-free, so that it can be kept on disk. The runtime (in the
 * driver library, without LLVM) loads the image and runs warps with it.
 *
 * Compiled code calls nothing but the functions of sg_jit_ctx. It touches no
 * memory but what it has checked: global memory through slots (a slot is the
 * range one instruction used last), shared and local memory against their
 * sizes. What it cannot do it leaves to the interpreter, at three grains:
 *   help		one instruction: registers go to the interpreter's rows, its
 *			handlers run, results come back
 *   deopt		the rest of a warp: registers and lanes become groups of the
 *			interpreter, which goes on from there
 *   fallback		the kernel: compile refuses with a reason
 */
#ifndef SOFTGPU_JIT_JIT_H
#define SOFTGPU_JIT_JIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SG_JIT_NO_COUNT UINT32_MAX

/* Changes with everything below, and with what the compiler makes. */
#define SG_JIT_VERSION 1u
#define SG_JIT_MAGIC 0x5457434au

/* What compiled code returns. */
enum sg_jit_why {
	SG_JIT_DONE,	/* all warps up to warp_end have exited */
	SG_JIT_FAULT,	/* the fault is recorded */
	SG_JIT_BARRIER,	/* the warp waits: go on with state */
	SG_JIT_DEOPT,	/* the warp goes on in the interpreter, at site */
};

/**
 * struct sg_jit_slot - Memory one instruction may touch without asking
 * @base:	lowest device address it may start at
 * @count:	so many addresses from @base on are fine
 * @delta:	from device to host address
 */
struct sg_jit_slot {
	uint64_t base, count, delta;
};

/* A memory access the checks did not let pass: rows of 32 lanes. */
struct sg_jit_access {
	uint64_t addr[32];
	uint64_t data[4][32];	/* an element's lanes are packed by its size */
};

/**
 * struct sg_jit_ctx - All that compiled code sees of the world
 * @state:	0: from the start; else where to go on
 * @warp, @warp_end: warps to run; @warp is the one that stopped
 * @masks:	lanes of each group at a deopt; at a barrier: lanes, number, count
 *		(SG_JIT_NO_COUNT: all of the block), lanes of the predicate
 * @bar_value, @lanes: what bar.red gave and masks[0], when the warp goes on
 * @spill:	values of warp 0 across a barrier; @spill_stride to the next
 * @rf:		rows of the interpreter, likewise
 * @help:	run interpreter code [first, first + n) for lanes; non-zero: fault
 * @load, @store: slow path of an access: see run/access.c
 * @poll:	a loop has run for long: 0 go on, 1 fault, 2 leave to the interpreter
 */
struct sg_jit_ctx {
	const uint8_t *params;
	uint8_t *shared;
	uint64_t shared_size;
	uint8_t *local;
	uint64_t local_size;
	uint64_t local_stride;
	struct sg_jit_slot *slots;
	uint32_t *masks;
	uint8_t *spill;
	uint64_t spill_stride;
	uint8_t *rf;
	uint64_t rf_stride;
	struct sg_jit_access *access;
	uint32_t ntid[3];
	uint32_t ctaid[3];
	uint32_t nctaid[3];
	uint32_t threads;
	uint32_t warp, warp_end;
	uint32_t state;
	uint32_t site;
	uint32_t csr;
	uint32_t bar_value;
	uint32_t lanes;
	uint32_t (*help)(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t lanes, uint32_t live,
			 uint32_t first, uint32_t n);
	uint32_t (*load)(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t lanes, uint32_t site);
	uint32_t (*store)(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t lanes, uint32_t site);
	uint32_t (*poll)(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t spins);
	uint64_t (*sreg)(struct sg_jit_ctx *ctx, uint32_t warp, uint32_t sreg);
	void *opaque;
};

typedef uint32_t sg_jit_fn(struct sg_jit_ctx *ctx);

/**
 * struct sg_jit_site - An instruction where code may stop or ask
 * @code:	index of the interpreter's code
 * @first, @n:	a deopt: other groups, indices into the table of group codes
 * @slot:	an access: its slot, or UINT32_MAX
 * @span:	an access: bytes from the lowest to the highest lane's end; 0 unknown
 * @size:	bytes per lane
 * @space:	enum sg_space
 */
struct sg_jit_site {
	uint32_t code;
	uint32_t first, n;
	uint32_t slot;
	uint32_t span;
	uint16_t size;
	uint8_t space;
	uint8_t pad;
};

/**
 * struct sg_jit_image - Start of a compiled kernel
 * Sites follow, then group codes, then the object, each at a multiple of 8.
 * @bytes:	of all of it
 * @helped:	instructions left to the interpreter's handlers
 * @insns:	instructions compiled
 */
struct sg_jit_image {
	uint32_t magic, version;
	uint32_t bytes;
	uint32_t nsites, ngroups, object_bytes;
	uint32_t nslots, nmasks, spill_bytes;
	uint32_t shape, width;
	uint32_t flags;
	uint32_t csr;
	uint32_t helped, insns, blocks;
};

#define SG_JIT_F_BARRIER 1u	/* warps run one by one and may stop */
#define SG_JIT_F_ROWS 2u	/* needs the interpreter's rows from the start */
#define SG_JIT_F_LOCAL 4u

/*
 * Classes of block shapes: what thread indices look like across a warp.
 * FLAT: y and z are 1. LINEAR: tid.x = base + lane, y and z are one for the
 * warp. ROWS + k: blocks of 2^k threads in x, k < 5, and a warp holds whole
 * rows of one z. ANY: the rest.
 */
enum sg_jit_shape {
	SG_JIT_SHAPE_ANY,
	SG_JIT_SHAPE_FLAT,
	SG_JIT_SHAPE_LINEAR,
	SG_JIT_SHAPE_ROWS,
	SG_JIT_SHAPES = SG_JIT_SHAPE_ROWS + 5,
};

enum sg_jit_isa {
	SG_JIT_ISA_HOST,
	SG_JIT_ISA_SSE4,
	SG_JIT_ISA_AVX2,
	SG_JIT_ISA_AVX512,
};

static inline const struct sg_jit_site *sg_jit_sites(const struct sg_jit_image *im)
{
	return (const struct sg_jit_site *)(im + 1);
}

static inline const uint32_t *sg_jit_groups(const struct sg_jit_image *im)
{
	return (const uint32_t *)(sg_jit_sites(im) + im->nsites);
}

static inline const uint8_t *sg_jit_object(const struct sg_jit_image *im)
{
	return (const uint8_t *)im + im->bytes - im->object_bytes;
}

#endif
