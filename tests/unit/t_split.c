/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/split.h"

#include <errno.h>
#include <pthread.h>

#include "tests/unit/fake_driver.h"

#define BUF (RAM_SEAM - 8192) /* well inside the first region */
#define TABLE (RAM_SEAM - 65536)

static void check_breaks(struct fake_driver *f, enum vq_fault fault)
{
	CHECK_EQ(vq_pop(&f->q, &f->elem), -EINVAL);
	CHECK_STR(vq_fault_str(f->q.fault), vq_fault_str(fault));
	CHECK_EQ(f->faults, 1);
	/* Broken stays broken, and is told once. */
	CHECK_EQ(vq_pop(&f->q, &f->elem), -EINVAL);
	CHECK_EQ(f->faults, 1);
	CHECK(!vq_should_notify(&f->q));
	CHECK(!vq_enable_notify(&f->q));
	CHECK(!vq_running(&f->q));
}

/* Table of @n entries of 16 bytes to read each, chained; head 0 names it. */
static struct vring_desc *indirect(struct fake_driver *f, uint64_t gpa, unsigned int n)
{
	struct vring_desc *t = fake_ptr(gpa);

	for (unsigned int i = 0; i < n; i++)
		fake_desc(&t[i], BUF, 16, i + 1 < n ? NEXT(i + 1) : 0);
	fake_set(f, 0, gpa, n * 16, D_INDIRECT);
	fake_avail(f, 0);
	return t;
}

/* --- what a good driver does ------------------------------------------- */

TEST(empty_queue_gives_nothing)
{
	struct fake_driver *f = fake_start(8, 0);

	CHECK_EQ(vq_pop(&f->q, &f->elem), 0);
	CHECK_EQ(f->q.fault, 0);
}

TEST(chain_is_split_into_readable_and_writable)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_set(f, 3, BUF, 10, NEXT(5));
	fake_set(f, 5, BUF + 100, 20, NEXT(1));
	fake_set(f, 1, BUF + 200, 30, D_WRITE);
	fake_avail(f, 3);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(f->elem.out.n, 2);
	CHECK_EQ(f->elem.in.n, 1);
	CHECK_EQ(f->elem.out_len, 30);
	CHECK_EQ(f->elem.in_len, 30);
	CHECK(f->elem.out.seg[0].addr == fake_ptr(BUF));
	CHECK(f->elem.out.seg[1].addr == fake_ptr(BUF + 100));
	CHECK(f->elem.in.seg[0].addr == fake_ptr(BUF + 200));
	CHECK_EQ(vq_outstanding(&f->q), 1);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 0);
}

TEST(chain_as_long_as_the_queue_is_fine)
{
	struct fake_driver *f = fake_start(8, 0);

	for (int i = 0; i < 8; i++)
		fake_set(f, i, BUF, 16, i < 7 ? NEXT(i + 1) : 0);
	fake_avail(f, 0);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(f->elem.out.n, 8);
}

TEST(descriptor_over_a_region_seam_becomes_two_segments)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_set(f, 0, RAM_SEAM - 4, 8, D_WRITE);
	fake_avail(f, 0);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(f->elem.in.n, 2);
	CHECK_EQ(f->elem.in_len, 8);
}

TEST(indirect_table_is_read)
{
	struct fake_driver *f = fake_start(8, F_INDIRECT);

	indirect(f, TABLE, 8);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(f->elem.out.n, 8);
	CHECK_EQ(f->elem.out_len, 128);
}

TEST(indirect_table_over_a_region_seam_is_read)
{
	struct fake_driver *f = fake_start(8, F_INDIRECT);

	indirect(f, RAM_SEAM - 24, 4);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(f->elem.out.n, 4);
}

TEST(write_flag_of_a_table_descriptor_means_nothing)
{
	struct fake_driver *f = fake_start(8, F_INDIRECT);

	indirect(f, TABLE, 2);
	f->drv.split.desc[0].flags |= D_WRITE;
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(f->elem.out.n, 2);
	CHECK_EQ(f->elem.in.n, 0);
}

TEST(descriptors_may_be_followed_by_a_table)
{
	struct fake_driver *f = fake_start(8, F_INDIRECT);
	struct vring_desc *t = fake_ptr(TABLE);

	fake_set(f, 2, BUF, 16, NEXT(4));
	fake_set(f, 4, TABLE, 16, D_INDIRECT);
	fake_desc(t, BUF, 32, D_WRITE);
	fake_avail(f, 2);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(f->elem.out_len, 16);
	CHECK_EQ(f->elem.in_len, 32);
}

/* --- one copy, then only the copy -------------------------------------- */

