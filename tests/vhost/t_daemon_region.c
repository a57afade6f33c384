/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions over the client socket.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/vhost/t_daemon_harness.h"

#define MIB (1ull << 20)

static void send_attach_of(struct t_client *c, uint32_t region, uint64_t va, uint64_t len, int fd)
{
	struct cw_client_attach m = {
		.head = { CW_CLIENT_MAGIC, CW_CLIENT_VERSION, CW_CLIENT_ATTACH },
		.region = region, .va = va, .len = len,
	};

	t_send(c->sock, &m, sizeof(m), fd);
}

static void send_attach(struct t_client *c, uint32_t region, uint64_t va, uint64_t len)
{
	int fd = t_memfd(len, F_SEAL_SHRINK);

	send_attach_of(c, region, va, len, fd);
	close(fd);
}

static void send_detach(struct t_client *c, uint32_t region)
{
	struct cw_client_detach m = {
		.head = { CW_CLIENT_MAGIC, CW_CLIENT_VERSION, CW_CLIENT_DETACH },
		.region = region,
	};

	t_send(c->sock, &m, sizeof(m), -1);
}

/* Status of the next DONE, which must be for this region; -1: none came. */
static int done(struct t_client *c, uint32_t region)
{
	struct cw_client_done m;
	int fds[32];
	size_t nfds;

	if (!t_recv(c->sock, &m, sizeof(m), fds, &nfds) || m.region != region ||
	    m.head.type != CW_CLIENT_DONE)
		return -1;
	return (int)m.status;
}

static int attach(struct t_client *c, uint32_t region, uint64_t va, uint64_t len)
{
	send_attach(c, region, va, len);
	return done(c, region);
}

TEST(region_comes_and_goes_and_comes_again)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);
	int fds = t_daemon_fds(&d);

	for (int i = 0; i < 3; i++) {
		CHECK_EQ(attach(&c, 1, T_REGION_BASE, MIB), VIRTIO_CUDA_OK);
		send_detach(&c, 1);
		CHECK_EQ(done(&c, 1), VIRTIO_CUDA_OK);
	}
	CHECK_EQ(attach(&c, 2, T_REGION_BASE, MIB), VIRTIO_CUDA_OK);
	CHECK(t_daemon_settles(&d, fds));
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TEST(registered_memory_lies_outside_the_arenas)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);

	CHECK_EQ(attach(&c, 1, 0x200000000000, MIB), VIRTIO_CUDA_OK);
	CHECK_EQ(attach(&c, 2, T_REGION_BASE - MIB, MIB), VIRTIO_CUDA_OK);
	CHECK_EQ(attach(&c, 3, 0x200000000000, MIB), VIRTIO_CUDA_ERR_ADDRESS);
	send_detach(&c, 1);
	CHECK_EQ(done(&c, 1), VIRTIO_CUDA_OK);
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TEST(bad_region_is_refused_and_changes_nothing)
{
	static const struct {
		uint32_t region;
		uint64_t va, len;
		int status;
	} cases[] = {
		{ 0, T_REGION_BASE + MIB, MIB, VIRTIO_CUDA_ERR_MALFORMED },
		{ 2, T_REGION_BASE + MIB, 4095, VIRTIO_CUDA_ERR_MALFORMED },
		{ 2, T_REGION_BASE + MIB, 0, VIRTIO_CUDA_ERR_MALFORMED },
		{ 2, T_REGION_BASE + MIB + 1, MIB, VIRTIO_CUDA_ERR_MALFORMED },
		{ 2, T_REGION_BASE - 4096, MIB, VIRTIO_CUDA_ERR_ADDRESS },
		{ 2, T_REGION_BASE + T_REGION_SIZE - 4096, MIB, VIRTIO_CUDA_ERR_ADDRESS },
		{ 2, T_DEVICE_BASE, MIB, VIRTIO_CUDA_ERR_ADDRESS },
		{ 2, T_DEVICE_BASE - 4096, MIB, VIRTIO_CUDA_ERR_ADDRESS },
		{ 2, UINT64_MAX - 4095, MIB, VIRTIO_CUDA_ERR_ADDRESS },
		{ 1, T_REGION_BASE + MIB, MIB, VIRTIO_CUDA_ERR_MALFORMED },
		{ 2, T_REGION_BASE + 4096, MIB, VIRTIO_CUDA_ERR_ADDRESS },
	};
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);

	CHECK_EQ(attach(&c, 1, T_REGION_BASE, MIB), VIRTIO_CUDA_OK);
	for (size_t i = 0; i < CW_ARRAY_SIZE(cases); i++)
		CHECK_EQ(attach(&c, cases[i].region, cases[i].va, cases[i].len), cases[i].status);
	send_detach(&c, 2);
	CHECK_EQ(done(&c, 2), VIRTIO_CUDA_ERR_MALFORMED);
	CHECK_EQ(attach(&c, 2, T_REGION_BASE + MIB, MIB), VIRTIO_CUDA_OK);
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TEST(two_hundred_regions_at_once_are_all_answered)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);
	int ok = 0;

	/* The worker for tests has room for 64 and answers all the same. */
	for (uint32_t i = 0; i < 200; i++)
		send_attach(&c, i + 1, T_REGION_BASE + i * MIB, MIB);
	for (uint32_t i = 0; i < 200; i++)
		ok += done(&c, i + 1) == VIRTIO_CUDA_OK;
	CHECK_EQ(ok, 200);
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TEST(the_same_pages_may_be_two_regions)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);
	int fd = t_memfd(MIB, F_SEAL_SHRINK);

	/* One behind the other, so that their mappings could be one. */
	for (uint32_t i = 0; i < 3; i++) {
		send_attach_of(&c, i + 1, T_REGION_BASE + i * MIB, MIB, fd);
		CHECK_EQ(done(&c, i + 1), VIRTIO_CUDA_OK);
	}
	for (uint32_t i = 0; i < 3; i++) {
		send_detach(&c, i + 1);
		CHECK_EQ(done(&c, i + 1), VIRTIO_CUDA_OK);
	}
	CHECK(t_client_worker(&c) > 0);
	close(fd);
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

