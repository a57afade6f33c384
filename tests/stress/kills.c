/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: some victims live at a time beside each other. A new one
 * is brought into its state, then one of those that live is drawn, and it or its
 * worker is killed after a moment of random length. What counts is where it was
 * at that moment, not where it was sent. Those that open or close come through
 * once and are killed on the way; who gets through is missed, and another sent.
 */
#include "tests/stress/kills.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LIVE_MAX 3
/* A victim that only comes through its state may get away so many times. */
#define TRIES_MAX 100

/* Those that live, before those whose place is free. */
struct kills_live {
	struct victim *v[LIVE_MAX];
	int n;
};

static unsigned int draw(struct kills *k, unsigned int n)
{
	k->seed = k->seed * 1103515245u + 12345u;
	return (k->seed >> 16) % n;
}

static bool passes(enum victim_state s)
{
	return s == V_OPEN || s == V_CLOSE;
}

static bool failed(const struct victim *v, const char *what, int status)
{
	printf("# %s at %s: status %d\n", what, victim_state_names[v->state], status);
	return false;
}

static bool kill_process(struct kills *k, struct victim *v)
{
	int status;

	kill(v->pid, SIGKILL);
	status = victim_end(v);
	if (status == 256 + SIGKILL)
		k->process[v->state]++;
	else if (status == VICTIM_CLOSED)
		k->missed++;
	else
		return failed(v, "a killed process", status);
	return true;
}

/*
 * Whoever loses its worker sees an error, or has come to its end before. What it
 * was at when the worker was looked for counts: it may see the error later. Who
 * was about to pass may have passed meanwhile.
 */
static bool kill_worker(struct kills *k, struct victim *v)
{
	int state = v->state;
	bool hit = !k->worker(k->arg, v);
	int status;

	if (!hit && !passes(state))
		return failed(v, "no worker of a process", 0);
	/* In cuInit there may be none yet: nobody would end this one. */
	if (!hit)
		kill(v->pid, SIGKILL);
	status = victim_end(v);
	if (hit ? status != 0 && status != VICTIM_CLOSED
		: status != 256 + SIGKILL && status != VICTIM_CLOSED)
		return failed(v, "a process without its worker", status);
	if (hit)
		k->by_worker[passes(state) ? v->state : state]++;
	else
		k->missed++;
	return true;
}

/* Brings a victim into its state. */
static bool send(struct kills *k, struct victim *v, enum victim_state s)
{
	victim_start(v, s);
	if (victim_await(v, &v->entered, 1))
		return true;
	return failed(v, "a victim that does not come", victim_end(v));
}

static void moment(struct kills *k, unsigned int us)
{
	usleep(draw(k, us));
}

/* One whose worker is killed, or that must be hit on its way. */
static bool kill_now(struct kills *k, struct victim *v, enum victim_state s, bool worker)
{
	if (worker && k->mark)
		k->mark(k->arg);
	if (!send(k, v, s))
		return false;
	moment(k, passes(s) ? 2000 : 3000);
	return worker ? kill_worker(k, v) : kill_process(k, v);
}

/* One of those that live. */
static bool kill_drawn(struct kills *k, struct kills_live *l)
{
	struct victim **at = &l->v[draw(k, (unsigned int)l->n)], *v = *at;

	/* Its place is that memory: places change hands, not what is in them. */
	*at = l->v[--l->n];
	l->v[l->n] = v;
	moment(k, 3000);
	return kill_process(k, v);
}

/* Draws what to do next among what is not done yet; false: all is. */
static bool draw_next(struct kills *k, int each, enum victim_state *ret_s, bool *ret_worker)
{
	int first = (int)draw(k, (V_STATES - 1) * 2);

	for (int i = 0; i < (V_STATES - 1) * 2; i++) {
		int at = (first + i) % ((V_STATES - 1) * 2);

		*ret_s = V_NONE + 1 + at / 2;
		*ret_worker = at % 2;
		if (k->steady && passes(*ret_s))
			continue;
		if (*ret_worker ? k->worker && k->by_worker[*ret_s] < each :
				  !k->spare && k->process[*ret_s] < each)
			return true;
	}
	return false;
}

static void report(const struct kills *k)
{
	int sum = 0;

	printf("# %-12s%12s%12s\n", "killed at", "processes", "workers");
	for (int s = V_NONE; s < V_STATES; s++) {
		if (s != V_NONE || k->process[s] || k->by_worker[s])
			printf("# %-12s%12d%12d\n", victim_state_names[s], k->process[s],
			       k->by_worker[s]);
		sum += k->process[s] + k->by_worker[s];
	}
	printf("# %d kills; %d more came to their end before\n", sum, k->missed);
}

bool kills_run(struct kills *k)
{
	int ways = (V_STATES - 1) * (!k->spare + !!k->worker);
	int each = (k->wanted + ways - 1) / ways;
	int tries = each * (V_STATES - 1) * 2 * TRIES_MAX;
	struct victim *v = victims_new(LIVE_MAX + 1);
	struct kills_live l = { .n = 0 };
	enum victim_state s;
	bool ok = true, worker;

	for (int i = 0; i < LIVE_MAX; i++)
		l.v[i] = &v[i];
	printf("# seed %u\n", k->seed);
	while (ok && tries-- && draw_next(k, each, &s, &worker)) {
		if (worker || passes(s)) {
			ok = kill_now(k, &v[LIVE_MAX], s, worker);
			continue;
		}
		ok = send(k, l.v[l.n], s);
		if (ok && ++l.n == LIVE_MAX)
			ok = kill_drawn(k, &l);
	}
	while (ok && l.n)
		ok = kill_drawn(k, &l);
	report(k);
	return ok && !draw_next(k, each, &s, &worker);
}
