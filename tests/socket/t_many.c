/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many: clients at once, clients that do nothing, clients that come and go, and
 * one that wants everything.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/socket/raw.h"
#include "tests/socket/sock_cuda.h"
#include "tests/stress/victim.h"
#include "tests/tap.h"

#ifdef SOCK_SANITIZED
#define AT_ONCE 16
#define IDLE 16
#else
#define AT_ONCE 64
#define IDLE 64
#endif
#define IDLE_LONG 1000
#define CYCLES 500
#define CYCLES_SANITIZED 40
#define CYCLES_LONG 10000
/* Cycles before the first look: what is made once is made then. */
#define CYCLES_FIRST 32
#define CYCLES_ABREAST 4
#define GROWTH_MAX (256u << 10)
#define THREADS 64
#define CALLS 50

static struct sock_daemon daemon_one;

/* Not with sanitizers, where a process takes ten times the memory. */
static bool is_long(void)
{
#ifdef SOCK_SANITIZED
	return false;
#else
	return getenv("CAUSEWAY_TEST_LONG") != NULL;
#endif
}

/* ---- at once */

TEST(many_clients_at_once_get_their_own_results)
{
	struct victim *v = victims_new(AT_ONCE);
	int bad = 0;

	setenv("CAUSEWAY_SOCKET", daemon_one.path, 1);
	for (int i = 0; i < AT_ONCE; i++)
		survivor_start(&v[i], 1);
	for (int i = 0; i < AT_ONCE; i++)
		CHECK(victim_await(&v[i], &v[i].rounds, 1));
	CHECK(sock_workers_become(&daemon_one, AT_ONCE));
	/* All of them are there now; two rounds more beside each other. */
	for (int i = 0; i < AT_ONCE; i++)
		v[i].limit = 3;
	for (int i = 0; i < AT_ONCE; i++)
		CHECK(victim_await(&v[i], &v[i].rounds, 3));
	for (int i = 0; i < AT_ONCE; i++)
		v[i].stop = 1;
	for (int i = 0; i < AT_ONCE; i++)
		bad += victim_end(&v[i]) != 0;
	printf("# %d clients at once\n", AT_ONCE);
	CHECK_EQ(bad, 0);
	CHECK(sock_workers_become(&daemon_one, 0));
}

/* ---- idle */

/* Times that anybody went to sleep: daemon, spawner, workers, clients. */
static uint64_t sleeps_of_all(const pid_t *pids, int n)
{
	uint64_t sum = sock_sleeps(daemon_one.pid) + sock_sleeps(sock_spawner(&daemon_one));

	for (int i = 0; i < n; i++)
		sum += sock_sleeps(pids[i]);
	return sum;
}

/* Each with a context and memory that it has written, as an idle program has. */
static void idle_open(struct raw *c)
{
	const uint64_t device_0[1] = { 0 }, size[1] = { 4096 };
	uint64_t own = 0;

	raw_open(c, &daemon_one);
	CHECK_EQ(raw_call(c, cw_fn_hash("cuDevicePrimaryCtxRetain"), device_0, 1, NULL), 0);
	CHECK_EQ(raw_call(c, cw_fn_hash("cuMemAlloc"), size, 1, &own), 0);
	CHECK(own >= RAW_DEVICE_BASE);
}

TEST(nobody_wakes_for_many_clients_that_do_nothing)
{
	int n = is_long() ? IDLE_LONG : IDLE, seconds = is_long() ? 10 : 2, found;
	static pid_t workers[SOCK_WORKERS_MAX];
	struct raw *c = calloc((size_t)n, sizeof(*c));
	uint64_t before = 0, after = 1;

#ifdef __SANITIZE_THREAD__
	SKIP("the sanitizer has a thread that wakes");
#endif
	CHECK(c && sock_workers_become(&daemon_one, 0));
	for (int i = 0; i < n; i++)
		idle_open(&c[i]);
	found = sock_workers(&daemon_one, workers);
	CHECK_EQ(found, n);
	/* Work ends a little after its answer: wait for a second without any. */
	for (int i = 0; i < 100 && before != after; i++) {
		before = after;
		sleep(1);
		after = sleeps_of_all(workers, n);
	}
	before = sleeps_of_all(workers, n);
	sleep((unsigned int)seconds);
	after = sleeps_of_all(workers, n);
	printf("# %d clients, %d s: %d wake-ups\n", n, seconds, (int)(after - before));
	for (int i = 0; i < n; i++)
		CHECK(raw_lives(&c[i]));
	for (int i = 0; i < n; i++)
		raw_close(&c[i]);
	free(c);
	CHECK(sock_workers_become(&daemon_one, 0));
	CHECK_EQ(after - before, 0);
}

/* ---- coming and going */

static int cycles(void)
{
#ifdef SOCK_SANITIZED
	return CYCLES_SANITIZED;
#else
	return is_long() ? CYCLES_LONG : CYCLES;
#endif
}

/* A client of the library: from cuInit to its end, with work in between. */
static int short_client(void *arg)
{
	struct sock_cuda cu;

	sock_cuda_begin(&cu);
	OK(sock_count(&cu, NULL));
	WANT_EQ(sock_counted(&cu), 1);
	return 0;
}

