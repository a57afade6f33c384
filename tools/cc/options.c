/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of `causeway cc`: that of a C compiler, with the few words
 * of nvcc that the sources of others are built with. Every word is known to a
 * table, for clang runs up to three times and each run takes others.
 */
#include "tools/cc/cc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ct.h"

/* How an option and its argument are written. */
enum cc_form {
	CC_ALONE,	/* -c */
	CC_PREFIX,	/* -Wall: the whole word is passed on */
	CC_ARG,		/* -o FILE, -oFILE */
	CC_EQUALS,	/* -arch=sm_75, -arch sm_75 */
};

struct cc_option {
	const char *name;
	enum cc_form form;
	int pass; /* enum cc_pass, where it is only handed on */
	int (*set)(struct cc_args *args, const char *value);
	const char *arg;
	const char *help; /* NULL: another spelling of the one before */
};

static int cc_set_out(struct cc_args *args, const char *value)
{
	args->out = value;
	return 0;
}

static int cc_set_object(struct cc_args *args, const char *value)
{
	args->goal = CC_OBJECT;
	return 0;
}

static int cc_set_ptx(struct cc_args *args, const char *value)
{
	args->goal = CC_PTX;
	return 0;
}

static int cc_set_fatbin(struct cc_args *args, const char *value)
{
	args->goal = CC_FATBIN;
	return 0;
}

static int cc_set_verbose(struct cc_args *args, const char *value)
{
	args->verbose = true;
	return 0;
}

static int cc_set_clang(struct cc_args *args, const char *value)
{
	args->clang = value;
	return 0;
}

static int cc_set_arch(struct cc_args *args, const char *value)
{
	const char *digits = strchr(value, '_');
	char *end;

	if (digits && (!strncmp(value, "sm_", 3) || !strncmp(value, "compute_", 8)))
		args->arch = strtoul(digits + 1, &end, 10);
	if (!digits || *end || args->arch < 30) {
		ct_error("-arch=%s: wanted is sm_NN, as in sm_75", value);
		return -EINVAL;
	}
	return 0;
}

static int cc_set_cudart(struct cc_args *args, const char *value)
{
	args->cudart = strcmp(value, "none") != 0;
	if (args->cudart && strcmp(value, "shared")) {
		ct_error("--cudart=%s: there are shared and none", value);
		return -EINVAL;
	}
	return 0;
}

static int cc_set_version(struct cc_args *args, const char *value)
{
	unsigned int major, minor;
	char rest;

	if (sscanf(value, "%2u.%1u%c", &major, &minor, &rest) != 2 || major < 9 || major > 13) {
		ct_error("--cuda-version=%s: wanted is 9.0 to 13.0", value);
		return -EINVAL;
	}
	args->version = value;
	return 0;
}

/* One word of nvcc: commas part words for the host's compiler. */
static int cc_set_xcompiler(struct cc_args *args, const char *value)
{
	while (*value) {
		size_t n = strcspn(value, ",");

		if (n && ct_strv_take(&args->host, strndup(value, n)))
			return -ENOMEM;
		value += n + (value[n] == ',');
	}
	return 0;
}

static int cc_set_rdc(struct cc_args *args, const char *value)
{
	if (!strcmp(value, "false"))
		return 0;
	ct_error("device code is not linked across files here; -rdc=true needs nvcc");
	return -EINVAL;
}

/* -lcuda and -lcudart name what is linked anyway; the rest is the linker's. */
static int cc_set_library(struct cc_args *args, const char *value)
{
	static const char *const ours[] = { "cuda", "cudart", "cudart_static", "cudadevrt" };

	for (size_t i = 0; args->cudart && i < CW_ARRAY_SIZE(ours); i++) {
		if (!strcmp(value, ours[i]))
			return 0;
	}
	return ct_strv_addf(&args->link, "-l%s", value);
}

