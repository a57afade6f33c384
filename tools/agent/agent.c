/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent: first process of a guest of `causeway run`. It loads the kernel's
 * modules, runs one program with its streams on virtio-serial ports, reports
 * how it ended, and powers the machine off.
 *
 * Theory of operation: one thread, one poll() loop: three pumps for the streams,
 * the control port, and a signalfd for ended children. After the program has
 * ended its output pipes are read until they are empty, not until they are
 * closed: a child that it left behind may hold them open for ever.
 */
#include "tools/agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/run/pump.h"

enum ag_slot {
	AG_SLOT_CONTROL,
	AG_SLOT_CHILD,
	AG_SLOT_IN,
	AG_SLOT_OUT = AG_SLOT_IN + 2,
	AG_SLOT_ERR = AG_SLOT_OUT + 2,
	AG_SLOTS = AG_SLOT_ERR + 2,
};

/**
 * struct ag_session - A running program and its connections
 * @exited:	the program has ended, with @status
 * @bye:	the host has received everything
 */
struct ag_session {
	struct ag_job job;
	struct ct_channel ch;
	struct ag_program prog;
	struct ct_pump in, out, err;
	int sigfd;
	int status;
	bool exited;
	bool bye;
};

void ag_say(const char *fmt, ...)
{
	char line[512] = CT_AGENT_PREFIX;
	int n = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	n = cw_min(n, (int)sizeof(line) - 2);
	line[n++] = '\n';
	if (write(2, line, n) < 0)
		return;
}

static void ag_power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* Tells the host why nothing runs, and ends the machine. */
static void ag_fail(struct ag_session *s, int err, const char *text)
{
	struct ct_msg_fail fail = { .err = -err };

	snprintf(fail.text, sizeof(fail.text), "%s", text);
	ag_say("%s: %s", text, strerror(-err));
	ct_channel_send(&s->ch, CT_MSG_FAIL, &fail, sizeof(fail));
	/* The host ends the machine when it has read that. */
	for (int i = 0; i < 100 && ct_channel_receive(&s->ch) == 0; i++)
		usleep(20000);
	ag_power_off();
}

static void ag_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void ag_on_message(struct ag_session *s)
{
	const struct ct_msg_signal *sig = ct_channel_body(&s->ch, sizeof(*sig));
	const struct ct_msg_size *size = ct_channel_body(&s->ch, sizeof(*size));
	const struct ct_msg_count *count = ct_channel_body(&s->ch, sizeof(*count));

	switch (s->ch.head.type) {
	case CT_MSG_STDIN_END:
		if (count)
			s->in.end = count->bytes;
		break;
	case CT_MSG_SIGNAL:
		if (sig && !s->exited)
			kill(-s->prog.pid, sig->number);
		break;
	case CT_MSG_READER_GONE:
		/* The program learns it as it would on the host: SIGPIPE. */
		if (sig && sig->number == 1)
			ag_close(&s->prog.out);
		if (sig && sig->number == 2)
			ag_close(&s->prog.err);
		break;
	case CT_MSG_SIZE:
		if (size)
			ag_program_resize(&s->prog, size->rows, size->columns);
		break;
	case CT_MSG_BYE:
		s->bye = true;
		break;
	}
}

static void ag_reap(struct ag_session *s)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(s->sigfd, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->prog.pid) {
			s->exited = true;
			s->status = status;
		}
	}
}

/* A pipe of the program: gone after READER_GONE, and then at its end. */
static void ag_pump_output(struct ag_session *s, struct ct_pump *p, int fd,
			   const struct pollfd *pfd)
{
	if (fd < 0)
		p->eof = true;
	else
		ct_pump_step(p, pfd);
	/* Ended, and the pipe was found empty: that was all. */
	if (s->exited && pfd[0].fd >= 0 && !(pfd[0].revents & POLLIN))
		p->eof = true;
}

static void ag_pump_input(struct ag_session *s, const struct pollfd *pfd)
{
	ct_pump_step(&s->in, pfd);
	if (ct_pump_done(&s->in) || s->in.broken || s->exited) {
		ag_close(&s->prog.in);
		s->in.broken = true;
	}
}

