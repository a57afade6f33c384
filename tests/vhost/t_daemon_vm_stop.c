/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pauses, resets and ends of a VM.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/vhost/t_daemon_guest.h"

static void queues_stop(struct t_guest *g, int base[2])
{
	for (unsigned int i = 0; i < 2; i++) {
		base[i] = front_stop_queue(&g->f, i);
		CHECK(base[i] >= 0);
	}
}

static void queues_restart(struct t_guest *g, const int base[2])
{
	for (unsigned int i = 0; i < 2; i++) {
		CHECK_EQ(front_describe_queue(&g->f, i, (uint16_t)base[i]), 0);
		CHECK_EQ(front_enable_queue(&g->f, i, true), 0);
	}
}

TEST(pause_parks_the_worker_and_going_on_resumes_it)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	pid_t worker;
	int base[2];

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	worker = t_vm_client_worker(&c);
	for (int i = 0; i < 3; i++) {
		queues_stop(g, base);
		CHECK(base[0] > 0);
		CHECK_EQ(cw_channel_slot(c.channel, T_SLOT_PARKED)->len, 1);
		queues_restart(g, base);
		CHECK_EQ(t_vm_client_worker(&c), worker);
		CHECK_EQ(cw_channel_slot(c.channel, T_SLOT_PARKED)->len, 0);
	}
	t_guest_end(g);
}

TEST(pause_waits_for_answers_that_are_owed)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	struct t_req *r;
	int base[2];

	/* A first client, so that the probe is through. */
	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_close(&c), VIRTIO_CUDA_OK);
	r = t_vm_client_open_request(&c);
	t_guest_post(g, r, sizeof(struct virtio_cuda_open) + 2 * sizeof(struct virtio_cuda_run),
		     sizeof(struct virtio_cuda_open_resp));
	queues_stop(g, base);
	CHECK_EQ(t_guest_wait(g, r), VIRTIO_CUDA_OK);
	queues_restart(g, base);
	CHECK(t_vm_client_worker(&c) > 0);
	t_guest_end(g);
}

/* A probe may take a minute, a pause may not. */
TEST(open_that_waits_for_the_probe_is_to_be_sent_again)
{
	struct t_vm_client c;
	struct t_guest *g;
	struct t_req *r;
	int base[2];

	setenv("CAUSEWAY_TEST_PROBE", "hang", 1);
	for (int i = 0; i < 2; i++) {
		/* In time by itself; at once where there is a pause. */
		g = t_guest_start_with(i ? NULL : "--worker-timeout=300");
		c = t_vm_client(g, 1);
		if (i) {
			r = t_vm_client_open_request(&c);
			t_guest_post(g, r, sizeof(struct virtio_cuda_open) +
				     2 * sizeof(struct virtio_cuda_run),
				     sizeof(struct virtio_cuda_open_resp));
			queues_stop(g, base);
			CHECK_EQ(t_guest_wait(g, r), VIRTIO_CUDA_ERR_AGAIN);
			queues_restart(g, base);
		} else {
			CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_ERR_AGAIN);
			CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_ERR_AGAIN);
		}
		CHECK_EQ(t_vm_client_close(&c), VIRTIO_CUDA_ERR_NO_CLIENT);
		t_guest_end(g);
	}
	unsetenv("CAUSEWAY_TEST_PROBE");
}

TEST(worker_that_does_not_park_is_killed)
{
	struct t_guest *g = t_guest_start_with("--worker-timeout=300");
	struct t_vm_client c = t_vm_client(g, 1);
	pid_t worker;
	int base[2];

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	worker = t_vm_client_worker(&c);
	kill(worker, SIGSTOP);
	queues_stop(g, base);
	CHECK(kill(worker, 0) && errno == ESRCH);
	queues_restart(g, base);
	CHECK(t_guest_event(g));
	CHECK_EQ(g->last_event.type, VIRTIO_CUDA_EV_DEAD);
	CHECK_EQ(t_vm_client_close(&c), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

/* A new driver does not know the clients of the one before. */
TEST(hello_ends_all_clients_before_it_is_answered)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c[4];
	pid_t worker[4];

	for (uint32_t i = 0; i < 4; i++) {
		c[i] = t_vm_client(g, i + 1);
		CHECK_EQ(t_vm_client_open(&c[i]), VIRTIO_CUDA_OK);
		worker[i] = t_vm_client_worker(&c[i]);
	}
	CHECK_EQ(t_guest_hello(g, 1, 1), VIRTIO_CUDA_OK);
	for (int i = 0; i < 4; i++) {
		CHECK(kill(worker[i], 0) && errno == ESRCH);
		CHECK_EQ(t_vm_client_close(&c[i]), VIRTIO_CUDA_ERR_NO_CLIENT);
		CHECK_EQ(t_vm_client_open(&c[i]), VIRTIO_CUDA_OK);
	}
	t_guest_end(g);
}

TEST(reset_device_ends_all_clients)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 9);
	pid_t worker;
	int base[2];

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	worker = t_vm_client_worker(&c);
	queues_stop(g, base);
	CHECK_EQ(front_set(&g->f, VU_RESET_DEVICE, NULL, 0, NULL), 0);
	CHECK(kill(worker, 0) && errno == ESRCH);
	t_guest_end(g);
}

