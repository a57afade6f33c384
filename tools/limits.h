/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of a GPU daemon, as options of the sub-commands that start one. They
 * are called what vhost-user-cuda calls them, and go to it as they are.
 */
#ifndef TOOLS_LIMITS_H
#define TOOLS_LIMITS_H

#include "tools/ct.h"
#include "tools/strv.h"

/**
 * struct ct_limits - Options for the daemon
 * @args:	as they stand on its command line
 *
 * First member of the struct that a command's options are stored in.
 */
struct ct_limits {
	struct ct_strv args;
};

/* More would be the same ones again. */
#define CT_LIMIT_ARGS 32

/*	name		 argument	identifier	help */
#define CT_LIMITS(X)                                                                        \
	X("vm-memory", "SIZE", vm_memory, "GPU memory of all (default: soft: half of RAM)") \
	X("client-memory", "SIZE", client_memory, "GPU memory of each (default: soft: 4G)") \
	X("share", "N", share, "compute time against others that have a share (default: none)") \
	X("max-clients", "N", max_clients, "processes at one time (default: 64)")           \
	X("max-threads", "N", max_threads, "threads of a process that use CUDA (default: 127)") \
	X("max-regions", "N", max_regions, "pinned and managed allocations (default: 4096)") \
	X("max-runs", "N", max_runs, "pieces of memory they consist of (default: 16384)")   \
	X("max-chains", "N", max_chains, "bulk copies of a process under way (default: 8)") \
	X("max-objects", "N", max_objects, "streams, events, modules ... (default: 262144)") \
	X("max-callbacks", "N", max_callbacks, "host functions under way (default: 65536)") \
	X("max-image", "SIZE", max_image, "image of a module (default: 512M)")              \
	X("worker-memory", "SIZE", worker_memory, "host memory of each worker (default: 2G)") \
	X("card-dir", "PATH", card_dir, "where the daemons of a card meet")

#define CT_LIMIT_SETTER(name, arg, id, help) int ct_limit_##id(void *ctx, const char *value);
CT_LIMITS(CT_LIMIT_SETTER)
#undef CT_LIMIT_SETTER

/* Rows of a table of options, with a comma after each. */
#define CT_LIMIT_ROW(name, arg, id, help) { name, arg, ct_limit_##id, help },
#define CT_LIMIT_OPTIONS CT_LIMITS(CT_LIMIT_ROW)

#endif
