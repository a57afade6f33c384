/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causeway cc: CUDA programs compiled with clang, our headers and libcudart.
 */
#include "tools/cc/cc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/closure.h"
#include "tools/ct.h"
#include "tools/launch.h"

/* In the order of preference; others are untried. */
static const char *const cc_clangs[] = { "clang-19", "clang", "clang-14" };

/* Sets args->clang to a compiler that is there. */
static int cc_find_clang(struct cc_args *args)
{
	char *path;

	if (!args->clang)
		args->clang = getenv("CAUSEWAY_CLANG");
	for (size_t i = 0; !args->clang && i < CW_ARRAY_SIZE(cc_clangs); i++) {
		if (!ct_find_program(cc_clangs[i], &path)) {
			free(path);
			args->clang = cc_clangs[i];
		}
	}
	if (!args->clang || ct_find_program(args->clang, &path)) {
		ct_error("no %s: apt-get install clang-19", args->clang ? args->clang : "clang");
		return -ENOENT;
	}
	free(path);
	return 0;
}

/* Name of the file that -c and its like make of a source, in this folder. */
static char *cc_name(const struct cc_args *args, const char *source)
{
	static const char *const suffixes[] = {
		[CC_OBJECT] = ".o", [CC_PTX] = ".ptx", [CC_FATBIN] = ".fatbin",
	};
	const char *slash = strrchr(source, '/');
	const char *base = slash ? slash + 1 : source;
	char *name;

	if (args->out)
		return strdup(args->out);
	if (asprintf(&name, "%.*s%s", (int)(strrchr(base, '.') - base), base,
		     suffixes[args->goal]) < 0)
		return NULL;
	return name;
}

/* Compiles each source; for a program the objects take the sources' places. */
static int cc_compile_all(struct cc_args *args, const char *dir)
{
	char temp[PATH_MAX], *out;
	int status = 0;

	for (size_t i = 0; i < args->n_sources && !status; i++) {
		char **word = &args->link.s[args->source_at[i]];

		snprintf(temp, sizeof(temp), "%s/%zu", dir, i);
		if (args->goal != CC_PROGRAM)
			out = cc_name(args, *word);
		else if (asprintf(&out, "%s.o", temp) < 0)
			out = NULL;
		if (!out)
			return CT_EXIT_OWN << 8;
		status = cc_compile(args, *word, temp, out);
		if (args->goal == CC_PROGRAM) {
			free(*word);
			*word = out;
		} else {
			free(out);
		}
	}
	return status;
}

static void cc_remove_temp(const struct cc_args *args, const char *dir)
{
	static const char *const suffixes[] = { "ptx", "fatbin", "o" };
	char path[PATH_MAX];

	for (size_t i = 0; i < args->n_sources; i++) {
		for (size_t j = 0; j < CW_ARRAY_SIZE(suffixes); j++) {
			snprintf(path, sizeof(path), "%s/%zu.%s", dir, i, suffixes[j]);
			unlink(path);
		}
	}
	rmdir(dir);
}

static int cc_work(struct cc_args *args)
{
	const char *tmp = getenv("TMPDIR");
	char dir[PATH_MAX / 2];
	int status;

	if (snprintf(dir, sizeof(dir), "%s/causeway-cc-XXXXXX", tmp ? tmp : "/tmp") >=
		    (int)sizeof(dir) ||
	    !mkdtemp(dir)) {
		ct_error("cannot make a folder in %s: %s", tmp ? tmp : "/tmp", strerror(errno));
		return CT_EXIT_OWN << 8;
	}
	status = cc_compile_all(args, dir);
	if (!status && args->goal == CC_PROGRAM)
		status = cc_link(args, args->out ? args->out : "a.out");
	cc_remove_temp(args, dir);
	return status;
}

static int cc_main(const struct ct_command *cmd, int argc, char **argv)
{
	struct cc_args args;
	int err = cc_parse(&args, argc, argv);
	int status = err > 0 ? 0 : CT_EXIT_USAGE;

	if (!err)
		status = cc_find_clang(&args) ? CT_EXIT_NOT_FOUND : ct_end_like(cc_work(&args));
	cc_free(&args);
	return status;
}

const struct ct_command ct_cmd_cc = {
	.name = "cc",
	.usage = "[OPTION...] FILE...",
	.summary = "Compiles a CUDA program with clang; no toolkit is needed.",
	.run = cc_main,
};
