/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting somebody's program on this machine, and helpers beside it.
 */
#include "tools/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/ct.h"
#include "tools/closure.h"

#define LAUNCH_KEEP_MAX 24

int ct_use_library(const char *which)
{
	char rel[64], dir[PATH_MAX], lib[PATH_MAX + 16], guest[PATH_MAX];

	snprintf(rel, sizeof(rel), "lib/causeway/%s", which);
	ct_path(dir, sizeof(dir), rel);
	snprintf(lib, sizeof(lib), "%s/libcuda.so.1", dir);
	if (access(lib, R_OK)) {
		ct_error("%s is missing; ./do build makes it", lib);
		return -ENOENT;
	}
	/* libcudart lies beside the guest's libcuda, whichever libcuda is in use. */
	if (!ct_path(guest, sizeof(guest), "lib/causeway/guest"))
		ct_env_prepend("LD_LIBRARY_PATH", guest);
	return strcmp(which, "guest") ? ct_env_prepend("LD_LIBRARY_PATH", dir) : 0;
}

int ct_launch(char **argv)
{
	char *path;
	int status = ct_check_program(argv[0], getenv("LD_LIBRARY_PATH"), NULL, &path);

	if (status)
		return status;
	execv(path, argv);
	ct_error("cannot execute '%s': %s", path, strerror(errno));
	free(path);
	return CT_EXIT_CANNOT_EXEC;
}

/* In the child: puts what it keeps at 3, 4, ... and closes the rest. */
static void launch_place_fds(const struct ct_helper *h)
{
	const int *keep = h->keep;
	int high[LAUNCH_KEEP_MAX], n = 0;
	int null = open("/dev/null", O_RDONLY);

	if (h->messages > 0)
		dup2(h->messages, 2);
	dup2(null, 0);
	dup2(2, 1);
	/* First out of the way, so that no dup2() hits one still to be moved. */
	for (; keep && keep[n] >= 0 && n < LAUNCH_KEEP_MAX; n++)
		high[n] = fcntl(keep[n], F_DUPFD, 3 + LAUNCH_KEEP_MAX);
	for (int i = 0; i < n; i++)
		dup2(high[i], 3 + i);
	close_range(3 + n, ~0U, 0);
}

pid_t ct_spawn_helper(const struct ct_helper *h)
{
	pid_t parent = getpid();
	sigset_t none;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid < 0 ? -errno : pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CT_EXIT_OWN);
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	status = h->prepare ? h->prepare(h->arg) : 0;
	if (status)
		_exit(status);
	launch_place_fds(h);
	execv(h->argv[0], h->argv);
	_exit(errno == ENOENT ? CT_EXIT_NOT_FOUND : CT_EXIT_CANNOT_EXEC);
}

void ct_stop_helper(pid_t pid)
{
	const struct timespec tick = { .tv_nsec = 5000000 };

	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	for (int i = 0; i < 400; i++) {
		if (waitpid(pid, NULL, WNOHANG))
			return;
		nanosleep(&tick, NULL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int ct_end_like(int status)
{
	const struct rlimit none = { 0 };
	sigset_t set;
	int sig;

	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	/* The program's core, if any, is written; ours would tell nothing. */
	setrlimit(RLIMIT_CORE, &none);
	fflush(NULL);
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
	return 128 + sig;
}
