/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What virtio-pci and virtio-mmio have in common.
 *
 * Theory of operation: queues that the driver enabled run from DRIVER_OK on.
 * Their registers are the driver's between FEATURES_OK and then, and frozen
 * while a queue is enabled (virtio 1.3, 4.1.4.3, 4.2.2.2). A reset stops queues
 * first, which the device may put off; the status reads 0 only when all have
 * stopped. Vectors and queue numbers are compared with what there is at each
 * use, not only where they are written.
 */
#include "transport/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cw/util.h"

static void set_isr(struct tp *t, uint8_t isr)
{
	bool level = isr && !t->use_msi, was = t->isr && !t->use_msi;

	t->isr = isr;
	if (level != was)
		t->p.ops->interrupt(t, level);
}

/* Something happened that @bit stands for, or MSI-X vector @vector. */
static void raise_interrupt(struct tp *t, uint8_t bit, uint16_t vector)
{
	if (!t->use_msi)
		set_isr(t, t->isr | bit);
	else if (vector != TP_NO_VECTOR)
		t->p.ops->msi(t, vector);
}

static void on_fault(struct vq *q)
{
	struct tp *t = q->opaque;

	if (vq_status_needs_reset(&t->state))
		raise_interrupt(t, TP_ISR_CONFIG, t->config_vector);
}

static void queue_registers_reset(struct tp_queue *q)
{
	q->size = q->max;
	q->enabled = false;
	q->resetting = false;
	q->vector = TP_NO_VECTOR;
	memset(q->addr, 0, sizeof(q->addr));
}

static void registers_reset(struct tp *t)
{
	t->feature_sel = 0;
	t->driver_sel = 0;
	t->queue_sel = 0;
	t->config_vector = TP_NO_VECTOR;
	set_isr(t, 0);
	for (unsigned int i = 0; i < t->p.nr_queues; i++)
		queue_registers_reset(&t->queue[i]);
}

/**
 * tp_init() - A transport after power on
 * @t:		transport
 * @params:	copied; see there
 *
 * Return: 0, -EINVAL for parameters that can't be, or -ENOMEM.
 */
int tp_init(struct tp *t, const struct tp_params *params)
{
	memset(t, 0, sizeof(*t));
	if (!params->nr_queues || params->nr_queues > TP_MAX_QUEUES ||
	    !cw_is_pow2(params->queue_max) || params->queue_max > VQ_MAX_SIZE)
		return -EINVAL;
	t->p = *params;
	t->queue = calloc(params->nr_queues, sizeof(*t->queue));
	if (!t->queue)
		return -ENOMEM;
	vq_state_init(&t->state, params->offered);
	for (unsigned int i = 0; i < params->nr_queues; i++) {
		t->queue[i].max = params->queue_max;
		vq_init(&t->queue[i].vq, on_fault, t);
	}
	registers_reset(t);
	return 0;
}

/**
 * tp_finish() - Free what tp_init() allocated
 * @t:	transport whose device has let go of the queues
 */
void tp_finish(struct tp *t)
{
	for (unsigned int i = 0; t->queue && i < t->p.nr_queues; i++)
		vq_stop(&t->queue[i].vq);
	free(t->queue);
	t->queue = NULL;
}

/**
 * tp_selected() - The queue whose registers are shown
 * @t:	transport
 *
 * Return: the queue, NULL where the driver selected one that is not there.
 */
struct tp_queue *tp_selected(struct tp *t)
{
	return t->queue_sel < t->p.nr_queues ? &t->queue[t->queue_sel] : NULL;
}

/**
 * tp_features_read() - The selected word of the features
 * @t:	transport
 *
 * Return: the word.
 */
uint32_t tp_features_read(const struct tp *t)
{
	return vq_features_read(&t->state, t->feature_sel);
}

/**
 * tp_features_write() - The driver writes the selected word of its features
 * @t:		transport
 * @value:	untrusted
 */
void tp_features_write(struct tp *t, uint32_t value)
{
	vq_features_write(&t->state, t->driver_sel, value);
}

