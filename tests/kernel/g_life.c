// SPDX-License-Identifier: Apache-2.0
/*
 * In the guest: who ends when, and what becomes of what was granted.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kernel/guest.h"
#include "tests/tap.h"

#define MIB (1ull << 20)
#define REGION (2 * MIB) /* a granule on huge pages, too */
#define DRIVER "/sys/bus/virtio/drivers/virtio_cuda/"

/* Waits until @n messages are held by the device. */
static int held(struct guest *g, uint64_t n)
{
	for (int i = 0; i < 200; i++) {
		if (guest_call(g, OP_COUNT, COUNT_HELD, 0, 0) == n)
			return 1;
		guest_sleep_ms(20);
	}
	return 0;
}

TEST(clients_end_with_the_file)
{
	struct guest a, b[10];
	uint32_t id;

	guest_open(&a);
	for (int i = 0; i < 10; i++) {
		guest_open(&b[i]);
		CHECK_EQ(guest_region_alloc(&b[i], REGION, ARENA_BASE, NULL, &id), 0);
	}
	CHECK_EQ(guest_call(&a, OP_COUNT, COUNT_CLIENTS, 0, 0), 11);
	CHECK_EQ(guest_call(&a, OP_COUNT, COUNT_REGIONS, 0, 0), 10);
	for (int i = 0; i < 10; i++)
		guest_close(&b[i]);
	CHECK(guest_until(&a, COUNT_CLIENTS, 1));
	CHECK_EQ(guest_call(&a, OP_COUNT, COUNT_REGIONS, 0, 0), 0);
	guest_close(&a);
}

struct race {
	int fd;
	uint64_t offset;
	uint64_t len;
};

static void *map_again_and_again(void *arg)
{
	struct race *r = arg;
	void *p;

	for (int i = 0; i < 20; i++) {
		p = mmap(NULL, r->len, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, (off_t)r->offset);
		if (p == MAP_FAILED)
			break;
		munmap(p, r->len);
	}
	return NULL;
}

/* A mapping that is being made holds the pages it shows, or none is made. */
TEST(region_is_freed_while_it_is_mapped)
{
	struct guest g;

	guest_open(&g);
	for (int i = 0; i < 10; i++) {
		struct vcuda_region_alloc a = {
			.size = sizeof(a), .va = ARENA_BASE, .len = 16 * MIB,
		};
		struct race r = { .fd = g.fd, .len = a.len };
		pthread_t t;

		CHECK_EQ(guest_ioctl(g.fd, VCUDA_IOC_REGION_ALLOC, &a), 0);
		r.offset = a.mmap_offset;
		CHECK_EQ(pthread_create(&t, NULL, map_again_and_again, &r), 0);
		guest_sleep_ms(3 * (unsigned int)i);
		CHECK_EQ(guest_region_free(&g, a.region), 0);
		pthread_join(t, NULL);
		CHECK(mmap(NULL, a.len, PROT_READ, MAP_SHARED, g.fd, (off_t)r.offset) ==
		      MAP_FAILED);
	}
	guest_close(&g);
}

TEST(clients_are_limited)
{
	static struct guest g[65];
	struct guest *first = &g[0];
	int n, ret = 0;

	for (n = 0; n < 65 && !ret; n++)
		ret = guest_try_open(&g[n]);
	CHECK_EQ(ret, -EBUSY);
	CHECK_EQ(n, 65);
	for (n = 1; n < 64; n++)
		guest_close(&g[n]);
	CHECK(guest_until(first, COUNT_CLIENTS, 1));
	guest_close(first);
}

static int all_refused(struct guest *g)
{
	unsigned char vec;
	uint32_t id;
	uint8_t c;
	struct vcuda_query q = { .size = sizeof(q) };

	if (guest_ioctl(g->fd, VCUDA_IOC_KICK, NULL) != -EPERM ||
	    guest_ioctl(g->fd, VCUDA_IOC_QUERY, &q) != -EPERM)
		return 1;
	if (guest_copy(g, 0, &c, 0, 1) != -EPERM || guest_register(g, &c, 4096, 0, &id) != -EPERM ||
	    guest_region_alloc(g, REGION, ARENA_BASE, NULL, &id) != -EPERM)
		return 2;
	if (mmap(NULL, VCUDA_CHANNEL_SIZE(RING_SIZE), PROT_READ, MAP_SHARED, g->fd, 0) !=
		    MAP_FAILED || errno != EPERM)
		return 3;
	/* Not inherited. */
	if (!mincore(g->channel, 4096, &vec) || errno != ENOMEM)
		return 4;
	return 0;
}

TEST(a_forked_child_owns_nothing)
{
	int status = -1;
	struct guest g;
	pid_t pid;

	guest_open(&g);
	pid = fork();
	if (!pid)
		_exit(all_refused(&g));
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
	CHECK_EQ(guest_call(&g, OP_NOP, 4, 0, 0), 4);
	guest_close(&g);
}

