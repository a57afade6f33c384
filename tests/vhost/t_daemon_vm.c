/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-cuda device of the daemon, driven through vhost-user.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/vhost/t_daemon_guest.h"

TEST(config_space_is_eight_bytes_with_the_magic)
{
	struct t_guest *g = t_guest_start();
	struct virtio_cuda_config config;

	CHECK_EQ(front_get_config(&g->f, 0, &config, sizeof(config)), 0);
	CHECK_EQ(config.magic, VIRTIO_CUDA_MAGIC);
	CHECK_EQ(config.version, VIRTIO_CUDA_VERSION);
	CHECK_EQ(config.reserved, 0);
	t_guest_end(g);
}

TEST(hello_begins_an_epoch_and_older_ones_are_stale)
{
	struct t_guest *g = t_guest_start();
	uint64_t first = g->epoch;

	CHECK(first != 0);
	CHECK_EQ(t_guest_ping(g), VIRTIO_CUDA_OK);
	CHECK_EQ(t_guest_hello(g, 2, 3), VIRTIO_CUDA_ERR_VERSION);
	CHECK_EQ(t_guest_hello(g, 1, 7), VIRTIO_CUDA_OK);
	CHECK(g->epoch != first);
	g->epoch = first;
	CHECK_EQ(t_guest_ping(g), VIRTIO_CUDA_ERR_STALE);
	g->epoch = 0;
	CHECK_EQ(t_guest_ping(g), VIRTIO_CUDA_ERR_STALE);
	t_guest_end(g);
}

TEST(close_is_answered_when_the_worker_is_reaped)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 5);
	pid_t worker;

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_ERR_BUSY);
	worker = t_vm_client_worker(&c);
	CHECK(worker > 0);
	CHECK_EQ(t_vm_client_close(&c), VIRTIO_CUDA_OK);
	CHECK(kill(worker, 0) && errno == ESRCH);
	CHECK_EQ(t_vm_client_close(&c), VIRTIO_CUDA_ERR_NO_CLIENT);
	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_close(&c), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

TEST(sixteen_clients_wake_their_own_slots)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c[16];
	pid_t pid[16];

	for (uint32_t i = 0; i < 16; i++) {
		c[i] = t_vm_client(g, i * 16 + 15);
		CHECK_EQ(t_vm_client_open(&c[i]), VIRTIO_CUDA_OK);
	}
	for (int i = 0; i < 16; i++) {
		pid[i] = t_vm_client_worker(&c[i]);
		CHECK(pid[i] > 0);
	}
	for (int i = 0; i < 16; i++)
		CHECK_EQ(t_vm_client_worker(&c[i]), pid[i]);
	t_guest_end(g);
}

static uint64_t wakes(struct t_guest *g, uint32_t client)
{
	struct t_req *r = t_guest_request(g, VIRTIO_CUDA_STAT, client);
	struct virtio_cuda_stat stat;

	CHECK_EQ(t_guest_call(g, r, 0, sizeof(stat)), VIRTIO_CUDA_OK);
	memcpy(&stat, (char *)front_ptr(&g->f, r->resp) + sizeof(struct virtio_cuda_resp),
	       sizeof(stat));
	return stat.wakes;
}

static void ring_and_see(struct t_vm_client *c)
{
	struct cw_slot *slot = cw_channel_slot(c->channel, 1);
	uint64_t seq = atomic_load(&slot->seq);

	t_vm_client_ring(c, T_CMD_PID);
	while (atomic_load(&slot->seq) == seq)
		usleep(500);
}

/* As long as the driver has not given the buffer back, no second event comes. */
TEST(wakes_merge_while_an_event_is_under_way)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	uint64_t *buffer;

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	ring_and_see(&c);
	buffer = t_guest_event_take(g);
	CHECK(buffer != NULL);
	for (int i = 0; i < 10; i++)
		ring_and_see(&c);
	CHECK_EQ(wakes(g, 1), 1);
	t_guest_event_post(g, buffer);
	CHECK(t_guest_event(g));
	CHECK_EQ(g->last_event.slots[0], 1 << 1);
	t_guest_end(g);
}

