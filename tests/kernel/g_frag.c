// SPDX-License-Identifier: Apache-2.0
/*
 * In the guest: memory in which no two free pages are neighbours.
 *
 *	g_frag			the tests below
 *	g_frag PROGRAM...	makes the guest such, and runs PROGRAM in it
 *
 * Nearly all of memory is taken, and every second page of that given back. What
 * is left in between may be moved by the kernel, at a price, or, where it is
 * locked and the kernel is told to leave locked memory alone, may not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kernel/guest.h"
#include "tests/tap.h"

#define MIB (1ull << 20)
#define PAGE 4096ull
#define LEAVE (32 * MIB) /* for everything else */
#define MOVE_LOCKED "/proc/sys/vm/compact_unevictable_allowed"

/* Bytes of memory that could be had now. */
static uint64_t available(void)
{
	char text[4096] = "", *at;
	int fd = open("/proc/meminfo", O_RDONLY);

	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	at = strstr(text, "MemAvailable:");
	return at ? strtoull(at + 13, NULL, 10) << 10 : 0;
}

struct comb {
	uint8_t *p;
	uint64_t len;
};

/* Takes memory and gives every second page back; half of what was there is free. */
static bool comb_make(struct comb *c, bool locked)
{
	uint64_t have = available();

	c->len = have > 2 * LEAVE ? (have - LEAVE) & ~(2 * PAGE - 1) : 0;
	c->p = mmap(NULL, c->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->p == MAP_FAILED)
		return false;
	madvise(c->p, c->len, MADV_NOHUGEPAGE);
	for (uint64_t i = 0; i < c->len; i += PAGE)
		c->p[i] = 1;
	for (uint64_t i = 0; i < c->len; i += 2 * PAGE)
		madvise(c->p + i, PAGE, MADV_DONTNEED);
	return !locked || !mlock2(c->p, c->len, MLOCK_ONFAULT);
}

static void comb_drop(struct comb *c)
{
	munmap(c->p, c->len);
}

static void region_is_whole(struct guest *g, uint64_t len)
{
	uint32_t id;
	void *p;

	CHECK_EQ(guest_region_alloc(g, len, ARENA_BASE, &p, &id), 0);
	CHECK_EQ(guest_call(g, OP_REGION_FILL, ARENA_BASE, len, 3), 1);
	CHECK_EQ(guest_call(g, OP_REGION_SUM, ARENA_BASE, len, 0), script_sum(0, p, len));
	munmap(p, len);
	CHECK_EQ(guest_region_free(g, id), 0);
}

TEST(opens_and_allocates_where_memory_can_be_moved)
{
	struct guest g;
	struct comb c;

	CHECK(comb_make(&c, false));
	guest_open(&g);
	/* 16,384 single pages would be 16 times the runs of a region. */
	region_is_whole(&g, 64 * MIB);
	guest_close(&g);
	comb_drop(&c);
}

TEST(scattered_memory_is_refused_for_registration_and_copied_all_the_same)
{
	uint64_t len = 16 * MIB, sum;
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct guest g;
	struct comb c;
	uint32_t id;

	guest_open(&g);
	CHECK(comb_make(&c, false));
	madvise(p, len, MADV_NOHUGEPAGE);
	script_fill(p, len, 1);
	CHECK_EQ(guest_register(&g, p, len, 0, &id), -EOPNOTSUPP);
	CHECK_EQ(guest_register(&g, p, MIB, 0, &id), 0);
	CHECK_EQ(guest_call(&g, OP_REGION_SUM, (uintptr_t)p, MIB, 0), script_sum(0, p, MIB));
	CHECK_EQ(guest_region_free(&g, id), 0);
	sum = script_sum(0, p, len);
	CHECK_EQ(guest_copy(&g, 0, p, 0, len), 0);
	CHECK_EQ(guest_call(&g, OP_SUM, 0, len, 0), sum);
	memset(p, 0, len);
	CHECK_EQ(guest_copy(&g, VCUDA_COPY_OUT, p, 0, len), 0);
	CHECK_EQ(script_sum(0, p, len), sum);
	comb_drop(&c);
	munmap(p, len);
	guest_close(&g);
}

/* Then it is an error, at once, that leaves nothing behind; and it passes. */
TEST(is_out_of_memory_where_memory_cannot_be_moved)
{
	struct guest g, more;
	struct comb c;
	uint32_t id;

	if (guest_write_file(MOVE_LOCKED, "0"))
		SKIP("this kernel moves no memory");
	guest_open(&g);
	CHECK(comb_make(&c, true));
	CHECK_EQ(guest_region_alloc(&g, 128 * MIB, ARENA_BASE, NULL, &id), -ENOMEM);
	CHECK_EQ(guest_call(&g, OP_COUNT, COUNT_REGIONS, 0, 0), 0);
	CHECK_EQ(guest_call(&g, OP_NOP, 9, 0, 0), 9);
	comb_drop(&c);
	guest_write_file(MOVE_LOCKED, "1");
	region_is_whole(&g, 64 * MIB);
	guest_open(&more);
	guest_close(&more);
	guest_close(&g);
}

/* Runs a program beside the comb; its exit status. */
static int run_in_comb(char **argv)
{
	struct comb c;
	int status;
	pid_t pid;

	if (!comb_make(&c, false))
		return 125;
	pid = fork();
	if (!pid) {
		execv(argv[0], argv);
		_exit(126);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int main(int argc, char **argv)
{
	if (argc > 1 && argv[1][0] == '/')
		return run_in_comb(argv + 1);
	return tap_run(argc > 1 ? argv[1] : NULL);
}
