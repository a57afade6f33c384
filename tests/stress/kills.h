/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills, drawn over running work.
 */
#ifndef TESTS_STRESS_KILLS_H
#define TESTS_STRESS_KILLS_H

#include <stdbool.h>

#include "tests/stress/victim.h"

/**
 * struct kills - A series of kills
 * @wanted:	kills in all
 * @seed:	of what is drawn; printed, so that a series can be had again
 * @mark:	called before a victim comes whose worker is to be killed; may be NULL
 * @worker:	kills the worker of a process: 0; -1: there is none, or it is over.
 *		NULL: no worker can be reached from here
 * @arg:	for both
 * @spare:	processes are not killed, only workers
 * @steady:	only in states that a process stays in: who kills is far away
 * @process:	processes hit, by what they were at
 * @by_worker:	workers killed, by what their process was at
 * @missed:	victims that came to their end before
 */
struct kills {
	int wanted;
	unsigned int seed;
	void (*mark)(void *arg);
	int (*worker)(void *arg, const struct victim *v);
	void *arg;
	bool spare;
	bool steady;
	int process[V_STATES];
	int by_worker[V_STATES];
	int missed;
};

/* Kills until there are enough in every state; false: something went wrong,
 * which is printed. Prints the count of each state. */
bool kills_run(struct kills *k);

#endif