TEST(events_of_many_clients_are_under_way_together)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c[8];
	uint64_t *buffer[8];
	uint32_t seen;
	int base[2];

	for (uint32_t i = 0; i < 8; i++) {
		c[i] = t_vm_client(g, i + 1);
		CHECK_EQ(t_vm_client_open(&c[i]), VIRTIO_CUDA_OK);
	}
	for (int round = 0; round < 12; round++) {
		seen = 0;
		for (int i = 0; i < 8; i++)
			t_vm_client_ring(&c[i], T_CMD_PID);
		for (int i = 0; i < 8; i++) {
			buffer[i] = t_guest_event_take(g);
			CHECK(buffer[i] != NULL);
			seen |= 1u << g->last_event.client;
		}
		CHECK_EQ(seen, 0x1fe);
		for (int i = 0; i < 8; i++)
			t_guest_event_post(g, buffer[7 - i]);
		if (round % 3 != 2)
			continue;
		for (unsigned int i = 0; i < 2; i++) {
			base[i] = front_stop_queue(&g->f, i);
			CHECK(base[i] >= 0);
		}
		for (unsigned int i = 0; i < 2; i++) {
			CHECK_EQ(front_describe_queue(&g->f, i, (uint16_t)base[i]), 0);
			CHECK_EQ(front_enable_queue(&g->f, i, true), 0);
		}
	}
	t_guest_end(g);
}

TEST(death_of_a_worker_is_an_event)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1), other = t_vm_client(g, 2);
	uint64_t page = front_alloc(&g->f, 1 << 20, 4096);

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_open(&other), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_attach(&c, 1, page, 4), VIRTIO_CUDA_OK);
	t_vm_client_ring(&c, T_CMD_SEGV);
	CHECK(t_guest_event(g));
	CHECK_EQ(g->last_event.type, VIRTIO_CUDA_EV_DEAD);
	CHECK_EQ(g->last_event.client, 1);
	CHECK_EQ(t_vm_client_attach(&c, 2, page, 4), VIRTIO_CUDA_ERR_WORKER);
	CHECK_EQ(t_vm_client_detach(&c, 1), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_close(&c), VIRTIO_CUDA_OK);
	CHECK(t_vm_client_worker(&other) > 0);
	t_guest_end(g);
}

static uint64_t peek(struct t_vm_client *c, uint64_t va)
{
	uint64_t value = 0;

	memcpy(cw_channel_ring(c->channel) + 8, &va, sizeof(va));
	if (t_vm_client_command(c, T_CMD_PEEK))
		memcpy(&value, cw_channel_slot(c->channel, 1)->data, sizeof(value));
	return value;
}