/* The first that fits counts, so longer names go before shorter ones. */
static const struct cc_option cc_options[] = {
	{ "-o", CC_ARG, 0, cc_set_out, " FILE", "write there" },
	{ "-c", CC_ALONE, 0, cc_set_object, "", "compile, do not link" },
	{ "-ptx", CC_ALONE, 0, cc_set_ptx, "", "stop at the PTX text of the device's side" },
	{ "--ptx", CC_ALONE, 0, cc_set_ptx },
	{ "-fatbin", CC_ALONE, 0, cc_set_fatbin, "", "stop at its fat binary" },
	{ "--fatbin", CC_ALONE, 0, cc_set_fatbin },
	{ "-arch", CC_EQUALS, 0, cc_set_arch, "=sm_NN", "GPU to compile for (default: sm_75)" },
	{ "--gpu-architecture", CC_EQUALS, 0, cc_set_arch },
	{ "-O", CC_PREFIX, CC_COMPILE, NULL, "N", "optimise: 0, 1, 2, 3, s (default: 2)" },
	{ "-g", CC_PREFIX, CC_HOST | CC_LINK, NULL, "",
	  "debug information of the host's side" },
	{ "-isystem", CC_ARG, CC_COMPILE, NULL },
	{ "-include", CC_ARG, CC_COMPILE, NULL },
	{ "-I", CC_ARG, CC_COMPILE, NULL, " DIR",
	  "also -isystem, -include, -D, -U: as in any C compiler" },
	{ "-D", CC_ARG, CC_COMPILE, NULL },
	{ "-U", CC_ARG, CC_COMPILE, NULL },
	{ "-std=", CC_PREFIX, CC_COMPILE, NULL, "STD", "C++ or C standard" },
	{ "-Wl,", CC_PREFIX, CC_LINK, NULL, "WORD", "for the linker" },
	{ "-W", CC_PREFIX, CC_COMPILE, NULL, "NAME", "warnings" },
	{ "-w", CC_ALONE, CC_COMPILE, NULL },
	{ "-fopenmp", CC_PREFIX, CC_HOST | CC_LINK, NULL },
	{ "-fsanitize", CC_PREFIX, CC_HOST | CC_LINK, NULL },
	{ "-f", CC_PREFIX, CC_COMPILE, NULL, "NAME",
	  "-ffast-math and so on; -fsanitize= is for the host only" },
	{ "-march=", CC_PREFIX, CC_HOST, NULL },
	{ "-m", CC_PREFIX, CC_HOST, NULL },
	{ "-MF", CC_ARG, CC_HOST, NULL },
	{ "-MT", CC_ARG, CC_HOST, NULL },
	{ "-MQ", CC_ARG, CC_HOST, NULL },
	{ "-M", CC_PREFIX, CC_HOST, NULL, "D", "-MD, -MMD, -MF FILE: dependencies for make" },
	{ "-pthread", CC_ALONE, CC_HOST | CC_LINK, NULL },
	{ "-Xcompiler", CC_EQUALS, 0, cc_set_xcompiler, " WORD,...",
	  "for the compiler of the host's side" },
	{ "-L", CC_ARG, CC_LINK, NULL, " DIR",
	  "also -shared, -static-libstdc++, -rdynamic, -s: for the linker" },
	{ "-l", CC_ARG, 0, cc_set_library, "NAME",
	  "a library; -lcuda and -lcudart are linked anyway" },
	{ "-shared", CC_ALONE, CC_LINK, NULL },
	{ "-static-lib", CC_PREFIX, CC_LINK, NULL },
	{ "-rdynamic", CC_ALONE, CC_LINK, NULL },
	{ "-s", CC_ALONE, CC_LINK, NULL },
	{ "-pie", CC_ALONE, CC_LINK, NULL },
	{ "-no-pie", CC_ALONE, CC_LINK, NULL },
	{ "-rdc", CC_EQUALS, 0, cc_set_rdc },
	{ "--cudart", CC_EQUALS, 0, cc_set_cudart, "=shared|none",
	  "none: link no CUDA library unasked" },
	{ "-cudart", CC_EQUALS, 0, cc_set_cudart },
	{ "--cuda-version", CC_EQUALS, 0, cc_set_version, "=V",
	  "runtime to compile for, 9.0 to 13.0 (default: 13.0); one before 13 "
	  "is linked by hand" },
	{ "--clang", CC_EQUALS, 0, cc_set_clang, "=PROG",
	  "compiler to use (default: clang-19, clang, clang-14)" },
	{ "-v", CC_ALONE, 0, cc_set_verbose, "", "print each command" },
	{ "--verbose", CC_ALONE, 0, cc_set_verbose },
};

static void cc_help(void)
{
	puts("usage: causeway cc [OPTION...] FILE...\n\n"
	     "Compiles CUDA programs with clang: no toolkit of NVIDIA's is needed.\n"
	     "FILE: .cu, .c, .cc, .cpp, .cxx, or objects and libraries to link.\n"
	     "The program runs by `causeway soft|exec|run -- ./PROGRAM`.\n\nOptions:");
	for (size_t i = 0; i < CW_ARRAY_SIZE(cc_options); i++) {
		const struct cc_option *o = &cc_options[i];
		char left[64];

		if (!o->help)
			continue;
		snprintf(left, sizeof(left), "%s%s", o->name, o->arg);
		printf("  %-26s %s\n", left, o->help);
	}
	printf("  %-26s %s\n", "--help", "show this");
}

