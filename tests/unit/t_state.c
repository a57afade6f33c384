/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/state.h"

#include <errno.h>
#include <linux/virtio_config.h>

#include "virtio/feature.h"

#include "tests/tap.h"

#define ACK VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRV VIRTIO_CONFIG_S_DRIVER
#define FOK VIRTIO_CONFIG_S_FEATURES_OK
#define DOK VIRTIO_CONFIG_S_DRIVER_OK
#define V1 (1ULL << VIRTIO_F_VERSION_1)

static struct vq_state state_after_driver(uint64_t offered, uint64_t driver)
{
	struct vq_state s;

	vq_state_init(&s, offered);
	CHECK_EQ(vq_status_write(&s, ACK), 0);
	CHECK_EQ(vq_status_write(&s, ACK | DRV), 0);
	CHECK_EQ(vq_features_write(&s, 0, driver), 0);
	CHECK_EQ(vq_features_write(&s, 1, driver >> 32), 0);
	return s;
}

TEST(driver_walks_up_to_live)
{
	struct vq_state s = state_after_driver(V1 | 5, V1 | 4);

	CHECK_EQ(vq_status_write(&s, ACK | DRV | FOK), VQ_STATUS_FEATURES);
	CHECK_EQ(s.status, ACK | DRV | FOK);
	CHECK(vq_state_has(&s, 2));
	CHECK(!vq_state_has(&s, 0));
	CHECK_EQ(vq_status_write(&s, ACK | DRV | FOK | DOK), VQ_STATUS_LIVE);
}

TEST(features_that_were_not_offered_are_refused)
{
	struct vq_state s = state_after_driver(V1 | 5, V1 | 6);

	CHECK_EQ(vq_status_write(&s, ACK | DRV | FOK), 0);
	CHECK_EQ(s.status, ACK | DRV);
	CHECK(!vq_state_has(&s, 2));
	CHECK_EQ(vq_status_write(&s, ACK | DRV | DOK), -EINVAL);
}

TEST(features_without_version_1_are_refused)
{
	struct vq_state s = state_after_driver(V1 | 5, 5);

	CHECK_EQ(vq_status_write(&s, ACK | DRV | FOK), 0);
	CHECK_EQ(s.status, ACK | DRV);
}

TEST(features_are_frozen_once_accepted)
{
	struct vq_state s = state_after_driver(V1 | 5, V1 | 4);

	vq_status_write(&s, ACK | DRV | FOK);
	CHECK_EQ(vq_features_write(&s, 0, 1), -EPERM);
	CHECK(vq_state_has(&s, 2));
	CHECK(!vq_state_has(&s, 0));
}

TEST(feature_words_past_the_second_are_nothing)
{
	struct vq_state s = state_after_driver(V1 | 5, V1 | 4);

	CHECK_EQ(vq_features_read(&s, 0), 5);
	CHECK_EQ(vq_features_read(&s, 1), 1);
	CHECK_EQ(vq_features_read(&s, 2), 0);
	CHECK_EQ(vq_features_write(&s, 2, ~0u), 0);
	CHECK_EQ(s.driver, V1 | 4);
}

TEST(steps_out_of_order_are_refused)
{
	struct vq_state s;

	vq_state_init(&s, V1);
	CHECK_EQ(vq_status_write(&s, DRV), -EINVAL);
	CHECK_EQ(vq_status_write(&s, ACK | FOK), -EINVAL);
	CHECK_EQ(vq_status_write(&s, ACK | DRV | FOK | DOK), -EINVAL);
	CHECK_EQ(vq_status_write(&s, 0x20), -EINVAL);
	CHECK_EQ(s.status, 0);
	CHECK_EQ(vq_features_write(&s, 0, 0), -EPERM);
}

TEST(features_and_live_need_two_writes)
{
	struct vq_state s = state_after_driver(V1, V1);

	CHECK_EQ(vq_status_write(&s, ACK | DRV | FOK | DOK), -EINVAL);
	CHECK_EQ(s.status, ACK | DRV);
}

