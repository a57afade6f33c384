/* SPDX-License-Identifier: Apache-2.0 */
/* softgpu/sched/: what waits for what, and what never does. */
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include "cw/util.h"
#include "softgpu/sched/sched.h"
#include "tests/tap.h"

static atomic_int steps;

/* A work or host function that remembers when it ran. */
struct note {
	int at;
	int error;
	sem_t *wait_for;
	atomic_int *set;
};

static void run_note(void *arg, int error)
{
	struct note *note = arg;

	if (note->wait_for)
		sem_wait(note->wait_for);
	note->at = atomic_fetch_add(&steps, 1) + 1;
	note->error = error;
	if (note->set)
		atomic_store(note->set, 1);
}

/* A kernel: each block does one thing per slice. */
struct kernel {
	struct sg_grid grid;
	struct sg_group *group;
	atomic_int *until;		/* spin while this is 0 */
	atomic_int *set;		/* block 0 stores 1 */
	atomic_int *barrier;		/* every block waits for all others */
	int fail_at;
	atomic_int begun, ran, ended, slices, abandoned;
	atomic_ullong last;
	atomic_bool out_of_order;
};

static int kernel_begin(struct sg_grid *grid)
{
	struct kernel *k = CW_CONTAINER_OF(grid, struct kernel, grid);

	atomic_fetch_add(&k->begun, 1);
	return 0;
}

static enum sg_run_result kernel_run(struct sg_grid *grid, void *exec, uint64_t index)
{
	struct kernel *k = CW_CONTAINER_OF(grid, struct kernel, grid);
	uint64_t *held = exec;

	atomic_fetch_add(&k->slices, 1);
	if (k->fail_at && index == (uint64_t)k->fail_at) {
		sg_group_fail(k->group, 700);
		return SG_RUN_FAILED;
	}
	if (*held && *held != index + 1)
		atomic_store(&k->out_of_order, true);
	if (!*held && k->barrier)
		atomic_fetch_add(k->barrier, 1);
	*held = index + 1;
	if (k->until && !atomic_load(k->until))
		return SG_RUN_AGAIN;
	if (k->barrier && (uint64_t)atomic_load(k->barrier) < k->grid.blocks)
		return SG_RUN_AGAIN;
	*held = 0;
	if (!index && k->set)
		atomic_store(k->set, 1);
	atomic_fetch_add(&k->ran, 1);
	return SG_RUN_DONE;
}

static void kernel_end(struct sg_grid *grid)
{
	struct kernel *k = CW_CONTAINER_OF(grid, struct kernel, grid);

	atomic_store(&k->ended, atomic_fetch_add(&steps, 1) + 1);
}

static void *exec_create(void)
{
	return calloc(1, sizeof(uint64_t));
}

static void exec_abandon(void *exec)
{
	*(uint64_t *)exec = 0;
}

static const struct sg_grid_ops ops = {
	.begin = kernel_begin,
	.run = kernel_run,
	.end = kernel_end,
	.exec_create = exec_create,
	.exec_destroy = free,
	.exec_abandon = exec_abandon,
};

static struct sg_group *group;
static struct sg_stream *legacy, *a, *b, *c;

static void start(void)
{
	setenv("CAUSEWAY_SOFT_THREADS", "2", 1);
	group = sg_group_create();
	legacy = sg_stream_create(group, SG_STREAM_LEGACY, 0);
	a = sg_stream_create(group, 0, 0);
	b = sg_stream_create(group, 0, 0);
	c = sg_stream_create(group, SG_STREAM_NONBLOCKING, 0);
	atomic_store(&steps, 0);
}

static void stop(void)
{
	sg_stream_destroy(legacy);
	sg_stream_destroy(a);
	sg_stream_destroy(b);
	sg_stream_destroy(c);
	sg_group_destroy(group);
}

static void launch(struct sg_stream *stream, struct kernel *k, uint64_t blocks)
{
	k->grid.ops = &ops;
	k->grid.blocks = blocks;
	k->group = group;
	CHECK_EQ(sg_submit_grid(stream, &k->grid), 0);
}

TEST(a_stream_runs_in_order)
{
	struct note notes[50] = { 0 };

	start();
	for (int i = 0; i < 50; i++)
		CHECK_EQ(i % 3 ? sg_submit_work(a, run_note, &notes[i])
			       : sg_submit_host(a, run_note, &notes[i]), 0);
	sg_stream_wait(a);
	CHECK(sg_stream_idle(a));
	for (int i = 0; i < 50; i++)
		CHECK_EQ(notes[i].at, i + 1);
	stop();
}

TEST(a_waiting_host_function_stops_only_its_stream)
{
	struct note blocked = { 0 }, other = { 0 }, third = { 0 };
	sem_t sem;

	start();
	sem_init(&sem, 0, 0);
	blocked.wait_for = &sem;
	sg_submit_host(a, run_note, &blocked);
	sg_submit_host(b, run_note, &other);
	sg_submit_work(c, run_note, &third);
	sg_stream_wait(b);
	sg_stream_wait(c);
	CHECK(other.at && third.at);
	CHECK(!sg_stream_idle(a));
	sem_post(&sem);
	sg_stream_wait(a);
	CHECK_EQ(blocked.at, 3);
	stop();
}

