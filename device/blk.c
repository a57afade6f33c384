/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block device (virtio 1.3, 5.2): the protocol; blk_io.c has the file.
 *
 * Theory of operation: an element becomes a request, which is judged from a
 * private copy of its header and then is one operation on the file. Nothing
 * depends on how the driver cut header, data and status into descriptors. At
 * most BLK_INFLIGHT requests are under way; more wait in the queues, which are
 * looked at again when one is over.
 */
#include "device/blk.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include "device/blk_io.h"

#include "cw/util.h"

#define SECTOR 512u
#define BLK_INFLIGHT 128
/* Header and status may take a segment each, and each may lie over a seam. */
#define BLK_SEG_MAX (VQ_MAX_SEGS / 2 - 2)
#define BLK_ZEROES_MAX (4u << 20) /* bytes of a zeroes or discard range */

struct blk;

/**
 * struct blk_req - A request under way
 * @op:		operation on the file
 * @blk:	device
 * @queue:	queue it came from
 * @data_in:	bytes of data the device may write; the status lies behind them
 * @status:	where the status byte goes
 * @next:	next free one
 * @elem:	element
 */
struct blk_req {
	struct blk_op op;
	struct blk *blk;
	unsigned int queue;
	uint32_t data_in;
	uint8_t *status;
	struct blk_req *next;
	struct vq_elem elem;
};

/**
 * struct blk - The device
 * @dev:	what all devices have
 * @io:		file
 * @fd:		its descriptor
 * @capacity:	bytes
 * @read_only:	the guest may not write
 * @serial:	answer to GET_ID, filled up with zeroes
 * @free:	requests that are not in use
 * @nr_alloc:	requests that exist
 * @held:	requests under way, per queue
 * @starved:	queues that have elements we had no request for
 * @dirty:	queues with answers that the driver was not told of
 */
struct blk {
	struct dev dev;
	struct blk_io *io;
	int fd;
	uint64_t capacity;
	bool read_only;
	char serial[VIRTIO_BLK_ID_BYTES];
	struct blk_req *free;
	unsigned int nr_alloc;
	unsigned int held[DEV_MAX_QUEUES];
	uint64_t starved;
	uint64_t dirty;
};

static struct blk *blk_of(struct dev *d)
{
	return CW_CONTAINER_OF(d, struct blk, dev);
}

static struct blk_req *req_get(struct blk *b)
{
	struct blk_req *r = b->free;

	if (r) {
		b->free = r->next;
		return r;
	}
	if (b->nr_alloc == BLK_INFLIGHT)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (r)
		b->nr_alloc++;
	return r;
}

static void req_put(struct blk *b, struct blk_req *r)
{
	r->next = b->free;
	b->free = r;
}

/*
 * Answers a request. @n bytes were stored at the front of its data; the status
 * counts as written where nothing is left out before it (2.7.8.2).
 */
static void req_answer(struct blk_req *r, uint8_t status, uint32_t n)
{
	struct blk *b = r->blk;

	*(volatile uint8_t *)r->status = status;
	dev_push(&b->dev, r->queue, &r->elem, n + 1 == r->elem.in_len ? n + 1 : n);
	b->dirty |= 1ULL << r->queue;
	b->held[r->queue]--;
	req_put(b, r);
}

static uint8_t status_of(int result)
{
	return !result ? VIRTIO_BLK_S_OK :
	       result == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP :
				       VIRTIO_BLK_S_IOERR;
}

static void op_done(struct blk_op *op, int result)
{
	struct blk_req *r = CW_CONTAINER_OF(op, struct blk_req, op);
	bool read = op->kind == BLK_IO_READ && !result;

	req_answer(r, status_of(result), read ? r->data_in : 0);
}

static bool is_durable(struct blk *b)
{
	const struct virtio_blk_config *c = (const void *)b->dev.config.data;

	/* 5.2.6.2: without FLUSH, or with the cache off, a write is through. */
	if (dev_has(&b->dev, VIRTIO_BLK_F_CONFIG_WCE))
		return !c->wce;
	return !dev_has(&b->dev, VIRTIO_BLK_F_FLUSH);
}

