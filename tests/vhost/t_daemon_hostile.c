/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers at the client socket that break its rules: one line with a code, that
 * client ended, all others untouched.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/vhost/t_daemon_harness.h"

/* A daemon with one honest client, which must still be served afterwards. */
struct scene {
	struct t_daemon d;
	struct t_client honest;
	int fds;
};

static struct scene scene_begin(void)
{
	struct scene s = { .d = t_daemon_start(NULL) };

	s.honest = t_client_open(&s.d, NULL);
	s.fds = t_daemon_fds(&s.d);
	return s;
}

static void scene_end(struct scene *s, const char *code, int lines)
{
	CHECK_EQ(t_daemon_log_count(&s->d, code), lines);
	CHECK_EQ(t_daemon_log_count(&s->d, "CW-E"), lines);
	CHECK(t_client_worker(&s->honest) > 0);
	CHECK(t_daemon_settles(&s->d, s->fds));
	t_client_close(&s->honest);
	CHECK(t_daemon_stop(&s->d));
}

/* A fresh connection that sends this is hung up on. */
static void refused(struct scene *s, const void *msg, size_t len, int fd)
{
	int sock = t_connect(&s->d);

	t_send(sock, msg, len, fd);
	CHECK(t_hung_up(sock));
	close(sock);
}

TEST(vhost_user_front_end_gets_one_clear_error)
{
	/* GET_FEATURES: request 1, version 1, no payload */
	static const uint32_t get_features[3] = { 1, 1, 0 };
	struct scene s = scene_begin();

	refused(&s, get_features, sizeof(get_features), -1);
	CHECK_EQ(t_daemon_log_count(&s.d, "vhost-user goes to --socket-path"), 1);
	scene_end(&s, "CW-E0101", 1);
}

TEST(packet_without_a_head_is_no_client)
{
	struct scene s = scene_begin();
	char big[9000] = { 1 };

	refused(&s, "x", 1, -1);
	refused(&s, big, sizeof(big), -1);
	scene_end(&s, "CW-E0101", 2);
}

TEST(unknown_type_ends_the_client)
{
	struct cw_client_head m = { CW_CLIENT_MAGIC, CW_CLIENT_VERSION, 0 };
	struct scene s = scene_begin();
	static const uint16_t types[] = { 0, CW_CLIENT_OPENED, CW_CLIENT_DONE, CW_CLIENT_STATED, 8,
					  65535 };

	for (size_t i = 0; i < CW_ARRAY_SIZE(types); i++) {
		m.type = types[i];
		refused(&s, &m, sizeof(m), -1);
	}
	scene_end(&s, "CW-E0103", CW_ARRAY_SIZE(types));
}

TEST(every_other_size_ends_the_client)
{
	static const size_t sizes[] = { 8, 9, sizeof(struct cw_client_open) - 1,
					sizeof(struct cw_client_open) + 1, 4000 };
	struct cw_client_open m[4] = { t_open_message(NULL) };
	struct cw_client_head stat = { CW_CLIENT_MAGIC, CW_CLIENT_VERSION, CW_CLIENT_STAT };
	char long_stat[16] = { 0 };
	struct scene s = scene_begin();

	for (size_t i = 0; i < CW_ARRAY_SIZE(sizes); i++)
		refused(&s, m, sizes[i], -1);
	memcpy(long_stat, &stat, sizeof(stat));
	refused(&s, long_stat, sizeof(long_stat), -1);
	scene_end(&s, "CW-E0104", CW_ARRAY_SIZE(sizes) + 1);
}

TEST(wrong_number_of_descriptors_ends_the_client)
{
	struct cw_client_open m = t_open_message(NULL);
	struct cw_client_detach detach = {
		.head = { CW_CLIENT_MAGIC, CW_CLIENT_VERSION, CW_CLIENT_DETACH }
	};
	struct scene s = scene_begin();

	refused(&s, &m, sizeof(m), -1);
	refused(&s, &detach, sizeof(detach), 0);
	scene_end(&s, "CW-E0105", 2);
}

TEST(message_out_of_turn_ends_the_client)
{
	struct cw_client_detach detach = {
		.head = { CW_CLIENT_MAGIC, CW_CLIENT_VERSION, CW_CLIENT_DETACH }
	};
	struct cw_client_open again = t_open_message(NULL);
	struct scene s = scene_begin();
	struct t_client c = t_client_open(&s.d, NULL);

	refused(&s, &detach, sizeof(detach), -1);
	t_send(c.sock, &again, sizeof(again), c.fd_channel);
	CHECK(t_hung_up(c.sock));
	t_client_close(&c);
	scene_end(&s, "CW-E0106", 2);
}

static struct cw_client_open broken_open(int how)
{
	struct cw_client_open m = t_open_message(NULL);

	switch (how) {
	case 0: m.ring_size = 0; break;
	case 1: m.ring_size = VCUDA_RING_MIN / 2; break;
	case 2: m.ring_size = VCUDA_RING_MAX * 2; break;
	case 3: m.ring_size = VCUDA_RING_MIN * 3; break;
	case 4: m.region_base++; break;
	case 5: m.region_size = UINT64_MAX & ~4095ull; break;
	case 6: m.device_base = m.region_base; break;
	case 7: m.region_base = 1ull << 47; break;
	case 8: m.env_len = sizeof(m.env) + 1; break;
	case 9: m.env_len = 4; memcpy(m.env, "A=BC", 4); break;
	}
	return m;
}

