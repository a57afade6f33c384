/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed IR of one function, and of a kernel with all it calls.
 *
 * Theory of operation: an instruction is one PTX instruction with its words
 * decoded; registers are numbers with a type; addresses of variables are
 * immediates already (a module is placed before its kernels are prepared).
 * A sg_prog is one kernel together with private copies of the functions it
 * reaches, because shared memory is laid out per kernel.
 *
 * Inside a function, parameters, call arguments and .local variables are all
 * bytes of the function's frame in local memory; a kernel's parameters are the
 * parameter buffer. The frame of a callee begins where its caller's ends.
 *
 * Nothing here knows how the code is run: interp/ and jit/ both start from it.
 */
#ifndef SOFTGPU_IR_IR_H
#define SOFTGPU_IR_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "softgpu/ir/op.h"
#include "softgpu/ir/type.h"

#define SG_NO_REG UINT32_MAX
#define SG_MAX_OPERANDS 9

enum sg_opnd_kind {
	SG_OPND_NONE,
	SG_OPND_REG,	/* reg; not: complemented predicate */
	SG_OPND_IMM,	/* imm: bits, sign-extended to 64 where signed */
	SG_OPND_MEM,	/* [reg + imm]; reg may be SG_NO_REG */
	SG_OPND_SINK,	/* "_": dest nobody wants, source with no value */
};

struct sg_opnd {
	uint8_t kind;
	bool not;
	/* imm is an offset from the start of dynamic shared memory, which is
	 * known once the whole program is parsed; see sg_prog_finish(). */
	bool dynamic_shared;
	uint32_t reg;
	uint64_t imm;
};

/* Special registers. */
enum sg_sreg {
#define SG_SREG(id, word, type) SG_SREG_##id,
#include "softgpu/ir/sregs.def"
#undef SG_SREG
	SG_SREG_COUNT
};

struct sg_sreg_info {
	const char *word;
	uint8_t type;
};

extern const struct sg_sreg_info sg_sreg_info[SG_SREG_COUNT];

struct sg_func;

/* Bytes moved between the frames of caller and callee. */
struct sg_call_copy {
	uint32_t caller;
	uint32_t callee;
	uint32_t size;
};

/* Functions the machine itself provides. */
enum sg_builtin {
	SG_BUILTIN_NONE,
	SG_BUILTIN_VPRINTF,
	SG_BUILTIN_ASSERTFAIL,
	SG_BUILTIN_MALLOC,
	SG_BUILTIN_FREE,
};

/**
 * struct sg_call - What a call instruction needs beyond its operands
 * @target:	callee, or NULL: a builtin or an indirect call
 * @builtin:	which
 * @in, @out:	copies before and after
 * @in_bytes:	size of the callee's parameter area
 */
struct sg_call {
	struct sg_func *target;
	enum sg_builtin builtin;
	struct sg_call_copy *in, *out;
	uint32_t nin, nout;
	uint32_t param_bytes;
};

/**
 * struct sg_insn - One instruction
 * @nd:		the first @nd operands are destinations
 * @type:	main type; @type2: source type of cvt, set, slct, dp4a
 * @guard:	predicate register or SG_NO_REG; @guard_not: run where false
 * @target:	bra: index of the instruction to go to
 * @call:	SG_OP_CALL only
 * @targets:	brx.idx only: @ntargets instruction indices
 */
struct sg_insn {
	uint16_t op;
	uint8_t type, type2;
	uint8_t round, cmp, sub, space;
	uint8_t sem, vec;
	uint8_t nd, n;
	uint8_t sreg;
	bool guard_not;
	uint32_t flags;
	uint32_t guard;
	uint32_t line;
	uint32_t target;
	uint32_t ntargets;
	uint32_t *targets;
	struct sg_call *call;
	struct sg_opnd o[SG_MAX_OPERANDS];
};

/**
 * struct sg_func - One function of a program
 * @name:	for messages
 * @prog:	owner
 * @regs:	type of each register
 * @insns:	in text order, ends with SG_OP_END
 * @frame:	bytes of local memory of one activation
 * @local_base:	kernel: 0. function: frames are found through @frame_reg
 * @frame_reg:	32-bit register that holds the frame's local address
 * @recursive:	may be active more than once in one thread
 * @leader:	per instruction: a basic block starts here
 */
struct sg_func {
	const char *name;
	struct sg_prog *prog;
	const void *symbol;
	bool is_entry;
	bool recursive;
	uint8_t *regs;
	uint32_t nregs, regs_cap;
	struct sg_insn *insns;
	uint32_t ninsns, insns_cap;
	uint32_t frame;
	uint32_t frame_reg;
	uint8_t *leader;
	uint32_t code_id;	/* number behind SG_CODE_WINDOW, 0 = none */
};

/**
 * struct sg_prog - A kernel and everything it reaches
 * @funcs:	@funcs[0] is the kernel
 * @static_shared: bytes
 * @dynamic_align: alignment of the dynamic part
 * @local_bytes: per thread, call depth included; recursion adds at run time
 * @has_recursion, @has_indirect: call graph properties
 * @exec:	what the back end made of it; freed by @exec_free
 */
struct sg_prog {
	const char *name;
	struct sg_func **funcs;
	uint32_t nfuncs, funcs_cap;
	uint32_t static_shared;
	uint32_t dynamic_align;
	uint32_t dynamic_offset;
	uint32_t local_bytes;
	uint32_t param_bytes;
	bool has_recursion;
	bool has_indirect;
	bool uses_warp_ops;
	bool uses_barrier;
	struct sg_arena *arena;
	void *exec;
	void (*exec_free)(void *exec);
};

struct sg_entry;

/* The program of a prepared entry (ptx/module.c). */
const struct sg_prog *sg_entry_prog(const struct sg_entry *e);

/* ir/prog.c */
struct sg_prog *sg_prog_create(const char *name);
void sg_prog_destroy(struct sg_prog *p);
struct sg_func *sg_prog_add_func(struct sg_prog *p, const char *name, const void *symbol);
/* SG_NO_REG when out of memory. */
uint32_t sg_func_add_reg(struct sg_func *f, enum sg_type type);
struct sg_insn *sg_func_add_insn(struct sg_func *f);
/* Memory that lives as long as the program, zeroed. */
void *sg_prog_alloc(struct sg_prog *p, size_t size);

/* ir/cfg.c: after all functions are parsed. 0 or -ENOMEM. */
int sg_prog_finish(struct sg_prog *p);

/*
 * The back end (interp/decode.c): hangs what it made on p->exec. 0, -EINVAL
 * with a message for an instruction it cannot run, -ENOMEM.
 */
int sg_prog_lower(struct sg_prog *p, char *log, size_t log_size);

#endif
