/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of virtio over MMIO that version 1 alone has (virtio 1.3, 4.2.4).
 *
 * A legacy driver knows no FEATURES_OK and names a queue by a page number. It
 * may write it before DRIVER_OK and use the queue at once, so writing it
 * enables the queue and writing 0 gives it up.
 */
#include "transport/mmio.h"

#include <linux/virtio_mmio.h>

#include "virtio/legacy.h"

#include "cw/util.h"

/**
 * tp_mmio_legacy_read() - Read a register of version 1
 * @m:		register block of version 1
 * @reg:	its offset
 * @ret:	value
 *
 * Return: false where it is no such register.
 */
bool tp_mmio_legacy_read(struct tp_mmio *m, uint32_t reg, uint32_t *ret)
{
	if (reg != VIRTIO_MMIO_QUEUE_PFN)
		return false;
	*ret = tp_selected(&m->t) ? m->pfn[m->t.queue_sel] : 0;
	return true;
}

static void pfn_write(struct tp_mmio *m, struct tp_queue *q, uint32_t pfn)
{
	unsigned int i = q - m->t.queue;

	if (!pfn) {
		tp_queue_disable(&m->t);
		m->pfn[i] = 0;
		return;
	}
	if (q->enabled || vq_legacy_layout((uint64_t)pfn * m->page_size, q->size, m->align[i],
					   q->addr))
		return;
	m->pfn[i] = pfn;
	tp_queue_enable(&m->t);
}

/**
 * tp_mmio_legacy_write() - Write a register of version 1
 * @m:		register block of version 1
 * @reg:	its offset
 * @value:	untrusted
 *
 * Return: false where it is no such register.
 */
bool tp_mmio_legacy_write(struct tp_mmio *m, uint32_t reg, uint32_t value)
{
	struct tp_queue *q = tp_selected(&m->t);

	switch (reg) {
	case VIRTIO_MMIO_GUEST_PAGE_SIZE:
		m->page_size = cw_is_pow2(value) ? value : 0;
		return true;
	case VIRTIO_MMIO_QUEUE_ALIGN:
		if (q)
			m->align[q - m->t.queue] = value;
		return true;
	case VIRTIO_MMIO_QUEUE_PFN:
		if (q)
			pfn_write(m, q, value);
		return true;
	default:
		return false;
	}
}
