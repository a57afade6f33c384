/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client: one process, its worker, and what they share.
 *
 * The same object serves both worlds. What is different between a process at
 * the client socket and one in a VM, that is how answers reach it, is behind
 * struct cd_client_ops.
 */
#ifndef DAEMON_CLIENT_H
#define DAEMON_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cw/worker_proto.h"
#include "daemon/memory.h"
#include "uapi/linux/virtio_cuda.h"

struct cd_client;
struct cd_daemon;
struct cd_region;
struct cd_spawn_msg;
struct cw_gauge;

/**
 * enum cd_client_state - Life of a client
 * @CD_CLIENT_NEW:	no worker. Legal: open, close.
 * @CD_CLIENT_WAITING:	opened, but the probe is not through. Legal: close.
 * @CD_CLIENT_STARTING:	a worker was ordered and given START; its answer, or its
 *			end, comes before the deadline. Legal: close.
 * @CD_CLIENT_OPEN:	all is legal but another open.
 * @CD_CLIENT_ENDING:	the worker was told to go, or is on its way by itself;
 *			its CD_SPAWN_EXITED comes. Legal: close. What happens
 *			then depends on @opening and @closing.
 * @CD_CLIENT_DEAD:	the worker was lost and is reaped. Legal: close.
 */
enum cd_client_state {
	CD_CLIENT_NEW,
	CD_CLIENT_WAITING,
	CD_CLIENT_STARTING,
	CD_CLIENT_OPEN,
	CD_CLIENT_ENDING,
	CD_CLIENT_DEAD,
};

/**
 * enum cd_pause - Whether a worker is kept from touching guest memory
 * @CD_PAUSE_NONE:	it runs
 * @CD_PAUSE_PARKING:	it was told to park and has not answered
 * @CD_PAUSE_PARKED:	it stores nothing more to the channel, and its GPU is idle.
 *			Its control thread still serves regions; once it owes none,
 *			the process is stopped.
 * @CD_PAUSE_STOPPING:	the spawner was told to stop the process
 * @CD_PAUSE_STOPPED:	none of its threads runs: no kernel of the software GPU either.
 *			Nothing is sent to it.
 * @CD_PAUSE_RESUMING:	it was told to go on and has not answered
 *
 * Each step is answered before the next one begins, so an answer is never one to
 * an earlier question.
 */
enum cd_pause {
	CD_PAUSE_NONE,
	CD_PAUSE_PARKING,
	CD_PAUSE_PARKED,
	CD_PAUSE_STOPPING,
	CD_PAUSE_STOPPED,
	CD_PAUSE_RESUMING,
};

/**
 * enum cd_clock - What a worker's time may run for
 * @CD_CLOCK_LIFE:	to start, or to end
 * @CD_CLOCK_REGION:	the oldest of the region messages that it has
 * @CD_CLOCK_PAUSE:	a step of a pause
 */
enum cd_clock {
	CD_CLOCK_LIFE,
	CD_CLOCK_REGION,
	CD_CLOCK_PAUSE,
	CD_CLOCKS,
};

/* Region messages that are with a worker at one time: less than its socket holds. */
#define CD_REGIONS_ASKED 4

#define CD_CHANNEL_SEGS VIRTIO_CUDA_MAX_CHANNEL_RUNS
#define CD_CHANNEL_FDS 8

/**
 * struct cd_ram_file - A file of the guest's memory
 * @dev, @ino:	its name
 */
struct cd_ram_file {
	uint64_t dev;
	uint64_t ino;
};

/**
 * struct cd_open - What a client asks for; checked by cd_open_check()
 * @ring_size:		of the channel
 * @granule_shift:	pieces of memory are multiples of 2 ^ this
 * @epoch:		of the world it comes from
 * @region_base, @region_size, @device_base, @device_size: arenas
 * @env_len:		bytes used of @env
 * @env:		NAME=VALUE, each terminated
 * @nr_segs:		pieces of the channel
 * @nr_fds:		files that @seg refers to
 * @seg:		the channel, in order
 * @fds:		files; the client owns them from cd_client_open() on
 * @nr_ram:	files of the guest's memory, VM only
 * @ram_size:	bytes of the guest's memory
 * @ram_file:	those files
 * @ram:	of each a descriptor to write and one to read; owned likewise, until
 *		the worker has them
 */
struct cd_open {
	uint32_t ring_size;
	uint32_t granule_shift;
	uint32_t env_len;
	uint64_t epoch;
	uint64_t region_base;
	uint64_t region_size;
	uint64_t device_base;
	uint64_t device_size;
	uint32_t nr_segs;
	uint32_t nr_fds;
	struct cw_worker_seg seg[CD_CHANNEL_SEGS];
	int fds[CD_CHANNEL_FDS];
	uint32_t nr_ram;
	uint64_t ram_size;
	struct cd_ram_file ram_file[CW_WORKER_MAX_RAM];
	int ram[2 * CW_WORKER_MAX_RAM];
	char env[1024];
};

/**
 * struct cd_client_ops - How a client's world hears of it
 * @opened:	answer to cd_client_open(): VIRTIO_CUDA_OK, or ERR_* and the
 *		client is NEW again
 * @region:	answer to cd_region_attach() or _detach(); the region is freed on
 *		return unless it is attached
 * @granted:	the worker lets a range of the window be copied; may be NULL
 * @retries:	it asks again where an open is answered VIRTIO_CUDA_ERR_AGAIN, so
 *		that no open outlasts a worker's time; and the worker can be paused
 * @died:	the worker is lost and reaped, the client DEAD. May close it.
 * @closed:	answer to cd_client_close(): the client is freed on return
 */