static struct note crowd[40];
static sem_t crowd_sem;

TEST(any_number_of_host_functions_may_wait_at_once)
{
	struct sg_stream *streams[40];

	start();
	sem_init(&crowd_sem, 0, 0);
	for (int i = 0; i < 40; i++) {
		crowd[i] = (struct note){ .wait_for = i == 39 ? NULL : &crowd_sem };
		streams[i] = sg_stream_create(group, SG_STREAM_NONBLOCKING, 0);
		sg_submit_host(streams[i], run_note, &crowd[i]);
	}
	sg_stream_wait(streams[39]);
	for (int i = 0; i < 39; i++)
		sem_post(&crowd_sem);
	sg_group_wait(group);
	CHECK_EQ(atomic_load(&steps), 40);
	for (int i = 0; i < 40; i++)
		sg_stream_destroy(streams[i]);
	stop();
}

TEST(the_legacy_stream_waits_for_blocking_streams_and_they_for_it)
{
	struct note first = { 0 }, middle = { 0 }, last = { 0 }, free_one = { 0 };
	sem_t sem;

	start();
	sem_init(&sem, 0, 0);
	first.wait_for = &sem;
	sg_submit_host(a, run_note, &first);
	sg_submit_work(legacy, run_note, &middle);
	sg_submit_work(b, run_note, &last);
	sg_submit_work(c, run_note, &free_one);
	sg_stream_wait(c);
	CHECK_EQ(free_one.at, 1);
	CHECK_EQ(atomic_load(&steps), 1);
	CHECK(!sg_stream_idle(legacy));
	sem_post(&sem);
	sg_stream_wait(b);
	CHECK_EQ(first.at, 2);
	CHECK_EQ(middle.at, 3);
	CHECK_EQ(last.at, 4);
	stop();
}

TEST(waiting_for_the_legacy_stream_includes_blocking_ones_only)
{
	struct note held = { 0 }, quick = { 0 };
	sem_t sem;

	start();
	sem_init(&sem, 0, 0);
	held.wait_for = &sem;
	sg_submit_host(c, run_note, &held);
	sg_submit_work(a, run_note, &quick);
	sg_stream_wait(legacy);
	CHECK_EQ(quick.at, 1);
	CHECK_EQ(held.at, 0);
	sem_post(&sem);
	sg_group_wait(group);
	stop();
}

TEST(a_mark_orders_two_streams)
{
	struct note before = { 0 }, after = { 0 };
	struct sg_mark *mark;
	sem_t sem;

	start();
	mark = sg_mark_create();
	sem_init(&sem, 0, 0);
	before.wait_for = &sem;
	sg_submit_host(a, run_note, &before);
	sg_submit_record(a, mark);
	sg_submit_wait(c, mark);
	sg_submit_work(c, run_note, &after);
	CHECK(!sg_mark_done(mark));
	sem_post(&sem);
	sg_mark_wait(mark);
	sg_stream_wait(c);
	CHECK_EQ(before.at, 1);
	CHECK_EQ(after.at, 2);
	CHECK(sg_mark_time(mark));
	sg_mark_put(mark);
	stop();
}

TEST(a_spinning_kernel_does_not_stop_the_one_that_releases_it)
{
	static atomic_int flag;
	static struct kernel spin, release;

	start();
	atomic_store(&flag, 0);
	spin = (struct kernel){ .until = &flag };
	release = (struct kernel){ .set = &flag };
	launch(a, &spin, 64);
	launch(c, &release, 1);
	sg_group_wait(group);
	CHECK_EQ(atomic_load(&spin.ran), 64);
	CHECK_EQ(atomic_load(&release.ran), 1);
	CHECK(atomic_load(&release.ended) < atomic_load(&spin.ended));
	CHECK(!atomic_load(&spin.out_of_order));
	stop();
}

TEST(a_spinning_kernel_does_not_stop_copies_and_host_functions)
{
	static atomic_int flag;
	static struct kernel spin;
	struct note work = { 0 }, host = { 0 };

	start();
	atomic_store(&flag, 0);
	spin = (struct kernel){ .until = &flag };
	host.set = &flag;
	launch(a, &spin, 8);
	sg_submit_work(c, run_note, &work);
	sg_submit_host(c, run_note, &host);
	sg_group_wait(group);
	CHECK_EQ(work.at, 1);
	CHECK_EQ(host.at, 2);
	CHECK_EQ(atomic_load(&spin.ran), 8);
	stop();
}

TEST(blocks_that_wait_for_each_other_all_get_started)
{
	static atomic_int arrived;
	static struct kernel k;

	start();
	atomic_store(&arrived, 0);
	k = (struct kernel){ .barrier = &arrived };
	launch(a, &k, 40);
	sg_stream_wait(a);
	CHECK_EQ(atomic_load(&k.ran), 40);
	CHECK_EQ(atomic_load(&k.begun), 1);
	stop();
}

