/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Daemon and worker: one SOCK_SEQPACKET socket pair per worker, descriptor
 * CW_WORKER_FD in the worker.
 *
 * The daemon execs "vhost-user-cuda --worker" with nothing else open but 0, 1,
 * 2 and CW_WORKER_FD (and maybe CW_WORKER_ROOT_FD), then sends START. The worker
 * maps what it is given, closes its sandbox, says how that went (SANDBOXED), and
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

#include "cw/sandbox.h"

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
	CW_WORKER_BROKER = 12,	/* worker to daemon, before STARTED: where its mappings
				 * of files are announced; one descriptor */
	CW_WORKER_SANDBOXED = 13, /* worker to daemon, before STARTED or PROBED */
};

/*
 * In ATTACH, with cw_worker_seg.fd: a file of the guest's memory, by its place
 * in START, instead of a descriptor of the packet.
 */
#define CW_SEG_RAM 0x80000000u
/* Files of the guest's memory that a worker can have; two descriptors each. */
#define CW_WORKER_MAX_RAM 8

struct cw_worker_head {
	uint32_t version;
	uint32_t type;
};

/* A piece of a file: fd is an index into the descriptors of the same packet, or
 * with CW_SEG_RAM into those of the guest's memory. */
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
 * @fd_ram:		index of the first descriptor of the guest's memory, VM only
 * @nr_ram:		their number: of each file one to write and one to read
 * @sandbox:		enum cw_sandbox_mode
 * @memory:		bytes of memory it may use beside the window
 * @ram_size:		bytes of the guest's memory, of which it may map any
 * @direct:		1: the window shall be the device memory
 * @fd_gauge:		index of the memfd with struct cw_gauge
 * @max_threads:	threads of the process that may have called
 * @max_objects:	streams, events, modules and the like that live
 * @max_callbacks:	host functions that have not returned
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
	uint32_t sandbox;
	uint32_t max_objects;
	uint32_t max_callbacks;
	uint64_t max_image;
	uint64_t max_memory;
	uint32_t fd_ram;
	uint32_t nr_ram;
	uint64_t memory;
	uint64_t ram_size;
	char back_end[512];
	char env[1024];
};

struct cw_worker_sandboxed {
	struct cw_worker_head head;
	struct cw_sandbox_report report;
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
	uint32_t sandbox; /* enum cw_sandbox_mode */
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
