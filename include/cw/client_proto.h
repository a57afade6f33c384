/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client socket: how a process reaches the daemon where there is no VM.
 *
 * A SOCK_SEQPACKET unix socket. Each packet is one message: a head, a body of
 * fixed size, and the descriptors that the type names. The daemon is off the
 * call path: after OPEN the process talks to its worker through the channel,
 * kicks it through an eventfd, sleeps on a futex in its reply slot. Closing
 * the socket closes the client; the daemon closing it means the client died.
 */
#ifndef CW_CLIENT_PROTO_H
#define CW_CLIENT_PROTO_H

#include <stdint.h>

/* First word of every packet; a vhost-user peer sends something else. */
#define CW_CLIENT_MAGIC 0x56435743u /* "CWCV" */
#define CW_CLIENT_VERSION 1

enum cw_client_type {
	CW_CLIENT_OPEN = 1,   /* fd: channel, a memfd sealed against shrinking */
	CW_CLIENT_OPENED = 2, /* fds: window, doorbell eventfd; none on failure */
	CW_CLIENT_ATTACH = 3, /* fd: region, a memfd sealed against shrinking */
	CW_CLIENT_DETACH = 4,
	CW_CLIENT_DONE = 5, /* answers ATTACH and DETACH */
	CW_CLIENT_STAT = 6,
	CW_CLIENT_STATED = 7,
};

struct cw_client_head {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
};

struct cw_client_open {
	struct cw_client_head head;
	uint32_t channel_version; /* VCUDA_CHANNEL_VERSION */
	uint32_t ring_size;
	uint64_t region_base;
	uint64_t region_size;
	uint64_t device_base;
	uint64_t device_size;
	uint32_t pid;
	uint32_t env_len;    /* bytes used of env */
	char env[1024];	     /* NAME=VALUE, each terminated: the allow-list of SEMANTICS 6 */
};

struct cw_client_opened {
	struct cw_client_head head;
	uint32_t status; /* VIRTIO_CUDA_OK or VIRTIO_CUDA_ERR_* */
	uint32_t direct;
	uint64_t epoch;
	uint64_t window_size;
};

struct cw_client_attach {
	struct cw_client_head head;
	uint32_t region; /* chosen by the process, not 0 */
	uint32_t flags;	 /* VIRTIO_CUDA_REGION_* */
	uint64_t va;
	uint64_t len;
};

struct cw_client_detach {
	struct cw_client_head head;
	uint32_t region;
	uint32_t reserved;
};

struct cw_client_done {
	struct cw_client_head head;
	uint32_t region;
	uint32_t status;
};

/* Counters, as in struct virtio_cuda_stat. */
struct cw_client_stated {
	struct cw_client_head head;
	uint64_t commands;
	uint64_t kicks;
	uint64_t wakes;
	uint64_t copied_bytes;
};

#endif
