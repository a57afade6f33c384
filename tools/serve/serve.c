/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causeway serve: a GPU daemon that stays, for containers and for VMs of
 * others. It becomes the daemon, so whoever started it sees one process.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/ct.h"
#include "tools/daemon.h"
#include "tools/serve/device.h"

struct serve_args {
	struct ct_limits limits; /* first */
	const char *socket;
	const char *vhost;
	const char *gpu;
};

static int serve_set_socket(void *ctx, const char *value)
{
	((struct serve_args *)ctx)->socket = value;
	return 0;
}

static int serve_set_vhost(void *ctx, const char *value)
{
	((struct serve_args *)ctx)->vhost = value;
	return 0;
}

static int serve_set_gpu(void *ctx, const char *value)
{
	((struct serve_args *)ctx)->gpu = value;
	return ct_gpu_parse(value, false);
}

static const struct ct_option serve_options[] = {
	{ "socket", "PATH", serve_set_socket, "client socket: for causeway exec and containers" },
	{ "vhost-socket", "PATH", serve_set_vhost, "vhost-user socket: for the VMM of one VM" },
	{ "gpu", "auto|nvidia|soft", serve_set_gpu, "back end (default: auto)" },
	{ "backend", "auto|nvidia|soft", serve_set_gpu, "the same as --gpu" },
	CT_LIMIT_OPTIONS
	{ 0 },
};

static int serve_run(const struct ct_command *cmd, int argc, char **argv)
{
	const struct ct_command *device = argc > 1 ? serve_device_find(argv[1]) : NULL;
	struct serve_args args = { .gpu = "auto" };
	int first = device ? 0 : ct_options_parse(cmd, &args, argc, argv);
	char daemon[PATH_MAX], client[PATH_MAX], vhost[PATH_MAX], backend[32];
	char *child[CT_LIMIT_ARGS + 5] = { daemon };
	int n = 1;

	if (device)
		return device->run(device, argc - 1, argv + 1);
	if (first < 0)
		return -1 - first;
	if (first < argc || (!args.socket && !args.vhost)) {
		ct_error("say where: causeway serve --socket PATH");
		return CT_EXIT_USAGE;
	}
	if (ct_path(daemon, sizeof(daemon), "bin/vhost-user-cuda")) {
		ct_error("the GPU daemon %s is missing; ./do build makes it", daemon);
		return CT_EXIT_OWN;
	}
	if (args.socket) {
		snprintf(client, sizeof(client), "--client-socket=%s", args.socket);
		child[n++] = client;
	}
	if (args.vhost) {
		snprintf(vhost, sizeof(vhost), "--socket-path=%s", args.vhost);
		child[n++] = vhost;
	}
	snprintf(backend, sizeof(backend), "--backend=%s", ct_gpu_backend(args.gpu));
	child[n++] = backend;
	for (size_t i = 0; i < args.limits.args.n && i < CT_LIMIT_ARGS; i++)
		child[n++] = args.limits.args.s[i];
	execv(daemon, child);
	ct_error("cannot execute %s: %s", daemon, strerror(errno));
	return CT_EXIT_OWN;
}

const struct ct_command ct_cmd_serve = {
	.name = "serve",
	.usage = "[blk|rng] --socket PATH [OPTION...]",
	.summary = "Starts a daemon that stays until it is stopped: a GPU, or the device named.",
	.options = serve_options,
	.run = serve_run,
};
