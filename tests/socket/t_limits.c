/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits by number: as many as there may be work, one more is an error that says
 * so, and what was given back can be had again. And what a client may not make
 * its worker keep for it.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/socket/raw.h"
#include "tests/socket/sock_cuda.h"
#include "tests/tap.h"

#define CLIENTS 3
#define THREADS 5
#define REGIONS 4
#define OBJECTS 60
#define CALLBACKS 10
#define IMAGE (48u << 10)
#define EVENTS 1000
#define STREAMS 40
#define GROWTH_MAX (8u << 20)

static struct sock_daemon daemon_one;

/* The limits differ, so each test has a daemon of its own. */
static void start(const char *option)
{
	const char *args[] = { option, NULL };

	sock_daemon_start_with(&daemon_one, args);
}

static void begin(void)
{
	CUcontext ctx;

	OK(cuInit(0));
	OK(cuDevicePrimaryCtxRetain(&ctx, 0));
	OK(cuCtxSetCurrent(ctx));
}

/* An error of a call that nobody waited for: one of the next two, and only one,
 * has it. */
static void want_late(CUresult late)
{
	CUresult first = cuCtxSynchronize(), second = cuCtxSynchronize();

	WANT_EQ(first ? first : second, late);
	WANT_EQ(first && second, 0);
	OK(cuCtxSynchronize());
}

/* ---- clients */

struct crowd {
	int ready[2];
	int leave[2];
};

static int sitter(void *arg)
{
	struct crowd *c = arg;
	char byte = 1;

	close(c->leave[1]);
	begin();
	WANT_EQ(write(c->ready[1], &byte, 1), 1);
	return read(c->leave[0], &byte, 1) != 0;
}

static int one_too_many(void *arg)
{
	WANT_EQ(cuInit(0), CUDA_ERROR_DEVICE_UNAVAILABLE);
	return 0;
}

static int comes_in(void *arg)
{
	begin();
	return 0;
}

TEST(one_client_too_many_is_told_so)
{
	int limit = 0;
	pid_t pid[CLIENTS];
	struct crowd c;
	char byte;

	start("--max-clients=3");
	for (int round = 0; round < 3; round++) {
		CHECK(!pipe(c.ready) && !pipe(c.leave));
		for (int i = 0; i < CLIENTS; i++)
			pid[i] = sock_client(&daemon_one, sitter, &c, NULL);
		for (int i = 0; i < CLIENTS; i++)
			CHECK_EQ(read(c.ready[0], &byte, 1), 1);
		CHECK_EQ(sock_run(&daemon_one, one_too_many, NULL), 0);
		CHECK_EQ(sock_log_count(&daemon_one, "CW-E0110"), ++limit);
		close(c.leave[1]);
		for (int i = 0; i < CLIENTS; i++)
			CHECK_EQ(sock_end(pid[i]), 0);
		close(c.leave[0]);
		close(c.ready[0]);
		close(c.ready[1]);
		CHECK(sock_fds_become(&daemon_one, sock_fds(&daemon_one)));
		CHECK(sock_workers_become(&daemon_one, 0));
	}
	CHECK_EQ(sock_run(&daemon_one, comes_in, NULL), 0);
	CHECK(sock_daemon_stop(&daemon_one));
}

/* ---- threads */

struct gate {
	CUcontext ctx;
	pthread_barrier_t in, out;
	CUresult r;
};

static void *thread_that_stays(void *arg)
{
	struct gate *g = arg;

	OK(cuCtxSetCurrent(g->ctx));
	OK(cuCtxSynchronize());
	pthread_barrier_wait(&g->in);
	pthread_barrier_wait(&g->out);
	return NULL;
}

static void *thread_that_asks(void *arg)
{
	struct gate *g = arg;

	g->r = cuCtxSetCurrent(g->ctx);
	if (!g->r)
		g->r = cuCtxSynchronize();
	return NULL;
}

static CUresult ask_on_a_thread(struct gate *g)
{
	pthread_t t;

	WANT(!pthread_create(&t, NULL, thread_that_asks, g));
	pthread_join(t, NULL);
	return g->r;
}

static int many_threads(void *arg)
{
	struct gate g;
	pthread_t t[THREADS - 1];

	begin();
	OK(cuCtxGetCurrent(&g.ctx));
	OK(cuCtxSynchronize()); /* the first of them */
	for (int round = 0; round < 3; round++) {
		pthread_barrier_init(&g.in, NULL, THREADS);
		pthread_barrier_init(&g.out, NULL, THREADS);
		for (int i = 0; i < THREADS - 1; i++)
			WANT(!pthread_create(&t[i], NULL, thread_that_stays, &g));
		pthread_barrier_wait(&g.in);
		WANT_EQ(ask_on_a_thread(&g), CUDA_ERROR_OUT_OF_MEMORY);
		WANT_EQ(ask_on_a_thread(&g), CUDA_ERROR_OUT_OF_MEMORY);
		OK(cuCtxSynchronize());
		pthread_barrier_wait(&g.out);
		for (int i = 0; i < THREADS - 1; i++)
			pthread_join(t[i], NULL);
	}
	OK(ask_on_a_thread(&g));
	return 0;
}

