/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VM side: the virtio-cuda device behind vhost-user.
 *
 * vm.c owns the connection, vm_control.c reads controlq, vm_client.c and
 * vm_region.c carry out what concerns clients, vm_copy.c moves bulk data,
 * vm_event.c feeds eventq. Everything runs on the loop's thread but the copies
 * themselves.
 */
#ifndef DAEMON_VM_H
#define DAEMON_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/client.h"
#include "daemon/memory.h"
#include "uapi/linux/virtio_cuda.h"
#include "vhost/backend.h"

#define CD_VM_WATCHES 8 /* the connection and a kick per queue are three */
#define CD_VM_COPY_THREADS 2

struct cd_vm;
struct cd_vm_client;

/**
 * struct cd_vm_req - A request that was taken from controlq
 * @next:	in a list of whoever holds it
 * @vm:		device
 * @vc:		client of a copy
 * @type:	VIRTIO_CUDA_*
 * @client:	id the driver gave
 * @window:	where in the window a copy goes
 * @len:	bytes of a copy
 * @turn:	of a copy: when it is due, see cd_vm_copier
 * @waits:	counts in cd_vm.nr_waiting
 * @elem:	the chain; @elem.out is past header and fixed body
 */
struct cd_vm_req {
	struct cd_vm_req *next;
	struct cd_vm *vm;
	struct cd_vm_client *vc;
	uint16_t type;
	uint32_t client;
	void *window;
	uint32_t len;
	uint64_t turn;
	bool waits;
	struct vq_elem elem;
};

/**
 * struct cd_vm_client - A client in the VM
 * @vm:		device
 * @c:		what it has in common with clients at the socket; NULL when closed
 * @id:		chosen by the driver
 * @open_req:	OPEN that is owed an answer, or NULL
 * @close_req:	CLOSE that is owed an answer, or NULL; nothing else is served then
 * @copies:	chains that are being copied; it is not freed before they are done
 * @turn:	when the last of them is due that went to the copy threads
 * @window:	its window, mapped at the first copy; NULL: not yet
 * @grants:	ranges the worker let be copied, by their id
 * @nr_grants:	their number
 * @signal:	two words of slot bits that the worker sets
 * @slots:	bits that are not in an event yet
 * @dead:	a DEAD event is owed
 * @queued:	in cd_vm.event_first
 * @in_flight:	the driver has an event of this client that it has not taken
 * @event_next:	in cd_vm.event_first
 * @stat:	counters, for STAT
 */
struct cd_vm_client {
	struct cd_vm *vm;
	struct cd_client *c;
	uint32_t id;
	struct cd_vm_req *open_req;
	struct cd_vm_req *close_req;
	uint32_t copies;
	uint64_t turn;
	void *window;
	struct cw_worker_granted *grants;
	uint32_t nr_grants;
	_Atomic uint64_t *signal;
	uint64_t slots[2];
	bool dead;
	bool queued;
	bool in_flight;
	struct cd_vm_client *event_next;
	struct {
		uint64_t commands;
		uint64_t kicks;
		uint64_t wakes;
		uint64_t copied_bytes;
	} stat;
};

/**
 * struct cd_vm_copier - The copy threads and what they are given
 * @lock:	of all but @wake_fd
 * @work:	there is something in @todo, or @quit
 * @todo:	copies to be made, by the turn they are due in
 * @turn:	of the copy that was taken last
 * @done, @done_last: copies made, in that order
 * @wake_fd:	tells the loop of @done; also used to look at controlq again
 * @thread:	threads
 * @nr_threads:	made so far: none before the first large copy
 * @quit:	threads shall end
 */
struct cd_vm_copier {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct cd_vm_req *todo;
	uint64_t turn;
	struct cd_vm_req *done;
	struct cd_vm_req *done_last;
	int wake_fd;
	pthread_t thread[CD_VM_COPY_THREADS];
	int nr_threads;
	bool quit;
};

/**
 * struct cd_vm_event_buf - A buffer of eventq that the device holds
 * @id:		its element
 * @at:		guest memory
 */
struct cd_vm_event_buf {
	uint16_t id;
	void *at;
};

