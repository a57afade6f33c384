/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spawner process.
 *
 * Theory of operation: a daemon that holds a guest's memory, and later has
 * threads, is a bad place to fork from. So the first thing the daemon does is
 * to fork this one: it has no threads, no guest memory, one socket. For each
 * worker it forks and execs the daemon's own program, so every worker has a
 * fresh address layout and exactly the descriptors it needs. As parent it
 * alone can kill and reap without hitting a stranger with a reused pid.
 *
 * What it takes away from all of them at once, namespaces above all, is in
 * jail.c; what each gives away itself in worker/sandbox.c.
 *
 * Nobody outlives the daemon: end of file on the socket makes the spawner kill
 * its children and leave; should it be killed itself, the kernel kills the
 * workers (PDEATHSIG), and they see end of file on their own sockets.
 */
#include "daemon/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cw/util.h"
#include "cw/worker_proto.h"
#include "daemon/jail.h"
#include "daemon/msg.h"
#include "daemon/options.h"

/* One for each client, the probe, and those on their way out. */
#define MAX_CHILDREN (2 * CD_MAX_CLIENTS)
#define MAX_ENV 64
#define REAP_MS 1000

/**
 * struct child - A worker
 * @pid:	0: free
 * @cookie:	its name
 * @holds:	reasons for which it shall not run, enum cd_hold
 * @stopped:	for one of them, and none of its threads runs
 * @asked:	the daemon waits to hear so
 */
struct child {
	pid_t pid;
	uint64_t cookie;
	uint32_t holds;
	bool stopped;
	bool asked;
};

struct spawner {
	int sock;
	int signal_fd;
	pid_t self;
	int root;
	char spawned[sizeof(CW_WORKER_SPAWNED) + 24];
	char *env[MAX_ENV + 1];
	struct child child[MAX_CHILDREN];
};

/* What a worker sees of the environment: names, or with '*' beginnings. */
static const char *const env_allowed[] = {
	"CAUSEWAY_*",	     "HOME",		     "XDG_CACHE_HOME",
	"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "ASAN_OPTIONS",
	"LSAN_OPTIONS",	     "TSAN_OPTIONS",	     "UBSAN_OPTIONS",
};

static bool env_is_allowed(const char *var)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(env_allowed); i++) {
		size_t len = strlen(env_allowed[i]);

		if (env_allowed[i][len - 1] == '*' && !strncmp(var, env_allowed[i], len - 1))
			return true;
		if (!strncmp(var, env_allowed[i], len) && var[len] == '=')
			return true;
	}
	return false;
}

static void env_collect(struct spawner *s, const struct cd_jail *jail)
{
	int n = 0;

	snprintf(s->spawned, sizeof(s->spawned), "%s=%u %d", CW_WORKER_SPAWNED, jail->flags,
		 jail->err);
	s->env[n++] = s->spawned;
	for (char **e = environ; *e && n < MAX_ENV; e++) {
		if (env_is_allowed(*e))
			s->env[n++] = *e;
	}
	s->env[n] = NULL;
}

