/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-user on the wire: numbers and layouts of QEMU's docs/interop/vhost-user.
 * Native byte order, both ends run on one machine.
 */
#ifndef VHOST_PROTO_H
#define VHOST_PROTO_H

#include <stdint.h>

/* Virtio feature bit that stands for the protocol features. */
#define VU_F_PROTOCOL_FEATURES 30

/* Protocol features. Bit 22 is SHMEM; bit 21 was taken for it by mistake in
 * the field and must never be offered by accident. */
enum {
	VU_PF_MQ = 0,
	VU_PF_LOG_SHMFD = 1,
	VU_PF_REPLY_ACK = 3,
	VU_PF_BACKEND_REQ = 5,
	VU_PF_PAGEFAULT = 8,
	VU_PF_CONFIG = 9,
	VU_PF_BACKEND_SEND_FD = 10,
	VU_PF_INFLIGHT_SHMFD = 12,
	VU_PF_RESET_DEVICE = 13,
	VU_PF_CONFIGURE_MEM_SLOTS = 15,
	VU_PF_STATUS = 16,
	VU_PF_DEVICE_STATE = 19,
	VU_PF_GPA_ADDRESSES = 21,
	VU_PF_SHMEM = 22,
};

#define VU_VERSION 1u
#define VU_FLAG_VERSION_MASK 3u
#define VU_FLAG_REPLY (1u << 2)
#define VU_FLAG_NEED_REPLY (1u << 3)

#define VU_TABLE_REGIONS 8 /* regions, and so descriptors, of SET_MEM_TABLE */
#define VU_CONFIG_MAX 256
#define VU_NOFD (1u << 8) /* SET_VRING_{KICK,CALL,ERR}: no descriptor comes */
#define VU_INDEX_MASK 0xffu

struct vu_hdr {
	uint32_t request;
	uint32_t flags;
	uint32_t size; /* bytes of payload */
};

struct vu_vring_state {
	uint32_t index;
	uint32_t num;
};

struct vu_vring_addr {
	uint32_t index;
	uint32_t flags;
	uint64_t desc; /* these three: addresses in the front end */
	uint64_t used;
	uint64_t avail;
	uint64_t log;
};

struct vu_mem_region {
	uint64_t gpa;
	uint64_t size;
	uint64_t uva;
	uint64_t offset; /* in the descriptor's file */
};

struct vu_mem_table {
	uint32_t n;
	uint32_t padding;
	struct vu_mem_region region[VU_TABLE_REGIONS];
};

struct vu_mem_one {
	uint64_t padding;
	struct vu_mem_region region;
};

struct vu_config_msg {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	uint8_t data[VU_CONFIG_MAX];
};

#define VU_CONFIG_HDR 12

/* On the wire from @hdr on; @unused puts the payload on its alignment. */
struct vu_msg {
	uint32_t unused;
	struct vu_hdr hdr;
	union {
		uint64_t u64;
		struct vu_vring_state state;
		struct vu_vring_addr addr;
		struct vu_mem_table table;
		struct vu_mem_one one;
		struct vu_config_msg config;
	};
};

#endif