TEST(one_thread_too_many_is_out_of_memory)
{
	start("--max-threads=5");
	CHECK_EQ(sock_run(&daemon_one, many_threads, NULL), 0);
	CHECK(sock_daemon_stop(&daemon_one));
}

/* ---- regions */

static int many_regions(void *arg)
{
	void *p[REGIONS + 1];

	begin();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < REGIONS; i++)
			OK(cuMemHostAlloc(&p[i], 4096, 0));
		WANT_EQ(cuMemHostAlloc(&p[REGIONS], 4096, 0), CUDA_ERROR_OUT_OF_MEMORY);
		OK(cuMemFreeHost(p[round]));
		OK(cuMemHostAlloc(&p[round], 4096, 0));
		WANT_EQ(cuMemHostAlloc(&p[REGIONS], 4096, 0), CUDA_ERROR_OUT_OF_MEMORY);
		for (int i = 0; i < REGIONS; i++)
			OK(cuMemFreeHost(p[i]));
	}
	return 0;
}

TEST(one_region_too_many_is_out_of_memory)
{
	start("--max-regions=4");
	CHECK_EQ(sock_run(&daemon_one, many_regions, NULL), 0);
	CHECK(sock_daemon_stop(&daemon_one));
}

/* ---- images */

/* A module whose text has just so many bytes with its end. */
static CUresult load(uint32_t bytes, CUmodule *ret)
{
	static const char head[] = ".version 6.3\n.target sm_75\n.address_size 64\n"
				   ".visible .entry k()\n{\n\tret;\n}\n";
	char *text = malloc(bytes);
	CUresult r;

	memset(text, ' ', bytes);
	memcpy(text, head, sizeof(head) - 1);
	text[bytes - 1] = '\0';
	r = cuModuleLoadData(ret, text);
	free(text);
	return r;
}

static int large_images(void *arg)
{
	CUmodule mod;

	begin();
	for (int round = 0; round < 3; round++) {
		OK(load(IMAGE, &mod));
		OK(cuModuleUnload(mod));
		WANT_EQ(load(IMAGE + 1, &mod), CUDA_ERROR_OUT_OF_MEMORY);
	}
	return 0;
}

TEST(an_image_one_byte_too_large_is_out_of_memory)
{
	start("--max-image=48K");
	CHECK_EQ(sock_run(&daemon_one, large_images, NULL), 0);
	CHECK(sock_daemon_stop(&daemon_one));
}

/* ---- objects */

static int many_objects(void *arg)
{
	CUmodule mod[OBJECTS + 1];
	CUevent event;

	begin();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < OBJECTS; i++)
			OK(load(200, &mod[i]));
		WANT_EQ(load(200, &mod[OBJECTS]), CUDA_ERROR_OUT_OF_MEMORY);
		/* Nobody waits for an event to be made: the next call tells. */
		OK(cuEventCreate(&event, 0));
		want_late(CUDA_ERROR_OUT_OF_MEMORY);
		for (int i = 0; i < OBJECTS; i++)
			OK(cuModuleUnload(mod[i]));
	}
	OK(cuEventCreate(&event, 0));
	OK(cuEventRecord(event, NULL));
	OK(cuEventSynchronize(event));
	return 0;
}

TEST(one_object_too_many_is_out_of_memory)
{
	start("--max-objects=60");
	CHECK_EQ(sock_run(&daemon_one, many_objects, NULL), 0);
	CHECK(sock_daemon_stop(&daemon_one));
}

static void chosen_again_and_again(const char *name, uint64_t handle)
{
	uint64_t words[] = { handle, 0, 0 };
	struct raw c;
	uint64_t before;

	raw_open(&c, &daemon_one);
	words[1] = 0;
	raw_call(&c, cw_fn_hash("cuDevicePrimaryCtxRetain"), words + 1, 1, NULL);
	CHECK_EQ(raw_call(&c, cw_fn_hash(name), words, 3, NULL), CUDA_SUCCESS);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(raw_call(&c, cw_fn_hash(name), words, 3, NULL), CUDA_ERROR_OUT_OF_MEMORY);
	CHECK(raw_lives(&c));
	before = sock_rss(sock_worker(&daemon_one));
	for (int i = 0; i < 20000; i++)
		raw_call(&c, cw_fn_hash(name), words, 3, NULL);
	CHECK(raw_lives(&c));
	printf("# %s: %llu KiB more\n", name,
	       (unsigned long long)(sock_rss(sock_worker(&daemon_one)) - before) >> 10);
	CHECK(sock_rss(sock_worker(&daemon_one)) < before + GROWTH_MAX / 4);
	raw_close(&c);
	CHECK(sock_workers_become(&daemon_one, 0));
}

