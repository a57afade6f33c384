/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/vhost/t_daemon_harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/msg.h"

/* Longest wait for anything; only a test that fails takes so long. */
#define PATIENCE_MS 20000
#define MAX_ARGS 24

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void doze(void)
{
	usleep(2000);
}

static void daemon_exec(struct t_daemon *d, char **argv)
{
	int log = open(d->log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	unsetenv("CAUSEWAY_LOG");
	dup2(log, 2);
	close(log);
	execv(argv[0], argv);
	_exit(126);
}

static void daemon_launch(struct t_daemon *d, char **argv)
{
	strcpy(d->dir, "/tmp/causeway-test-XXXXXX");
	if (!mkdtemp(d->dir))
		die("mkdtemp");
	snprintf(d->path, sizeof(d->path), "%s/client", d->dir);
	snprintf(d->log, sizeof(d->log), "%s.log", d->dir);
	d->pid = fork();
	if (!d->pid)
		daemon_exec(d, argv);
	if (d->pid < 0)
		die("fork");
}

static int collect(char **argv, int n, const char *arg, va_list ap)
{
	for (; arg && n < MAX_ARGS - 1; arg = va_arg(ap, const char *))
		argv[n++] = (char *)arg;
	argv[n] = NULL;
	return n;
}

static char *daemon_program(void)
{
	char *path = getenv("DAEMON");

	if (!path)
		die("DAEMON is not set");
	return path;
}

struct t_daemon t_daemon_start(const char *arg, ...)
{
	char socket_arg[128];
	char *argv[MAX_ARGS] = { daemon_program(), "--backend=/dev/null", "--window-size=16M",
				 "--worker-timeout=15000", socket_arg };
	struct t_daemon d = { 0 };
	va_list ap;
	int sock;

	strcpy(d.dir, "/tmp/causeway-test-XXXXXX");
	if (!mkdtemp(d.dir))
		die("mkdtemp");
	snprintf(d.path, sizeof(d.path), "%s/client", d.dir);
	snprintf(d.log, sizeof(d.log), "%s.log", d.dir);
	snprintf(socket_arg, sizeof(socket_arg), "--client-socket=%s", d.path);
	va_start(ap, arg);
	collect(argv, 5, arg, ap);
	va_end(ap);
	for (int i = 5; argv[i]; i++) {
		if (!strncmp(argv[i], "--client-socket=", 16))
			strcpy(d.path, argv[i] + 16);
	}
	d.pid = fork();
	if (!d.pid)
		daemon_exec(&d, argv);
	for (int ms = 0; ms < PATIENCE_MS; ms += 2) {
		sock = t_connect(&d);
		if (sock >= 0) {
			close(sock);
			return d;
		}
		doze();
	}
	die("daemon does not come up");
	return d;
}

int t_daemon_run(struct t_daemon *d, const char *arg, ...)
{
	char *argv[MAX_ARGS] = { daemon_program() };
	va_list ap;
	int status;

	va_start(ap, arg);
	collect(argv, 1, arg, ap);
	va_end(ap);
	daemon_launch(d, argv);
	waitpid(d->pid, &status, 0);
	rmdir(d->dir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool t_daemon_stop(struct t_daemon *d)
{
	int status = -1;

	kill(d->pid, SIGTERM);
	waitpid(d->pid, &status, 0);
	if (getenv("T_DAEMON_LOGS")) {
		char cmd[128];

		snprintf(cmd, sizeof(cmd), "sed 's/^/# /' %s", d->log);
		if (system(cmd))
			die("sed");
	}
	unlink(d->log);
	return status == 0 && !rmdir(d->dir);
}

int t_daemon_fds(const struct t_daemon *d)
{
	char path[64];
	DIR *dir;
	int n = -2; /* . and .. */

	snprintf(path, sizeof(path), "/proc/%d/fd", d->pid);
	dir = opendir(path);
	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

bool t_daemon_settles(const struct t_daemon *d, int n)
{
	for (int ms = 0; ms < PATIENCE_MS; ms += 2) {
		if (t_daemon_fds(d) == n)
			return true;
		doze();
	}
	printf("# %d descriptors, wanted %d\n", t_daemon_fds(d), n);
	return false;
}

int t_daemon_log_count(const struct t_daemon *d, const char *word)
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

bool t_daemon_log_has(const struct t_daemon *d, const char *word)
{
	for (int ms = 0; ms < PATIENCE_MS; ms += 2) {
		if (t_daemon_log_count(d, word))
			return true;
		doze();
	}
	return false;
}

bool t_gone(pid_t pid)
{
	for (int ms = 0; ms < PATIENCE_MS; ms += 2) {
		if (kill(pid, 0) && errno == ESRCH)
			return true;
		doze();
	}
	return false;
}

int t_memfd(uint64_t size, unsigned int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)size) || (seals && fcntl(fd, F_ADD_SEALS, seals)))
		die("memfd");
	return fd;
}

int t_connect(const struct t_daemon *d)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, d->path);
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	close(fd);
	return -1;
}

