/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox of a worker: its steps, and what is said of each.
 *
 * The spawner takes the namespaces, the worker does the rest itself, after it
 * has opened the back end and before it reads the first command of a guest.
 */
#ifndef CW_SANDBOX_H
#define CW_SANDBOX_H

#include <stdint.h>

/* Folder that shall be a worker's root, where the spawner has made one. */
#define CW_WORKER_ROOT_FD 4
/* What the spawner could do, in the worker's environment: "FLAGS ERRNO". */
#define CW_WORKER_SPAWNED "CW_SPAWNED"

/**
 * enum cw_spawned_flags - What the spawner says of itself
 * @CW_SPAWNED_NAMESPACES:	network, IPC, process, mount and host name are its own
 * @CW_SPAWNED_USER:		so is the user namespace
 * @CW_SPAWNED_SEEN:		the daemon sees the memory map of any worker
 * @CW_SPAWNED_DEVICES:		CW_WORKER_ROOT_FD holds NVIDIA's files, read-only
 * @CW_SPAWNED_CGROUP:		the worker is in a control group of its own
 */
enum cw_spawned_flags {
	CW_SPAWNED_NAMESPACES = 1,
	CW_SPAWNED_USER = 2,
	CW_SPAWNED_SEEN = 4,
	CW_SPAWNED_DEVICES = 8,
	CW_SPAWNED_CGROUP = 16,
};

/**
 * enum cw_sandbox_mode - How much is asked for
 * @CW_SANDBOX_BEST:	what can be had
 * @CW_SANDBOX_STRICT:	all of it, or no worker
 * @CW_SANDBOX_OFF:	nothing, to look for faults
 */
enum cw_sandbox_mode {
	CW_SANDBOX_BEST,
	CW_SANDBOX_STRICT,
	CW_SANDBOX_OFF,
};

/*	step			name		strict wants it */
#define CW_SANDBOX_STEPS(X)                                                                        \
	X(CW_SB_DESCRIPTORS,	"descriptors",	1) /* nothing open that it was not given */        \
	X(CW_SB_NETWORK,	"network",	1) /* a network and IPC of its own, empty */       \
	X(CW_SB_PROCESSES,	"processes",	1) /* sees no process but workers */               \
	X(CW_SB_CGROUP,		"cgroup",	0) /* a control group */                           \
	X(CW_SB_FILES,		"files",	1) /* an empty root, or NVIDIA's files alone */    \
	X(CW_SB_USER,		"user",		1) /* a user that is nobody outside */             \
	X(CW_SB_CAPABILITIES,	"capabilities",	1) /* none */                                      \
	X(CW_SB_PRIVILEGES,	"privileges",	1) /* none to be had by exec */                    \
	X(CW_SB_DEATH,		"death",	1) /* dies with the spawner */                     \
	X(CW_SB_DUMP,		"dump",		1) /* not to be looked into by its like */         \
	X(CW_SB_LIMITS,		"limits",	1) /* cores, files, threads, file sizes */         \
	X(CW_SB_MEMORY,		"memory",	1) /* memory beside the window */                  \
	X(CW_SB_BROKER,		"broker",	1) /* the daemon judges each mapping of a file */  \
	X(CW_SB_SYSCALLS,	"syscalls",	1) /* a list of system calls that are allowed */

#define CW_SANDBOX_ENUM(id, name, strict) id,
enum cw_sandbox_step { CW_SANDBOX_STEPS(CW_SANDBOX_ENUM) CW_SANDBOX_COUNT };
#undef CW_SANDBOX_ENUM

/**
 * enum cw_sandbox_state - What became of a step
 * @CW_SB_OFF:		not done, as it was asked or as the profile has it
 * @CW_SB_ON:		in force
 * @CW_SB_UNAVAILABLE:	not to be had here; why says the rest
 */
enum cw_sandbox_state {
	CW_SB_OFF,
	CW_SB_ON,
	CW_SB_UNAVAILABLE,
};

/**
 * struct cw_sandbox_row - One step's report
 * @state:	enum cw_sandbox_state
 * @why:	how, or why not; may be empty
 */
struct cw_sandbox_row {
	uint32_t state;
	char why[60];
};

/**
 * struct cw_sandbox_report - All of them
 * @mode:	enum cw_sandbox_mode that was asked for
 * @soft:	profile: 1: soft, 0: nvidia
 */
struct cw_sandbox_report {
	uint32_t mode;
	uint32_t soft;
	struct cw_sandbox_row row[CW_SANDBOX_COUNT];
};

static inline const char *cw_sandbox_step_name(enum cw_sandbox_step step)
{
#define CW_SANDBOX_NAME(id, name, strict) [id] = name,
	static const char *const names[] = { CW_SANDBOX_STEPS(CW_SANDBOX_NAME) };
#undef CW_SANDBOX_NAME

	return names[step];
}

/* Whether strict can't do without a step. */
static inline int cw_sandbox_step_needed(enum cw_sandbox_step step)
{
#define CW_SANDBOX_NEEDED(id, name, strict) [id] = strict,
	static const uint8_t needed[] = { CW_SANDBOX_STEPS(CW_SANDBOX_NEEDED) };
#undef CW_SANDBOX_NEEDED

	return needed[step];
}

#endif
