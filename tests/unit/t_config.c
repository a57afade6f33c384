/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/config.h"

#include <errno.h>

#include "tests/tap.h"

static struct vq_config config_of_eight(void)
{
	struct vq_config c;

	CHECK_EQ(vq_config_init(&c, "\x01\x02\x03\x04\x05\x06\x07\x08", 8), 0);
	return c;
}

TEST(config_space_larger_than_a_front_end_carries_is_refused)
{
	static uint8_t big[VQ_CONFIG_MAX + 1];
	struct vq_config c;

	CHECK_EQ(vq_config_init(&c, big, sizeof(big)), -EINVAL);
	CHECK_EQ(vq_config_init(&c, big, VQ_CONFIG_MAX), 0);
}

TEST(read_past_the_end_gives_zeroes)
{
	struct vq_config c = config_of_eight();
	uint8_t buf[4] = {9, 9, 9, 9};

	CHECK_EQ(vq_config_read(&c, 6, buf, 4), -ERANGE);
	CHECK_EQ(buf[0], 7);
	CHECK_EQ(buf[1], 8);
	CHECK_EQ(buf[2], 0);
	CHECK_EQ(buf[3], 0);
	CHECK_EQ(vq_config_read(&c, UINT32_MAX, buf, 4), -ERANGE);
	CHECK_EQ(buf[0], 0);
	CHECK_EQ(vq_config_read(&c, 4, buf, 4), 0);
	CHECK_EQ(buf[3], 8);
}

TEST(driver_writes_only_where_it_may)
{
	struct vq_config c = config_of_eight();

	CHECK_EQ(vq_config_write(&c, 0, "x", 1), -EPERM);
	c.write_off = 4;
	c.write_len = 2;
	CHECK_EQ(vq_config_write(&c, 3, "xx", 2), -EPERM);
	CHECK_EQ(vq_config_write(&c, 5, "xx", 2), -EPERM);
	CHECK_EQ(vq_config_write(&c, UINT32_MAX, "xx", 2), -EPERM);
	CHECK_EQ(vq_config_write(&c, 4, "ab", 2), 0);
	CHECK_EQ(c.data[4], 'a');
	CHECK_EQ(c.data[6], 7);
	CHECK_EQ(c.generation, 0);
}

TEST(update_by_the_device_moves_the_generation)
{
	struct vq_config c = config_of_eight();

	CHECK_EQ(vq_config_update(&c, 7, "xy", 2), -ERANGE);
	CHECK_EQ(c.generation, 0);
	CHECK_EQ(vq_config_update(&c, 6, "xy", 2), 0);
	CHECK_EQ(c.generation, 1);
	CHECK_EQ(c.data[7], 'y');
}

TAP_MAIN()
