/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of the sandbox that take the world away from a worker: files, users,
 * other processes, privileges.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cw/util.h"
#include "worker/sandbox.h"

/* What kernels hand to whom they know no better user for. */
#define OVERFLOW_ID 65534

/**
 * wk_step_descriptors() - Nothing is open but what the worker was given
 * @sb:	sandbox
 *
 * The spawner closed all else before exec; where it could not, there is no
 * worker.
 */
void wk_step_descriptors(struct wk_sandbox *sb)
{
	wk_sandbox_on(sb, CW_SB_DESCRIPTORS, "");
}

/**
 * wk_step_namespaces() - What the spawner has for all workers
 * @sb:	sandbox
 *
 * With a user namespace each worker takes one more, of its own: then limits
 * that count by user count this worker alone. It comes before the new root, as
 * the kernel refuses it to whoever has one.
 */
void wk_step_namespaces(struct wk_sandbox *sb)
{
	if (sb->spawned & CW_SPAWNED_NAMESPACES) {
		wk_sandbox_on(sb, CW_SB_NETWORK, "");
		wk_sandbox_on(sb, CW_SB_PROCESSES, "");
	} else {
		wk_sandbox_fail(sb, CW_SB_NETWORK, sb->spawned_err, "namespaces");
		wk_sandbox_fail(sb, CW_SB_PROCESSES, sb->spawned_err, "namespaces");
	}
	if (!(sb->spawned & CW_SPAWNED_USER))
		return;
	if (unshare(CLONE_NEWUSER))
		wk_sandbox_fail(sb, CW_SB_USER, errno, "unshare");
	else
		wk_sandbox_on(sb, CW_SB_USER, "namespace");
}

/**
 * wk_step_files() - Leave the file system
 * @sb:	sandbox
 *
 * For a folder that was removed, where nothing can be found or made any more,
 * or for one that shows NVIDIA's files, read-only. No descriptor of a folder
 * outside stays, and the right to change the root once more goes with the next
 * steps.
 */
void wk_step_files(struct wk_sandbox *sb)
{
	bool wanted = sb->report.soft || (sb->spawned & CW_SPAWNED_DEVICES);
	struct stat st;
	int err = 0;

	if (!wanted || fstat(CW_WORKER_ROOT_FD, &st) || !S_ISDIR(st.st_mode)) {
		wk_sandbox_fail(sb, CW_SB_FILES, 0, "the spawner could make no root");
		return;
	}
	if (fchdir(CW_WORKER_ROOT_FD) || chroot("."))
		err = errno;
	close(CW_WORKER_ROOT_FD);
	if (err)
		wk_sandbox_fail(sb, CW_SB_FILES, err, "chroot");
	else
		wk_sandbox_on(sb, CW_SB_FILES, sb->report.soft ? "empty" : "devices");
}

/* The group that may use the card, where not everybody may. */
static int keep_groups(bool soft)
{
	struct stat st;
	gid_t group;

	if (soft || stat("/dev/nvidiactl", &st) || (st.st_mode & 06) == 06)
		return setgroups(0, NULL);
	group = st.st_gid;
	return setgroups(1, &group);
}

/* Root becomes somebody whom no file belongs to, and no other process. */
static void user_drop(struct wk_sandbox *sb)
{
	uid_t id = sb->nobody;

	if (!(sb->spawned & CW_SPAWNED_SEEN)) {
		wk_sandbox_fail(sb, CW_SB_USER, 0, "daemon could not see its map then");
		return;
	}
	if (keep_groups(sb->report.soft)) {
		wk_sandbox_fail(sb, CW_SB_USER, errno, "setgroups");
		return;
	}
	/* A container may know fewer users than there are; nobody it knows. */
	if (setresgid(id, id, id)) {
		id = OVERFLOW_ID;
		if (setresgid(id, id, id)) {
			wk_sandbox_fail(sb, CW_SB_USER, errno, "setresgid");
			return;
		}
	}
	if (setresuid(id, id, id))
		wk_sandbox_fail(sb, CW_SB_USER, errno, "setresuid");
	else
		wk_sandbox_on(sb, CW_SB_USER, id == OVERFLOW_ID ? "nobody" : "its own");
}

/**
 * wk_step_user() - Be nobody
 * @sb:	sandbox
 */
void wk_step_user(struct wk_sandbox *sb)
{
	if (sb->report.row[CW_SB_USER].state == CW_SB_ON || (sb->spawned & CW_SPAWNED_USER))
		return;
	if (!geteuid())
		user_drop(sb);
	else
		wk_sandbox_fail(sb, CW_SB_USER, sb->spawned_err, "not root, and namespaces");
}

/**
 * wk_step_capabilities() - Give every capability back
 * @sb:	sandbox
 */
void wk_step_capabilities(struct wk_sandbox *sb)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none))
		wk_sandbox_fail(sb, CW_SB_CAPABILITIES, errno, "capset");
	else
		wk_sandbox_on(sb, CW_SB_CAPABILITIES, "");
}

/**
 * wk_step_privileges() - No program gives any back
 * @sb:	sandbox
 */
void wk_step_privileges(struct wk_sandbox *sb)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		wk_sandbox_fail(sb, CW_SB_PRIVILEGES, errno, "prctl");
	else
		wk_sandbox_on(sb, CW_SB_PRIVILEGES, "");
}

/**
 * wk_step_death() - Die with the spawner
 * @sb:	sandbox
 *
 * The kernel forgets the wish when a process changes its user, so it comes
 * after that; a spawner that died in between is one that is not the parent any
 * more.
 */
void wk_step_death(struct wk_sandbox *sb)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		wk_sandbox_fail(sb, CW_SB_DEATH, errno, "prctl");
	else if (getppid() != sb->parent)
		_exit(1);
	else
		wk_sandbox_on(sb, CW_SB_DEATH, "");
}

/**
 * wk_step_dump() - No process of the same user looks into this one
 * @sb:	sandbox
 *
 * Not where the daemon would not see the memory map either: it must, to know
 * that pages were given back.
 */
void wk_step_dump(struct wk_sandbox *sb)
{
	if (!(sb->spawned & CW_SPAWNED_SEEN))
		wk_sandbox_fail(sb, CW_SB_DUMP, 0, "daemon could not see its map then");
	else if (prctl(PR_SET_DUMPABLE, 0))
		wk_sandbox_fail(sb, CW_SB_DUMP, errno, "prctl");
	else
		wk_sandbox_on(sb, CW_SB_DUMP, "");
}
