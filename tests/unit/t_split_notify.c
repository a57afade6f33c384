/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications of the split ring: suppression, event index, and two threads
 * that sleep whenever they may.
 */
#include "virtio/split.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/fake_driver.h"

TEST(driver_that_wants_no_interrupt_gets_none)
{
	struct fake_driver *f = fake_start(8, 0);

	fake_add(f, 2, 1);
	fake_pop_push(f, 0);
	CHECK(vq_should_notify(&f->q));
	vq_driver_disable_cb(&f->drv);
	fake_pop_push(f, 0);
	CHECK(!vq_should_notify(&f->q));
	CHECK_EQ(f->q.stat.notified, 1);
	CHECK_EQ(f->q.stat.suppressed, 1);
}

TEST(nothing_pushed_is_nothing_to_notify)
{
	struct fake_driver *f = fake_start(8, 0);

	CHECK(!vq_should_notify(&f->q));
	fake_add(f, 1, 1);
	fake_pop_push(f, 0);
	CHECK(vq_should_notify(&f->q));
	CHECK(!vq_should_notify(&f->q));
	CHECK_EQ(f->q.stat.notified + f->q.stat.suppressed, 1);
}

TEST(event_index_notifies_when_it_is_passed_only)
{
	struct fake_driver *f = fake_start(8, F_EVENT_IDX);

	fake_add(f, 6, 1);
	fake_pop_push(f, 0);
	/* The first decision after a start is "notify". */
	CHECK(vq_should_notify(&f->q));
	f->drv.split.avail->ring[8] = 3;
	fake_pop_push(f, 0);
	CHECK(!vq_should_notify(&f->q));
	fake_pop_push(f, 0);
	CHECK(!vq_should_notify(&f->q));
	fake_pop_push(f, 0);
	CHECK(vq_should_notify(&f->q));
	fake_pop_push(f, 0);
	CHECK(!vq_should_notify(&f->q));
}

TEST(event_index_counts_batches)
{
	struct fake_driver *f = fake_start(8, F_EVENT_IDX);

	fake_add(f, 8, 1);
	fake_pop_push(f, 0);
	vq_should_notify(&f->q);
	f->drv.split.avail->ring[8] = 3;
	for (int i = 0; i < 7; i++)
		fake_pop_push(f, 0);
	CHECK(vq_should_notify(&f->q));
	CHECK(!vq_should_notify(&f->q));
}

TEST(event_index_works_across_the_wrap)
{
	struct fake_driver *f = fake_start(8, F_EVENT_IDX);
	uint32_t len;

	for (int i = 0; i < 65535; i++) {
		fake_add(f, 1, 1);
		fake_pop_push(f, 0);
		vq_should_notify(&f->q);
		vq_driver_get(&f->drv, &len);
	}
	f->drv.split.avail->ring[8] = 0xffff;
	fake_add(f, 2, 1);
	fake_pop_push(f, 0);
	CHECK(vq_should_notify(&f->q));
	fake_pop_push(f, 0);
	CHECK(!vq_should_notify(&f->q));
}

TEST(many_elements_without_a_decision_end_in_a_notification)
{
	struct fake_driver *f = fake_start(8, F_EVENT_IDX);
	uint32_t len;

	fake_add(f, 1, 1);
	fake_pop_push(f, 0);
	vq_should_notify(&f->q);
	vq_driver_get(&f->drv, &len);
	/* The index asked for was passed; the distance then wraps to 0. */
	f->drv.split.avail->ring[8] = 100;
	for (int i = 0; i < 65536; i++) {
		fake_add(f, 1, 1);
		fake_pop_push(f, 0);
		vq_driver_get(&f->drv, &len);
	}
	CHECK(vq_should_notify(&f->q));
}

TEST(restarted_queue_notifies_once_too_often_rather_than_too_rarely)
{
	struct fake_driver *f = fake_start(8, F_EVENT_IDX);

	fake_add(f, 2, 1);
	fake_pop_push(f, 0);
	CHECK(vq_should_notify(&f->q));
	f->drv.split.avail->ring[8] = 7;
	f->setup.base = vq_stop(&f->q);
	CHECK_EQ(vq_start(&f->q, &f->setup), 0);
	fake_pop_push(f, 0);
	CHECK(vq_should_notify(&f->q));
}

