/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vhost-user front end for tests: what a VMM says to a device, without the
 * VMM. It talks to a back end in this process (set @pump) or in another one.
 *
 *	struct front f;
 *
 *	front_connect(&f, path);
 *	front_negotiate(&f, FRONT_FEATURES);
 *	front_share(&f, 1 << 20);
 *	front_start_queue(&f, 0, 256);
 *	front_submit(&f, 0, bufs, nr_out, nr_in, token);
 *	token = front_wait(&f, 0, &len);
 *
 * Functions return 0 or -errno where not said otherwise; -ECONNRESET means
 * that the back end ended the connection, -ETIMEDOUT that it says nothing.
 */
#ifndef TESTS_VHOST_FRONT_H
#define TESTS_VHOST_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_config.h>

#include "vhost/messages.h"
#include "vhost/proto.h"
#include "virtio/driver.h"

#define FRONT_MAX_QUEUES 4
#define FRONT_GPA 0x40000000ull
#define FRONT_UVA 0x7f0000000000ull /* anything but what the host uses */
#define FRONT_PROTOCOL                                                       \
	(1ull << VU_PF_MQ | 1ull << VU_PF_REPLY_ACK | 1ull << VU_PF_CONFIG | \
	 1ull << VU_PF_CONFIGURE_MEM_SLOTS | 1ull << VU_PF_STATUS |           \
	 1ull << VU_PF_RESET_DEVICE | 1ull << VU_PF_BACKEND_REQ)
#define FRONT_FEATURES                                                      \
	(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_INDIRECT_DESC | \
	 1ull << VIRTIO_RING_F_EVENT_IDX | 1ull << VU_F_PROTOCOL_FEATURES)

/**
 * struct front_queue - A queue as the guest driver and the VMM see it
 * @kick:	eventfd to the device
 * @call:	eventfd from the device
 * @err:	eventfd for a broken queue
 * @size:	descriptors, 0 for a queue that was never started
 * @ring:	guest addresses of its parts
 * @drv:	driver side of the ring
 * @kicks:	kicks sent
 */
struct front_queue {
	int kick;
	int call;
	int err;
	uint16_t size;
	uint64_t ring[VQ_AREA_COUNT];
	struct vq_driver drv;
	unsigned int kicks;
};

/**
 * struct front - A front end
 * @sock:	connected socket
 * @pump:	lets a back end of this process run until it is idle, or NULL
 * @pump_arg:	its argument
 * @timeout_ms:	longest wait for a back end of another process
 * @features:	acknowledged virtio features
 * @protocol:	acknowledged protocol features
 * @memfd:	guest memory
 * @mem:	guest memory, mapped
 * @mem_size:	bytes of it; its first byte is FRONT_GPA in the guest
 * @next:	first free byte, for front_alloc()
 * @q:		queues
 */
struct front {
	int sock;
	void (*pump)(void *arg);
	void *pump_arg;
	int timeout_ms;
	uint64_t features;
	uint64_t protocol;
	int memfd;
	char *mem;
	uint64_t mem_size;
	uint64_t next;
	struct front_queue q[FRONT_MAX_QUEUES];
};

/**
 * struct front_fds - Descriptors to send with a message
 */
struct front_fds {
	unsigned int n;
	const int *fd;
};

#define FRONT_FD(...)                                                    \
	(&(struct front_fds){sizeof((int[]){__VA_ARGS__}) / sizeof(int), \
			     (const int[]){__VA_ARGS__}})

void front_init(struct front *f, int sock);
int front_connect(struct front *f, const char *path);
void front_close(struct front *f);

int front_send(struct front *f, const struct vu_msg *m, const struct front_fds *fds);
int front_recv(struct front *f, struct vu_msg *m);
int front_set(struct front *f, uint32_t request, const void *payload, uint32_t size,
	      const struct front_fds *fds);
int front_get(struct front *f, uint32_t request, struct vu_msg *m, uint32_t size);
int front_get_u64(struct front *f, uint32_t request, uint64_t *ret_value);
int front_set_u64(struct front *f, uint32_t request, uint64_t value);

int front_negotiate(struct front *f, uint64_t features);
int front_negotiate_as(struct front *f, uint64_t features, uint64_t protocol);
int front_share(struct front *f, uint64_t size);
struct vu_mem_region front_region(const struct front *f, uint64_t offset, uint64_t size);
int front_add_region(struct front *f, const struct vu_mem_region *r, int fd);
int front_rem_region(struct front *f, const struct vu_mem_region *r);
int front_get_config(struct front *f, uint32_t off, void *buf, uint32_t len);

int front_start_queue(struct front *f, unsigned int i, uint16_t size);
int front_prepare_queue(struct front *f, unsigned int i, uint16_t size);
int front_describe_queue(struct front *f, unsigned int i, uint32_t base);
int front_enable_queue(struct front *f, unsigned int i, bool on);
int front_stop_queue(struct front *f, unsigned int i);

uint64_t front_alloc(struct front *f, uint64_t len, uint64_t align);
void *front_ptr(const struct front *f, uint64_t gpa);
int front_submit(struct front *f, unsigned int i, const struct vq_request *req);
void front_kick(struct front *f, unsigned int i);
void *front_wait(struct front *f, unsigned int i, uint32_t *ret_len);
bool front_called(struct front *f, unsigned int i);

#endif