TEST(runs_of_a_region_are_one_range_in_the_worker)
{
#ifdef __SANITIZE_THREAD__
	SKIP("the address of the region is not legal under TSan");
#endif
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	uint64_t page = front_alloc(&g->f, 1 << 20, 4096);
	uint64_t va = T_REGION_BASE + 3 * (1ull << 32);

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	for (uint64_t i = 0; i < 64; i++)
		*(uint64_t *)front_ptr(&g->f, page + i * 16384) = 1000 + i;
	CHECK_EQ(t_vm_client_attach(&c, 3, page, 64), VIRTIO_CUDA_OK);
	for (uint64_t i = 0; i < 64; i++)
		CHECK_EQ(peek(&c, va + i * 8192), 1000 + i);
	CHECK_EQ(t_vm_client_attach(&c, 3, page, 64), VIRTIO_CUDA_ERR_MALFORMED);
	CHECK_EQ(t_vm_client_attach(&c, 11, page, 64), VIRTIO_CUDA_ERR_ADDRESS);
	CHECK_EQ(t_vm_client_detach(&c, 3), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_detach(&c, 3), VIRTIO_CUDA_ERR_MALFORMED);
	CHECK_EQ(t_vm_client_attach(&c, 3, page, 64), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

TEST(detach_is_not_believed_but_seen)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	uint64_t page = front_alloc(&g->f, 1 << 20, 4096);
	pid_t worker;

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	worker = t_vm_client_worker(&c);
	CHECK_EQ(t_vm_client_attach(&c, T_REGION_LIAR, page, 4), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_attach(&c, 2, page + (1 << 18), 4), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_detach(&c, 2), VIRTIO_CUDA_OK);
	CHECK(t_vm_client_worker(&c) == worker);
	CHECK_EQ(t_vm_client_detach(&c, T_REGION_LIAR), VIRTIO_CUDA_ERR_WORKER);
	CHECK(kill(worker, 0) && errno == ESRCH);
	CHECK_EQ(t_daemon_log_count(&g->d, "CW-E0204"), 1);
	t_guest_end(g);
}

/* A process whose first thread has ended shows no mappings, and may have any. */
TEST(worker_that_hides_its_mappings_is_killed)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	uint64_t page = front_alloc(&g->f, 1 << 20, 4096);
	pid_t worker;

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	worker = t_vm_client_worker(&c);
	CHECK_EQ(t_vm_client_attach(&c, T_REGION_HIDE, page, 4), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_detach(&c, T_REGION_HIDE), VIRTIO_CUDA_ERR_WORKER);
	CHECK(kill(worker, 0) && errno == ESRCH);
	t_guest_end(g);
}

/* STALE, for one, would make a driver give up the device. */
TEST(status_of_a_worker_is_not_passed_on_blindly)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	uint64_t page = front_alloc(&g->f, 1 << 20, 4096);

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_attach(&c, T_REGION_ODD, page, 4), VIRTIO_CUDA_ERR_UNSPEC);
	CHECK_EQ(t_vm_client_attach(&c, 1, page, 4), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

/* What a worker owes holds nobody up: answers overtake. */
TEST(ping_is_answered_while_an_attach_waits)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	uint64_t page = front_alloc(&g->f, 1 << 20, 4096);
	struct t_req *r;
	struct virtio_cuda_attach *body;
	pid_t worker;

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	worker = t_vm_client_worker(&c);
	kill(worker, SIGSTOP);
	r = t_guest_request(g, VIRTIO_CUDA_ATTACH, 1);
	body = t_guest_body(g, r);
	*body = (struct virtio_cuda_attach){
		.region = 1, .va = T_REGION_BASE, .len = 4096, .nr_runs = 1
	};
	body->runs[0] = (struct virtio_cuda_run){ page, 4096, 0 };
	t_guest_post(g, r, sizeof(*body) + sizeof(body->runs[0]), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(t_guest_ping(g), VIRTIO_CUDA_OK);
	CHECK(!r->done);
	kill(worker, SIGCONT);
	CHECK_EQ(t_guest_wait(g, r), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

TEST(stat_counts)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	struct virtio_cuda_stat stat;
	struct t_req *r;

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK(t_vm_client_worker(&c) > 0);
	CHECK(t_vm_client_worker(&c) > 0);
	r = t_guest_request(g, VIRTIO_CUDA_STAT, 1);
	CHECK_EQ(t_guest_call(g, r, 0, sizeof(stat)), VIRTIO_CUDA_OK);
	CHECK_EQ(r->written, sizeof(struct virtio_cuda_resp) + sizeof(stat));
	memcpy(&stat, (char *)front_ptr(&g->f, r->resp) + sizeof(struct virtio_cuda_resp),
	       sizeof(stat));
	CHECK_EQ(stat.commands, 2); /* OPEN, STAT */
	CHECK_EQ(stat.kicks, 2);
	CHECK_EQ(stat.wakes, 2);
	t_guest_end(g);
}

TAP_MAIN()