struct cw_client_open t_open_message(const char *how)
{
	struct cw_client_open m = {
		.head = { CW_CLIENT_MAGIC, CW_CLIENT_VERSION, CW_CLIENT_OPEN },
		.channel_version = VCUDA_CHANNEL_VERSION,
		.ring_size = VCUDA_RING_MIN,
		.region_base = T_REGION_BASE,
		.region_size = T_REGION_SIZE,
		.device_base = T_DEVICE_BASE,
		.device_size = T_DEVICE_SIZE,
		.pid = (uint32_t)getpid(),
	};

	if (how)
		m.env_len = (uint32_t)snprintf(m.env, sizeof(m.env), "CUDA_MODULE_LOADING=%s",
					       how) + 1;
	return m;
}

void t_send(int sock, const void *msg, size_t len, int fd)
{
	struct iovec iov = { .iov_base = (void *)msg, .iov_len = len };

	cd_msg_send(sock, &iov, 1, &fd, fd >= 0);
}

bool t_recv(int sock, void *msg, size_t len, int *fds, size_t *nfds)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, PATIENCE_MS) != 1)
		return false;
	n = cd_msg_recv(sock, msg, len, fds, nfds);
	return n == (ssize_t)len;
}

bool t_hung_up(int sock)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int fds[CD_MSG_MAX_FDS];
	size_t nfds;
	char c;
	ssize_t n;

	if (poll(&p, 1, PATIENCE_MS) != 1)
		return false;
	n = cd_msg_recv(sock, &c, 1, fds, &nfds);
	return n == 0 || n == -ECONNRESET;
}

void t_client_reopen(struct t_client *c, const char *how)
{
	struct cw_client_open m = t_open_message(how);
	int fds[CD_MSG_MAX_FDS];
	size_t nfds;

	t_send(c->sock, &m, sizeof(m), c->fd_channel);
	c->opened.status = UINT32_MAX;
	if (!t_recv(c->sock, &c->opened, sizeof(c->opened), fds, &nfds))
		return;
	c->fd_window = nfds == 2 ? fds[0] : -1;
	c->fd_doorbell = nfds == 2 ? fds[1] : -1;
}

struct t_client t_client_open(const struct t_daemon *d, const char *how)
{
	struct t_client c = { .sock = t_connect(d), .fd_window = -1, .fd_doorbell = -1 };
	size_t size = VCUDA_CHANNEL_SIZE(VCUDA_RING_MIN);

	c.fd_channel = t_memfd(size, F_SEAL_SHRINK);
	c.channel = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, c.fd_channel, 0);
	if (c.sock < 0 || c.channel == MAP_FAILED)
		die("client");
	t_client_reopen(&c, how);
	return c;
}

void t_client_close(struct t_client *c)
{
	cd_close(&c->sock);
	cd_close(&c->fd_channel);
	cd_close(&c->fd_window);
	cd_close(&c->fd_doorbell);
	munmap(c->channel, VCUDA_CHANNEL_SIZE(VCUDA_RING_MIN));
}

void t_client_kick(struct t_client *c, enum t_cmd cmd)
{
	uint64_t one = 1;

	*(volatile uint32_t *)cw_channel_ring(c->channel) = cmd;
	if (write(c->fd_doorbell, &one, sizeof(one)) != sizeof(one))
		die("doorbell");
}

void t_client_command(struct t_client *c, enum t_cmd cmd)
{
	struct cw_slot *slot = cw_channel_slot(c->channel, 1);
	struct cw_channel *ch = c->channel;
	uint64_t seq = atomic_load(&slot->seq);

	t_client_kick(c, cmd);
	for (;;) {
		atomic_store(&slot->sleeping, 1);
		atomic_thread_fence(memory_order_seq_cst);
		if (atomic_load(&slot->seq) != seq || atomic_load(&ch->status) & CW_CH_FATAL)
			return;
		syscall(SYS_futex, &slot->sleeping, FUTEX_WAIT, 1, NULL, NULL, 0);
	}
}

pid_t t_client_worker(struct t_client *c)
{
	uint32_t pid;

	t_client_command(c, T_CMD_PID);
	memcpy(&pid, cw_channel_slot(c->channel, 1)->data, sizeof(pid));
	return (pid_t)pid;
}
