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

static const struct ct_option soft_options[] = {
	{ "trace", "[=FILE]", soft_set_trace, "print each CUDA call (default: on stderr)" },
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
