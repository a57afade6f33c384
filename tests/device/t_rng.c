/* SPDX-License-Identifier: Apache-2.0 */
#include "device/rng.h"

#include <string.h>

#include "tests/device/rig.h"

static struct rig rig;

static struct rig *open_rng(uint64_t features)
{
	rig_open(&rig);
	CHECK_EQ(dev_rng_create(&rig.loop, &rig.dev), 0);
	rig_start(&rig, features);
	return &rig;
}

TEST(buffer_is_filled_with_something)
{
	struct rig *g = open_rng(0);
	uint64_t at[2] = {rig_room(g, 64), rig_room(g, 64)};
	uint8_t zero[64] = {0};

	for (int i = 0; i < 2; i++) {
		struct vq_buf buf = {at[i], 64};

		CHECK_EQ(rig_request(g, 0, &buf, 0, 1), 64);
		CHECK(memcmp(rig_ptr(g, at[i]), zero, 64));
	}
	CHECK(memcmp(rig_ptr(g, at[0]), rig_ptr(g, at[1]), 64));
	rig_close(g);
}

TEST(pieces_are_filled_as_one_buffer)
{
	struct rig *g = open_rng(0);
	struct vq_buf buf[3];
	uint8_t zero[16] = {0};

	for (int i = 0; i < 3; i++)
		buf[i] = (struct vq_buf){rig_room(g, 16), 16};
	CHECK_EQ(rig_request(g, 0, buf, 0, 3), 48);
	for (int i = 0; i < 3; i++)
		CHECK(memcmp(rig_ptr(g, buf[i].gpa), zero, 16));
	rig_close(g);
}

TEST(large_request_is_answered_in_part)
{
	struct rig *g = open_rng(0);
	struct vq_buf buf = {rig_room(g, 1 << 20), 1 << 20};
	uint32_t n = rig_request(g, 0, &buf, 0, 1);

	CHECK(n > 0 && n <= 65536);
	/* What is not said to be written is not written. */
	CHECK_EQ(*(uint8_t *)rig_ptr(g, buf.gpa + n), 0);
	rig_close(g);
}

TEST(readable_buffer_breaks_the_queue)
{
	struct rig *g = open_rng(0);
	struct vq_buf buf[2] = {{rig_room(g, 16), 16}, {rig_room(g, 16), 16}};

	rig_post(g, 0, buf, 1, 1);
	rig_kick(g, 0);
	CHECK_EQ(g->q[0].fault, VQ_FAULT_DEVICE);
	rig_close(g);
}

TAP_MAIN()
