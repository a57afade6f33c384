// SPDX-License-Identifier: Apache-2.0
/*
 * In the guest: the calls of /dev/vcuda0, with an honest device.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kernel/guest.h"
#include "tests/tap.h"

#define MIB (1ull << 20)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

TEST(query_tells_versions_and_limits)
{
	struct vcuda_query q = { .size = sizeof(q) };
	int fd = open(NODE, O_RDWR);

	CHECK(fd >= 0);
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_QUERY, &q), 0);
	CHECK_EQ(q.version, VCUDA_CHANNEL_VERSION);
	CHECK_EQ(q.wire_version, 1);
	CHECK_EQ(q.window_size, SCRIPT_WINDOW);
	CHECK_EQ(q.max_clients, 64);
	CHECK(q.granule >= 4096 && !(q.granule & (q.granule - 1)));
	CHECK(q.epoch);
	close(fd);
}

TEST(structures_of_other_sizes)
{
	struct {
		struct vcuda_query q;
		uint64_t more[2];
	} big = { .q.size = sizeof(big) };
	int fd = open(NODE, O_RDWR);

	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_QUERY, &big), 0);
	CHECK_EQ(guest_ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'u', 0x80, sizeof(big)), &big), 0);
	big.more[1] = 1;
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_QUERY, &big), -EINVAL);
	big.q.size = 8;
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_QUERY, &big), -EINVAL);
	big.q.size = 1u << 31;
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_QUERY, &big), -EINVAL);
	big = (typeof(big)){ .q = { .size = sizeof(big.q), .flags = 1 } };
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_QUERY, &big), -EINVAL);
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_QUERY, NULL), -EFAULT);
	CHECK_EQ(guest_ioctl(fd, _IO('u', 0x89), NULL), -ENOTTY);
	CHECK_EQ(guest_ioctl(fd, _IO('u', 0x7f), NULL), -ENOTTY);
	close(fd);
}

TEST(open_refuses_nonsense_and_may_be_tried_again)
{
	const struct vcuda_open good = {
		.size = sizeof(good),
		.version = VCUDA_CHANNEL_VERSION,
		.ring_size = VCUDA_RING_MIN,
		.region_base = ARENA_BASE,
		.region_size = ARENA_SIZE,
	};
	struct vcuda_open o = good;
	int fd = open(NODE, O_RDWR);

	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_KICK, NULL), -ENOTCONN);
	o.flags = 1;
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_OPEN, &o), -EINVAL);
	o = good, o.version = 99;
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_OPEN, &o), -EPROTONOSUPPORT);
	o = good, o.ring_size = 3 * VCUDA_RING_MIN;
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_OPEN, &o), -EINVAL);
	o = good, o.ring_size = 2 * VCUDA_RING_MAX;
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_OPEN, &o), -EINVAL);
	o = good, o.region_size = -4096ull;
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_OPEN, &o), -EINVAL);
	o = good, o.region_base = 0xdead000;
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_OPEN, &o), -EADDRINUSE);
	o = good;
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_OPEN, &o), 0);
	CHECK_EQ(o.window_size, SCRIPT_WINDOW);
	CHECK_EQ(o.direct, 1);
	CHECK(o.client);
	o = good;
	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_OPEN, &o), -EALREADY);
	close(fd);
}

TEST(largest_ring_fits_the_runs)
{
	struct vcuda_open o = {
		.size = sizeof(o),
		.version = VCUDA_CHANNEL_VERSION,
		.ring_size = VCUDA_RING_MAX,
	};
	int fd = open(NODE, O_RDWR);

	CHECK_EQ(guest_ioctl(fd, VCUDA_IOC_OPEN, &o), 0);
	close(fd);
}

TEST(channel_is_mapped_whole_shared_and_not_executable)
{
	size_t len = VCUDA_CHANNEL_SIZE(RING_SIZE);
	struct guest g;

	guest_open(&g);
	CHECK(mmap(NULL, len - 4096, PROT_READ, MAP_SHARED, g.fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK(mmap(NULL, len, PROT_READ, MAP_PRIVATE, g.fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK(mmap(NULL, len, PROT_READ | PROT_EXEC, MAP_SHARED, g.fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK(mmap(NULL, len, PROT_READ, MAP_SHARED, g.fd, 4096) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(mprotect(g.channel, len, PROT_READ | PROT_EXEC), -1);
	/* What is given up comes back as it was. */
	g.channel[VCUDA_UPCALL_OFFSET] = 77;
	CHECK_EQ(madvise(g.channel, len, MADV_DONTNEED), 0);
	CHECK_EQ(g.channel[VCUDA_UPCALL_OFFSET], 77);
	guest_close(&g);
}

