/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing the sandbox.
 *
 * Theory of operation: a worker counts as hostile from the first command of its
 * client on, as code of a guest runs in it. What it has to open it opens before
 * that: the back end's library, and what that needs. Then it gives away step by
 * step what it can do. Two stages, so that a driver which starts threads and
 * opens devices in cuInit does that in between, as nobody already:
 *
 *	wk_sandbox_begin	what the spawner did
 *	dlopen
 *	wk_sandbox_leave	file system, users, privileges, limits
 *	cuInit			profile nvidia
 *	wk_sandbox_close	broker, system calls; the daemon is told
 *
 * Each step says in the report what became of it. Whether that will do is
 * decided once, at the end: with --sandbox=strict a worker that lacks one ends.
 */
#include "worker/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cw/log.h"
#include "worker/internal.h"

/* Users from here on belong to nobody by the conventions of distributions. */
#define NOBODIES 0x70000000u

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED                                                                                  \
	(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                    \
	 __has_feature(memory_sanitizer))
#else
#define SANITIZED false
#endif

/**
 * wk_sandbox_built_in() - Whether this build can be confined
 *
 * Sanitizers keep shadow memory of terabytes, read /proc and start threads of
 * their own.
 *
 * Return: true if it can.
 */
bool wk_sandbox_built_in(void)
{
	return !SANITIZED;
}

/**
 * wk_sandbox_on() - A step is in force
 * @sb:		sandbox
 * @step:	which
 * @how:	a word about it, may be empty
 */
void wk_sandbox_on(struct wk_sandbox *sb, enum cw_sandbox_step step, const char *how)
{
	struct cw_sandbox_row *row = &sb->report.row[step];

	row->state = CW_SB_ON;
	snprintf(row->why, sizeof(row->why), "%s", how);
}

/**
 * wk_sandbox_fail() - A step can't be had
 * @sb:		sandbox
 * @step:	which
 * @err:	errno, or 0
 * @why:	what failed
 */
void wk_sandbox_fail(struct wk_sandbox *sb, enum cw_sandbox_step step, int err, const char *why)
{
	struct cw_sandbox_row *row = &sb->report.row[step];

	row->state = CW_SB_UNAVAILABLE;
	if (err)
		snprintf(row->why, sizeof(row->why), "%s: %.40s", why, strerror(err));
	else
		snprintf(row->why, sizeof(row->why), "%s", why);
}

/* As the process is called where the daemon is: in there it may be number 2. */
static uid_t nobody_else(void)
{
	char text[16];
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return NOBODIES + (n > 0 ? (uid_t)atoi(text) : (uid_t)getpid());
}

static void all_off(struct wk_sandbox *sb, const char *why)
{
	for (int i = 0; i < CW_SANDBOX_COUNT; i++)
		snprintf(sb->report.row[i].why, sizeof(sb->report.row[i].why), "%s", why);
}

/**
 * wk_sandbox_begin() - What is known at the start
 * @sb:		filled in
 * @mode:	enum cw_sandbox_mode
 * @soft:	profile soft rather than nvidia
 */
void wk_sandbox_begin(struct wk_sandbox *sb, enum cw_sandbox_mode mode, bool soft)
{
	const char *spawned = getenv(CW_WORKER_SPAWNED);

	*sb = (struct wk_sandbox){
		.report = { .mode = mode, .soft = soft },
		.parent = getppid(),
		.nobody = nobody_else(),
		.fd_broker = -1,
	};
	if (!spawned || sscanf(spawned, "%u %d", &sb->spawned, &sb->spawned_err) != 2)
		sb->spawned_err = EINVAL;
	if (mode == CW_SANDBOX_OFF)
		all_off(sb, "not wanted");
	else if (!wk_sandbox_built_in())
		all_off(sb, "sanitizer build");
}

static bool is_off(const struct wk_sandbox *sb)
{
	return sb->report.mode == CW_SANDBOX_OFF || !wk_sandbox_built_in();
}

static void step_cgroup(struct wk_sandbox *sb)
{
	if (sb->spawned & CW_SPAWNED_CGROUP)
		wk_sandbox_on(sb, CW_SB_CGROUP, "");
	else
		wk_sandbox_fail(sb, CW_SB_CGROUP, 0, "no group that can be written");
}

/**
 * wk_sandbox_leave() - First stage
 * @sb:	sandbox
 *
 * Thread: the only one.
 */
void wk_sandbox_leave(struct wk_sandbox *sb)
{
	/* In this order: each needs what a later one gives away. */
	static void (*const steps[])(struct wk_sandbox *sb) = {
		wk_step_descriptors, wk_step_namespaces, step_cgroup,	       wk_step_memory,
		wk_step_files,	     wk_step_user,	 wk_step_capabilities, wk_step_privileges,
		wk_step_death,	     wk_step_dump,	 wk_step_limits,
	};

	for (size_t i = 0; !is_off(sb) && i < CW_ARRAY_SIZE(steps); i++)
		steps[i](sb);
}

/* The daemon listens from now on; nobody here keeps the other end. */
static int broker_send(struct wk_sandbox *sb)
{
	struct cw_worker_head msg = { CW_WORKER_VERSION, CW_WORKER_BROKER };
	struct iovec iov = { &msg, sizeof(msg) };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t n;

	memcpy(CMSG_DATA(&control.head), &sb->fd_broker, sizeof(int));
	n = sendmsg(wk_self()->fd_control, &mh, MSG_NOSIGNAL);
	close(sb->fd_broker);
	sb->fd_broker = -1;
	return n < 0 ? -errno : 0;
}

static int report_send(const struct wk_sandbox *sb)
{
	struct cw_worker_sandboxed msg = {
		.head = { CW_WORKER_VERSION, CW_WORKER_SANDBOXED }, .report = sb->report,
	};

	return wk_control_send(&msg, sizeof(msg));
}

static bool is_strict_enough(const struct wk_sandbox *sb)
{
	for (int i = 0; i < CW_SANDBOX_COUNT; i++) {
		if (cw_sandbox_step_needed(i) && sb->report.row[i].state == CW_SB_UNAVAILABLE)
			return false;
	}
	return wk_sandbox_built_in();
}

/**
 * wk_sandbox_close() - Second stage; the daemon has the report
 * @sb:	sandbox
 *
 * Return: 0; -EPERM where a step is missing and strict wants it; another -errno
 * where the daemon is gone.
 */
int wk_sandbox_close(struct wk_sandbox *sb)
{
	int ret = 0;

	if (!is_off(sb)) {
		wk_step_broker(sb);
		if (sb->fd_broker >= 0)
			ret = broker_send(sb);
		if (!ret)
			wk_step_syscalls(sb);
	}
	if (!ret)
		ret = report_send(sb);
	if (!ret && sb->report.mode == CW_SANDBOX_STRICT && !is_strict_enough(sb))
		ret = -EPERM;
	wk_self()->brokered = sb->report.row[CW_SB_BROKER].state == CW_SB_ON;
	return ret;
}