/* The back end's object must not stay where its handle is taken. */
TEST(objects_whose_handle_is_taken_do_not_stay)
{
	start(NULL);
	CHECK(sock_workers_become(&daemon_one, 0));
	chosen_again_and_again("cuEventCreate", cw_handle(CW_H_EVENT, CW_H_BY_GUEST, 0, 1));
	chosen_again_and_again("cuStreamCreate", cw_handle(CW_H_STREAM, CW_H_BY_GUEST, 0, 1));
	CHECK(sock_daemon_stop(&daemon_one));
}

/* ---- host functions */

static void count_up(void *arg)
{
	(*(unsigned int *)arg)++;
}

static int many_callbacks(void *arg)
{
	struct sock_cuda cu;
	unsigned int n = 0;

	sock_cuda_begin(&cu);
	OK(sock_spin(&cu, NULL));
	for (int i = 0; i < CALLBACKS; i++)
		OK(cuLaunchHostFunc(NULL, count_up, &n));
	OK(cuLaunchHostFunc(NULL, count_up, &n));
	*cu.word = 1;
	want_late(CUDA_ERROR_OUT_OF_MEMORY);
	WANT_EQ(n, CALLBACKS);
	for (int i = 0; i < 3 * CALLBACKS; i++) {
		OK(cuLaunchHostFunc(NULL, count_up, &n));
		OK(cuCtxSynchronize());
	}
	WANT_EQ(n, 4 * CALLBACKS);
	return 0;
}

TEST(one_host_function_too_many_is_out_of_memory)
{
	start("--max-callbacks=10");
	CHECK_EQ(sock_run(&daemon_one, many_callbacks, NULL), 0);
	CHECK(sock_daemon_stop(&daemon_one));
}

/* ---- events */

static int many_events(void *arg)
{
	static CUevent event[EVENTS];
	CUstream stream[STREAMS];
	struct cw_guest_stat a, b;
	struct sock_cuda cu;

	sock_cuda_begin(&cu);
	for (int i = 0; i < STREAMS; i++)
		OK(cuStreamCreate(&stream[i], CU_STREAM_NON_BLOCKING));
	for (int i = 0; i < EVENTS; i++)
		OK(cuEventCreate(&event[i], CU_EVENT_DISABLE_TIMING));
	for (int round = 0; round < 3; round++) {
		*cu.word = 0;
		for (int i = 0; i < STREAMS; i++)
			OK(sock_spin(&cu, stream[i]));
		/* In two ways: the second record of an event is the one that counts. */
		for (int i = 0; i < 2 * EVENTS; i++)
			OK(cuEventRecord(event[i % EVENTS], stream[i * (round + 1) % STREAMS]));
		cu.stat->guest(&a);
		for (int i = 0; i < EVENTS; i++)
			WANT_EQ(cuEventQuery(event[i]), CUDA_ERROR_NOT_READY);
		cu.stat->guest(&b);
		WANT_EQ(b.waits - a.waits, 0);
		*cu.word = 1;
		OK(cuCtxSynchronize());
		cu.stat->guest(&a);
		for (int i = 0; i < EVENTS; i++)
			OK(cuEventQuery(event[i]));
		cu.stat->guest(&b);
		WANT_EQ(b.commands - a.commands, 0);
	}
	return 0;
}

TEST(queries_of_a_thousand_events_do_not_cross)
{
	start(NULL);
	CHECK_EQ(sock_run(&daemon_one, many_events, NULL), 0);
	CHECK(sock_daemon_stop(&daemon_one));
}

/* ---- results larger than a reply slot */

#define FUNCTIONS 1500

static int many_functions(void *arg)
{
	static CUfunction fn[FUNCTIONS + 1], again;
	char *text = malloc(FUNCTIONS * 64 + 4096), *at = text, name[32];
	unsigned int n = 0;
	CUmodule mod;

	begin();
	at += sprintf(at, ".version 6.3\n.target sm_75\n.address_size 64\n");
	for (int i = 0; i < FUNCTIONS; i++)
		at += sprintf(at, ".visible .entry k%d()\n{\n\tret;\n}\n", i);
	OK(cuModuleLoadData(&mod, text));
	free(text);
	OK(cuModuleGetFunctionCount(&n, mod));
	WANT_EQ(n, FUNCTIONS);
	for (unsigned int want = FUNCTIONS; want; want /= 3) {
		memset(fn, 0, sizeof(fn));
		OK(cuModuleEnumerateFunctions(fn, want, mod));
		for (unsigned int i = 0; i < want; i++)
			WANT(fn[i]);
		WANT(!fn[want]);
	}
	OK(cuModuleEnumerateFunctions(fn, FUNCTIONS, mod));
	for (int i = 0; i < FUNCTIONS; i += 97) {
		const char *got = NULL;

		OK(cuFuncGetName(&got, fn[i]));
		snprintf(name, sizeof(name), "%s", got);
		OK(cuModuleGetFunction(&again, mod, name));
		WANT(again == fn[i]);
	}
	return 0;
}

TEST(a_thousand_handles_come_back_in_one_call)
{
	start(NULL);
	CHECK_EQ(sock_run(&daemon_one, many_functions, NULL), 0);
	CHECK(sock_daemon_stop(&daemon_one));
}

TAP_MAIN()