TEST(kick_and_wait_round_trips)
{
	struct vcuda_stat s = { .size = sizeof(s) };
	struct guest g;

	guest_open(&g);
	for (uint64_t i = 1; i <= 300; i++)
		CHECK_EQ(guest_call(&g, OP_NOP, i, 0, 0), i);
	CHECK_EQ(guest_ioctl(g.fd, VCUDA_IOC_STAT, &s), 0);
	CHECK_EQ(s.kicks, 300);
	CHECK(s.waits <= 300);
	CHECK_EQ(s.dev_commands, 300);
	CHECK(s.wakes <= s.dev_wakes);
	guest_close(&g);
}

TEST(wait_ends_at_its_deadline)
{
	uint64_t arg[3] = { 600 }, before, seq;
	struct guest g;

	guest_open(&g);
	before = guest_now_ns();
	seq = guest_send(&g, OP_DELAY, 5, arg);
	CHECK_EQ(guest_wait(&g, 5, seq, 50), -ETIMEDOUT);
	CHECK(guest_now_ns() - before >= 50000000);
	CHECK_EQ(guest_wait(&g, 5, seq, 0), 0);
	CHECK_EQ(guest_result(&g, 5), 600);
	CHECK_EQ(guest_wait(&g, 5, seq, 1), 0);
	CHECK_EQ(guest_wait(&g, VCUDA_SLOTS, 1, 1), -EINVAL);
	guest_close(&g);
}

static volatile int alarms;

static void on_alarm(int sig)
{
	alarms++;
}

TEST(wait_is_restarted_after_a_signal)
{
	struct sigaction act = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	uint64_t arg[3] = { 400 }, seq;
	struct guest g;

	guest_open(&g);
	alarms = 0;
	sigaction(SIGALRM, &act, NULL);
	seq = guest_send(&g, OP_DELAY, 3, arg);
	ualarm(100000, 0);
	CHECK_EQ(guest_wait(&g, 3, seq, 0), 0);
	CHECK_EQ(alarms, 1);
	act.sa_flags = 0;
	sigaction(SIGALRM, &act, NULL);
	seq = guest_send(&g, OP_DELAY, 3, arg);
	ualarm(100000, 0);
	CHECK_EQ(guest_wait(&g, 3, seq, 0), -EINTR);
	CHECK_EQ(guest_wait(&g, 3, seq, 0), 0);
	guest_close(&g);
}

struct waiter {
	struct guest *g;
	uint32_t slot;
	uint64_t seq;
	int ret;
};

static void *waiter_run(void *opaque)
{
	struct waiter *w = opaque;

	w->ret = guest_wait(w->g, w->slot, w->seq, 0);
	return NULL;
}

TEST(wake_ups_reach_their_slot_alone)
{
	struct vcuda_stat s = { .size = sizeof(s) };
	uint64_t late[3] = { 300 }, soon[3] = { 100 };
	struct waiter w[2];
	struct guest g;
	pthread_t t;

	guest_open(&g);
	w[0] = (struct waiter){ &g, 127, guest_send(&g, OP_DELAY, 127, late), -1 };
	w[1] = (struct waiter){ &g, 64, guest_send(&g, OP_DELAY, 64, soon), -1 };
	CHECK_EQ(pthread_create(&t, NULL, waiter_run, &w[0]), 0);
	waiter_run(&w[1]);
	pthread_join(t, NULL);
	CHECK_EQ(w[0].ret, 0);
	CHECK_EQ(w[1].ret, 0);
	CHECK_EQ(guest_ioctl(g.fd, VCUDA_IOC_STAT, &s), 0);
	CHECK_EQ(s.wakes, 2);
	guest_close(&g);
}

