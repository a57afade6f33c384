/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file behind a block device: reads, writes and the like, by io_uring
 * where the kernel has it, else by plain system calls.
 */
#ifndef DEVICE_BLK_IO_H
#define DEVICE_BLK_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "device/loop.h"
#include "virtio/iov.h"

/**
 * enum blk_io_kind - What to do
 * @BLK_IO_READ:	file to segments
 * @BLK_IO_WRITE:	segments to file
 * @BLK_IO_FLUSH:	all completed writes are on stable storage
 * @BLK_IO_DISCARD:	the range need not keep its contents
 * @BLK_IO_ZERO:	the range reads as zero, its space stays taken
 * @BLK_IO_ZERO_UNMAP:	the range reads as zero, its space may be given up
 */
enum blk_io_kind {
	BLK_IO_READ,
	BLK_IO_WRITE,
	BLK_IO_FLUSH,
	BLK_IO_DISCARD,
	BLK_IO_ZERO,
	BLK_IO_ZERO_UNMAP,
};

/**
 * struct blk_op - One operation
 * @kind:	what to do
 * @segs:	memory of a read or write; consumed
 * @off:	first byte in the file
 * @len:	bytes
 * @durable:	a write is on stable storage when it completes
 * @done:	called once, with 0 or -errno; may free the operation
 */
struct blk_op {
	enum blk_io_kind kind;
	struct vq_segs segs;
	uint64_t off;
	uint64_t len;
	bool durable;
	void (*done)(struct blk_op *op, int result);
};

/**
 * struct blk_io_params - A file to be used
 * @loop:	event loop
 * @fd:		file or block device; stays the caller's
 * @no_uring:	plain system calls
 * @batch_done:	operations were completed from the loop; called once for all that
 *		were ready. Those completed from blk_io_start() don't count.
 * @opaque:	for @batch_done
 */
struct blk_io_params {
	struct dev_loop *loop;
	int fd;
	bool no_uring;
	void (*batch_done)(void *opaque);
	void *opaque;
};

struct blk_io;

int blk_io_create(const struct blk_io_params *params, struct blk_io **ret_io);
void blk_io_destroy(struct blk_io *io);
void blk_io_start(struct blk_io *io, struct blk_op *op);
void blk_io_submit(struct blk_io *io);
int blk_io_size(const struct blk_io *io, uint64_t *ret_size);
bool blk_io_can_discard(const struct blk_io *io);

#endif
