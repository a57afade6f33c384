// SPDX-License-Identifier: Apache-2.0
#include "tests/kernel/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* ioctl that returns 0 or -errno. */
int guest_ioctl(int fd, unsigned long nr, void *arg)
{
	return ioctl(fd, nr, arg) ? -errno : 0;
}

static int open_at(struct guest *g, uint64_t base)
{
	struct vcuda_open o = {
		.size = sizeof(o),
		.version = VCUDA_CHANNEL_VERSION,
		.ring_size = RING_SIZE,
		.region_base = base,
		.region_size = ARENA_SIZE,
	};

	return guest_ioctl(g->fd, VCUDA_IOC_OPEN, &o);
}

/**
 * guest_try_open() - Open the node, OPEN, map the channel
 * @g:		result; fd is -1 where it failed
 *
 * Return: 0 or -errno.
 */
int guest_try_open(struct guest *g)
{
	struct vcuda_query q = { .size = sizeof(q) };
	int ret;

	memset(g, 0, sizeof(*g));
	g->fd = open(NODE, O_RDWR | O_CLOEXEC);
	if (g->fd < 0)
		return -errno;
	ret = open_at(g, ARENA_BASE);
	if (!ret)
		ret = guest_ioctl(g->fd, VCUDA_IOC_QUERY, &q);
	g->granule = q.granule;
	if (!ret) {
		g->channel = mmap(NULL, VCUDA_CHANNEL_SIZE(RING_SIZE), PROT_READ | PROT_WRITE,
				  MAP_SHARED, g->fd, VCUDA_MMAP_CHANNEL);
		ret = g->channel == MAP_FAILED ? -errno : 0;
	}
	if (ret) {
		close(g->fd);
		g->fd = -1;
	}
	return ret;
}

void guest_close(struct guest *g)
{
	munmap(g->channel, VCUDA_CHANNEL_SIZE(RING_SIZE));
	close(g->fd);
}

static struct vcuda_slot *guest_slot(struct guest *g, uint32_t slot)
{
	return (struct vcuda_slot *)(g->channel + VCUDA_SLOT_OFFSET + slot * VCUDA_SLOT_SIZE);
}

/**
 * guest_send() - Write a command and kick
 * @g:		client
 * @op:		enum script_op
 * @slot:	for the answer, 0 for none
 * @arg:	a, b, c
 *
 * Return: the seq to wait for.
 */
uint64_t guest_send(struct guest *g, uint32_t op, uint32_t slot, const uint64_t arg[3])
{
	struct script_cmd *cmd = (void *)(g->channel + VCUDA_RING_OFFSET);

	cmd += g->tail % SCRIPT_ENTRIES;
	*cmd = (struct script_cmd){ op, slot, ++g->seq[slot], arg[0], arg[1], arg[2], { 0 } };
	__atomic_store_n((uint64_t *)g->channel, ++g->tail, __ATOMIC_SEQ_CST);
	guest_ioctl(g->fd, VCUDA_IOC_KICK, NULL);
	return g->seq[slot];
}

/**
 * guest_wait() - Sleep in WAIT as a library does
 * @g:		client
 * @slot:	slot
 * @seq:	to be reached
 * @timeout_ms:	0 for none
 *
 * Return: 0 or -errno.
 */
int guest_wait(struct guest *g, uint32_t slot, uint64_t seq, uint64_t timeout_ms)
{
	struct vcuda_slot *s = guest_slot(g, slot);
	struct vcuda_wait w = {
		.size = sizeof(w),
		.slot = slot,
		.seq = seq,
		.deadline_ns = timeout_ms ? guest_now_ns() + timeout_ms * 1000000 : 0,
	};
	int ret;

	__atomic_store_n(&s->sleeping, 1, __ATOMIC_SEQ_CST);
	ret = guest_ioctl(g->fd, VCUDA_IOC_WAIT, &w);
	/* Of a device that was removed there is no channel any more. */
	if (ret != -EIO && ret != -ENODEV)
		__atomic_store_n(&s->sleeping, 0, __ATOMIC_SEQ_CST);
	return ret;
}

uint64_t guest_result(struct guest *g, uint32_t slot)
{
	return *(volatile uint64_t *)((char *)guest_slot(g, slot) + SCRIPT_RESULT);
}

/**
 * guest_call() - Command, wait, result, on slot 1
 * @g:		client
 *
 * Return: the result, or the negative errno of the wait.
 */