static void copy_and_compare(struct guest *g, uint8_t *p, uint64_t offset, uint64_t len)
{
	script_fill(p, len, len);
	CHECK_EQ(guest_copy(g, 0, p, offset, len), 0);
	CHECK_EQ(guest_call(g, OP_SUM, offset, len, 0), script_sum(0, p, len));
	CHECK_EQ(guest_call(g, OP_FILL, offset, len, len + 1), 1);
	CHECK_EQ(guest_copy(g, VCUDA_COPY_OUT, p, offset, len), 0);
	CHECK_EQ(guest_call(g, OP_SUM, offset, len, 0), script_sum(0, p, len));
}

TEST(copies_of_any_size_and_alignment)
{
	static const uint64_t sizes[] = { 1, 63, 4096, 4097, 70001, MIB, 4 * MIB, 5 * MIB + 13 };
	uint8_t *p = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);
	struct guest g;

	guest_open(&g);
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		copy_and_compare(&g, p, 0, sizes[i]);
		copy_and_compare(&g, p + 4095, 1234567, sizes[i]);
	}
	CHECK_EQ(guest_copy(&g, 0, p, 0, 0), 0);
	munmap(p, 8 * MIB);
	guest_close(&g);
}

TEST(copies_64_mib_both_ways)
{
	struct vcuda_stat s = { .size = sizeof(s) };
	uint8_t *p = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);
	struct guest g;

	guest_open(&g);
	copy_and_compare(&g, p, 4096, 64 * MIB);
	CHECK_EQ(guest_ioctl(g.fd, VCUDA_IOC_STAT, &s), 0);
	CHECK_EQ(s.copied_bytes, 128 * MIB);
	CHECK_EQ(s.dev_copied_bytes, 128 * MIB);
	CHECK_EQ(s.bounced_bytes, 0);
	munmap(p, 64 * MIB);
	guest_close(&g);
}

TEST(copy_refuses_what_is_not_there)
{
	uint8_t *p = mmap(NULL, MIB, PROT_READ, ANONYMOUS, -1, 0);
	struct guest g;

	guest_open(&g);
	CHECK_EQ(guest_copy(&g, 0, p, SCRIPT_WINDOW - 5, 6), -EINVAL);
	CHECK_EQ(guest_copy(&g, 0, p, -1ull, 6), -EINVAL);
	CHECK_EQ(guest_copy(&g, 0, (void *)-4096l, 0, 8192), -EINVAL);
	CHECK_EQ(guest_copy(&g, 8, p, 0, 1), -EINVAL);
	CHECK_EQ(guest_copy(&g, VCUDA_COPY_OUT, p, 0, MIB), -EFAULT);
	CHECK_EQ(guest_copy(&g, 0, p, 0, MIB), 0);
	munmap(p + MIB / 2, MIB / 2);
	CHECK_EQ(guest_copy(&g, 0, p, 0, MIB), -EFAULT);
	CHECK_EQ(guest_copy(&g, 0, (void *)0xffff888000000000ul, 0, 4096), -EFAULT);
	munmap(p, MIB / 2);
	guest_close(&g);
}

/* The memory of a PCI device cannot be pinned. */
TEST(copies_of_device_memory_bounce)
{
	struct vcuda_stat s = { .size = sizeof(s) };
	int bar = open("/sys/bus/pci/devices/0000:00:1e.0/resource2", O_RDWR);
	struct guest g;
	uint8_t *p;

	if (bar < 0)
		SKIP("no ivshmem device at 00:1e.0");
	p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, bar, 0);
	CHECK(p != MAP_FAILED);
	guest_open(&g);
	copy_and_compare(&g, p + 17, 0, 300000);
	CHECK_EQ(guest_ioctl(g.fd, VCUDA_IOC_STAT, &s), 0);
	CHECK_EQ(s.bounced_bytes, 600000);
	munmap(p, MIB);
	close(bar);
	guest_close(&g);
}

