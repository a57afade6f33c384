/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * virtio-cuda: what driver and device say to each other.
 *
 * The full text is docs/virtio-cuda.md. All fields are little endian. Every
 * request is one chain on controlq: a readable header (struct
 * virtio_cuda_req), a readable body that depends on the type, a writable
 * struct virtio_cuda_resp, a writable body. Where bulk data travels (COPY_IN,
 * COPY_OUT) its descriptors follow the body (in) or the response (out).
 */
#ifndef _UAPI_LINUX_VIRTIO_CUDA_H
#define _UAPI_LINUX_VIRTIO_CUDA_H

#include <linux/types.h>

/* Experimental id: the highest that Linux binds over PCI is 63. */
#define VIRTIO_ID_CUDA 62

#define VIRTIO_CUDA_VQ_CONTROL 0
#define VIRTIO_CUDA_VQ_EVENT 1
#define VIRTIO_CUDA_NUM_VQS 2
#define VIRTIO_CUDA_VQ_SIZE 256

/*
 * Bytes 0 and 1 are zero: a gpio driver that meets us on the alias id 41 sees
 * a device with no lines and refuses it. Bytes 2 and 3 are 'C', 'W'.
 */
#define VIRTIO_CUDA_MAGIC 0x57430000u
#define VIRTIO_CUDA_VERSION 1

/**
 * struct virtio_cuda_config - Config space, all of it
 * @magic:	VIRTIO_CUDA_MAGIC
 * @version:	wire version, VIRTIO_CUDA_VERSION
 * @reserved:	zero
 */
struct virtio_cuda_config {
	__le32 magic;
	__le16 version;
	__le16 reserved;
};

/* Types of request. */
enum {
	VIRTIO_CUDA_HELLO = 1,	/* first on a device; gives the epoch */
	VIRTIO_CUDA_PING = 2,	/* answered by the daemon alone */
	VIRTIO_CUDA_OPEN = 3,	/* a client and its channel; may wait for a worker */
	VIRTIO_CUDA_CLOSE = 4,	/* answered when the worker is reaped */
	VIRTIO_CUDA_ATTACH = 5,	/* pages of a region are granted and mapped */
	VIRTIO_CUDA_DETACH = 6,	/* answered when the worker has unmapped them */
	VIRTIO_CUDA_COPY_IN = 7,	/* chain's readable data to the window */
	VIRTIO_CUDA_COPY_OUT = 8,	/* window to the chain's writable data */
	VIRTIO_CUDA_DOORBELL = 9,	/* look at the doorbell page; header only */
	VIRTIO_CUDA_STAT = 10,	/* counters of a client */
};

/* Answers. */
enum {
	VIRTIO_CUDA_OK = 0,
	VIRTIO_CUDA_ERR_UNSPEC = 1,
	VIRTIO_CUDA_ERR_MALFORMED = 2,	/* length, type, count, reserved bits */
	VIRTIO_CUDA_ERR_STALE = 3,	/* epoch of before a reset */
	VIRTIO_CUDA_ERR_NO_CLIENT = 4,
	VIRTIO_CUDA_ERR_BUSY = 5,	/* client id taken, too many clients */
	VIRTIO_CUDA_ERR_ADDRESS = 6,	/* not RAM, or arena base not free */
	VIRTIO_CUDA_ERR_LIMIT = 7,
	VIRTIO_CUDA_ERR_VERSION = 8,
	VIRTIO_CUDA_ERR_WORKER = 9,	/* worker died or could not be started */
	VIRTIO_CUDA_ERR_RANGE = 10,	/* window range not granted */
	VIRTIO_CUDA_ERR_NO_DEVICE = 11,	/* daemon has no usable back end */
	VIRTIO_CUDA_ERR_AGAIN = 12,	/* OPEN: not ready yet, to be sent again */
};

