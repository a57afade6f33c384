/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causeway api: which functions of CUDA a program needs, and what this build
 * says to each.
 */
#include "tools/api/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/closure.h"
#include "tools/ct.h"
#include "tools/launch.h"

struct args {
	bool json;
	bool run;
};

static int set_format(void *ctx, const char *value)
{
	struct args *args = ctx;

	args->json = !strcmp(value, "json");
	if (!args->json && strcmp(value, "table")) {
		ct_error("--format is table or json, not '%s'", value);
		return -EINVAL;
	}
	return 0;
}

static int set_run(void *ctx, const char *value)
{
	((struct args *)ctx)->run = true;
	return 0;
}

static const struct ct_option options[] = {
	{ "run", NULL, set_run, "run it on the software GPU, list what it really calls" },
	{ "format", "table|json", set_format, "how the answer is printed (default: table)" },
	{ 0 },
};

static int report(const struct args *args, char *path, char **argv)
{
	struct needs needs;
	int status = CT_EXIT_OWN;
	int err = needs_read(&needs, path);

	if (!err && args->run) {
		argv[0] = path;
		err = needs_run(&needs, argv);
	}
	if (!err) {
		if (args->json)
			needs_print_json(&needs);
		else
			needs_print_table(&needs);
		status = needs_lacking(&needs) ? 1 : 0;
	}
	needs_free(&needs);
	return status;
}

/* A file that lies here goes before one of $PATH; it need not be a program. */
static int find_file(const char *name, char **ret_path)
{
	if (access(name, R_OK))
		return ct_find_program(name, ret_path);
	*ret_path = realpath(name, NULL);
	return *ret_path ? 0 : -errno;
}

static int api_run(const struct ct_command *cmd, int argc, char **argv)
{
	struct args args = { 0 };
	int at = ct_options_parse(cmd, &args, argc, argv), more, err, status;
	char *path;

	if (at < 0)
		return -1 - at;
	if (at == argc) {
		ct_error("which program? causeway api PROGRAM");
		return CT_EXIT_USAGE;
	}
	/* Options may also follow the program. */
	more = ct_options_parse(cmd, &args, argc - at, argv + at);
	if (more < 0)
		return -1 - more;
	if (!args.run && at + more < argc) {
		ct_error("'%s' is one word too many; arguments go with --run", argv[at + more]);
		return CT_EXIT_USAGE;
	}
	if (ct_use_library("soft"))
		return CT_EXIT_OWN;
	err = find_file(argv[at], &path);
	if (err) {
		ct_error("'%s': %s", argv[at], strerror(-err));
		return err == -ENOENT ? CT_EXIT_NOT_FOUND : CT_EXIT_CANNOT_EXEC;
	}
	/* What is before the first argument is the place for the program's name. */
	status = report(&args, path, argv + at + more - 1);
	free(path);
	return status;
}

const struct ct_command ct_cmd_api = {
	.name = "api",
	.usage = "[OPTION...] PROGRAM [OPTION...] [-- ARGUMENT...]",
	.summary = "Lists the CUDA functions a program needs, and the answer to each.",
	.options = options,
	.run = api_run,
};