struct cd_client_ops {
	void (*opened)(struct cd_client *c, uint32_t status);
	void (*region)(struct cd_client *c, struct cd_region *r, uint32_t status);
	void (*granted)(struct cd_client *c, const struct cw_worker_granted *g);
	bool retries;
	void (*died)(struct cd_client *c);
	void (*closed)(struct cd_client *c);
};

/**
 * struct cd_client - One client
 * @d:		daemon
 * @ops:	its world
 * @front:	its world's own data
 * @index:	place in cd_daemon.client
 * @gen:	tells it from earlier ones at that place
 * @state:	see there
 * @opening:	an answer to cd_client_open() is owed
 * @closing:	an answer to cd_client_close() is owed
 * @told:	why the worker ends stands in the log already
 * @open_status: that answer, where it is known before the worker is reaped
 * @open:	what was asked for
 * @worker_sock: to the worker; -1: none, or hung up
 * @cookie:	name of the worker at the spawner; 0: none to be reaped
 * @worker_pid:	of the worker; 0: not known yet
 * @started:	the worker has answered START well
 * @clock:	when the worker's time for something is over, ns; 0: it is not waited for
 * @deadline:	the first of @clock; 0: nothing is waited for
 * @fd_window:	the window
 * @fd_doorbell: wakes the worker: an eventfd that the process writes; in a VM the
 *		reading end of a pipe
 * @fd_ring:	writing end of that pipe, which the worker has not; else -1
 * @fd_signal:	eventfd of the worker, VM only, else -1
 * @fd_signal_page: page of the worker's slot bits, VM only, else -1
 * @fd_gauge:	page of limits, shared with the worker; -1: none
 * @gauge:	the same, mapped; NULL: none
 * @ledger:	bytes of device memory that the client was given
 * @time:	compute time that was accounted for, ns
 * @idle:	how much of its threads has nothing to do: share.c
 * @stopped:	the worker is stopped by signal
 * @fd_broker:	where the worker's mappings of files are announced, else -1
 * @mapping_tid: thread whose mapping was allowed and may not be made yet, else 0
 * @refused:	mappings that were not allowed
 * @regions:	all of them
 * @nr_regions:	their number
 * @nr_runs:	pieces of all of them
 * @queue, @queue_tail: regions with a message for the worker, oldest first
 * @asked:	regions whose messages the worker has not answered, oldest first: it
 *		answers in that order
 * @outstanding: their number
 * @pause:	see there
 * @pause_wanted: it is to be paused; @pause follows step by step
 * @pause_seq:	names the last PARK or RESUME
 * @channel:	the channel's memory, to tell it from regions and from RAM that goes
 * @owed:	region messages that the client has no answer to
 */
struct cd_client {
	struct cd_daemon *d;
	const struct cd_client_ops *ops;
	void *front;
	uint32_t index;
	uint32_t gen;
	enum cd_client_state state;
	bool opening;
	bool closing;
	bool told;
	uint32_t open_status;
	struct cd_open open;
	int worker_sock;
	uint64_t cookie;
	pid_t worker_pid;
	bool started;
	uint64_t clock[CD_CLOCKS];
	uint64_t deadline;
	int fd_window;
	int fd_doorbell;
	int fd_ring;
	int fd_signal;
	int fd_signal_page;
	int fd_gauge;
	struct cw_gauge *gauge;
	uint64_t ledger;
	uint64_t time;
	uint32_t idle;
	bool stopped;
	int fd_broker;
	pid_t mapping_tid;
	uint32_t refused;
	struct cd_region *regions;
	uint32_t nr_regions;
	uint32_t nr_runs;
	struct cd_region *queue;
	struct cd_region *queue_tail;
	struct cd_region *asked[CD_REGIONS_ASKED];
	uint32_t outstanding;
	enum cd_pause pause;
	bool pause_wanted;
	uint32_t pause_seq;
	struct cd_file_range channel[CD_CHANNEL_SEGS];
	uint32_t owed;
};

/* client.c */
struct cd_client *cd_client_new(struct cd_daemon *d, const struct cd_client_ops *ops, void *front);
uint32_t cd_open_check(const struct cd_open *open);
void cd_client_open(struct cd_client *c, const struct cd_open *open);
void cd_client_close(struct cd_client *c);
void cd_client_kill(struct cd_client *c);
void cd_client_expired(struct cd_client *c);
void cd_client_lost(struct cd_client *c);
void cd_client_up(struct cd_client *c);
void cd_clients_probed(struct cd_daemon *d);
void cd_clients_spawned(struct cd_daemon *d, const struct cd_spawn_msg *msg);
void cd_clients_finish(struct cd_daemon *d);
void cd_client_wait(struct cd_client *c, enum cd_clock clock, bool wait);
void cd_client_put_off(struct cd_client *c);

/* link.c: the socket to the worker */
int cd_link_start(struct cd_client *c);
bool cd_link_event(struct cd_client *c);
void cd_link_close(struct cd_client *c);

/* pause.c: keeping a worker from guest memory, and letting it go on */
void cd_pause(struct cd_client *c, bool pause);
void cd_pause_step(struct cd_client *c);
int cd_pause_done(struct cd_client *c, const struct cw_worker_done *done);
void cd_pause_stopped(struct cd_client *c);

#endif
