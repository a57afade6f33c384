/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module from the inside: symbols and the texts they point into.
 */
#ifndef SOFTGPU_PTX_MODULE_PRIV_H
#define SOFTGPU_PTX_MODULE_PRIV_H

#include <pthread.h>

#include "cw/util.h"
#include "softgpu/ir/ir.h"
#include "softgpu/ir/module.h"
#include "softgpu/ptx/lex.h"

/* More is not PTX anybody wrote: a bound on what hostile text can ask for. */
#define SG_MAX_PARAMS 4096
#define SG_MAX_VAR_SIZE (1ull << 38)
#define SG_MAX_FRAME (512u << 10)
#define SG_MAX_SHARED (4u << 20)
#define SG_MAX_FUNCS 4096

/* Where messages go; sticky: the first one stays. */
struct sg_log {
	char *buf;
	size_t size;
	bool failed;
};

CW_PRINTF(3, 4) void sg_log_error(struct sg_log *log, uint32_t line, const char *fmt, ...);

/* A piece of text to be parsed later. */
struct sg_extent {
	const char *p, *end;
	uint32_t line;
};

#define SG_MAX_DIMS 4

/* What a variable or parameter declaration says. */
struct sg_decl {
	const char *name;
	uint32_t name_len;
	uint32_t line;
	enum sg_type type;
	uint32_t vec;
	uint32_t align;
	uint32_t ndims;
	uint64_t dims[SG_MAX_DIMS];
	uint64_t size;		/* 0: [] */
	bool managed;
	bool is_reg;
	bool opaque;		/* texref and its kin */
};

enum sg_symbol_kind {
	SG_SYM_VAR,
	SG_SYM_SHARED,
	SG_SYM_FUNC,
	SG_SYM_ENTRY,
	SG_SYM_ALIAS,
};

/* A parameter or return value of a function, or parameter of a kernel. */
struct sg_formal {
	const char *name;
	uint32_t name_len;
	uint8_t type;
	bool is_reg;
	bool is_array;
	uint32_t offset;
};

struct sg_signature {
	struct sg_formal *formals;	/* return values first */
	struct sg_param_info *places;
	uint32_t nrets, n;
	uint32_t bytes;
};

struct sg_symbol {
	char *name;
	enum sg_symbol_kind kind;
	uint32_t unit;
	uint32_t line;
	uint32_t next;			/* hash chain, index + 1 */
	bool visible, weak, external;
	/* variables */
	enum sg_var_space space;
	struct sg_decl decl;
	struct sg_extent init;
	uint64_t addr;
	/* functions and entries */
	struct sg_signature sig;
	struct sg_extent body;
	enum sg_builtin builtin;
	struct sg_entry *entry;
	/* alias */
	char *alias_of;
};

struct sg_entry {
	struct sg_module *module;
	uint32_t symbol;
	struct sg_entry_info info;
	pthread_mutex_t lock;
	bool prepared;
	int prepare_rc;
	char *prepare_log;
	struct sg_prog *prog;
};

struct sg_module {
	char **texts;
	size_t ntexts;
	uint32_t version, target;
	struct sg_symbol *symbols;
	uint32_t nsymbols, symbols_cap;
	uint32_t *buckets;
	uint32_t nbuckets;
	struct sg_entry **entries;
	size_t nentries, entries_cap;
	uint32_t const_bytes;
	bool placed;
};

/* ptx/symbol.c */
/*
 * Definition of a name as seen from a text: one of its own, else a visible one
 * of another text, else an .extern declaration. Aliases are followed. NULL
 * where the name is unknown.
 */
struct sg_symbol *sg_symbol_find(const struct sg_module *m, uint32_t unit, const char *name,
				 size_t len);
/* NULL with a message in @log. Takes over nothing of @proto but copies it. */
struct sg_symbol *sg_symbol_add(struct sg_module *m, const struct sg_symbol *proto,
				const struct sg_tok *name, struct sg_log *log);
int sg_module_check_duplicates(struct sg_module *m, struct sg_log *log);

/* ptx/decl.c */
bool sg_decl_parse(struct sg_lex *lx, struct sg_decl *ret_decl, struct sg_log *log);
bool sg_signature_parse(struct sg_lex *lx, struct sg_signature *sig, bool rets,
			struct sg_log *log);
void sg_signature_finish(struct sg_signature *sig);

/* ptx/index.c */
int sg_module_index(struct sg_module *m, uint32_t unit, const char *text, size_t len,
		    struct sg_log *log);

/* ptx/body.c */
struct sg_prog *sg_prog_parse(struct sg_entry *e, struct sg_log *log, int *ret_rc);

#endif
