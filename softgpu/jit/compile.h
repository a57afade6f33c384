/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler, in a library of its own because LLVM is large: the driver
 * library finds sg_jit_compiler() in libcw-jit.so by name.
 */
#ifndef SOFTGPU_JIT_COMPILE_H
#define SOFTGPU_JIT_COMPILE_H

#include "softgpu/ir/ir.h"
#include "softgpu/jit/jit.h"

/* The kernel's instructions as text, as the compiler saw them: sg_jit_request.dump. */
#define SG_JIT_DUMP_LLVM 1u
#define SG_JIT_DUMP_ASM 2u

/**
 * struct sg_jit_request - What to compile
 * @prog:	finished program
 * @reg_row:	[function][register]: offset of its row, see interp/decode.h
 * @insn_code:	[function][instruction]: index of its first code, one more at
 *		the end
 * @aliased:	[function][register]: the row is a special register's
 * @shape:	enum sg_jit_shape
 * @isa:	enum sg_jit_isa
 * @careful:	assume nothing that a deopt would have to repair
 * @dump:	SG_JIT_DUMP_*: text goes to @dump_text, to be freed
 * @reason:	why there is none, where compile fails
 */
struct sg_jit_request {
	const struct sg_prog *prog;
	uint32_t *const *reg_row;
	uint32_t *const *insn_code;
	uint32_t shape, isa;
	bool careful;
	uint32_t dump;
	char *dump_text;
	char reason[160];
};

/**
 * struct sg_jit_compiler - The functions of libcw-jit.so
 * @version:	SG_JIT_VERSION it was built with
 * @compile:	0 with an image to be freed, -ENOTSUP with a reason, -ENOMEM.
 *		Thread: any, several at once.
 * @describe:	CPU and features as they enter the code: part of a cache key
 */
struct sg_jit_compiler {
	uint32_t version;
	int (*compile)(struct sg_jit_request *rq, struct sg_jit_image **ret_image);
};

const struct sg_jit_compiler *sg_jit_compiler(void);

#endif
