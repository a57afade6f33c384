// SPDX-License-Identifier: Apache-2.0
/*
 * In the guest: a device that lies or is silent. It loses its clients and is
 * reset; the kernel goes on, and so does the device once it is honest.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_cuda.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kernel/guest.h"
#include "tests/tap.h"

#define MIB (1ull << 20)

/* Does what makes the driver send a message of a type; 0 or -errno. */
static int send_type(struct guest *g, uint32_t type)
{
	struct vcuda_stat s = { .size = sizeof(s) };
	static uint8_t buf[4096];
	struct guest other;
	uint32_t id;
	int ret;

	switch (type) {
	case VIRTIO_CUDA_OPEN:
		ret = guest_try_open(&other);
		if (!ret)
			guest_close(&other);
		return ret;
	case VIRTIO_CUDA_CLOSE:
		ret = guest_try_open(&other);
		if (!ret)
			guest_close(&other);
		return ret ? ret : guest_wait(g, 9, 1, 20000);
	case VIRTIO_CUDA_ATTACH:
		return guest_region_alloc(g, 2 * MIB, ARENA_BASE, NULL, &id);
	case VIRTIO_CUDA_DETACH:
		ret = guest_region_alloc(g, 2 * MIB, ARENA_BASE, NULL, &id);
		return ret ? ret : guest_region_free(g, id);
	case VIRTIO_CUDA_COPY_IN:
		return guest_copy(g, 0, buf, 0, sizeof(buf));
	case VIRTIO_CUDA_COPY_OUT:
		return guest_copy(g, VCUDA_COPY_OUT, buf, 0, sizeof(buf));
	case VIRTIO_CUDA_STAT:
		guest_ioctl(g->fd, VCUDA_IOC_STAT, &s);
		return guest_ioctl(g->fd, VCUDA_IOC_KICK, NULL);
	case VIRTIO_CUDA_PING:
		return guest_wait(g, 9, 1, 20000);
	}
	return 0;
}

/* The device lies once: its clients end, and it comes back. */
static void lie(uint32_t trick, uint32_t type)
{
	struct guest g, again;

	guest_await_device();
	guest_open(&g);
	CHECK_EQ(guest_call(&g, OP_TRICK, trick, type, 1), 1);
	CHECK(send_type(&g, type) < 0);
	CHECK_EQ(guest_wait(&g, 5, 77, 20000), -EIO);
	CHECK_EQ(guest_ioctl(g.fd, VCUDA_IOC_KICK, NULL), -EIO);
	guest_await_device();
	guest_open(&again);
	CHECK_EQ(guest_call(&again, OP_NOP, 3, 0, 0), 3);
	/* The client of before stays dead. */
	CHECK_EQ(guest_ioctl(g.fd, VCUDA_IOC_KICK, NULL), -EIO);
	guest_close(&g);
	CHECK_EQ(guest_call(&again, OP_COUNT, COUNT_CLIENTS, 0, 0), 1);
	guest_close(&again);
}

TEST(lie_short_answer_to_open)
{
	lie(TRICK_SHORT, VIRTIO_CUDA_OPEN);
}

TEST(lie_long_answer_to_copy_in)
{
	lie(TRICK_LONG, VIRTIO_CUDA_COPY_IN);
}

TEST(lie_short_answer_to_copy_out)
{
	lie(TRICK_SHORT, VIRTIO_CUDA_COPY_OUT);
}

TEST(lie_unknown_status_to_attach)
{
	lie(TRICK_STATUS, VIRTIO_CUDA_ATTACH);
}

TEST(lie_unknown_status_to_detach)
{
	lie(TRICK_STATUS, VIRTIO_CUDA_DETACH);
}

TEST(lie_foreign_epoch_to_close)
{
	lie(TRICK_EPOCH, VIRTIO_CUDA_CLOSE);
}

TEST(lie_stale_to_ping)
{
	lie(TRICK_STALE, VIRTIO_CUDA_PING);
}

TEST(lie_body_length_to_stat)
{
	lie(TRICK_BODY, VIRTIO_CUDA_STAT);
}

TEST(honest_refusals_are_errors_and_no_more)
{
	struct guest g;

	guest_await_device();
	guest_open(&g);
	CHECK_EQ(guest_call(&g, OP_TRICK, TRICK_REFUSE, VIRTIO_CUDA_ATTACH, 1), 1);
	CHECK_EQ(send_type(&g, VIRTIO_CUDA_ATTACH), -ENOMEM);
	CHECK_EQ(send_type(&g, VIRTIO_CUDA_ATTACH), 0);
	CHECK_EQ(guest_call(&g, OP_TRICK, TRICK_REFUSE, VIRTIO_CUDA_OPEN, 1), 1);
	CHECK_EQ(send_type(&g, VIRTIO_CUDA_OPEN), -ENOMEM);
	CHECK_EQ(send_type(&g, VIRTIO_CUDA_OPEN), 0);
	CHECK_EQ(guest_call(&g, OP_TRICK, TRICK_REFUSE, VIRTIO_CUDA_COPY_OUT, 1), 1);
	CHECK_EQ(send_type(&g, VIRTIO_CUDA_COPY_OUT), -ENOMEM);
	CHECK_EQ(send_type(&g, VIRTIO_CUDA_COPY_OUT), 0);
	guest_close(&g);
}

