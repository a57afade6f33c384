/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest stubs and worker dispatch in one process, joined by two buffers that
 * a test can cut short or forge.
 */
#ifndef TESTS_WIRE_LOOP_H
#define TESTS_WIRE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cw/cuda.h"
#include "cw/util.h"
#include "wire/handle.h"

/* Sample handles; the back end's objects lie a constant above them. */
#define LOOP_HOST_OFFSET 0x100000ull
#define LOOP_GUEST(type, n) cw_handle(type, CW_H_BY_WORKER, 1, n)
#define LOOP_HOST(type, n) (LOOP_GUEST(type, n) + LOOP_HOST_OFFSET)

/**
 * struct loop - What happens to the next call, and what happened to the last
 * @cut_command:	bytes of the command that arrive
 * @cut_reply:		bytes of the reply that arrive
 * @forge_at:		word of the command that is replaced, or -1
 * @forge_with:		its new value
 * @forged:		values are wrong on purpose: only memory safety counts
 * @variant:		of the sample
 * @command:		bytes of the last command
 * @reply:		bytes of the last reply
 * @calls:		times the back end was called
 * @malformed:		the dispatcher refused the command
 * @wrong:		checks that failed
 * @chosen:		handle that the guest chose last
 * @trace:		last line of a trace
 * @learned:		parameters of the last function learned
 */
struct loop {
	size_t cut_command, cut_reply;
	int forge_at;
	uint64_t forge_with;
	bool forged;
	int variant;
	size_t command, reply;
	int calls;
	bool malformed;
	int wrong;
	uint64_t chosen;
	char trace[512];
	unsigned int learned;
};
extern struct loop loop;

struct loop_play {
	const char *name;
	CUresult (*play)(int variant);
};

/* Generated. */
struct cu_driver;
extern const struct cu_driver loop_driver;
extern const struct loop_play loop_plays[];
extern const unsigned int loop_plays_count;

/* An honest call is next. */
void loop_reset(void);
void loop_check(bool ok, const char *what);
/* A pattern for plain structures, with which they pass every require line. */
void loop_pod(void *p, size_t n);
bool loop_is_pod(const void *p, size_t n);
/* Whether an output still holds what play_NAME filled it with. */
bool loop_untouched(const void *p, size_t n);

#endif
