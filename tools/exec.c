/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causeway exec: a program on a GPU behind a daemon's socket, no VM. This is
 * what runs inside a container.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tools/child.h"
#include "tools/closure.h"
#include "tools/ct.h"
#include "tools/daemon.h"
#include "tools/launch.h"

struct exec_args {
	struct ct_limits limits; /* first */
	const char *socket;
	const char *gpu;
};

static int exec_set_socket(void *ctx, const char *value)
{
	((struct exec_args *)ctx)->socket = value;
	return 0;
}

static int exec_set_gpu(void *ctx, const char *value)
{
	((struct exec_args *)ctx)->gpu = value;
	return ct_gpu_parse(value, false);
}

static int exec_set_trace(void *ctx, const char *value)
{
	return ct_set_trace(value);
}

static const struct ct_option exec_options[] = {
	{ "socket", "PATH", exec_set_socket, "daemon to use (default: one is started)" },
	{ "gpu", "auto|nvidia|soft", exec_set_gpu, "back end of that daemon (default: auto)" },
	CT_LIMIT_OPTIONS
	{ "trace", "[=FILE]", exec_set_trace, "print each CUDA call (default: on stderr)" },
	{ 0 },
};

static int exec_with_daemon(const struct exec_args *args, char **argv)
{
	struct ct_daemon d;
	int err, status;

	err = ct_daemon_start_client(&d, args->gpu, &args->limits);
	if (err)
		return CT_EXIT_OWN;
	setenv("CAUSEWAY_SOCKET", d.socket, 1);
	status = ct_child_run(argv);
	if (!ct_daemon_stop(&d)) {
		ct_error("the GPU daemon ended while the program ran; its own lines above "
			 "say why");
		if (!WIFSIGNALED(status) && !WEXITSTATUS(status))
			return CT_EXIT_OWN;
	}
	return ct_end_like(status);
}

static int exec_run(const struct ct_command *cmd, int argc, char **argv)
{
	struct exec_args args = { .gpu = "auto" };
	int first = ct_options_parse(cmd, &args, argc, argv);
	char *path;
	int status;

	if (first < 0)
		return -1 - first;
	if (first == argc) {
		ct_error("which program? causeway exec -- PROGRAM [ARGUMENT...]");
		return CT_EXIT_OWN;
	}
	if (ct_use_library("guest"))
		return CT_EXIT_OWN;
	if (args.socket) {
		if (ct_daemon_check_socket(args.socket))
			return CT_EXIT_OWN;
		setenv("CAUSEWAY_SOCKET", args.socket, 1);
		return ct_launch(argv + first);
	}
	/* What cannot run needs no daemon. */
	status = ct_check_program(argv[first], getenv("LD_LIBRARY_PATH"), NULL, &path);
	if (status)
		return status;
	free(path);
	return exec_with_daemon(&args, argv + first);
}

const struct ct_command ct_cmd_exec = {
	.name = "exec",
	.usage = "[OPTION...] -- PROGRAM [ARGUMENT...]",
	.summary = "Runs a CUDA program through a GPU daemon, without a VM.",
	.options = exec_options,
	.passes = true,
	.run = exec_run,
};
