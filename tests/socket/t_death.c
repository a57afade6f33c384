/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deaths: of a client, of a worker, of the daemon, while they are busy. The
 * others go on with right results, nobody hangs, nothing stays.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/socket/sock.h"
#include "tests/socket/sock_cuda.h"
#include "tests/tap.h"

static struct sock_daemon daemon_one;

/* What a client and the test tell each other: shared memory. */
struct talk {
	_Atomic int busy;	/* the client's device works */
	_Atomic int go;		/* the test has done its part */
	_Atomic int results;
	_Atomic int child;	/* of the client */
};

static struct talk *talk_new(void)
{
	struct talk *t =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return t == MAP_FAILED ? NULL : t;
}

static bool await(_Atomic int *what)
{
	double until = sock_now() + SOCK_PATIENCE_MS / 1000.0;

	while (!*what && sock_now() < until)
		sock_nap();
	return *what;
}

/* ---- clients */

/* A kernel that never ends, and a thread that waits for it. */
static int busy_client(void *arg)
{
	struct talk *t = arg;
	struct sock_cuda cu;
	CUresult r;

	sock_cuda_begin(&cu);
	OK(sock_spin(&cu, NULL));
	t->busy = 1;
	r = cuCtxSynchronize();
	WANT(r != CUDA_SUCCESS);
	WANT_EQ(cuCtxSynchronize(), r);
	WANT(sock_count(&cu, NULL) != CUDA_SUCCESS);
	return 0;
}

/* The same, with a thread that only ever queries. */
static int asking_client(void *arg)
{
	struct talk *t = arg;
	struct sock_cuda cu;
	CUevent event;
	CUresult r;

	sock_cuda_begin(&cu);
	OK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
	OK(sock_spin(&cu, NULL));
	OK(cuEventRecord(event, NULL));
	t->busy = 1;
	while ((r = cuEventQuery(event)) == CUDA_ERROR_NOT_READY)
		sock_nap();
	WANT_EQ(r, CUDA_ERROR_LAUNCH_FAILED);
	return 0;
}

/* The same, with one that only ever launches. */
static int launching_client(void *arg)
{
	struct talk *t = arg;
	struct sock_cuda cu;
	CUresult r;

	sock_cuda_begin(&cu);
	t->busy = 1;
	while (!(r = sock_count(&cu, NULL)))
		;
	WANT_EQ(r, CUDA_ERROR_LAUNCH_FAILED);
	return 0;
}

/* Checked results, once before and once after the test has done its part. */
static int steady_client(void *arg)
{
	struct talk *t = arg;
	struct sock_cuda cu;
	unsigned int n = 0;

	sock_cuda_begin(&cu);
	for (int part = 0; part < 2; part++) {
		for (int i = 0; i < 100; i++, n++)
			OK(sock_count(&cu, NULL));
		WANT_EQ(sock_counted(&cu), n);
		t->results++;
		WANT(await(&t->go));
	}
	return 0;
}

/* ---- deaths */

TEST(a_killed_client_leaves_nothing_and_hurts_nobody)
{
	struct talk *a = talk_new(), *b = talk_new();
	int fds;
	pid_t steady, victim;

	CHECK(a && b && sock_workers_become(&daemon_one, 0));
	fds = sock_fds(&daemon_one);
	steady = sock_client(&daemon_one, steady_client, b, NULL);
	CHECK(await(&b->results));
	for (int i = 0; i < 3; i++) {
		a->busy = 0;
		victim = sock_client(&daemon_one, busy_client, a, NULL);
		CHECK(await(&a->busy));
		kill(victim, SIGKILL);
		CHECK_EQ(sock_end(victim), 256 + SIGKILL);
		CHECK(sock_workers_become(&daemon_one, 1));
	}
	b->go = 1;
	CHECK_EQ(sock_end(steady), 0);
	CHECK(sock_workers_become(&daemon_one, 0));
	CHECK(sock_fds_become(&daemon_one, fds));
	CHECK_EQ(sock_log_count(&daemon_one, "CW-E"), 0);
}

