/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * /dev/vcuda0: what a process and the virtio-cuda driver say to each other,
 * and the layout of a client's channel, which driver, process and worker
 * share.
 *
 * Every structure begins with size and flags. size is what the caller was
 * compiled with; a smaller one than the kernel knows is zero-extended, a
 * larger one is accepted where the rest is zero. An unknown flag or a non-zero
 * reserved field is -EINVAL.
 */
#ifndef _UAPI_LINUX_VCUDA_H
#define _UAPI_LINUX_VCUDA_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * The channel. One memory area, in this order; offsets are fixed but for the
 * ring's size, so nobody has to believe a number another party wrote.
 *
 *	header		VCUDA_HEADER_SIZE	struct cw_channel (include/cw/channel.h)
 *	device info	VCUDA_INFO_SIZE		written by the worker before OPEN returns
 *	events		VCUDA_EVENT_SIZE	what is known of each event, by the worker
 *	reply slots	VCUDA_SLOTS * VCUDA_SLOT_SIZE
 *	upcalls		VCUDA_UPCALL_SIZE
 *	command ring	ring_size, a power of two
 */
#define VCUDA_CHANNEL_VERSION 1
#define VCUDA_HEADER_SIZE 4096u
#define VCUDA_INFO_SIZE (16u << 10)
#define VCUDA_EVENT_SIZE (16u << 10)
#define VCUDA_SLOTS 128u
#define VCUDA_SLOT_SIZE 2048u
#define VCUDA_UPCALL_SIZE (256u << 10)
#define VCUDA_RING_MIN (64u << 10)
#define VCUDA_RING_MAX (16u << 20)
#define VCUDA_RING_DEFAULT (1u << 20)

#define VCUDA_INFO_OFFSET VCUDA_HEADER_SIZE
#define VCUDA_EVENT_OFFSET (VCUDA_INFO_OFFSET + VCUDA_INFO_SIZE)
#define VCUDA_SLOT_OFFSET (VCUDA_EVENT_OFFSET + VCUDA_EVENT_SIZE)
#define VCUDA_UPCALL_OFFSET (VCUDA_SLOT_OFFSET + VCUDA_SLOTS * VCUDA_SLOT_SIZE)
#define VCUDA_RING_OFFSET (VCUDA_UPCALL_OFFSET + VCUDA_UPCALL_SIZE)
#define VCUDA_CHANNEL_SIZE(ring_size) (VCUDA_RING_OFFSET + (ring_size))

/* First bytes of a reply slot; WAIT compares seq with what it was asked for. */
struct vcuda_slot {
	__u64 seq;		/* written by the worker, last */
	__u32 sleeping;		/* written by the process, cleared by it */
	__u32 len;		/* bytes of reply that follow the 64-byte head */
};

struct vcuda_query {
	__u32 size;
	__u32 flags;
	/* Output: */
	__u32 version;		/* VCUDA_CHANNEL_VERSION of the driver */
	__u32 wire_version;	/* agreed with the device */
	__u64 epoch;
	__u64 window_size;
	__u64 abilities;
	__u32 max_clients;
	__u32 clients;		/* open now */
	__u32 granule;		/* lengths and addresses of regions are multiples */
	__u32 reserved;
};

struct vcuda_open {
	__u32 size;
	__u32 flags;
	/* Input: */
	__u32 version;
	__u32 ring_size;
	__u64 region_base;
	__u64 region_size;
	__u64 device_base;
	__u64 device_size;
	/* Output: */
	__u64 window_size;
	__u32 direct;
	__u32 client;
};

/* Wait until slot's seq reaches seq, the client dies, or the time is over. */
struct vcuda_wait {
	__u32 size;
	__u32 flags;
	__u32 slot;
	__u32 reserved;
	__u64 seq;
	__u64 deadline_ns;	/* CLOCK_MONOTONIC; 0: no limit */
};

#define VCUDA_COPY_OUT 1u	/* flags: window to user memory; else user memory to window */

struct vcuda_copy {
	__u32 size;
	__u32 flags;
	__u64 addr;		/* user address */
	__u64 offset;		/* in the window */
	__u64 len;		/* any length: the driver cuts it into chains */
	__u64 id;
};

struct vcuda_region_alloc {
	__u32 size;
	__u32 flags;
	__u64 len;		/* multiple of the page size */
	__u64 va;		/* where it will be mapped, inside the region arena */
	/* Output: */
	__u64 mmap_offset;
	__u32 region;
	__u32 reserved;
};

#define VCUDA_REGISTER_READONLY 1u

struct vcuda_region_register {
	__u32 size;
	__u32 flags;
	__u64 addr;		/* page aligned */
	__u64 len;		/* multiple of the page size */
	/* Output: */
	__u32 region;
	__u32 reserved;
};

struct vcuda_region_free {
	__u32 size;
	__u32 flags;
	__u32 region;
	__u32 reserved;
};

struct vcuda_stat {
	__u32 size;
	__u32 flags;
	/* Output: of this client */
	__u64 kicks;
	__u64 waits;
	__u64 wakes;		/* of this client's threads by events */
	__u64 copies;
	__u64 copied_bytes;
	__u64 bounced_bytes;
	__u64 pinned_pages;
	__u64 interrupts;	/* of the device, all clients */
	/* Counters of the daemon for this client, as in struct virtio_cuda_stat: */
	__u64 dev_commands;
	__u64 dev_kicks;
	__u64 dev_wakes;
	__u64 dev_copied_bytes;
};

/* KICK takes no structure: it is the one call on the way of every wake-up. */
#define VCUDA_IOC_QUERY _IOWR('u', 0x80, struct vcuda_query)
#define VCUDA_IOC_OPEN _IOWR('u', 0x81, struct vcuda_open)
#define VCUDA_IOC_KICK _IO('u', 0x82)
#define VCUDA_IOC_WAIT _IOW('u', 0x83, struct vcuda_wait)
#define VCUDA_IOC_COPY _IOW('u', 0x84, struct vcuda_copy)
#define VCUDA_IOC_REGION_ALLOC _IOWR('u', 0x85, struct vcuda_region_alloc)
#define VCUDA_IOC_REGION_REGISTER _IOWR('u', 0x86, struct vcuda_region_register)
#define VCUDA_IOC_REGION_FREE _IOW('u', 0x87, struct vcuda_region_free)
#define VCUDA_IOC_STAT _IOWR('u', 0x88, struct vcuda_stat)

/* mmap offset of the channel; regions have theirs from REGION_ALLOC. */
#define VCUDA_MMAP_CHANNEL 0

#endif
