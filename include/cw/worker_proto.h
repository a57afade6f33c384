/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Daemon and worker: one SOCK_SEQPACKET socket pair per worker, descriptor
 * CW_WORKER_FD in the worker.
 *
 * The daemon execs "vhost-user-cuda --worker" with nothing else open but 0, 1,
 * 2 and CW_WORKER_FD, then sends START. The worker maps what it is given, and
 * answers STARTED; from then on it serves the channel with one thread and this
 * socket with another. End of file on the socket ends the worker. Whatever a
 * worker sends is judged like a guest's message: it may be hostile.
 *
 * "vhost-user-cuda --probe" is the same program once more: it gets a memfd of
 * VCUDA_INFO_SIZE bytes with PROBE, fills in struct cw_info, answers PROBED
 * and exits.
 */
#ifndef CW_WORKER_PROTO_H
#define CW_WORKER_PROTO_H

#include <stdint.h>

#define CW_WORKER_FD 3
#define CW_WORKER_VERSION 2
#define CW_WORKER_MAX_SEGS 1024
#define CW_WORKER_MAX_FDS 32

enum cw_worker_type {
	CW_WORKER_START = 1,
	CW_WORKER_STARTED = 2,
	CW_WORKER_ATTACH = 3,	/* answered by DONE */
	CW_WORKER_DETACH = 4,	/* answered by DONE, after the munmap */
	CW_WORKER_DONE = 5,
	CW_WORKER_PROBE = 6,
	CW_WORKER_PROBED = 7,
	CW_WORKER_PARK = 8,	/* answered by DONE, see struct cw_worker_park */
	CW_WORKER_RESUME = 9,	/* answered by DONE */
	CW_WORKER_GRANTED = 10,	/* worker to daemon: a window range may be copied */
	CW_WORKER_CREDIT = 11,	/* worker to daemon: answered in the gauge */
};

struct cw_worker_head {
	uint32_t version;
	uint32_t type;
};

/* A piece of a file: fd is an index into the descriptors of the same packet. */
struct cw_worker_seg {
	uint32_t fd;
	uint32_t reserved;
	uint64_t offset;
	uint64_t len;
};

/**
 * struct cw_worker_start - Everything a worker begins with
 * @ring_size:		of the channel
 * @nr_segs:		pieces of the channel, in order; they follow this struct
 * @region_base, @region_size, @device_base, @device_size: arenas
 * @window_size:	bytes of the window
 * @fd_window:		index of the window's memfd
 * @fd_info:		index of the memfd with struct cw_info (read only)
 * @fd_doorbell:	index of what the process (an eventfd) or the daemon (a pipe)
 *			writes 8 bytes to
 * @fd_signal:		index of the eventfd that the worker writes, VM only, else ~0
 * @fd_signal_page:	index of a memfd of one page: two 64-bit words of
 *			atomically or-ed slot bits, VM only, else ~0
 * @direct:		1: the window shall be the device memory
 * @fd_gauge:		index of the memfd with struct cw_gauge
 * @max_threads:	threads of the process that may have called
 * @max_image:		bytes of a module's image
 * @max_memory:		bytes of device memory that the client can have at most;
 *			0: what the device has
 * @granule_shift:	guest memory is mapped at multiples of 2 ^ this
 * @back_end:		absolute path of the libcuda to load
 * @env:		NAME=VALUE strings for the back end, each terminated
 */
struct cw_worker_start {
	struct cw_worker_head head;
	uint32_t ring_size;
	uint32_t nr_segs;
	uint64_t epoch;
	uint64_t region_base;
	uint64_t region_size;
	uint64_t device_base;
	uint64_t device_size;
	uint64_t window_size;
	uint32_t fd_window;
	uint32_t fd_info;
	uint32_t fd_doorbell;
	uint32_t fd_signal;
	uint32_t fd_signal_page;
	uint32_t direct;
	uint32_t soft;
	uint32_t env_len;
	uint32_t fd_gauge;
	uint32_t max_threads;
	uint32_t granule_shift;
	uint32_t reserved;
	uint64_t max_image;
	uint64_t max_memory;
	char back_end[512];
	char env[1024];
};

struct cw_worker_started {
	struct cw_worker_head head;
	uint32_t status; /* VIRTIO_CUDA_OK, ERR_ADDRESS (arena not free), ERR_WORKER */
	uint32_t reserved;
};

struct cw_worker_attach {
	struct cw_worker_head head;
	uint32_t region;
	uint32_t flags; /* VIRTIO_CUDA_REGION_* */
	uint64_t va;
	uint64_t len;
	uint32_t nr_segs; /* they follow */
	uint32_t reserved;
};

struct cw_worker_detach {
	struct cw_worker_head head;
	uint32_t region;
	uint32_t reserved;
};

/**
 * struct cw_worker_park - PARK and RESUME
 * @seq:	names the message; comes back as cw_worker_done.region
 *
 * After DONE to PARK the worker stores nothing to the channel, and no GPU has work
 * of it that could store to a region. Kernels of the software GPU may still run:
 * the daemon stops the process then, all its threads.
 */
struct cw_worker_park {
	struct cw_worker_head head;
	uint32_t seq;
	uint32_t reserved;
};

struct cw_worker_done {
	struct cw_worker_head head;
	uint32_t type; /* what is answered */
	uint32_t region; /* of PARK and RESUME: their seq */
	uint32_t status;
	uint32_t reserved;
};

/* PROBE carries the path in the same form; its one descriptor is the memfd. */
struct cw_worker_probe {
	struct cw_worker_head head;
	uint32_t soft;
	uint32_t reserved;
	char back_end[512];
	char env[1024];
};

struct cw_worker_probed {
	struct cw_worker_head head;
	uint32_t status; /* VIRTIO_CUDA_OK, or ERR_NO_DEVICE with a reason */
	int32_t cuda;	 /* CUresult of cuInit */
	char reason[256];
};

/**
 * struct cw_worker_granted - Range of the window that COPY chains may touch
 * @id:		of the bulk operation; one range per id
 * @offset, @len: range; len 0 takes the grant back
 * @write:	1: COPY_IN, 0: COPY_OUT
 *
 * VM only: over a socket the process has the window mapped itself. Sent before
 * the reply that tells the process, so the daemon has it when the chain comes.
 */
struct cw_worker_granted {
	struct cw_worker_head head;
	uint64_t id;
	uint64_t offset;
	uint64_t len;
	uint32_t write;
	uint32_t reserved;
};

/**
 * struct cw_worker_credit - Device memory is wanted, before it is taken
 * @bytes:	how much; 0: only how much there still is
 * @seq:	number of the request, one more than the last
 *
 * The answer is in struct cw_gauge: the worker that waits for it may hold locks
 * that its control thread wants.
 */
struct cw_worker_credit {
	struct cw_worker_head head;
	uint64_t bytes;
	uint32_t seq;
	uint32_t reserved;
};

#endif
