/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device without a VM: its queues, guest memory and a driver in this
 * process.
 *
 *	struct rig g;
 *
 *	rig_open(&g);
 *	dev_..._create(&g.loop, ..., &g.dev);
 *	rig_start(&g, features);
 *	gpa = rig_put(&g, data, len);
 *	rig_request(&g, 0, bufs, nr_out, nr_in);	posts, kicks, waits
 *	rig_close(&g);
 */
#ifndef TESTS_DEVICE_RIG_H
#define TESTS_DEVICE_RIG_H

#include "device/device.h"
#include "virtio/driver.h"

#include "tests/tap.h"

#define RIG_QUEUES 4
#define RIG_QUEUE_SIZE 64
#define RIG_GPA 0x80000000ull
#define RIG_RAM (8u << 20)

/**
 * struct rig - Everything of one test
 * @dev:	device under test
 * @loop:	its event loop
 * @mem:	guest memory map: two regions that touch in the middle
 * @ram:	guest memory
 * @used:	bytes of it that are given out
 * @q:		device side of the queues
 * @drv:	driver side
 * @notified:	signals per queue
 * @config_changes: configuration change notifications
 * @proceeds:	times the device said that it may be asked again
 * @features:	of rig_start()
 */
struct rig {
	struct dev *dev;
	struct dev_loop loop;
	struct vq_mem mem;
	uint8_t *ram;
	uint64_t used;
	struct vq q[RIG_QUEUES];
	struct vq_driver drv[RIG_QUEUES];
	unsigned int notified[RIG_QUEUES];
	unsigned int config_changes;
	unsigned int proceeds;
	uint64_t features;
};

void rig_open(struct rig *g);
void rig_start(struct rig *g, uint64_t features);
void rig_stop(struct rig *g);
void rig_close(struct rig *g);
uint64_t rig_room(struct rig *g, uint32_t len);
uint64_t rig_put(struct rig *g, const void *data, uint32_t len);
void *rig_ptr(struct rig *g, uint64_t gpa);
void rig_post(struct rig *g, unsigned int i, const struct vq_buf *buf, uint16_t nr_out,
	      uint16_t nr_in);
void rig_kick(struct rig *g, unsigned int i);
uint32_t rig_wait(struct rig *g, unsigned int i);
uint32_t rig_request(struct rig *g, unsigned int i, const struct vq_buf *buf, uint16_t nr_out,
		     uint16_t nr_in);

#endif
