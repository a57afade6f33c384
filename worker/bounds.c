/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of the sandbox that set bounds to what a worker can use up.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cw/util.h"
#include "uapi/linux/vcuda.h"
#include "worker/sandbox.h"

/* Guest threads have a helper each; the back end has its own. */
#define THREADS_SOFT 1536
#define THREADS_NVIDIA 2048
#define FILES_SOFT 512
#define FILES_NVIDIA 4096
/* What kernels print, in the life of a worker: a memory file that only grows. */
#define FILE_BYTES (256ull << 20)
/* Of an arena of malloc(), of which a thread may have one: mostly not used. */
#define ARENA_BYTES (128ull << 20)

static int limit(int what, uint64_t value)
{
	struct rlimit lim;

	if (getrlimit((__rlimit_resource_t)what, &lim))
		return -errno;
	lim.rlim_max = cw_min(lim.rlim_max, (rlim_t)value);
	lim.rlim_cur = lim.rlim_max;
	return setrlimit((__rlimit_resource_t)what, &lim) ? -errno : 0;
}

/*
 * A user's threads are counted in all of the user's processes, unless the user
 * is this worker's own or is counted in its own namespace (since Linux 5.14).
 */
static bool threads_are_its_own(const struct wk_sandbox *sb)
{
	struct utsname u;
	int major = 0, minor = 0;

	if (sb->report.row[CW_SB_USER].state != CW_SB_ON)
		return false;
	if (!(sb->spawned & CW_SPAWNED_USER))
		return !strcmp(sb->report.row[CW_SB_USER].why, "its own");
	return !uname(&u) && sscanf(u.release, "%d.%d", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 14));
}

/**
 * wk_step_limits() - Cores, descriptors, threads, file sizes
 * @sb:	sandbox
 */
void wk_step_limits(struct wk_sandbox *sb)
{
	bool soft = sb->report.soft;
	int err = limit(RLIMIT_CORE, 0);

	if (!err)
		err = limit(RLIMIT_NOFILE, soft ? FILES_SOFT : FILES_NVIDIA);
	if (!err && soft && !sb->probe)
		err = limit(RLIMIT_FSIZE, FILE_BYTES);
	/* What is beyond the size is not written; that is no reason to die. */
	signal(SIGXFSZ, SIG_IGN);
	if (!err && threads_are_its_own(sb))
		err = limit(RLIMIT_NPROC, soft ? THREADS_SOFT : THREADS_NVIDIA);
	else if (!err) {
		wk_sandbox_fail(sb, CW_SB_LIMITS, 0, "threads: user is not its own");
		return;
	}
	if (err)
		wk_sandbox_fail(sb, CW_SB_LIMITS, -err, "setrlimit");
	else
		wk_sandbox_on(sb, CW_SB_LIMITS, "");
}

/* Stacks count in full, whether used or not. */
static uint64_t stacks_bytes(void)
{
	pthread_attr_t attr;
	size_t stack = 8u << 20;

	if (!pthread_getattr_default_np(&attr)) {
		pthread_attr_getstacksize(&attr, &stack);
		pthread_attr_destroy(&attr);
	}
	return (uint64_t)stack * (VCUDA_SLOTS + (uint64_t)sysconf(_SC_NPROCESSORS_ONLN) + 8);
}

static uint64_t mapped_now(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/**
 * wk_step_memory() - Bound the memory of a worker
 * @sb:	sandbox
 *
 * Profile soft only: with NVIDIA's libcuda the address space is the card's, too.
 * RLIMIT_DATA counts what is private and writable, which is all that a worker
 * can get beside the window: shared memory and memory files are for the list
 * of system calls to refuse. RLIMIT_AS bounds what merely costs page tables.
 * Comes before the step that leaves the file system: /proc says what is mapped.
 */
void wk_step_memory(struct wk_sandbox *sb)
{
	uint64_t data = sb->memory + stacks_bytes();
	uint64_t arenas = ARENA_BYTES * 8 * (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t now = mapped_now();
	int err;

	if (!sb->report.soft) {
		strcpy(sb->report.row[CW_SB_MEMORY].why, "not in profile nvidia");
		return;
	}
	if (!now) {
		wk_sandbox_fail(sb, CW_SB_MEMORY, 0, "no /proc");
		return;
	}
	err = limit(RLIMIT_DATA, data);
	if (!err)
		err = limit(RLIMIT_AS, now + sb->mapped + data + arenas);
	if (err)
		wk_sandbox_fail(sb, CW_SB_MEMORY, -err, "setrlimit");
	else
		wk_sandbox_on(sb, CW_SB_MEMORY, "");
}
