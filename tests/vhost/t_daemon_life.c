/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients at the client socket: how they begin and how they end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cw/device_info.h"
#include "tests/tap.h"
#include "tests/vhost/t_daemon_harness.h"

TEST(open_gives_window_and_doorbell)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);
	const struct cw_info *info = (void *)((char *)c.channel + VCUDA_INFO_OFFSET);
	struct stat st;

	CHECK_EQ(c.opened.status, VIRTIO_CUDA_OK);
	CHECK_EQ(c.opened.window_size, T_WINDOW);
	CHECK_EQ(c.opened.direct, 1);
	CHECK(c.opened.epoch != 0);
	CHECK(!fstat(c.fd_window, &st));
	CHECK_EQ(st.st_size, T_WINDOW);
	CHECK(t_client_worker(&c) > 0);
	CHECK_STR(info->device[0].name, "Test GPU");
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TEST(window_cannot_be_resized)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);

	CHECK(ftruncate(c.fd_window, 4096) && errno == EPERM);
	CHECK(ftruncate(c.fd_window, T_WINDOW * 2) && errno == EPERM);
	CHECK(fcntl(c.fd_window, F_ADD_SEALS, F_SEAL_WRITE) && errno == EPERM);
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TEST(sixteen_clients_have_sixteen_workers)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c[16];
	pid_t pid[16];

	for (int i = 0; i < 16; i++) {
		c[i] = t_client_open(&d, NULL);
		CHECK_EQ(c[i].opened.status, VIRTIO_CUDA_OK);
		pid[i] = t_client_worker(&c[i]);
		for (int k = 0; k < i; k++)
			CHECK(pid[i] != pid[k]);
	}
	for (int i = 0; i < 16; i++) {
		t_client_close(&c[i]);
		CHECK(t_gone(pid[i]));
	}
	CHECK(t_daemon_stop(&d));
}

TEST(client_beyond_the_limit_is_told_so)
{
	struct t_daemon d = t_daemon_start("--max-clients=2", NULL);
	struct t_client a = t_client_open(&d, NULL), b = t_client_open(&d, NULL);
	struct cw_client_opened answer;
	int sock = t_connect(&d), fds[32];
	size_t nfds;

	CHECK_EQ(b.opened.status, VIRTIO_CUDA_OK);
	CHECK(t_recv(sock, &answer, sizeof(answer), fds, &nfds));
	CHECK_EQ(answer.status, VIRTIO_CUDA_ERR_LIMIT);
	CHECK(t_hung_up(sock));
	close(sock);
	t_client_close(&a);
	t_client_close(&b);
	CHECK(t_daemon_stop(&d));
}

static void dies_of(struct t_client *c, pid_t worker, int sig)
{
	struct cw_slot *slot = cw_channel_slot(c->channel, 7);
	struct cw_channel *ch = c->channel;

	atomic_store(&slot->sleeping, 1);
	if (sig)
		kill(worker, sig);
	else
		t_client_kick(c, T_CMD_SEGV);
	CHECK(t_hung_up(c->sock));
	CHECK(atomic_load(&ch->status) & CW_CH_FATAL);
	CHECK_EQ(atomic_load(&slot->sleeping), 0);
}

TEST(death_of_a_worker_is_that_clients_affair)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client other = t_client_open(&d, NULL);
	struct t_client a = t_client_open(&d, NULL), b = t_client_open(&d, NULL);
	int fds = t_daemon_fds(&d);

	dies_of(&a, t_client_worker(&a), SIGKILL);
	dies_of(&b, 0, 0);
	CHECK_EQ(t_daemon_log_count(&d, "CW-E0205"), 2);
	CHECK_EQ(t_daemon_log_count(&d, "signal=11"), 1);
	t_client_close(&a);
	t_client_close(&b);
	CHECK(t_client_worker(&other) > 0);
	a = t_client_open(&d, NULL);
	b = t_client_open(&d, NULL);
	CHECK(t_daemon_settles(&d, fds));
	t_client_close(&a);
	t_client_close(&b);
	t_client_close(&other);
	CHECK(t_daemon_stop(&d));
}

/* t_client_command() returns at FATAL alone: a sleeper must be woken. */
TEST(thread_that_sleeps_for_a_reply_is_woken)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);
	struct cw_channel *ch = c.channel;

	t_client_command(&c, T_CMD_SEGV);
	CHECK(atomic_load(&ch->status) & CW_CH_FATAL);
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TEST(killed_client_leaves_nothing)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client first = t_client_open(&d, NULL);
	int fds = t_daemon_fds(&d), pipefd[2], status;
	pid_t child, worker = 0;

	CHECK(!pipe(pipefd));
	child = fork();
	if (!child) {
		struct t_client c = t_client_open(&d, NULL);

		worker = t_client_worker(&c);
		if (write(pipefd[1], &worker, sizeof(worker)) < 0)
			_exit(1);
		pause();
	}
	CHECK_EQ(read(pipefd[0], &worker, sizeof(worker)), sizeof(worker));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	CHECK(t_gone(worker));
	CHECK(t_daemon_settles(&d, fds));
	CHECK_EQ(t_daemon_log_count(&d, "CW-E"), 0);
	close(pipefd[0]);
	close(pipefd[1]);
	t_client_close(&first);
	CHECK(t_daemon_stop(&d));
}

