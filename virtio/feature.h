/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feature bits that belong to no device type (virtio 1.3, 6).
 */
#ifndef VIRTIO_FEATURE_H
#define VIRTIO_FEATURE_H

#include <stdint.h>

const char *vq_feature_name(unsigned int bit);
const char *vq_feature_refused(uint64_t offered);

#endif