TEST(the_owners_exit_ends_the_client_whoever_holds_the_file)
{
	int pipefd[2], status;
	struct guest g;
	pid_t pid, child = 0;

	guest_open(&g);
	CHECK_EQ(pipe(pipefd), 0);
	pid = fork();
	if (!pid) {
		struct guest own;

		if (guest_try_open(&own))
			_exit(1);
		child = fork();
		if (!child)
			for (;;)
				pause();
		if (write(pipefd[1], &child, sizeof(child)) != sizeof(child))
			_exit(2);
		_exit(0);
	}
	CHECK_EQ(read(pipefd[0], &child, sizeof(child)), sizeof(child));
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
	CHECK(guest_until(&g, COUNT_CLIENTS, 1));
	CHECK_EQ(kill(child, 0), 0);
	kill(child, SIGKILL);
	close(pipefd[0]);
	close(pipefd[1]);
	guest_close(&g);
}

/* Runs @fn in a child that is killed once it hangs in the device. */
static void kill_in(struct guest *g, void (*fn)(void), uint32_t type, uint64_t nr_held)
{
	int status = 0;
	pid_t pid;

	CHECK_EQ(guest_call(g, OP_TRICK, TRICK_HOLD, type, 1000), 1);
	guest_call(g, OP_COUNT, COUNT_MAX_HELD, 0, 0);
	pid = fork();
	if (!pid) {
		fn();
		_exit(0);
	}
	CHECK(held(g, nr_held));
	kill(pid, SIGKILL);
	/* It dies at once, not when the device has answered. */
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(guest_call(g, OP_COUNT, COUNT_HELD, 0, 0), nr_held);
	CHECK_EQ(guest_call(g, OP_COUNT, COUNT_MAX_HELD, 0, 0), nr_held);
	CHECK_EQ(guest_call(g, OP_RELEASE, 0, 0, 0), 1);
	CHECK(guest_until(g, COUNT_CLIENTS, 1));
}

static void do_open(void)
{
	struct guest own;

	guest_try_open(&own);
}

static void do_copy(void)
{
	uint8_t *p = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	struct guest own;

	guest_try_open(&own);
	guest_copy(&own, 0, p, 0, 64 * MIB);
}

static void do_copy_out(void)
{
	uint8_t *p = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	struct guest own;

	guest_try_open(&own);
	guest_copy(&own, VCUDA_COPY_OUT, p, 0, 64 * MIB);
}

static void do_attach(void)
{
	struct guest own;
	uint32_t id;

	guest_try_open(&own);
	guest_region_alloc(&own, REGION, ARENA_BASE, NULL, &id);
}

static void do_detach(void)
{
	struct guest own;
	uint32_t id;

	guest_try_open(&own);
	guest_region_alloc(&own, REGION, ARENA_BASE, NULL, &id);
	guest_region_free(&own, id);
}

TEST(killed_in_open)
{
	struct guest g;

	guest_open(&g);
	kill_in(&g, do_open, 3, 1);
	guest_close(&g);
}

TEST(killed_in_copy)
{
	struct guest g;

	guest_open(&g);
	kill_in(&g, do_copy, 7, 8);
	kill_in(&g, do_copy_out, 8, 8);
	guest_close(&g);
}

TEST(killed_in_attach_and_detach)
{
	struct guest g;

	guest_open(&g);
	kill_in(&g, do_attach, 5, 1);
	kill_in(&g, do_detach, 6, 1);
	guest_close(&g);
}

TEST(at_most_sixteen_messages_wait_for_workers)
{
	struct guest g;
	pid_t pid[20];

	guest_open(&g);
	CHECK_EQ(guest_call(&g, OP_TRICK, TRICK_HOLD, 3, 1000), 1);
	guest_call(&g, OP_COUNT, COUNT_MAX_HELD, 0, 0);
	for (int i = 0; i < 20; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			struct guest own;

			_exit(guest_try_open(&own) ? 1 : 0);
		}
	}
	CHECK(held(&g, 16));
	guest_sleep_ms(200);
	CHECK_EQ(guest_call(&g, OP_COUNT, COUNT_MAX_HELD, 0, 0), 16);
	CHECK_EQ(guest_call(&g, OP_RELEASE, 0, 0, 0), 1);
	for (int i = 0; i < 20; i++) {
		int status = -1;

		waitpid(pid[i], &status, 0);
		CHECK_EQ(status, 0);
	}
	CHECK(guest_until(&g, COUNT_CLIENTS, 1));
	guest_close(&g);
}

TEST(a_dead_worker_ends_its_client_alone)
{
	struct pollfd p = { .events = 0 };
	struct guest a, b;
	int64_t answer;

	guest_open(&a);
	guest_open(&b);
	p.fd = a.fd;
	/* The worker's last answer, unless the news of its death came first. */
	answer = (int64_t)guest_call(&a, OP_DIE, 0, 0, 0);
	CHECK(answer == 1 || answer == -EIO);
	CHECK_EQ(poll(&p, 1, 10000), 1);
	CHECK_EQ(p.revents, POLLHUP | POLLERR);
	CHECK_EQ(guest_wait(&a, 1, 99, 0), -EIO);
	CHECK_EQ(guest_ioctl(a.fd, VCUDA_IOC_KICK, NULL), -EIO);
	CHECK_EQ(guest_copy(&a, 0, &p, 0, 1), -EIO);
	CHECK_EQ(guest_call(&b, OP_NOP, 8, 0, 0), 8);
	guest_close(&a);
	CHECK(guest_until(&b, COUNT_CLIENTS, 1));
	guest_close(&b);
}

