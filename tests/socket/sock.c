/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/socket/sock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

void sock_nap(void)
{
	usleep(2000);
}

double sock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Waits for a condition; its value at the end. */
#define AWAIT(cond)                                                                                \
	({                                                                                         \
		double until_ = sock_now() + SOCK_PATIENCE_MS / 1000.0;                            \
		bool ok_;                                                                          \
		while (!(ok_ = (cond)) && sock_now() < until_)                                     \
			sock_nap();                                                                \
		ok_;                                                                               \
	})

int sock_connect(const struct sock_daemon *d)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", d->path);
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	close(fd);
	return -1;
}

static void daemon_exec(const struct sock_daemon *d, const char *const *args)
{
	const char *program = getenv("CAUSEWAY_DAEMON");
	int log = open(d->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	char arg[128];
	const char *argv[4 + SOCK_ARGS_MAX] = { program, arg, "--backend=soft",
						"--worker-timeout=120000" };

	for (int i = 0; args && args[i] && i < SOCK_ARGS_MAX - 1; i++)
		argv[4 + i] = args[i];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(arg, sizeof(arg), "--client-socket=%s", d->path);
	setenv("CAUSEWAY_TEST_HOOKS", "1", 1);
	unsetenv("CAUSEWAY_LOG");
	dup2(log, 2);
	close(log);
	if (program)
		execv(program, (char *const *)argv);
	_exit(126);
}

/* Whether somebody listens; a socket file may be a dead daemon's. */
static bool daemon_listens(const struct sock_daemon *d)
{
	int fd = sock_connect(d);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void daemon_start(struct sock_daemon *d, const char *path, const char *const *args)
{
	strcpy(d->dir, "/tmp/causeway-socket-XXXXXX");
	if (!mkdtemp(d->dir))
		die("mkdtemp");
	if (path)
		memmove(d->path, path, strlen(path) + 1);
	else
		snprintf(d->path, sizeof(d->path), "%s/client", d->dir);
	snprintf(d->log, sizeof(d->log), "%s.log", d->dir);
	fflush(stdout);
	d->pid = fork();
	if (!d->pid)
		daemon_exec(d, args);
	if (d->pid < 0 || !AWAIT(daemon_listens(d) || waitpid(d->pid, NULL, WNOHANG)) ||
	    kill(d->pid, 0))
		die("daemon does not come up");
}

void sock_daemon_start(struct sock_daemon *d, const char *path)
{
	daemon_start(d, path, NULL);
}

void sock_daemon_start_with(struct sock_daemon *d, const char *const *args)
{
	daemon_start(d, NULL, args);
}

bool sock_daemon_stop(struct sock_daemon *d)
{
	char cmd[128];
	int status = -1;
	bool ok;

	kill(d->pid, SIGTERM);
	if (waitpid(d->pid, &status, 0) < 0)
		status = -1;
	if (getenv("SOCK_LOGS")) {
		snprintf(cmd, sizeof(cmd), "sed 's/^/# /' %s", d->log);
		if (system(cmd))
			die("sed");
	}
	ok = !sock_log_count(d, "Sanitizer:") && !sock_log_count(d, "runtime error");
	unlink(d->log);
	return ok && status == 0 && !rmdir(d->dir);
}

int sock_log_count(const struct sock_daemon *d, const char *word)
{
	char line[1024];
	FILE *f = fopen(d->log, "r");
	int n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += !!strstr(line, word);
	if (f)
		fclose(f);
	return n;
}

bool sock_log_has(const struct sock_daemon *d, const char *word, int n)
{
	return AWAIT(sock_log_count(d, word) >= n) && sock_log_count(d, word) == n;
}

/* Parent and state of a process; false where it is gone. */
static bool proc_stat(pid_t pid, pid_t *parent, char *state)
{
	char path[64], line[512], *at;
	FILE *f;
	bool ok = false;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (f && fgets(line, sizeof(line), f)) {
		at = strrchr(line, ')');
		ok = at && sscanf(at + 1, " %c %d", state, parent) == 2;
	}
	if (f)
		fclose(f);
	return ok;
}

static int children(pid_t of, pid_t *list, int max)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while (dir && (e = readdir(dir))) {
		pid_t pid = atoi(e->d_name), parent;
		char state;

		if (pid > 0 && proc_stat(pid, &parent, &state) && parent == of && state != 'Z' &&
		    n < max)
			list[n++] = pid;
	}
	if (dir)
		closedir(dir);
	return n;
}

pid_t sock_spawner(const struct sock_daemon *d)
{
	pid_t spawner;

	return children(d->pid, &spawner, 1) == 1 ? spawner : -1;
}

int sock_workers(const struct sock_daemon *d, pid_t workers[SOCK_WORKERS_MAX])
{
	pid_t spawner = sock_spawner(d);

	return spawner < 0 ? 0 : children(spawner, workers, SOCK_WORKERS_MAX);
}

bool sock_workers_become(const struct sock_daemon *d, int n)
{
	pid_t workers[SOCK_WORKERS_MAX];

	return AWAIT(sock_workers(d, workers) == n);
}

pid_t sock_worker(const struct sock_daemon *d)
{
	pid_t workers[SOCK_WORKERS_MAX];

	return AWAIT(sock_workers(d, workers) == 1) ? workers[0] : -1;
}

/* Number of the file that is a process's channel; 0: it has none. */
static unsigned long channel_of(pid_t pid)
{
	char path[64], line[512];
	unsigned long inode = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "r");
	while (f && !inode && fgets(line, sizeof(line), f)) {
		if (strstr(line, "/memfd:causeway-channel"))
			sscanf(line, "%*s %*s %*s %*s %lu", &inode);
	}
	if (f)
		fclose(f);
	return inode;
}