static void cycle(int n)
{
	pid_t clients[CYCLES_ABREAST];

	for (int i = 0; i < n; i += CYCLES_ABREAST) {
		for (int k = 0; k < CYCLES_ABREAST; k++)
			clients[k] = sock_client(&daemon_one, short_client, NULL, NULL);
		for (int k = 0; k < CYCLES_ABREAST; k++)
			CHECK_EQ(sock_end(clients[k]), 0);
	}
	CHECK(sock_workers_become(&daemon_one, 0));
}

/* What must not grow. */
struct load {
	int fds;
	uint64_t data, rss, spawner_data, spawner_rss;
};

static struct load load_now(void)
{
	pid_t spawner = sock_spawner(&daemon_one);

	return (struct load){
		.fds = sock_fds(&daemon_one),
		.data = sock_data(daemon_one.pid), .rss = sock_rss(daemon_one.pid),
		.spawner_data = sock_data(spawner), .spawner_rss = sock_rss(spawner),
	};
}

static void load_print(const char *when, const struct load *l)
{
	printf("# %s: %d files, daemon %llu KiB of data, %llu resident, spawner %llu and %llu\n",
	       when, l->fds, (unsigned long long)l->data >> 10, (unsigned long long)l->rss >> 10,
	       (unsigned long long)l->spawner_data >> 10,
	       (unsigned long long)l->spawner_rss >> 10);
}

TEST(clients_that_come_and_go_leave_nothing_behind)
{
	int n = cycles(), fds;
	struct load first, last;

	CHECK(sock_workers_become(&daemon_one, 0));
	fds = sock_fds(&daemon_one);
	cycle(CYCLES_FIRST);
	CHECK(sock_fds_become(&daemon_one, fds));
	first = load_now();
	load_print("first", &first);
	cycle(n);
	CHECK(sock_fds_become(&daemon_one, fds));
	last = load_now();
	load_print("last", &last);
	printf("# %d cycles\n", n);
#ifndef SOCK_SANITIZED
	CHECK(last.data <= first.data + GROWTH_MAX);
	CHECK(last.rss <= first.rss + GROWTH_MAX);
	CHECK(last.spawner_data <= first.spawner_data + GROWTH_MAX);
	CHECK(last.spawner_rss <= first.spawner_rss + GROWTH_MAX);
#endif
}

/* ---- one that wants everything */

struct greedy {
	_Atomic int entered, copying, release, done;
	struct sock_cuda cu;
};

static void until_released(void *arg)
{
	struct greedy *g = arg;

	while (!g->release)
		sock_nap();
}

/* A stream that stands still, and a copy that waits for it. */
static void *greedy_thread(void *arg)
{
	static uint8_t host[1 << 20];
	struct greedy *g = arg;
	CUdeviceptr data;
	CUstream s;

	OK(cuCtxSetCurrent(g->cu.ctx));
	OK(cuMemAlloc_v2(&data, sizeof(host)));
	OK(cuStreamCreate(&s, CU_STREAM_NON_BLOCKING));
	OK(cuLaunchHostFunc(s, until_released, g));
	g->copying++;
	OK(cuMemcpyHtoDAsync_v2(data, host, sizeof(host), s));
	g->done++;
	return NULL;
}

static int greedy_client(void *arg)
{
	struct greedy *g = arg;
	pthread_t t[THREADS];

	sock_cuda_begin(&g->cu);
	for (int i = 0; i < THREADS; i++)
		WANT(!pthread_create(&t[i], NULL, greedy_thread, g));
	while (g->copying < THREADS)
		sock_nap();
	g->entered = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	WANT_EQ(g->done, THREADS);
	return 0;
}

static int modest_client(void *arg)
{
	uint8_t *host = calloc(1, 1 << 20);
	struct sock_cuda cu;
	CUdeviceptr data;

	sock_cuda_begin(&cu);
	OK(cuMemAlloc_v2(&data, 1 << 20));
	for (unsigned int i = 1; i <= CALLS; i++) {
		OK(sock_count(&cu, NULL));
		WANT_EQ(sock_counted(&cu), i);
		OK(cuMemcpyHtoD_v2(data, host, 1 << 20));
	}
	free(host);
	return 0;
}

/* Were one to wait for the other, it would for ever: its end releases it. */
TEST(a_client_whose_streams_are_all_blocked_holds_up_no_other)
{
	struct greedy *g = mmap(NULL, sizeof(*g), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t greedy;

	CHECK(g != MAP_FAILED);
	greedy = sock_client(&daemon_one, greedy_client, g, NULL);
	while (!g->entered && !kill(greedy, 0))
		sock_nap();
	CHECK_EQ(sock_run(&daemon_one, modest_client, NULL), 0);
	CHECK_EQ(g->done, 0);
	g->release = 1;
	CHECK_EQ(sock_end(greedy), 0);
}

int main(int argc, char **argv)
{
	static const char *const args[] = { "--max-clients=1100", NULL };
	int r;

	sock_daemon_start_with(&daemon_one, args);
	r = tap_run(argc > 1 ? argv[1] : NULL);
	return sock_daemon_stop(&daemon_one) ? r : 1;
}