TEST(descriptor_changed_after_pop_changes_nothing)
{
	struct fake_driver *f = fake_start(8, F_INDIRECT);
	struct vring_desc *t = indirect(f, TABLE, 2);

	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	fake_desc(&t[0], 0, 0xffffffff, D_WRITE);
	fake_desc(&t[1], 0, 0xffffffff, D_INDIRECT);
	fake_set(f, 0, 0, 0xffffffff, D_NEXT);
	CHECK_EQ(f->elem.out_len, 32);
	CHECK_EQ(vq_iov_size(f->elem.out.seg, f->elem.out.n), 32);
	CHECK(f->elem.out.seg[0].addr == fake_ptr(BUF));
	CHECK_EQ(vq_push(&f->q, &f->elem, 0), 0);
	CHECK_EQ(f->drv.split.used->ring[0].id, 0);
}

TEST(used_index_is_ours_whatever_the_guest_stores)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_add(f, 2, 1);
	fake_pop_push(f, 16);
	f->drv.split.used->idx = 0x4242;
	fake_pop_push(f, 16);
	CHECK_EQ(f->drv.split.used->idx, 2);
}

struct flipper {
	struct vring_desc *d;
	int stop;
};

#ifdef __SANITIZE_THREAD__
/* What another processor writes meanwhile is copied once and judged then. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:vq_iov_pull\n";
}
#endif

/* Turns a good descriptor bad and good again, as fast as it can. */
static void *flip(void *arg)
{
	struct flipper *p = arg;

	while (!__atomic_load_n(&p->stop, __ATOMIC_RELAXED)) {
		__atomic_store_n(&p->d->len, 0x40000000, __ATOMIC_RELAXED);
		__atomic_store_n(&p->d->len, 16, __ATOMIC_RELAXED);
	}
	return NULL;
}

TEST(racing_guest_gets_a_good_element_or_a_broken_queue)
{
	struct fake_driver *f = fake_start(8, F_INDIRECT);
	struct vring_desc *t = indirect(f, TABLE, 1);
	struct flipper p = {t, 0};
	int good = 0, bad = 0;
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, flip, &p), 0);
	for (int i = 0; i < 20000; i++) {
		if (vq_pop(&f->q, &f->elem) == 1) {
			size_t sum = vq_iov_size(f->elem.out.seg, f->elem.out.n);

			good += f->elem.out_len == 16 && sum == 16;
			vq_unpop(&f->q, &f->elem);
		} else {
			bad += f->q.fault == VQ_FAULT_ADDRESS;
			vq_start(&f->q, &f->setup);
		}
	}
	__atomic_store_n(&p.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CHECK_EQ(good + bad, 20000);
}

/* --- violations --------------------------------------------------------- */

TEST(avail_index_that_jumps_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, 0);

	f->drv.split.avail->idx = 9;
	check_breaks(f, VQ_FAULT_AVAIL_JUMP);
}

TEST(avail_index_that_goes_back_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_add(f, 1, 1);
	fake_pop_push(f, 0);
	f->drv.split.avail->idx = 0;
	check_breaks(f, VQ_FAULT_AVAIL_JUMP);
}

TEST(head_out_of_range_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_avail(f, 8);
	check_breaks(f, VQ_FAULT_HEAD_RANGE);
}

TEST(head_made_available_twice_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_set(f, 1, BUF, 16, 0);
	fake_avail(f, 1);
	fake_avail(f, 1);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	check_breaks(f, VQ_FAULT_HEAD_BUSY);
}

TEST(next_out_of_range_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_set(f, 0, BUF, 16, NEXT(8));
	fake_avail(f, 0);
	check_breaks(f, VQ_FAULT_NEXT_RANGE);
}

TEST(descriptor_loop_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_set(f, 0, BUF, 16, NEXT(1));
	fake_set(f, 1, BUF, 16, NEXT(0));
	fake_avail(f, 0);
	check_breaks(f, VQ_FAULT_CHAIN_LONG);
}

TEST(loop_inside_a_table_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, F_INDIRECT);
	struct vring_desc *t = indirect(f, TABLE, 2);

	fake_desc(&t[1], BUF, 16, NEXT(0));
	check_breaks(f, VQ_FAULT_CHAIN_LONG);
}

/* 2.7.5.3.1, as far as Linux keeps to it: vq_table_max(). */
TEST(chain_and_table_together_longer_than_they_may_be_break_the_queue)
{
	struct fake_driver *f = fake_start(8, F_INDIRECT);

	indirect(f, TABLE, VQ_MAX_SEGS);
	fake_set(f, 1, BUF, 16, NEXT(0));
	f->drv.split.avail->ring[0] = 1;
	check_breaks(f, VQ_FAULT_CHAIN_LONG);
}

