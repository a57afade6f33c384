/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packed ring against a driver that writes descriptors by hand. What holds
 * for both formats is in t_ring.c.
 */
#include "virtio/packed.h"

#include <errno.h>

#include "tests/unit/fake_driver.h"

#define F_PACKED (1ull << VIRTIO_F_RING_PACKED | 1ull << VIRTIO_F_VERSION_1)
#define BUF (RAM_GPA + 0x10000)
#define TABLE (RAM_GPA + 0x20000)

static struct vring_packed_desc *ring(struct fake_driver *f)
{
	return f->drv.packed.desc;
}

/* Descriptor @i, made available in a lap with wrap counter @wrap. */
static void put(struct fake_driver *f, unsigned int i, uint64_t addr, uint32_t len, uint16_t flags,
		bool wrap)
{
	ring(f)[i] = (struct vring_packed_desc){addr, len, i,
						flags | vq_packed_avail_flags(wrap)};
}

static int fault_of(struct fake_driver *f)
{
	CHECK_EQ(vq_pop(&f->q, &f->elem), -EINVAL);
	CHECK_EQ(f->faults, 1);
	CHECK_EQ(vq_pop(&f->q, &f->elem), -EINVAL);
	CHECK_EQ(f->faults, 1);
	return f->q.fault;
}

TEST(chain_is_walked_and_named_by_its_last_descriptor)
{
	struct fake_driver *f = fake_start(8, F_PACKED);

	put(f, 0, BUF, 16, D_NEXT, true);
	put(f, 1, BUF + 100, 32, D_NEXT | D_WRITE, true);
	put(f, 2, BUF + 200, 64, D_WRITE, true);
	ring(f)[0].id = 1111; /* means nothing there */
	ring(f)[2].id = 60000;
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(f->elem.id, 60000);
	CHECK_EQ(f->elem.nr, 3);
	CHECK_EQ(f->elem.out_len, 16);
	CHECK_EQ(f->elem.in_len, 96);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 0);
}

TEST(used_descriptor_goes_to_the_front_of_the_chain)
{
	struct fake_driver *f = fake_start(8, F_PACKED);

	put(f, 0, BUF, 16, D_NEXT, true);
	put(f, 1, BUF, 32, D_WRITE, true);
	put(f, 2, BUF, 32, D_WRITE, true);
	for (int i = 0; i < 2; i++)
		fake_pop_push(f, 7);
	CHECK_EQ(ring(f)[0].id, 1);
	CHECK_EQ(ring(f)[0].len, 7);
	CHECK_EQ(ring(f)[0].flags, VQ_PACKED_AVAIL | VQ_PACKED_USED | D_WRITE);
	/* The second one behind the first chain, not behind its used entry. */
	CHECK_EQ(ring(f)[2].id, 2);
	CHECK_EQ(ring(f)[2].flags, VQ_PACKED_AVAIL | VQ_PACKED_USED | D_WRITE);
	CHECK_EQ(ring(f)[1].flags & VQ_PACKED_USED, 0);
}

TEST(nothing_written_has_no_write_flag)
{
	struct fake_driver *f = fake_start(8, F_PACKED);

	put(f, 0, BUF, 16, 0, true);
	fake_pop_push(f, 0);
	CHECK_EQ(ring(f)[0].flags, VQ_PACKED_AVAIL | VQ_PACKED_USED);
}

TEST(descriptor_of_the_last_lap_is_not_available)
{
	struct fake_driver *f = fake_start(2, F_PACKED);

	put(f, 0, BUF, 16, 0, false);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 0);
	put(f, 0, BUF, 16, 0, true);
	put(f, 1, BUF, 16, 0, true);
	fake_pop_push(f, 0);
	fake_pop_push(f, 0);
	/* What we used looks like neither. */
	CHECK_EQ(vq_pop(&f->q, &f->elem), 0);
	put(f, 0, BUF, 16, 0, true);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 0);
	put(f, 0, BUF, 16, 0, false);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
}