static void *wait_forever(void *opaque)
{
	struct guest *g = opaque;

	return (void *)(intptr_t)guest_wait(g, 9, 1, 0);
}

static void module_reload(void)
{
	int fd = open("/virtio_cuda.ko", O_RDONLY | O_CLOEXEC);
	const char *alias = getenv("VCUDA_ALIAS") ? getenv("VCUDA_ALIAS") : "";
	char param[64];

	CHECK(fd >= 0);
	snprintf(param, sizeof(param), "%s patience=120", alias);
	CHECK_EQ(syscall(SYS_finit_module, fd, param, 0), 0);
	close(fd);
}

TEST(removal_with_open_files)
{
	struct pollfd p = { .events = 0 };
	const char *name = getenv("VCUDA_DEV");
	struct guest g, again, idle;
	pthread_t t;
	uint32_t id;
	void *ret, *region;

	if (!name)
		SKIP("VCUDA_DEV does not name the virtio device");
	guest_open(&g);
	idle.fd = open(NODE, O_RDWR);
	p.fd = g.fd;
	CHECK_EQ(guest_region_alloc(&g, REGION, ARENA_BASE, &region, &id), 0);
	CHECK_EQ(pthread_create(&t, NULL, wait_forever, &g), 0);
	guest_sleep_ms(100);
	CHECK_EQ(syscall(SYS_delete_module, "virtio_cuda", O_NONBLOCK), -1);
	CHECK_EQ(guest_write_file(DRIVER "unbind", name), 0);
	pthread_join(t, &ret);
	CHECK_EQ((intptr_t)ret, -EIO);
	CHECK_EQ(poll(&p, 1, 1000), 1);
	CHECK_EQ(p.revents, POLLHUP | POLLERR);
	CHECK_EQ(guest_ioctl(g.fd, VCUDA_IOC_KICK, NULL), -ENODEV);
	CHECK_EQ(guest_touch(g.channel), SIGBUS);
	CHECK_EQ(guest_touch(region), SIGBUS);
	CHECK(mmap(NULL, VCUDA_CHANNEL_SIZE(RING_SIZE), PROT_READ, MAP_SHARED, g.fd, 0) ==
	      MAP_FAILED);
	CHECK_EQ(errno, ENODEV);
	/* It may come back under its name while files of before are open. */
	CHECK_EQ(guest_write_file(DRIVER "bind", name), 0);
	guest_await_device();
	guest_open(&again);
	CHECK_EQ(guest_ioctl(g.fd, VCUDA_IOC_KICK, NULL), -ENODEV);
	munmap(region, REGION);
	guest_close(&g);
	close(idle.fd);
	CHECK_EQ(guest_call(&again, OP_NOP, 2, 0, 0), 2);
	guest_close(&again);
}

/* Clients of before a suspend stay dead, new ones work. */
TEST(suspend_ends_clients)
{
	struct guest g, again;

	if (guest_write_file("/sys/class/rtc/rtc0/wakealarm", "+2"))
		SKIP("no clock to wake up from");
	guest_open(&g);
	CHECK_EQ(guest_write_file("/sys/power/state", "mem"), 0);
	CHECK_EQ(guest_ioctl(g.fd, VCUDA_IOC_KICK, NULL), -EIO);
	CHECK_EQ(guest_wait(&g, 3, 1, 0), -EIO);
	guest_await_device();
	guest_open(&again);
	CHECK_EQ(guest_call(&again, OP_COUNT, COUNT_CLIENTS, 0, 0), 1);
	guest_close(&g);
	CHECK_EQ(guest_call(&again, OP_NOP, 2, 0, 0), 2);
	guest_close(&again);
}

/* Whatever was left behind does not keep the module. */
TEST(the_module_unloads_and_loads)
{
	struct guest g;

	if (!getenv("VCUDA_ALIAS"))
		SKIP("VCUDA_ALIAS does not say how to load the module");
	for (int i = 0; i < 3; i++) {
		guest_open(&g);
		guest_close(&g);
		CHECK_EQ(syscall(SYS_delete_module, "virtio_cuda", O_NONBLOCK), 0);
		module_reload();
		guest_await_device();
	}
	guest_open(&g);
	CHECK_EQ(guest_call(&g, OP_NOP, 2, 0, 0), 2);
	guest_close(&g);
}

int main(int argc, char **argv)
{
	/* What a device that is silent means is for g_hostile to see. */
	if (guest_limits("120", "5"))
		return 1;
	return tap_run(argc > 1 ? argv[1] : NULL);
}
