/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block device (virtio 1.3, 5.2) over a file or a block device of the host.
 */
#ifndef DEVICE_BLK_H
#define DEVICE_BLK_H

#include "device/device.h"

/**
 * struct dev_blk_params - A disk to be
 * @fd:		file or block device, open for what @read_only says; the device's
 *		where 0 is returned
 * @read_only:	the guest may not write
 * @no_uring:	plain system calls even where io_uring is there
 * @nr_queues:	request queues, 1 to DEV_MAX_QUEUES
 * @block_size:	logical block size in bytes, a power of two from 512 to 32768
 * @serial:	what GET_ID answers, at most 20 bytes of it
 */
struct dev_blk_params {
	int fd;
	bool read_only;
	bool no_uring;
	unsigned int nr_queues;
	uint32_t block_size;
	const char *serial;
};

int dev_blk_create(struct dev_loop *loop, const struct dev_blk_params *params,
		   struct dev **ret_dev);
int dev_blk_resize(struct dev *d);

#endif
