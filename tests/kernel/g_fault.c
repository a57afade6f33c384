// SPDX-License-Identifier: Apache-2.0
/*
 * In the guest, on a debug kernel: every call of the node with its first, second,
 * ... allocation or copy from or to user memory failing, until none is left to
 * fail. The call may fail with ENOMEM or EFAULT and nothing else; done again it
 * works; and in the end nothing is left.
 *
 * /proc/thread-self/fail-nth: Documentation/fault-injection of the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/kernel/guest.h"
#include "tests/tap.h"

#define MIB (1ull << 20)
#define DEBUG "/sys/kernel/debug/"
#define DRIVER "/sys/bus/virtio/drivers/virtio_cuda/"
#define MAX_FAULTS 5000 /* no call has as many things that can fail */

/**
 * struct fault - What a case works on
 * @g:		a client; opened without faults unless the case is about that
 * @file:	open node without a client
 * @p:		MIB of memory that can be pinned
 * @bar:	MIB of memory that cannot, or NULL
 * @region:	of a call before, or 0
 * @mapping:	by mmap, or NULL
 */
struct fault {
	struct guest g;
	int file;
	uint8_t *p;
	uint8_t *bar;
	uint32_t region;
	void *mapping;
};

static int nth = -1;

/* Errors are all that is to be seen of it, in every caller and for small blocks, too. */
static void fault_setup(void)
{
	static const char *const zero[] = {
		"failslab/ignore-gfp-wait", "failslab/verbose", "fail_page_alloc/ignore-gfp-wait",
		"fail_page_alloc/ignore-gfp-highmem", "fail_page_alloc/min-order",
		"fail_page_alloc/verbose", "fail_usercopy/verbose",
	};
	char path[128];

	for (unsigned int i = 0; i < sizeof(zero) / sizeof(zero[0]); i++) {
		snprintf(path, sizeof(path), DEBUG "%s", zero[i]);
		CHECK_EQ(guest_write_file(path, "0"), 0);
	}
	nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	CHECK(nth >= 0);
}

/* Does @call with its @n-th chance to fail taken. Whether there was one: *ret_hit. */
static int fault_call(int (*call)(struct fault *), struct fault *f, int n, bool *ret_hit)
{
	char text[16];
	int ret, len = snprintf(text, sizeof(text), "%d", n);

	if (pwrite(nth, text, (size_t)len, 0) != len)
		abort();
	ret = call(f);
	/* The chance may be left for this very read. */
	memset(text, 0, sizeof(text));
	*ret_hit = pread(nth, text, sizeof(text) - 1, 0) > 0 && !atoi(text);
	if (pwrite(nth, "0", 1, 0) != 1 && pwrite(nth, "0", 1, 0) != 1)
		abort();
	return ret;
}

static bool fault_ok(int ret)
{
	return !ret || ret == -ENOMEM || ret == -EFAULT;
}

static struct fault *fault_begin(void)
{
	static struct fault f;
	int bar = open("/sys/bus/pci/devices/0000:00:1e.0/resource2", O_RDWR);

	if (access(DEBUG "failslab", F_OK) || access("/proc/thread-self/fail-nth", F_OK))
		SKIP("this kernel cannot be made to fail");
	memset(&f, 0, sizeof(f));
	fault_setup();
	guest_open(&f.g);
	f.file = -1;
	f.p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
		   -1, 0);
	if (bar >= 0)
		f.bar = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, bar, 0);
	close(bar);
	return &f;
}

static void fault_end(struct fault *f)
{
	struct vcuda_stat s = { .size = sizeof(s) };

	CHECK(guest_until(&f->g, COUNT_CLIENTS, 1));
	CHECK_EQ(guest_call(&f->g, OP_COUNT, COUNT_REGIONS, 0, 0), 0);
	CHECK_EQ(guest_ioctl(f->g.fd, VCUDA_IOC_STAT, &s), 0);
	CHECK_EQ(s.pinned_pages, 0);
	munmap(f->p, MIB);
	if (f->bar)
		munmap(f->bar, MIB);
	guest_close(&f->g);
	close(nth);
}

/*
 * All the ways in which @call fails. @before is done before each, @after after
 * it, both without faults; @after is told what came of it.
 */
