/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon: what its parts have in common, and its loop.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/options.h"
#include "daemon/probe.h"
#include "daemon/share.h"
#include "daemon/spawner.h"

struct cd_client;
struct cd_meter_ops;
struct cd_vm;

/**
 * enum cd_fd_kind - What a descriptor of the loop is
 * @CD_FD_SIGNAL:	signalfd: SIGTERM, SIGINT
 * @CD_FD_SPAWNER:	socket of the spawner
 * @CD_FD_PROBE:	socket of the probe worker
 * @CD_FD_LISTEN:	listening socket for clients
 * @CD_FD_CLIENT:	a client's own socket; id is the client
 * @CD_FD_WORKER:	socket of a client's worker; id is the client
 * @CD_FD_BROKER:	where a client's worker announces mappings; id is the client
 * @CD_FD_VM_SIGNAL:	eventfd of a client's worker, in a VM; id is the client
 * @CD_FD_VM_LISTEN:	listening socket for vhost-user front ends
 * @CD_FD_VM_WAKE:	eventfd of the copy threads
 * @CD_FD_VM:		descriptor of the vhost-user back end; id is the watch
 */
enum cd_fd_kind {
	CD_FD_SIGNAL,
	CD_FD_SPAWNER,
	CD_FD_PROBE,
	CD_FD_LISTEN,
	CD_FD_CLIENT,
	CD_FD_WORKER,
	CD_FD_BROKER,
	CD_FD_VM_SIGNAL,
	CD_FD_VM_LISTEN,
	CD_FD_VM_WAKE,
	CD_FD_VM,
	CD_FD_KINDS,
};

/**
 * struct cd_daemon - All of it; one per process
 * @opt:	command line
 * @epfd:	the loop
 * @signal_fd:	signals, as a descriptor
 * @spawner:	starts workers
 * @probe:	what the back end's devices are
 * @client:	clients by their index; NULL: free
 * @nr_clients:	clients that are not free
 * @last_gen:	generation given to the newest client
 * @last_cookie: name given to the newest worker
 * @epoch:	random; of this start
 * @listen_fd:	client socket, or -1
 * @spare_fd:	given up to accept and refuse when no descriptor is left
 * @vm:		the VM side; NULL: there is none
 * @given:	bytes of device memory that clients were given
 * @meter:	how workers are measured
 * @meter_memory: it can tell their memory
 * @share:	our part of the card's compute time
 * @watch_at:	when cd_watch_turn() is due, ns; 0: there are no clients
 * @check_at:	when the clients' memory is looked at again
 * @quiet:	no client was seen to use the processor
 * @refreshed_at: when @meter was refreshed
 * @stop:	leave the loop
 * @status:	exit status then
 */
struct cd_daemon {
	struct cd_options opt;
	int epfd;
	int signal_fd;
	struct cd_spawner spawner;
	struct cd_probe probe;
	struct cd_client *client[CD_MAX_CLIENTS];
	uint32_t nr_clients;
	uint32_t last_gen;
	uint64_t last_cookie;
	uint64_t epoch;
	int listen_fd;
	int spare_fd;
	struct cd_vm *vm;
	uint64_t given;
	const struct cd_meter_ops *meter;
	bool meter_memory;
	struct cd_share share;
	uint64_t watch_at;
	uint64_t check_at;
	bool quiet;
	uint64_t refreshed_at;
	bool stop;
	int status;
};

int cd_daemon_init(struct cd_daemon *d);
int cd_daemon_run(struct cd_daemon *d);
int cd_daemon_turn(struct cd_daemon *d, bool wait);
void cd_daemon_finish(struct cd_daemon *d);
void cd_daemon_fail(struct cd_daemon *d);

/* loop.c */
uint64_t cd_now_ns(void);
uint64_t cd_fd_key(enum cd_fd_kind kind, uint32_t id, uint32_t gen);
int cd_fd_watch(struct cd_daemon *d, int fd, uint64_t key);
void cd_fd_unwatch(struct cd_daemon *d, int fd);
void cd_fd_pause(struct cd_daemon *d, int fd, uint64_t key, bool pause);

#endif
