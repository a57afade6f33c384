/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entropy device.
 *
 * Theory of operation: one queue; each element is filled from getrandom(),
 * segment by segment, so the host needs no memory in proportion to what the
 * guest asks for. A request is filled up to RNG_MAX bytes at a time: a guest
 * that asks for gigabytes would hold up the loop.
 */
#include "device/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include <linux/virtio_ids.h>

#include "cw/util.h"

#define RNG_MAX (64u << 10)

struct rng {
	struct dev dev;
	struct vq_elem elem;
};

/* Random bytes written to the element, at least 1 where it has room. */
static uint32_t rng_fill(const struct vq_elem *e)
{
	uint32_t done = 0;

	for (size_t i = 0; i < e->in.n && done < RNG_MAX; i++) {
		size_t want = cw_min(e->in.seg[i].len, (size_t)(RNG_MAX - done));
		ssize_t n;

		do
			n = getrandom(e->in.seg[i].addr, want, 0);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			break;
		done += n;
		if ((size_t)n < e->in.seg[i].len)
			break;
	}
	return done;
}

static void rng_kicked(struct dev *d, unsigned int i)
{
	struct rng *r = CW_CONTAINER_OF(d, struct rng, dev);
	struct vq *q = d->queue[i];

	vq_disable_notify(q);
	do {
		while (vq_pop(q, &r->elem) > 0) {
			/* virtio 1.3, 5.4.6.1: the driver gives no readable buffer. */
			if (r->elem.out_len) {
				vq_break(q, VQ_FAULT_DEVICE);
				return;
			}
			vq_push(q, &r->elem, rng_fill(&r->elem));
		}
	} while (vq_enable_notify(q));
	d->host->notify(d, i);
}

static void rng_destroy(struct dev *d)
{
	free(CW_CONTAINER_OF(d, struct rng, dev));
}

static const struct dev_ops rng_ops = {
	.name = "rng",
	.virtio_id = VIRTIO_ID_RNG,
	.queue_kicked = rng_kicked,
	.destroy = rng_destroy,
};

/**
 * dev_rng_create() - Make an entropy device
 * @loop:	event loop; it needs nothing of it
 * @ret_dev:	the device; dev_destroy() is due
 *
 * Return: 0 or -ENOMEM.
 */
int dev_rng_create(struct dev_loop *loop, struct dev **ret_dev)
{
	struct rng *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->dev = (struct dev){
		.ops = &rng_ops,
		.loop = loop,
		.offered = DEV_RING_FEATURES,
		.nr_queues = 1,
	};
	*ret_dev = &r->dev;
	return 0;
}
