/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causeway soft: a program on the software GPU, no VM, no daemon.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ct.h"
#include "tools/closure.h"
#include "tools/launch.h"

static int soft_set_trace(void *ctx, const char *value)
{
	return ct_set_trace(value);
}

static int soft_set_stats(void *ctx, const char *value)
{
	return setenv("CAUSEWAY_SOFT_STATS", "1", 1);
}

static int soft_set_compile(void *ctx, const char *value)
{
	return setenv("CAUSEWAY_SOFT_JIT", "1", 1);
}

static int soft_set_dump_llvm(void *ctx, const char *value)
{
	return setenv("CAUSEWAY_SOFT_DUMP", "llvm", 1);
}

static int soft_set_dump_asm(void *ctx, const char *value)
{
	return setenv("CAUSEWAY_SOFT_DUMP", "asm", 1);
}

static int soft_set_cache_dir(void *ctx, const char *value)
{
	return setenv("CAUSEWAY_SOFT_CACHE_DIR", value, 1);
}

static int soft_set_no_cache(void *ctx, const char *value)
{
	return setenv("CAUSEWAY_SOFT_CACHE", "0", 1);
}

static int soft_set_cache_clear(void *ctx, const char *value)
{
	return setenv("CAUSEWAY_SOFT_CACHE_CLEAR", "1", 1);
}

static const struct ct_option soft_options[] = {
	{ "trace", "[=FILE]", soft_set_trace, "print each CUDA call (default: on stderr)" },
	{ "stats", NULL, soft_set_stats, "say at the end how each kernel ran, and why" },
	{ "compile", NULL, soft_set_compile, "compile kernels (unfinished), not interpret" },
	{ "cache-dir", "DIR", soft_set_cache_dir, "keep compiled kernels in DIR" },
	{ "no-cache", NULL, soft_set_no_cache, "neither use nor keep compiled kernels on disk" },
	{ "cache-clear", NULL, soft_set_cache_clear, "forget the kernels kept so far, first" },
	{ "dump-llvm", NULL, soft_set_dump_llvm, "print kernels as LLVM IR when compiled" },
	{ "dump-asm", NULL, soft_set_dump_asm, "print kernels as machine code when compiled" },
	{ 0 },
};

static int soft_run(const struct ct_command *cmd, int argc, char **argv)
{
	int first = ct_options_parse(cmd, NULL, argc, argv);

	if (first < 0)
		return -1 - first;
	if (first == argc) {
		ct_error("which program? causeway soft -- PROGRAM [ARGUMENT...]");
		return CT_EXIT_OWN;
	}
	if (ct_use_library("soft"))
		return CT_EXIT_OWN;
	return ct_launch(argv + first);
}

const struct ct_command ct_cmd_soft = {
	.name = "soft",
	.usage = "[OPTION...] -- PROGRAM [ARGUMENT...]",
	.summary = "Runs a CUDA program on the software GPU, without a VM.",
	.options = soft_options,
	.passes = true,
	.run = soft_run,
};
