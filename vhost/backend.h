/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-user back end: what a device daemon needs to be a virtio device of a
 * VMM in another process.
 *
 * The caller owns the event loop. It gives a struct vu_loop through which the
 * back end asks for descriptors to be watched, and calls a watch's ready()
 * when its descriptor is readable. Everything happens on that thread.
 *
 * Life: vu_create(), vu_attach() with a connected socket, any number of
 * messages, disconnected() when the front end is gone, perhaps vu_attach()
 * again, vu_destroy().
 */
#ifndef VHOST_BACKEND_H
#define VHOST_BACKEND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "virtio/queue.h"

#define VU_MAX_QUEUE_SIZE 1024 /* descriptors; what QEMU goes up to, too */
#define VU_MAX_QUEUES 256  /* an index has 8 bits in SET_VRING_KICK */
#define VU_MAX_REGIONS 128 /* answer to GET_MAX_MEM_SLOTS */

struct vu_backend;

/**
 * struct vu_watch - A descriptor the back end wants to hear of
 * @fd:		descriptor, -1 while nothing is watched
 * @ready:	to be called when @fd is readable, hung up or in error. A call
 *		for a watch that was dropped meanwhile does nothing.
 *
 * The memory of a watch lives until vu_destroy().
 */
struct vu_watch {
	int fd;
	void (*ready)(struct vu_watch *w);
};

/**
 * struct vu_loop - The caller's event loop
 * @add:	watch @w->fd for input, level triggered; 0 or -errno
 * @del:	stop watching; the descriptor is still open
 * @opaque:	for both
 */
struct vu_loop {
	int (*add)(void *opaque, struct vu_watch *w);
	void (*del)(void *opaque, struct vu_watch *w);
	void *opaque;
};

/**
 * struct vu_region - A region of guest memory
 * @gpa:	first guest address
 * @size:	bytes
 * @uva:	its address in the front end, which ring addresses are given in
 * @offset:	of @gpa in the file
 * @dev:	file system of the file, with @ino the identity of the memory
 *		across reconnects
 * @ino:	inode of the file
 * @fd:		the file, open as long as the region exists; for handing on
 * @host:	where @gpa is mapped here, read and write
 * @map:	start of the mapping, at or before @host
 * @map_len:	bytes of the mapping; 0 marks a free slot
 */
struct vu_region {
	uint64_t gpa;
	uint64_t size;
	uint64_t uva;
	uint64_t offset;
	dev_t dev;
	ino_t ino;
	int fd;
	void *host;
	void *map;
	size_t map_len;
};

/**
 * struct vu_ops - What a device does
 *
 * Members may be NULL. Those that say "-EAGAIN" may put off: the front end gets
 * no answer and no further message is read until the device has called
 * vu_continue(), after which the same member is called again, until it returns
 * 0. The other descriptors of the loop are served in the meantime.
 *
 * @features:	the front end chose these virtio features
 * @get_config:	fill in part of the configuration space; 0 or -errno. The front
 *		end may ask for more than there is: the rest is to be zero.
 * @set_config:	the driver wrote it; 0 or -errno
 * @queue_started: queue @i runs: pop from @q. queue_kicked() follows at once.
 * @queue_stopped: queue @i is about to stop, for a while or for good, nobody
 *		knows. 0 when no element is held and nothing stores to guest
 *		memory any more; before that elements can still be pushed.
 *		-EAGAIN to put off.
 * @queue_kicked: queue @i may have elements. May be called without reason.
 * @mem_added:	a region is there; 0, or -errno to refuse it
 * @mem_removing: a region is about to be unmapped: 0 when nothing uses it any
 *		more, copies and workers included; -EAGAIN to put off.
 *		Rings that lie in it were stopped before.
 * @status:	device status as SET_STATUS said it. For 0 all queues were
 *		stopped before; it may be a reset and may be a mere pause.
 * @reset:	RESET_DEVICE: back to the state after power on; queues were
 *		stopped before. 0, or -EAGAIN to put off.
 * @disconnected: the front end is gone, queues are stopped, memory unmapped.
 *		@why is a static text, "closed" where the peer hung up.
 */
struct vu_ops {
	void (*features)(void *dev, uint64_t features);
	int (*get_config)(void *dev, uint32_t off, void *buf, uint32_t len);
	int (*set_config)(void *dev, uint32_t off, const void *buf, uint32_t len);
	void (*queue_started)(void *dev, unsigned int i, struct vq *q);
	int (*queue_stopped)(void *dev, unsigned int i);
	void (*queue_kicked)(void *dev, unsigned int i);
	int (*mem_added)(void *dev, const struct vu_region *r);
	int (*mem_removing)(void *dev, const struct vu_region *r);
	void (*status)(void *dev, uint8_t status);
	int (*reset)(void *dev);
	void (*disconnected)(void *dev, const char *why);
};

/**
 * struct vu_params - A device to be
 * @ops:	its operations
 * @dev:	first argument of all of them
 * @loop:	event loop
 * @features:	virtio features offered, without VU_F_PROTOCOL_FEATURES, which
 *		always is
 * @protocol_features: protocol features wanted beyond MQ, REPLY_ACK, CONFIG,
 *		RESET_DEVICE, CONFIGURE_MEM_SLOTS and STATUS: opt-in, since some
 *		are promises (migration) that only the device can keep
 * @nr_queues:	queues, 1 to VU_MAX_QUEUES
 */
struct vu_params {
	const struct vu_ops *ops;
	void *dev;
	struct vu_loop loop;
	uint64_t features;
	uint64_t protocol_features;
	unsigned int nr_queues;
};

int vu_create(const struct vu_params *params, struct vu_backend **ret_backend);
void vu_destroy(struct vu_backend *b);
int vu_attach(struct vu_backend *b, int fd);
void vu_detach(struct vu_backend *b, const char *why);
void vu_continue(struct vu_backend *b);
void vu_config_changed(struct vu_backend *b);
bool vu_connected(const struct vu_backend *b);

struct vq *vu_queue(struct vu_backend *b, unsigned int i);
bool vu_notify(struct vu_backend *b, unsigned int i);
uint64_t vu_features(const struct vu_backend *b);
const struct vq_mem *vu_mem(const struct vu_backend *b);
const struct vu_region *vu_region_next(const struct vu_backend *b, const struct vu_region *prev);
const struct vu_region *vu_region_find(const struct vu_backend *b, uint64_t gpa, uint64_t len);
const char *vu_last_error(const struct vu_backend *b);

int vu_listen(const char *path, int type, unsigned int mode);
int vu_adopt_fd(int fd, bool *ret_listening);
int vu_accept(int listen_fd);

#endif
