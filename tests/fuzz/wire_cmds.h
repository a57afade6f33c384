/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the protocol that are right but for what the input changes.
 */
#ifndef TESTS_FUZZ_WIRE_CMDS_H
#define TESTS_FUZZ_WIRE_CMDS_H

#include "tests/fuzz/fuzz.h"
#include "worker/internal.h"

#define FZ_ARENA 0x10000000000ull
#define FZ_ARENA_SIZE 0x10000u
#define FZ_DEVICE 0x7000000000ull

/* Objects that fz_objects_make() enters, as the process names them. */
#define FZ_STREAM cw_handle(CW_H_STREAM, CW_H_BY_GUEST, 1, 1)
#define FZ_EVENT(i) cw_handle(CW_H_EVENT, CW_H_BY_GUEST, 1, i)
#define FZ_EVENTS 200

/* A kernel, a stream and events, known to the worker; returns the kernel's handle. */
uint64_t fz_objects_make(struct wk_thread *t);

/**
 * fz_cmd_put() - Arguments of a command of the protocol
 * @in:		input; its zeros mean what is usual
 * @e:		command under way
 * @id:		enum cw_fn
 * @kernel:	of fz_objects_make()
 * @last:	first word of the last answer
 */
void fz_cmd_put(struct fz_input *in, struct cw_enc *e, uint32_t id, uint64_t kernel,
		uint64_t last);

#endif