static int cc_pass_word(struct cc_args *args, int pass, const char *word)
{
	int err = 0;

	if (pass & CC_HOST)
		err = ct_strv_add(&args->host, word);
	if (!err && (pass & CC_DEVICE))
		err = ct_strv_add(&args->device, word);
	if (!err && (pass & CC_LINK))
		err = ct_strv_add(&args->link, word);
	return err;
}

static bool cc_option_fits(const struct cc_option *o, const char *word)
{
	size_t n = strlen(o->name);

	if (strncmp(word, o->name, n))
		return false;
	return o->form == CC_PREFIX || o->form == CC_ARG || !word[n] ||
	       (o->form == CC_EQUALS && word[n] == '=');
}

/* Handles option @o at argv[*i], and moves *i on where it takes the next word. */
static int cc_option(struct cc_args *args, const struct cc_option *o, char **argv, int *i)
{
	const char *value = argv[*i] + strlen(o->name);
	int err;

	if (o->form == CC_ALONE || o->form == CC_PREFIX)
		return o->set ? o->set(args, value) : cc_pass_word(args, o->pass, argv[*i]);
	if (*value) {
		value += o->form == CC_EQUALS;
	} else {
		value = argv[*i + 1];
		if (!value) {
			ct_error("%s wants an argument; see causeway cc --help", o->name);
			return -EINVAL;
		}
		(*i)++;
	}
	if (o->set)
		return o->set(args, value);
	err = cc_pass_word(args, o->pass, o->name);
	return err ? err : cc_pass_word(args, o->pass, value);
}

bool cc_is_cuda(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && !strcmp(dot, ".cu");
}

static int cc_input(struct cc_args *args, const char *path)
{
	static const char *const sources[] = { ".cu", ".c", ".cc", ".cpp", ".cxx", ".C" };
	const char *dot = strrchr(path, '.');
	size_t *grown;

	for (size_t i = 0; dot && i < CW_ARRAY_SIZE(sources); i++) {
		if (strcmp(dot, sources[i]))
			continue;
		grown = realloc(args->source_at, (args->n_sources + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		args->source_at = grown;
		grown[args->n_sources++] = args->link.n;
	}
	return ct_strv_add(&args->link, path);
}

static int cc_word(struct cc_args *args, char **argv, int *i)
{
	if (argv[*i][0] != '-')
		return cc_input(args, argv[*i]);
	for (size_t j = 0; j < CW_ARRAY_SIZE(cc_options); j++) {
		if (cc_option_fits(&cc_options[j], argv[*i]))
			return cc_option(args, &cc_options[j], argv, i);
	}
	ct_error("unknown option '%s'; see causeway cc --help", argv[*i]);
	return -EINVAL;
}

static int cc_check(const struct cc_args *args)
{
	if (!args->link.n) {
		ct_error("which file? causeway cc FILE.cu -o PROGRAM");
		return -EINVAL;
	}
	if (args->goal != CC_PROGRAM && !args->n_sources) {
		ct_error("there is nothing to compile");
		return -EINVAL;
	}
	if (args->goal != CC_PROGRAM && args->out && args->n_sources > 1) {
		ct_error("-o names one file, but there are %zu to compile", args->n_sources);
		return -EINVAL;
	}
	for (size_t i = 0; i < args->n_sources; i++) {
		const char *source = args->link.s[args->source_at[i]];

		if ((args->goal == CC_PTX || args->goal == CC_FATBIN) && !cc_is_cuda(source)) {
			ct_error("'%s' is no CUDA source (.cu)", source);
			return -EINVAL;
		}
	}
	return 0;
}

int cc_parse(struct cc_args *args, int argc, char **argv)
{
	int err;

	*args = (struct cc_args){ .arch = 75, .version = "13.0", .cudart = true };
	/* First, so that an -O of the user's comes after and counts. */
	err = cc_pass_word(args, CC_COMPILE, "-O2");
	for (int i = 1; i < argc && !err; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			cc_help();
			return 1;
		}
		if (!*argv[i]) {
			ct_error("an empty word names no file");
			err = -EINVAL;
			continue;
		}
		/* nvcc also takes the level as a word of its own. */
		if (!strcmp(argv[i], "-O") && i + 1 < argc && strlen(argv[i + 1]) == 1) {
			char level[] = { '-', 'O', argv[++i][0], '\0' };

			err = cc_pass_word(args, CC_COMPILE, level);
			continue;
		}
		err = cc_word(args, argv, &i);
	}
	return err ? err : cc_check(args);
}

void cc_free(struct cc_args *args)
{
	ct_strv_free(&args->host);
	ct_strv_free(&args->device);
	ct_strv_free(&args->link);
	free(args->source_at);
}