/* Whether [sector, sector + len) is on the disk; sets op->off and op->len. */
static bool req_range(struct blk_req *r, uint64_t sector, uint64_t len)
{
	uint64_t off = sector * SECTOR;

	if (sector > UINT64_MAX / SECTOR || !cw_range_ok(off, len, r->blk->capacity))
		return false;
	r->op.off = off;
	r->op.len = len;
	return true;
}

static int start_read(struct blk_req *r, uint64_t sector)
{
	r->op.kind = BLK_IO_READ;
	r->op.segs = r->elem.in;
	if (r->data_in % SECTOR || !req_range(r, sector, r->data_in))
		return -EIO;
	return r->data_in ? 1 : 0;
}

static int start_write(struct blk_req *r, uint64_t sector)
{
	size_t len = vq_iov_size(r->elem.out.seg, r->elem.out.n);

	r->op.kind = BLK_IO_WRITE;
	r->op.segs = r->elem.out;
	if (r->blk->read_only || len % SECTOR || !req_range(r, sector, len))
		return -EIO;
	return len ? 1 : 0;
}

static int start_flush(struct blk_req *r, uint64_t sector)
{
	if (!dev_has(&r->blk->dev, VIRTIO_BLK_F_FLUSH))
		return -EOPNOTSUPP;
	r->op.kind = BLK_IO_FLUSH;
	r->op.len = 0;
	return 1;
}

static int start_get_id(struct blk_req *r, uint64_t sector)
{
	struct vq_segs in = r->elem.in;

	r->data_in = cw_min(r->data_in, (uint32_t)VIRTIO_BLK_ID_BYTES);
	vq_iov_put(&in, r->blk->serial, r->data_in);
	return 0;
}

/* 5.2.6.2: one range; unknown flags and UNMAP of a discard are refused. */
static int start_range(struct blk_req *r, unsigned int feature, uint32_t flags_ok)
{
	struct virtio_blk_discard_write_zeroes range;
	struct vq_segs out = r->elem.out;
	uint64_t len;

	if (!dev_has(&r->blk->dev, feature))
		return -EOPNOTSUPP;
	if (r->blk->read_only || vq_iov_pull(&out, &range, sizeof(range)) || out.n)
		return -EIO;
	if (le32toh(range.flags) & ~flags_ok)
		return -EOPNOTSUPP;
	len = (uint64_t)le32toh(range.num_sectors) * SECTOR;
	if (len > BLK_ZEROES_MAX || !req_range(r, le64toh(range.sector), len))
		return -EIO;
	if (le32toh(range.flags) & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP)
		r->op.kind = BLK_IO_ZERO_UNMAP;
	return len ? 1 : 0;
}

static int start_discard(struct blk_req *r, uint64_t sector)
{
	r->op.kind = BLK_IO_DISCARD;
	return start_range(r, VIRTIO_BLK_F_DISCARD, 0);
}

