/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/device/rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cw/util.h"

static struct rig *rig_of(struct dev *d)
{
	return d->host_data;
}

static void on_notify(struct dev *d, unsigned int i)
{
	rig_of(d)->notified[i] += d->queue[i] && vq_should_notify(d->queue[i]);
}

static void on_config_changed(struct dev *d)
{
	rig_of(d)->config_changes++;
}

static void on_proceed(struct dev *d)
{
	rig_of(d)->proceeds++;
}

static const struct dev_host rig_host = {on_notify, on_config_changed, on_proceed};

/* Guest memory and an event loop; the test makes the device itself. */
void rig_open(struct rig *g)
{
	memset(g, 0, sizeof(*g));
	CHECK_EQ(dev_loop_init(&g->loop), 0);
	g->ram = aligned_alloc(4096, RIG_RAM);
	memset(g->ram, 0, RIG_RAM);
	vq_mem_init(&g->mem);
	CHECK_EQ(vq_mem_add(&g->mem, RIG_GPA, RIG_RAM / 2, g->ram), 0);
	CHECK_EQ(vq_mem_add(&g->mem, RIG_GPA + RIG_RAM / 2, RIG_RAM / 2, g->ram + RIG_RAM / 2), 0);
	for (int i = 0; i < RIG_QUEUES; i++)
		vq_init(&g->q[i], NULL, NULL);
}

/* Negotiates @features, or all that are offered for 0, and starts all queues. */
void rig_start(struct rig *g, uint64_t features)
{
	g->dev->host = &rig_host;
	g->dev->host_data = g;
	g->features = features ? features : g->dev->offered & ~(1ull << VIRTIO_F_IN_ORDER);
	dev_set_features(g->dev, g->features);
	for (unsigned int i = 0; i < g->dev->nr_queues; i++) {
		struct vq_setup s = {.mem = &g->mem, .features = g->features,
				     .size = RIG_QUEUE_SIZE,
				     .base = vq_fresh_base(g->features)};

		for (int a = 0; a < VQ_AREA_COUNT; a++)
			s.area[a] = rig_ptr(g, rig_room(g, vq_area_size(a, s.size, s.features)));
		CHECK_EQ(vq_driver_init(&g->drv[i], s.area, s.size, s.features), 0);
		CHECK_EQ(vq_start(&g->q[i], &s), 0);
		dev_queue_start(g->dev, i, &g->q[i]);
	}
}

/* Stops the queues, as long as that takes, and resets the device. */
void rig_stop(struct rig *g)
{
	for (unsigned int i = 0; i < g->dev->nr_queues; i++) {
		while (dev_queue_stop(g->dev, i))
			CHECK(dev_loop_turn(&g->loop, -1) >= 0);
		vq_stop(&g->q[i]);
		vq_driver_finish(&g->drv[i]);
	}
	dev_reset(g->dev);
	g->used = 0;
}

void rig_close(struct rig *g)
{
	rig_stop(g);
	dev_destroy(g->dev);
	dev_loop_finish(&g->loop);
	free(g->ram);
}

/* Guest memory that nobody else uses. */
uint64_t rig_room(struct rig *g, uint32_t len)
{
	uint64_t at = g->used;

	g->used = cw_align_up(at + len, 64);
	CHECK(g->used <= RIG_RAM);
	return RIG_GPA + at;
}

uint64_t rig_put(struct rig *g, const void *data, uint32_t len)
{
	uint64_t gpa = rig_room(g, len);

	memcpy(rig_ptr(g, gpa), data, len);
	return gpa;
}

void *rig_ptr(struct rig *g, uint64_t gpa)
{
	return g->ram + (gpa - RIG_GPA);
}

/* Makes a request available, with a table where the driver may. */
void rig_post(struct rig *g, unsigned int i, const struct vq_buf *buf, uint16_t nr_out,
	      uint16_t nr_in)
{
	struct vq_request req = {.buf = buf, .nr_out = nr_out, .nr_in = nr_in, .token = g};

	if (g->features & (1ull << VIRTIO_RING_F_INDIRECT_DESC) && nr_out + nr_in > 1) {
		req.table_gpa = rig_room(g, (nr_out + nr_in) * 16);
		req.table = rig_ptr(g, req.table_gpa);
	}
	CHECK(vq_driver_add(&g->drv[i], &req) >= 0);
}

void rig_kick(struct rig *g, unsigned int i)
{
	vq_driver_publish(&g->drv[i]);
	if (vq_driver_kick_needed(&g->drv[i]))
		dev_queue_kick(g->dev, i);
}

/* Waits for a request to come back: the used length. */
uint32_t rig_wait(struct rig *g, unsigned int i)
{
	uint32_t len = 0;

	/* A turn may end early: io_uring interrupts the wait for its own work. */
	while (!vq_driver_get(&g->drv[i], &len)) {
		CHECK(!g->q[i].fault);
		CHECK(dev_loop_turn(&g->loop, -1) >= 0);
	}
	return len;
}

uint32_t rig_request(struct rig *g, unsigned int i, const struct vq_buf *buf, uint16_t nr_out,
		     uint16_t nr_in)
{
	rig_post(g, i, buf, nr_out, nr_in);
	rig_kick(g, i);
	return rig_wait(g, i);
}
