/* SPDX-License-Identifier: Apache-2.0 */
/* softgpu/mem/heap.c: which parts of memory are in use. */
#include <errno.h>

#include "cw/util.h"
#include "softgpu/mem/heap.h"
#include "tests/tap.h"

#define SIZE (64ull * 512)

static struct sg_heap heap;

static uint64_t take(uint64_t size)
{
	uint64_t off = UINT64_MAX;

	return sg_heap_alloc(&heap, size, 1, &off) ? UINT64_MAX : off;
}

static void start(void)
{
	sg_heap_fini(&heap);
	CHECK_EQ(sg_heap_init(&heap, SIZE, 512), 0);
}

TEST(every_byte_can_be_had)
{
	start();
	CHECK_EQ(take(SIZE), 0);
	CHECK_EQ(heap.in_use, SIZE);
	CHECK_EQ(take(1), UINT64_MAX);
	CHECK_EQ(sg_heap_free(&heap, 0, NULL), 0);
	CHECK_EQ(take(SIZE + 1), UINT64_MAX);
	for (int i = 0; i < 64; i++)
		CHECK_EQ(take(1), 512 * i);
	CHECK_EQ(take(1), UINT64_MAX);
}

TEST(double_free_and_inner_addresses_are_refused)
{
	uint64_t off, size = 0;

	start();
	off = take(1000);
	CHECK_EQ(sg_heap_free(&heap, off + 512, NULL), -EINVAL);
	CHECK_EQ(sg_heap_free(&heap, off, &size), 0);
	CHECK_EQ(size, 1024);
	CHECK_EQ(sg_heap_free(&heap, off, NULL), -EINVAL);
	CHECK_EQ(heap.in_use, 0);
}

TEST(the_smallest_hole_that_fits_is_used_and_the_lowest_of_equals)
{
	uint64_t a, b, c;

	start();
	a = take(4 * 512);
	take(512);
	b = take(2 * 512);
	take(512);
	c = take(2 * 512);
	take(512);
	sg_heap_free(&heap, a, NULL);
	sg_heap_free(&heap, c, NULL);
	sg_heap_free(&heap, b, NULL);
	CHECK_EQ(take(2 * 512), b);
	CHECK_EQ(take(2 * 512), c);
	CHECK_EQ(take(2 * 512), a);
}

TEST(neighbours_merge_in_every_order)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	for (size_t i = 0; i < CW_ARRAY_SIZE(orders); i++) {
		uint64_t part[3];

		start();
		part[0] = take(SIZE / 4);
		part[1] = take(SIZE / 2);
		part[2] = take(SIZE / 4);
		for (int j = 0; j < 3; j++)
			CHECK_EQ(sg_heap_free(&heap, part[orders[i][j]], NULL), 0);
		CHECK_EQ(take(SIZE), 0);
	}
}

TEST(alignment_is_kept_and_its_gap_stays_usable)
{
	uint64_t off;

	start();
	CHECK_EQ(take(512), 0);
	CHECK_EQ(sg_heap_alloc(&heap, 512, 4096, &off), 0);
	CHECK_EQ(off, 4096);
	CHECK_EQ(take(7 * 512), 512);
	CHECK_EQ(sg_heap_alloc(&heap, 512, 3, &off), -EINVAL);
	CHECK_EQ(sg_heap_alloc(&heap, 0, 1, &off), -EINVAL);
}

/* Random use against a plain map of granules. */
TEST(random_use_never_overlaps_and_accounts_exactly)
{
	static unsigned char owner[64];
	uint64_t offs[64];
	uint32_t seed = 1, used = 0;

	start();
	memset(owner, 0, sizeof(owner));
	memset(offs, 0xff, sizeof(offs));
	for (int step = 0; step < 20000; step++) {
		unsigned slot = (seed = seed * 1664525 + 1013904223) >> 26;
		unsigned units = (seed >> 10) % 9 + 1;

		if (offs[slot] != UINT64_MAX) {
			uint64_t size = 0;

			CHECK_EQ(sg_heap_free(&heap, offs[slot], &size), 0);
			for (uint64_t g = 0; g < size / 512; g++)
				CHECK_EQ(owner[offs[slot] / 512 + g], slot + 1);
			memset(owner + offs[slot] / 512, 0, size / 512);
			used -= size / 512;
			offs[slot] = UINT64_MAX;
		} else {
			offs[slot] = take(units * 512 - 100);
			if (offs[slot] == UINT64_MAX)
				continue;
			for (unsigned g = 0; g < units; g++) {
				CHECK_EQ(owner[offs[slot] / 512 + g], 0);
				owner[offs[slot] / 512 + g] = (unsigned char)(slot + 1);
			}
			used += units;
		}
		CHECK_EQ(heap.in_use, used * 512);
	}
	sg_heap_fini(&heap);
}

TAP_MAIN()
