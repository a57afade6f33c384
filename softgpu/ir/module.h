/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loaded PTX module: what the driver API needs to know of it.
 *
 * Theory of operation: sg_module_parse() indexes the text in one pass: names,
 * types and extents of entries, functions and variables. Bodies are parsed by
 * sg_entry_prepare() at first use, because a module may have thousands of
 * kernels of which a program launches a few. The text is copied; the caller's
 * buffer may go away.
 *
 * Order of calls: parse, then sg_module_place() (gives each variable its device
 * address and writes the initialisers), then prepare and launch entries.
 *
 * A log buffer always ends up NUL-terminated; a message names the line.
 */
#ifndef SOFTGPU_IR_MODULE_H
#define SOFTGPU_IR_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How messages begin, with the line of the text: as NVIDIA's assembler has it. */
#define SG_MESSAGE "ptxas application ptx input, line %u; error   : "

struct sg_module;
struct sg_entry;
struct sg_symbol;

/* State spaces of variables that live outside a kernel. */
enum sg_var_space {
	SG_VAR_GLOBAL,
	SG_VAR_CONST,
};

/**
 * struct sg_var_info - A module-scope variable in .global or .const
 * @name:	as in the text (C++ names are mangled)
 * @space:	where it lives
 * @size:	bytes
 * @align:	power of two, at least the natural one
 * @addr:	device address, 0 before sg_module_place()
 * @external:	declared .extern and defined by no text of this module
 * @managed:	carries .attribute(.managed)
 */
struct sg_var_info {
	const char *name;
	enum sg_var_space space;
	uint64_t size;
	uint32_t align;
	uint64_t addr;
	bool external;
	bool managed;
};

/* One kernel parameter: place in the parameter buffer, bytes. */
struct sg_param_info {
	uint32_t offset;
	uint32_t size;
	uint32_t align;
};

/**
 * struct sg_entry_info - What is known of a kernel before it is prepared
 * @name:	as in the text
 * @params:	@nparams parameters in order
 * @param_bytes: size of the parameter buffer (end of the last parameter)
 * @maxntid:	.maxntid, or 0 where not given; a missing dimension is 1
 * @reqntid:	.reqntid likewise
 * @minnctapersm: .minnctapersm, or 0
 */
struct sg_entry_info {
	const char *name;
	const struct sg_param_info *params;
	uint32_t nparams;
	uint32_t param_bytes;
	uint32_t maxntid[3];
	uint32_t reqntid[3];
	uint32_t minnctapersm;
};

/**
 * struct sg_entry_usage - What a prepared kernel needs
 * @static_shared: bytes of .shared with a size known here
 * @local_bytes: bytes of .local per thread, called functions included
 * @const_bytes: bytes of .const in the module
 * @regs:	registers per thread: an estimate, at most 255
 * @max_threads: threads per block that may be launched (.maxntid product, or 1024)
 */
struct sg_entry_usage {
	uint32_t static_shared;
	uint32_t local_bytes;
	uint32_t const_bytes;
	uint32_t regs;
	uint32_t max_threads;
};

/* One PTX text; several make a linked module (-rdc, cuLink*). */
struct sg_source {
	const char *text;
	size_t len;
};

/**
 * sg_module_parse() - Index one PTX text
 * @text:	PTX, need not be NUL-terminated; a trailing NUL is ignored
 * @len:	bytes
 * @ret_module:	the module, freed with sg_module_free()
 * @log:	message on failure, may be NULL
 * @log_size:	bytes of @log
 *
 * Return: 0, -EINVAL for text that is not PTX we take, -ENOMEM.
 */
int sg_module_parse(const char *text, size_t len, struct sg_module **ret_module, char *log,
		    size_t log_size);

/**
 * sg_module_link() - Index several texts as one module
 * @sources:	texts; .extern names of one are found in the others
 * @n:		how many, at least 1
 * @ret_module:	as sg_module_parse()
 * @log:	message on failure, may be NULL
 * @log_size:	bytes of @log
 *
 * Return: 0, -EINVAL, -ENOMEM; -EEXIST where two texts define one visible name.
 */
int sg_module_link(const struct sg_source *sources, size_t n, struct sg_module **ret_module,
		   char *log, size_t log_size);

/* Takes NULL. No launch may be running. */
void sg_module_free(struct sg_module *m);

/* PTX version times 10 (63 = 6.3) and .target number (75) of the first text. */
uint32_t sg_module_ptx_version(const struct sg_module *m);
uint32_t sg_module_target(const struct sg_module *m);

size_t sg_module_entry_count(const struct sg_module *m);
struct sg_entry *sg_module_entry(const struct sg_module *m, size_t i);
/* NULL where there is none of that name. */
struct sg_entry *sg_module_find_entry(const struct sg_module *m, const char *name);
const struct sg_entry_info *sg_entry_info(const struct sg_entry *e);
struct sg_module *sg_entry_module(const struct sg_entry *e);

/* The variable behind the place @at, 0 at first; false: there is none. */
bool sg_module_next_var(const struct sg_module *m, size_t *at, struct sg_var_info *ret_info);
/* 0 or -ENOENT. */
int sg_module_find_var(const struct sg_module *m, const char *name, struct sg_var_info *ret_info);

/* Names declared .extern .func that neither a text nor the built-ins define. */
size_t sg_module_undefined_count(const struct sg_module *m);
const char *sg_module_undefined(const struct sg_module *m, size_t i);

/**
 * struct sg_placer - How a module gets device memory for its variables
 * @place:	gives the device address of one variable, 0 to refuse (out of
 *		memory). For @info->external it may look the name up elsewhere.
 * @write:	stores initial bytes at a device address; 0 or -errno. Called for
 *		all of a variable that is not external (zeroes where the text
 *		gives none), so the memory need not be cleared.
 */
struct sg_placer {
	uint64_t (*place)(void *opaque, const struct sg_var_info *info);
	int (*write)(void *opaque, uint64_t addr, const void *bytes, size_t len);
	void *opaque;
};

/**
 * sg_module_place() - Give every variable an address, write initialisers
 * @m:		module, not placed yet
 * @placer:	the embedder's memory
 * @log:	message on failure, may be NULL
 * @log_size:	bytes of @log
 *
 * Return: 0, -ENOMEM where @place refused, -EINVAL for an initialiser that
 * cannot be evaluated, or what @write returned.
 */
int sg_module_place(struct sg_module *m, const struct sg_placer *placer, char *log,
		    size_t log_size);

/**
 * sg_entry_prepare() - Parse a kernel and what it calls, ready to launch
 * @e:		entry of a placed module
 * @log:	message on failure, may be NULL
 * @log_size:	bytes of @log
 *
 * Thread: any; the work is done once, others wait for it. A failure is kept
 * and reported again.
 *
 * Return: 0, -EINVAL for an instruction outside the table, -ENOENT for an
 * undefined function, -ENOMEM.
 */
int sg_entry_prepare(struct sg_entry *e, char *log, size_t log_size);

/* Only after sg_entry_prepare() returned 0. */
void sg_entry_usage(const struct sg_entry *e, struct sg_entry_usage *ret_usage);

#endif
