/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills of processes and of workers, drawn over running work in each state of
 * the protocol. The others compute on with right results, nobody hangs, nothing
 * stays. And the death of the daemon itself.
 */
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/socket/sock.h"
#include "tests/socket/sock_cuda.h"
#include "tests/stress/kills.h"
#include "tests/tap.h"

#define SURVIVORS 3
#define KILLS 98
#define KILLS_SANITIZED 28
#define KILLS_LONG 1008
/* What a heap may keep for later, and pages of it that were not touched before. */
#define GROWTH_MAX (1u << 20)
#define BUSY 8
/* Times that a sleeping thread looks whether the daemon is there: one a second. */
#define LOOKS_MAX 5

static struct sock_daemon daemon_one;

/* ---- traces: of a daemon in the system, where a name tells */

static int traces;
static char trace_pid[16];

static int see_cgroup(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const char *name = path + at->base;

	traces += type == FTW_D && strstr(name, "causeway") && strstr(name, trace_pid);
	return 0;
}

/* Mounts below its folder, cgroups with its number. */
static int count_traces(const struct sock_daemon *d)
{
	char line[4096];
	FILE *f = fopen("/proc/self/mountinfo", "r");

	traces = 0;
	snprintf(trace_pid, sizeof(trace_pid), "%d", d->pid);
	while (f && fgets(line, sizeof(line), f))
		traces += !!strstr(line, d->dir);
	if (f)
		fclose(f);
	nftw("/sys/fs/cgroup", see_cgroup, 16, FTW_PHYS);
	return traces;
}

/* ---- workers */

/* Both have the channel mapped: nothing else tells whose worker one is. */
static int kill_worker_of(void *arg, const struct victim *v)
{
	pid_t pid = sock_worker_of(&daemon_one, v->pid);

	return pid < 0 ? -1 : kill(pid, SIGKILL);
}

/* ---- kills */

/* Complaints that a killed worker does not explain. */
static int complaints(void)
{
	return sock_log_count(&daemon_one, "CW-E") - sock_log_count(&daemon_one, "CW-E0205");
}

static int kills_wanted(void)
{
#ifdef SOCK_SANITIZED
	return KILLS_SANITIZED;
#else
	return getenv("CAUSEWAY_TEST_LONG") ? KILLS_LONG : KILLS;
#endif
}

static unsigned int kills_seed(void)
{
	const char *given = getenv("CAUSEWAY_TEST_SEED");

	return given ? (unsigned int)strtoul(given, NULL, 0) : (unsigned int)getpid();
}

/* As many rounds more as show that each of them lives. */
static bool survivors_go_on(struct victim *s)
{
	for (int i = 0; i < SURVIVORS; i++) {
		if (!victim_await(&s[i], &s[i].rounds, s[i].rounds + 2))
			return false;
	}
	return true;
}

static bool survivors_end(struct victim *s)
{
	int status, bad = 0;

	for (int i = 0; i < SURVIVORS; i++) {
		s[i].stop = 1;
		status = victim_end(&s[i]);
		printf("# survivor: %d rounds, status %d\n", s[i].rounds, status);
		bad += status != 0;
	}
	return !bad;
}

TEST(kills_in_every_state_hurt_nobody_else_and_leave_nothing)
{
	struct kills k = {
		.wanted = kills_wanted(), .seed = kills_seed(),
		.worker = kill_worker_of,
	};
	struct victim *survivors = victims_new(SURVIVORS);
	int fds = sock_fds(&daemon_one), before = count_traces(&daemon_one);
	pid_t spawner = sock_spawner(&daemon_one);
	uint64_t data, spawner_data;

	setenv("CAUSEWAY_SOCKET", daemon_one.path, 1);
	CHECK_EQ(complaints(), 0);
	for (int i = 0; i < SURVIVORS; i++)
		survivor_start(&survivors[i], 0);
	CHECK(survivors_go_on(survivors));
	data = sock_data(daemon_one.pid);
	spawner_data = sock_data(spawner);
	CHECK(kills_run(&k));
	CHECK(sock_workers_become(&daemon_one, SURVIVORS));
	CHECK(survivors_go_on(survivors));
	CHECK(survivors_end(survivors));
	CHECK(sock_workers_become(&daemon_one, 0));
	CHECK(sock_fds_become(&daemon_one, fds));
	CHECK_EQ(count_traces(&daemon_one), before);
	CHECK_EQ(complaints(), 0);
	CHECK_EQ(sock_spawner(&daemon_one), spawner);
#ifndef SOCK_SANITIZED
	CHECK(sock_data(daemon_one.pid) <= data + GROWTH_MAX);
	CHECK(sock_data(spawner) <= spawner_data + GROWTH_MAX);
#endif
}

