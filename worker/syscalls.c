/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that a worker may make.
 *
 * Theory of operation: two filters. The first hands each mapping of a file to
 * the daemon, the map broker (daemon/broker.c), and allows all else; with it
 * comes the descriptor at which the daemon listens, which is sent there at
 * once. The second is the list below. The kernel takes the stricter answer of
 * the two.
 *
 * Descriptors are named by number, which is sound as no call of the list gives
 * a number to something else: nothing duplicates, and what arrives with a
 * message after the start is the client's own. Guest memory has its numbers
 * from the start (WK_GUARDED_FD), and reading, writing or asking anything of
 * them is not on the list: they can be mapped, and that the broker judges.
 *
 * Profile soft has no call that opens, makes or sends a descriptor. Executable
 * memory is allowed where it is anonymous: a compiler of the software GPU needs
 * it, and who runs code of a guest gains nothing by it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cw/log.h"
#include "cw/util.h"
#include "worker/filter.h"
#include "worker/internal.h"
#include "worker/sandbox.h"

#define CALL(name) { .nr = SYS_##name }
#define CALL_IF(name, n, m, v)                                                                     \
	{ .nr = SYS_##name, .arg = (n), .test = WK_EQUAL, .mask = (m), .value = (v) }
#define CALL_IS(name, n, v) CALL_IF(name, n, UINT32_MAX, v)
#define CALL_FD(name) /* descriptor first, and not a guarded one */                               \
	{ .nr = SYS_##name, .arg = 0, .test = WK_OUTSIDE, .mask = WK_GUARDED_FDS,                  \
	  .value = WK_GUARDED_FD }

/* A thread of this process and nothing else. */
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define NEW_FLAGS                                                                                  \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
	 CLONE_NEWCGROUP | CLONE_VFORK | CLONE_PTRACE)
/* Memory of this process alone. */
#define MAP_KIND 0x0fu

#define REFUSED (SECCOMP_RET_ERRNO | EPERM)

static const struct wk_rule broker_rules[] = {
	{ .nr = SYS_mmap, .arg = 3, .test = WK_EQUAL, .mask = MAP_ANONYMOUS,
	  .action = SECCOMP_RET_USER_NOTIF },
};

/* Both profiles; first what a call or a launch makes. */
static const struct wk_rule common_rules[] = {
	CALL(futex),
	CALL(sched_yield),
	CALL(clock_gettime),
	CALL(clock_nanosleep),
	CALL(nanosleep),
	CALL(munmap),
	CALL(mprotect),
	CALL(brk),
	CALL_IS(madvise, 2, MADV_DONTNEED),
	CALL_IS(madvise, 2, MADV_FREE),
	CALL_IS(madvise, 2, MADV_WILLNEED),
	CALL_IS(madvise, 2, MADV_HUGEPAGE),
	CALL_IS(madvise, 2, MADV_NOHUGEPAGE),
	CALL_IS(madvise, 2, MADV_DONTFORK),
	CALL_IS(madvise, 2, MADV_DONTDUMP),
	CALL_IF(mmap, 3, MAP_ANONYMOUS | MAP_KIND, MAP_ANONYMOUS | MAP_PRIVATE),
	CALL_IF(mmap, 3, MAP_ANONYMOUS, 0),
	CALL_IF(clone, 0, THREAD_FLAGS | NEW_FLAGS, THREAD_FLAGS),
	CALL(set_robust_list),
	CALL(rseq),
	CALL(exit),
	CALL(exit_group),
	CALL(rt_sigprocmask),
	CALL(rt_sigaction),
	CALL(rt_sigreturn),
	CALL(restart_syscall),
	CALL(sigaltstack),
	CALL(close),
	CALL(fstat),
	/* fstat() of some C libraries. Names lead nowhere in an empty root. */
	CALL_IF(newfstatat, 3, AT_EMPTY_PATH, AT_EMPTY_PATH),
	CALL(gettid),
	CALL(getpid),
	CALL(getcpu),
	CALL(getrandom),
	CALL(getrusage),
	CALL(gettimeofday),
	CALL(time),
	CALL(membarrier),
	CALL(sysinfo),
	CALL(uname),
	CALL(sched_getaffinity),
	CALL_IS(prctl, 0, PR_SET_NAME),
};

static const struct wk_rule soft_rules[] = {
	CALL_IS(fcntl, 1, F_GETFL),
	CALL_IS(fcntl, 1, F_GETFD),
};

/*
 * The driver opens its device nodes, talks to them, and loads a compiler. What
 * it can open is for the root to say, which holds those and libraries.
 */