TEST(chain_over_the_end_changes_the_wrap_counter)
{
	struct fake_driver *f = fake_start(3, F_PACKED);

	put(f, 0, BUF, 16, 0, true);
	put(f, 1, BUF, 16, 0, true);
	fake_pop_push(f, 0);
	fake_pop_push(f, 0);
	put(f, 2, BUF, 16, D_NEXT, true);
	put(f, 0, BUF, 16, 0, false);
	fake_pop_push(f, 0);
	CHECK_EQ(ring(f)[2].flags, VQ_PACKED_AVAIL | VQ_PACKED_USED);
	put(f, 1, BUF, 16, 0, false);
	fake_pop_push(f, 0);
	CHECK_EQ(ring(f)[1].flags, 0);
	CHECK_EQ(vq_stop(&f->q), (2u | 0u << 15) | (2u | 0u << 15) << 16);
}

TEST(element_put_back_comes_again)
{
	struct fake_driver *f = fake_start(4, F_PACKED);

	put(f, 0, BUF, 16, D_NEXT, true);
	put(f, 1, BUF, 16, 0, true);
	put(f, 2, BUF, 16, D_NEXT, true);
	put(f, 3, BUF, 16, 0, true);
	fake_pop_push(f, 0);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(vq_unpop(&f->q, &f->elem), 0);
	CHECK_EQ(vq_outstanding(&f->q), 0);
	fake_pop_push(f, 0);
	CHECK_EQ(vq_stop(&f->q), 0);
}

TEST(table_entries_lie_in_a_row_and_only_write_counts)
{
	struct fake_driver *f = fake_start(8, F_PACKED | F_INDIRECT);
	struct vring_packed_desc *t = fake_ptr(TABLE);

	t[0] = (struct vring_packed_desc){BUF, 16, 9, D_INDIRECT | D_NEXT | VQ_PACKED_USED};
	t[1] = (struct vring_packed_desc){BUF, 32, 9, D_WRITE | 0xf000};
	put(f, 0, TABLE, 32, D_INDIRECT | D_WRITE, true);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(f->elem.id, 0);
	CHECK_EQ(f->elem.nr, 1);
	CHECK_EQ(f->elem.out_len, 16);
	CHECK_EQ(f->elem.in_len, 32);
}

TEST(table_behind_descriptors_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, F_PACKED | F_INDIRECT);

	put(f, 0, BUF, 16, D_NEXT, true);
	put(f, 1, TABLE, 32, D_INDIRECT, true);
	CHECK_EQ(fault_of(f), VQ_FAULT_INDIRECT_CHAIN);
}

TEST(table_with_next_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, F_PACKED | F_INDIRECT);

	put(f, 0, TABLE, 32, D_INDIRECT | D_NEXT, true);
	CHECK_EQ(fault_of(f), VQ_FAULT_INDIRECT_NEXT);
}

TEST(table_that_is_not_offered_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, F_PACKED);

	put(f, 0, TABLE, 32, D_INDIRECT, true);
	CHECK_EQ(fault_of(f), VQ_FAULT_INDIRECT_OFF);
}

TEST(table_longer_than_an_element_breaks_the_queue)
{
	struct fake_driver *f = fake_start(8, F_PACKED | F_INDIRECT);
	struct vring_packed_desc *t = fake_ptr(TABLE);

	for (int i = 0; i < VQ_MAX_SEGS; i++)
		t[i] = (struct vring_packed_desc){BUF, 16, 0, 0};
	put(f, 0, TABLE, VQ_MAX_SEGS * 16, D_INDIRECT, true);
	fake_pop_push(f, 0);
	put(f, 1, TABLE, (VQ_MAX_SEGS + 1) * 16, D_INDIRECT, true);
	CHECK_EQ(fault_of(f), VQ_FAULT_INDIRECT_LONG);
}

TEST(endless_chain_breaks_the_queue)
{
	struct fake_driver *f = fake_start(4, F_PACKED);

	for (int i = 0; i < 4; i++)
		put(f, i, BUF, 16, D_NEXT, true);
	CHECK_EQ(fault_of(f), VQ_FAULT_CHAIN_LONG);
}

