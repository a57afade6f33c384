/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test of the daemon can ask of the worker in t_daemon_worker.c: the
 * first word of the ring, then the doorbell. It answers in slot 1.
 */
#ifndef TESTS_VHOST_T_DAEMON_WORKER_H
#define TESTS_VHOST_T_DAEMON_WORKER_H

#include <stdint.h>

enum t_cmd {
	T_CMD_PID = 1,	   /* answers its pid */
	T_CMD_ENV = 2,	   /* answers the variables that came with START */
	T_CMD_SEGV = 3,	   /* dies of SIGSEGV */
	T_CMD_GARBAGE = 4, /* sends the daemon a message of 4 bytes */
	T_CMD_GRANT = 5,   /* sends GRANTED with the struct t_grant at byte 8 of the ring */
	T_CMD_PEEK = 6,	   /* answers 8 bytes from the address at byte 8 of the ring */
};

struct t_grant {
	uint64_t id;
	uint64_t offset;
	uint64_t len;
	uint32_t write;
};

/* Slot whose len says whether the worker is parked. */
#define T_SLOT_PARKED 2

/* Regions that are treated in a special way. */
#define T_REGION_MUTE 666 /* attach is never answered */
#define T_REGION_LIAR 667 /* detach is answered, and the mapping moved away */
#define T_REGION_HIDE 668 /* detach is answered when the first thread has ended */
#define T_REGION_ODD 669  /* attach fails with a status that is none */

#endif
