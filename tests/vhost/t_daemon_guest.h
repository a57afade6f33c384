/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest driver for tests of the daemon's VM side, over a front end without
 * a VMM.
 */
#ifndef TESTS_VHOST_T_DAEMON_GUEST_H
#define TESTS_VHOST_T_DAEMON_GUEST_H

#include "tests/vhost/front.h"
#include "tests/vhost/t_daemon_harness.h"

#define T_GUEST_SLOTS 64
#define T_GUEST_EVENTS 32
#define T_GUEST_BODY 4096
#define T_GUEST_TIMEOUT UINT32_MAX

/* A request and its answer; out and in are what it may carry beside. */
struct t_req {
	uint64_t gpa;  /* header and body */
	uint64_t resp; /* answer */
	struct vq_buf out[8], in[8];
	int nr_out, nr_in;
	bool used, done;
	uint32_t written;
};

struct t_guest {
	struct t_daemon d;
	char path[96];
	struct front f;
	uint64_t epoch;
	uint64_t bells; /* doorbell page */
	struct t_req req[T_GUEST_SLOTS];
	uint64_t event[T_GUEST_EVENTS];
	struct virtio_cuda_event last_event;
};

/* A client of the guest: its channel in guest memory. */
struct t_vm_client {
	struct t_guest *g;
	uint32_t id;
	uint64_t gpa;
	void *channel;
};

struct t_guest *t_guest_start(void);
/* The same with one more argument for the daemon. */
struct t_guest *t_guest_start_with(const char *option);
struct t_guest *t_guest_start_with_two(const char *one, const char *two);
void t_guest_connect(struct t_guest *g);
/* HELLO with these versions; status. */
uint32_t t_guest_hello(struct t_guest *g, uint16_t min, uint16_t max);
void t_guest_end(struct t_guest *g);

struct t_req *t_guest_request(struct t_guest *g, uint16_t type, uint32_t client);
struct virtio_cuda_req *t_guest_head(struct t_guest *g, struct t_req *r);
void *t_guest_body(struct t_guest *g, struct t_req *r);
/* Posts with body and answer body of these sizes. */
void t_guest_post(struct t_guest *g, struct t_req *r, uint32_t body, uint32_t room);
/* Waits and frees; status, T_GUEST_TIMEOUT where nothing comes. */
uint32_t t_guest_wait(struct t_guest *g, struct t_req *r);
uint32_t t_guest_call(struct t_guest *g, struct t_req *r, uint32_t body, uint32_t room);
uint32_t t_guest_ping(struct t_guest *g);
/* Waits for the next event; false where none comes. Its buffer is posted again. */
bool t_guest_event(struct t_guest *g);
/* The same in two steps: NULL where none comes. */
uint64_t *t_guest_event_take(struct t_guest *g);
void t_guest_event_post(struct t_guest *g, uint64_t *buffer);

struct t_vm_client t_vm_client(struct t_guest *g, uint32_t id);
struct t_req *t_vm_client_open_request(struct t_vm_client *c);
uint32_t t_vm_client_open(struct t_vm_client *c);
uint32_t t_vm_client_close(struct t_vm_client *c);
void t_vm_client_ring(struct t_vm_client *c, enum t_cmd cmd);
/* Rings, waits for the WAKE event. */
bool t_vm_client_command(struct t_vm_client *c, enum t_cmd cmd);
pid_t t_vm_client_worker(struct t_vm_client *c);
bool t_vm_client_grant(struct t_vm_client *c, struct t_grant grant);
uint32_t t_vm_client_attach(struct t_vm_client *c, uint32_t region, uint64_t gpa, uint32_t runs);
uint32_t t_vm_client_detach(struct t_vm_client *c, uint32_t region);

#endif
