/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds for every ring format and every set of features: device side
 * against driver side over random requests, compared with what an abstract
 * queue would give.
 */
#include "virtio/driver.h"

#include <errno.h>

#include "tests/unit/fake_driver.h"

#define F_V1 (1ull << VIRTIO_F_VERSION_1)
#define F_PACKED (F_V1 | 1ull << VIRTIO_F_RING_PACKED)
#define F_IN_ORDER (1ull << VIRTIO_F_IN_ORDER)
#define F_NOTIFY_DATA (1ull << VQ_F_NOTIFICATION_DATA)
#define BUF (RAM_GPA + 0x200000)
#define TABLES (RAM_GPA + 0x180000)
#define HELD 8

static const uint64_t formats[] = {0, F_V1, F_PACKED};
static const uint64_t options[] = {
	0,	    F_INDIRECT,		       F_EVENT_IDX,		F_INDIRECT | F_EVENT_IDX,
	F_IN_ORDER, F_IN_ORDER | F_INDIRECT, F_IN_ORDER | F_EVENT_IDX,
};

static uint32_t seed = 1;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* Requests by number; a token is the number plus one. */
struct model {
	struct fake_driver *f;
	struct vq_elem *held[HELD];
	unsigned int nr_held;
	unsigned int added, popped, returned;
	uint32_t out[4096], in[4096], written[4096];
	bool back[4096];
	bool in_order;
};

static void add_one(struct model *m, unsigned int k)
{
	bool table = m->f->q.setup.features & F_INDIRECT && rnd(2);
	struct vq_buf buf[6];
	struct vq_request req = {.buf = buf, .nr_out = rnd(4), .nr_in = rnd(3)};

	if (!req.nr_out && !req.nr_in)
		req.nr_out = 1;
	/* Longer than an indirect table or chain may be is none of ours. */
	while (req.nr_out + req.nr_in > m->f->q.setup.size)
		req.nr_out ? req.nr_out-- : req.nr_in--;
	req.token = (void *)(uintptr_t)(k + 1);
	m->out[k] = m->in[k] = 0;
	for (int i = 0; i < req.nr_out + req.nr_in; i++) {
		buf[i] = (struct vq_buf){BUF + rnd(1000), 1 + rnd(100)};
		*(i < req.nr_out ? &m->out[k] : &m->in[k]) += buf[i].len;
	}
	if (table) {
		req.table_gpa = TABLES + k * 128ull;
		req.table = fake_ptr(req.table_gpa);
	}
	if (vq_driver_add(&m->f->drv, &req) >= 0)
		m->added++;
}

static void pop_one(struct model *m)
{
	struct vq_elem *e;
	int ret;

	if (m->nr_held == HELD)
		return;
	e = malloc(sizeof(*e));
	ret = vq_pop(&m->f->q, e);
	CHECK(ret >= 0);
	if (!ret) {
		free(e);
		return;
	}
	/* In the order in which they were added. */
	CHECK_EQ(e->out_len, m->out[m->popped]);
	CHECK_EQ(e->in_len, m->in[m->popped]);
	if (rnd(8)) {
		e->out_len = m->popped++; /* ours to remember it by */
		m->held[m->nr_held++] = e;
		return;
	}
	CHECK_EQ(vq_unpop(&m->f->q, e), 0);
	free(e);
}

static void push_one(struct model *m)
{
	unsigned int i = m->nr_held ? rnd(m->nr_held) : 0;
	struct vq_elem *e;

	if (!m->nr_held)
		return;
	e = m->held[i];
	m->held[i] = m->held[--m->nr_held];
	m->written[e->out_len] = rnd(e->in_len + 1);
	CHECK_EQ(vq_push(&m->f->q, e, m->written[e->out_len]), 0);
	CHECK_EQ(vq_push(&m->f->q, e, 0), -ESTALE);
	free(e);
}

static void get_one(struct model *m)
{
	uint32_t len = 0;
	uintptr_t token = (uintptr_t)vq_driver_get(&m->f->drv, &len);

	CHECK(!m->f->drv.broken);
	if (!token)
		return;
	CHECK(token <= m->popped && !m->back[token - 1]);
	if (m->in_order)
		CHECK_EQ(token, m->returned + 1);
	CHECK_EQ(len, m->written[token - 1]);
	m->back[token - 1] = true;
	m->returned++;
}