#define VIRTIO_CUDA_MAX_CLIENTS 256
#define VIRTIO_CUDA_MAX_CHANNEL_RUNS 8
#define VIRTIO_CUDA_MAX_REGION_RUNS 1024
#define VIRTIO_CUDA_MAX_CLIENT_RUNS 16384
#define VIRTIO_CUDA_MAX_COPY (4u << 20)
#define VIRTIO_CUDA_MAX_COPY_SEGS 254	/* with INDIRECT_DESC, else 16 */
#define VIRTIO_CUDA_MAX_CHAINS 8	/* outstanding copies per client */
#define VIRTIO_CUDA_MAX_WAITING 16	/* OPEN, DETACH, CLOSE outstanding per device */

struct virtio_cuda_req {
	__le16 type;
	__le16 flags;	/* zero */
	__le32 client;	/* chosen by the driver; zero where none is meant */
	__le64 epoch;	/* from HELLO; zero in HELLO */
};

/**
 * struct virtio_cuda_resp - Head of every answer
 * @status:	VIRTIO_CUDA_OK or VIRTIO_CUDA_ERR_*
 * @len:	bytes of body that follow
 * @epoch:	of the device
 */
struct virtio_cuda_resp {
	__le32 status;
	__le32 len;
	__le64 epoch;
};

/* A run of guest pages, as virtio-gpu's ATTACH_BACKING names them. */
struct virtio_cuda_run {
	__le64 addr;
	__le32 len;
	__le32 zero;
};

struct virtio_cuda_hello {
	__le16 version_min;
	__le16 version_max;
	__le32 page_size;	/* of the guest */
	__le64 doorbell_addr;	/* one page, VIRTIO_CUDA_MAX_CLIENTS bits, LSB first */
	__le64 reserved[2];
};

struct virtio_cuda_hello_resp {
	__le16 version;
	__le16 granule_shift;	/* runs are multiples of this power of two */
	__le32 max_clients;
	__le32 max_copy;
	__le32 max_region_runs;
	__le64 abilities;	/* VIRTIO_CUDA_ABLE_* */
	__le64 window_size;	/* of each client */
	__le32 max_chains;	/* outstanding copies per client; 0: as many as may be */
	__le32 reserved32;
	__le64 reserved[3];
};

struct virtio_cuda_open {
	__le32 version;		/* of the channel, VCUDA_CHANNEL_VERSION */
	__le32 ring_size;	/* power of two */
	__le64 region_base;	/* arena of regions */
	__le64 region_size;
	__le64 device_base;	/* arena of device memory */
	__le64 device_size;
	__le32 uid;		/* of the guest user, for tokens and logs only */
	__le32 pid;
	__le32 nr_runs;		/* <= VIRTIO_CUDA_MAX_CHANNEL_RUNS */
	__le32 reserved;
	struct virtio_cuda_run runs[];
};

struct virtio_cuda_open_resp {
	__le64 window_size;
	__le32 direct;		/* 1: the window is the device memory */
	__le32 reserved;
};

struct virtio_cuda_attach {
	__le32 region;		/* chosen by the driver, not 0 */
	__le32 flags;		/* VIRTIO_CUDA_REGION_* */
	__le64 va;		/* address of the first byte in both processes */
	__le64 len;		/* bytes, sum of the runs */
	__le32 nr_runs;
	__le32 reserved;
	struct virtio_cuda_run runs[];
};

#define VIRTIO_CUDA_REGION_READONLY 1u

struct virtio_cuda_detach {
	__le32 region;
	__le32 reserved;
};

/* COPY_IN, COPY_OUT. */
struct virtio_cuda_copy {
	__le64 id;		/* of the bulk operation, from the ring */
	__le64 offset;		/* in the window */
	__le32 len;		/* <= VIRTIO_CUDA_MAX_COPY; sum of the data segments */
	__le32 reserved;
};

struct virtio_cuda_stat {
	__le64 commands;
	__le64 kicks;
	__le64 wakes;
	__le64 copied_bytes;
	__le64 reserved[4];
};

/* Events. The driver posts buffers of this size on eventq. */
enum {
	VIRTIO_CUDA_EV_WAKE = 1,	/* replies are there: bit per slot */
	VIRTIO_CUDA_EV_DEAD = 2,	/* the client's worker is gone */
};

struct virtio_cuda_event {
	__le32 type;
	__le32 client;
	__le64 epoch;
	__le64 slots[2];	/* bit 0 of word 0 is slot 0 */
};

#endif
