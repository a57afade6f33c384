/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device memory is limited to the byte: per client, per VM, in many sizes, by
 * several clients at once; and who takes without asking is ended.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/socket/raw.h"
#include "tests/socket/sock_cuda.h"
#include "tests/tap.h"

#define MIB (1ull << 20)
#define VM_MEMORY (48 * MIB)
#define CLIENT_MEMORY (32 * MIB)
#define GRANULE 512u
#define BLOCKS_MAX 65536
#define CLIENTS 4

static struct sock_daemon daemon_one;

struct blocks {
	CUdeviceptr at[BLOCKS_MAX];
	uint32_t size[BLOCKS_MAX];
	uint32_t n;
	uint64_t sum;
};

static uint64_t round_up(uint64_t size)
{
	return (size + GRANULE - 1) & ~(uint64_t)(GRANULE - 1);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void begin(void)
{
	CUcontext ctx;

	OK(cuInit(0));
	OK(cuDevicePrimaryCtxRetain(&ctx, 0));
	OK(cuCtxSetCurrent(ctx));
}

static uint64_t free_bytes(void)
{
	size_t bytes, total;

	OK(cuMemGetInfo_v2(&bytes, &total));
	WANT_EQ(total, CLIENT_MEMORY);
	return bytes;
}

/* Takes memory in sizes up to @most until there is none of that size, and so on
 * down to the smallest; the error is the same each time. */
static void take_all(struct blocks *b, uint32_t most, uint32_t *seed)
{
	while (most >= GRANULE) {
		uint32_t size = next_random(seed) % most + 1;
		CUdeviceptr at;
		CUresult r = cuMemAlloc_v2(&at, size);

		if (r) {
			WANT_EQ(r, CUDA_ERROR_OUT_OF_MEMORY);
			most /= 2;
			continue;
		}
		WANT(b->n < BLOCKS_MAX);
		b->at[b->n] = at;
		b->size[b->n++] = size;
		b->sum += round_up(size);
	}
}

static void give_some(struct blocks *b, uint32_t *seed)
{
	for (uint32_t i = 0; i < b->n;) {
		if (next_random(seed) % 2) {
			i++;
			continue;
		}
		OK(cuMemFree_v2(b->at[i]));
		b->sum -= round_up(b->size[i]);
		b->at[i] = b->at[--b->n];
		b->size[i] = b->size[b->n];
	}
}

static void give_all(struct blocks *b)
{
	while (b->n)
		OK(cuMemFree_v2(b->at[--b->n]));
	b->sum = 0;
}

/* What it has is its own: each block keeps its number. */
static void check_blocks(const struct blocks *b)
{
	for (uint32_t i = 0; i < b->n; i += 7)
		OK(cuMemsetD8_v2(b->at[i], (unsigned char)i, b->size[i]));
	for (uint32_t i = 0; i < b->n; i += 7) {
		unsigned char first, last;

		OK(cuMemcpyDtoH_v2(&first, b->at[i], 1));
		OK(cuMemcpyDtoH_v2(&last, b->at[i] + b->size[i] - 1, 1));
		WANT_EQ(first, (unsigned char)i);
		WANT_EQ(last, (unsigned char)i);
	}
}

static struct blocks blocks;

static int to_the_last_byte(void *arg)
{
	uint32_t seed = 1;
	CUdeviceptr one;
	size_t total;

	begin();
	OK(cuDeviceTotalMem_v2(&total, 0));
	WANT_EQ(total, CLIENT_MEMORY);
	WANT_EQ(free_bytes(), CLIENT_MEMORY);
	/* At once, and not one byte more. */
	WANT_EQ(cuMemAlloc_v2(&one, CLIENT_MEMORY + 1), CUDA_ERROR_OUT_OF_MEMORY);
	OK(cuMemAlloc_v2(&one, CLIENT_MEMORY));
	WANT_EQ(free_bytes(), 0);
	WANT_EQ(cuMemAlloc_v2(&blocks.at[0], 1), CUDA_ERROR_OUT_OF_MEMORY);
	OK(cuMemFree_v2(one));
	WANT_EQ(free_bytes(), CLIENT_MEMORY);
	/* In many sizes, again and again, with holes. */
	for (int round = 0; round < 3; round++) {
		take_all(&blocks, round ? 64u << 10 : MIB, &seed);
		WANT_EQ(blocks.sum, CLIENT_MEMORY);
		WANT_EQ(free_bytes(), 0);
		check_blocks(&blocks);
		give_some(&blocks, &seed);
		WANT_EQ(free_bytes(), CLIENT_MEMORY - blocks.sum);
	}
	give_all(&blocks);
	WANT_EQ(free_bytes(), CLIENT_MEMORY);
	return 0;
}

TEST(a_client_has_its_memory_to_the_last_byte)
{
	CHECK_EQ(sock_run(&daemon_one, to_the_last_byte, NULL), 0);
	CHECK_EQ(sock_log_count(&daemon_one, "CW-E"), 0);
}

static int pool_to_the_last_byte(void *arg)
{
	CUdeviceptr at;
	uint64_t sum = 0;

	begin();
	while (!cuMemAllocAsync(&at, MIB, NULL))
		sum += MIB;
	WANT_EQ(sum, CLIENT_MEMORY);
	OK(cuMemFreeAsync(at, NULL));
	WANT_EQ(cuMemAllocAsync(&at, MIB + 1, NULL), CUDA_ERROR_OUT_OF_MEMORY);
	OK(cuMemAllocAsync(&at, MIB, NULL));
	return 0;
}

TEST(memory_of_pools_counts_like_any_other)
{
	CHECK_EQ(sock_run(&daemon_one, pool_to_the_last_byte, NULL), 0);
}

/* ---- several clients */

struct crowd {
	_Atomic uint64_t sum;	/* bytes that all of them have */
	_Atomic uint32_t full;	/* have all they can get */
	_Atomic uint32_t counted;
	_Atomic uint32_t checked;
	_Atomic uint32_t order;
};

/* Takes what there is, then once more what is left when all have done so. */
static int one_of_many(void *arg)
{
	struct crowd *c = arg;
	uint32_t me = atomic_fetch_add(&c->order, 1), seed = me + 1;
	double until = sock_now() + SOCK_PATIENCE_MS / 1000.0;

	begin();
	for (int round = 0; round < 3; round++) {
		take_all(&blocks, 128u << 10, &seed);
		give_some(&blocks, &seed);
	}
	atomic_fetch_add(&c->full, 1);
	while (c->full < CLIENTS && sock_now() < until)
		sock_nap();
	take_all(&blocks, 128u << 10, &seed);
	atomic_fetch_add(&c->sum, blocks.sum);
	atomic_fetch_add(&c->counted, 1);
	while (c->counted < CLIENTS && sock_now() < until)
		sock_nap();
	/* All at rest: what one could still have, none of the others had. */
	check_blocks(&blocks);
	WANT_EQ(free_bytes(), 0);
	atomic_fetch_add(&c->checked, 1);
	while (c->checked < CLIENTS && sock_now() < until)
		sock_nap();
	return 0;
}

static struct crowd *crowd_new(void)
{
	return mmap(NULL, sizeof(struct crowd), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

TEST(several_clients_have_the_memory_of_the_vm_to_the_last_byte)
{
	struct crowd *c = crowd_new();
	int complaints = sock_log_count(&daemon_one, "CW-E");
	pid_t pid[CLIENTS];

	CHECK(sock_workers_become(&daemon_one, 0));
	for (int i = 0; i < CLIENTS; i++)
		pid[i] = sock_client(&daemon_one, one_of_many, c, NULL);
	for (int i = 0; i < CLIENTS; i++)
		CHECK_EQ(sock_end(pid[i]), 0);
	CHECK_EQ(c->sum, VM_MEMORY);
	CHECK_EQ(sock_log_count(&daemon_one, "CW-E"), complaints);
}

static bool full_soon(struct crowd *c)
{
	double until = sock_now() + SOCK_PATIENCE_MS / 1000.0;

	while (!c->full && sock_now() < until)
		sock_nap();
	return c->full;
}

/* A client that has memory until it is told to end. */
static int holder(void *arg)
{
	struct crowd *c = arg;
	double until = sock_now() + SOCK_PATIENCE_MS / 1000.0;
	CUdeviceptr at;

	begin();
	OK(cuMemAlloc_v2(&at, CLIENT_MEMORY));
	c->full = 1;
	while (!c->counted && sock_now() < until)
		sock_nap();
	return 0;
}

static int heir(void *arg)
{
	double until = sock_now() + SOCK_PATIENCE_MS / 1000.0;
	struct crowd *c = arg;
	CUdeviceptr at;

	begin();
	WANT_EQ(free_bytes(), VM_MEMORY - CLIENT_MEMORY);
	WANT_EQ(cuMemAlloc_v2(&at, VM_MEMORY - CLIENT_MEMORY + 1), CUDA_ERROR_OUT_OF_MEMORY);
	OK(cuMemAlloc_v2(&at, VM_MEMORY - CLIENT_MEMORY));
	WANT_EQ(free_bytes(), 0);
	OK(cuMemFree_v2(at));
	c->counted = 1;
	while (free_bytes() < CLIENT_MEMORY && sock_now() < until)
		sock_nap();
	OK(cuMemAlloc_v2(&at, CLIENT_MEMORY));
	return 0;
}

TEST(what_a_client_had_is_free_when_it_has_ended)
{
	struct crowd *c = crowd_new();
	pid_t first;

	CHECK(sock_workers_become(&daemon_one, 0));
	first = sock_client(&daemon_one, holder, c, NULL);
	CHECK(full_soon(c));
	CHECK_EQ(sock_run(&daemon_one, heir, c), 0);
	CHECK_EQ(sock_end(first), 0);
}

/* A card's driver takes no credit itself, so the worker does it for it. The
 * software GPU by its path is a back end like any other. */
TEST(memory_of_any_back_end_is_limited_to_the_last_byte)
{
	const char *soft = getenv("CAUSEWAY_SOFT");
	struct sock_daemon first = daemon_one;
	char back_end[512];
	const char *args[] = { "--vm-memory=48M", "--client-memory=32M", back_end, NULL };
	struct crowd *c = crowd_new();
	pid_t holds;

	CHECK(soft);
	snprintf(back_end, sizeof(back_end), "--backend=%s/libcuda.so.1", soft);
	sock_daemon_start_with(&daemon_one, args);
	CHECK_EQ(sock_run(&daemon_one, to_the_last_byte, NULL), 0);
	holds = sock_client(&daemon_one, holder, c, NULL);
	CHECK(full_soon(c));
	CHECK_EQ(sock_run(&daemon_one, heir, c), 0);
	CHECK_EQ(sock_end(holds), 0);
	CHECK(sock_daemon_stop(&daemon_one));
	daemon_one = first;
}

/* ---- who does not ask */

static int bystander(void *arg)
{
	struct crowd *c = arg;
	double until = sock_now() + SOCK_PATIENCE_MS / 1000.0;
	struct sock_cuda cu;
	unsigned int n = 0;

	sock_cuda_begin(&cu);
	c->full = 1;
	while (!c->counted && sock_now() < until) {
		OK(sock_count(&cu, NULL));
		WANT_EQ(sock_counted(&cu), ++n);
		usleep(10000);
	}
	return 0;
}

TEST(memory_that_nobody_was_given_ends_the_client)
{
	struct crowd *c = crowd_new();
	char *window;
	struct raw raw;
	pid_t other;

	CHECK(sock_workers_become(&daemon_one, 0));
	other = sock_client(&daemon_one, bystander, c, NULL);
	CHECK(full_soon(c));
	raw_open(&raw, &daemon_one);
	CHECK(raw_lives(&raw));
	window = mmap(NULL, raw.window_size, PROT_READ | PROT_WRITE, MAP_SHARED, raw.window, 0);
	CHECK(window != MAP_FAILED);
	memset(window + 4 * MIB, 1, MIB);
	CHECK(raw_ended(&raw));
	CHECK(sock_log_has(&daemon_one, "CW-E0207", 1));
	munmap(window, raw.window_size);
	raw_close(&raw);
	c->counted = 1;
	CHECK_EQ(sock_end(other), 0);
}

int main(int argc, char **argv)
{
	static const char *const args[] = { "--vm-memory=48M", "--client-memory=32M",
					    "--window-size=40M", NULL };
	int failed;

	sock_daemon_start_with(&daemon_one, args);
	failed = tap_run(argc > 1 ? argv[1] : NULL);
	if (!sock_daemon_stop(&daemon_one)) {
		printf("# the daemon did not end as it should\n");
		failed = 1;
	}
	return failed;
}
