/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CUDA API in memory, as the description files say it.
 *
 * docs/api-description.md is the manual of the language; names here are its
 * key words.
 */
#ifndef GEN_MODEL_H
#define GEN_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "gen/scan.h"

/**
 * enum gen_type_kind - What a C type is to the wire
 * @GEN_SCALAR:		number or enum: one word
 * @GEN_HANDLE:		handle: one word, translated by the worker
 * @GEN_POD:		structure without pointers or handles: its bytes
 * @GEN_STRUCT:		structure described field by field
 * @GEN_CALLBACK:	function pointer: only for engines
 * @GEN_OPAQUE:		only for local functions and engines
 */
enum gen_type_kind {
	GEN_SCALAR,
	GEN_HANDLE,
	GEN_POD,
	GEN_STRUCT,
	GEN_CALLBACK,
	GEN_OPAQUE,
};

struct gen_type;

/**
 * struct gen_field - A line of a structure
 * @type:	its type; NULL for a case line, which opens a part of a union
 * @path:	member, as C writes it behind the dot
 * @count:	expression for the length of the array it points to, or NULL;
 *		@ stands for the structure
 * @key:	discriminating member of the union it is in, or NULL
 * @cases:	values of @key it is for
 */
struct gen_field {
	const struct gen_line *line;
	const struct gen_type *type;
	const char *path;
	const char *count;
	const char *key;
	const char *const *cases;
	int ncases;
};

struct gen_type {
	const struct gen_line *line;
	const char *name;
	enum gen_type_kind kind;
	const char *handle; /* CW_H_ name, lower case, for GEN_HANDLE */
	const char *fmt;    /* printf conversion for GEN_SCALAR */
	struct gen_field *field;
	int nfields;
};

/* Value types of an attribute enum: attribute name -> type. */
struct gen_attrs {
	const struct gen_line *line;
	const char *name;
	struct gen_attr {
		const char *attr;
		const char *type;
	} * attr;
	int n;
};

/* A device attribute and what becomes of it in a guest (SEMANTICS 6). */
struct gen_policy {
	const struct gen_line *line;
	const char *attr;
	const char *how; /* pass, constant, computed */
	const char *value;
};

enum gen_dir {
	GEN_IN,
	GEN_OUT,
	GEN_INOUT
};

/**
 * enum gen_form - How a parameter crosses
 * @GEN_F_NONE:		it does not (local functions, engines, fixed=)
 * @GEN_F_VALUE:	by value: scalar, handle or plain structure
 * @GEN_F_ONE:		pointer to one element
 * @GEN_F_ARRAY:	pointer to count= elements
 * @GEN_F_BYTES:	bytes= bytes, or attr= bytes
 * @GEN_F_STRING:	zero-terminated, in
 * @GEN_F_CHARS:	text into a buffer of chars= bytes
 * @GEN_F_NAME:		text owned by an object, out
 * @GEN_F_BORROWED:	array owned by an object, of borrowed= elements, out
 * @GEN_F_IMAGE:	code of a module
 */
enum gen_form {
	GEN_F_NONE,
	GEN_F_VALUE,
	GEN_F_ONE,
	GEN_F_ARRAY,
	GEN_F_BYTES,
	GEN_F_STRING,
	GEN_F_CHARS,
	GEN_F_NAME,
	GEN_F_BORROWED,
	GEN_F_IMAGE,
};

struct gen_param {
	const struct gen_line *line;
	enum gen_dir dir;
	enum gen_form form;
	const char *decl; /* C declaration */
	const char *name;
	const char *base; /* type name without const and stars */
	int stars;
	const struct gen_type *type;
	/* properties */
	const char *count, *bytes, *chars, *attr, *value, *fixed, *borrowed;
	const struct gen_attrs *attrs; /* of attr= */
	const char *attr_expr;
	bool optional, creates, destroys, chosen, layout, address, image;
};

struct gen_symbol {
	const struct gen_line *line;
	const char *name;
	int version;
	bool per_thread;
	const char *refused; /* reason, or NULL */
};

enum gen_class {
	GEN_LOCAL,
	GEN_ASYNC,
	GEN_INLINE,
	GEN_SYNC
};

struct gen_text {
	const char *a, *b;
};

