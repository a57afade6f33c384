/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues over vhost-user: start, stop, pause, reset, and every way to describe
 * a queue wrongly.
 */
#include "vhost/backend.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cw/util.h"

#include "tests/tap.h"
#include "tests/vhost/fake_device.h"

static int set_state(struct fake *d, uint32_t request, uint32_t index, uint32_t num)
{
	struct vu_vring_state s = {index, num};

	return front_set(&d->f, request, &s, sizeof(s), NULL);
}

static int set_fd(struct fake *d, uint32_t request, uint64_t value, int fd)
{
	return front_set(&d->f, request, &value, sizeof(value), fd < 0 ? NULL : FRONT_FD(fd));
}

static struct fake *open_with_memory(uint64_t features, uint64_t protocol)
{
	struct fake *d = fake_open();

	CHECK_EQ(front_negotiate_as(&d->f, features, protocol), 0);
	CHECK_EQ(front_share(&d->f, 1 << 20), 0);
	return d;
}

TEST(queue_echoes)
{
	struct fake *d = fake_open_running();

	for (int i = 1; i < 100; i++)
		CHECK_EQ(fake_echo(d, 0, i * 10), 0);
	CHECK_EQ(vu_queue(d->b, 0)->stat.pushed, 99);
	CHECK_EQ(fake_close(d), 0);
}

TEST(every_queue_echoes)
{
	struct fake *d = fake_open_running();

	CHECK_EQ(front_start_queue(&d->f, 1, 256), 0);
	CHECK_EQ(front_start_queue(&d->f, 2, 1024), 0);
	for (int i = 0; i < FAKE_QUEUES; i++)
		CHECK_EQ(fake_echo(d, i, 1000 + i), 0);
	CHECK_EQ(fake_close(d), 0);
}

TEST(minimal_front_end_works)
{
	/* What User-mode Linux and libkrun have: no MQ, slots, status, answers. */
	struct fake *d = open_with_memory(FRONT_FEATURES, 1ull << VU_PF_CONFIG);

	CHECK_EQ(front_start_queue(&d->f, 0, 8), 0);
	CHECK_EQ(fake_echo(d, 0, 100), 0);
	CHECK_EQ(front_stop_queue(&d->f, 0), 1);
	CHECK_EQ(fake_close(d), 0);
}

TEST(front_end_without_protocol_features_works)
{
	struct fake *d = open_with_memory(1ull << VIRTIO_F_VERSION_1, 0);

	/* There, a queue needs no SET_VRING_ENABLE. */
	CHECK_EQ(front_start_queue(&d->f, 0, 8), 0);
	CHECK_EQ(fake_echo(d, 0, 100), 0);
	CHECK_EQ(fake_close(d), 0);
}

TEST(described_queue_is_disabled_until_it_is_enabled)
{
	struct fake *d = open_with_memory(FRONT_FEATURES, FRONT_PROTOCOL);

	CHECK_EQ(front_prepare_queue(&d->f, 0, 8), 0);
	fake_diary_clear(d);
	CHECK_EQ(front_describe_queue(&d->f, 0, 0), 0);
	front_kick(&d->f, 0);
	CHECK_STR(d->diary, "");
	CHECK_EQ(front_enable_queue(&d->f, 0, true), 0);
	CHECK_STR(d->diary, "start0 kick0 kick0");
	CHECK_EQ(fake_echo(d, 0, 100), 0);
	CHECK_EQ(fake_close(d), 0);
}

TEST(disabled_queue_pauses_and_goes_on)
{
	struct fake *d = fake_open_running();

	CHECK_EQ(fake_echo(d, 0, 100), 0);
	fake_diary_clear(d);
	CHECK_EQ(front_enable_queue(&d->f, 0, false), 0);
	CHECK_STR(d->diary, "stop0");
	CHECK_EQ(fake_echo(d, 0, 100), -ETIMEDOUT);
	CHECK_EQ(front_enable_queue(&d->f, 0, true), 0);
	CHECK_EQ(vu_queue(d->b, 0)->stat.pushed, 2);
	CHECK_EQ(fake_close(d), 0);
}

