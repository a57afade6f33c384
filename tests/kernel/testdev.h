/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripted device: its state. One thread, one front end.
 */
#ifndef TESTS_KERNEL_TESTDEV_H
#define TESTS_KERNEL_TESTDEV_H

#include <linux/vcuda.h>
#include <linux/virtio_cuda.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/kernel/script.h"
#include "vhost/backend.h"
#include "virtio/queue.h"

#define TD_CLIENTS VIRTIO_CUDA_MAX_CLIENTS
#define TD_REGIONS 4096
#define TD_HELD 256
#define TD_DELAYED 256

struct td_run {
	uint64_t gpa;
	uint32_t len;
};

struct td_region {
	uint32_t id; /* 0: free */
	uint64_t va;
	uint64_t len;
	uint32_t nr_runs;
	struct td_run *runs;
};

/**
 * struct td_client - A client
 * @window:	mapping of its memfd, SCRIPT_WINDOW bytes
 * @head:	commands carried out
 * @wake:	slots to be woken; an event is sent when one is not in flight
 */
struct td_client {
	bool open;
	bool dead;
	uint32_t ring_size;
	uint32_t nr_runs;
	struct td_run runs[VIRTIO_CUDA_MAX_CHANNEL_RUNS];
	uint8_t *window;
	uint64_t head;
	uint64_t wake[2];
	uint64_t kicks, commands, wakes, copied;
	struct td_region region[TD_REGIONS];
};

/* The used ring of the split format, to write nonsense into. */
struct td_used {
	uint16_t flags, idx;
	struct {
		uint32_t id, len;
	} ring[];
};

struct td_delayed {
	uint64_t at_ms; /* 0: free */
	uint32_t client;
	struct script_cmd cmd;
};

struct td {
	struct vu_backend *backend;
	struct vu_watch *watch[64];
	unsigned int nr_watch;
	uint32_t granule_shift;
	uint64_t epoch;
	uint64_t bells_gpa;
	uint64_t hang_until_ms;
	uint32_t trick, trick_type, trick_left;
	struct vq_elem *held[TD_HELD];
	uint32_t held_used[TD_HELD];
	unsigned int nr_held;
	struct td_delayed delayed[TD_DELAYED];
	uint64_t hellos, closes, pings, max_held;
	uint32_t flood_client, flood_left;
	struct td_client client[TD_CLIENTS];
};

uint64_t td_now_ms(void);
void *td_channel(struct td *td, struct td_client *c, uint64_t offset, uint64_t len);
void *td_region_ptr(struct td *td, struct td_client *c, uint64_t va, uint64_t *ret_len);
void td_client_close(struct td_client *c);
void td_reset(struct td *td);
void td_control(struct td *td);
void td_release(struct td *td);

/* worker.c */
void td_worker_run(struct td *td, uint32_t id);
void td_worker_delayed(struct td *td);
void td_wake_flush(struct td *td);

#endif