/**
 * struct cd_vm - The device
 * @d:		daemon
 * @b:		vhost-user back end
 * @listen_fd:	where front ends connect; -1: one was handed over, and its end
 *		is the daemon's
 * @listening:	@listen_fd is watched; not while there is a front end
 * @watch:	descriptors of @b in the loop
 * @watch_gen:	tells a watch from earlier ones in its place
 * @epoch:	of the last HELLO; 0: there was none
 * @doorbell_gpa: of the doorbell page
 * @client:	by the driver's id
 * @nr_clients:	their number
 * @hello:	a HELLO that waits until all clients of before are gone
 * @nr_held:	requests taken and not given back
 * @nr_waiting:	those of them that count for VIRTIO_CUDA_MAX_WAITING
 * @spare:	requests to be used again
 * @stopped:	controlq is stopped, or is to be
 * @parked:	workers are paused, or to be, and have not been told to go on
 * @put_off:	the front end waits for us; controlq rests until then
 * @broken:	a queue broke and that was logged
 * @complaints:	lines the guest may still cause in the log
 * @pushed:	controlq has answers the driver was not told of
 * @event_buf:	buffers of eventq, a ring in the order they were popped
 * @event_head:	the oldest
 * @nr_event_bufs: their number
 * @max_event_bufs: most there were: then all events have been taken
 * @event_owner: client id + 1 by element of eventq, for events in flight
 * @event_gen:	generation of eventq that @event_buf is from
 * @event_first, @event_last: clients with something to tell
 * @scratch:	an element of eventq
 * @copier:	copy threads
 */
struct cd_vm {
	struct cd_daemon *d;
	struct vu_backend *b;
	int listen_fd;
	bool listening;
	struct vu_watch *watch[CD_VM_WATCHES];
	uint32_t watch_gen[CD_VM_WATCHES];
	uint64_t epoch;
	uint64_t doorbell_gpa;
	struct cd_vm_client *client[VIRTIO_CUDA_MAX_CLIENTS];
	uint32_t nr_clients;
	struct cd_vm_req *hello;
	uint32_t nr_held;
	uint32_t nr_waiting;
	struct cd_vm_req *spare;
	bool stopped;
	bool parked;
	bool put_off;
	bool broken;
	int complaints;
	bool pushed;
	struct cd_vm_event_buf event_buf[VU_MAX_QUEUE_SIZE];
	uint32_t event_head;
	uint32_t nr_event_bufs;
	uint32_t max_event_bufs;
	uint16_t event_owner[VU_MAX_QUEUE_SIZE];
	uint32_t event_gen;
	struct cd_vm_client *event_first;
	struct cd_vm_client *event_last;
	struct vq_elem scratch;
	struct cd_vm_copier copier;
};

/* vm.c */
int cd_vm_create(struct cd_daemon *d, int fd, bool listening);
void cd_vm_accept(struct cd_vm *vm);
void cd_vm_ready(struct cd_vm *vm, uint32_t slot, uint32_t gen);
void cd_vm_settle(struct cd_vm *vm);
void cd_vm_destroy(struct cd_vm *vm);

/* vm_control.c */
void cd_vm_control(struct cd_vm *vm);
void cd_vm_hold(struct cd_vm_req *req, bool waits);
void cd_vm_answer(struct cd_vm_req *req, uint32_t status, const void *body, uint32_t len);
void cd_vm_answered(struct cd_vm_req *req, uint32_t written);
void cd_vm_dropped(struct cd_vm_req *req);
void cd_vm_control_free(struct cd_vm *vm);

/* vm_client.c: requests give back a status, or CD_PENDING and keep @req */
uint32_t cd_vm_open(struct cd_vm_req *req, const void *body);
uint32_t cd_vm_close(struct cd_vm_req *req, const void *body);
uint32_t cd_vm_stat(struct cd_vm_req *req, const void *body);
void cd_vm_kill_all(struct cd_vm *vm);
void cd_vm_client_release(struct cd_vm_client *vc);
void cd_vm_doorbell(struct cd_vm *vm);
void cd_vm_park(struct cd_vm *vm, bool park);
bool cd_vm_quiet(const struct cd_vm *vm);
void cd_vm_hello_finish(struct cd_vm *vm);

/* vm_region.c */
uint32_t cd_vm_attach(struct cd_vm_req *req, const void *body);
uint32_t cd_vm_detach(struct cd_vm_req *req, const void *body);
int cd_vm_runs(struct cd_vm_req *req, uint32_t n, struct cw_worker_seg *segs, int *fds);
uint32_t cd_vm_granule_shift(const struct cd_vm *vm);
bool cd_vm_memory_used(struct cd_vm *vm, const struct vu_region *r);

/* vm_copy.c */
int cd_vm_copier_init(struct cd_vm *vm);
void cd_vm_copier_finish(struct cd_vm *vm);
void cd_vm_copies_done(struct cd_vm *vm);
void cd_vm_wake(struct cd_vm *vm);
uint32_t cd_vm_copy(struct cd_vm_req *req, const void *body);
void cd_vm_granted(struct cd_client *c, const struct cw_worker_granted *g);
void cd_vm_window_drop(struct cd_vm_client *vc);

/* vm_event.c */
void cd_vm_events_start(struct cd_vm *vm);
void cd_vm_events_stop(struct cd_vm *vm);
void cd_vm_events(struct cd_vm *vm);
void cd_vm_event_queue(struct cd_vm_client *vc);
void cd_vm_event_forget(struct cd_vm_client *vc);
void cd_vm_signalled(struct cd_client *c);

#endif