TEST(a_killed_worker_is_an_error_for_its_client_alone)
{
	int (*const kinds[])(void *) = { busy_client, asking_client, launching_client };
	struct talk *b = talk_new();
	pid_t steady, worker, victim, workers[SOCK_WORKERS_MAX];
	int died = sock_log_count(&daemon_one, "CW-E0205");

	CHECK(b && sock_workers_become(&daemon_one, 0));
	steady = sock_client(&daemon_one, steady_client, b, NULL);
	CHECK(await(&b->results));
	worker = sock_worker(&daemon_one);
	for (int i = 0; i < 3; i++) {
		struct talk *a = talk_new();
		int n;

		victim = sock_client(&daemon_one, kinds[i], a, "/dev/null");
		CHECK(await(&a->busy));
		n = sock_workers(&daemon_one, workers);
		CHECK_EQ(n, 2);
		kill(workers[workers[0] == worker], SIGKILL);
		CHECK_EQ(sock_end(victim), 0);
		CHECK(sock_workers_become(&daemon_one, 1));
	}
	CHECK(sock_log_has(&daemon_one, "CW-E0205", died + 3));
	b->go = 1;
	CHECK_EQ(sock_end(steady), 0);
}

TEST(a_killed_daemon_is_an_error_for_all_and_takes_its_processes_along)
{
	int (*const kinds[])(void *) = { busy_client, asking_client, launching_client };
	pid_t clients[3], workers[SOCK_WORKERS_MAX];
	struct sock_daemon d, again;
	char log[128], line[256] = "";
	FILE *f;
	int n;

	sock_daemon_start(&d, NULL);
	snprintf(log, sizeof(log), "%s.client", d.dir);
	for (int i = 0; i < 3; i++) {
		struct talk *a = talk_new();

		clients[i] = sock_client(&d, kinds[i], a, i ? "/dev/null" : log);
		CHECK(await(&a->busy));
	}
	n = sock_workers(&d, workers);
	CHECK_EQ(n, 3);
	kill(d.pid, SIGKILL);
	waitpid(d.pid, NULL, 0);
	for (int i = 0; i < 3; i++)
		CHECK(sock_gone(workers[i]));
	for (int i = 0; i < 3; i++)
		CHECK_EQ(sock_end(clients[i]), 0);
	f = fopen(log, "r");
	CHECK(f && fgets(line, sizeof(line), f));
	CHECK(strstr(line, "the GPU has gone away"));
	CHECK(!fgets(line, sizeof(line), f));
	fclose(f);
	unlink(log);
	/* What it left is a socket nobody listens at: no obstacle to the next. */
	CHECK_EQ(sock_log_count(&d, "Sanitizer"), 0);
	unlink(d.log);
	sock_daemon_start(&again, d.path);
	CHECK(sock_daemon_stop(&again));
	CHECK_EQ(rmdir(d.dir), 0);
}

/* ---- fork, exit */

static int forking_client(void *arg)
{
	struct talk *t = arg;
	struct sock_cuda cu;
	CUdeviceptr p;
	int status;
	pid_t pid;

	sock_cuda_begin(&cu);
	OK(sock_count(&cu, NULL));
	pid = fork();
	if (!pid) {
		/* Nothing of the parent's is the child's. */
		WANT_EQ(cuMemAlloc_v2(&p, 4), CUDA_ERROR_NOT_INITIALIZED);
		WANT_EQ(cuInit(0), CUDA_ERROR_NOT_INITIALIZED);
		WANT_EQ(sock_count(&cu, NULL), CUDA_ERROR_NOT_INITIALIZED);
		_exit(0);
	}
	WANT(waitpid(pid, &status, 0) == pid && status == 0);
	WANT_EQ(sock_counted(&cu), 1);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	t->child = pid;
	t->busy = 1;
	pause();
	return 0;
}

TEST(a_child_of_fork_has_no_cuda_and_holds_no_client)
{
	struct talk *t = talk_new();
	pid_t client;

	CHECK(t && sock_workers_become(&daemon_one, 0));
	client = sock_client(&daemon_one, forking_client, t, NULL);
	CHECK(await(&t->busy));
	kill(client, SIGKILL);
	CHECK_EQ(sock_end(client), 256 + SIGKILL);
	CHECK(sock_workers_become(&daemon_one, 0));
	CHECK_EQ(kill(t->child, SIGKILL), 0);
}

static struct sock_cuda exit_cu;

