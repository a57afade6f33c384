/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spawner: the process that starts workers and reaps them.
 */
#ifndef DAEMON_SPAWNER_H
#define DAEMON_SPAWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cd_jail;
struct cd_options;

/**
 * enum cd_spawn_type - What daemon and spawner say to each other
 * @CD_SPAWN_WORKER:	start "--worker"; one descriptor: its CW_WORKER_FD
 * @CD_SPAWN_PROBE:	start "--probe"; likewise
 * @CD_SPAWN_KILL:	SIGKILL to that one, if it lives
 * @CD_SPAWN_STOP:	it shall not run, for a reason: SIGSTOP with the first one
 * @CD_SPAWN_CONT:	that reason is over: SIGCONT with the last one
 * @CD_SPAWN_STARTED:	spawner: it runs, with this pid
 * @CD_SPAWN_EXITED:	spawner: it is reaped (or never was: pid 0, status errno)
 * @CD_SPAWN_STOPPED:	spawner: none of its threads runs, nor will before
 *			CD_SPAWN_CONT; answers a STOP for CD_HOLD_PAUSE
 */
enum cd_spawn_type {
	CD_SPAWN_WORKER = 1,
	CD_SPAWN_PROBE,
	CD_SPAWN_KILL,
	CD_SPAWN_STOP,
	CD_SPAWN_CONT,
	CD_SPAWN_STARTED,
	CD_SPAWN_EXITED,
	CD_SPAWN_STOPPED,
};

/**
 * enum cd_hold - Why a worker is stopped by signal
 * @CD_HOLD_SHARE:	its VM has used more than its share of compute time
 * @CD_HOLD_PAUSE:	its VM stands still
 */
enum cd_hold {
	CD_HOLD_SHARE = 1,
	CD_HOLD_PAUSE = 2,
};

/**
 * struct cd_spawn_msg - A message of either direction
 * @type:	enum cd_spawn_type
 * @pid:	process, from the spawner
 * @cookie:	names the worker; chosen by the daemon, never 0, never used again
 * @status:	of waitpid(2), from the spawner
 * @why:	enum cd_hold, of CD_SPAWN_STOP and CD_SPAWN_CONT
 */
struct cd_spawn_msg {
	uint32_t type;
	int32_t pid;
	uint64_t cookie;
	int32_t status;
	uint32_t why;
};

/**
 * struct cd_spawner - The daemon's side
 * @sock:	to the spawner; end of file means it is gone
 * @pid:	of the spawner
 */
struct cd_spawner {
	int sock;
	pid_t pid;
};

int cd_spawner_init(struct cd_spawner *s, const struct cd_options *o);
int cd_spawner_start(struct cd_spawner *s, uint64_t cookie, bool probe, int fd);
int cd_spawner_kill(struct cd_spawner *s, uint64_t cookie);
int cd_spawner_hold(struct cd_spawner *s, uint64_t cookie, enum cd_hold why, bool stop);
int cd_spawner_recv(struct cd_spawner *s, struct cd_spawn_msg *ret);
void cd_spawner_finish(struct cd_spawner *s);

/* spawner_main.c: the spawner process itself; does not return. */
_Noreturn void cd_spawner_main(int sock, const struct cd_jail *jail);

#endif