static bool is_live(const struct tp *t)
{
	return t->state.status & VIRTIO_CONFIG_S_DRIVER_OK && !t->state.resetting;
}

/* Starts a queue with what its registers say; one that can't be is broken. */
static void queue_run(struct tp *t, unsigned int i)
{
	struct tp_queue *q = &t->queue[i];
	struct vq_setup setup = {
		.mem = t->p.mem,
		.features = t->state.driver,
		.size = q->size,
		.base = vq_fresh_base(t->state.driver),
	};

	for (int a = 0; a < VQ_AREA_COUNT; a++)
		setup.area[a] = vq_mem_ptr(t->p.mem, q->addr[a],
					   vq_area_size(a, q->size, setup.features));
	if (vq_start(&q->vq, &setup)) {
		q->enabled = false;
		vq_break(&q->vq, VQ_FAULT_SETUP);
		return;
	}
	t->p.ops->queue_started(t, i);
	/* What was made available before now may have been kicked for before, too. */
	t->p.ops->kick(t, i);
}

static int queue_halt(struct tp *t, unsigned int i)
{
	struct tp_queue *q = &t->queue[i];

	if (!q->vq.ops)
		return 0;
	if (t->p.ops->queue_stopped(t, i))
		return -EAGAIN;
	vq_stop(&q->vq);
	return 0;
}

static void reset_go_on(struct tp *t)
{
	for (unsigned int i = 0; i < t->p.nr_queues; i++)
		if (queue_halt(t, i))
			return;
	vq_status_reset_done(&t->state);
	registers_reset(t);
	t->p.ops->reset(t);
}

/**
 * tp_status_write() - The driver writes the status register
 * @t:		transport
 * @value:	untrusted; a step out of order changes nothing
 */
void tp_status_write(struct tp *t, uint8_t value)
{
	int what = vq_status_write(&t->state, value);

	if (what < 0)
		return;
	if (what & VQ_STATUS_RESET)
		reset_go_on(t);
	if (what & VQ_STATUS_FEATURES)
		t->p.ops->features(t);
	for (unsigned int i = 0; what & VQ_STATUS_LIVE && i < t->p.nr_queues; i++)
		if (t->queue[i].enabled)
			queue_run(t, i);
}

/* The selected queue where its registers may be written, else NULL. */
static struct tp_queue *writable(struct tp *t)
{
	struct tp_queue *q = tp_selected(t);

	if (!q || q->enabled || q->resetting || t->state.resetting ||
	    !vq_features_final(&t->state))
		return NULL;
	return q;
}

/**
 * tp_queue_size_write() - The driver chooses the size of the selected queue
 * @t:		transport
 * @value:	descriptors, untrusted; what can't be is ignored
 */
void tp_queue_size_write(struct tp *t, uint32_t value)
{
	struct tp_queue *q = writable(t);
	bool packed = vq_state_has(&t->state, VIRTIO_F_RING_PACKED);

	if (q && value && value <= q->max && (packed || cw_is_pow2(value)))
		q->size = value;
}

/**
 * tp_queue_addr_write() - The driver says where a part of the selected queue is
 * @t:		transport
 * @area:	part
 * @high:	the upper half of the address
 * @value:	half of a guest address, untrusted: judged when the queue starts
 */
void tp_queue_addr_write(struct tp *t, enum vq_area area, bool high, uint32_t value)
{
	struct tp_queue *q = writable(t);
	int shift = high ? 32 : 0;

	if (!q)
		return;
	q->addr[area] &= ~(0xffffffffULL << shift);
	q->addr[area] |= (uint64_t)value << shift;
}

/**
 * tp_queue_enable() - The driver enables the selected queue
 * @t:	transport
 */
void tp_queue_enable(struct tp *t)
{
	struct tp_queue *q = writable(t);

	if (!q)
		return;
	q->enabled = true;
	/* After a reset of this queue alone: the others run already. */
	if (is_live(t))
		queue_run(t, q - t->queue);
}

/**
 * tp_queue_disable() - The driver takes the selected queue back before it ran
 * @t:	transport
 *
 * While a queue runs this is tp_queue_reset()'s to do, and ignored.
 */
