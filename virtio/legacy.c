/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Legacy layout of a split ring.
 */
#include "virtio/legacy.h"

#include <errno.h>

#include "cw/util.h"

/* Legacy rings have room for the event index whether it is used or not. */
#define LEGACY_FEATURES (1ULL << VIRTIO_RING_F_EVENT_IDX)

static uint64_t used_offset(uint16_t size, uint32_t align)
{
	return cw_align_up(vq_area_size(VQ_AREA_DESC, size, 0) +
				   vq_area_size(VQ_AREA_DRIVER, size, LEGACY_FEATURES),
			   align);
}

/**
 * vq_legacy_size() - Bytes from the first descriptor to the end of the ring
 * @size:	descriptors
 * @align:	of the used ring, a power of two
 *
 * Return: bytes.
 */
size_t vq_legacy_size(uint16_t size, uint32_t align)
{
	return used_offset(size, align) + vq_area_size(VQ_AREA_DEVICE, size, LEGACY_FEATURES);
}

/**
 * vq_legacy_layout() - Where the parts of a legacy ring are
 * @base:	guest address of the first descriptor, untrusted
 * @size:	descriptors: power of two, at most VQ_MAX_SIZE
 * @align:	of the used ring: power of two, untrusted. PCI: 4096
 * @ret:	guest addresses of the parts
 *
 * Return: 0, or -EINVAL where there can be no such ring.
 */
int vq_legacy_layout(uint64_t base, uint16_t size, uint32_t align, uint64_t ret[VQ_AREA_COUNT])
{
	if (!cw_is_pow2(size) || size > VQ_MAX_SIZE || !cw_is_pow2(align) || align < 4 ||
	    align > 1u << 20)
		return -EINVAL;
	if (base & (VRING_DESC_ALIGN_SIZE - 1) || base > UINT64_MAX - vq_legacy_size(size, align))
		return -EINVAL;
	ret[VQ_AREA_DESC] = base;
	ret[VQ_AREA_DRIVER] = base + vq_area_size(VQ_AREA_DESC, size, 0);
	ret[VQ_AREA_DEVICE] = base + used_offset(size, align);
	return 0;
}