static void stop_and_start(struct model *m)
{
	if (m->nr_held)
		return;
	m->f->setup.base = vq_stop(&m->f->q);
	CHECK_EQ(vq_start(&m->f->q, &m->f->setup), 0);
}

static void run_model(uint16_t size, uint64_t features)
{
	static struct model m;

	memset(&m, 0, sizeof(m));
	m.f = fake_start(size, features);
	m.in_order = features & F_IN_ORDER;
	while (m.returned < 2000) {
		switch (rnd(9)) {
		case 0:
		case 1:
			if (m.added < 2000)
				add_one(&m, m.added);
			break;
		case 2:
			vq_driver_publish(&m.f->drv);
			break;
		case 3:
		case 4:
			pop_one(&m);
			break;
		case 5:
		case 6:
			push_one(&m);
			break;
		case 7:
			get_one(&m);
			break;
		default:
			stop_and_start(&m);
		}
	}
	CHECK_EQ(m.f->drv.nr_free, size);
	CHECK_EQ(vq_outstanding(&m.f->q), 0);
	CHECK_EQ(m.f->faults, 0);
}

TEST(random_requests_come_back_as_an_abstract_queue_says)
{
	static const uint16_t sizes[] = {1, 2, 4, 16, 256};

	for (size_t f = 0; f < CW_ARRAY_SIZE(formats); f++)
		for (size_t o = 0; o < CW_ARRAY_SIZE(options); o++)
			for (size_t s = 0; s < CW_ARRAY_SIZE(sizes); s++)
				run_model(sizes[s], formats[f] | options[o]);
	/* Only the packed ring may have a size that is no power of two. */
	for (size_t o = 0; o < CW_ARRAY_SIZE(options); o++) {
		run_model(3, F_PACKED | options[o]);
		run_model(100, F_PACKED | options[o]);
	}
}

TEST(every_size_works_up_to_the_largest)
{
	for (uint32_t size = 1; size <= VQ_MAX_SIZE; size *= 2) {
		struct fake_driver *f = fake_start(size, F_V1);

		fake_add(f, size, 1);
		for (uint32_t i = 0; i < size; i++)
			fake_pop_push(f, 0);
		CHECK_EQ(vq_pop(&f->q, &f->elem), 0);
	}
	for (uint32_t size = 1; size <= VQ_MAX_SIZE; size = size * 3 / 2 + 1) {
		struct fake_driver *f = fake_start(size, F_PACKED);

		for (int lap = 0; lap < 3; lap++) {
			uint32_t len;

			fake_add(f, size, 1);
			for (uint32_t i = 0; i < size; i++)
				fake_pop_push(f, 0);
			CHECK_EQ(vq_pop(&f->q, &f->elem), 0);
			for (uint32_t i = 0; i < size; i++)
				CHECK(vq_driver_get(&f->drv, &len));
			CHECK(!vq_driver_get(&f->drv, &len));
		}
	}
}

TEST(in_order_waits_for_the_first)
{
	for (size_t k = 0; k < CW_ARRAY_SIZE(formats); k++) {
		struct fake_driver *f = fake_start(4, formats[k] | F_IN_ORDER);
		struct vq_elem *e = calloc(3, sizeof(*e));
		uint32_t len;

		fake_add(f, 3, 1);
		for (int i = 0; i < 3; i++)
			CHECK_EQ(vq_pop(&f->q, &e[i]), 1);
		CHECK_EQ(vq_push(&f->q, &e[2], 3), 0);
		CHECK_EQ(vq_push(&f->q, &e[2], 3), -ESTALE);
		CHECK_EQ(vq_push(&f->q, &e[1], 2), 0);
		CHECK_EQ(vq_outstanding(&f->q), 3);
		CHECK(!vq_should_notify(&f->q));
		CHECK(!vq_driver_get(&f->drv, &len));
		CHECK_EQ(vq_push(&f->q, &e[0], 1), 0);
		CHECK(vq_should_notify(&f->q));
		for (uint32_t i = 1; i <= 3; i++) {
			CHECK(vq_driver_get(&f->drv, &len));
			CHECK_EQ(len, i);
		}
		free(e);
	}
}