TEST(regions_are_one_memory_on_both_sides)
{
	uint64_t va = ARENA_BASE + 4 * MIB, len;
	uint32_t id, id2;
	struct guest g;
	void *p;

	guest_open(&g);
	len = 8 * MIB + g.granule;
	CHECK_EQ(guest_region_alloc(&g, len, va, &p, &id), 0);
	CHECK_EQ(guest_call(&g, OP_REGION_FILL, va, len, 5), 1);
	CHECK_EQ(guest_call(&g, OP_REGION_SUM, va, len, 0), script_sum(0, p, len));
	script_fill(p, len, 6);
	CHECK_EQ(guest_call(&g, OP_REGION_SUM, va, len, 0), script_sum(0, p, len));
	/* Region memory is memory: a copy takes it. */
	CHECK_EQ(guest_copy(&g, 0, p, 0, len), 0);
	CHECK_EQ(guest_call(&g, OP_SUM, 0, len, 0), script_sum(0, p, len));
	CHECK_EQ(guest_region_alloc(&g, g.granule, ARENA_BASE, NULL, &id2), 0);
	CHECK_EQ(guest_call(&g, OP_COUNT, COUNT_REGIONS, 0, 0), 2);
	CHECK_EQ(guest_region_free(&g, id), 0);
	CHECK_EQ(guest_region_free(&g, id), -ENOENT);
	CHECK_EQ(guest_region_free(&g, id2), 0);
	CHECK_EQ(guest_call(&g, OP_COUNT, COUNT_REGIONS, 0, 0), 0);
	/* Mapped pages of a freed region stay the process's; others are gone. */
	CHECK_EQ(guest_touch(p), 0);
	CHECK_EQ(madvise(p, len, MADV_DONTNEED), 0);
	CHECK_EQ(guest_touch(p), SIGBUS);
	munmap(p, len);
	guest_close(&g);
}

TEST(region_alloc_refuses_nonsense)
{
	struct guest g;
	uint64_t len;
	uint32_t id;

	guest_open(&g);
	CHECK_EQ(guest_region_alloc(&g, 0, ARENA_BASE, NULL, &id), -EINVAL);
	len = g.granule;
	CHECK_EQ(guest_region_alloc(&g, len / 2, ARENA_BASE, NULL, &id), -EINVAL);
	CHECK_EQ(guest_region_alloc(&g, len, ARENA_BASE + len / 2, NULL, &id), -EINVAL);
	CHECK_EQ(guest_region_alloc(&g, len, ARENA_BASE + 1, NULL, &id), -EINVAL);
	CHECK_EQ(guest_region_alloc(&g, len, ARENA_BASE - len, NULL, &id), -EINVAL);
	CHECK_EQ(guest_region_alloc(&g, len, ARENA_BASE + ARENA_SIZE, NULL, &id), -EINVAL);
	CHECK_EQ(guest_region_alloc(&g, ARENA_SIZE, ARENA_BASE, NULL, &id), -ENOMEM);
	CHECK_EQ(guest_region_alloc(&g, -4096ull, ARENA_BASE, NULL, &id), -EINVAL);
	CHECK_EQ(guest_region_free(&g, 0), -ENOENT);
	CHECK_EQ(guest_region_free(&g, 4711), -ENOENT);
	guest_close(&g);
}

TEST(registered_memory_is_the_same_pages)
{
	struct vcuda_stat s = { .size = sizeof(s) };
	uint64_t len = 3 * MIB;
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);
	struct guest g;
	uint32_t id;

	guest_open(&g);
	script_fill(p, len, 1);
	if (g.granule > 4096) {
		CHECK_EQ(guest_register(&g, p, len, 0, &id), -EOPNOTSUPP);
		SKIP("pages of the process are smaller than the granule");
	}
	CHECK_EQ(guest_register(&g, p + 1, len - 4096, 0, &id), -EINVAL);
	CHECK_EQ(guest_register(&g, p, len - 1, 0, &id), -EINVAL);
	CHECK_EQ(guest_register(&g, p, 0, 0, &id), -EINVAL);
	CHECK_EQ(guest_register(&g, p, len, 2, &id), -EINVAL);
	CHECK_EQ(guest_register(&g, p, -4096ull, 0, &id), -EINVAL);
	CHECK_EQ(guest_register(&g, (void *)4096, 4096, 0, &id), -EFAULT);
	CHECK_EQ(guest_register(&g, p, len, 0, &id), 0);
	CHECK_EQ(guest_ioctl(g.fd, VCUDA_IOC_STAT, &s), 0);
	CHECK_EQ(s.pinned_pages, len / 4096);
	CHECK_EQ(guest_call(&g, OP_REGION_SUM, (uintptr_t)p, len, 0), script_sum(0, p, len));
	CHECK_EQ(guest_call(&g, OP_REGION_FILL, (uintptr_t)p, len, 9), 1);
	CHECK_EQ(guest_call(&g, OP_REGION_SUM, (uintptr_t)p, len, 0), script_sum(0, p, len));
	CHECK_EQ(p[1000], script_byte(9, 1000));
	CHECK_EQ(guest_region_free(&g, id), 0);
	s.size = sizeof(s);
	CHECK_EQ(guest_ioctl(g.fd, VCUDA_IOC_STAT, &s), 0);
	CHECK_EQ(s.pinned_pages, 0);
	munmap(p, len);
	guest_close(&g);
}

