/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts: what a call costs in kicks, sleeps, crossings, copies, allocations.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/socket/sock.h"
#include "tests/socket/sock_cuda.h"
#include "tests/tap.h"

#define LAUNCHES 200
#define HOLD_MS 400
#define OPS 2000
#define COPY_BYTES (64u << 20)
#define CLIENTS 16
#define RSS_MAX (8u << 20)

static struct sock_daemon daemon_one;

/* ---- allocations of this process, counted under the library's feet */

#ifndef SOCK_SANITIZED
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
#endif

static _Atomic uint64_t allocations;

#ifndef SOCK_SANITIZED
void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	allocations++;
	return __libc_realloc(p, size);
}
#endif

/* ---- kicks and sleeps */

/* Launches behind a hook that holds the dispatcher; false: not within the hold,
 * which says something about the machine and nothing about us. */
static bool launches_held(struct sock_cuda *cu, uint32_t ms, struct cw_guest_stat *before,
			  struct cw_guest_stat *after)
{
	double start;

	WANT(sock_asleep(sock_worker(&daemon_one)));
	cu->stat->guest(before);
	start = sock_now();
	OK(cu->stat->hold(ms));
	for (int i = 0; i < LAUNCHES; i++)
		OK(sock_count(cu, NULL));
	cu->stat->guest(after);
	return sock_now() - start < ms / 1000.0;
}

static int held_launches(void *arg)
{
	struct cw_guest_stat a, b;
	struct sock_cuda cu;
	unsigned int done = 1;
	bool held = false;

	sock_cuda_begin(&cu);
	OK(sock_count(&cu, NULL));
	OK(cuCtxSynchronize());
	for (uint32_t ms = HOLD_MS; !held && ms <= 8 * HOLD_MS; ms *= 2) {
		held = launches_held(&cu, ms, &a, &b);
		done += LAUNCHES;
		WANT_EQ(sock_counted(&cu), done);
	}
	WANT(held);
	WANT_EQ(b.commands - a.commands, LAUNCHES + 1);
	WANT_EQ(b.kicks - a.kicks, 1);
	WANT_EQ(b.sleeps - a.sleeps, 0);
	WANT_EQ(b.waits - a.waits, 0);
	return 0;
}

TEST(launches_behind_a_busy_dispatcher_cost_one_kick_and_no_sleep)
{
	CHECK_EQ(sock_run(&daemon_one, held_launches, NULL), 0);
}

static int lone_launch(void *arg)
{
	struct cw_guest_stat a, b;
	struct sock_cuda cu;
	unsigned int value = 1;

	sock_cuda_begin(&cu);
	for (; value <= 3; value++) {
		void *params[] = { &cu.word, &value };
		double until;

		WANT(sock_asleep(sock_worker(&daemon_one)));
		cu.stat->guest(&a);
		OK(cuLaunchKernel(cu.set, 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL));
		cu.stat->guest(&b);
		until = sock_now() + SOCK_PATIENCE_MS / 1000.0;
		while (*cu.word != value && sock_now() < until)
			sock_nap();
		WANT_EQ(*cu.word, value);
		WANT_EQ(b.kicks - a.kicks, 1);
		/* The first of a kind waits for its answer, no other. */
		WANT_EQ(b.waits - a.waits, value == 1);
	}
	return 0;
}

TEST(a_lone_launch_into_an_idle_ring_starts_without_a_later_call)
{
	CHECK_EQ(sock_run(&daemon_one, lone_launch, NULL), 0);
}

/* ---- crossings */

static void framework_op(struct sock_cuda *cu, CUstream stream, CUevent event)
{
	CUstreamCaptureStatus capture;
	CUresult r = cuEventQuery(event);
	unsigned int type;

	WANT(r == CUDA_SUCCESS || r == CUDA_ERROR_NOT_READY);
	for (int i = 0; i < 3; i++)
		OK(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, cu->counter));
	WANT_EQ(type, CU_MEMORYTYPE_DEVICE);
	OK(cuStreamIsCapturing(stream, &capture));
	OK(sock_count(cu, stream));
}