static void fault_all(struct fault *f, int (*before)(struct fault *), int (*call)(struct fault *),
		      int (*after)(struct fault *, int))
{
	bool hit = true;
	int n, ret = 0;

	for (n = 1; hit && n < MAX_FAULTS; n++) {
		if (before)
			CHECK_EQ(before(f), 0);
		ret = fault_call(call, f, n, &hit);
		if (!fault_ok(ret)) {
			printf("# fault %d: %s\n", n, strerror(-ret));
			CHECK(fault_ok(ret));
		}
		if (after)
			CHECK_EQ(after(f, ret), 0);
	}
	/* The last one had nothing to fail of. */
	CHECK(!hit);
	CHECK_EQ(ret, 0);
	printf("# %d faults\n", n - 2);
}

static int do_open_file(struct fault *f)
{
	f->file = open(NODE, O_RDWR | O_CLOEXEC);
	return f->file < 0 ? -errno : 0;
}

static int close_file(struct fault *f, int ret)
{
	if (f->file >= 0)
		close(f->file);
	f->file = -1;
	return 0;
}

TEST(open_of_the_node)
{
	struct fault *f = fault_begin();

	fault_all(f, NULL, do_open_file, close_file);
	fault_end(f);
}

static int do_query(struct fault *f)
{
	struct vcuda_query q = { .size = sizeof(q) };

	return guest_ioctl(f->g.fd, VCUDA_IOC_QUERY, &q);
}

TEST(query)
{
	struct fault *f = fault_begin();

	fault_all(f, NULL, do_query, NULL);
	fault_end(f);
}

static int do_open(struct fault *f)
{
	struct vcuda_open o = {
		.size = sizeof(o), .version = VCUDA_CHANNEL_VERSION, .ring_size = VCUDA_RING_MIN,
		.region_base = ARENA_BASE, .region_size = ARENA_SIZE,
	};

	return guest_ioctl(f->file, VCUDA_IOC_OPEN, &o);
}

static int open_again_and_close(struct fault *f, int ret)
{
	/* One that failed may be done again; of EFAULT only the caller knows nothing. */
	if (ret == -ENOMEM)
		ret = do_open(f);
	close_file(f, ret);
	return ret == -EFAULT ? 0 : ret;
}

TEST(open_of_a_client)
{
	struct fault *f = fault_begin();

	fault_all(f, do_open_file, do_open, open_again_and_close);
	fault_end(f);
}

