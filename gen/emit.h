/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outputs of the generator. Each writes one file; the C they write is meant
 * to be read: it is what a debugger shows.
 */
#ifndef GEN_EMIT_H
#define GEN_EMIT_H

#include <stdio.h>

#include "gen/model.h"

/**
 * struct gen_out - A file being written
 * @f:		where to
 * @api:	what to write about
 * @family:	family of the output, or NULL for all
 */
struct gen_out {
	FILE *f;
	const struct gen_api *api;
	const char *family;
};

__attribute__((format(printf, 2, 3))) void gen_put(struct gen_out *o, const char *fmt, ...);

/* @text with lines broken behind commas at 92 columns. */
char *gen_wrap(const char *text);

/* First lines of a C file. */
void gen_put_head(struct gen_out *o, const char *what);

/* Whether @f belongs to the output's family. */
bool gen_in_family(const struct gen_out *o, const struct gen_func *f);

/* "CUstream hStream, unsigned int flags", or "void". */
char *gen_param_list(const struct gen_func *f);
/* "hStream, flags" */
char *gen_arg_list(const struct gen_func *f);

/* "CUdeviceptr" of CUdeviceptr *dptr; "void *" of void **pp. */
char *gen_elem_type(const struct gen_param *p);
bool gen_elem_handle(const struct gen_param *p);
bool gen_elem_pod(const struct gen_param *p);
bool gen_elem_struct(const struct gen_param *p);
/* CW_H_STREAM for a CUstream */
char *gen_handle_enum(const struct gen_type *type);

/* Order in which parameters travel: values, single elements, the rest, and an
 * image last: it may be the tail of the command. */
#define GEN_PASSES 4
int gen_pass(const struct gen_param *p);

/* Symbols that have prototypes: those of described functions, not refused. */
bool gen_symbol_lives(const struct gen_func *f, const struct gen_symbol *s);

void gen_emit_proto(struct gen_out *o);
void gen_emit_exports(struct gen_out *o);
void gen_emit_ids(struct gen_out *o);
void gen_emit_names(struct gen_out *o);
void gen_emit_procaddr(struct gen_out *o);
void gen_emit_refused(struct gen_out *o);
void gen_emit_answers(struct gen_out *o);
void gen_emit_weak(struct gen_out *o);
void gen_emit_soft_h(struct gen_out *o);
void gen_emit_soft_c(struct gen_out *o);
void gen_emit_soft_calls(struct gen_out *o);
void gen_emit_policy(struct gen_out *o);
void gen_emit_results(struct gen_out *o);
void gen_emit_attrs(struct gen_out *o);
void gen_emit_driver_h(struct gen_out *o);
void gen_emit_driver_c(struct gen_out *o);
void gen_emit_guest(struct gen_out *o);
void gen_emit_guest_h(struct gen_out *o);
void gen_emit_guest_structs_h(struct gen_out *o);
void gen_emit_guest_structs_c(struct gen_out *o);
void gen_emit_worker(struct gen_out *o);
void gen_emit_worker_h(struct gen_out *o);
void gen_emit_worker_table(struct gen_out *o);
void gen_emit_worker_structs_h(struct gen_out *o);
void gen_emit_worker_structs_c(struct gen_out *o);
void gen_emit_tests(struct gen_out *o);
void gen_emit_coverage(struct gen_out *o);

/* The function that prints a call of @f where tracing is on (emit_trace.c). */
void gen_put_trace(struct gen_out *o, const struct gen_func *f);

#endif
