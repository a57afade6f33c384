/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/mem.h"

#include <errno.h>

#include "tests/tap.h"

static struct vq_mem mem;
static char ram[3][0x1000];

/* 0x1000..0x1fff and 0x2000..0x2fff touch; 0x8000..0x8fff stands alone. */
static void three_regions(void)
{
	vq_mem_init(&mem);
	CHECK_EQ(vq_mem_add(&mem, 0x8000, 0x1000, ram[2]), 0);
	CHECK_EQ(vq_mem_add(&mem, 0x1000, 0x1000, ram[0]), 0);
	CHECK_EQ(vq_mem_add(&mem, 0x2000, 0x1000, ram[1]), 0);
}

TEST(range_inside_a_region_is_one_segment)
{
	struct vq_seg seg[2];
	struct vq_segs out = {seg, 2};

	three_regions();
	CHECK_EQ(vq_mem_map(&mem, 0x8010, 0xff0, &out), 0);
	CHECK_EQ(out.n, 1);
	CHECK(seg[0].addr == ram[2] + 0x10);
	CHECK_EQ(seg[0].len, 0xff0);
}

TEST(range_over_two_neighbours_is_two_segments)
{
	struct vq_seg seg[2];
	struct vq_segs out = {seg, 2};

	three_regions();
	CHECK_EQ(vq_mem_map(&mem, 0x1ff0, 0x20, &out), 0);
	CHECK_EQ(out.n, 2);
	CHECK(seg[0].addr == ram[0] + 0xff0);
	CHECK_EQ(seg[0].len, 0x10);
	CHECK(seg[1].addr == ram[1]);
	CHECK_EQ(seg[1].len, 0x10);
	CHECK(!vq_mem_ptr(&mem, 0x1ff0, 0x20));
	CHECK(vq_mem_ptr(&mem, 0x1ff0, 0x10) == ram[0] + 0xff0);
	out = (struct vq_segs){seg, 1};
	CHECK_EQ(vq_mem_map(&mem, 0x1ff0, 0x20, &out), -E2BIG);
}

TEST(range_that_touches_a_hole_fails)
{
	struct vq_seg seg[4];
	struct vq_segs out = {seg, 4};

	three_regions();
	CHECK_EQ(vq_mem_map(&mem, 0x2ff0, 0x11, &out), -EFAULT);
	CHECK_EQ(vq_mem_map(&mem, 0xfff, 2, &out), -EFAULT);
	CHECK_EQ(vq_mem_map(&mem, 0, 1, &out), -EFAULT);
	CHECK_EQ(vq_mem_map(&mem, 0x9000, 1, &out), -EFAULT);
	CHECK_EQ(vq_mem_map(&mem, 0x7fff, 2, &out), -EFAULT);
}

TEST(range_that_wraps_fails)
{
	struct vq_seg seg[4];
	struct vq_segs out = {seg, 4};

	three_regions();
	CHECK_EQ(vq_mem_map(&mem, 0x8000, UINT64_MAX, &out), -EFAULT);
	CHECK_EQ(vq_mem_map(&mem, UINT64_MAX, 2, &out), -EFAULT);
	CHECK_EQ(vq_mem_map(&mem, UINT64_MAX - 0xfff, 0x3000, &out), -EFAULT);
}

TEST(region_at_the_very_top_works)
{
	struct vq_seg seg[4];
	struct vq_segs out = {seg, 4};

	three_regions();
	CHECK_EQ(vq_mem_add(&mem, UINT64_MAX - 0xfff, 0x1000, ram[0]), 0);
	CHECK_EQ(vq_mem_map(&mem, UINT64_MAX - 0xf, 0x10, &out), 0);
	CHECK_EQ(out.n, 1);
	CHECK(seg[0].addr == ram[0] + 0xff0);
	CHECK_EQ(vq_mem_map(&mem, UINT64_MAX - 0xf, 0x11, &out), -EFAULT);
}

TEST(empty_range_is_no_segment)
{
	struct vq_seg seg[1];
	struct vq_segs out = {seg, 1};

	three_regions();
	CHECK_EQ(vq_mem_map(&mem, 0, 0, &out), 0);
	CHECK_EQ(out.n, 0);
	CHECK(!vq_mem_ptr(&mem, 0x1000, 0));
}

TEST(regions_that_wrap_overlap_or_are_empty_are_refused)
{
	three_regions();
	CHECK_EQ(vq_mem_add(&mem, 0x4000, 0, ram[0]), -EINVAL);
	CHECK_EQ(vq_mem_add(&mem, UINT64_MAX, 2, ram[0]), -EINVAL);
	CHECK_EQ(vq_mem_add(&mem, 0x1fff, 1, ram[0]), -EEXIST);
	CHECK_EQ(vq_mem_add(&mem, 0, 0x1001, ram[0]), -EEXIST);
	CHECK_EQ(vq_mem_add(&mem, 0, 0x10000, ram[0]), -EEXIST);
	CHECK_EQ(vq_mem_add(&mem, 0x7000, 0x1000, ram[0]), 0);
	CHECK_EQ(mem.n, 4);
}

TEST(removed_region_no_longer_resolves)
{
	three_regions();
	CHECK_EQ(vq_mem_del(&mem, 0x2000, 0x800), -ENOENT);
	CHECK_EQ(vq_mem_del(&mem, 0x2001, 0x1000), -ENOENT);
	CHECK_EQ(vq_mem_del(&mem, 0x2000, 0x1000), 0);
	CHECK(!vq_mem_ptr(&mem, 0x2000, 1));
	CHECK(vq_mem_ptr(&mem, 0x8000, 1));
}

TEST(map_holds_its_number_of_regions_and_no_more)
{
	vq_mem_init(&mem);
	for (uint64_t i = VQ_MEM_MAX_REGIONS; i > 0; i--)
		CHECK_EQ(vq_mem_add(&mem, i * 0x2000, 0x1000, ram[i % 3]), 0);
	CHECK_EQ(vq_mem_add(&mem, 0, 0x1000, ram[0]), -ENOSPC);
	for (uint64_t i = 1; i <= VQ_MEM_MAX_REGIONS; i++) {
		CHECK(vq_mem_ptr(&mem, i * 0x2000 + 0xfff, 1) == ram[i % 3] + 0xfff);
		CHECK(!vq_mem_ptr(&mem, i * 0x2000 + 0xfff, 2));
	}
}

TAP_MAIN()
