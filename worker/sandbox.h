/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files that close a worker's sandbox.
 */
#ifndef WORKER_SANDBOX_H
#define WORKER_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cw/sandbox.h"

/*
 * Descriptors with which no system call does anything but what a rule of its own
 * says: guest memory, which is for mapping alone, and what the daemon reads and
 * writes at the other end.
 */
#define WK_GUARDED_FD 64
#define WK_GUARDED_FDS 32

/**
 * struct wk_sandbox - What the steps need to know
 * @report:	filled in by them
 * @spawned:	enum cw_spawned_flags
 * @spawned_err: errno of the spawner where it has no namespaces
 * @parent:	spawner, as this process sees it
 * @nobody:	user to become, where we are root; the process' own alone
 * @memory:	bytes of memory beside @mapped
 * @mapped:	bytes that the client may have mapped: window, registered memory
 * @fd_broker:	where the daemon hears of mappings; -1: nowhere
 * @probe:	of the probe: no client, a trial
 */
struct wk_sandbox {
	struct cw_sandbox_report report;
	uint32_t spawned;
	int spawned_err;
	pid_t parent;
	uid_t nobody;
	uint64_t memory;
	uint64_t mapped;
	int fd_broker;
	bool probe;
};

/* sandbox.c */
void wk_sandbox_begin(struct wk_sandbox *sb, enum cw_sandbox_mode mode, bool soft);
void wk_sandbox_leave(struct wk_sandbox *sb);
int wk_sandbox_close(struct wk_sandbox *sb);
void wk_sandbox_on(struct wk_sandbox *sb, enum cw_sandbox_step step, const char *how);
void wk_sandbox_fail(struct wk_sandbox *sb, enum cw_sandbox_step step, int err, const char *why);
bool wk_sandbox_built_in(void);

/* confine.c: one function for each step that takes the world away */
void wk_step_descriptors(struct wk_sandbox *sb);
void wk_step_namespaces(struct wk_sandbox *sb);
void wk_step_files(struct wk_sandbox *sb);
void wk_step_user(struct wk_sandbox *sb);
void wk_step_capabilities(struct wk_sandbox *sb);
void wk_step_privileges(struct wk_sandbox *sb);
void wk_step_death(struct wk_sandbox *sb);
void wk_step_dump(struct wk_sandbox *sb);

/* bounds.c: and for each that sets a bound */
void wk_step_limits(struct wk_sandbox *sb);
void wk_step_memory(struct wk_sandbox *sb);

/* syscalls.c */
void wk_step_broker(struct wk_sandbox *sb);
void wk_step_syscalls(struct wk_sandbox *sb);

#endif
