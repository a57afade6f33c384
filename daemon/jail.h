/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the spawner takes away from all workers at once.
 */
#ifndef DAEMON_JAIL_H
#define DAEMON_JAIL_H

#include <stdint.h>
#include <sys/types.h>

#include "cw/sandbox.h"
#include "daemon/options.h"

/**
 * struct cd_jail - What could be had
 * @flags:	enum cw_spawned_flags
 * @err:	errno, where the namespaces are missing
 * @root:	folder that shall be a worker's root; -1: none
 */
struct cd_jail {
	uint32_t flags;
	int err;
	int root;
};

pid_t cd_jail_fork(struct cd_jail *j, enum cw_sandbox_mode mode);
void cd_jail_furnish(struct cd_jail *j, const struct cd_options *o);

/* jail_root.c */
int cd_jail_root_empty(void);
int cd_jail_root_devices(const char *back_end);

#endif
