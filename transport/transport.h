/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What virtio-pci and virtio-mmio have in common: the registers behind which a
 * driver negotiates, sets up queues and kicks them.
 *
 * A transport knows no device and no VMM: struct tp_ops is the way to both.
 * Registers are read and written by the guest, so every value is judged here.
 */
#ifndef TRANSPORT_TRANSPORT_H
#define TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "virtio/config.h"
#include "virtio/mem.h"
#include "virtio/queue.h"
#include "virtio/state.h"

#define TP_MAX_QUEUES 64
#define TP_NO_VECTOR 0xffff

/* Bits of the interrupt status register. */
enum {
	TP_ISR_QUEUE = 1,
	TP_ISR_CONFIG = 2,
};

struct tp;

/**
 * struct tp_ops - Device and VMM behind a transport
 * @features:	negotiation is over: t->state.driver
 * @config_write: the driver wrote the configuration space; ignored on error
 * @queue_started: queue @i runs
 * @queue_stopped: queue @i is about to stop: 0, or -EAGAIN to put off until
 *		tp_continue()
 * @kick:	the driver kicked queue @i
 * @reset:	all queues are stopped: back to the state after power on
 * @interrupt:	the interrupt line is to have this level (INTx, MMIO)
 * @msi:	send message-signalled interrupt @vector; NULL where there is none
 */
struct tp_ops {
	void (*features)(struct tp *t);
	void (*config_write)(struct tp *t, uint32_t off, const void *buf, uint32_t len);
	void (*queue_started)(struct tp *t, unsigned int i);
	int (*queue_stopped)(struct tp *t, unsigned int i);
	void (*kick)(struct tp *t, unsigned int i);
	void (*reset)(struct tp *t);
	void (*interrupt)(struct tp *t, bool level);
	void (*msi)(struct tp *t, uint16_t vector);
};

/**
 * struct tp_queue - Registers of a queue
 * @max:	largest size
 * @size:	size the driver chose
 * @enabled:	QueueReady, queue_enable
 * @resetting:	queue_reset was written and the device holds elements still
 * @vector:	MSI-X vector, TP_NO_VECTOR for none
 * @addr:	guest addresses of the parts
 * @vq:		the queue
 */
struct tp_queue {
	uint16_t max;
	uint16_t size;
	bool enabled;
	bool resetting;
	uint16_t vector;
	uint64_t addr[VQ_AREA_COUNT];
	struct vq vq;
};

/**
 * struct tp_params - A transport to be
 * @ops:	device and VMM
 * @opaque:	for them
 * @mem:	guest memory
 * @config:	configuration space of the device
 * @offered:	features
 * @nr_queues:	queues, 1 to TP_MAX_QUEUES
 * @queue_max:	largest size of each
 */
struct tp_params {
	const struct tp_ops *ops;
	void *opaque;
	const struct vq_mem *mem;
	struct vq_config *config;
	uint64_t offered;
	unsigned int nr_queues;
	uint16_t queue_max;
};

/**
 * struct tp - A transport
 * @p:		parameters
 * @state:	negotiation and status
 * @feature_sel: word of the features that is shown
 * @driver_sel:	word of the features that is written
 * @queue_sel:	queue whose registers are shown; may name none
 * @isr:	interrupt status
 * @config_vector: MSI-X vector of configuration changes
 * @use_msi:	MSI-X is on: the interrupt line stays low
 * @queue:	per queue
 *
 * Thread: one at a time.
 */
struct tp {
	struct tp_params p;
	struct vq_state state;
	uint32_t feature_sel;
	uint32_t driver_sel;
	uint32_t queue_sel;
	uint8_t isr;
	uint16_t config_vector;
	bool use_msi;
	struct tp_queue *queue;
};

int tp_init(struct tp *t, const struct tp_params *params);
void tp_finish(struct tp *t);
struct tp_queue *tp_selected(struct tp *t);
uint32_t tp_features_read(const struct tp *t);
void tp_features_write(struct tp *t, uint32_t value);
void tp_status_write(struct tp *t, uint8_t value);
void tp_queue_size_write(struct tp *t, uint32_t value);
void tp_queue_addr_write(struct tp *t, enum vq_area area, bool high, uint32_t value);
void tp_queue_enable(struct tp *t);
void tp_queue_disable(struct tp *t);
void tp_queue_reset(struct tp *t);
void tp_kick(struct tp *t, uint32_t value);
void tp_continue(struct tp *t);
void tp_notify(struct tp *t, unsigned int i);
void tp_config_changed(struct tp *t);
void tp_isr_clear(struct tp *t, uint8_t bits);
uint64_t tp_config_read(struct tp *t, uint64_t off, unsigned int len);
void tp_config_write(struct tp *t, uint64_t off, uint64_t value, unsigned int len);

#endif