void tp_queue_disable(struct tp *t)
{
	struct tp_queue *q = tp_selected(t);

	if (q && !q->vq.ops)
		q->enabled = false;
}

static void queue_reset_go_on(struct tp *t, unsigned int i)
{
	if (!queue_halt(t, i))
		queue_registers_reset(&t->queue[i]);
}

/**
 * tp_queue_reset() - The driver resets the selected queue (RING_RESET)
 * @t:	transport
 */
void tp_queue_reset(struct tp *t)
{
	struct tp_queue *q = tp_selected(t);

	if (!q || !q->enabled || !vq_state_has(&t->state, VIRTIO_F_RING_RESET))
		return;
	q->resetting = true;
	queue_reset_go_on(t, q - t->queue);
}

/**
 * tp_continue() - The device let go of what a reset waits for
 * @t:	transport
 */
void tp_continue(struct tp *t)
{
	if (t->state.resetting) {
		reset_go_on(t);
		return;
	}
	for (unsigned int i = 0; i < t->p.nr_queues; i++)
		if (t->queue[i].resetting)
			queue_reset_go_on(t, i);
}

/**
 * tp_kick() - The driver writes the doorbell
 * @t:		transport
 * @value:	untrusted; with NOTIFICATION_DATA its upper half is a hint
 */
void tp_kick(struct tp *t, uint32_t value)
{
	uint32_t i = value & 0xffff;

	if (i < t->p.nr_queues && is_live(t) && vq_running(&t->queue[i].vq))
		t->p.ops->kick(t, i);
}

/**
 * tp_notify() - Tell the driver of used elements, if it wants that
 * @t:	transport
 * @i:	queue
 */
void tp_notify(struct tp *t, unsigned int i)
{
	if (vq_should_notify(&t->queue[i].vq))
		raise_interrupt(t, TP_ISR_QUEUE, t->queue[i].vector);
}

/**
 * tp_config_changed() - Tell the driver that the configuration space changed
 * @t:	transport
 */
void tp_config_changed(struct tp *t)
{
	if (t->state.status & VIRTIO_CONFIG_S_DRIVER_OK)
		raise_interrupt(t, TP_ISR_CONFIG, t->config_vector);
}

/**
 * tp_isr_clear() - The driver has seen interrupt causes
 * @t:		transport
 * @bits:	TP_ISR_*, untrusted
 */
void tp_isr_clear(struct tp *t, uint8_t bits)
{
	set_isr(t, t->isr & ~bits);
}

static bool width_ok(unsigned int len)
{
	return len <= sizeof(uint64_t) && cw_is_pow2(len);
}

/**
 * tp_config_read() - Read the device's configuration space
 * @t:		transport
 * @off:	first byte, untrusted
 * @len:	bytes; others than 1, 2, 4 and 8 read as 0
 *
 * Return: the value, as a little-endian guest sees it; 0 for what is not there.
 */
uint64_t tp_config_read(struct tp *t, uint64_t off, unsigned int len)
{
	uint8_t bytes[sizeof(uint64_t)] = {0};
	uint64_t value = 0;

	if (!width_ok(len) || off >= VQ_CONFIG_MAX)
		return 0;
	vq_config_read(t->p.config, off, bytes, len);
	for (unsigned int i = 0; i < len; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

/**
 * tp_config_write() - Write the device's configuration space
 * @t:		transport
 * @off:	first byte, untrusted
 * @value:	as a little-endian guest writes it
 * @len:	bytes; others than 1, 2, 4 and 8 are ignored
 */
void tp_config_write(struct tp *t, uint64_t off, uint64_t value, unsigned int len)
{
	uint8_t bytes[sizeof(uint64_t)];

	if (!width_ok(len) || off >= VQ_CONFIG_MAX || !vq_features_final(&t->state))
		return;
	for (unsigned int i = 0; i < len; i++)
		bytes[i] = value >> (8 * i);
	t->p.ops->config_write(t, off, bytes, len);
}
