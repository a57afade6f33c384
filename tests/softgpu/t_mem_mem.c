/* SPDX-License-Identifier: Apache-2.0 */
/* softgpu/mem/mem.c: ranges and the map that kernels see. */
#include <errno.h>
#include <pthread.h>

#include "softgpu/mem/mem.h"
#include "tests/tap.h"

#define DEVICE SG_MEM_BIT(SG_MEM_DEVICE)

static uint64_t take(enum sg_mem_kind kind, uint64_t size)
{
	struct sg_mem_info info = { .kind = kind, .size = size };

	setenv("CAUSEWAY_SOFT_MEM", "64M", 1);
	if (sg_mem_open() || sg_mem_alloc(&info, 256))
		return 0;
	return info.base;
}

static bool map_has(uint64_t base, uint64_t size)
{
	const struct sg_mem_map *map = sg_mem_map_get();
	bool found = false;

	for (size_t i = 0; i < map->n; i++) {
		found |= map->ranges[i].base == base && map->ranges[i].size == size;
		if (i && map->ranges[i].base < map->ranges[i - 1].base + map->ranges[i - 1].size)
			printf("# map is not sorted\n");
	}
	sg_mem_map_put(map);
	return found;
}

TEST(size_is_exact_and_one_byte_more_is_outside)
{
	uint64_t p = take(SG_MEM_DEVICE, 1000);

	CHECK(p);
	CHECK_EQ(p % 256, 0);
	CHECK(sg_mem_contains(p, 1000, NULL));
	CHECK(!sg_mem_contains(p, 1001, NULL));
	CHECK(!sg_mem_contains(p + 999, 2, NULL));
	CHECK(!sg_mem_find(p + 1000, NULL));
	CHECK(!sg_mem_contains(p, UINT64_MAX, NULL));
	CHECK_EQ(sg_mem_release(p, DEVICE, NULL), 0);
	CHECK_EQ(sg_mem_release(p, DEVICE, NULL), -EINVAL);
}

TEST(memory_is_used_to_the_last_byte_and_comes_back)
{
	uint64_t before, p;

	p = take(SG_MEM_DEVICE, 1);
	CHECK_EQ(sg_mem_release(p, DEVICE, NULL), 0);
	before = sg_mem_free_bytes();
	CHECK_EQ(before, sg_mem_total());
	CHECK_EQ(sg_mem_total(), 64 << 20);
	p = take(SG_MEM_DEVICE, before);
	CHECK(p);
	memset((void *)p, 0xa5, before);
	CHECK_EQ(sg_mem_free_bytes(), 0);
	CHECK_EQ(take(SG_MEM_DEVICE, 1), 0);
	CHECK_EQ(sg_mem_release(p, DEVICE, NULL), 0);
	CHECK_EQ(sg_mem_free_bytes(), before);
}

TEST(big_blocks_give_their_pages_back)
{
	uint64_t p = take(SG_MEM_DEVICE, 1 << 20);

	memset((void *)p, 0xa5, 1 << 20);
	CHECK_EQ(sg_mem_release(p, DEVICE, NULL), 0);
	CHECK_EQ(take(SG_MEM_DEVICE, 1 << 20), p);
	CHECK_EQ(*(volatile char *)p, 0);
	CHECK_EQ(sg_mem_release(p, DEVICE, NULL), 0);
}

TEST(a_kind_that_is_not_the_callers_is_refused)
{
	uint64_t p = take(SG_MEM_PINNED, 4096);

	CHECK(p);
	CHECK_EQ(sg_mem_release(p, DEVICE, NULL), -EINVAL);
	CHECK_EQ(sg_mem_release(p + 1, SG_MEM_BIT(SG_MEM_PINNED), NULL), -EINVAL);
	CHECK_EQ(sg_mem_release(p, SG_MEM_BIT(SG_MEM_PINNED), NULL), 0);
}

TEST(registered_memory_may_not_overlap)
{
	static char mem[8192];
	struct sg_mem_info info = { .base = (uint64_t)mem + 100, .size = 1000 };
	struct sg_mem_info again = info;

	CHECK(take(SG_MEM_DEVICE, 1));
	CHECK_EQ(sg_mem_register(&info), 0);
	CHECK(map_has(info.base, 1000));
	CHECK_EQ(sg_mem_register(&again), -EEXIST);
	again.base -= 10, again.size = 11;
	CHECK_EQ(sg_mem_register(&again), -EEXIST);
	again.size = 10;
	CHECK_EQ(sg_mem_register(&again), 0);
	again = (struct sg_mem_info){ .base = UINT64_MAX - 10, .size = 100 };
	CHECK_EQ(sg_mem_register(&again), -EINVAL);
	CHECK_EQ(sg_mem_release((uint64_t)mem + 90, SG_MEM_BIT(SG_MEM_REGISTERED), NULL), 0);
	CHECK_EQ(sg_mem_release((uint64_t)mem + 100, SG_MEM_BIT(SG_MEM_REGISTERED), NULL), 0);
	CHECK(!map_has((uint64_t)mem + 100, 1000));
}

TEST(a_map_stays_as_it_was_while_it_is_held)
{
	uint64_t a = take(SG_MEM_DEVICE, 100), b;
	const struct sg_mem_map *map = sg_mem_map_get();
	size_t n = map->n;

	b = take(SG_MEM_DEVICE, 200);
	CHECK_EQ(map->n, n);
	CHECK(map_has(b, 200));
	CHECK_EQ(sg_mem_release(a, DEVICE, NULL), 0);
	CHECK(!map_has(a, 100));
	CHECK_EQ(map->n, n);
	sg_mem_map_put(map);
	CHECK_EQ(sg_mem_release(b, DEVICE, NULL), 0);
}

static int freed_calls;

static void count_freed(void *pool, uint64_t size)
{
	freed_calls += (int)size;
}

TEST(what_an_owner_leaves_behind_is_given_back)
{
	uint64_t before;
	struct sg_mem_info info = { .kind = SG_MEM_DEVICE, .size = 300, .owner = &freed_calls };

	take(SG_MEM_DEVICE, 1);
	before = sg_mem_free_bytes();
	info.pool = &before;
	CHECK_EQ(sg_mem_alloc(&info, 256), 0);
	info.pool = NULL;
	CHECK_EQ(sg_mem_alloc(&info, 256), 0);
	sg_mem_release_owner(&freed_calls, count_freed);
	CHECK_EQ(sg_mem_free_bytes(), before);
	CHECK_EQ(freed_calls, 300);
}

static void *churn(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		uint64_t p = take(SG_MEM_DEVICE, 100 + (uint64_t)i % 5000);

		if (!p || sg_mem_release(p, DEVICE, NULL))
			return arg;
		sg_mem_map_put(sg_mem_map_get());
	}
	return NULL;
}

TEST(threads_may_allocate_and_free_at_once)
{
	pthread_t threads[4];
	uint64_t before;

	CHECK(take(SG_MEM_DEVICE, 1));
	before = sg_mem_free_bytes();
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, churn, threads), 0);
	for (int i = 0; i < 4; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		CHECK(!failed);
	}
	CHECK_EQ(sg_mem_free_bytes(), before);
}

TAP_MAIN()