static const struct wk_rule nvidia_rules[] = {
	CALL_IF(mmap, 3, MAP_ANONYMOUS | MAP_KIND, MAP_ANONYMOUS | MAP_PRIVATE),
	CALL_IF(mmap, 3, MAP_ANONYMOUS | MAP_KIND, MAP_ANONYMOUS | MAP_SHARED),
	CALL_IF(mmap, 3, MAP_ANONYMOUS, 0),
	CALL(open),
	CALL(openat),
	CALL(access),
	CALL(faccessat),
	CALL(faccessat2),
	CALL(stat),
	CALL(lstat),
	CALL(newfstatat),
	CALL(statx),
	CALL(readlink),
	CALL(readlinkat),
	CALL(getdents64),
	CALL(poll),
	CALL(ppoll),
	CALL(select),
	CALL(epoll_create1),
	CALL(epoll_wait),
	CALL(epoll_pwait),
	CALL(eventfd2),
	CALL(pipe2),
	CALL(memfd_create),
	CALL(mlock),
	CALL(munlock),
	CALL(mincore),
	CALL(sched_setaffinity),
	CALL(sched_getparam),
	CALL(sched_getscheduler),
	CALL(get_mempolicy),
	CALL(mbind),
	CALL(getuid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getegid),
	CALL(getppid),
	CALL_FD(epoll_ctl),
	CALL_FD(ioctl),
	CALL_FD(fcntl),
	CALL_FD(dup),
	CALL_FD(ftruncate),
	CALL_FD(readv),
	CALL_FD(writev),
	CALL_FD(pwrite64),
	CALL_FD(fstatfs),
};

/*
 * Of the descriptors that the worker itself works with; in profile nvidia the
 * driver's own may do the same.
 */
struct fd_rules {
	struct wk_rule rule[32];
	size_t n;
	bool soft;
};

static void fd_call(struct fd_rules *r, uint16_t nr, const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fds[i] < 0)
			continue;
		r->rule[r->n++] = (struct wk_rule){
			.nr = nr, .test = WK_EQUAL, .mask = UINT32_MAX, .value = (uint32_t)fds[i]
		};
	}
	if (!r->soft)
		r->rule[r->n++] = (struct wk_rule){
			.nr = nr, .test = WK_OUTSIDE, .mask = WK_GUARDED_FDS, .value = WK_GUARDED_FD
		};
}

static void fd_rules(struct fd_rules *r, const struct wk_sandbox *sb)
{
	const struct wk_worker *w = wk_self();
	const int texts[] = { wk_printf_fd(0), wk_printf_fd(1) };
	const int holes[] = { texts[0], texts[1], w->fd_window };
	const int writes[] = { 1, 2, cw_log_fd, w->fd_signal };

	r->n = 0;
	r->soft = sb->report.soft;
	fd_call(r, SYS_read, &w->fd_doorbell, 1);
	fd_call(r, SYS_write, writes, CW_ARRAY_SIZE(writes));
	fd_call(r, SYS_pread64, texts, CW_ARRAY_SIZE(texts));
	fd_call(r, SYS_lseek, texts, CW_ARRAY_SIZE(texts));
	fd_call(r, SYS_fallocate, holes, CW_ARRAY_SIZE(holes));
	/* One socket, to the daemon; sendto() can't carry a descriptor. */
	r->soft = true;
	fd_call(r, SYS_sendto, &w->fd_control, 1);
	fd_call(r, SYS_recvmsg, &w->fd_control, 1);
	/* abort() signals the process itself. */
	fd_call(r, SYS_tgkill, &(int){ getpid() }, 1);
}

/**
 * wk_step_broker() - Have the daemon judge each mapping of a file
 * @sb:	sandbox; @sb->fd_broker is for the daemon
 *
 * Means something only with the list of calls, which comes next.
 */
void wk_step_broker(struct wk_sandbox *sb)
{
	struct wk_filter f;
	int ret;

	wk_filter_begin(&f);
	wk_filter_rules(&f, broker_rules, CW_ARRAY_SIZE(broker_rules), SECCOMP_RET_ALLOW);
	ret = wk_filter_end(&f, SECCOMP_RET_ALLOW);
	if (!ret)
		ret = wk_filter_install(&f, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	if (ret < 0) {
		wk_sandbox_fail(sb, CW_SB_BROKER, -ret, "seccomp");
		return;
	}
	sb->fd_broker = ret;
	wk_sandbox_on(sb, CW_SB_BROKER, "");
}

/**
 * wk_step_syscalls() - Close the list of system calls
 * @sb:	sandbox
 */
void wk_step_syscalls(struct wk_sandbox *sb)
{
	const struct wk_rule *own = sb->report.soft ? soft_rules : nvidia_rules;
	size_t n = sb->report.soft ? CW_ARRAY_SIZE(soft_rules) : CW_ARRAY_SIZE(nvidia_rules);
	struct fd_rules fds;
	struct wk_filter f;
	int ret;

	fd_rules(&fds, sb);
	wk_filter_begin(&f);
	wk_filter_rules(&f, fds.rule, fds.n, REFUSED);
	/* The first table that names a call decides. */
	wk_filter_rules(&f, own, n, REFUSED);
	wk_filter_rules(&f, common_rules, CW_ARRAY_SIZE(common_rules), REFUSED);
	ret = wk_filter_end(&f, REFUSED);
	if (!ret)
		ret = wk_filter_install(&f, 0);
	if (ret < 0)
		wk_sandbox_fail(sb, CW_SB_SYSCALLS, -ret, "seccomp");
	else
		wk_sandbox_on(sb, CW_SB_SYSCALLS, "");
}
