/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing one kernel: state shared by the files that do it.
 *
 * body.c	statements of a function, the functions of a program
 * scope.c	names: registers, variables, labels
 * mods.c	words behind an opcode
 * operand.c	registers, immediates, addresses
 * insn.c	instructions described by the operand letters of ops.def
 * special.c	the others
 * call.c	calls
 *
 * Errors are sticky in the log: a function returns false after reporting, and
 * the parse stops.
 */
#ifndef SOFTGPU_PTX_PARSE_H
#define SOFTGPU_PTX_PARSE_H

#include "softgpu/ptx/module_priv.h"

enum sg_name_kind {
	SG_NAME_REG,		/* value: register */
	SG_NAME_REGS,		/* name<count>: first register */
	SG_NAME_FRAME,		/* value: offset in the function's frame */
	SG_NAME_SHARED,		/* value: offset in static shared memory */
	SG_NAME_PARAM,		/* value: offset in the kernel's parameters */
	SG_NAME_TARGETS,	/* .branchtargets: index of a list */
	SG_NAME_PROTO,		/* .callprototype: index of a signature */
};

struct sg_name {
	const char *s;
	uint32_t len;
	uint8_t kind;
	uint8_t type;
	uint32_t value;
	uint32_t count;
};

struct sg_label {
	const char *s;
	uint32_t len;
	uint32_t scope;
	uint32_t insn;
};

/* A use of a label, resolved at the end of the function. */
struct sg_label_use {
	const char *s;
	uint32_t len;
	uint32_t line;
	uint32_t scope;
	uint32_t insn;
	uint32_t slot;		/* UINT32_MAX: insn->target, else targets[slot] */
};

struct sg_target_list {
	struct sg_tok *words;
	uint32_t n;
};

/* An array that doubles. */
struct sg_vec {
	void *data;
	uint32_t n, cap;
};

/* NULL when out of memory; the new element is zeroed. */
void *sg_vec_push(struct sg_vec *v, size_t size);

/* What is known across the functions of one program. */
struct sg_link {
	struct sg_entry *entry;
	struct sg_module *m;
	struct sg_prog *prog;
	struct sg_log *log;
	uint32_t *shared_at;	/* per symbol: offset + 1, 0 = not placed */
	struct sg_func **func_of; /* per symbol */
};

struct sg_parse {
	struct sg_link *link;
	struct sg_log *log;
	struct sg_func *f;
	const struct sg_symbol *symbol;
	struct sg_lex lx;
	struct sg_vec names;	/* struct sg_name */
	struct sg_vec labels;	/* struct sg_label */
	struct sg_vec uses;	/* struct sg_label_use */
	struct sg_vec parents;	/* uint32_t: parent of each scope */
	struct sg_vec marks;	/* struct sg_scope_mark */
	struct sg_vec lists;	/* struct sg_target_list */
	struct sg_vec protos;	/* struct sg_signature */
	uint32_t scope;
	uint32_t frame;		/* bytes of frame in use here */
	uint32_t carry;		/* condition code register, SG_NO_REG until used */
	struct sg_tok opcode;	/* of the instruction under way; no length: none */
};

struct sg_scope_mark {
	uint32_t names;
	uint32_t frame;
	uint32_t scope;
};

/* Report at the current token; always false. */
CW_PRINTF(2, 3) bool sg_parse_error(struct sg_parse *ps, const char *fmt, ...);
bool sg_parse_expect(struct sg_parse *ps, char c);

/* scope.c */
bool sg_scope_open(struct sg_parse *ps);
bool sg_scope_close(struct sg_parse *ps);
const struct sg_name *sg_scope_find(struct sg_parse *ps, const struct sg_tok *t,
				    uint32_t *ret_reg);
struct sg_name *sg_scope_add(struct sg_parse *ps, const char *s, uint32_t len,
			     enum sg_name_kind kind);
bool sg_scope_label(struct sg_parse *ps, const struct sg_tok *t);
bool sg_scope_use_label(struct sg_parse *ps, const struct sg_tok *t, uint32_t slot);
bool sg_scope_resolve(struct sg_parse *ps);
/* Bytes in the frame; UINT32_MAX with a message where it grows too large. */
uint32_t sg_scope_frame(struct sg_parse *ps, uint64_t size, uint32_t align);
/* Bytes of static shared memory likewise. */
uint32_t sg_scope_shared(struct sg_parse *ps, uint64_t size, uint32_t align);
void sg_scope_finish(struct sg_parse *ps);

/* mods.c: the dotted words behind an opcode. */
bool sg_parse_mods(struct sg_parse *ps, struct sg_insn *in);

/* operand.c */
/* A source of a type: register, immediate, special register, variable. */
bool sg_parse_source(struct sg_parse *ps, struct sg_opnd *o, enum sg_type type);
/* As above, but the register may be wider than the type (cvt, st). */
bool sg_parse_wide_source(struct sg_parse *ps, struct sg_opnd *o, enum sg_type type);
bool sg_parse_dest(struct sg_parse *ps, struct sg_opnd *o, enum sg_type type);
bool sg_parse_wide_dest(struct sg_parse *ps, struct sg_opnd *o, enum sg_type type);
/* Predicate, optionally complemented. */
bool sg_parse_pred(struct sg_parse *ps, struct sg_opnd *o);
/* [address]; may change the space of param to local. */
bool sg_parse_address(struct sg_parse *ps, struct sg_opnd *o, uint8_t *space);
/* What a name means as a value: its address. False where it has none. */
bool sg_parse_symbol(struct sg_parse *ps, const struct sg_tok *t, struct sg_opnd *o,
		     uint8_t *space);
uint32_t sg_parse_carry(struct sg_parse *ps);

/* insn.c */
bool sg_parse_insn(struct sg_parse *ps, const struct sg_tok *opcode, const struct sg_opnd *guard);
bool sg_parse_signature(struct sg_parse *ps, struct sg_insn *in, const char *letters);
struct sg_insn *sg_parse_emit(struct sg_parse *ps, enum sg_op op, enum sg_type type);

/* special.c: NULL where ops.def describes the family. */
typedef bool sg_special_fn(struct sg_parse *ps, struct sg_insn *in);
sg_special_fn *sg_special(enum sg_op op);

/* call.c */
bool sg_parse_call(struct sg_parse *ps, struct sg_insn *in);
bool sg_parse_ret(struct sg_parse *ps, struct sg_insn *in);
bool sg_parse_formals(struct sg_parse *ps);

/* body.c: the function of a symbol, queued for parsing if it is new. */
struct sg_func *sg_link_func(struct sg_link *l, struct sg_symbol *s);

#endif