TEST(more_segments_than_an_element_holds_break_the_queue)
{
	struct fake_driver *f = fake_start(1024, 0);

	for (int i = 0; i <= VQ_MAX_SEGS; i++)
		fake_set(f, i, BUF, 1, i < VQ_MAX_SEGS ? NEXT(i + 1) : 0);
	fake_avail(f, 0);
	check_breaks(f, VQ_FAULT_SEGMENTS);
}

TEST(unknown_descriptor_flag_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_set(f, 0, BUF, 16, 0x80);
	fake_avail(f, 0);
	check_breaks(f, VQ_FAULT_FLAGS);
}

TEST(readable_after_writable_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_set(f, 0, BUF, 16, D_WRITE | NEXT(1));
	fake_set(f, 1, BUF, 16, 0);
	fake_avail(f, 0);
	check_breaks(f, VQ_FAULT_ORDER);
}

TEST(descriptor_without_length_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_set(f, 0, BUF, 0, 0);
	fake_avail(f, 0);
	check_breaks(f, VQ_FAULT_ZERO_LENGTH);
}

TEST(descriptor_outside_memory_breaks_the_queue)
{
	static const struct vq_buf bad[] = {
		{0, 16},
		{RAM_GPA - 1, 2},
		{RAM_END - 1, 2},
		{RAM_END, 1},
		{RAM_GPA, 0xffffffff},
		{UINT64_MAX, 1},
		{UINT64_MAX - 15, 0x7fffffff},
	};

	for (size_t i = 0; i < CW_ARRAY_SIZE(bad); i++) {
		struct fake_driver *f = fake_start(8, 0);

		fake_set(f, 0, bad[i].gpa, bad[i].len, 0);
		fake_avail(f, 0);
		check_breaks(f, VQ_FAULT_ADDRESS);
	}
}

TEST(chain_of_4_gib_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, 0);

	/* Pretend that there is that much memory: nothing is touched. */
	vq_mem_init(&f->mem);
	CHECK_EQ(vq_mem_add(&f->mem, 0, 1ull << 40, f->ram), 0);
	fake_set(f, 0, 0, 0x80000000, NEXT(1));
	fake_set(f, 1, 0, 0x80000000, D_WRITE);
	fake_avail(f, 0);
	check_breaks(f, VQ_FAULT_CHAIN_BYTES);
}

TEST(table_without_the_feature_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, 0);

	indirect(f, TABLE, 1);
	check_breaks(f, VQ_FAULT_INDIRECT_OFF);
}

TEST(table_of_odd_or_no_length_breaks_the_queue)
{
	static const uint32_t len[] = {0, 1, 15, 17, 24, 16 * 8 + 1, 0xffffffff};

	for (size_t i = 0; i < CW_ARRAY_SIZE(len); i++) {
		struct fake_driver *f = fake_start(8, F_INDIRECT);

		indirect(f, TABLE, 1);
		f->drv.split.desc[0].len = len[i];
		check_breaks(f, VQ_FAULT_INDIRECT_LEN);
	}
}

TEST(table_longer_than_an_element_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, F_INDIRECT);

	indirect(f, TABLE, VQ_MAX_SEGS);
	fake_pop_push(f, 0);
	indirect(f, TABLE, VQ_MAX_SEGS + 1);
	check_breaks(f, VQ_FAULT_INDIRECT_LONG);
}

TEST(table_descriptor_with_next_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, F_INDIRECT);

	indirect(f, TABLE, 1);
	f->drv.split.desc[0].flags |= D_NEXT;
	check_breaks(f, VQ_FAULT_INDIRECT_NEXT);
}

TEST(table_inside_a_table_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, F_INDIRECT);
	struct vring_desc *t = indirect(f, TABLE, 2);

	fake_desc(&t[1], TABLE + 4096, 16, D_INDIRECT);
	check_breaks(f, VQ_FAULT_INDIRECT_NEST);
}

TEST(next_past_the_end_of_a_table_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, F_INDIRECT);
	struct vring_desc *t = indirect(f, TABLE, 2);

	fake_desc(&t[0], BUF, 16, NEXT(2));
	check_breaks(f, VQ_FAULT_NEXT_RANGE);
}

TEST(table_that_runs_out_of_memory_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, F_INDIRECT);

	indirect(f, TABLE, 2);
	f->drv.split.desc[0].addr = RAM_END - 16;
	check_breaks(f, VQ_FAULT_INDIRECT_ADDR);
}

TEST(broken_queue_takes_no_element_back)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_add(f, 1, 1);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(vq_break(&f->q, VQ_FAULT_DEVICE), -EINVAL);
	CHECK_EQ(vq_push(&f->q, &f->elem, 0), -EINVAL);
	CHECK_EQ(f->drv.split.used->idx, 0);
}