#define GEN_PARAMS 24
#define GEN_SYMBOLS 16
#define GEN_NOTES 8

/* A copy, copy2d or copy3d line: C expressions. */
struct gen_copy {
	const char *keyword;
	const char *dst, *src, *bytes, *stream;
	const char *param;
	bool async;
};

/* A launch line: C expressions. */
struct gen_launch {
	const char *function;
	const char *grid, *block, *shared, *stream, *extra;
	const char *config;
	bool cooperative;
};

/**
 * struct gen_func - A function: one signature
 * @name:	its name in the wire protocol: base name, or the symbol where a
 *		later version has other parameters
 * @refused:	reason, where the whole function is refused
 * @engine:	C expression that does the call instead of a crossing
 * @local:	C expression that answers it
 * @require:	condition, error
 * @after:	C statements of the guest after success
 */
struct gen_func {
	const struct gen_line *line;
	const char *name;
	const char *family;
	const char *doc;
	const char *refused;
	uint32_t id;
	enum gen_class cls;
	bool has_class;
	struct gen_symbol symbol[GEN_SYMBOLS];
	int nsymbols;
	struct gen_param param[GEN_PARAMS];
	int nparams;
	bool no_init, no_ctx, callback_ok, binds;
	const char *wait;
	const char *engine, *local;
	struct gen_copy copy;
	struct gen_launch launch;
	const char *file_param; /* file whose contents are $file in @engine */
	const char *shortcut;	/* when true, out parameters get their value= */
	struct gen_text require[GEN_NOTES];
	int nrequires;
	const char *before[GEN_NOTES];
	int nbefores;
	const char *again;  /* after a failure: whether to call once more */
	const char *accept; /* what an answer must pass before the program sees it */
	const char *after[GEN_NOTES];
	int nafters;
	struct gen_text error[GEN_NOTES];
	int nerrors;
	const char *cache_key, *cache_value;
	struct gen_text drops[GEN_NOTES];
	int ndrops;
	const char *hand_guest, *hand_worker;
	const char *soft_refused;
	const char *test;
};

struct gen_family {
	const char *name;
	const char *title;
};

/* A CUresult and what it means. */
struct gen_result {
	const char *name, *text;
};

struct gen_api {
	struct gen_result *result;
	int nresults;
	struct gen_family *family;
	int nfamilies;
	struct gen_type *type;
	int ntypes;
	struct gen_attrs *attrs;
	int nattrs;
	struct gen_policy *policy;
	int npolicies;
	struct gen_func *func;
	int nfuncs;
};

/**
 * gen_parse() - Add the entries of a file to the API
 * @api:	what was read so far
 * @file:	a description file
 */
void gen_parse(struct gen_api *api, const struct gen_file *file);

/* One line of a function or refused entry; false: not known. */
void gen_parse_func_line(struct gen_func *f, const struct gen_line *line);

/**
 * gen_resolve() - Find the types and forms of all parameters
 * @api:	everything read
 */
void gen_resolve(struct gen_api *api);

/**
 * gen_check() - Check what no single line shows
 * @api:	resolved API
 */
void gen_check(const struct gen_api *api);

const struct gen_type *gen_find_type(const struct gen_api *api, const char *name);
const struct gen_func *gen_find_func(const struct gen_api *api, const char *name);

/* Base name of a symbol: without _vN, _ptsz and _ptds. */
char *gen_base_name(const char *symbol);
uint32_t gen_hash(const char *name);

/* The symbol by which a worker calls a function. */
const struct gen_symbol *gen_main_symbol(const struct gen_func *f);
/* Whether the worker has a body for it, generated or by hand. */
bool gen_dispatched(const struct gen_func *f);
/* The by-value stream that a per-thread symbol replaces, or NULL. */
const struct gen_param *gen_stream_param(const struct gen_func *f);
bool gen_has_per_thread(const struct gen_func *f);
/* Whether a structure holds arrays: those only travel to the worker. */
bool gen_has_array(const struct gen_type *type);
/* Stubs of functions without a stream take one more argument: the default stream. */
bool gen_extra_stream(const struct gen_func *f);
/* Whether the guest sends the function itself to the worker. */
bool gen_crosses(const struct gen_func *f);

#endif