TEST(a_refused_detach_leaves_the_region)
{
	struct guest g;
	uint32_t id;

	guest_await_device();
	guest_open(&g);
	CHECK_EQ(guest_region_alloc(&g, 2 * MIB, ARENA_BASE, NULL, &id), 0);
	CHECK_EQ(guest_call(&g, OP_TRICK, TRICK_REFUSE, VIRTIO_CUDA_DETACH, 1), 1);
	CHECK_EQ(guest_region_free(&g, id), -ENOMEM);
	CHECK_EQ(guest_region_free(&g, id), 0);
	CHECK_EQ(guest_region_free(&g, id), -ENOENT);
	guest_close(&g);
}

TEST(lie_refused_close)
{
	lie(TRICK_REFUSE, VIRTIO_CUDA_CLOSE);
}

static void raw(uint64_t what)
{
	uint64_t arg[3] = { what };
	struct guest g;

	guest_await_device();
	guest_open(&g);
	guest_send(&g, OP_RAW, 0, arg);
	CHECK_EQ(guest_wait(&g, 5, 77, 20000), -EIO);
	guest_close(&g);
	guest_await_device();
	guest_open(&g);
	CHECK_EQ(guest_call(&g, OP_NOP, 3, 0, 0), 3);
	guest_close(&g);
}

TEST(raw_used_id_nobody_posted)
{
	raw(RAW_ID);
}

TEST(raw_used_index_far_ahead)
{
	raw(RAW_JUMP);
}

/* Has an event sent; the device may have to wait for a buffer. */
static int64_t event(struct guest *g, uint64_t kind)
{
	int64_t ret = 0;

	for (int i = 0; i < 400 && !ret; i++) {
		if (i)
			guest_sleep_ms(50);
		ret = (int64_t)guest_call(g, OP_EVENT, kind, 1, 0);
	}
	return ret;
}

static void bad_event(uint64_t kind)
{
	struct guest g;

	guest_await_device();
	guest_open(&g);
	CHECK(event(&g, kind));
	CHECK_EQ(guest_wait(&g, 5, 77, 20000), -EIO);
	guest_close(&g);
	guest_await_device();
}

TEST(event_too_short)
{
	bad_event(EVENT_LENGTH);
}

TEST(event_of_unknown_type)
{
	bad_event(EVENT_TYPE);
}

TEST(event_late_or_foreign_is_ignored)
{
	struct guest g;

	guest_await_device();
	guest_open(&g);
	CHECK_EQ(event(&g, EVENT_CLIENT), 1);
	CHECK_EQ(event(&g, EVENT_EPOCH), 1);
	CHECK_EQ(guest_call(&g, OP_NOP, 6, 0, 0), 6);
	guest_close(&g);
}

TEST(event_flood_is_survived)
{
	struct guest g;

	guest_await_device();
	guest_open(&g);
	CHECK_EQ(guest_call(&g, OP_EVENT, EVENT_FLOOD, 100000, 0), 1);
	for (uint64_t i = 1; i < 50; i++)
		CHECK_EQ(guest_call(&g, OP_NOP, i, 0, 0), i);
	guest_close(&g);
}

/* The daemon hangs while a call waits: found out by PING, everything ends. */
TEST(silence_is_death)
{
	uint64_t arg[3] = { 60000 }, before;
	struct guest g;

	guest_await_device();
	guest_open(&g);
	guest_send(&g, OP_HANG, 0, arg);
	CHECK_EQ(guest_limits("5", "5"), 0);
	before = guest_now_ns();
	CHECK_EQ(guest_wait(&g, 5, 77, 0), -EIO);
	CHECK(guest_now_ns() - before >= 4000000000ull);
	CHECK_EQ(guest_limits("120", "0"), 0);
	guest_close(&g);
	guest_await_device();
	guest_open(&g);
	CHECK_EQ(guest_call(&g, OP_COUNT, COUNT_CLIENTS, 0, 0), 1);
	guest_close(&g);
}

/* What was killed while the device hung is freed by the reset. */
TEST(silence_with_a_killed_copy)
{
	uint64_t arg[3] = { 60000 };
	struct guest g;
	pid_t pid;

	guest_await_device();
	guest_open(&g);
	guest_send(&g, OP_HANG, 0, arg);
	CHECK_EQ(guest_limits("5", "5"), 0);
	pid = fork();
	if (!pid) {
		struct guest own;

		_exit(guest_try_open(&own) == -ENODEV ? 0 : 1);
	}
	guest_sleep_ms(300);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(guest_wait(&g, 5, 77, 0), -EIO);
	CHECK_EQ(guest_limits("120", "0"), 0);
	guest_close(&g);
	guest_await_device();
	guest_open(&g);
	CHECK(guest_until(&g, COUNT_CLIENTS, 1));
	guest_close(&g);
}

/* A long kernel is not a death: PING is answered. */
TEST(a_long_call_is_no_silence)
{
	struct guest g;

	guest_await_device();
	guest_open(&g);
	CHECK_EQ(guest_call(&g, OP_DELAY, 8000, 0, 0), 8000);
	CHECK((int64_t)guest_call(&g, OP_COUNT, COUNT_PINGS, 0, 0) >= 6);
	guest_close(&g);
}

int main(int argc, char **argv)
{
	/* Honest until told otherwise: how long it takes is not looked at. */
	if (guest_limits("120", "0"))
		return 1;
	return tap_run(argc > 1 ? argv[1] : NULL);
}