static void at_exit(void)
{
	unsigned int n = 0;

	OK(sock_count(&exit_cu, NULL));
	OK(cuMemcpyDtoH_v2(&n, exit_cu.counter, sizeof(n)));
	WANT_EQ(n, 2);
	OK(cuMemFree_v2(exit_cu.counter));
	OK(cuMemFreeHost((void *)exit_cu.word));
	OK(cuModuleUnload(exit_cu.module));
	OK(cuDevicePrimaryCtxRelease_v2(0));
	_exit(42);
}

static int exiting_client(void *arg)
{
	WANT(!atexit(at_exit));
	sock_cuda_begin(&exit_cu);
	OK(sock_count(&exit_cu, NULL));
	return 0;
}

TEST(the_library_works_in_atexit_handlers)
{
	CHECK_EQ(sock_run(&daemon_one, exiting_client, NULL), 42);
}

/* ---- wrong sockets */

static int no_device(void *arg)
{
	WANT_EQ(cuInit(0), CUDA_ERROR_NO_DEVICE);
	WANT_EQ(cuInit(0), CUDA_ERROR_NO_DEVICE);
	return 0;
}

/* The library's poll() is ours: an answer that never comes is not waited for. */
static int poll_waited;
static bool poll_is_deaf;

int poll(struct pollfd *fds, nfds_t n, int ms)
{
	if (!poll_is_deaf || ms <= 0)
		return (int)syscall(SYS_poll, fds, n, ms);
	poll_waited = ms;
	return 0;
}

/* Who listens and says nothing is given a minute. */
static int no_answer(void *arg)
{
	poll_is_deaf = true;
	WANT_EQ(cuInit(0), CUDA_ERROR_NO_DEVICE);
	WANT_EQ(poll_waited, 60000);
	return 0;
}

/* Whether a client at @path gets no device and one line with @word. */
static bool refused_to(int (*client)(void *), const char *path, const char *word)
{
	struct sock_daemon d = { .pid = -1 };
	char log[128], line[512] = "", more[512];
	bool ok;
	FILE *f;

	snprintf(d.path, sizeof(d.path), "%s", path);
	snprintf(log, sizeof(log), "%s.refused", daemon_one.dir);
	ok = sock_end(sock_client(&d, client, NULL, log)) == 0;
	f = fopen(log, "r");
	ok = ok && f && fgets(line, sizeof(line), f) && strstr(line, word);
	if (ok && fgets(more, sizeof(more), f)) {
		printf("# a second line: %s", more);
		ok = false;
	} else if (!ok) {
		printf("# the line: %s\n", line);
	}
	if (f)
		fclose(f);
	unlink(log);
	return ok;
}

static bool refused(const char *path, const char *word)
{
	return refused_to(no_device, path, word);
}

static int listen_at(const char *path, int type)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 4)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Takes two clients and hangs up on them. */
static void *stranger(void *arg)
{
	for (int i = 0; i < 2; i++)
		close(accept(*(int *)arg, NULL, NULL));
	return NULL;
}

TEST(a_wrong_socket_is_no_device_and_one_line)
{
	char path[128];
	pthread_t thread;
	int fd;

	snprintf(path, sizeof(path), "%s/none", daemon_one.dir);
	CHECK(refused(path, "causeway serve"));
	CHECK(refused("/etc/passwd", "causeway serve"));
	snprintf(path, sizeof(path), "%s/vhost", daemon_one.dir);
	fd = listen_at(path, SOCK_STREAM);
	CHECK(fd >= 0 && refused(path, "--client-socket"));
	close(fd);
	unlink(path);
	fd = listen_at(path, SOCK_SEQPACKET);
	CHECK(fd >= 0 && !pthread_create(&thread, NULL, stranger, &fd));
	CHECK(refused(path, "OPEN"));
	pthread_join(thread, NULL);
	close(fd);
	unlink(path);
}

TEST(a_daemon_that_does_not_answer_open_is_no_device_after_a_minute)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/silent", daemon_one.dir);
	fd = listen_at(path, SOCK_SEQPACKET);
	CHECK(fd >= 0 && refused_to(no_answer, path, "OPEN"));
	close(fd);
	unlink(path);
}

int main(int argc, char **argv)
{
	int r;

	sock_daemon_start(&daemon_one, NULL);
	r = tap_run(argc > 1 ? argv[1] : NULL);
	return sock_daemon_stop(&daemon_one) ? r : 1;
}
