/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe: one worker at the daemon's start that reads the devices.
 */
#ifndef DAEMON_PROBE_H
#define DAEMON_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "cw/device_info.h"
#include "cw/sandbox.h"

struct cd_daemon;

/**
 * enum cd_probe_state - How far it is
 * @CD_PROBE_RUNNING:	clients that want to open wait
 * @CD_PROBE_ANSWERED:	table is good; waits for the process to be gone, because
 *			it still has the table mapped writable
 * @CD_PROBE_READY:	table is sealed; workers may get it
 */
enum cd_probe_state {
	CD_PROBE_RUNNING,
	CD_PROBE_ANSWERED,
	CD_PROBE_READY,
};

/**
 * struct cd_probe - The probe and what it found
 * @state:	see there
 * @sock:	to the probe worker; -1 when it is through
 * @fd_info:	memory file with struct cw_info
 * @cookie:	name of the worker at the spawner
 * @deadline:	when it is given up, ns; 0: never
 * @direct:	the window shall be the device memory
 * @sandbox:	how it was confined, for a trial
 */
struct cd_probe {
	enum cd_probe_state state;
	int sock;
	int fd_info;
	uint64_t cookie;
	uint64_t deadline;
	bool direct;
	struct cw_sandbox_report sandbox;
};

int cd_probe_start(struct cd_daemon *d);
void cd_probe_event(struct cd_daemon *d);
void cd_probe_exited(struct cd_daemon *d, int status);
void cd_probe_expired(struct cd_daemon *d);
void cd_probe_finish(struct cd_daemon *d);

#endif