static void report(struct spawner *s, uint32_t type, const struct child *c, int status)
{
	struct cd_spawn_msg msg = {
		.type = type, .pid = c->pid, .cookie = c->cookie, .status = status
	};

	/* May block: the daemon always comes back to its loop, or is gone. */
	while (send(s->sock, &msg, sizeof(msg), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

/* Which process this is to the daemon, whose /proc is the one mounted here. */
static pid_t outer_pid(void)
{
	char text[16];
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return atoi(text);
}

/* Makes descriptor @as of @fd, to be kept over an exec. */
static int keep_fd(int fd, int as)
{
	/* dup2() to itself keeps the flag. */
	if (dup2(fd, as) < 0 || fcntl(as, F_SETFD, 0))
		return -errno;
	return 0;
}

/* 0, 1, 2, the socket, maybe a root; all others are closed. */
static int keep_fds(struct spawner *s, int fd)
{
	int null = open("/dev/null", O_RDWR);
	int last = CW_WORKER_FD;
	int root = s->root;

	/* Out of the way of the numbers that are to be taken. */
	if (root >= 0)
		root = fcntl(root, F_DUPFD, CW_WORKER_ROOT_FD + 1);
	if (null < 0 || dup2(null, 0) < 0 || keep_fd(fd, CW_WORKER_FD))
		return -errno;
	if (root >= 0) {
		last = CW_WORKER_ROOT_FD;
		if (keep_fd(root, last))
			return -errno;
	}
	return close_range((unsigned int)last + 1, ~0U, 0) ? -errno : 0;
}

/* Runs in the child; anything that fails ends it with 127, which is reported. */
_Noreturn static void exec_worker(struct spawner *s, const struct cd_spawn_msg *msg, int fd)
{
	bool probe = msg->type == CD_SPAWN_PROBE;
	char *argv[] = { "vhost-user-cuda", probe ? "--probe" : "--worker", NULL };
	struct child self = { .pid = outer_pid(), .cookie = msg->cookie };
	/* Guest code runs there: a core file would carry guest memory to disk. */
	struct rlimit no_core = { 0, 0 };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	if (self.pid <= 0)
		_exit(127);
	report(s, CD_SPAWN_STARTED, &self, 0);
	if (keep_fds(s, fd))
		_exit(127);
	setrlimit(RLIMIT_CORE, &no_core);
	/* Re-checked: a spawner that died before this line sends no signal. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != s->self)
		_exit(127);
	execve("/proc/self/exe", argv, s->env);
	_exit(127);
}

static struct child *child_find(struct spawner *s, uint64_t cookie)
{
	for (int i = 0; i < MAX_CHILDREN; i++) {
		if (s->child[i].pid && s->child[i].cookie == cookie)
			return &s->child[i];
	}
	return NULL;
}

static void start_child(struct spawner *s, const struct cd_spawn_msg *msg, int fd)
{
	struct child failed = { .cookie = msg->cookie };
	struct child *c = NULL;
	pid_t pid;

	for (int i = 0; i < MAX_CHILDREN && !c; i++) {
		if (!s->child[i].pid)
			c = &s->child[i];
	}
	if (!c || fd < 0) {
		report(s, CD_SPAWN_EXITED, &failed, EAGAIN);
		return;
	}
	pid = fork();
	if (!pid)
		exec_worker(s, msg, fd);
	if (pid < 0) {
		report(s, CD_SPAWN_EXITED, &failed, errno);
		return;
	}
	/* It says itself that it has started: what we know it as is not its name outside. */
	*c = (struct child){ .pid = pid, .cookie = msg->cookie };
}

static void stopped_tell(struct spawner *s, struct child *c)
{
	if (c->stopped && c->asked)
		report(s, CD_SPAWN_STOPPED, c, 0);
	c->asked &= !c->stopped;
}

static void signal_child(struct spawner *s, struct child *c, const struct cd_spawn_msg *msg)
{
	uint32_t had = c->holds;

	switch (msg->type) {
	case CD_SPAWN_KILL:
		kill(c->pid, SIGKILL);
		return;
	case CD_SPAWN_STOP:
		c->holds |= msg->why;
		c->asked |= msg->why == CD_HOLD_PAUSE;
		break;
	case CD_SPAWN_CONT:
		c->holds &= ~msg->why;
		c->asked &= msg->why != CD_HOLD_PAUSE;
		break;
	}
	if (!had && c->holds)
		kill(c->pid, SIGSTOP);
	if (had && !c->holds) {
		c->stopped = false;
		kill(c->pid, SIGCONT);
	}
	stopped_tell(s, c);
}

/* Whether the daemon is still there. */
static bool serve_daemon(struct spawner *s)
{
	struct cd_spawn_msg msg;
	int fds[CD_MSG_MAX_FDS];
	size_t nfds;
	ssize_t n = cd_msg_recv(s->sock, &msg, sizeof(msg), fds, &nfds);
	struct child *c;

	if (n == -EAGAIN)
		return true;
	if (n != sizeof(msg))
		return false;
	if (msg.type >= CD_SPAWN_KILL && msg.type <= CD_SPAWN_CONT) {
		c = child_find(s, msg.cookie);
		if (c)
			signal_child(s, c, &msg);
	} else {
		start_child(s, &msg, nfds ? fds[0] : -1);
	}
	cd_close_all(fds, nfds);
	return true;
}

/*
 * The kernel calls a process stopped when the last of its threads is. One that
 * somebody else has stopped is none of ours.
 */
static void changed(struct spawner *s, struct child *c, int status)
{
	if (!WIFSTOPPED(status)) {
		report(s, CD_SPAWN_EXITED, c, status);
		c->pid = 0;
		return;
	}
	c->stopped = c->holds;
	stopped_tell(s, c);
}

static void reap(struct spawner *s)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info))
		;
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		for (int i = 0; i < MAX_CHILDREN; i++) {
			if (s->child[i].pid != pid)
				continue;
			changed(s, &s->child[i], status);
			break;
		}
	}
}

/* Kills all children; gives the kernel a second to take them down. */
static void end_children(struct spawner *s)
{
	for (int i = 0; i < MAX_CHILDREN; i++) {
		if (s->child[i].pid)
			kill(s->child[i].pid, SIGKILL);
	}
	for (int i = 0; i < REAP_MS; i++) {
		pid_t pid;

		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

/**
 * cd_spawner_main() - Life of the spawner
 * @sock:	to the daemon
 * @jail:	what it has for workers
 */
_Noreturn void cd_spawner_main(int sock, const struct cd_jail *jail)
{
	static struct spawner s;
	struct pollfd p[2];
	pid_t daemon = getppid();
	sigset_t mask;

	prctl(PR_SET_NAME, "cuda-spawner");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A signal to the whole group is the daemon's affair. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	s.sock = sock;
	s.self = getpid();
	s.signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	s.root = jail->root;
	env_collect(&s, jail);
	p[0] = (struct pollfd){ .fd = sock, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = s.signal_fd, .events = POLLIN };
	if (s.signal_fd < 0 || getppid() != daemon)
		_exit(1);
	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents)
			reap(&s);
		if (p[0].revents && !serve_daemon(&s))
			break;
	}
	end_children(&s);
	_exit(0);
}