TEST(stopped_queue_tells_its_base_and_restarts_there)
{
	struct fake *d = fake_open_running();

	for (int i = 0; i < 3; i++)
		CHECK_EQ(fake_echo(d, 0, 100), 0);
	fake_diary_clear(d);
	CHECK_EQ(front_stop_queue(&d->f, 0), 3);
	CHECK_STR(d->diary, "stop0");
	CHECK_EQ(front_stop_queue(&d->f, 0), 3);
	CHECK_STR(d->diary, "stop0");
	CHECK_EQ(set_state(d, VU_SET_VRING_BASE, 0, 3), 0);
	CHECK_EQ(set_fd(d, VU_SET_VRING_KICK, 0, d->f.q[0].kick), 0);
	CHECK_EQ(fake_echo(d, 0, 100), 0);
	CHECK_EQ(fake_close(d), 0);
}

TEST(stop_waits_until_the_device_is_quiet)
{
	struct fake *d = fake_open_running();
	struct vu_msg m = {.hdr = {VU_GET_VRING_BASE, VU_VERSION, 8}};

	d->put_off = 2;
	CHECK_EQ(front_send(&d->f, &m, NULL), 0);
	CHECK_EQ(front_recv(&d->f, &m), -ETIMEDOUT);
	CHECK_STR(d->diary, "later");
	/* Nothing else is looked at meanwhile, kicks included. */
	front_kick(&d->f, 0);
	vu_continue(d->b);
	CHECK_EQ(front_recv(&d->f, &m), -ETIMEDOUT);
	CHECK_STR(d->diary, "later later");
	vu_continue(d->b);
	CHECK_EQ(front_recv(&d->f, &m), 0);
	CHECK_EQ(m.hdr.request, VU_GET_VRING_BASE);
	CHECK_STR(d->diary, "later later stop0");
	vu_continue(d->b);
	CHECK_EQ(front_set_u64(&d->f, VU_SET_STATUS, 0), 0);
	CHECK_EQ(fake_close(d), 0);
}

TEST(elements_held_at_a_stop_are_given_back_before_the_answer)
{
	struct fake *d = fake_open_running();
	struct vq_buf buf = {front_alloc(&d->f, 16, 16), 16};
	struct vq_request req = {.buf = &buf, .nr_in = 1, .token = d};
	uint32_t len;

	d->hold = true;
	CHECK_EQ(front_submit(&d->f, 0, &req), 0);
	CHECK_EQ(d->nr_held, 1);
	CHECK_EQ(front_stop_queue(&d->f, 0), 1);
	CHECK(vq_driver_get(&d->f.q[0].drv, &len) == d);
	CHECK_EQ(fake_close(d), 0);
}

TEST(hang_up_waits_until_the_device_is_quiet)
{
	struct fake *d = fake_open_running();

	d->put_off = 3;
	front_close(&d->f);
	CHECK(vu_connected(d->b));
	CHECK_STR(d->diary, "later");
	vu_continue(d->b);
	vu_continue(d->b);
	CHECK(vu_connected(d->b));
	vu_continue(d->b);
	CHECK_STR(d->diary, "later later later stop0 remove gone");
	CHECK_EQ(fake_close(d), 0);
}

TEST(reset_stops_queues_and_then_the_device)
{
	struct fake *d = fake_open_running();

	CHECK_EQ(fake_echo(d, 0, 100), 0);
	fake_diary_clear(d);
	CHECK_EQ(front_set(&d->f, VU_RESET_DEVICE, NULL, 0, NULL), 0);
	CHECK_STR(d->diary, "stop0 reset");
	CHECK_EQ(front_enable_queue(&d->f, 0, true), 0);
	/* Stopped for good: a new kick descriptor is needed. */
	CHECK_EQ(fake_echo(d, 0, 100), -ETIMEDOUT);
	CHECK_EQ(fake_close(d), 0);
}