static int do_map(struct fault *f)
{
	f->mapping = mmap(NULL, VCUDA_CHANNEL_SIZE(RING_SIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			  f->g.fd, VCUDA_MMAP_CHANNEL);
	return f->mapping == MAP_FAILED ? -errno : 0;
}

static int unmap(struct fault *f, int ret)
{
	return ret ? 0 : munmap(f->mapping, VCUDA_CHANNEL_SIZE(RING_SIZE));
}

TEST(mapping)
{
	struct fault *f = fault_begin();

	fault_all(f, NULL, do_map, unmap);
	fault_end(f);
}

static int do_kick(struct fault *f)
{
	return guest_ioctl(f->g.fd, VCUDA_IOC_KICK, NULL);
}

static int command_works(struct fault *f, int ret)
{
	return guest_call(&f->g, OP_NOP, 77, 0, 0) == 77 ? 0 : -EPROTO;
}

TEST(kick)
{
	struct fault *f = fault_begin();

	fault_all(f, NULL, do_kick, command_works);
	fault_end(f);
}

static int do_wait(struct fault *f)
{
	int ret = guest_wait(&f->g, 9, 1, 1);

	return ret == -ETIMEDOUT ? 0 : ret;
}

TEST(wait_for_a_reply)
{
	struct fault *f = fault_begin();

	fault_all(f, NULL, do_wait, command_works);
	fault_end(f);
}

static int do_poll(struct fault *f)
{
	struct pollfd p = { .fd = f->g.fd, .events = POLLIN };

	return poll(&p, 1, 1) < 0 ? -errno : 0;
}

TEST(poll_of_the_node)
{
	struct fault *f = fault_begin();

	fault_all(f, NULL, do_poll, command_works);
	fault_end(f);
}

static int do_copy(struct fault *f)
{
	return guest_copy(&f->g, 0, f->p + 5, 0, 300000);
}

static int do_copy_out(struct fault *f)
{
	return guest_copy(&f->g, VCUDA_COPY_OUT, f->p + 5, 0, 300000);
}

static int do_bounce(struct fault *f)
{
	return guest_copy(&f->g, 0, f->bar + 5, 0, 300000);
}

static int do_bounce_out(struct fault *f)
{
	return guest_copy(&f->g, VCUDA_COPY_OUT, f->bar + 5, 0, 300000);
}

TEST(copies)
{
	struct fault *f = fault_begin();

	fault_all(f, NULL, do_copy, command_works);
	fault_all(f, NULL, do_copy_out, command_works);
	script_fill(f->p + 5, 300000, 4);
	CHECK_EQ(do_copy(f), 0);
	CHECK_EQ(guest_call(&f->g, OP_SUM, 0, 300000, 0), script_sum(0, f->p + 5, 300000));
	fault_end(f);
}

TEST(copies_that_bounce)
{
	struct fault *f = fault_begin();

	if (!f->bar)
		SKIP("no memory that cannot be pinned");
	fault_all(f, NULL, do_bounce, command_works);
	fault_all(f, NULL, do_bounce_out, command_works);
	fault_end(f);
}

static int do_region_alloc(struct fault *f)
{
	f->region = 0;
	return guest_region_alloc(&f->g, MIB, ARENA_BASE, NULL, &f->region);
}

static int do_register(struct fault *f)
{
	f->region = 0;
	return guest_register(&f->g, f->p, MIB, 0, &f->region);
}

static int do_region_free(struct fault *f)
{
	return guest_region_free(&f->g, f->region);
}

/*
 * A region whose number did not reach the caller is found by trying: numbers
 * are given out in order.
 */
static int free_region(struct fault *f, int ret)
{
	static uint32_t last;

	if (!ret)
		last = f->region;
	else if (ret == -EFAULT && !guest_region_free(&f->g, last + 1))
		last++;
	return ret ? 0 : do_region_free(f);
}

static int free_again(struct fault *f, int ret)
{
	return ret ? do_region_free(f) : 0;
}

TEST(region_alloc)
{
	struct fault *f = fault_begin();

	fault_all(f, NULL, do_region_alloc, free_region);
	guest_close(&f->g);
	guest_open(&f->g);
	fault_end(f);
}

TEST(region_register)
{
	struct fault *f = fault_begin();

	fault_all(f, NULL, do_register, free_region);
	guest_close(&f->g);
	guest_open(&f->g);
	fault_end(f);
}

TEST(region_free)
{
	struct fault *f = fault_begin();

	fault_all(f, do_region_alloc, do_region_free, free_again);
	fault_all(f, do_register, do_region_free, free_again);
	fault_end(f);
}

static int do_stat(struct fault *f)
{
	struct vcuda_stat s = { .size = sizeof(s) };

	return guest_ioctl(f->g.fd, VCUDA_IOC_STAT, &s);
}

TEST(stat_of_a_client)
{
	struct fault *f = fault_begin();

	fault_all(f, NULL, do_stat, command_works);
	fault_end(f);
}

/* A last close cannot fail: what it needs it has. */
static int do_close(struct fault *f)
{
	close(f->file);
	f->file = -1;
	return 0;
}

static int open_both(struct fault *f)
{
	int ret = do_open_file(f);

	return ret ? ret : do_open(f);
}

TEST(last_close)
{
	struct fault *f = fault_begin();

	fault_all(f, open_both, do_close, NULL);
	fault_end(f);
}

static int do_bind(struct fault *f)
{
	int ret = guest_write_file(DRIVER "bind", getenv("VCUDA_DEV"));

	/* The driver core says so where probe failed. */
	return ret == -ENODEV || ret == -EINVAL ? -ENOMEM : ret;
}

static int unbind(struct fault *f, int ret)
{
	if (ret)
		ret = guest_write_file(DRIVER "bind", getenv("VCUDA_DEV"));
	return ret ? ret : guest_write_file(DRIVER "unbind", getenv("VCUDA_DEV"));
}

TEST(probe)
{
	struct fault *f = fault_begin();

	if (!getenv("VCUDA_DEV"))
		SKIP("VCUDA_DEV does not name the virtio device");
	guest_close(&f->g);
	CHECK_EQ(guest_write_file(DRIVER "unbind", getenv("VCUDA_DEV")), 0);
	fault_all(f, NULL, do_bind, unbind);
	CHECK_EQ(guest_write_file(DRIVER "bind", getenv("VCUDA_DEV")), 0);
	CHECK_EQ(chmod(NODE, 0666), 0);
	guest_await_device();
	guest_open(&f->g);
	fault_end(f);
}

TAP_MAIN()
