/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file behind a block device.
 *
 * Theory of operation: with io_uring an operation becomes one entry, entries
 * are submitted once per batch of requests, and the ring's own descriptor is
 * in the event loop. A transfer that comes back short is continued where it
 * stopped; one that moves nothing at all is at the end of the file, which a
 * disk has only where somebody cut it. Discards and zeroes are rare: they are
 * plain system calls, and small enough for that (struct virtio_blk_config).
 */
#include "device/blk_io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/falloc.h>
#include <linux/fs.h>

#ifdef HAVE_URING
#include <liburing.h>
#endif

#include "cw/util.h"

#define RING_ENTRIES 256
#define ZERO_CHUNK (64u << 10)

static_assert(sizeof(struct vq_seg) == sizeof(struct iovec) &&
		      offsetof(struct vq_seg, addr) == offsetof(struct iovec, iov_base) &&
		      offsetof(struct vq_seg, len) == offsetof(struct iovec, iov_len),
	      "segments are handed to the kernel as they are");

/**
 * struct blk_io - The file
 * @p:		as it was made
 * @is_block:	it is a block device
 * @can_discard: the file system can make holes
 * @watch:	the ring's descriptor; -1 without io_uring
 * @ring:	io_uring
 * @unsubmitted: entries since the last submission
 */
struct blk_io {
	struct blk_io_params p;
	bool is_block;
	bool can_discard;
	struct dev_watch watch;
#ifdef HAVE_URING
	struct io_uring ring;
	unsigned int unsubmitted;
#endif
};

static const struct iovec *op_iov(const struct blk_op *op)
{
	return (const struct iovec *)op->segs.seg;
}

/* Steps over @n bytes that were moved; whether that was all. */
static bool op_advance(struct blk_op *op, size_t n)
{
	vq_iov_discard_front(&op->segs, n);
	op->off += n;
	op->len -= n;
	return !op->len;
}

static int plain_transfer(struct blk_io *io, struct blk_op *op)
{
	int flags = op->durable ? RWF_DSYNC : 0;
	ssize_t n;

	do {
		if (op->kind == BLK_IO_READ)
			n = preadv(io->p.fd, op_iov(op), op->segs.n, op->off);
		else
			n = pwritev2(io->p.fd, op_iov(op), op->segs.n, op->off, flags);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n && op->len)
			return -EIO;
	} while (!op_advance(op, n < 0 ? 0 : n));
	return 0;
}

/* For file systems that know no other way. */
static int write_zeroes(struct blk_io *io, uint64_t off, uint64_t len)
{
	static const char zero[ZERO_CHUNK];

	while (len) {
		ssize_t n = pwrite(io->p.fd, zero, cw_min(len, (uint64_t)sizeof(zero)), off);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			return -EIO;
		off += n < 0 ? 0 : n;
		len -= n < 0 ? 0 : n;
	}
	return 0;
}

static int plain_range(struct blk_io *io, struct blk_op *op)
{
	uint64_t range[2] = {op->off, op->len};
	int mode = FALLOC_FL_KEEP_SIZE, ret;

	mode |= op->kind == BLK_IO_ZERO ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE;
	if (io->is_block)
		ret = ioctl(io->p.fd, op->kind == BLK_IO_DISCARD ? BLKDISCARD : BLKZEROOUT, range);
	else
		ret = fallocate(io->p.fd, mode, op->off, op->len);
	if (!ret)
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	/* A discard is a hint; zeroes are a promise. */
	return op->kind == BLK_IO_DISCARD ? 0 : write_zeroes(io, op->off, op->len);
}

static int plain_run(struct blk_io *io, struct blk_op *op)
{
	int ret;

	if (op->kind == BLK_IO_READ || op->kind == BLK_IO_WRITE)
		return plain_transfer(io, op);
	if (op->kind == BLK_IO_FLUSH)
		return fdatasync(io->p.fd) ? -errno : 0;
	ret = plain_range(io, op);
	if (!ret && op->durable && fdatasync(io->p.fd))
		ret = -errno;
	return ret;
}

#ifdef HAVE_URING
static bool uring_put(struct blk_io *io, struct blk_op *op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&io->ring);

	if (!sqe) {
		blk_io_submit(io);
		sqe = io_uring_get_sqe(&io->ring);
	}
	if (!sqe)
		return false;
	if (op->kind == BLK_IO_READ)
		io_uring_prep_readv(sqe, io->p.fd, op_iov(op), op->segs.n, op->off);
	else if (op->kind == BLK_IO_WRITE)
		io_uring_prep_writev2(sqe, io->p.fd, op_iov(op), op->segs.n, op->off,
				      op->durable ? RWF_DSYNC : 0);
	else
		io_uring_prep_fsync(sqe, io->p.fd, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_data(sqe, op);
	io->unsubmitted++;
	return true;
}