pid_t sock_worker_of(const struct sock_daemon *d, pid_t client)
{
	static pid_t workers[SOCK_WORKERS_MAX];
	unsigned long channel = channel_of(client);
	int n = channel ? sock_workers(d, workers) : 0;

	for (int i = 0; i < n; i++) {
		if (channel_of(workers[i]) == channel)
			return workers[i];
	}
	return -1;
}

static int count_dir(const char *path)
{
	DIR *dir = opendir(path);
	int n = -2; /* . and .. */

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

int sock_fds(const struct sock_daemon *d)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", d->pid);
	return count_dir(path);
}

bool sock_fds_become(const struct sock_daemon *d, int n)
{
	return AWAIT(sock_fds(d) <= n);
}

/* A number of a status file; 0 where there is none. */
static uint64_t status_number(const char *path, const char *key)
{
	char line[256];
	FILE *f = fopen(path, "r");
	uint64_t n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			n = strtoull(line + strlen(key) + 1, NULL, 10);
	}
	if (f)
		fclose(f);
	return n;
}

uint64_t sock_sleeps(pid_t pid)
{
	char path[96];
	DIR *dir;
	struct dirent *e;
	uint64_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (*e->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", pid, e->d_name);
		n += status_number(path, "voluntary_ctxt_switches");
	}
	if (dir)
		closedir(dir);
	return n;
}

uint64_t sock_rss(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return status_number(path, "VmRSS") * 1024;
}

uint64_t sock_data(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return status_number(path, "VmData") * 1024;
}

bool sock_asleep(pid_t pid)
{
	pid_t parent;
	char state;

	return AWAIT(proc_stat(pid, &parent, &state) && state == 'S');
}

bool sock_gone(pid_t pid)
{
	pid_t parent;
	char state;

	return AWAIT(!proc_stat(pid, &parent, &state) || state == 'Z');
}

pid_t sock_client(const struct sock_daemon *d, int (*fn)(void *), void *arg, const char *log)
{
	pid_t pid;
	int fd;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setenv("CAUSEWAY_SOCKET", d->path, 1);
	if (log) {
		fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
		dup2(fd, 2);
		close(fd);
	}
	exit(fn(arg));
}

int sock_end(pid_t pid)
{
	int status = 0;

	if (!AWAIT(waitpid(pid, &status, WNOHANG) == pid)) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return -1;
	}
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

int sock_run(const struct sock_daemon *d, int (*fn)(void *), void *arg)
{
	return sock_end(sock_client(d, fn, arg, NULL));
}
