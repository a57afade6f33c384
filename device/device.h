/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device: a table of operations over queues. It does not know where
 * it lives: behind vhost-user (tools/serve), in the VMM, or in a test.
 *
 * Its surroundings (struct dev_host) start and stop queues, say when the
 * driver kicked, and carry notifications to the driver. Everything happens on
 * the thread of the event loop.
 */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "device/loop.h"
#include "virtio/config.h"
#include "virtio/queue.h"

#define DEV_MAX_QUEUES 64

/* What every device offers, since the queues do it for all of them. */
#define DEV_RING_FEATURES                                                                         \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC |                       \
	 1ULL << VIRTIO_RING_F_EVENT_IDX | 1ULL << VIRTIO_F_RING_PACKED |                         \
	 1ULL << VIRTIO_F_IN_ORDER | 1ULL << VIRTIO_F_ORDER_PLATFORM |                            \
	 1ULL << VQ_F_NOTIFICATION_DATA | 1ULL << VIRTIO_F_RING_RESET)

struct dev;

/**
 * struct dev_ops - What a device does. Members may be NULL, except @queue_kicked.
 * @name:	short name, for logs and command lines
 * @virtio_id:	device id (virtio 1.3, 5)
 * @features:	d->features are negotiated
 * @config_written: the driver stored to d->config, bytes [@off, @off + @len)
 * @queue_started: d->queue[@i] runs
 * @queue_stopped: d->queue[@i] is about to stop, for a while or for good. 0 when no
 *		element of it is held; before that elements can still be pushed.
 *		-EAGAIN to put off: dev_continue() when there is a reason to ask again.
 * @queue_kicked: d->queue[@i] may have elements; may be called without reason
 * @drain:	guest memory is about to change: 0 when no element of any queue is
 *		held; -EAGAIN as for @queue_stopped
 * @reset:	back to the state after power on; all queues are stopped
 * @destroy:	free the device; all queues are stopped
 */
struct dev_ops {
	const char *name;
	uint16_t virtio_id;
	void (*features)(struct dev *d);
	void (*config_written)(struct dev *d, uint32_t off, uint32_t len);
	void (*queue_started)(struct dev *d, unsigned int i);
	int (*queue_stopped)(struct dev *d, unsigned int i);
	void (*queue_kicked)(struct dev *d, unsigned int i);
	int (*drain)(struct dev *d);
	void (*reset)(struct dev *d);
	void (*destroy)(struct dev *d);
};

/**
 * struct dev_host - Where a device lives
 * @notify:	queue @i has used elements: signal the driver if it wants that
 * @config_changed: d->config has changed: tell the driver
 * @proceed:	what was put off with -EAGAIN may be asked again
 */
struct dev_host {
	void (*notify)(struct dev *d, unsigned int i);
	void (*config_changed)(struct dev *d);
	void (*proceed)(struct dev *d);
};

/**
 * struct dev - A device
 * @ops:	its operations
 * @host:	its surroundings, set before anything else is called
 * @host_data:	for @host
 * @loop:	event loop
 * @config:	configuration space
 * @offered:	features offered
 * @features:	features negotiated, 0 before
 * @nr_queues:	queues it has
 * @queue:	by index; NULL while stopped
 * @putting_off: something was answered with -EAGAIN
 */
struct dev {
	const struct dev_ops *ops;
	const struct dev_host *host;
	void *host_data;
	struct dev_loop *loop;
	struct vq_config config;
	uint64_t offered;
	uint64_t features;
	unsigned int nr_queues;
	struct vq *queue[DEV_MAX_QUEUES];
	bool putting_off;
};

static inline bool dev_has(const struct dev *d, unsigned int bit)
{
	return d->features & (1ULL << bit);
}

void dev_destroy(struct dev *d);
void dev_set_features(struct dev *d, uint64_t features);
int dev_config_write(struct dev *d, uint32_t off, const void *buf, uint32_t len);
int dev_config_update(struct dev *d, uint32_t off, const void *buf, uint32_t len);
void dev_queue_start(struct dev *d, unsigned int i, struct vq *q);
int dev_queue_stop(struct dev *d, unsigned int i);
void dev_queue_kick(struct dev *d, unsigned int i);
int dev_drain(struct dev *d);
void dev_reset(struct dev *d);
void dev_push(struct dev *d, unsigned int i, const struct vq_elem *e, uint32_t written);
void dev_continue(struct dev *d);

#endif