/* --- start and stop ------------------------------------------------------ */

TEST(queue_that_cannot_be_does_not_start)
{
	struct fake_driver *f = fake_start(8, 0);
	struct vq_setup s = f->setup;

	vq_stop(&f->q);
	s.size = 0;
	CHECK_EQ(vq_start(&f->q, &s), -EINVAL);
	s.size = 12;
	CHECK_EQ(vq_start(&f->q, &s), -EINVAL);
	s.size = VQ_MAX_SIZE + 1;
	CHECK_EQ(vq_start(&f->q, &s), -EINVAL);
	s = f->setup;
	s.area[VQ_AREA_DESC] = (char *)s.area[VQ_AREA_DESC] + 8;
	CHECK_EQ(vq_start(&f->q, &s), -EINVAL);
	s = f->setup;
	s.area[VQ_AREA_DEVICE] = NULL;
	CHECK_EQ(vq_start(&f->q, &s), -EINVAL);
	CHECK(!vq_running(&f->q));
}

TEST(stopped_queue_goes_on_where_it_was)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_add(f, 3, 1);
	fake_pop_push(f, 16);
	f->setup.base = vq_stop(&f->q);
	CHECK_EQ(f->setup.base, 1);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 0);
	CHECK_EQ(vq_start(&f->q, &f->setup), 0);
	fake_pop_push(f, 16);
	fake_pop_push(f, 16);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 0);
	CHECK_EQ(f->drv.split.used->idx, 3);
}

TEST(element_of_before_a_stop_is_refused)
{
	struct fake_driver *f = fake_start(8, 0);
	static struct vq_elem again;

	fake_add(f, 1, 1);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	vq_stop(&f->q);
	CHECK_EQ(vq_push(&f->q, &f->elem, 0), -ESTALE);
	CHECK_EQ(vq_start(&f->q, &f->setup), 0);
	CHECK_EQ(vq_push(&f->q, &f->elem, 0), -ESTALE);
	CHECK_EQ(vq_unpop(&f->q, &f->elem), -ESTALE);
	/* Also where the same head is out again. */
	CHECK_EQ(vq_pop(&f->q, &again), 1);
	CHECK_EQ(again.id, f->elem.id);
	CHECK_EQ(vq_push(&f->q, &f->elem, 0), -ESTALE);
	CHECK_EQ(f->drv.split.used->idx, 0);
}

TEST(element_is_given_back_once)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_add(f, 1, 1);
	fake_pop_push(f, 0);
	CHECK_EQ(vq_push(&f->q, &f->elem, 0), -ESTALE);
	CHECK_EQ(f->drv.split.used->idx, 1);
}

TEST(element_put_back_comes_again)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_add(f, 1, 1);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(vq_unpop(&f->q, &f->elem), 0);
	CHECK_EQ(vq_outstanding(&f->q), 0);
	fake_pop_push(f, 0);
}

/* --- used ring ------------------------------------------------------------ */

TEST(used_length_is_what_was_written_and_never_more_than_lent)
{
	struct fake_driver *f = fake_start(8, 0);
	uint32_t len;

	fake_add(f, 2, 1);
	fake_add(f, 1, 0);
	fake_pop_push(f, 5);
	fake_pop_push(f, 4000);
	fake_pop_push(f, 5);
	CHECK(vq_driver_get(&f->drv, &len));
	CHECK_EQ(len, 5);
	CHECK(vq_driver_get(&f->drv, &len));
	CHECK_EQ(len, 16);
	CHECK(vq_driver_get(&f->drv, &len));
	CHECK_EQ(len, 0);
}

TEST(elements_may_be_used_out_of_order)
{
	struct fake_driver *f = fake_start(8, 0);
	static struct vq_elem e[3];
	static const int order[] = {2, 0, 1};

	fake_add(f, 3, 1);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(vq_pop(&f->q, &e[i]), 1);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(vq_push(&f->q, &e[order[i]], i), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(f->drv.split.used->ring[i].id, e[order[i]].id);
		CHECK_EQ(f->drv.split.used->ring[i].len, i);
	}
	CHECK_EQ(vq_outstanding(&f->q), 0);
}

TEST(indexes_wrap_after_65536_elements)
{
	struct fake_driver *f = fake_start(8, F_EVENT_IDX);
	uint32_t len;

	for (int i = 0; i < 70000; i++) {
		fake_add(f, 1, 1);
		fake_pop_push(f, 1);
		CHECK(vq_driver_get(&f->drv, &len));
	}
	CHECK_EQ(f->drv.split.used->idx, (uint16_t)70000);
	CHECK_EQ(vq_stop(&f->q), (uint16_t)70000);
}

TAP_MAIN()