TEST(hundred_clients_one_after_another_leak_nothing)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client first = t_client_open(&d, NULL), c;
	int fds = t_daemon_fds(&d);

	for (int i = 0; i < 100; i++) {
		c = t_client_open(&d, i % 10 ? NULL : "die");
		CHECK_EQ(c.opened.status, i % 10 ? VIRTIO_CUDA_OK : VIRTIO_CUDA_ERR_WORKER);
		t_client_close(&c);
	}
	CHECK(t_daemon_settles(&d, fds));
	t_client_close(&first);
	CHECK(t_daemon_stop(&d));
}

TEST(taken_address_leaves_the_connection_for_another_try)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, "address");

	CHECK_EQ(c.opened.status, VIRTIO_CUDA_ERR_ADDRESS);
	t_client_reopen(&c, NULL);
	CHECK_EQ(c.opened.status, VIRTIO_CUDA_OK);
	CHECK_EQ(t_daemon_log_count(&d, "CW-E"), 0);
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TEST(worker_that_does_not_start_is_killed)
{
	struct t_daemon d = t_daemon_start("--worker-timeout=200", NULL);
	struct t_client c = t_client_open(&d, "hang");

	CHECK_EQ(c.opened.status, VIRTIO_CUDA_ERR_WORKER);
	CHECK_EQ(t_daemon_log_count(&d, "CW-E0203"), 1);
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TEST(only_listed_variables_reach_the_worker)
{
	static const char env[] = "LD_PRELOAD=/x\0CUDA_MODULE_LOADING=EAGER\0CUDA_CACHE_PATH=/x";
	static const char left[] = "CUDA_MODULE_LOADING=EAGER";
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = { .sock = t_connect(&d) };
	struct cw_client_open m = t_open_message(NULL);
	size_t size = VCUDA_CHANNEL_SIZE(VCUDA_RING_MIN), nfds;
	struct cw_slot *slot;
	int fds[32];

	c.fd_channel = t_memfd(size, F_SEAL_SHRINK);
	c.channel = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, c.fd_channel, 0);
	memcpy(m.env, env, sizeof(env));
	m.env_len = sizeof(env);
	t_send(c.sock, &m, sizeof(m), c.fd_channel);
	CHECK(t_recv(c.sock, &c.opened, sizeof(c.opened), fds, &nfds));
	CHECK_EQ(nfds, 2);
	c.fd_window = fds[0];
	c.fd_doorbell = fds[1];
	t_client_command(&c, T_CMD_ENV);
	slot = cw_channel_slot(c.channel, 1);
	CHECK_EQ(slot->len, sizeof(left));
	CHECK(!memcmp(slot->data, left, sizeof(left)));
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TEST(sigterm_ends_workers_and_tells_clients)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);
	struct cw_channel *ch = c.channel;
	pid_t worker = t_client_worker(&c);

	CHECK(t_daemon_stop(&d));
	CHECK(kill(worker, 0) && errno == ESRCH);
	CHECK(t_hung_up(c.sock));
	CHECK(atomic_load(&ch->status) & CW_CH_FATAL);
	t_client_close(&c);
}

TEST(killed_daemon_takes_its_workers_along)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);
	pid_t worker = t_client_worker(&c);
	int status;

	kill(d.pid, SIGKILL);
	waitpid(d.pid, &status, 0);
	CHECK(t_gone(worker));
	CHECK(t_hung_up(c.sock));
	t_client_close(&c);
	unlink(d.path);
	rmdir(d.dir);
	unlink(d.log);
}

static long status_value(pid_t pid, const char *name)
{
	char path[64], line[128];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, strlen(name)))
			value = strtol(line + strlen(name) + 1, NULL, 10);
	}
	if (f)
		fclose(f);
	return value;
}

TEST(idle_daemon_neither_wakes_nor_grows)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);
	pid_t worker = t_client_worker(&c);
	long switches;

	t_client_close(&c);
	CHECK(t_gone(worker));
	usleep(20000);
	switches = status_value(d.pid, "voluntary_ctxt_switches");
	usleep(300000);
	CHECK(switches > 0);
	CHECK_EQ(status_value(d.pid, "voluntary_ctxt_switches"), switches);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	CHECK(status_value(d.pid, "VmRSS") <= 8 << 10);
#endif
	CHECK(t_daemon_stop(&d));
}

TAP_MAIN()