uint64_t guest_call(struct guest *g, uint32_t op, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t arg[3] = { a, b, c };
	int ret = guest_wait(g, 1, guest_send(g, op, 1, arg), 0);

	return ret ? (uint64_t)ret : guest_result(g, 1);
}

int guest_copy(struct guest *g, uint32_t flags, void *p, uint64_t offset, uint64_t len)
{
	struct vcuda_copy c = {
		.size = sizeof(c),
		.flags = flags,
		.addr = (uintptr_t)p,
		.offset = offset,
		.len = len,
	};

	return guest_ioctl(g->fd, VCUDA_IOC_COPY, &c);
}

/**
 * guest_region_alloc() - Allocate a region and map it where it belongs
 * @g:		client
 * @len:	bytes, whole granules
 * @va:		where
 * @ret_p:	the mapping, or NULL
 * @ret_id:	the region
 *
 * Return: 0 or -errno; without a mapping where @ret_p is NULL.
 */
int guest_region_alloc(struct guest *g, uint64_t len, uint64_t va, void **ret_p, uint32_t *ret_id)
{
	struct vcuda_region_alloc a = { .size = sizeof(a), .len = len, .va = va };
	int ret = guest_ioctl(g->fd, VCUDA_IOC_REGION_ALLOC, &a);

	if (ret)
		return ret;
	*ret_id = a.region;
	if (!ret_p)
		return 0;
	*ret_p = mmap((void *)va, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE,
		      g->fd, a.mmap_offset);
	return *ret_p == MAP_FAILED ? -errno : 0;
}

int guest_region_free(struct guest *g, uint32_t id)
{
	struct vcuda_region_free f = { .size = sizeof(f), .region = id };

	return guest_ioctl(g->fd, VCUDA_IOC_REGION_FREE, &f);
}

int guest_register(struct guest *g, void *p, uint64_t len, uint32_t flags, uint32_t *ret_id)
{
	struct vcuda_region_register r = {
		.size = sizeof(r),
		.flags = flags,
		.addr = (uintptr_t)p,
		.len = len,
	};
	int ret = guest_ioctl(g->fd, VCUDA_IOC_REGION_REGISTER, &r);

	*ret_id = r.region;
	return ret;
}

uint64_t guest_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void guest_sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&t, NULL);
}

/**
 * guest_until() - Wait until a counter of the device has a value
 * @g:		client to ask through
 * @count:	enum script_count
 * @want:	value
 *
 * Return: 1, or 0 where it does not come to that in 20 s.
 */
int guest_until(struct guest *g, uint32_t count, uint64_t want)
{
	for (int i = 0; i < 400; i++) {
		if (guest_call(g, OP_COUNT, count, 0, 0) == want)
			return 1;
		guest_sleep_ms(50);
	}
	return 0;
}

/* Waits until the device takes clients (again): 0, or -errno after 30 s. */
/*
 * What the driver's parameters are to be: the test device may get no processor
 * for long on a busy machine, and most tests are not about that.
 */
int guest_limits(const char *patience, const char *retry)
{
	int ret = guest_write_file("/sys/module/virtio_cuda/parameters/patience", patience);

	return ret ? ret : guest_write_file("/sys/module/virtio_cuda/parameters/retry", retry);
}

int guest_device_back(void)
{
	struct vcuda_query q = { .size = sizeof(q) };
	int ret = -1;

	for (int i = 0; i < 2400 && ret; i++) {
		int fd = open(NODE, O_RDWR | O_CLOEXEC);

		ret = fd < 0 ? -errno : guest_ioctl(fd, VCUDA_IOC_QUERY, &q);
		close(fd);
		if (ret)
			guest_sleep_ms(50);
	}
	return ret;
}

static sigjmp_buf touch_back;

static void touch_signal(int sig)
{
	siglongjmp(touch_back, sig);
}

/* Reads a byte: 0, or the signal that came of it. */
int guest_touch(volatile uint8_t *p)
{
	struct sigaction act = { .sa_handler = touch_signal }, bus, segv;
	int sig;

	sigaction(SIGBUS, &act, &bus);
	sigaction(SIGSEGV, &act, &segv);
	sig = sigsetjmp(touch_back, 1);
	if (!sig)
		(void)*p;
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return sig;
}

int guest_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}
