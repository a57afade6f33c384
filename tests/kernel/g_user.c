// SPDX-License-Identifier: Apache-2.0
/*
 * In the guest: an ordinary user with the usual limit of 8 MiB of locked memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kernel/guest.h"
#include "tests/tap.h"

#define MIB (1ull << 20)
#define USER 1000
#define GROUP 1001 /* the one the node belongs to, for these tests */
#define LOCKED (8 * MIB)
#define PINNED (128 * MIB)

/* Becomes an ordinary user, in the node's group or not. */
static int become_user(gid_t group)
{
	struct rlimit limit = { LOCKED, LOCKED };

	return setrlimit(RLIMIT_MEMLOCK, &limit) || setgroups(0, NULL) || setgid(group) ||
	       setuid(USER);
}

/* Runs @fn in a child, the node being its group's; what it returns, 0 is well. */
static int as_child(int (*fn)(void))
{
	int status = -1;
	pid_t pid;

	if (chown(NODE, 0, GROUP) || chmod(NODE, 0660))
		return 127;
	pid = fork();
	if (!pid)
		_exit(fn());
	waitpid(pid, &status, 0);
	chmod(NODE, 0666);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int a_stranger(void)
{
	if (become_user(USER))
		return 1;
	return open(NODE, O_RDWR) < 0 && errno == EACCES ? 0 : 2;
}

static int a_member(void)
{
	struct guest g;

	if (become_user(GROUP))
		return 1;
	if (guest_try_open(&g))
		return 2;
	return guest_call(&g, OP_NOP, 5, 0, 0) == 5 ? 0 : 3;
}

TEST(the_node_is_for_its_group)
{
	CHECK_EQ(as_child(a_stranger), 0);
	CHECK_EQ(as_child(a_member), 0);
}

/* The same bytes on both sides, here and there in a range. */
static int same_pages(struct guest *g, uint8_t *p)
{
	static const uint64_t at[] = { 0, 61 * MIB + 4096, PINNED - MIB };

	for (unsigned int i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		uint64_t va = (uintptr_t)p + at[i];

		script_fill(p + at[i], MIB, i);
		if (guest_call(g, OP_REGION_SUM, va, MIB, 0) != script_sum(0, p + at[i], MIB))
			return 0;
		if (guest_call(g, OP_REGION_FILL, va, MIB, i + 7) != 1 ||
		    p[at[i] + 5000] != script_byte(i + 7, 5000))
			return 0;
	}
	return 1;
}

static int pin_and_look(void)
{
	struct vcuda_stat s = { .size = sizeof(s) };
	struct guest g;
	uint32_t id;
	uint8_t *p;

	if (become_user(GROUP) || guest_try_open(&g))
		return 1;
	p = mmap(NULL, PINNED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 2;
	/* Where there are none, pages of 4 KiB will do as long as few runs do. */
	madvise(p, PINNED, MADV_HUGEPAGE);
	memset(p, 1, PINNED);
	if (guest_register(&g, p, PINNED, 0, &id))
		return 3;
	if (guest_ioctl(g.fd, VCUDA_IOC_STAT, &s) || s.pinned_pages != PINNED / 4096)
		return 4;
	if (!same_pages(&g, p))
		return 5;
	/* The limit of this process is what it was: this is not mlock(). */
	if (!mlock(p, LOCKED + 4096) || (errno != ENOMEM && errno != EAGAIN && errno != EPERM))
		return 6;
	return guest_region_free(&g, id) ? 7 : 0;
}

TEST(registers_128_mib_with_8_mib_of_memlock)
{
	CHECK_EQ(as_child(pin_and_look), 0);
}

static int allocate_and_look(void)
{
	struct guest g;
	uint32_t id;
	void *p;

	if (become_user(GROUP) || guest_try_open(&g))
		return 1;
	if (guest_region_alloc(&g, PINNED, ARENA_BASE, &p, &id))
		return 2;
	return same_pages(&g, p) ? 0 : 3;
}

TEST(allocates_128_mib_with_8_mib_of_memlock)
{
	CHECK_EQ(as_child(allocate_and_look), 0);
}

TAP_MAIN()
