/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads: a fixed pool for kernels and copies, a growing one for host
 * functions. See sched.h.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cw/log.h"
#include "softgpu/sched/engine.h"

#define MAX_THREADS 1024
/* How long a thread sleeps between two looks at memory a stream waits for. */
#define POLL_MIN_NS 20000L
#define POLL_MAX_NS 1000000L

/* Who holds us may die without a word: how often to look again. */
#define HOLD_LOOK_NS 100000000L

static unsigned wanted_threads;

static void count_threads(void)
{
	const char *env = secure_getenv("CAUSEWAY_SOFT_THREADS");
	long n = env ? strtol(env, NULL, 10) : 0;
	cpu_set_t set;

	if (n <= 0)
		n = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
	wanted_threads = n > MAX_THREADS ? MAX_THREADS : (unsigned)n;
}

/**
 * sg_sched_attach() - Have compute time limited
 * @host:	limits; before the first operation
 */
void sg_sched_attach(const struct causeway_soft_host *host)
{
	sg_engine.limits = host;
	atomic_store(host->threads, sg_sched_threads());
	/* None has anything to do yet. */
	atomic_store(host->idle, sg_sched_threads());
}

/**
 * sg_sched_threads() - How many threads run kernels
 *
 * Return: the same number for the life of the process, at least 1.
 */
unsigned sg_sched_threads(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, count_threads);
	return wanted_threads;
}

/* Signals are for the program's own threads. */
static int start_thread(void *(*main)(void *))
{
	sigset_t all, old;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread, NULL, main, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err)
		pthread_detach(thread);
	return -err;
}

/* Run one operation outside the lock. */
static void run_op(struct sg_op *op)
{
	int error = atomic_load(&op->stream->group->error);

	pthread_mutex_unlock(&sg_engine.lock);
	op->fn(op->arg, error);
	pthread_mutex_lock(&sg_engine.lock);
	sg_op_finish(op);
	sg_engine_settle();
}

/* Waits while compute time rests. Called with the lock, drops it. */
static void pool_hold(void)
{
	const struct timespec look = { .tv_nsec = HOLD_LOOK_NS };

	pthread_mutex_unlock(&sg_engine.lock);
	while (sg_pool_held())
		syscall(SYS_futex, sg_engine.limits->hold, FUTEX_WAIT,
			atomic_load(sg_engine.limits->hold) ?: 1, &look, NULL, 0);
	pthread_mutex_lock(&sg_engine.lock);
}

static void pool_idle(int change)
{
	sg_engine.idle += (unsigned)change;
	if (sg_engine.limits)
		atomic_fetch_add_explicit(sg_engine.limits->idle, (unsigned)change,
					  memory_order_relaxed);
}

static void pool_sleep(long *poll_ns)
{
	struct timespec until;

	pool_idle(1);
	if (!sg_engine.poll || sg_engine.poller) {
		pthread_cond_wait(&sg_engine.work_cond, &sg_engine.lock);
		pool_idle(-1);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += *poll_ns;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	*poll_ns = cw_min(*poll_ns * 2, POLL_MAX_NS);
	sg_engine.poller = true;
	pthread_cond_timedwait(&sg_engine.work_cond, &sg_engine.lock, &until);
	sg_engine.poller = false;
	pool_idle(-1);
}

static void *pool_main(void *unused)
{
	long poll_ns = POLL_MIN_NS;

	pthread_mutex_lock(&sg_engine.lock);
	if (sg_engine.limits)
		atomic_fetch_sub(sg_engine.limits->idle, 1);
	for (;;) {
		struct sg_op *op;

		if (sg_pool_held())
			pool_hold();
		if (sg_engine.poll && sg_poll_all() && !sg_engine.poller)
			sg_pool_wake();
		op = sg_queue_pop(&sg_engine.work);
		if (op) {
			if (sg_engine.work.head)
				sg_pool_wake();
			run_op(op);
			poll_ns = POLL_MIN_NS;
		} else if (sg_grid_step()) {
			poll_ns = POLL_MIN_NS;
		} else {
			pool_sleep(&poll_ns);
		}
	}
	return NULL;
}

static void *host_main(void *unused)
{
	pthread_mutex_lock(&sg_engine.lock);
	for (;;) {
		struct sg_op *op = sg_queue_pop(&sg_engine.host);

		if (op) {
			sg_engine.host_ready--;
			run_op(op);
			continue;
		}
		sg_engine.host_idle++;
		pthread_cond_wait(&sg_engine.host_cond, &sg_engine.lock);
		sg_engine.host_idle--;
	}
	return NULL;
}

/**
 * sg_pool_start() - Start the pool before the first operation
 *
 * Return: 0, or -ENOMEM where not a single thread could be started.
 */
int sg_pool_start(void)
{
	pthread_condattr_t attr;

	if (sg_engine.threads)
		return 0;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&sg_engine.work_cond, &attr);
	pthread_condattr_destroy(&attr);
	while (sg_engine.threads < sg_sched_threads() && !start_thread(pool_main))
		sg_engine.threads++;
	if (!sg_engine.threads)
		cw_error("cannot start a thread");
	return sg_engine.threads ? 0 : -ENOMEM;
}

/**
 * sg_pool_wake() - There is something for one pool thread to do
 */
void sg_pool_wake(void)
{
	if (sg_engine.idle)
		pthread_cond_signal(&sg_engine.work_cond);
}

/**
 * sg_pool_wake_host() - One more host function may run
 *
 * Never more functions than threads: they may wait for each other.
 */
void sg_pool_wake_host(void)
{
	sg_engine.host_ready++;
	if (sg_engine.host_ready <= sg_engine.host_idle) {
		pthread_cond_signal(&sg_engine.host_cond);
		return;
	}
	if (!start_thread(host_main)) {
		sg_engine.host_threads++;
		return;
	}
	cw_error("cannot start a thread for a host function");
	if (sg_engine.host_threads)
		return;
	/* Better late than never: a kernel waits instead. */
	sg_engine.host_ready--;
	sg_queue_push(&sg_engine.work, sg_queue_pop(&sg_engine.host));
	sg_pool_wake();
}