/* One turn of the loop; @timeout as for poll(). */
static void ag_turn(struct ag_session *s, int timeout)
{
	struct pollfd pfd[AG_SLOTS] = {
		[AG_SLOT_CONTROL] = { .fd = s->ch.fd, .events = POLLIN },
		[AG_SLOT_CHILD] = { .fd = s->sigfd, .events = POLLIN },
	};
	bool was_exited = s->exited;

	ct_pump_prepare(&s->in, pfd + AG_SLOT_IN);
	ct_pump_prepare(&s->out, pfd + AG_SLOT_OUT);
	ct_pump_prepare(&s->err, pfd + AG_SLOT_ERR);
	if (poll(pfd, AG_SLOTS, timeout) < 0)
		return;
	if (pfd[AG_SLOT_CHILD].revents)
		ag_reap(s);
	if (pfd[AG_SLOT_CONTROL].revents) {
		while (ct_channel_receive(&s->ch) > 0)
			ag_on_message(s);
	}
	ag_pump_input(s, pfd + AG_SLOT_IN);
	/* What poll() said of the pipes counts only if it said it afterwards. */
	if (s->exited && !was_exited)
		return;
	ag_pump_output(s, &s->out, s->prog.out, pfd + AG_SLOT_OUT);
	ag_pump_output(s, &s->err, s->prog.err, pfd + AG_SLOT_ERR);
}

static void ag_run(struct ag_session *s)
{
	struct ct_msg_exit end = { 0 };

	while (!s->exited || !ct_pump_done(&s->out) || !ct_pump_done(&s->err))
		ag_turn(s, s->exited ? 100 : -1);
	/* What a killed program left may be half of a file. */
	if (WIFSIGNALED(s->status) && s->job.out)
		end.unsent = ag_count_outputs();
	if (ag_send_outputs(&s->job, &s->ch, !WIFSIGNALED(s->status)))
		ag_say("cannot send the output files");
	end.status = s->status;
	end.out_bytes = s->out.taken;
	end.err_bytes = s->err.taken;
	ag_unmount_shares(&s->job);
	ct_channel_send(&s->ch, CT_MSG_EXIT, &end, sizeof(end));
	while (!s->bye)
		ag_turn(s, -1);
}

static int ag_watch_children(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void ag_open_ports(struct ag_session *s)
{
	int in, out, err;

	s->ch.fd = ag_open_port(CT_PORT_CONTROL);
	if (s->ch.fd < 0) {
		ag_say("this kernel shows no virtio-serial port: it lacks virtio_pci or "
		       "virtio_console");
		ag_power_off();
	}
	in = ag_open_port(CT_PORT_STDIN);
	out = ag_open_port(CT_PORT_STDOUT);
	err = ag_open_port(CT_PORT_STDERR);
	if (in < 0 || out < 0 || err < 0)
		ag_fail(s, -ENODEV, "a port of the program's streams is missing");
	ct_pump_init(&s->in, in, -1, CT_PUMP_ROOM);
	ct_pump_init(&s->out, -1, out, CT_PUMP_ROOM);
	ct_pump_init(&s->err, -1, err, CT_PUMP_ROOM);
}

int main(void)
{
	static struct ag_session s;
	struct ct_msg_hello hello = { .version = CT_PROTO_VERSION };
	char text[PATH_MAX];
	int err;

	if (getpid() != 1) {
		fprintf(stderr, CT_AGENT_PREFIX "only of use as the first process of a guest\n");
		return 2;
	}
	err = ag_mount_basics();
	if (!err)
		err = ag_job_read(&s.job);
	if (err) {
		ag_say("cannot set up the guest: %s", strerror(-err));
		ag_power_off();
	}
	s.sigfd = ag_watch_children();
	ag_load_modules(&s.job);
	ag_open_ports(&s);
	ct_channel_send(&s.ch, CT_MSG_HELLO, &hello, sizeof(hello));
	err = ag_mount_root(&s.job);
	if (err)
		ag_fail(&s, err, "cannot mount the host's files (--root=pack does without)");
	err = ag_mount_shares(&s.job, text, sizeof(text));
	if (err)
		ag_fail(&s, err, text);
	err = ag_program_start(&s.prog, &s.job);
	if (err)
		ag_fail(&s, err, s.job.program);
	s.in.out = s.prog.in;
	s.out.in = s.prog.out;
	s.err.in = s.prog.err;
	ct_channel_send(&s.ch, CT_MSG_STARTED, NULL, 0);
	ag_run(&s);
	ag_power_off();
}
