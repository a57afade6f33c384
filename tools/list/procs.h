/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemons of this machine and their workers, as /proc shows them.
 */
#ifndef TOOLS_LIST_PROCS_H
#define TOOLS_LIST_PROCS_H

#include <stddef.h>
#include <sys/types.h>

#include "tools/strv.h"

/**
 * enum proc_kind - What a process is to us
 * @PROC_OTHER:		none of ours
 * @PROC_DAEMON:	vhost-user-cuda
 * @PROC_SPAWNER:	its helper, which starts workers
 * @PROC_WORKER:	one client's
 */
enum proc_kind {
	PROC_OTHER,
	PROC_DAEMON,
	PROC_SPAWNER,
	PROC_WORKER,
};

/**
 * struct proc - A process
 * @pid:	of it
 * @parent:	of its parent
 * @uid:	whose it is
 * @kind:	see there
 * @args:	command line
 * @rss:	bytes of memory in use
 * @cpu_ms:	processor time so far
 */
struct proc {
	pid_t pid;
	pid_t parent;
	uid_t uid;
	enum proc_kind kind;
	struct ct_strv args;
	unsigned long long rss;
	unsigned long long cpu_ms;
};

struct procs {
	struct proc *proc;
	size_t n;
};

/**
 * procs_read() - Read all processes that can be seen
 * @procs:	filled; the caller frees it with procs_free()
 *
 * Return: 0 or a negative errno.
 */
int procs_read(struct procs *procs);
void procs_free(struct procs *procs);

/* The process with that pid, or NULL. */
const struct proc *procs_find(const struct procs *procs, pid_t pid);

/* The daemon that worker @p belongs to, or NULL. */
const struct proc *procs_daemon_of(const struct procs *procs, const struct proc *p);

/* Value of an option "--name=VALUE" of a command line, or NULL. */
const char *proc_option(const struct proc *p, const char *name);

/* Sub-command of `causeway` that process @p is, or NULL where it is none. */
const char *proc_causeway(const struct proc *p);

#endif