/* A device that shows a batch by its last element alone (2.7.9, 2.8.8). */
TEST(one_used_entry_may_stand_for_a_batch)
{
	for (size_t k = 0; k < CW_ARRAY_SIZE(formats); k++) {
		struct fake_driver *f = fake_start(8, formats[k] | F_IN_ORDER);
		struct vq_done done = {.written = 5};
		uint32_t len;

		fake_add(f, 4, 1);
		for (int i = 0; i < 3; i++) {
			CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
			done.nr += f->elem.nr;
		}
		done.id = f->elem.id;
		f->q.ops->push(&f->q, &done);
		if (!(formats[k] & (1ull << VIRTIO_F_RING_PACKED)))
			f->drv.split.used->idx = 3;
		for (int i = 0; i < 3; i++) {
			CHECK(vq_driver_get(&f->drv, &len));
			CHECK_EQ(len, i < 2 ? 16 : 5);
		}
		CHECK(!vq_driver_get(&f->drv, &len));
		CHECK_EQ(f->drv.nr_free, 7);
	}
}

TEST(device_that_names_nothing_outstanding_breaks_the_driver)
{
	for (size_t k = 0; k < CW_ARRAY_SIZE(formats); k++) {
		struct fake_driver *f = fake_start(8, formats[k]);
		struct vq_done done = {.id = 5, .nr = 1};
		uint32_t len;

		fake_add(f, 2, 1);
		f->q.ops->push(&f->q, &done);
		CHECK(!vq_driver_get(&f->drv, &len));
		CHECK(f->drv.broken);
		done.id = 0;
		f->q.ops->push(&f->q, &done);
		CHECK(!vq_driver_get(&f->drv, &len));
		CHECK(!vq_driver_enable_cb(&f->drv));
	}
}

TEST(doorbell_says_where_the_next_entry_is)
{
	struct fake_driver *f = fake_start(4, F_V1);

	fake_add(f, 3, 1);
	CHECK_EQ(vq_driver_notify_data(&f->drv, 9), 9);
	f = fake_start(4, F_V1 | F_NOTIFY_DATA);
	fake_add(f, 3, 1);
	CHECK_EQ(vq_driver_notify_data(&f->drv, 9), 9 | 3u << 16);
	f = fake_start(4, F_PACKED | F_NOTIFY_DATA);
	fake_add(f, 3, 1);
	CHECK_EQ(vq_driver_notify_data(&f->drv, 9), 9 | 3u << 16 | 1u << 31);
	fake_pop_push(f, 0);
	vq_driver_get(&f->drv, &seed);
	fake_add(f, 1, 1);
	CHECK_EQ(vq_driver_notify_data(&f->drv, 9), 9);
}

/* A legacy guest of the other byte order: every field is swapped, by hand. */
TEST(legacy_guest_may_be_big_endian)
{
	struct fake_driver *f = fake_start(4, 0);

	vq_stop(&f->q);
	f->setup.big_endian = true;
	CHECK_EQ(vq_start(&f->q, &f->setup), 0);
	f->drv.split.desc[2] = (struct vring_desc){
		.addr = __builtin_bswap64(BUF),
		.len = __builtin_bswap32(16),
		.flags = __builtin_bswap16(D_WRITE),
	};
	f->drv.split.avail->ring[0] = __builtin_bswap16(2);
	f->drv.split.avail->idx = __builtin_bswap16(1);
	CHECK_EQ(vq_pop(&f->q, &f->elem), 1);
	CHECK_EQ(f->elem.in_len, 16);
	CHECK_EQ(vq_push(&f->q, &f->elem, 3), 0);
	CHECK_EQ(f->drv.split.used->ring[0].id, __builtin_bswap32(2));
	CHECK_EQ(f->drv.split.used->ring[0].len, __builtin_bswap32(3));
	CHECK_EQ(f->drv.split.used->idx, __builtin_bswap16(1));
	/* A modern device has one byte order (2.4.3). */
	f->setup.features = F_V1;
	vq_stop(&f->q);
	CHECK_EQ(vq_start(&f->q, &f->setup), 0);
	CHECK(!f->q.swap);
}

TAP_MAIN()