TEST(status_goes_back_through_zero_only)
{
	struct vq_state s = state_after_driver(V1, V1);

	vq_status_write(&s, ACK | DRV | FOK);
	CHECK_EQ(vq_status_write(&s, ACK | DRV), -EINVAL);
	CHECK_EQ(s.status, ACK | DRV | FOK);
	CHECK_EQ(vq_status_write(&s, 0), VQ_STATUS_RESET);
}

TEST(status_reads_zero_only_when_the_reset_is_done)
{
	struct vq_state s = state_after_driver(V1, V1);

	CHECK_EQ(vq_status_write(&s, 0), VQ_STATUS_RESET);
	CHECK_EQ(s.status, ACK | DRV);
	CHECK_EQ(vq_status_write(&s, ACK | DRV), -EINVAL);
	CHECK_EQ(vq_features_write(&s, 0, 0), -EPERM);
	vq_status_reset_done(&s);
	CHECK_EQ(s.status, 0);
	CHECK_EQ(s.driver, 0);
	CHECK_EQ(vq_status_write(&s, ACK), 0);
}

TEST(driver_may_give_up_at_any_point)
{
	struct vq_state s;

	vq_state_init(&s, V1);
	CHECK_EQ(vq_status_write(&s, VIRTIO_CONFIG_S_FAILED), VQ_STATUS_FAILED);
	CHECK_EQ(s.status, VIRTIO_CONFIG_S_FAILED);
}

TEST(needs_reset_stays_and_is_told_once)
{
	struct vq_state s = state_after_driver(V1, V1);

	vq_status_write(&s, ACK | DRV | FOK);
	vq_status_write(&s, ACK | DRV | FOK | DOK);
	CHECK(vq_status_needs_reset(&s));
	CHECK(!vq_status_needs_reset(&s));
	/* The driver writes what it knows of, without the bit. */
	CHECK_EQ(vq_status_write(&s, ACK | DRV | FOK | DOK), 0);
	CHECK(s.status & VIRTIO_CONFIG_S_NEEDS_RESET);
	vq_status_write(&s, 0);
	vq_status_reset_done(&s);
	CHECK_EQ(s.status, 0);
}

TEST(driver_that_is_not_live_is_not_told)
{
	struct vq_state s = state_after_driver(V1, V1);

	CHECK(!vq_status_needs_reset(&s));
	CHECK(s.status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

TEST(features_without_a_keeper_are_refused_by_name)
{
	CHECK(!vq_feature_refused(0));
	CHECK(!vq_feature_refused(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_RING_PACKED | 1));
	CHECK_STR(vq_feature_refused(1ull << VIRTIO_F_ACCESS_PLATFORM | 1), "ACCESS_PLATFORM");
	CHECK_STR(vq_feature_refused(1ull << VIRTIO_F_SR_IOV), "SR_IOV");
	CHECK_STR(vq_feature_refused(1ull << 31), "a reserved feature");
	CHECK(!vq_feature_refused(1ull << 50 | 1ull << 23)); /* the device's own */
	CHECK_STR(vq_feature_name(VIRTIO_F_IN_ORDER), "IN_ORDER");
	CHECK(!vq_feature_name(3));
	CHECK(!vq_feature_name(63));
}

TEST(legacy_driver_knows_no_features_ok)
{
	struct vq_state s;

	vq_state_init(&s, 1u << 5);
	s.legacy = true;
	CHECK_EQ(vq_status_write(&s, 4), -EINVAL);
	CHECK_EQ(vq_status_write(&s, 1), 0);
	CHECK_EQ(vq_status_write(&s, 3), 0);
	CHECK_EQ(vq_status_write(&s, 11), -EINVAL);
	CHECK_EQ(vq_features_write(&s, 0, 1u << 5), 0);
	CHECK_EQ(vq_status_write(&s, 7), VQ_STATUS_FEATURES | VQ_STATUS_LIVE);
	CHECK(vq_state_has(&s, 5));
	CHECK_EQ(vq_status_write(&s, 0), VQ_STATUS_RESET);
	vq_status_reset_done(&s);
	CHECK(s.legacy && !vq_state_has(&s, 5));
}

TAP_MAIN()
