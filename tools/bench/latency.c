/* SPDX-License-Identifier: Apache-2.0 */
/*
 * latency: a call that only the back end can answer, against what the machine
 * itself needs for a round trip.
 *
 * Spinning: one cache line going to another thread and back. Parked: two
 * eventfds between two threads, each sleeping in read(2).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tools/bench/cuda.h"
#include "tools/bench/measure.h"
#include "tools/ct.h"

#define ROUNDS 2000
#define ROUNDS_PARKED 500

static struct {
	_Alignas(64) _Atomic uint64_t there;
	_Alignas(64) _Atomic uint64_t back;
} line;
static int ping_fd, pong_fd;

static void *line_echo(void *arg)
{
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		while (atomic_load_explicit(&line.there, memory_order_acquire) < i)
			cw_cpu_relax();
		atomic_store_explicit(&line.back, i, memory_order_release);
	}
	return NULL;
}

static double line_round_trip(void)
{
	pthread_t t;
	uint64_t start;

	line.there = line.back = 0;
	pthread_create(&t, NULL, line_echo, NULL);
	start = bench_now();
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		atomic_store_explicit(&line.there, i, memory_order_release);
		while (atomic_load_explicit(&line.back, memory_order_acquire) < i)
			cw_cpu_relax();
	}
	start = bench_now() - start;
	pthread_join(t, NULL);
	return (double)start / ROUNDS;
}

static void *eventfd_echo(void *arg)
{
	uint64_t v;

	for (int i = 0; i < ROUNDS_PARKED; i++) {
		if (read(ping_fd, &v, sizeof(v)) < 0 || write(pong_fd, &v, sizeof(v)) < 0)
			break;
	}
	return NULL;
}

static double eventfd_round_trip(void)
{
	pthread_t t;
	uint64_t start, v = 1;

	pthread_create(&t, NULL, eventfd_echo, NULL);
	start = bench_now();
	for (int i = 0; i < ROUNDS_PARKED; i++) {
		v = 1;
		if (write(ping_fd, &v, sizeof(v)) < 0 || read(pong_fd, &v, sizeof(v)) < 0)
			break;
	}
	start = bench_now() - start;
	pthread_join(t, NULL);
	return (double)start / ROUNDS_PARKED;
}

/*
 * Free memory between allocations of the same client: each answer must differ
 * by what was allocated, so nobody can have answered it from a cache.
 */
static double call_round_trip(struct bench_cuda *cu, int rounds)
{
	size_t before, after, total;
	CUdeviceptr p;
	uint64_t start;

	if (cu->cuMemGetInfo_v2(&before, &total) || cu->cuMemAlloc_v2(&p, 1 << 20))
		return -1;
	start = bench_now();
	for (int i = 0; i < rounds; i++) {
		if (cu->cuMemGetInfo_v2(&after, &total))
			return -1;
	}
	start = bench_now() - start;
	cu->cuMemFree_v2(p);
	if (before - after != 1 << 20) {
		ct_error("cuMemGetInfo is wrong: %zu bytes free, then %zu", before, after);
		return -1;
	}
	return (double)start / rounds;
}

/* A request that the daemon answers by itself, as the driver sends it: asleep. */
static double echo_round_trip(struct bench_cuda *cu)
{
	struct cw_device_stat stat;
	uint64_t start = bench_now();

	for (int i = 0; i < ROUNDS_PARKED; i++) {
		if (cu->stat->device(&stat))
			return -1;
	}
	return (double)(bench_now() - start) / ROUNDS_PARKED;
}

/*
 * Spinning. Two threads cannot pass a cache line to and fro on one processor,
 * which a VM may have: then the call stands alone.
 */
static int latency_spinning(struct bench_cuda *cu)
{
	struct bench_series call = { .name = "sync call, spinning" },
			    cache = { .name = "cache-line round trip" };
	bool two = sysconf(_SC_NPROCESSORS_ONLN) > 1;

	for (int i = 0; i < BENCH_SAMPLES; i++) {
		if (two)
			bench_add(&cache, line_round_trip());
		bench_add(&call, call_round_trip(cu, ROUNDS));
		if (call.ns[i] < 0)
			return -1;
	}
	if (two)
		bench_print(&cache, NULL);
	bench_print(&call, two ? &cache : NULL);
	return 0;
}

/*
 * Parked. Over the socket a call is one wake-up each way; in a VM it is a
 * request to the daemon, and one wake-up each way between daemon and worker.
 */
static int latency_parked(struct bench_cuda *cu)
{
	struct bench_series parked = { .name = "sync call, parked" },
			    efd = { .name = "eventfd ping-pong" },
			    echo = { .name = "controlq echo" },
			    both = { .name = "echo + ping-pong" };
	bool vm = bench_in_vm();

	for (int i = 0; i < BENCH_SAMPLES; i++) {
		bench_add(&efd, eventfd_round_trip());
		if (vm)
			bench_add(&echo, echo_round_trip(cu));
		bench_add(&both, efd.ns[i] + (vm ? echo.ns[i] : 0));
		cu->stat->spin(0);
		bench_add(&parked, call_round_trip(cu, ROUNDS_PARKED));
		cu->stat->spin(1);
		if (parked.ns[i] < 0 || (vm && echo.ns[i] < 0))
			return -1;
	}
	bench_print(&efd, NULL);
	if (vm) {
		bench_print(&echo, NULL);
		bench_print(&both, NULL);
	}
	bench_print(&parked, vm ? &both : &efd);
	return 0;
}

int bench_latency(void)
{
	struct bench_cuda *cu = bench_guest();
	int err;

	if (!cu)
		return -1;
	ping_fd = eventfd(0, EFD_CLOEXEC);
	pong_fd = eventfd(0, EFD_CLOEXEC);
	err = latency_spinning(cu);
	if (!err)
		err = latency_parked(cu);
	close(ping_fd);
	close(pong_fd);
	return err;
}
