/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Legacy layout of a split ring: one run of pages (virtio 1.3, 2.7.2). Built
 * only with the option "legacy".
 */
#ifndef VIRTIO_LEGACY_H
#define VIRTIO_LEGACY_H

#include <stddef.h>
#include <stdint.h>

#include "virtio/queue.h"

int vq_legacy_layout(uint64_t base, uint16_t size, uint32_t align, uint64_t ret[VQ_AREA_COUNT]);
size_t vq_legacy_size(uint16_t size, uint32_t align);

#endif