TEST(chain_into_what_is_taken_breaks_the_queue)
{
	struct fake_driver *f = fake_start(4, F_PACKED);

	put(f, 0, BUF, 16, D_NEXT, true);
	put(f, 1, BUF, 16, 0, true);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	for (int i = 2; i < 4; i++)
		put(f, i, BUF, 16, D_NEXT, true);
	CHECK_EQ(fault_of(f), VQ_FAULT_CHAIN_LONG);
}

TEST(more_than_the_ring_holds_breaks_the_queue)
{
	struct fake_driver *f = fake_start(2, F_PACKED);

	put(f, 0, BUF, 16, 0, true);
	put(f, 1, BUF, 16, 0, true);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	put(f, 0, BUF, 16, 0, false);
	ring(f)[0].id = 7;
	CHECK_EQ(fault_of(f), VQ_FAULT_AVAIL_JUMP);
}

TEST(id_that_is_outstanding_breaks_the_queue)
{
	struct fake_driver *f = fake_start(4, F_PACKED);

	put(f, 0, BUF, 16, 0, true);
	put(f, 1, BUF, 16, 0, true);
	ring(f)[1].id = 0;
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(fault_of(f), VQ_FAULT_HEAD_BUSY);
}

TEST(unknown_flag_breaks_the_queue)
{
	struct fake_driver *f = fake_start(4, F_PACKED);

	put(f, 0, BUF, 16, 8, true);
	CHECK_EQ(fault_of(f), VQ_FAULT_FLAGS);
}

TEST(what_lies_outside_of_memory_breaks_the_queue)
{
	struct fake_driver *f = fake_start(4, F_PACKED);

	put(f, 0, RAM_END - 8, 16, 0, true);
	CHECK_EQ(fault_of(f), VQ_FAULT_ADDRESS);
}

TEST(event_at_a_descriptor_notifies_when_it_is_used)
{
	struct fake_driver *f = fake_start(4, F_PACKED | F_EVENT_IDX);
	struct vring_packed_desc_event *e = f->drv.packed.driver;

	for (int i = 0; i < 4; i++)
		put(f, i, BUF, 16, 0, true);
	fake_pop_push(f, 0);
	CHECK(vq_should_notify(&f->q)); /* the first one after a start */
	*e = (struct vring_packed_desc_event){vq_cursor_pack((struct vq_cursor){2, true}),
					      VRING_PACKED_EVENT_FLAG_DESC};
	fake_pop_push(f, 0);
	CHECK(!vq_should_notify(&f->q));
	fake_pop_push(f, 0);
	CHECK(vq_should_notify(&f->q));
	/* In the next lap: the same place in this one is none. */
	e->off_wrap = vq_cursor_pack((struct vq_cursor){0, false});
	fake_pop_push(f, 0);
	CHECK(!vq_should_notify(&f->q));
	put(f, 0, BUF, 16, 0, false);
	fake_pop_push(f, 0);
	CHECK(vq_should_notify(&f->q));
	e->flags = VRING_PACKED_EVENT_FLAG_DISABLE;
	put(f, 1, BUF, 16, 0, false);
	fake_pop_push(f, 0);
	CHECK(!vq_should_notify(&f->q));
}

TEST(base_that_cannot_be_does_not_start)
{
	struct fake_driver *f = fake_start(4, F_PACKED);
	struct vq_setup s = f->setup;

	vq_stop(&f->q);
	s.base = 4 | 1u << 15;
	CHECK_EQ(vq_start(&f->q, &s), -EINVAL);
	s.base = 3 | 1u << 15 | (4 | 1u << 15) << 16;
	CHECK_EQ(vq_start(&f->q, &s), -EINVAL);
	/* A fresh ring by half, as some front ends name it. */
	s.base = 1u << 15;
	CHECK_EQ(vq_start(&f->q, &s), 0);
	CHECK_EQ(vq_stop(&f->q), vq_fresh_base(F_PACKED));
}

TAP_MAIN()
