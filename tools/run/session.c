/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the start of the VM to the end of the program in it.
 *
 * Theory of operation: one poll() loop over the ports, the guest's console,
 * QEMU's stderr and a signalfd. The state goes BOOTING -> RUNNING (the agent has
 * started the program; signals go there) -> ENDED (its status is known, output
 * may still be on the way) -> the loop ends when the byte counts are met. What
 * the console and QEMU say is kept, its end only, and shown where nothing else
 * explains a failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/ct.h"
#include "tools/run/channel.h"
#include "tools/run/out.h"
#include "tools/run/pump.h"
#include "tools/run/run.h"
#include "tools/run/terminal.h"

/* A boot takes 3 s emulated and 1 s with KVM; these end what will never boot. */
#define BOOT_LIMIT_KVM_S 60
#define BOOT_LIMIT_TCG_S 300
/* The power-off after everything is received; QEMU is killed after that. */
#define OFF_LIMIT_MS 5000
#define TAIL_ROOM 8192

enum session_state {
	SESSION_BOOTING, /* signals end the VM */
	SESSION_RUNNING, /* signals go to the program */
	SESSION_ENDED,	 /* status known; streams drain */
	SESSION_OVER,	 /* nothing more to do */
};

enum session_slot {
	SLOT_CONTROL,
	SLOT_SIGNAL,
	SLOT_CONSOLE,
	SLOT_MESSAGES,
	SLOT_IN,
	SLOT_OUT = SLOT_IN + 2,
	SLOT_ERR = SLOT_OUT + 2,
	SLOTS = SLOT_ERR + 2,
};

/* The last bytes of a text. */
struct session_tail {
	size_t len;
	char buf[TAIL_ROOM + 1];
};

/**
 * struct session - A run
 * @status:	what ct_session() returns
 * @stdin_told:	the agent knows the length of stdin
 * @out_told, @err_told: the agent knows that the reader is gone
 */
struct session {
	const struct ct_run *run;
	struct ct_vm *vm;
	enum session_state state;
	int status;
	int sigfd;
	bool stdin_told, out_told, err_told;
	struct ct_channel ch;
	struct ct_pump in, out, err;
	struct session_tail console, messages;
	struct ct_out files;
	struct ct_terminal terminal;
};

static const int session_signals[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD, SIGWINCH
};

static void session_end(struct session *s, int status)
{
	if (s->state != SESSION_OVER)
		s->status = status;
	s->state = SESSION_OVER;
}

/* Ends the run for a reason that has been said. */
static void session_fail(struct session *s)
{
	session_end(s, CT_EXIT_OWN << 8);
}

/* Reads what there is; returns false at the end. */
static bool tail_read(struct session_tail *t, int fd, bool show)
{
	char buf[1024];
	ssize_t n = read(fd, buf, sizeof(buf));
	size_t over;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (show && fwrite(buf, 1, n, stderr) == 0)
		return n > 0;
	over = t->len + n > TAIL_ROOM ? t->len + n - TAIL_ROOM : 0;
	memmove(t->buf, t->buf + over, t->len - over);
	t->len -= over;
	memcpy(t->buf + t->len, buf, n);
	t->len += n;
	t->buf[t->len] = '\0';
	return n > 0;
}

/* The last line in @t with @mark in it, from there on; "" where there is none. */
static const char *tail_find(struct session_tail *t, const char *mark, char *line, size_t len)
{
	const char *found = NULL;

	for (const char *p = t->buf; (p = strstr(p, mark)); p++)
		found = p;
	snprintf(line, len, "%.*s", found ? (int)strcspn(found, "\r\n") : 0, found ? found : "");
	return line;
}

/* The last line of @t that is not empty. */
static const char *tail_last(struct session_tail *t, char *line, size_t len)
{
	size_t end = t->len, start;

	while (end && strchr("\r\n ", t->buf[end - 1]))
		end--;
	for (start = end; start && t->buf[start - 1] != '\n'; start--)
		;
	snprintf(line, len, "%.*s", (int)(end - start), t->buf + start);
	return line;
}