TEST(value_out_of_range_ends_the_client)
{
	int fd = t_memfd(VCUDA_CHANNEL_SIZE(VCUDA_RING_MIN), F_SEAL_SHRINK);
	struct scene s = scene_begin();

	for (int how = 0; how < 10; how++) {
		struct cw_client_open m = broken_open(how);

		refused(&s, &m, sizeof(m), fd);
	}
	close(fd);
	scene_end(&s, "CW-E0107", 10);
}

TEST(channel_must_be_a_sealed_memfd_of_its_size)
{
	struct cw_client_open m = t_open_message(NULL);
	size_t size = VCUDA_CHANNEL_SIZE(VCUDA_RING_MIN);
	int unsealed = t_memfd(size, 0), grow = t_memfd(size, F_SEAL_GROW);
	int small = t_memfd(size - 1, F_SEAL_SHRINK), null = open("/dev/null", O_RDWR);
	struct scene s = scene_begin();

	refused(&s, &m, sizeof(m), unsealed);
	refused(&s, &m, sizeof(m), grow);
	refused(&s, &m, sizeof(m), small);
	refused(&s, &m, sizeof(m), null);
	close(unsealed);
	close(grow);
	close(small);
	close(null);
	scene_end(&s, "CW-E0108", 4);
}

TEST(region_must_be_a_sealed_memfd_of_its_size)
{
	struct cw_client_attach m = {
		.head = { CW_CLIENT_MAGIC, CW_CLIENT_VERSION, CW_CLIENT_ATTACH },
		.region = 1, .va = T_REGION_BASE, .len = 8192,
	};
	int fd = t_memfd(4096, F_SEAL_SHRINK);
	struct scene s = scene_begin();
	struct t_client c = t_client_open(&s.d, NULL);

	t_send(c.sock, &m, sizeof(m), fd);
	CHECK(t_hung_up(c.sock));
	close(fd);
	t_client_close(&c);
	scene_end(&s, "CW-E0108", 1);
}

TEST(other_version_is_told_and_ended)
{
	struct cw_client_open m = t_open_message(NULL);
	int fd = t_memfd(VCUDA_CHANNEL_SIZE(VCUDA_RING_MIN), F_SEAL_SHRINK);
	struct scene s = scene_begin();
	struct cw_client_opened answer;
	int fds[32];
	size_t nfds;

	for (int i = 0; i < 2; i++) {
		int sock = t_connect(&s.d);

		m.head.version = i ? CW_CLIENT_VERSION : CW_CLIENT_VERSION + 1;
		m.channel_version = VCUDA_CHANNEL_VERSION + i;
		t_send(sock, &m, sizeof(m), fd);
		CHECK(t_recv(sock, &answer, sizeof(answer), fds, &nfds));
		CHECK_EQ(answer.status, VIRTIO_CUDA_ERR_VERSION);
		CHECK_EQ(nfds, 0);
		CHECK(t_hung_up(sock));
		close(sock);
	}
	close(fd);
	scene_end(&s, "CW-E0102", 2);
}

TEST(worker_that_sends_garbage_loses_its_client)
{
	struct scene s = scene_begin();
	struct t_client c = t_client_open(&s.d, NULL);

	t_client_kick(&c, T_CMD_GARBAGE);
	CHECK(t_hung_up(c.sock));
	t_client_close(&c);
	scene_end(&s, "CW-E0202", 1);
}

/* Over a socket nothing needs a grant, so a worker that sends one is broken. */
TEST(grant_over_a_socket_loses_the_client)
{
	struct scene s = scene_begin();
	struct t_client c = t_client_open(&s.d, NULL);

	t_client_kick(&c, T_CMD_GRANT);
	CHECK(t_hung_up(c.sock));
	t_client_close(&c);
	scene_end(&s, "CW-E0202", 1);
}

TEST(random_packets_do_not_harm)
{
	struct scene s = scene_begin();
	uint32_t buf[320];

	srandom(1);
	for (int i = 0; i < 300; i++) {
		int sock = t_connect(&s.d);
		struct cw_client_head *head = (void *)buf;

		for (size_t k = 0; k < CW_ARRAY_SIZE(buf); k++)
			buf[k] = (uint32_t)random();
		*head = (struct cw_client_head){ CW_CLIENT_MAGIC, CW_CLIENT_VERSION,
						 (uint16_t)(random() % 9) };
		t_send(sock, buf, 1 + (size_t)random() % sizeof(buf), random() % 2 ? 0 : -1);
		CHECK(t_hung_up(sock));
		close(sock);
	}
	CHECK(t_client_worker(&s.honest) > 0);
	CHECK(t_daemon_settles(&s.d, s.fds));
	t_client_close(&s.honest);
	CHECK(t_daemon_stop(&s.d));
}

TAP_MAIN()