static int start_write_zeroes(struct blk_req *r, uint64_t sector)
{
	r->op.kind = BLK_IO_ZERO;
	return start_range(r, VIRTIO_BLK_F_WRITE_ZEROES, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
}

/* By request type: 1 where r->op is to be run, 0 where all is done, or -errno. */
static int (*const start[])(struct blk_req *r, uint64_t sector) = {
	[VIRTIO_BLK_T_IN] = start_read,
	[VIRTIO_BLK_T_OUT] = start_write,
	[VIRTIO_BLK_T_FLUSH] = start_flush,
	[VIRTIO_BLK_T_GET_ID] = start_get_id,
	[VIRTIO_BLK_T_DISCARD] = start_discard,
	[VIRTIO_BLK_T_WRITE_ZEROES] = start_write_zeroes,
};

/* Takes header and status off the element; false where one is missing. */
static bool req_open(struct blk_req *r, struct virtio_blk_outhdr *hdr)
{
	const struct vq_seg *last;

	if (!r->elem.in_len || vq_iov_pull(&r->elem.out, hdr, sizeof(*hdr)))
		return false;
	last = &r->elem.in.seg[r->elem.in.n - 1];
	r->status = (uint8_t *)last->addr + last->len - 1;
	r->data_in = r->elem.in_len - 1;
	vq_iov_discard_back(&r->elem.in, 1);
	return true;
}

static void req_run(struct blk_req *r, const struct virtio_blk_outhdr *hdr)
{
	uint32_t type = le32toh(hdr->type);
	int ret = -EOPNOTSUPP;

	r->op.done = op_done;
	r->op.durable = is_durable(r->blk);
	if (type < CW_ARRAY_SIZE(start) && start[type])
		ret = start[type](r, le64toh(hdr->sector));
	if (ret > 0)
		blk_io_start(r->blk->io, &r->op);
	else
		req_answer(r, status_of(ret), type == VIRTIO_BLK_T_GET_ID ? r->data_in : 0);
}

/* One signal per queue for all that was answered. */
static void notify_dirty(struct blk *b)
{
	uint64_t dirty = b->dirty;

	b->dirty = 0;
	for (; dirty; dirty &= dirty - 1)
		b->dev.host->notify(&b->dev, __builtin_ctzll(dirty));
}

/* Takes one element; 0 where there is none to take, -errno of a broken queue. */
static int take_one(struct blk *b, unsigned int i)
{
	struct blk_req *r = req_get(b);
	struct virtio_blk_outhdr hdr;
	int ret;

	if (!r) {
		b->starved |= 1ULL << i;
		return 0;
	}
	ret = vq_pop(b->dev.queue[i], &r->elem);
	if (ret <= 0) {
		req_put(b, r);
		return ret;
	}
	r->blk = b;
	r->queue = i;
	if (!req_open(r, &hdr)) {
		req_put(b, r);
		return vq_break(b->dev.queue[i], VQ_FAULT_DEVICE);
	}
	b->held[i]++;
	req_run(r, &hdr);
	return 1;
}

static void blk_kicked(struct dev *d, unsigned int i)
{
	struct blk *b = blk_of(d);
	struct vq *q = d->queue[i];
	int ret;

	vq_disable_notify(q);
	do {
		while ((ret = take_one(b, i)) > 0)
			;
	} while (!ret && !(b->starved & (1ULL << i)) && vq_enable_notify(q));
	blk_io_submit(b->io);
	notify_dirty(b);
}

/* A batch of operations is over: there are requests for who had to wait. */
static void batch_done(void *opaque)
{
	struct blk *b = opaque;
	uint64_t starved = b->starved;

	notify_dirty(b);
	b->starved = 0;
	for (; starved; starved &= starved - 1)
		dev_queue_kick(&b->dev, __builtin_ctzll(starved));
	dev_continue(&b->dev);
}

static int blk_queue_stopped(struct dev *d, unsigned int i)
{
	struct blk *b = blk_of(d);

	b->starved &= ~(1ULL << i);
	blk_io_submit(b->io);
	return b->held[i] ? -EAGAIN : 0;
}

static int blk_drain(struct dev *d)
{
	struct blk *b = blk_of(d);

	blk_io_submit(b->io);
	for (unsigned int i = 0; i < d->nr_queues; i++)
		if (b->held[i])
			return -EAGAIN;
	return 0;
}

static void blk_reset(struct dev *d)
{
	struct virtio_blk_config *c = (void *)d->config.data;

	c->wce = 1;
}

static void blk_destroy(struct dev *d)
{
	struct blk *b = blk_of(d);

	while (b->free) {
		struct blk_req *r = b->free;

		b->free = r->next;
		free(r);
	}
	if (b->io)
		blk_io_destroy(b->io);
	close(b->fd);
	free(b);
}

static const struct dev_ops blk_ops = {
	.name = "blk",
	.virtio_id = VIRTIO_ID_BLOCK,
	.queue_stopped = blk_queue_stopped,
	.queue_kicked = blk_kicked,
	.drain = blk_drain,
	.reset = blk_reset,
	.destroy = blk_destroy,
};

/**
 * dev_blk_resize() - Look how large the file is now, and tell the driver
 * @d:	block device
 *
 * Return: 0 or -errno.
 */
int dev_blk_resize(struct dev *d)
{
	struct blk *b = blk_of(d);
	uint64_t size, sectors;
	int ret = blk_io_size(b->io, &size);

	if (ret || size / SECTOR * SECTOR == b->capacity)
		return ret;
	b->capacity = size / SECTOR * SECTOR;
	sectors = htole64(size / SECTOR);
	return dev_config_update(d, offsetof(struct virtio_blk_config, capacity), &sectors,
				 sizeof(sectors));
}

static void blk_config_init(struct blk *b, const struct dev_blk_params *p)
{
	uint32_t unit = cw_max(p->block_size, 4096u) / p->block_size;
	struct virtio_blk_config c = {
		.capacity = htole64(b->capacity / SECTOR),
		.seg_max = htole32(BLK_SEG_MAX),
		.blk_size = htole32(p->block_size),
		.physical_block_exp = __builtin_ctz(unit),
		.min_io_size = htole16(unit),
		.opt_io_size = htole32(unit * 16),
		.wce = 1,
		.num_queues = htole16(p->nr_queues),
		.max_discard_sectors = htole32(BLK_ZEROES_MAX / SECTOR),
		.max_discard_seg = htole32(1),
		.discard_sector_alignment = htole32(p->block_size / SECTOR),
		.max_write_zeroes_sectors = htole32(BLK_ZEROES_MAX / SECTOR),
		.max_write_zeroes_seg = htole32(1),
		.write_zeroes_may_unmap = blk_io_can_discard(b->io),
	};

	vq_config_init(&b->dev.config, &c, sizeof(c));
	b->dev.config.write_off = offsetof(struct virtio_blk_config, wce);
	b->dev.config.write_len = sizeof(c.wce);
}

static uint64_t blk_features(const struct blk *b, const struct dev_blk_params *p)
{
	uint64_t f = DEV_RING_FEATURES | 1ULL << VIRTIO_BLK_F_SEG_MAX |
		     1ULL << VIRTIO_BLK_F_BLK_SIZE | 1ULL << VIRTIO_BLK_F_TOPOLOGY |
		     1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_CONFIG_WCE;

	if (p->nr_queues > 1)
		f |= 1ULL << VIRTIO_BLK_F_MQ;
	if (p->read_only)
		return f | 1ULL << VIRTIO_BLK_F_RO;
	f |= 1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
	return blk_io_can_discard(b->io) ? f | 1ULL << VIRTIO_BLK_F_DISCARD : f;
}

/**
 * dev_blk_create() - Make a block device
 * @loop:	event loop
 * @params:	what it is
 * @ret_dev:	the device; dev_destroy() is due, which also closes the file
 *
 * Return: 0; -EINVAL for a file or parameters that can't be; or -errno.
 */
int dev_blk_create(struct dev_loop *loop, const struct dev_blk_params *params,
		   struct dev **ret_dev)
{
	struct blk_io_params io_params = {
		.loop = loop,
		.fd = params->fd,
		.no_uring = params->no_uring,
		.batch_done = batch_done,
	};
	struct blk *b;
	int ret;

	if (!cw_is_pow2(params->block_size) || params->block_size < SECTOR ||
	    params->block_size > 32768 || !params->nr_queues ||
	    params->nr_queues > DEV_MAX_QUEUES)
		return -EINVAL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	io_params.opaque = b;
	ret = blk_io_create(&io_params, &b->io);
	if (!ret)
		ret = blk_io_size(b->io, &b->capacity);
	if (ret) {
		if (b->io)
			blk_io_destroy(b->io);
		free(b);
		return ret;
	}
	b->capacity -= b->capacity % SECTOR;
	b->fd = params->fd;
	b->read_only = params->read_only;
	strncpy(b->serial, params->serial ? params->serial : "", sizeof(b->serial));
	b->dev = (struct dev){
		.ops = &blk_ops,
		.loop = loop,
		.offered = blk_features(b, params),
		.nr_queues = params->nr_queues,
	};
	blk_config_init(b, params);
	*ret_dev = &b->dev;
	return 0;
}
