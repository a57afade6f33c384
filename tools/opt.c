/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option tables over getopt_long(), and the help that comes from them.
 */
#include "tools/ct.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define CT_OPTIONS_MAX 40

/* Values getopt_long() hands back; far from any character. */
enum {
	CT_OPT_HELP = 1000,
	CT_OPT_FIRST
};

struct ct_env {
	const char *name;
	const char *help;
};

/* Every variable that anything of Causeway reads; tests/tools compares. */
static const struct ct_env ct_env_table[] = {
	{ "CAUSEWAY_SOCKET", "path of a daemon's client socket: libcuda connects there" },
	{ "CAUSEWAY_DEVICE", "device node in a VM (default: /dev/vcuda0)" },
	{ "CAUSEWAY_TRACE", "print each CUDA call: '-' for stderr, or a file" },
	{ "CAUSEWAY_LOG", "off, error, warn, info, debug or trace (default: warn)" },
	{ "CAUSEWAY_SOFT_MEM", "memory of the software GPU, with K, M or G" },
	{ "CAUSEWAY_SOFT_CC", "compute capability it says it has (default: 13.0)" },
	{ "CAUSEWAY_SOFT_THREADS", "threads it computes with (default: one per processor)" },
	{ "CAUSEWAY_SOFT_JIT", "1: it compiles kernels (unfinished) instead of interpreting them" },
	{ "CAUSEWAY_SOFT_JIT_LIBRARY", "its compiler (default: libcw-jit.so beside it)" },
	{ "CAUSEWAY_SOFT_ISA", "vectors to compile for: sse4, avx2 or avx512" },
	{ "CAUSEWAY_SOFT_DUMP", "llvm or asm: print what it compiles" },
	{ "CAUSEWAY_SOFT_STATS", "1: print what each kernel did, at the end" },
	{ "CAUSEWAY_SOFT_CACHE", "0: keep no compiled kernels" },
	{ "CAUSEWAY_SOFT_CACHE_DIR", "folder of compiled kernels" },
	{ "CAUSEWAY_SOFT_CACHE_SIZE", "bytes of compiled kernels to keep" },
	{ "CAUSEWAY_SOFT_CACHE_CLEAR", "1: throw them away first" },
	{ "CAUSEWAY_SOFT_LIBCUDA", "libcuda.so.1 that the daemon takes for --backend=soft" },
	{ "CAUSEWAY_NVIDIA_LIBCUDA", "libcuda.so.1 that the daemon takes for --backend=nvidia" },
	{ "CAUSEWAY_KERNEL", "guest kernel: a folder of the cache or a bzImage (causeway run)" },
	{ "CAUSEWAY_QEMU", "QEMU to start (default: qemu-system-x86_64)" },
	{ "CAUSEWAY_VIRTIOFSD", "virtiofsd to start for --share" },
	{ "CAUSEWAY_CLANG", "compiler that causeway cc uses (default: clang-19, clang, clang-14)" },
	{ "CAUSEWAY_CACHE", "folder of fetched kernels (default: ~/.cache/causeway)" },
	{ "CAUSEWAY_SOFT_ARENA_FD", "set by a worker for its software GPU: memory to use," },
	{ "CAUSEWAY_SOFT_ARENA_BASE", "  its address" },
	{ "CAUSEWAY_SOFT_ARENA_SIZE", "  and its size" },
	{ "CAUSEWAY_TEST_HOOKS", "1: a worker obeys what tests ask of it" },
};

void ct_env_help(void)
{
	puts("\nEnvironment:");
	for (size_t i = 0; i < CW_ARRAY_SIZE(ct_env_table); i++)
		printf("  %-24s  %s\n", ct_env_table[i].name, ct_env_table[i].help);
}

void ct_options_help(const struct ct_command *cmd)
{
	printf("usage: causeway %s %s\n\n%s\n\nOptions:\n", cmd->name, cmd->usage, cmd->summary);
	for (const struct ct_option *o = cmd->options; o->name; o++) {
		char left[64];
		const char *sep = !o->arg || *o->arg == '[' ? "" : " ";

		snprintf(left, sizeof(left), "--%s%s%s", o->name, sep, o->arg ? o->arg : "");
		printf("  %-28s  %s\n", left, o->help);
	}
	printf("  %-28s  %s\n", "--help", "show this");
}

static int ct_option_arg(const struct ct_option *o)
{
	if (!o->arg)
		return no_argument;
	return *o->arg == '[' ? optional_argument : required_argument;
}

/* Fills @longs from the table; returns the number of options. */
static int ct_options_long(const struct ct_command *cmd, struct option *longs)
{
	int n = 0;

	for (; cmd->options[n].name && n < CT_OPTIONS_MAX; n++) {
		longs[n] = (struct option){ cmd->options[n].name, ct_option_arg(&cmd->options[n]),
					    NULL, CT_OPT_FIRST + n };
	}
	longs[n] = (struct option){ "help", no_argument, NULL, CT_OPT_HELP };
	longs[n + 1] = (struct option){ 0 };
	return n;
}

int ct_options_parse(const struct ct_command *cmd, void *ctx, int argc, char **argv)
{
	struct option longs[CT_OPTIONS_MAX + 2];
	int bad = cmd->passes ? CT_EXIT_OWN : CT_EXIT_USAGE;
	int n = ct_options_long(cmd, longs);
	int c;

	opterr = 0;
	optind = 1;
	/* '+': stop at the first word, it is the program. */
	while ((c = getopt_long(argc, argv, "+:h", longs, NULL)) != -1) {
		if (c == CT_OPT_HELP || c == 'h') {
			ct_options_help(cmd);
			return -1;
		}
		if (c == ':') {
			ct_error("%s wants an argument; see causeway %s --help", argv[optind - 1],
				 cmd->name);
			return -1 - bad;
		}
		if (c < CT_OPT_FIRST || c >= CT_OPT_FIRST + n) {
			ct_error("unknown option '%s'; see causeway %s --help", argv[optind - 1],
				 cmd->name);
			return -1 - bad;
		}
		if (cmd->options[c - CT_OPT_FIRST].set(ctx, optarg))
			return -1 - bad;
	}
	return optind;
}