/* QEMU has ended and there is no status: says why, as well as that is known. */
static void session_explain(struct session *s)
{
	char line[512];

	while (tail_read(&s->messages, s->vm->messages, false) && s->messages.len == 0)
		;
	if (*tail_find(&s->console, CT_AGENT_PREFIX, line, sizeof(line)))
		ct_error("the guest gave up: %s", line + strlen(CT_AGENT_PREFIX));
	else if (*tail_find(&s->console, "Kernel panic", line, sizeof(line)))
		ct_error("the guest kernel stopped: %s; if that speaks of memory, give it more "
			 "with --mem",
			 line);
	else if (s->messages.len)
		ct_error("the VM did not start: %s", tail_last(&s->messages, line, sizeof(line)));
	else if (s->state == SESSION_BOOTING)
		ct_error("the guest ended before the program started; causeway run --verbose "
			 "shows its console");
	else
		ct_error("the guest ended before the program did; causeway run --verbose shows "
			 "its console");
}

/* QEMU has ended: as it should after the program has, or not. */
static void session_lost_vm(struct session *s)
{
	if (s->state != SESSION_BOOTING && s->state != SESSION_RUNNING)
		return;
	tail_read(&s->console, s->vm->console, s->run->verbose);
	session_explain(s);
	session_fail(s);
}

