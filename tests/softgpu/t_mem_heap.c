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

/* Pages of 2 KiB that used blocks touch, counted the slow way. */
static uint64_t pages_used(const uint8_t *granules)
{
	uint64_t pages = 0;

	for (int i = 0; i < 64; i += 4)
		pages += granules[i] || granules[i + 1] || granules[i + 2] || granules[i + 3];
	return pages * 2048;
}

TEST(pages_are_charged_while_a_block_uses_them)
{
	uint8_t used[64] = { 0 }, blocks[64] = { 0 };
	uint64_t charged = 0, start_at, off;
	unsigned int seed = 7;

	start();
	for (int i = 0; i < 20000; i++) {
		unsigned int n, at;

		seed = seed * 1664525 + 1013904223;
		n = (seed >> 8) % 6 + 1;
		at = (seed >> 16) % 64;
		if (blocks[at]) {
			charged -= sg_heap_own_pages(&heap, at * 512, 2048, &start_at);
			CHECK_EQ(sg_heap_free(&heap, at * 512, NULL), 0);
			memset(&used[at], 0, blocks[at]);
			blocks[at] = 0;
		} else if (seed >> 30 && !sg_heap_alloc(&heap, n * 512, 1, &off)) {
			charged += sg_heap_own_pages(&heap, off, 2048, &start_at);
			blocks[off / 512] = (uint8_t)n;
			memset(&used[off / 512], 1, n);
		} else if (n <= 4 && !sg_heap_alloc_within(&heap, n * 512, 2048, &off)) {
			CHECK_EQ(sg_heap_own_pages(&heap, off, 2048, &start_at), 0);
			blocks[off / 512] = (uint8_t)n;
			memset(&used[off / 512], 1, n);
		}
		CHECK_EQ(charged, pages_used(used));
	}
}

TEST(the_rest_of_a_used_page_can_be_had)
{
	uint64_t off;

	start();
	CHECK_EQ(sg_heap_alloc_within(&heap, 1, 2048, &off), -ENOMEM);
	CHECK_EQ(take(3 * 512), 0);
	CHECK_EQ(sg_heap_alloc_within(&heap, 1024, 2048, &off), -ENOMEM);
	CHECK_EQ(sg_heap_alloc_within(&heap, 512, 2048, &off), 0);
	CHECK_EQ(off, 3 * 512);
	CHECK_EQ(sg_heap_alloc_within(&heap, 512, 2048, &off), -ENOMEM);
	/* The end of a hole, too. */
	CHECK_EQ(take(8 * 512), 4 * 512);
	CHECK_EQ(take(512), 12 * 512);
	CHECK_EQ(take(512), 13 * 512);
	CHECK_EQ(sg_heap_free(&heap, 12 * 512, NULL), 0);
	CHECK_EQ(sg_heap_free(&heap, 4 * 512, NULL), 0);
	CHECK_EQ(sg_heap_alloc_within(&heap, 512, 2048, &off), 0);
	CHECK_EQ(off, 12 * 512);
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