/* A page the device only reads may still be written to by the process. */
TEST(read_only_registration_follows_later_writes)
{
	uint8_t *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);
	struct guest g;
	uint32_t id;

	guest_open(&g);
	if (g.granule > 4096)
		SKIP("pages of the process are smaller than the granule");
	CHECK_EQ(p[0], 0); /* the zero page, so far */
	CHECK_EQ(guest_register(&g, p, 4096, VCUDA_REGISTER_READONLY, &id), 0);
	memset(p, 3, 4096);
	CHECK_EQ(guest_call(&g, OP_REGION_SUM, (uintptr_t)p, 4096, 0), script_sum(0, p, 4096));
	CHECK_EQ(guest_region_free(&g, id), 0);
	CHECK_EQ(mprotect(p, 4096, PROT_READ), 0);
	CHECK_EQ(guest_register(&g, p, 4096, 0, &id), -EFAULT);
	CHECK_EQ(guest_register(&g, p, 4096, VCUDA_REGISTER_READONLY, &id), 0);
	CHECK_EQ(guest_region_free(&g, id), 0);
	munmap(p, 4096);
	guest_close(&g);
}

/* Runs as an unprivileged user; the limit is that of the module, set to 4 MiB. */
static int register_beyond_the_limit(void)
{
	struct rlimit limit = { MIB, MIB };
	uint8_t *p = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct guest g;
	uint32_t id;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setgid(1000) || setuid(1000))
		return 1;
	if (guest_try_open(&g))
		return 2;
	if (g.granule > 4096)
		return 0;
	if (guest_register(&g, p, 5 * MIB, 0, &id) != -ENOMEM)
		return 3;
	if (guest_register(&g, p, 3 * MIB, 0, &id))
		return 4;
	if (guest_register(&g, p + 4 * MIB, 2 * MIB, 0, &id) != -ENOMEM)
		return 5;
	if (guest_region_free(&g, id - 0) != -ENOENT)
		return 6;
	return 0;
}

TEST(pinned_memory_has_a_limit)
{
	const char *param = "/sys/module/virtio_cuda/parameters/pin_limit";
	int status = -1;
	pid_t pid;

	CHECK_EQ(guest_write_file(param, "4"), 0);
	pid = fork();
	if (!pid)
		_exit(register_beyond_the_limit());
	waitpid(pid, &status, 0);
	guest_write_file(param, "0");
	CHECK_EQ(status, 0);
}

TEST(upcalls_show_in_poll)
{
	struct pollfd p = { .events = POLLIN };
	struct guest g;

	guest_open(&g);
	p.fd = g.fd;
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(guest_call(&g, OP_UPCALL, 0, 0, 0), 1);
	CHECK_EQ(poll(&p, 1, 10000), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_EQ(guest_wait(&g, 0, 1, 0), 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(guest_wait(&g, 0, 2, 20), -ETIMEDOUT);
	guest_close(&g);
}

int main(int argc, char **argv)
{
	/* What a device that is silent means is for g_hostile to see. */
	if (guest_limits("120", "5"))
		return 1;
	return tap_run(argc > 1 ? argv[1] : NULL);
}
