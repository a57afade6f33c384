/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a program as a child that gets the signals meant for it.
 */
#include "tools/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cw/util.h"
#include "tools/ct.h"
#include "tools/launch.h"

/* Pid of the program: read by the signal handler. */
static volatile pid_t child_pid;

/*
 * What somebody sends to this process is meant for the program. What the
 * terminal sends (si_code > 0) the program has got itself, being in the same
 * process group.
 */
static void child_on_signal(int sig, siginfo_t *info, void *context)
{
	if (info->si_code <= 0 && child_pid > 0)
		kill(child_pid, sig);
}

static const int child_forwarded[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

static int child_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return CT_EXIT_OWN << 8;
	}
	child_pid = 0;
	return status;
}

int ct_child_run(char **argv)
{
	struct sigaction sa = { .sa_sigaction = child_on_signal, .sa_flags = SA_SIGINFO };
	sigset_t set, old;
	pid_t pid;

	sigemptyset(&set);
	for (size_t i = 0; i < CW_ARRAY_SIZE(child_forwarded); i++)
		sigaddset(&set, child_forwarded[i]);
	sigprocmask(SIG_BLOCK, &set, &old);
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		ct_error("cannot start a process: %s", strerror(errno));
		sigprocmask(SIG_SETMASK, &old, NULL);
		return CT_EXIT_OWN << 8;
	}
	if (!pid) {
		/* Until execve() a handler of ours would signal the child before. */
		child_pid = 0;
		sigprocmask(SIG_SETMASK, &old, NULL);
		_exit(ct_launch(argv));
	}
	child_pid = pid;
	for (size_t i = 0; i < CW_ARRAY_SIZE(child_forwarded); i++)
		sigaction(child_forwarded[i], &sa, NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return child_wait(pid);
}