TEST(reset_waits_until_the_device_is_quiet)
{
	struct fake *d = fake_open_running();
	struct vu_msg m = {.hdr = {VU_RESET_DEVICE, VU_VERSION | VU_FLAG_NEED_REPLY, 0}};

	d->put_off = 1;
	CHECK_EQ(front_send(&d->f, &m, NULL), 0);
	CHECK_EQ(front_recv(&d->f, &m), -ETIMEDOUT);
	d->put_off = 1;
	vu_continue(d->b);
	CHECK_EQ(front_recv(&d->f, &m), -ETIMEDOUT);
	vu_continue(d->b);
	CHECK_EQ(front_recv(&d->f, &m), 0);
	CHECK_EQ(m.u64, 0);
	CHECK_STR(d->diary, "later later stop0 reset");
	CHECK_EQ(fake_close(d), 0);
}

TEST(status_zero_stops_queues)
{
	struct fake *d = fake_open_running();

	d->status = -1;
	CHECK_EQ(front_set_u64(&d->f, VU_SET_STATUS, 0), 0);
	CHECK_STR(d->diary, "stop0");
	CHECK_EQ(d->status, 0);
	CHECK_EQ(fake_close(d), 0);
}

TEST(reset_owner_stops_queues)
{
	struct fake *d = fake_open_running();

	CHECK_EQ(front_set(&d->f, VU_RESET_OWNER, NULL, 0, NULL), 0);
	CHECK_STR(d->diary, "stop0");
	CHECK_EQ(fake_close(d), 0);
}

TEST(queue_index_out_of_range_is_refused)
{
	static const uint32_t state[] = {VU_SET_VRING_NUM, VU_SET_VRING_BASE, VU_SET_VRING_ENABLE};
	static const uint32_t fds[] = {VU_SET_VRING_KICK, VU_SET_VRING_CALL, VU_SET_VRING_ERR};
	static const uint32_t index[] = {FAKE_QUEUES, 255, 256, UINT32_MAX};
	struct fake *d = fake_open_running();

	for (size_t k = 0; k < CW_ARRAY_SIZE(index); k++) {
		struct vu_vring_addr addr = {.index = index[k]};

		for (size_t i = 0; i < CW_ARRAY_SIZE(state); i++)
			CHECK_EQ(set_state(d, state[i], index[k], 1), -EREMOTEIO);
		for (size_t i = 0; i < CW_ARRAY_SIZE(fds); i++)
			CHECK_EQ(set_fd(d, fds[i], index[k], d->f.q[0].err), -EREMOTEIO);
		CHECK_EQ(front_set(&d->f, VU_SET_VRING_ADDR, &addr, sizeof(addr), NULL),
			 -EREMOTEIO);
	}
	CHECK_EQ(fake_echo(d, 0, 10), 0);
	CHECK_EQ(front_stop_queue(&d->f, FAKE_QUEUES), -ECONNRESET);
	CHECK_EQ(fake_close(d), 0);
}

TEST(queue_size_that_cannot_be_is_refused)
{
	static const uint32_t num[] = {0, 3, 100, 2048, 32768, 65536, 1u << 31, UINT32_MAX};
	struct fake *d = open_with_memory(FRONT_FEATURES, FRONT_PROTOCOL);

	for (size_t i = 0; i < CW_ARRAY_SIZE(num); i++)
		CHECK_EQ(set_state(d, VU_SET_VRING_NUM, 0, num[i]), -EREMOTEIO);
	CHECK_EQ(set_state(d, VU_SET_VRING_NUM, 0, 1), 0);
	CHECK_EQ(set_state(d, VU_SET_VRING_BASE, 0, 65536), -EREMOTEIO);
	CHECK_EQ(set_state(d, VU_SET_VRING_ENABLE, 0, 2), -EREMOTEIO);
	CHECK_EQ(fake_close(d), 0);
}