/* What stays mapped elsewhere is no part of the other region. */
TEST(worker_that_keeps_pages_of_two_regions_is_killed)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);
	int fd = t_memfd(MIB, F_SEAL_SHRINK);

	send_attach_of(&c, 1, T_REGION_BASE + MIB, MIB, fd);
	CHECK_EQ(done(&c, 1), VIRTIO_CUDA_OK);
	send_attach_of(&c, T_REGION_LIAR, T_REGION_BASE, MIB, fd);
	CHECK_EQ(done(&c, T_REGION_LIAR), VIRTIO_CUDA_OK);
	send_detach(&c, T_REGION_LIAR);
	CHECK_EQ(done(&c, T_REGION_LIAR), VIRTIO_CUDA_ERR_WORKER);
	CHECK_EQ(t_daemon_log_count(&d, "CW-E0204"), 1);
	close(fd);
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TEST(channel_is_no_region)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);
	uint64_t size = VCUDA_CHANNEL_SIZE(VCUDA_RING_MIN);

	send_attach_of(&c, 1, T_REGION_BASE, size, c.fd_channel);
	CHECK_EQ(done(&c, 1), VIRTIO_CUDA_ERR_MALFORMED);
	CHECK(t_client_worker(&c) > 0);
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

/* One clock does for all that a worker owes, because it answers in turn. */
TEST(worker_that_answers_out_of_turn_is_killed)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);

	send_attach(&c, T_REGION_MUTE, T_REGION_BASE, MIB);
	send_attach(&c, 1, T_REGION_BASE + MIB, MIB);
	CHECK(t_daemon_log_has(&d, "CW-E0202"));
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TEST(worker_that_keeps_a_mapping_is_killed_before_the_answer)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct t_client c = t_client_open(&d, NULL);
	pid_t worker = t_client_worker(&c);

	CHECK_EQ(attach(&c, T_REGION_LIAR, T_REGION_BASE, MIB), VIRTIO_CUDA_OK);
	send_detach(&c, T_REGION_LIAR);
	CHECK_EQ(done(&c, T_REGION_LIAR), VIRTIO_CUDA_ERR_WORKER);
	CHECK(kill(worker, 0));
	CHECK(t_hung_up(c.sock));
	CHECK_EQ(t_daemon_log_count(&d, "CW-E0204"), 1);
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TEST(worker_that_does_not_answer_is_killed)
{
	struct t_daemon d = t_daemon_start("--worker-timeout=300", NULL);
	struct t_client c = t_client_open(&d, NULL);

	CHECK_EQ(attach(&c, T_REGION_MUTE, T_REGION_BASE, MIB), VIRTIO_CUDA_ERR_WORKER);
	CHECK(t_hung_up(c.sock));
	CHECK_EQ(t_daemon_log_count(&d, "CW-E0203"), 1);
	t_client_close(&c);
	CHECK(t_daemon_stop(&d));
}

TAP_MAIN()
