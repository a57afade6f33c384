/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio over MMIO (virtio 1.3, 4.2), version 2, and with the option "legacy"
 * version 1.
 */
#ifndef TRANSPORT_MMIO_H
#define TRANSPORT_MMIO_H

#include "transport/transport.h"

#define TP_MMIO_SIZE 0x200 /* bytes of address space; 0x100 of them configuration */

/**
 * struct tp_mmio - The register block
 * @t:		what transports have in common; tp_init() is the caller's
 * @device_id:	virtio device id
 * @legacy:	version 1: guest page numbers instead of addresses
 * @page_size:	GuestPageSize of a legacy driver, 0 before it wrote one
 * @align:	QueueAlign of the selected queue, legacy
 * @pfn:	QueuePFN per queue, legacy
 */
struct tp_mmio {
	struct tp t;
	uint32_t device_id;
	bool legacy;
	uint32_t page_size;
	uint32_t align[TP_MAX_QUEUES];
	uint32_t pfn[TP_MAX_QUEUES];
};

uint64_t tp_mmio_read(struct tp_mmio *m, uint64_t off, unsigned int len);
void tp_mmio_write(struct tp_mmio *m, uint64_t off, uint64_t value, unsigned int len);

/* mmio_legacy.c: registers that version 1 alone has; false where it is none. */
#ifdef CW_LEGACY
bool tp_mmio_legacy_read(struct tp_mmio *m, uint32_t reg, uint32_t *ret);
bool tp_mmio_legacy_write(struct tp_mmio *m, uint32_t reg, uint32_t value);
#else
static inline bool tp_mmio_legacy_read(struct tp_mmio *m, uint32_t reg, uint32_t *ret)
{
	return false;
}

static inline bool tp_mmio_legacy_write(struct tp_mmio *m, uint32_t reg, uint32_t value)
{
	return false;
}
#endif

#endif
