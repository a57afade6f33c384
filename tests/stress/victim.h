/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that are killed, and processes that must not notice.
 *
 * A victim brings itself into one state of the protocol and stays there, or
 * comes through it again and again, until somebody kills it or its worker. What
 * it is at stands in memory that it shares with the test, so that the test can
 * say afterwards where it was hit. Only the driver API is used: the same code
 * runs over the socket and in a VM.
 */
#ifndef TESTS_STRESS_VICTIM_H
#define TESTS_STRESS_VICTIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/**
 * enum victim_state - What a process is at
 * @V_NONE:	nothing that counts
 * @V_ENCODING:	appends commands that nobody waits for
 * @V_FULL:	waits for space in the ring
 * @V_BULK:	in a copy of many pages
 * @V_WAIT:	in a call that waits for its answer
 * @V_CALLBACK:	in a host function, with a thread that waits for its stream
 * @V_OPEN:	in cuInit
 * @V_CLOSE:	gives everything back and ends
 */
enum victim_state {
	V_NONE,
	V_ENCODING,
	V_FULL,
	V_BULK,
	V_WAIT,
	V_CALLBACK,
	V_OPEN,
	V_CLOSE,
	V_STATES,
};
extern const char *const victim_state_names[V_STATES];

/**
 * struct victim - A process, in memory that it shares with the test
 * @pid:	of it
 * @state:	what it is at, enum victim_state
 * @entered:	it has come to what it was to do
 * @rounds:	of a survivor: rounds with right results
 * @limit:	of a survivor: rests after so many rounds; 0: never
 * @stop:	a survivor shall end
 */
struct victim {
	pid_t pid;
	_Atomic int state;
	_Atomic int entered;
	_Atomic int rounds;
	_Atomic int limit;
	_Atomic int stop;
};

/* How a process ended of itself: 0 is what a test wants to see. */
#define VICTIM_CLOSED 42 /* it came to its end before anybody killed it */
#define VICTIM_WRONG 43	 /* a wrong result */
#define VICTIM_REFUSED 44 /* an error before anybody did anything */

/* Shared memory for @n of them; ends the program where there is none. */
struct victim *victims_new(int n);
/* Forks a process that brings itself into @state. */
void victim_start(struct victim *v, enum victim_state state);
/* Forks one that computes and checks until it is told to stop. */
void survivor_start(struct victim *v, int limit);
/* Its exit status, 256 + signal, or -1 where it does not end. */
int victim_end(struct victim *v);
/* Waits until a word is at least @n; false: the process has ended, or minutes have passed. */
bool victim_await(const struct victim *v, const _Atomic int *word, int n);

#endif
