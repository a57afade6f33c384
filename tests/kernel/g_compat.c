// SPDX-License-Identifier: Apache-2.0
/*
 * In the guest: a 32-bit program. Every call of the node gives it what it gives
 * a 64-bit one.
 *
 * Built with -m32 and without a C library, so that nothing has to be installed
 * for it: system calls and TAP are its own.
 */
#include <linux/errno.h>
#include <linux/vcuda.h>
#include <stdint.h>

#include "tests/kernel/script.h"

#define BASE 0x60000000u /* of the arena: below what the kernel hands out first */
#define ARENA (64u << 20)
#define RING VCUDA_RING_MIN
#define CHANNEL VCUDA_CHANNEL_SIZE(RING)
#define MIB (1u << 20)
#define FAILED(p) ((uintptr_t)(p) > (uintptr_t)-4096)

enum { /* asm/unistd_32.h, which is not there where only 64 bits are installed */
	SYS_EXIT = 1,
	SYS_WRITE = 4,
	SYS_OPEN = 5,
	SYS_CLOSE = 6,
	SYS_IOCTL = 54,
	SYS_MUNMAP = 91,
	SYS_POLL = 168,
	SYS_MMAP2 = 192,
};

_Static_assert(sizeof(void *) == 4, "a 32-bit program");

static long call(long nr, const long a[6])
{
	struct {
		long bp, nr;
	} in = { a[5], nr };
	long ret;

	/* The sixth argument goes in ebp, which the compiler may be using. */
	__asm__ volatile("push %%ebp\n\tmov (%%eax), %%ebp\n\tmov 4(%%eax), %%eax\n\t"
			 "int $0x80\n\tpop %%ebp"
			 : "=a"(ret)
			 : "a"(&in), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
			 : "memory", "cc");
	return ret;
}
#define CALL(nr, ...) call(nr, (const long[6]){ __VA_ARGS__ })

static int fd;
static uint8_t *channel;
static uint64_t tail, seqs[2];
static int tests, failures;

static void put(const char *s)
{
	long n = 0;

	while (s[n])
		n++;
	CALL(SYS_WRITE, 1, (long)s, n);
}

static void put_number(long n)
{
	char text[12], *p = text + sizeof(text) - 1;
	unsigned int u = n < 0 ? -(unsigned int)n : (unsigned int)n;

	*p = '\0';
	do
		*--p = (char)('0' + u % 10);
	while (u /= 10);
	put(n < 0 ? "-" : "");
	put(p);
}

static int wrong(const char *what, long got, long want)
{
	put("# ");
	put(what);
	put(" is ");
	put_number(got);
	put(", wanted ");
	put_number(want);
	put("\n");
	return 1;
}

