/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts the job's program with pipes for its streams.
 */
#include "tools/agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PIPE_READ,
	PIPE_WRITE
};

struct program_pipes {
	int in[2];
	int out[2];
	int err[2];
	int status[2]; /* closes by itself when execve() works */
};

/* The GPU's node, as a distribution's udev rule would leave it for this user. */
static void program_open_node(void)
{
	chmod("/dev/vcuda0", 0666);
}

static int program_become(const struct ag_job *job)
{
	gid_t gid = job->gid;

	if (!job->uid && !job->gid)
		return 0;
	if (setgroups(1, &gid) || setresgid(gid, gid, gid) ||
	    setresuid(job->uid, job->uid, job->uid))
		return -errno;
	return 0;
}

/* In the child: the terminal's other end, which becomes the controlling one. */
static void program_take_terminal(int master)
{
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR);

	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0))
		ag_say("cannot give the program its terminal: %s", strerror(errno));
	for (int fd = 0; fd <= 2; fd++)
		dup2(slave, fd);
}

/* In the child: returns only where something failed. */
static int program_exec(const struct program_pipes *p, const struct ag_job *job)
{
	sigset_t none;
	int err;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (job->tty) {
		program_take_terminal(p->in[PIPE_WRITE]);
	} else {
		dup2(p->in[PIPE_READ], 0);
		dup2(p->out[PIPE_WRITE], 1);
		dup2(p->err[PIPE_WRITE], 2);
	}
	if (job->cwd && chdir(job->cwd))
		return -errno;
	err = program_become(job);
	if (err)
		return err;
	execve(job->program, job->args.s, job->env.s);
	return -errno;
}

static void program_make_folders(const struct ag_job *job)
{
	mkdir(CT_GUEST_OUT, 0755);
	if (chown(CT_GUEST_OUT, job->uid, job->gid))
		ag_say("cannot give " CT_GUEST_OUT " to the program: %s", strerror(errno));
	if (job->trace) {
		int fd = open(CT_GUEST_TRACE, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

		if (fd >= 0) {
			fchmod(fd, 0666);
			close(fd);
		}
	}
}

/* A terminal in place of the three pipes: its master is our end of two. */
static int program_open_terminal(struct program_pipes *p, const struct ag_job *job)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	const char *name;

	if (master < 0 || unlockpt(master))
		return -errno;
	name = ptsname(master);
	if (!name || chown(name, job->uid, job->gid))
		return -errno;
	p->in[PIPE_WRITE] = master;
	p->out[PIPE_READ] = fcntl(master, F_DUPFD_CLOEXEC, 0);
	p->in[PIPE_READ] = p->out[PIPE_WRITE] = -1;
	p->err[PIPE_READ] = p->err[PIPE_WRITE] = -1;
	return p->out[PIPE_READ] < 0 ? -errno : 0;
}

static int program_open(struct program_pipes *p, const struct ag_job *job)
{
	if (pipe2(p->status, O_CLOEXEC))
		return -errno;
	if (job->tty)
		return program_open_terminal(p, job);
	return pipe2(p->in, O_CLOEXEC) || pipe2(p->out, O_CLOEXEC) || pipe2(p->err, O_CLOEXEC)
		       ? -errno
		       : 0;
}

void ag_program_resize(const struct ag_program *p, unsigned int rows, unsigned int columns)
{
	const struct winsize size = { .ws_row = rows, .ws_col = columns };

	if (p->in >= 0)
		ioctl(p->in, TIOCSWINSZ, &size);
}

int ag_program_start(struct ag_program *p, const struct ag_job *job)
{
	struct program_pipes pipes;
	int err = 0;

	program_open_node();
	program_make_folders(job);
	err = program_open(&pipes, job);
	if (err)
		return err;
	p->pid = fork();
	if (p->pid < 0)
		return -errno;
	if (!p->pid) {
		err = program_exec(&pipes, job);
		if (write(pipes.status[PIPE_WRITE], &err, sizeof(err)) < 0)
			_exit(126);
		_exit(127);
	}
	close(pipes.in[PIPE_READ]);
	close(pipes.out[PIPE_WRITE]);
	close(pipes.err[PIPE_WRITE]);
	close(pipes.status[PIPE_WRITE]);
	if (read(pipes.status[PIPE_READ], &err, sizeof(err)) != sizeof(err))
		err = 0;
	close(pipes.status[PIPE_READ]);
	p->in = pipes.in[PIPE_WRITE];
	p->out = pipes.out[PIPE_READ];
	p->err = pipes.err[PIPE_READ];
	fcntl(p->in, F_SETFL, O_NONBLOCK);
	fcntl(p->out, F_SETFL, O_NONBLOCK);
	fcntl(p->err, F_SETFL, O_NONBLOCK);
	return err;
}
