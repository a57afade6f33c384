/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon inside a fuzz target: its loop is turned by hand, and spawner and
 * workers are played by the input.
 */
#ifndef TESTS_FUZZ_DAEMON_H
#define TESTS_FUZZ_DAEMON_H

#include "daemon/daemon.h"
#include "tests/fuzz/fuzz.h"

#define FZ_WORKERS 8
#define FZ_WINDOW 0x40000ull

/**
 * struct fz_worker - A worker that was ordered
 * @cookie:	its name, 0: none
 * @sock:	its end of the socket
 */
struct fz_worker {
	uint64_t cookie;
	int sock;
};

/**
 * struct fz_daemon - A daemon with everything it talks to
 * @in:		input
 * @d:		daemon
 * @spawner:	the spawner's end of its socket
 * @w:		workers
 * @honest:	workers answer what they are asked as they should
 * @answers:	answers of workers
 */
struct fz_daemon {
	struct fz_input in;
	struct cd_daemon d;
	int spawner;
	struct fz_worker w[FZ_WORKERS];
	bool honest;
	unsigned int answers;
};

void fz_daemon_open(struct fz_daemon *f);
void fz_daemon_pump(struct fz_daemon *f);
/* Something that a worker, or the spawner, says or does. */
void fz_daemon_worker_step(struct fz_daemon *f);
void fz_daemon_close(struct fz_daemon *f);
/* One packet with descriptors; never waits. */
void fz_send(int sock, const void *buf, size_t len, const int *fds, size_t nfds);

#endif
