/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two ways out of the process, behind one table: the kernel's node (in a
 * VM) and the daemon's client socket (no VM).
 */
#ifndef GUEST_LIBCUDA_TRANSPORT_H
#define GUEST_LIBCUDA_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/fn.h"

struct cw_device_stat;

/**
 * struct cg_open - What a client is opened with, and what comes back
 * @ring_size:	in: bytes of the command ring
 * @region_base, @region_size: in: arena of regions, reserved by the caller
 * @device_base, @device_size: in: arena of device memory, reserved likewise
 * @channel:	out: the channel, mapped
 * @window_size: out: bytes of the window
 * @direct:	out: the window is the device memory
 * @granule:	out: addresses and lengths of regions are multiples of it
 */
struct cg_open {
	uint32_t ring_size;
	uint64_t region_base, region_size;
	uint64_t device_base, device_size;
	void *channel;
	uint64_t window_size;
	bool direct;
	uint64_t granule;
};

/**
 * struct cg_transport - A way out
 * @name:	for messages
 * @open:	0; -EADDRINUSE: try other arenas; another -errno: no device, said once
 * @kick:	wake the worker
 * @wait:	sleep until the slot's seq is reached, or spuriously; -EIO: dead
 * @dead:	whether the other side has gone away, without waiting
 * @forked:	in a child of fork(): lets go of what is the parent's alone; may be NULL
 * @copy:	move bytes between user memory and a granted range of the window
 * @region_alloc: shared pages at @va, whole granules; 0 or -errno; *ret_region is theirs
 * @region_register: the caller's own pages; -EOPNOTSUPP: tracking only
 * @region_free:	gives them back; maps @va (of region_alloc) to nothing
 * @stat:	counters of driver and daemon; NULL where there are none
 *
 * Thread: all may be called by any thread at any time after open.
 */
struct cg_transport {
	const char *name;
	int (*open)(struct cg_open *open);
	void (*kick)(void);
	int (*wait)(uint32_t slot, uint64_t seq);
	bool (*dead)(void);
	void (*forked)(void);
	int (*copy)(enum cw_copy_dir dir, void *user, uint64_t offset, uint64_t len, uint64_t id);
	int (*region_alloc)(uint64_t va, uint64_t len, uint32_t *ret_region);
	int (*region_register)(uint64_t addr, uint64_t len, bool readonly, uint32_t *ret_region);
	int (*region_free)(uint32_t region, uint64_t va, uint64_t len, bool registered);
	int (*stat)(struct cw_device_stat *ret);
};

extern const struct cg_transport cg_transport_socket;
extern const struct cg_transport cg_transport_node;

#endif