TEST(every_block_runs_once)
{
	static struct kernel k;

	start();
	k = (struct kernel){ .set = NULL };
	launch(a, &k, 10007);
	sg_stream_wait(a);
	CHECK_EQ(atomic_load(&k.ran), 10007);
	CHECK_EQ(atomic_load(&k.slices), 10007);
	stop();
}

TEST(a_failed_group_runs_nothing_more_and_everything_ends)
{
	static atomic_int never;
	static struct kernel bad, spin, later;
	struct note work = { 0 };
	struct sg_mark *mark;
	struct sg_value value = { .bytes = 4, .test = SG_VALUE_EQ, .value = 1 };

	start();
	mark = sg_mark_create();
	value.addr = (uint64_t)&never;
	atomic_store(&never, 0);
	bad = (struct kernel){ .fail_at = 5 };
	spin = (struct kernel){ .until = &never };
	later = (struct kernel){ .set = NULL };
	launch(c, &spin, 30);
	sg_submit_value_wait(b, &value);
	launch(a, &bad, 10);
	launch(a, &later, 10);
	sg_submit_work(a, run_note, &work);
	sg_submit_record(a, mark);
	sg_group_wait(group);
	CHECK_EQ(sg_group_error(group), 700);
	CHECK_EQ(atomic_load(&later.ran), 0);
	CHECK(atomic_load(&later.ended));
	CHECK(atomic_load(&spin.ended));
	CHECK_EQ(work.error, 700);
	CHECK(sg_mark_done(mark));
	sg_mark_put(mark);
	stop();
}

TEST(a_stream_waits_for_a_value_in_memory)
{
	static uint32_t word;
	static const struct {
		enum sg_value_test test;
		uint32_t first, operand, second;
	} cases[] = {
		{ SG_VALUE_EQ, 4, 5, 5 },
		{ SG_VALUE_GEQ, 4, 5, 6 },
		{ SG_VALUE_GEQ, 0xfffffff0, 5, 6 },
		{ SG_VALUE_AND, 2, 5, 4 },
		{ SG_VALUE_NOR, 0xffffffff, 5, 0xfffffff0 },
	};

	for (size_t i = 0; i < CW_ARRAY_SIZE(cases); i++) {
		struct sg_value value = { .addr = (uint64_t)&word, .bytes = 4,
					  .value = cases[i].operand, .test = cases[i].test };
		struct sg_value write = { .addr = (uint64_t)&word, .bytes = 4,
					  .value = cases[i].second };
		struct note after = { 0 }, other = { 0 };

		start();
		__atomic_store_n(&word, cases[i].first, __ATOMIC_SEQ_CST);
		sg_submit_value_wait(a, &value);
		sg_submit_work(a, run_note, &after);
		sg_submit_work(b, run_note, &other);
		sg_stream_wait(b);
		CHECK(!sg_stream_idle(a));
		if (i & 1)
			sg_submit_value_write(c, &write);
		else
			__atomic_store_n(&word, cases[i].second, __ATOMIC_SEQ_CST);
		sg_stream_wait(a);
		CHECK_EQ(after.at, 2);
		stop();
	}
}

static pthread_t caller;

static void run_here(void *arg, int error)
{
	*(bool *)arg = pthread_equal(pthread_self(), caller);
}

TEST(a_call_runs_on_its_own_thread_and_holds_its_place)
{
	struct note before = { 0 };
	bool here = false;

	start();
	caller = pthread_self();
	sg_submit_host(a, run_note, &before);
	sg_call(a, run_here, &here);
	CHECK(here);
	CHECK_EQ(before.at, 1);
	stop();
}

TEST(a_destroyed_stream_still_does_what_is_queued)
{
	struct note late = { 0 };
	struct sg_stream *stream;
	sem_t sem;

	start();
	sem_init(&sem, 0, 0);
	stream = sg_stream_create(group, 0, 0);
	late.wait_for = &sem;
	sg_submit_host(stream, run_note, &late);
	sg_stream_destroy(stream);
	sem_post(&sem);
	sg_group_wait(group);
	CHECK_EQ(late.at, 1);
	stop();
}

static void *hammer(void *arg)
{
	struct sg_stream *stream = sg_stream_create(group, 0, 0);
	static struct kernel k[4][50];
	struct kernel *mine = k[(long)arg];

	for (int i = 0; i < 50; i++) {
		struct note note = { 0 };

		mine[i] = (struct kernel){ .grid = { .ops = &ops, .blocks = 20 }, .group = group };
		sg_submit_grid(stream, &mine[i].grid);
		sg_submit_work(i % 5 ? stream : legacy, run_note, &note);
		sg_stream_wait(i % 5 ? stream : legacy);
		if (atomic_load(&mine[i].ran) != 20 || !note.at)
			return arg ? arg : (void *)9;
	}
	sg_stream_destroy(stream);
	return NULL;
}

TEST(threads_may_submit_and_wait_at_once)
{
	pthread_t threads[4];

	start();
	for (long i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, hammer, (void *)i), 0);
	for (int i = 0; i < 4; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		CHECK(!failed);
	}
	stop();
}

TAP_MAIN()