static void uring_done(struct blk_io *io, struct blk_op *op, int res)
{
	bool moves = op->kind != BLK_IO_FLUSH;

	if (res == -EINTR || res == -EAGAIN)
		res = 0;
	else if (moves && !res)
		res = -EIO;
	else if (!moves && !res)
		op->len = 0;
	if (res < 0 || op_advance(op, moves ? res : 0))
		op->done(op, res < 0 ? res : 0);
	else
		blk_io_start(io, op);
}

static void uring_ready(struct dev_watch *w, uint32_t events)
{
	struct blk_io *io = CW_CONTAINER_OF(w, struct blk_io, watch);
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(&io->ring, &cqe)) {
		struct blk_op *op = io_uring_cqe_get_data(cqe);
		int res = cqe->res;

		io_uring_cqe_seen(&io->ring, cqe);
		uring_done(io, op, res);
	}
	io->p.batch_done(io->p.opaque);
	blk_io_submit(io);
}

static void uring_init(struct blk_io *io)
{
	if (io_uring_queue_init(RING_ENTRIES, &io->ring, 0))
		return;
	io->watch = (struct dev_watch){io->ring.ring_fd, uring_ready};
	if (dev_loop_add(io->p.loop, &io->watch, EPOLLIN)) {
		io_uring_queue_exit(&io->ring);
		io->watch.fd = -1;
	}
}

static void uring_exit(struct blk_io *io)
{
	if (io->watch.fd < 0)
		return;
	dev_loop_del(io->p.loop, &io->watch);
	io_uring_queue_exit(&io->ring);
}

static bool uring_start(struct blk_io *io, struct blk_op *op)
{
	return io->watch.fd >= 0 && op->kind <= BLK_IO_FLUSH && uring_put(io, op);
}
#else
static void uring_init(struct blk_io *io)
{
}

static void uring_exit(struct blk_io *io)
{
}

static bool uring_start(struct blk_io *io, struct blk_op *op)
{
	return false;
}
#endif

/**
 * blk_io_create() - Use a file as a disk
 * @params:	copied; see there
 * @ret_io:	what was made; blk_io_destroy() is due
 *
 * Return: 0; -EINVAL where it is neither file nor block device; or -errno.
 */
int blk_io_create(const struct blk_io_params *params, struct blk_io **ret_io)
{
	struct blk_io *io;
	struct stat st;

	if (fstat(params->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return -EINVAL;
	io = calloc(1, sizeof(*io));
	if (!io)
		return -ENOMEM;
	io->p = *params;
	io->watch.fd = -1;
	io->is_block = S_ISBLK(st.st_mode);
	/* Past its end nothing can be hurt; what can't make holes says so. */
	io->can_discard = io->is_block ||
			  !fallocate(params->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				     cw_align_up(st.st_size, 1 << 20), 4096);
	if (!params->no_uring)
		uring_init(io);
	*ret_io = io;
	return 0;
}

/**
 * blk_io_destroy() - Let go of the file
 * @io:	file without operations
 */
void blk_io_destroy(struct blk_io *io)
{
	uring_exit(io);
	free(io);
}

/**
 * blk_io_start() - Start an operation
 * @io:	file
 * @op:	operation; op->done() is called when it is over, perhaps from here.
 *	With io_uring it begins at blk_io_submit().
 */
void blk_io_start(struct blk_io *io, struct blk_op *op)
{
	if (!uring_start(io, op))
		op->done(op, plain_run(io, op));
}

/**
 * blk_io_submit() - Hand what was started to the kernel, at once
 * @io:	file
 */
void blk_io_submit(struct blk_io *io)
{
#ifdef HAVE_URING
	while (io->unsubmitted) {
		int n = io_uring_submit(&io->ring);

		if (n == -EINTR || n == -EAGAIN)
			continue;
		/* Busy: entries stay in the ring, completions bring us back here. */
		if (n <= 0)
			return;
		io->unsubmitted -= cw_min((unsigned int)n, io->unsubmitted);
	}
#endif
}

/**
 * blk_io_size() - How large the file is now
 * @io:		file
 * @ret_size:	bytes
 *
 * Return: 0 or -errno.
 */
int blk_io_size(const struct blk_io *io, uint64_t *ret_size)
{
	off_t end = lseek(io->p.fd, 0, SEEK_END);

	if (end < 0)
		return -errno;
	*ret_size = end;
	return 0;
}

/**
 * blk_io_can_discard() - Whether space can be given back
 * @io:	file
 *
 * Return: true if so.
 */
bool blk_io_can_discard(const struct blk_io *io)
{
	return io->can_discard;
}