/* The daemon has ended. With status 0 it says that the VM had left before it. */
static void session_lost_daemon(struct session *s, int status)
{
	if (!status && s->vm->pid > 0 && waitpid(s->vm->pid, NULL, 0) > 0) {
		s->vm->pid = 0;
		session_lost_vm(s);
		return;
	}
	ct_error("the GPU daemon ended (%s %d) while the VM ran; its own lines above, if any, "
		 "say why",
		 WIFSIGNALED(status) ? "signal" : "status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	session_fail(s);
}

static void session_reap(struct session *s)
{
	int status;

	if (s->vm->pid > 0 && waitpid(s->vm->pid, NULL, WNOHANG) > 0) {
		s->vm->pid = 0;
		session_lost_vm(s);
	}
	if (s->vm->daemon.pid > 0 && waitpid(s->vm->daemon.pid, &status, WNOHANG) > 0) {
		s->vm->daemon.pid = 0;
		if (s->state == SESSION_BOOTING || s->state == SESSION_RUNNING)
			session_lost_daemon(s, status);
	}
}

static void session_send_size(struct session *s)
{
	struct ct_msg_size size = ct_terminal_size();

	if (s->run->tty && s->state == SESSION_RUNNING)
		ct_channel_send(&s->ch, CT_MSG_SIZE, &size, sizeof(size));
}

/* The program runs: from here on it is the one to be talked to. */
static void session_on_started(struct session *s)
{
	s->state = SESSION_RUNNING;
	if (!s->run->tty)
		return;
	ct_terminal_take(&s->terminal);
	session_send_size(s);
}

static void session_on_signal(struct session *s)
{
	struct signalfd_siginfo info;
	struct ct_msg_signal msg;

	while (read(s->sigfd, &info, sizeof(info)) == sizeof(info)) {
		msg.number = info.ssi_signo;
		if (info.ssi_signo == SIGCHLD)
			session_reap(s);
		else if (info.ssi_signo == SIGWINCH)
			session_send_size(s);
		else if (s->state == SESSION_BOOTING)
			session_end(s, info.ssi_signo);
		else if (ct_channel_send(&s->ch, CT_MSG_SIGNAL, &msg, sizeof(msg)))
			session_end(s, info.ssi_signo);
	}
}

static void session_on_hello(struct session *s)
{
	const struct ct_msg_hello *m = ct_channel_body(&s->ch, sizeof(*m));

	if (m && m->version == CT_PROTO_VERSION)
		return;
	ct_error("the agent in the guest is of another version; ./do build makes them alike");
	session_fail(s);
}

static void session_on_fail(struct session *s)
{
	const struct ct_msg_fail *m = ct_channel_body(&s->ch, sizeof(*m));
	int status = CT_EXIT_OWN;

	if (m)
		ct_error("in the guest: %.*s: %s", (int)sizeof(m->text) - 1, m->text,
			 strerror(m->err));
	if (m && !strncmp(m->text, s->run->program, sizeof(m->text) - 1))
		status = m->err == ENOENT ? CT_EXIT_NOT_FOUND : CT_EXIT_CANNOT_EXEC;
	session_end(s, status << 8);
}

static void session_on_exit(struct session *s)
{
	const struct ct_msg_exit *m = ct_channel_body(&s->ch, sizeof(*m));

	if (!m) {
		ct_error("the agent in the guest does not make sense");
		session_fail(s);
		return;
	}
	s->status = m->status;
	s->out.end = m->out_bytes;
	s->err.end = m->err_bytes;
	s->state = SESSION_ENDED;
	if (m->unsent)
		ct_error("the program was killed: %u files it left in " CT_GUEST_OUT
			 " are not taken",
			 m->unsent);
}

static int session_on_file(struct session *s)
{
	const void *body = s->ch.buf + sizeof(s->ch.head);

	switch (s->ch.head.type) {
	case CT_MSG_OUT_OPEN:
		return s->ch.head.len == sizeof(struct ct_msg_out_open)
			       ? ct_out_open(&s->files, body)
			       : -EBADMSG;
	case CT_MSG_OUT_DATA:
		return ct_out_data(&s->files, body, s->ch.head.len);
	default:
		return ct_out_close(&s->files);
	}
}

static void session_on_message(struct session *s)
{
	int err;

	switch (s->ch.head.type) {
	case CT_MSG_HELLO:
		session_on_hello(s);
		break;
	case CT_MSG_FAIL:
		session_on_fail(s);
		break;
	case CT_MSG_STARTED:
		session_on_started(s);
		break;
	case CT_MSG_EXIT:
		session_on_exit(s);
		break;
	case CT_MSG_OUT_OPEN:
	case CT_MSG_OUT_DATA:
	case CT_MSG_OUT_CLOSE:
		err = session_on_file(s);
		if (err) {
			ct_error("cannot store a file of the guest: %s", strerror(-err));
			session_fail(s);
		}
		break;
	default:
		ct_error("the agent in the guest sent a message of type %u, which does not exist",
			 s->ch.head.type);
		session_fail(s);
	}
}

static void session_on_control(struct session *s)
{
	int got;

	while (s->state != SESSION_OVER && (got = ct_channel_receive(&s->ch)) != 0) {
		if (got < 0)
			break;
		session_on_message(s);
	}
}

/* Tells the agent what happened to the streams on this side. */
static void session_tell(struct session *s)
{
	struct ct_msg_count count = { .bytes = s->in.taken };
	struct ct_msg_signal which;

	if (s->in.eof && !s->stdin_told) {
		s->stdin_told = true;
		ct_channel_send(&s->ch, CT_MSG_STDIN_END, &count, sizeof(count));
	}
	if (s->out.broken && !s->out_told) {
		s->out_told = true;
		which.number = 1;
		ct_channel_send(&s->ch, CT_MSG_READER_GONE, &which, sizeof(which));
	}
	if (s->err.broken && !s->err_told) {
		s->err_told = true;
		which.number = 2;
		ct_channel_send(&s->ch, CT_MSG_READER_GONE, &which, sizeof(which));
	}
}

static int session_timeout(const struct session *s, const struct timespec *start)
{
	int limit = s->vm->kvm ? BOOT_LIMIT_KVM_S : BOOT_LIMIT_TCG_S;
	struct timespec now;

	if (s->state != SESSION_BOOTING)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return cw_max(0, (int)(limit - (now.tv_sec - start->tv_sec)) * 1000);
}

/* One turn of the loop. */
static void session_turn(struct session *s, int timeout)
{
	struct pollfd pfd[SLOTS] = {
		[SLOT_CONTROL] = { .fd = s->ch.fd, .events = POLLIN },
		[SLOT_SIGNAL] = { .fd = s->sigfd, .events = POLLIN },
		[SLOT_CONSOLE] = { .fd = s->vm->console, .events = POLLIN },
		[SLOT_MESSAGES] = { .fd = s->vm->messages, .events = POLLIN },
	};
	int n;

	for (int i = SLOT_IN; i < SLOTS; i++)
		pfd[i].fd = -1;
	if (s->state == SESSION_RUNNING)
		ct_pump_prepare(&s->in, pfd + SLOT_IN);
	ct_pump_prepare(&s->out, pfd + SLOT_OUT);
	ct_pump_prepare(&s->err, pfd + SLOT_ERR);
	n = poll(pfd, SLOTS, timeout);
	if (n == 0 && s->state == SESSION_BOOTING) {
		ct_error("the guest does not come up; causeway run --verbose shows its console");
		session_fail(s);
	}
	if (n <= 0)
		return;
	if (pfd[SLOT_CONSOLE].revents && !tail_read(&s->console, s->vm->console, s->run->verbose)) {
		close(s->vm->console);
		s->vm->console = -1;
	}
	if (pfd[SLOT_MESSAGES].revents &&
	    !tail_read(&s->messages, s->vm->messages, s->run->verbose)) {
		close(s->vm->messages);
		s->vm->messages = -1;
	}
	if (pfd[SLOT_CONTROL].revents)
		session_on_control(s);
	ct_pump_step(&s->in, pfd + SLOT_IN);
	ct_pump_step(&s->out, pfd + SLOT_OUT);
	ct_pump_step(&s->err, pfd + SLOT_ERR);
	if (pfd[SLOT_SIGNAL].revents)
		session_on_signal(s);
}

/* Lets the guest power itself off, so that its drivers end in order. */
static void session_power_off(struct session *s)
{
	struct pollfd pfd = { .fd = s->sigfd, .events = POLLIN };
	struct timespec start, now;
	long left = OFF_LIMIT_MS;

	if (ct_channel_send(&s->ch, CT_MSG_BYE, NULL, 0))
		return;
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (s->vm->pid > 0 && left > 0) {
		if (poll(&pfd, 1, left) > 0) {
			struct signalfd_siginfo info;

			while (read(s->sigfd, &info, sizeof(info)) == sizeof(info)) {
				if (info.ssi_signo != SIGCHLD && info.ssi_signo != SIGWINCH)
					return;
			}
		}
		if (waitpid(s->vm->pid, NULL, WNOHANG) > 0)
			s->vm->pid = 0;
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = OFF_LIMIT_MS - (now.tv_sec - start.tv_sec) * 1000 -
		       (now.tv_nsec - start.tv_nsec) / 1000000;
	}
}

static void session_loop(struct session *s)
{
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (s->state != SESSION_OVER) {
		session_turn(s, session_timeout(s, &start));
		session_tell(s);
		if (s->state == SESSION_ENDED && ct_pump_done(&s->out) && ct_pump_done(&s->err)) {
			session_power_off(s);
			session_end(s, s->status);
		}
	}
}

int ct_session(const struct ct_run *run, struct ct_vm *vm)
{
	struct session *s = calloc(1, sizeof(*s));
	sigset_t set;
	int status;

	if (!s || ct_out_init(&s->files, run->out, run->traced ? run->trace : NULL, run->mem)) {
		free(s);
		return CT_EXIT_OWN << 8;
	}
	sigemptyset(&set);
	for (size_t i = 0; i < CW_ARRAY_SIZE(session_signals); i++)
		sigaddset(&set, session_signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	s->run = run;
	s->vm = vm;
	s->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->ch.fd = vm->control;
	ct_pump_init(&s->in, 0, vm->in, CT_PUMP_ROOM);
	ct_pump_init(&s->out, vm->out, 1, PIPE_BUF);
	ct_pump_init(&s->err, vm->err, 2, PIPE_BUF);
	/* QEMU may have ended before its SIGCHLD was blocked. */
	session_reap(s);
	session_loop(s);
	ct_terminal_give_back(&s->terminal);
	ct_out_finish(&s->files);
	close(s->sigfd);
	status = s->status;
	free(s);
	return status;
}