TEST(front_end_that_leaves_takes_its_clients_along_and_another_may_come)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	pid_t worker;
	int fds;

	/* A first client, so that the probe is through and its socket closed. */
	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_close(&c), VIRTIO_CUDA_OK);
	fds = t_daemon_fds(&g->d);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
		worker = t_vm_client_worker(&c);
		front_close(&g->f);
		CHECK(t_gone(worker));
		t_guest_connect(g);
		CHECK_EQ(t_guest_hello(g, 1, 1), VIRTIO_CUDA_OK);
		CHECK(t_daemon_settles(&g->d, fds));
		c = t_vm_client(g, 1);
	}
	t_guest_end(g);
}

/* The daemon must not write to where the buffers were. */
TEST(memory_that_goes_takes_the_event_buffers_that_lie_in_it)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	struct vu_mem_region extra = { FRONT_GPA << 4, 1 << 20, FRONT_UVA << 1, 0 };
	int fd = t_memfd(1 << 20, F_SEAL_SHRINK);
	_Atomic uint64_t *seq = &cw_channel_slot(c.channel, 1)->seq;

	CHECK_EQ(front_add_region(&g->f, &extra, fd), 0);
	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	/* All buffers but the last move into the extra memory: each is used once. */
	for (int i = 0; i < T_GUEST_EVENTS; i++) {
		uint64_t *gpa;

		t_vm_client_ring(&c, T_CMD_PID);
		gpa = t_guest_event_take(g);
		CHECK(gpa);
		if (i < T_GUEST_EVENTS - 1)
			*gpa = extra.gpa + (uint64_t)i * 64;
		t_guest_event_post(g, gpa);
	}
	CHECK_EQ(front_rem_region(&g->f, &extra), 0);
	*seq = 0;
	t_vm_client_ring(&c, T_CMD_PID);
	for (int i = 0; i < 1000 && !*seq; i++)
		usleep(1000);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(t_guest_ping(g), VIRTIO_CUDA_OK);
	close(fd);
	t_guest_end(g);
}

TEST(memory_that_goes_takes_the_workers_that_have_it)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1), other = t_vm_client(g, 2);
	struct vu_mem_region extra = { FRONT_GPA << 4, 1 << 20, FRONT_UVA << 1, 0 };
	struct t_req *r;
	struct virtio_cuda_attach *body;
	int fd = t_memfd(1 << 20, F_SEAL_SHRINK);
	pid_t worker;

	CHECK_EQ(front_add_region(&g->f, &extra, fd), 0);
	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_open(&other), VIRTIO_CUDA_OK);
	worker = t_vm_client_worker(&c);
	r = t_guest_request(g, VIRTIO_CUDA_ATTACH, 1);
	body = t_guest_body(g, r);
	*body = (struct virtio_cuda_attach){
		.region = 1, .va = T_REGION_BASE, .len = 4096, .nr_runs = 1
	};
	body->runs[0] = (struct virtio_cuda_run){ extra.gpa, 4096, 0 };
	CHECK_EQ(t_guest_call(g, r, sizeof(*body) + sizeof(body->runs[0]), 0), VIRTIO_CUDA_OK);
	CHECK_EQ(front_rem_region(&g->f, &extra), 0);
	CHECK(kill(worker, 0) && errno == ESRCH);
	CHECK(t_guest_event(g));
	CHECK_EQ(g->last_event.type, VIRTIO_CUDA_EV_DEAD);
	CHECK_EQ(g->last_event.client, 1);
	CHECK(t_vm_client_worker(&other) > 0);
	close(fd);
	t_guest_end(g);
}

TAP_MAIN()
