/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: questions to a real driver whose answers the design relies on.
 *
 * A probe is a function and a row of the table in its file. It runs in a
 * process of its own, so it may leave a context broken.
 */
#ifndef TESTS_GPU_PROBE_H
#define TESTS_GPU_PROBE_H

#include <cuda.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * struct probe - One question
 * @name:	word by which it is called
 * @section:	of the semantics it belongs to: what would have to change
 * @question:	what is asked
 * @expected:	the answer that the design relies on; what stands before a '*'
 *		must begin the answer, without one it is the answer
 * @meaning:	what another answer means
 * @run:	writes the answer with probe_say()
 */
struct probe {
	const char *name;
	const char *section;
	const char *question;
	const char *expected;
	const char *meaning;
	void (*run)(void);
};

/* Tables, each ended by a row without a name. */
extern const struct probe probes_launch[];
extern const struct probe probes_stream[];
extern const struct probe probes_module[];
extern const struct probe probes_runtime[];

/* Adds to the answer of the probe that runs. */
__attribute__((format(printf, 1, 2))) void probe_say(const char *fmt, ...);
/* Adds the name of a result, "CUDA_" left off. */
void probe_say_result(const char *what, CUresult r);
/* Ends the probe: this machine cannot answer. */
__attribute__((format(printf, 1, 2), noreturn)) void probe_cannot(const char *fmt, ...);

/* The primary context of device 0, current. */
CUcontext probe_begin(void);
/* A kernel of the module that all probes share; see probe.c. */
CUfunction probe_kernel(const char *name);
extern const char probe_ptx[];

#define PROBE(call) probe_must((call), #call)
void probe_must(CUresult r, const char *what);

/**
 * struct probe_gate - A stream whose work stands still until probe_gate_open()
 * @stream:	the stream
 * @word:	0: shut
 * @watch:	a count that probe_returns() reads before it opens, or NULL
 * @seen:	what it read
 */
struct probe_gate {
	CUstream stream;
	unsigned int *word;
	const atomic_int *watch;
	int seen;
};
void probe_gate_shut(struct probe_gate *g);
void probe_gate_open(struct probe_gate *g);

/**
 * probe_returns() - Whether a call returns while a gate is shut
 * @fn:		makes the call, in a thread of its own with the probe's context
 * @arg:	for it
 * @ms:		how long it may take: answers that say "no" take as long as that
 *
 * Opens the gate then, and waits for the thread.
 */
bool probe_returns(struct probe_gate *g, void (*fn)(void *arg), void *arg, int ms);

#endif