TEST(running_queue_is_not_described_anew)
{
	struct fake *d = fake_open_running();
	struct vu_vring_addr addr = {.index = 0};

	CHECK_EQ(set_state(d, VU_SET_VRING_NUM, 0, 16), -EREMOTEIO);
	CHECK_EQ(set_state(d, VU_SET_VRING_BASE, 0, 0), -EREMOTEIO);
	CHECK_EQ(front_set(&d->f, VU_SET_VRING_ADDR, &addr, sizeof(addr), NULL), -EREMOTEIO);
	CHECK_EQ(fake_echo(d, 0, 10), 0);
	CHECK_EQ(fake_close(d), 0);
}

/* Moves one part of the ring of queue 0 to @uva; what the back end says to that. */
static int start_with_part_at(enum vq_area area, uint64_t uva)
{
	struct fake *d = open_with_memory(FRONT_FEATURES, FRONT_PROTOCOL);
	int ret;

	CHECK_EQ(front_prepare_queue(&d->f, 0, 8), 0);
	d->f.q[0].ring[area] = uva - FRONT_UVA + FRONT_GPA;
	ret = front_describe_queue(&d->f, 0, 0);
	if (!ret)
		ret = front_enable_queue(&d->f, 0, true);
	CHECK(!strstr(d->diary, "start"));
	CHECK_EQ(fake_close(d), 0);
	return ret;
}

TEST(ring_outside_memory_is_refused)
{
	uint64_t end = FRONT_UVA + (1 << 20);

	for (int a = 0; a < VQ_AREA_COUNT; a++) {
		CHECK_EQ(start_with_part_at(a, 0), -EREMOTEIO);
		CHECK_EQ(start_with_part_at(a, FRONT_UVA - 16), -EREMOTEIO);
		CHECK_EQ(start_with_part_at(a, end), -EREMOTEIO);
		CHECK_EQ(start_with_part_at(a, end - 16), -EREMOTEIO);
		CHECK_EQ(start_with_part_at(a, -16ull), -EREMOTEIO);
	}
}

TEST(misaligned_ring_is_refused)
{
	CHECK_EQ(start_with_part_at(VQ_AREA_DESC, FRONT_UVA + 8), -EREMOTEIO);
	CHECK_EQ(start_with_part_at(VQ_AREA_DRIVER, FRONT_UVA + 1), -EREMOTEIO);
	CHECK_EQ(start_with_part_at(VQ_AREA_DEVICE, FRONT_UVA + 2), -EREMOTEIO);
}

TEST(dirty_log_is_refused)
{
	struct fake *d = open_with_memory(FRONT_FEATURES, FRONT_PROTOCOL);
	struct vu_vring_addr addr = {.index = 0, .flags = 1};

	CHECK_EQ(front_set(&d->f, VU_SET_VRING_ADDR, &addr, sizeof(addr), NULL), -EREMOTEIO);
	CHECK_EQ(fake_close(d), 0);
}

TEST(kick_without_a_descriptor_is_refused)
{
	struct fake *d = fake_open_running();

	CHECK_EQ(set_fd(d, VU_SET_VRING_KICK, 0 | VU_NOFD, -1), -EREMOTEIO);
	CHECK_EQ(set_fd(d, VU_SET_VRING_KICK, 0, -1), -EREMOTEIO);
	CHECK_EQ(set_fd(d, VU_SET_VRING_KICK, 0 | VU_NOFD, d->f.q[0].kick), -EREMOTEIO);
	CHECK_EQ(set_fd(d, VU_SET_VRING_KICK, 1ull << 32, d->f.q[0].kick), -EREMOTEIO);
	CHECK_EQ(fake_echo(d, 0, 10), 0);
	CHECK_EQ(fake_close(d), 0);
}

TEST(driver_that_polls_needs_no_call_descriptor)
{
	struct fake *d = fake_open_running();

	front_called(&d->f, 0);
	CHECK_EQ(set_fd(d, VU_SET_VRING_CALL, 0 | VU_NOFD, -1), 0);
	CHECK_EQ(set_fd(d, VU_SET_VRING_ERR, 0 | VU_NOFD, -1), 0);
	CHECK_EQ(fake_echo(d, 0, 10), 0);
	CHECK(!front_called(&d->f, 0));
	CHECK_EQ(fake_close(d), 0);
}