TEST(device_that_wants_no_kick_says_so)
{
	struct fake_driver *f = fake_start(8, 0);

	vq_disable_notify(&f->q);
	fake_add(f, 1, 1);
	CHECK(!vq_driver_kick_needed(&f->drv));
	fake_pop_push(f, 0);
	CHECK(!vq_enable_notify(&f->q));
	fake_add(f, 1, 1);
	CHECK(vq_driver_kick_needed(&f->drv));
}

TEST(event_index_asks_for_one_kick)
{
	struct fake_driver *f = fake_start(8, F_EVENT_IDX);

	CHECK(!vq_enable_notify(&f->q));
	fake_add(f, 1, 1);
	CHECK(vq_driver_kick_needed(&f->drv));
	fake_add(f, 1, 1);
	CHECK(!vq_driver_kick_needed(&f->drv));
	fake_pop_push(f, 0);
	fake_pop_push(f, 0);
	CHECK(!vq_enable_notify(&f->q));
	fake_add(f, 1, 1);
	CHECK(vq_driver_kick_needed(&f->drv));
}

TEST(element_added_before_enabling_is_seen)
{
	static const uint64_t features[] = {0, F_EVENT_IDX};

	for (size_t i = 0; i < CW_ARRAY_SIZE(features); i++) {
		struct fake_driver *f = fake_start(8, features[i]);

		vq_disable_notify(&f->q);
		CHECK_EQ(vq_pop(&f->q, &f->elem), 0);
		fake_add(f, 1, 1);
		CHECK(vq_enable_notify(&f->q));
		fake_pop_push(f, 0);
		CHECK(!vq_enable_notify(&f->q));
	}
}

/* A device on a thread of its own; both sides sleep whenever they may. */
struct device_thread {
	struct fake_driver *f;
	int kick;
	int call;
	int todo;
	int timeouts;
};

static void device_serve(struct device_thread *t)
{
	struct fake_driver *f = t->f;

	vq_disable_notify(&f->q);
	do {
		while (vq_pop(&f->q, &f->elem) > 0) {
			vq_push(&f->q, &f->elem, 1);
			t->todo--;
			if (vq_should_notify(&f->q))
				eventfd_write(t->call, 1);
		}
	} while (vq_enable_notify(&f->q));
}

static void *device_main(void *arg)
{
	struct device_thread *t = arg;
	struct pollfd p = {t->kick, POLLIN, 0};
	eventfd_t n;

	while (t->todo && !t->timeouts) {
		device_serve(t);
		if (!t->todo)
			break;
		if (poll(&p, 1, 20000) == 1)
			eventfd_read(t->kick, &n);
		else
			t->timeouts++;
	}
	return NULL;
}

static void driver_main(struct device_thread *t, int total)
{
	struct pollfd p = {t->call, POLLIN, 0};
	int sent = 0, got = 0;
	uint32_t len;
	eventfd_t n;

	while (got < total) {
		for (; sent < total && sent - got < 3; sent++) {
			fake_add(t->f, 1, 1);
			if (vq_driver_kick_needed(&t->f->drv))
				eventfd_write(t->kick, 1);
		}
		vq_driver_disable_cb(&t->f->drv);
		while (vq_driver_get(&t->f->drv, &len))
			got++;
		if (sent - got < 3 && sent < total)
			continue;
		if (got == total || vq_driver_enable_cb(&t->f->drv))
			continue;
		CHECK_EQ(poll(&p, 1, 20000), 1);
		eventfd_read(t->call, &n);
	}
}

static void sleepers_never_miss_a_wake_up(uint64_t features)
{
	struct device_thread t = {
		.f = fake_start(8, features),
		.kick = eventfd(0, EFD_NONBLOCK),
		.call = eventfd(0, EFD_NONBLOCK),
		.todo = 20000,
	};
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, device_main, &t), 0);
	driver_main(&t, 20000);
	pthread_join(thread, NULL);
	CHECK_EQ(t.timeouts, 0);
	close(t.kick);
	close(t.call);
}

TEST(sleepers_never_miss_a_wake_up_by_flags)
{
	sleepers_never_miss_a_wake_up(0);
}

TEST(sleepers_never_miss_a_wake_up_by_event_index)
{
	sleepers_never_miss_a_wake_up(F_EVENT_IDX);
}

TAP_MAIN()
