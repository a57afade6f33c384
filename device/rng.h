/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entropy device (virtio 1.3, 5.4): the kernel's random numbers for a guest.
 */
#ifndef DEVICE_RNG_H
#define DEVICE_RNG_H

#include "device/device.h"

int dev_rng_create(struct dev_loop *loop, struct dev **ret_dev);

#endif
