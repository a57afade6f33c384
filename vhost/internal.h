/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of the vhost-user back end, for its own files.
 */
#ifndef VHOST_INTERNAL_H
#define VHOST_INTERNAL_H

#include "vhost/backend.h"
#include "vhost/messages.h"
#include "vhost/proto.h"

#define VU_MAX_FDS 16 /* of one message; more than any known one carries */

/* What a device may ask for beyond those: struct vu_params. */
#define VU_OPT_PROTOCOL_FEATURES (1ULL << VU_PF_BACKEND_REQ)

#define VU_BASE_PROTOCOL_FEATURES                                            \
	(1ULL << VU_PF_MQ | 1ULL << VU_PF_REPLY_ACK | 1ULL << VU_PF_CONFIG | \
	 1ULL << VU_PF_RESET_DEVICE | 1ULL << VU_PF_CONFIGURE_MEM_SLOTS | 1ULL << VU_PF_STATUS)

/**
 * struct vu_rx - A message that is being received or answered
 * @msg:	header and payload
 * @got:	bytes of @msg received
 * @fds:	descriptors that came with it; a handler that keeps one sets its
 *		place to -1, all others are closed when the message is done
 * @nr_fds:	places of @fds used
 * @surplus:	more descriptors came than fit
 */
struct vu_rx {
	struct vu_msg msg;
	size_t got;
	int fds[VU_MAX_FDS];
	unsigned int nr_fds;
	bool surplus;
};

/**
 * struct vu_ring - A virtqueue and what the front end said about it
 * @b:		back end
 * @index:	of the queue
 * @vq:		the queue
 * @kick:	watch of the kick descriptor; its fd is ours while @armed
 * @watched:	the loop watches @kick
 * @armed:	SET_VRING_KICK came since the ring was last stopped for good
 * @enabled:	SET_VRING_ENABLE, or no protocol features
 * @has_addr:	SET_VRING_ADDR came
 * @active:	the device has been told that the queue runs
 * @call_fd:	descriptor to signal, or -1: the driver polls
 * @err_fd:	descriptor for a broken queue, or -1
 * @num:	descriptors, 0 before SET_VRING_NUM
 * @base:	where to start from, if @has_base; else from the very beginning
 * @has_base:	the front end named a base, or the ring ran and stopped there
 * @addr:	front-end addresses, translated anew at each activation
 */
struct vu_ring {
	struct vu_backend *b;
	unsigned int index;
	struct vq vq;
	struct vu_watch kick;
	bool watched;
	bool armed;
	bool enabled;
	bool has_addr;
	bool active;
	int call_fd;
	int err_fd;
	uint16_t num;
	uint32_t base;
	bool has_base;
	struct vu_vring_addr addr;
};

/**
 * enum vu_state - Life of a back end
 * @VU_IDLE:	no front end
 * @VU_SERVING:	reads messages
 * @VU_WAITING:	a member of struct vu_ops put off; the socket is not read
 * @VU_CLOSING:	the front end is gone or was thrown out; the device has to let
 *		go of queues and memory
 */
enum vu_state {
	VU_IDLE,
	VU_SERVING,
	VU_WAITING,
	VU_CLOSING,
};

/**
 * struct vu_backend - A back end
 * @p:		parameters
 * @state:	of the connection
 * @session:	counts connections that ended
 * @sock:	socket of the front end
 * @sock_watched: the loop watches it
 * @rx:		message in work
 * @owned:	SET_OWNER came
 * @negotiated:	SET_FEATURES came
 * @features:	acknowledged virtio features
 * @protocol_features: acknowledged protocol features
 * @status:	device status
 * @request_fd:	socket for messages of ours, -1 where there is none
 * @why:	why the last connection ended
 * @mem:	guest memory by guest address
 * @region:	guest memory by file and front-end address
 * @ring:	one per queue
 */
struct vu_backend {
	struct vu_params p;
	enum vu_state state;
	unsigned int session;
	struct vu_watch sock;
	bool sock_watched;
	struct vu_rx rx;
	bool owned;
	bool negotiated;
	uint64_t features;
	uint64_t protocol_features;
	uint8_t status;
	int request_fd;
	const char *why;
	struct vq_mem mem;
	struct vu_region region[VU_MAX_REGIONS];
	struct vu_ring *ring;
};

/* sock.c: 1 when the message is whole, 0 when it is not yet, -errno. */
int vu_rx_read(int fd, struct vu_rx *rx);
void vu_rx_done(struct vu_rx *rx);
int vu_rx_take_fd(struct vu_rx *rx, unsigned int i);
int vu_send(int fd, const struct vu_msg *msg);

/* region.c */
int vu_regions_set(struct vu_backend *b, const struct vu_mem_table *table, struct vu_rx *rx);
int vu_regions_add(struct vu_backend *b, const struct vu_mem_region *want, int fd);
int vu_regions_del(struct vu_backend *b, const struct vu_mem_region *want);
int vu_regions_clear(struct vu_backend *b);
void *vu_regions_user_ptr(const struct vu_backend *b, uint64_t uva, uint64_t len);

/* ring.c */
void vu_ring_init(struct vu_backend *b, unsigned int i);
void vu_ring_forget(struct vu_ring *r);
int vu_ring_update(struct vu_ring *r);
void vu_rings_update(struct vu_backend *b);
int vu_ring_quiesce(struct vu_ring *r);
int vu_rings_stop(struct vu_backend *b);
int vu_rings_leave_region(struct vu_backend *b, const struct vu_region *reg);
int vu_ring_set_kick(struct vu_ring *r, int fd);
void vu_ring_set_call(struct vu_ring *r, int fd);
void vu_ring_set_err(struct vu_ring *r, int fd);
bool vu_rings_active(const struct vu_backend *b);

/* handlers.c: 0, -EAGAIN to be called again, or -errno. */
int vu_handle(struct vu_backend *b, struct vu_msg *reply);

#endif
