/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The namespaces of the spawner and its workers.
 *
 * Theory of operation: the spawner is cloned into a network, an IPC, a mount
 * and a process namespace. They are made once for a daemon, as one for each
 * worker would cost more than all else of its start, and what workers could do
 * to each other in there the list of system calls refuses. The spawner is the
 * first process of its process namespace: should it die, the kernel kills the
 * others.
 *
 * Without root a user namespace comes first, whose owner, the daemon's user,
 * has every right in it. By that right the daemon reads the memory map of a
 * worker that nobody else can look into.
 */
#include "daemon/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cw/log.h"
#include "cw/util.h"

#define NAMESPACES (CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS)

static bool file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = (ssize_t)strlen(text);
	bool ok = fd >= 0 && write(fd, text, (size_t)len) == len;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* We are root in there, and in there alone. */
static bool users_map(uid_t uid, gid_t gid)
{
	char text[32];

	if (!file_write("/proc/self/setgroups", "deny"))
		return false;
	snprintf(text, sizeof(text), "0 %u 1", gid);
	if (!file_write("/proc/self/gid_map", text))
		return false;
	snprintf(text, sizeof(text), "0 %u 1", uid);
	return file_write("/proc/self/uid_map", text);
}

/* Whether this process may read any other's memory map. */
static bool sees_all(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return !syscall(SYS_capget, &head, data) &&
	       (data[CAP_TO_INDEX(CAP_SYS_PTRACE)].effective & CAP_TO_MASK(CAP_SYS_PTRACE));
}

/*
 * A raw clone(), as fork() takes no flags; the process has no threads yet. In
 * the child: 0.
 */
static pid_t clone_into(unsigned long flags)
{
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);
}

/*
 * Into a user namespace and the others; the child goes on only where it is root
 * in there, without which all of it is of no use. -1 with errno where not.
 */
static pid_t clone_with_users(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int ends[2], err = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid = clone_into(NAMESPACES | CLONE_NEWUSER);
	if (!pid) {
		err = users_map(uid, gid) ? 0 : errno;
		if (err || write(ends[1], &err, sizeof(err)) != sizeof(err))
			_exit(err);
	} else if (pid > 0) {
		close(ends[1]);
		ends[1] = -1;
		if (read(ends[0], &err, sizeof(err)) != sizeof(err)) {
			waitpid(pid, &err, 0);
			errno = WEXITSTATUS(err) ? WEXITSTATUS(err) : EPERM;
			pid = -1;
		}
	}
	err = errno;
	close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	errno = err;
	return pid;
}

/**
 * cd_jail_fork() - fork(), into namespaces where they can be had
 * @j:		filled in, in the child
 * @mode:	CW_SANDBOX_OFF: a mere fork()
 *
 * Return: as fork() does, with errno.
 */
pid_t cd_jail_fork(struct cd_jail *j, enum cw_sandbox_mode mode)
{
	pid_t pid = -1;

	*j = (struct cd_jail){ .root = -1, .flags = sees_all() ? CW_SPAWNED_SEEN : 0 };
	if (mode == CW_SANDBOX_OFF)
		return fork();
	if (!geteuid())
		pid = clone_into(NAMESPACES);
	if (!pid)
		j->flags |= CW_SPAWNED_NAMESPACES;
	if (pid >= 0)
		return pid;
	pid = clone_with_users();
	if (pid < 0) {
		j->err = errno;
		return fork();
	}
	if (!pid)
		j->flags |= CW_SPAWNED_NAMESPACES | CW_SPAWNED_USER | CW_SPAWNED_SEEN;
	return pid;
}

/**
 * cd_jail_furnish() - Make the root of workers
 * @j:	of cd_jail_fork(), in the child
 * @o:	command line
 */
void cd_jail_furnish(struct cd_jail *j, const struct cd_options *o)
{
	if (o->sandbox == CW_SANDBOX_OFF)
		return;
	/* Nothing that is mounted in here is seen outside. */
	if ((j->flags & CW_SPAWNED_NAMESPACES) &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		cw_debug("mounts can't be made private why=\"%s\"", strerror(errno));
	if (o->soft) {
		j->root = cd_jail_root_empty();
	} else if (j->flags & CW_SPAWNED_NAMESPACES) {
		j->root = cd_jail_root_devices(o->back_end);
		if (j->root >= 0)
			j->flags |= CW_SPAWNED_DEVICES;
	}
}