/* ---- the daemon */

/* What a client and the test tell each other: shared memory. */
struct busy {
	const struct cw_stat_table *stat;
	_Atomic int entered;
	_Atomic int dead; /* the daemon is being killed */
	uint64_t sleeps;  /* that there had been then */
};

static uint64_t sleeps_now(const struct busy *b)
{
	struct cw_guest_stat s;

	b->stat->guest(&s);
	return s.sleeps;
}

static void *see_death(void *arg)
{
	struct busy *b = arg;

	while (!b->dead)
		sock_nap();
	b->sleeps = sleeps_now(b);
	return NULL;
}

/* A kernel that never ends, and a thread that waits for it: it is told by what
 * it sees when it looks, so the number of looks bounds the time. */
static int busy_client(void *arg)
{
	struct busy *b = arg;
	struct sock_cuda cu;
	pthread_t thread;
	CUresult r;

	sock_cuda_begin(&cu);
	b->stat = cu.stat;
	WANT(!pthread_create(&thread, NULL, see_death, b));
	OK(sock_spin(&cu, NULL));
	b->entered = 1;
	r = cuCtxSynchronize();
	WANT(r != CUDA_SUCCESS);
	WANT_EQ(cuCtxSynchronize(), r);
	WANT(sock_count(&cu, NULL) != CUDA_SUCCESS);
	pthread_join(thread, NULL);
	printf("# looked %d times for the daemon that was dead\n",
	       (int)(sleeps_now(b) - b->sleeps));
	WANT(sleeps_now(b) - b->sleeps <= LOOKS_MAX);
	fflush(stdout);
	_exit(0);
}

TEST(eight_busy_clients_of_a_killed_daemon_get_errors)
{
	static const enum victim_state states[BUSY - 1] = {
		V_ENCODING, V_FULL, V_BULK, V_WAIT, V_CALLBACK, V_BULK, V_WAIT,
	};
	struct busy *b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			      0);
	static pid_t workers[SOCK_WORKERS_MAX];
	struct victim *v = victims_new(BUSY - 1);
	struct sock_daemon d;
	int n;
	double start;
	pid_t busy;

	sock_daemon_start(&d, NULL);
	setenv("CAUSEWAY_SOCKET", d.path, 1);
	busy = sock_client(&d, busy_client, b, "/dev/null");
	for (int i = 0; i < BUSY - 1; i++) {
		victim_start(&v[i], states[i]);
		CHECK(victim_await(&v[i], &v[i].entered, 1));
	}
	while (!b->entered && !kill(busy, 0))
		sock_nap();
	n = sock_workers(&d, workers);
	CHECK_EQ(n, BUSY);
	b->dead = 1;
	start = sock_now();
	kill(d.pid, SIGKILL);
	for (int i = 0; i < BUSY - 1; i++)
		CHECK_EQ(victim_end(&v[i]), 0);
	CHECK_EQ(sock_end(busy), 0);
	printf("# %d clients had their errors after %.2f s\n", BUSY, sock_now() - start);
	waitpid(d.pid, NULL, 0);
	for (int i = 0; i < n; i++)
		CHECK(sock_gone(workers[i]));
	CHECK_EQ(count_traces(&d), 0);
	CHECK_EQ(sock_log_count(&d, "Sanitizer:"), 0);
	/* What it left is a socket that nobody listens at, and its log. */
	CHECK_EQ(unlink(d.path), 0);
	CHECK_EQ(unlink(d.log), 0);
	CHECK_EQ(rmdir(d.dir), 0);
}

int main(int argc, char **argv)
{
	int r;

	sock_daemon_start(&daemon_one, NULL);
	r = tap_run(argc > 1 ? argv[1] : NULL);
	return sock_daemon_stop(&daemon_one) ? r : 1;
}