static int framework_trace(void *arg)
{
	struct cw_guest_stat a, b;
	struct sock_cuda cu;
	CUstream stream, other;
	CUevent event;
	unsigned int word;
	int copies = 0;

	sock_cuda_begin(&cu);
	OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
	OK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
	framework_op(&cu, stream, event);
	OK(cuStreamSynchronize(stream));
	cu.stat->guest(&a);
	for (int i = 1; i <= OPS; i++) {
		framework_op(&cu, stream, event);
		if (i % 50 == 0) {
			OK(cuEventRecord(event, stream));
			OK(cuStreamWaitEvent(other, event, 0));
		}
		if (i % 500 == 0) {
			OK(cuMemcpyDtoHAsync_v2(&word, cu.counter, sizeof(word), stream));
			WANT_EQ(word, i + 1);
			copies++;
		}
	}
	cu.stat->guest(&b);
	printf("# %d operations: %d copies, %d waits, of them %d for launches to end\n", OPS,
	       copies, (int)(b.waits - a.waits), (int)(b.credits - a.credits));
	/* A device slower than the program makes it wait as natively: for credit. */
	WANT_EQ(b.waits - a.waits - (b.credits - a.credits), copies);
	WANT((int)(b.credits - a.credits) <= OPS / 128);
	return 0;
}

TEST(a_framework_waits_for_its_copies_to_the_host_and_nothing_else)
{
	CHECK_EQ(sock_run(&daemon_one, framework_trace, NULL), 0);
}

/* ---- copies */

static uint64_t copied(struct sock_cuda *cu)
{
	struct cw_guest_stat g;
	struct cw_worker_stat w;

	OK(cu->stat->worker(&w));
	cu->stat->guest(&g);
	return g.copied + w.copied;
}

static int big_copies(void *arg)
{
	uint8_t *buf = malloc(COPY_BYTES), *back = malloc(COPY_BYTES);
	struct sock_cuda cu;
	CUdeviceptr dev;
	uint64_t before;

	WANT(buf && back);
	for (size_t i = 0; i < COPY_BYTES; i += 8) {
		uint64_t word = i * 0x9e3779b97f4a7c15ull;

		memcpy(buf + i, &word, 8);
	}
	sock_cuda_begin(&cu);
	OK(cuMemAlloc_v2(&dev, COPY_BYTES));
	before = copied(&cu);
	OK(cuMemcpyHtoD_v2(dev, buf, COPY_BYTES));
	WANT_EQ(copied(&cu) - before, COPY_BYTES);
	before = copied(&cu);
	OK(cuMemcpyDtoH_v2(back, dev, COPY_BYTES));
	WANT_EQ(copied(&cu) - before, COPY_BYTES);
	WANT(!memcmp(buf, back, COPY_BYTES));
	free(buf);
	free(back);
	return 0;
}

/* The daemon has no part in it: its counter is 0 as long as there is no VM. */
TEST(a_large_copy_moves_each_byte_once)
{
	CHECK_EQ(sock_run(&daemon_one, big_copies, NULL), 0);
}

/* ---- allocations */

static int plain_launches(void *arg)
{
	struct sock_cuda cu;
	uint64_t before;

	sock_cuda_begin(&cu);
	OK(sock_count(&cu, NULL));
	OK(cuCtxSynchronize());
	before = allocations;
	WANT(before > 0);
	for (int i = 0; i < LAUNCHES; i++)
		OK(sock_count(&cu, NULL));
	WANT_EQ(allocations - before, 0);
	WANT_EQ(sock_counted(&cu), LAUNCHES + 1);
	return 0;
}

TEST(an_asynchronous_launch_allocates_nothing)
{
#ifdef SOCK_SANITIZED
	SKIP("the sanitizer has its own malloc");
#endif
	CHECK_EQ(sock_run(&daemon_one, plain_launches, NULL), 0);
}

/* ---- rest */

struct crowd {
	int ready[2];
	int leave[2];
};

/* Does some of everything, then nothing until the pipe ends. */
static int idle_client(void *arg)
{
	struct crowd *c = arg;
	struct sock_cuda cu;
	CUevent event;
	char byte = 0;

	close(c->leave[1]);
	sock_cuda_begin(&cu);
	OK(cuEventCreate(&event, 0));
	for (int i = 0; i < 10; i++)
		OK(sock_count(&cu, NULL));
	OK(cuEventRecord(event, NULL));
	OK(cuEventSynchronize(event));
	WANT_EQ(sock_counted(&cu), 10);
	WANT(write(c->ready[1], &byte, 1) == 1);
	WANT(read(c->leave[0], &byte, 1) == 0);
	return 0;
}

static uint64_t sleeps_of_all(pid_t *workers, int n)
{
	uint64_t sum = sock_sleeps(daemon_one.pid);

	for (int i = 0; i < n; i++)
		sum += sock_sleeps(workers[i]);
	return sum;
}

