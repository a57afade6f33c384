/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feature negotiation and device status (virtio 1.3, 2.1, 2.2, 3.1).
 */
#ifndef VIRTIO_STATE_H
#define VIRTIO_STATE_H

#include <stdbool.h>
#include <stdint.h>

/* What a write to the status register leads to; bits of vq_status_write(). */
enum {
	VQ_STATUS_RESET = 1 << 0,    /* quiesce, then vq_status_reset_done() */
	VQ_STATUS_FEATURES = 1 << 1, /* features are final */
	VQ_STATUS_LIVE = 1 << 2,     /* DRIVER_OK: queues may run */
	VQ_STATUS_FAILED = 1 << 3,   /* the driver gave up */
};

/**
 * struct vq_state - Negotiation state of a device
 * @offered:	features of the device, constant
 * @driver:	features the driver wrote, as they are, until FEATURES_OK
 * @status:	device status as the driver reads it
 * @legacy:	a legacy device: no FEATURES_OK, features are final at DRIVER_OK
 *		(virtio 1.3, 3.1.2); set after vq_state_init()
 * @resetting:	a reset was asked for and is not done: the status still reads as
 *		before, and writes other than 0 are refused
 */
struct vq_state {
	uint64_t offered;
	uint64_t driver;
	uint8_t status;
	bool legacy;
	bool resetting;
};

void vq_state_init(struct vq_state *s, uint64_t offered);
int vq_features_write(struct vq_state *s, unsigned int word, uint32_t value);
uint32_t vq_features_read(const struct vq_state *s, unsigned int word);
bool vq_features_subset(uint64_t offered, uint64_t driver);
int vq_status_write(struct vq_state *s, uint8_t value);
void vq_status_reset_done(struct vq_state *s);
bool vq_status_needs_reset(struct vq_state *s);
bool vq_features_final(const struct vq_state *s);
bool vq_state_has(const struct vq_state *s, unsigned int bit);

#endif