#define WANT(expr, value)                                       \
	do {                                                    \
		long got_ = (long)(expr);                       \
		if (got_ != (long)(value))                      \
			return wrong(#expr, got_, (long)(value)); \
	} while (0)

static long ioctl(unsigned long nr, void *arg)
{
	return CALL(SYS_IOCTL, fd, (long)nr, (long)arg);
}

static void *map(void *at, uint32_t len, int file, uint64_t offset)
{
	/* Shared, of a file; private memory where there is none. Fixed: no MAP_FIXED_NOREPLACE. */
	long flags = file < 0 ? 0x22 : at ? 0x11 : 0x1;

	return (void *)CALL(SYS_MMAP2, (long)at, (long)len, 3, flags, file, (long)(offset >> 12));
}

/* A command on slot 1 and its result. */
static int64_t command(uint32_t op, uint64_t a, uint64_t b, uint64_t c)
{
	struct script_cmd *cmd = (struct script_cmd *)(channel + VCUDA_RING_OFFSET);
	struct vcuda_slot *slot = (struct vcuda_slot *)(channel + VCUDA_SLOT_OFFSET +
							VCUDA_SLOT_SIZE);
	struct vcuda_wait w = { .size = sizeof(w), .slot = 1 };
	long ret;

	cmd += tail % SCRIPT_ENTRIES;
	*cmd = (struct script_cmd){ op, 1, ++seqs[1], a, b, c, { 0 } };
	tail++;
	/* Of the two halves the upper one is 0 as long as this program runs. */
	__atomic_store_n((uint32_t *)channel, (uint32_t)tail, __ATOMIC_SEQ_CST);
	ret = ioctl(VCUDA_IOC_KICK, 0);
	w.seq = seqs[1];
	__atomic_store_n(&slot->sleeping, 1, __ATOMIC_SEQ_CST);
	if (!ret)
		ret = ioctl(VCUDA_IOC_WAIT, &w);
	__atomic_store_n(&slot->sleeping, 0, __ATOMIC_SEQ_CST);
	return ret ? ret : *(volatile int64_t *)((char *)slot + SCRIPT_RESULT);
}

static int query(void)
{
	struct vcuda_query q = { .size = sizeof(q) };

	WANT(ioctl(VCUDA_IOC_QUERY, &q), 0);
	WANT(q.version, VCUDA_CHANNEL_VERSION);
	WANT(q.window_size, SCRIPT_WINDOW);
	WANT(!q.epoch, 0);
	q.size = 8;
	WANT(ioctl(VCUDA_IOC_QUERY, &q), -EINVAL);
	WANT(ioctl(VCUDA_IOC_QUERY, (void *)8), -EFAULT);
	return 0;
}

static int open_channel(void)
{
	struct vcuda_open o = {
		.size = sizeof(o), .version = VCUDA_CHANNEL_VERSION, .ring_size = RING,
		.region_base = BASE, .region_size = ARENA,
	};

	WANT(ioctl(VCUDA_IOC_KICK, 0), -ENOTCONN);
	WANT(ioctl(VCUDA_IOC_OPEN, &o), 0);
	WANT(o.window_size, SCRIPT_WINDOW);
	channel = map(0, CHANNEL, fd, VCUDA_MMAP_CHANNEL);
	WANT(FAILED(channel), 0);
	return 0;
}

static int kick_and_wait(void)
{
	struct vcuda_wait w = { .size = sizeof(w), .slot = 3, .seq = 1, .deadline_ns = 1 };

	for (int64_t i = 1; i < 50; i++)
		WANT(command(OP_NOP, (uint64_t)i, 0, 0), i);
	WANT(command(OP_DELAY, 50, 0, 0), 50);
	WANT(ioctl(VCUDA_IOC_WAIT, &w), -ETIMEDOUT);
	return 0;
}

static int copy(void)
{
	uint32_t len = 5 * MIB + 13;
	uint8_t *p = map(0, len, -1, 0);
	struct vcuda_copy c = {
		.size = sizeof(c), .addr = (uintptr_t)p + 3, .offset = 777, .len = len - 3,
	};

	WANT(FAILED(p), 0);
	script_fill(p + 3, c.len, 5);
	WANT(ioctl(VCUDA_IOC_COPY, &c), 0);
	WANT(command(OP_SUM, 777, c.len, 0) == (int64_t)script_sum(0, p + 3, c.len), 1);
	WANT(command(OP_FILL, 777, c.len, 6), 1);
	c.flags = VCUDA_COPY_OUT;
	WANT(ioctl(VCUDA_IOC_COPY, &c), 0);
	for (uint32_t i = 0; i < c.len; i++)
		WANT(p[3 + i], script_byte(6, i));
	/* What no 32-bit program has. */
	c.addr = 0x100000000ull + (uintptr_t)p;
	WANT(ioctl(VCUDA_IOC_COPY, &c), -EFAULT);
	CALL(SYS_MUNMAP, (long)p, (long)len);
	return 0;
}

static int region(void)
{
	struct vcuda_region_alloc a = { .size = sizeof(a), .len = 3 * MIB, .va = BASE + MIB };
	struct vcuda_region_free f = { .size = sizeof(f) };
	uint8_t *p;

	WANT(ioctl(VCUDA_IOC_REGION_ALLOC, &a), 0);
	p = map((void *)(uintptr_t)a.va, 3 * MIB, fd, a.mmap_offset);
	WANT(p, a.va);
	script_fill(p, 3 * MIB, 1);
	WANT(command(OP_REGION_SUM, a.va, a.len, 0) == (int64_t)script_sum(0, p, a.len), 1);
	CALL(SYS_MUNMAP, (long)p, (long)a.len);
	f.region = a.region;
	WANT(ioctl(VCUDA_IOC_REGION_FREE, &f), 0);
	WANT(ioctl(VCUDA_IOC_REGION_FREE, &f), -ENOENT);
	return 0;
}

static int registration(void)
{
	uint8_t *p = map(0, MIB, -1, 0);
	struct vcuda_region_register r = { .size = sizeof(r), .addr = (uintptr_t)p, .len = MIB };
	struct vcuda_region_free f = { .size = sizeof(f) };

	script_fill(p, MIB, 2);
	WANT(ioctl(VCUDA_IOC_REGION_REGISTER, &r), 0);
	WANT(command(OP_REGION_SUM, r.addr, MIB, 0) == (int64_t)script_sum(0, p, MIB), 1);
	f.region = r.region;
	WANT(ioctl(VCUDA_IOC_REGION_FREE, &f), 0);
	r.addr = 0x100000000ull;
	WANT(ioctl(VCUDA_IOC_REGION_REGISTER, &r), -EFAULT);
	CALL(SYS_MUNMAP, (long)p, MIB);
	return 0;
}

static int stat(void)
{
	struct vcuda_stat s = { .size = sizeof(s) };

	WANT(ioctl(VCUDA_IOC_STAT, &s), 0);
	WANT(s.copied_bytes == 2 * (5 * (uint64_t)MIB + 10), 1);
	WANT(s.pinned_pages, 0);
	WANT(s.kicks >= 50, 1);
	return 0;
}

static int poll_and_wait(void)
{
	struct {
		int fd;
		short events, revents;
	} p = { fd, 1, 0 };
	struct vcuda_wait w = { .size = sizeof(w), .seq = 1 };

	WANT(CALL(SYS_POLL, (long)&p, 1, 0), 0);
	WANT(command(OP_UPCALL, 0, 0, 0), 1);
	WANT(CALL(SYS_POLL, (long)&p, 1, 20000), 1);
	WANT(p.revents, 1);
	WANT(ioctl(VCUDA_IOC_WAIT, &w), 0);
	return 0;
}

static void test(const char *name, int (*fn)(void))
{
	int bad = fn();

	put(bad ? "not ok " : "ok ");
	put_number(++tests);
	put(" ");
	put(name);
	put("\n");
	failures += bad;
}

__attribute__((force_align_arg_pointer)) void _start(void)
{
	static const struct {
		const char *name;
		int (*fn)(void);
	} all[] = {
		{ "query", query },	       { "open_and_map", open_channel },
		{ "kick_and_wait", kick_and_wait }, { "copy", copy },
		{ "region_alloc_and_free", region }, { "region_register", registration },
		{ "stat", stat },	       { "poll", poll_and_wait },
	};
	const int n = sizeof(all) / sizeof(all[0]);

	put("1..");
	put_number(n);
	put("\n");
	fd = CALL(SYS_OPEN, (long)"/dev/vcuda0", 2);
	for (int i = 0; i < n; i++)
		test(all[i].name, all[i].fn);
	CALL(SYS_EXIT, failures ? 1 : 0);
	__builtin_unreachable();
}