TEST(nobody_wakes_for_clients_that_do_nothing)
{
	int seconds = getenv("CAUSEWAY_TEST_LONG") ? 10 : 2, n;
	pid_t clients[CLIENTS], workers[SOCK_WORKERS_MAX];
	uint64_t before = 0, after = 1;
	struct crowd c;
	char byte;

#ifdef __SANITIZE_THREAD__
	SKIP("the sanitizer has a thread that wakes");
#endif
	CHECK(sock_workers_become(&daemon_one, 0));
	CHECK(!pipe(c.ready) && !pipe(c.leave));
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = sock_client(&daemon_one, idle_client, &c, NULL);
	close(c.leave[0]);
	close(c.ready[1]);
	for (int i = 0; i < CLIENTS; i++)
		CHECK_EQ(read(c.ready[0], &byte, 1), 1);
	n = sock_workers(&daemon_one, workers);
	CHECK_EQ(n, CLIENTS);
	/* Work ends a little after its answer, and the daemon looks twice after it. */
	for (int i = 0; i < 20 && before != after; i++) {
		before = sleeps_of_all(workers, n);
		sleep((unsigned int)seconds);
		after = sleeps_of_all(workers, n);
		printf("# %d clients, %d s: %d wake-ups\n", n, seconds, (int)(after - before));
	}
	close(c.leave[1]);
	close(c.ready[0]);
	for (int i = 0; i < CLIENTS; i++)
		CHECK_EQ(sock_end(clients[i]), 0);
	CHECK_EQ(after - before, 0);
}

TEST(a_daemon_without_clients_is_small)
{
	uint64_t rss = sock_rss(daemon_one.pid);

#ifdef SOCK_SANITIZED
	SKIP("the sanitizer is not");
#endif
	CHECK(sock_workers_become(&daemon_one, 0));
	printf("# resident: %llu bytes\n", (unsigned long long)rss);
	CHECK(rss > 0 && rss <= RSS_MAX);
}

/* ---- threads */

struct mates {
	struct sock_cuda cu;
	_Atomic int released, entered, rounds;
};

static void block_until_released(void *arg)
{
	struct mates *m = arg;

	m->entered = 1;
	while (!m->released)
		sock_nap();
}

static void *blocked_thread(void *arg)
{
	struct mates *m = arg;
	CUstream stream;

	OK(cuCtxSetCurrent(m->cu.ctx));
	OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	OK(cuLaunchHostFunc(stream, block_until_released, m));
	OK(cuStreamSynchronize(stream));
	WANT(m->released);
	return NULL;
}

/* Waits for an event behind the one that is blocked. */
static void *working_thread(void *arg)
{
	struct mates *m = arg;
	void *params[1];
	unsigned int n;
	CUdeviceptr p;
	CUstream s;

	OK(cuCtxSetCurrent(m->cu.ctx));
	OK(cuStreamCreate(&s, CU_STREAM_NON_BLOCKING));
	OK(cuMemAlloc_v2(&p, 4));
	params[0] = &p;
	OK(cuMemsetD32Async(p, 0, 1, s));
	for (unsigned int i = 1; i <= 50; i++) {
		OK(cuLaunchKernel(m->cu.count, 1, 1, 1, 1, 1, 1, 0, s, params, NULL));
		OK(cuMemcpyDtoHAsync_v2(&n, p, sizeof(n), s));
		OK(cuStreamSynchronize(s));
		WANT_EQ(n, i);
		m->rounds++;
	}
	return NULL;
}

static int four_threads(void *arg)
{
	static struct mates m;
	pthread_t t[4];

	sock_cuda_begin(&m.cu);
	WANT(!pthread_create(&t[0], NULL, blocked_thread, &m));
	while (!m.entered)
		sock_nap();
	for (int i = 1; i < 4; i++)
		WANT(!pthread_create(&t[i], NULL, working_thread, &m));
	for (int i = 1; i < 4; i++)
		pthread_join(t[i], NULL);
	WANT_EQ(m.rounds, 150);
	m.released = 1;
	pthread_join(t[0], NULL);
	return 0;
}

/* Were they to wait for it, they would for ever: only they release it. */
TEST(a_blocked_thread_does_not_block_the_others)
{
	CHECK_EQ(sock_run(&daemon_one, four_threads, NULL), 0);
}

int main(int argc, char **argv)
{
	int r;

	sock_daemon_start(&daemon_one, NULL);
	r = tap_run(argc > 1 ? argv[1] : NULL);
	return sock_daemon_stop(&daemon_one) ? r : 1;
}
