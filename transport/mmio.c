/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio over MMIO.
 *
 * Registers are 32 bits wide and aligned (4.2.2.2); any other access to them
 * reads as 0 and writes nothing. The configuration space takes every width.
 */
#include "transport/mmio.h"

#include <linux/virtio_mmio.h>

#define VENDOR 0x43574344 /* "DCWC" */
#define QUEUE_RESET 0x0c0 /* newer than some Linux headers */

static uint32_t queue_read(struct tp_mmio *m, uint32_t reg)
{
	struct tp_queue *q = tp_selected(&m->t);

	if (!q)
		return 0;
	switch (reg) {
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return q->max;
	case VIRTIO_MMIO_QUEUE_READY:
		return q->enabled;
	case QUEUE_RESET:
		return q->resetting;
	default:
		return 0;
	}
}

static uint32_t register_read(struct tp_mmio *m, uint32_t reg)
{
	struct tp *t = &m->t;
	uint32_t value;

	switch (reg) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return 'v' | 'i' << 8 | 'r' << 16 | 't' << 24;
	case VIRTIO_MMIO_VERSION:
		return m->legacy ? 1 : 2;
	case VIRTIO_MMIO_DEVICE_ID:
		return m->device_id;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return tp_features_read(t);
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return t->isr;
	case VIRTIO_MMIO_STATUS:
		return t->state.status;
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return m->legacy ? 0 : t->p.config->generation;
	/* 4.2.2: a length of all ones where there is no such region. */
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return ~0u;
	default:
		if (m->legacy && tp_mmio_legacy_read(m, reg, &value))
			return value;
		return queue_read(m, reg);
	}
}

/**
 * tp_mmio_read() - The guest reads
 * @m:		register block
 * @off:	from its start, untrusted
 * @len:	bytes
 *
 * Return: the value, zero-extended.
 */
uint64_t tp_mmio_read(struct tp_mmio *m, uint64_t off, unsigned int len)
{
	if (off >= VIRTIO_MMIO_CONFIG)
		return tp_config_read(&m->t, off - VIRTIO_MMIO_CONFIG, len);
	return len == 4 && !(off & 3) ? register_read(m, off) : 0;
}

/* Halves of addresses: which part, and which half. */
static bool addr_write(struct tp_mmio *m, uint32_t reg, uint32_t value)
{
	static const uint16_t low[VQ_AREA_COUNT] = {
		VIRTIO_MMIO_QUEUE_DESC_LOW,
		VIRTIO_MMIO_QUEUE_AVAIL_LOW,
		VIRTIO_MMIO_QUEUE_USED_LOW,
	};

	for (int a = 0; a < VQ_AREA_COUNT; a++) {
		if (reg != low[a] && reg != low[a] + 4u)
			continue;
		tp_queue_addr_write(&m->t, a, reg != low[a], value);
		return true;
	}
	return false;
}

/* What version 2 alone has. */
static void modern_write(struct tp_mmio *m, uint32_t reg, uint32_t value)
{
	if (addr_write(m, reg, value))
		return;
	if (reg == VIRTIO_MMIO_QUEUE_READY && value == 1)
		tp_queue_enable(&m->t);
	else if (reg == VIRTIO_MMIO_QUEUE_READY && !value)
		tp_queue_disable(&m->t);
	else if (reg == QUEUE_RESET && value == 1)
		tp_queue_reset(&m->t);
}

static void register_write(struct tp_mmio *m, uint32_t reg, uint32_t value)
{
	struct tp *t = &m->t;

	switch (reg) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		t->feature_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		tp_features_write(t, value);
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		t->driver_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		t->queue_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_NUM:
		tp_queue_size_write(t, value);
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		tp_kick(t, value);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		tp_isr_clear(t, value);
		break;
	case VIRTIO_MMIO_STATUS:
		if (value <= UINT8_MAX)
			tp_status_write(t, value);
		break;
	default:
		if (!m->legacy)
			modern_write(m, reg, value);
		else
			tp_mmio_legacy_write(m, reg, value);
	}
}

/**
 * tp_mmio_write() - The guest writes
 * @m:		register block
 * @off:	from its start, untrusted
 * @value:	untrusted
 * @len:	bytes
 */
void tp_mmio_write(struct tp_mmio *m, uint64_t off, uint64_t value, unsigned int len)
{
	if (off >= VIRTIO_MMIO_CONFIG)
		tp_config_write(&m->t, off - VIRTIO_MMIO_CONFIG, value, len);
	else if (len == 4 && !(off & 3))
		register_write(m, off, value);
}