TEST(new_call_descriptor_is_signalled_once)
{
	struct fake *d = fake_open_running();
	int fd = eventfd(0, EFD_NONBLOCK);
	eventfd_t n;

	CHECK_EQ(set_fd(d, VU_SET_VRING_CALL, 0, fd), 0);
	CHECK_EQ(eventfd_read(fd, &n), 0);
	CHECK_EQ(n, 1);
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TEST(kick_descriptor_that_hangs_up_is_dropped)
{
	struct fake *d = fake_open_running();
	int pair[2];

	CHECK_EQ(pipe(pair), 0);
	CHECK_EQ(set_fd(d, VU_SET_VRING_KICK, 0, pair[0]), 0);
	close(pair[0]);
	CHECK_EQ(d->nr_watch, 2);
	close(pair[1]);
	/* Would never end if it stayed readable. */
	fake_run(d);
	CHECK_EQ(d->nr_watch, 1);
	CHECK_EQ(set_fd(d, VU_SET_VRING_KICK, 0, d->f.q[0].kick), 0);
	CHECK_EQ(fake_echo(d, 0, 10), 0);
	CHECK_EQ(fake_close(d), 0);
}

TEST(call_descriptor_that_is_full_does_not_block)
{
	struct fake *d = fake_open_running();
	char junk[4096] = "";
	int pair[2];

	CHECK_EQ(pipe(pair), 0);
	CHECK_EQ(set_fd(d, VU_SET_VRING_CALL, 0, pair[1]), 0);
	/* The back end made it non-blocking, so this ends when it is full. */
	while (write(pair[1], junk, sizeof(junk)) > 0)
		;
	while (write(pair[1], junk, 1) > 0)
		;
	CHECK_EQ(fake_echo(d, 0, 10), 0);
	close(pair[0]);
	close(pair[1]);
	CHECK_EQ(fake_close(d), 0);
}

TEST(broken_queue_is_reported)
{
	struct fake *d = fake_open_running();
	struct vq_driver *drv = &d->f.q[0].drv;
	eventfd_t n;
	uint64_t v;

	drv->split.avail->idx = 100;
	front_kick(&d->f, 0);
	CHECK_EQ(vu_queue(d->b, 0)->fault, VQ_FAULT_AVAIL_JUMP);
	CHECK_EQ(eventfd_read(d->f.q[0].err, &n), 0);
	CHECK_EQ(front_get_u64(&d->f, VU_GET_STATUS, &v), 0);
	CHECK(v & VIRTIO_CONFIG_S_NEEDS_RESET);
	CHECK_EQ(front_set_u64(&d->f, VU_SET_STATUS, 15), 0);
	CHECK_EQ(front_get_u64(&d->f, VU_GET_STATUS, &v), 0);
	CHECK(v & VIRTIO_CONFIG_S_NEEDS_RESET);
	CHECK_EQ(fake_close(d), 0);
}

TEST(idle_kicks_are_suppressed)
{
	struct fake *d = fake_open_running();
	struct vq_buf buf[2] = {{front_alloc(&d->f, 16, 16), 16}, {front_alloc(&d->f, 16, 16), 16}};
	struct vq_request req = {.buf = buf, .nr_out = 1, .nr_in = 1, .token = d};
	struct vq_driver *drv = &d->f.q[0].drv;
	uint32_t len;

	/* Four requests behind one kick come back behind one signal. */
	for (int i = 0; i < 4; i++)
		CHECK(vq_driver_add(drv, &req) >= 0);
	vq_driver_publish(drv);
	CHECK(vq_driver_kick_needed(drv));
	front_called(&d->f, 0);
	front_kick(&d->f, 0);
	for (int i = 0; i < 4; i++)
		CHECK(vq_driver_get(drv, &len));
	CHECK_EQ(vu_queue(d->b, 0)->stat.notified, 1);
	CHECK_EQ(fake_close(d), 0);
}

TAP_MAIN()
