/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Misuse: whatever a client writes into its channel is that client's end, with
 * a stable code in the log, or an error to it; the daemon and the other clients
 * do not notice.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/socket/raw.h"
#include "tests/socket/sock_cuda.h"
#include "tests/tap.h"

#define E_COMMAND "CW-E0211"
#define E_SLOT "CW-E0212"
#define E_RING "CW-E0213"
#define E_TURN "CW-E0214"
#define FUZZ_CLIENTS 60
#define FUZZ_CLIENTS_LONG 2000
#define FUZZ_COMMANDS 150

static struct sock_daemon daemon_one;

/* ---- the others */

static _Atomic int *others_go;

/* Counts as long as the test runs, and checks each count. */
static int other_client(void *arg)
{
	struct sock_cuda cu;
	unsigned int n = 0;

	sock_cuda_begin(&cu);
	do {
		for (int i = 0; i < 20; i++, n++)
			OK(sock_count(&cu, NULL));
		WANT_EQ(sock_counted(&cu), n);
		usleep(20000);
	} while (!*others_go);
	return 0;
}

/* ---- ends */

/* Whether a client that did something ends with a code, just once. */
static bool ends_with(struct raw *c, const char *code, int before)
{
	bool ended = raw_ended(c), logged = sock_log_has(&daemon_one, code, before + 1);

	if (!ended || !logged)
		printf("# ended %d, status %u, %s logged %d times, before %d\n", ended,
		       atomic_load(&c->channel->status), code,
		       sock_log_count(&daemon_one, code), before);
	raw_close(c);
	return ended && logged;
}

/* A client whose ring holds @head and says that it ends at @tail. */
static bool ring_ends(const struct cw_cmd *head, uint64_t tail)
{
	int before = sock_log_count(&daemon_one, E_RING);
	struct raw c;

	raw_open(&c, &daemon_one);
	raw_put(&c, head, sizeof(*head));
	raw_publish(&c, tail);
	return ends_with(&c, E_RING, before);
}

TEST(a_command_of_impossible_size_ends_its_client)
{
	static const uint32_t sizes[] = { 0, 1, 16, 31, 33, 48, 96, CW_CMD_MAX + 32,
					  VCUDA_RING_MIN, 0x7fffffe0, 0xffffffe0, 0xffffffff };

	for (size_t i = 0; i < CW_ARRAY_SIZE(sizes); i++) {
		const struct cw_cmd cmd = { .size = sizes[i], .id = CW_FN_STAT, .slot = 1 };
		const struct cw_cmd pad = { .size = sizes[i], .id = CW_CMD_PAD };

		CHECK(ring_ends(&cmd, 64));
		CHECK(ring_ends(&pad, 64));
	}
}

TEST(a_tail_that_jumps_ends_its_client)
{
	static const uint64_t tails[] = { 1, 31, VCUDA_RING_MIN + 1, VCUDA_RING_MIN + 32,
					  1ull << 32, 1ull << 63, UINT64_MAX };
	const struct cw_cmd cmd = { .size = 32, .id = CW_FN_STAT, .slot = 1 };

	for (size_t i = 0; i < CW_ARRAY_SIZE(tails); i++)
		CHECK(ring_ends(&cmd, tails[i]));
}

TEST(a_tail_that_goes_back_ends_its_client)
{
	int before = sock_log_count(&daemon_one, E_RING);
	struct raw c;

	raw_open(&c, &daemon_one);
	CHECK(raw_lives(&c));
	raw_publish(&c, 0);
	CHECK(ends_with(&c, E_RING, before));
}

TEST(a_slot_that_does_not_exist_ends_its_client)
{
	static const uint32_t slots[] = { 0, VCUDA_SLOTS, 255, 65535 };

	for (size_t i = 0; i < CW_ARRAY_SIZE(slots); i++) {
		int before = sock_log_count(&daemon_one, E_SLOT);
		struct raw c;

		raw_open(&c, &daemon_one);
		raw_command(&c, CW_FN_STAT, slots[i], NULL, 0);
		raw_publish(&c, c.tail);
		CHECK(ends_with(&c, E_SLOT, before));
	}
}

TEST(what_else_is_in_the_channel_is_not_read)
{
	struct raw c;

	raw_open(&c, &daemon_one);
	CHECK(raw_lives(&c));
	/* Head, error words, credits, events, upcalls: all are ours to read only. */
	atomic_store(&c.channel->head, UINT64_MAX);
	memset((char *)c.channel->ctx_error, 0xff, sizeof(c.channel->ctx_error));
	memset((char *)c.channel->credit_done, 0xff, sizeof(c.channel->credit_done));
	memset((char *)c.channel + VCUDA_INFO_OFFSET, 0xff, VCUDA_INFO_SIZE + VCUDA_EVENT_SIZE);
	memset((char *)c.channel + VCUDA_UPCALL_OFFSET, 0xff, VCUDA_UPCALL_SIZE);
	CHECK(raw_lives(&c));
	raw_close(&c);
}

/* ---- arguments */

#define BIG UINT64_MAX
/* Beyond the decoder's word, a blob, a count: what no honest library sends. */
static const struct forged {
	uint32_t id;
	uint32_t n;
	uint64_t words[16];
} forged[] = {
	{ CW_FN_HTOD, 3, { RAW_DEVICE_BASE, 0, BIG } },
	{ CW_FN_HTOD, 3, { RAW_DEVICE_BASE, 0, BIG - 7 } },
	{ CW_FN_HTOD, 3, { RAW_DEVICE_BASE, 0, CW_CMD_MAX } },
	{ CW_FN_HTOD, 3, { RAW_DEVICE_BASE, 0, 48 } },
	{ CW_FN_DTOH, 3, { RAW_DEVICE_BASE, CW_REPLY_MAX, 0 } },
	{ CW_FN_DTOH, 3, { RAW_DEVICE_BASE, BIG, 0 } },
	{ CW_FN_LAUNCH, 13, { 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, CW_CREDITS, 0, 0 } },
	{ CW_FN_LAUNCH, 13, { 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, CW_ATTR_MAX + 1, 0 } },
	{ CW_FN_LAUNCH, 13, { 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1ull << 32, 0 } },
	{ CW_FN_LAUNCH, 13, { 1, 1ull << 32, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0 } },
	{ CW_FN_LAUNCH, 13, { 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, BIG } },
	{ CW_FN_LAUNCH, 13, { 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 3, 0 } },
	{ CW_FN_COPY_BEGIN, 6, { 0, RAW_DEVICE_BASE, 1, 1, 1, 0 } },
	{ CW_FN_COPY_BEGIN, 6, { 3, RAW_DEVICE_BASE, 1, 1, 1, 0 } },
	{ CW_FN_COPY_BEGIN, 6, { BIG, RAW_DEVICE_BASE, 1, 1, 1, 0 } },
	{ CW_FN_COPY3D, 2, { BIG, 0 } },
	{ CW_FN_COPY3D, 2, { sizeof(CUDA_MEMCPY3D) - 8, 0 } },
	{ CW_FN_CREDIT, 2, { CW_CREDITS, 256 } },
	{ CW_FN_CREDIT, 2, { 0, 0 } },
	{ CW_FN_CREDIT, 2, { BIG, BIG } },
	{ CW_FN_HOST_FUNC, 4, { 0, 0, 0, 0 } },
	{ CW_FN_HOST_FUNC, 4, { 3, 0, 0, 0 } },
	{ CW_FN_REGION_MAP, 3, { RAW_REGION_BASE, 4096, BIG } },
	{ CW_FN_TEST_HOOK, 1, { BIG } },
	{ CW_FN_LOAD_OPTIONS, 5, { 0, 0, CW_LOAD_LOG_MAX + 1, 0, 0 } },
	{ CW_FN_LOAD_OPTIONS, 5, { 0, 0, 0, BIG, 0 } },
	{ CW_FN_LOAD_OPTIONS, 5, { 0, 0, 0, 0, CW_LOAD_OPTIONS_MAX + 1 } },
	/* A pointer of the process among the options. */
	{ CW_FN_LOAD_OPTIONS, 7, { 0, 0, 0, 0, 1, CU_JIT_ERROR_LOG_BUFFER, 64 } },
	{ CW_FN_LOAD_OPTIONS, 7, { 0, 0, 0, 0, 1, BIG, 64 } },
	{ CW_FN_LOAD_RESULT, 2, { CW_LOAD_IS_MANAGED + 1, 0 } },
};

/* A client with a context, which sends one command. */
static bool command_ends(uint32_t id, const uint64_t *words, size_t len)
{
	static const uint64_t device_0[1];
	int before = sock_log_count(&daemon_one, E_COMMAND);
	struct raw c;

	raw_open(&c, &daemon_one);
	if (raw_call(&c, cw_fn_hash("cuDevicePrimaryCtxRetain"), device_0, 1, NULL)) {
		printf("# no context, status %u\n", atomic_load(&c.channel->status));
		return false;
	}
	raw_command(&c, id, 1, words, len);
	raw_publish(&c, c.tail);
	return ends_with(&c, E_COMMAND, before);
}

TEST(a_forged_argument_ends_its_client)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(forged); i++) {
		printf("# forged %zu\n", i);
		CHECK(command_ends(forged[i].id, forged[i].words, forged[i].n * 8));
	}
}

/* Commands and their words; each is cut at every size a command can have. */
static const struct {
	const char *name;
	uint32_t id;
	uint32_t words;
} cut[] = {
	{ "launch", CW_FN_LAUNCH, 13 },	    { "copy begin", CW_FN_COPY_BEGIN, 6 },
	{ "copy 3d", CW_FN_COPY3D, 28 },    { "small copy in", CW_FN_HTOD, 3 },
	{ "small copy out", CW_FN_DTOH, 3 }, { "event record", CW_FN_EVENT_RECORD, 3 },
	{ "host function", CW_FN_HOST_FUNC, 4 }, { "free", CW_FN_MEM_FREE, 1 },
	{ "cuMemAlloc", 0, 1 },		    { "cuMemsetD2D32Async", 0, 6 },
	{ "cuModuleLoadDataEx", 0, 2 },	    { "cuStreamCreate", 0, 2 },
	{ "cuStreamWaitEvent", 0, 3 },	    { "cuModuleGetFunction", 0, 2 },
	{ "cuEventElapsedTime", 0, 2 },
};

TEST(a_command_cut_at_any_length_ends_its_client)
{
	const uint64_t words[32] = { 0 };

	for (size_t i = 0; i < CW_ARRAY_SIZE(cut); i++) {
		uint32_t id = cut[i].id ? cut[i].id : cw_fn_hash(cut[i].name);

		for (uint32_t n = 0; n < cut[i].words; n += CW_CMD_ALIGN / 8) {
			printf("# %s, %u words of %u\n", cut[i].name, n, cut[i].words);
			CHECK(command_ends(id, words, n * 8));
		}
	}
}

TEST(a_thread_with_an_unanswered_call_has_no_other)
{
	static const uint64_t device_0[1], null_stream[1];
	static const uint64_t fn[4] = { CW_UP_HOST_FN, 0, 0x1234, 0 };
	int before = sock_log_count(&daemon_one, E_TURN);
	struct raw c;

	raw_open(&c, &daemon_one);
	CHECK_EQ(raw_call(&c, cw_fn_hash("cuDevicePrimaryCtxRetain"), device_0, 1, NULL), 0);
	/* Never answered: the stream stands still, who waits for it waits. */
	CHECK_EQ(raw_call(&c, CW_FN_HOST_FUNC, fn, 4, NULL), 0);
	raw_command(&c, cw_fn_hash("cuStreamSynchronize"), 1, null_stream, 8);
	raw_publish(&c, c.tail);
	CHECK(raw_lives(&c));
	raw_command(&c, CW_FN_STAT, 1, NULL, 0);
	raw_publish(&c, c.tail);
	CHECK(ends_with(&c, E_TURN, before));
}

/* ---- errors that a client survives */

TEST(an_unknown_function_is_not_supported_and_logged_once)
{
	const uint32_t ids[] = { cw_fn_hash("cuNoSuchThing"), cw_fn_hash("cuNorThisOne"), 62 };
	struct raw c;

	raw_open(&c, &daemon_one);
	for (int i = 0; i < 9; i++)
		CHECK_EQ(raw_call(&c, ids[i % 3], NULL, 0, NULL), CUDA_ERROR_NOT_SUPPORTED);
	CHECK_EQ(sock_log_count(&daemon_one, "function unknown"), 3);
	CHECK(raw_lives(&c));
	raw_close(&c);
}

TEST(a_handle_of_another_kind_or_time_is_refused)
{
	uint64_t stream = cw_handle(CW_H_STREAM, CW_H_BY_GUEST, 7, 3);
	const uint64_t bad[] = {
		0,
		1,
		4096,
		stream,
		cw_handle(CW_H_FUNCTION, CW_H_BY_WORKER, 0, 0),
		cw_handle(CW_H_FUNCTION, CW_H_BY_WORKER, 1, 0x3fffffff),
		cw_handle(CW_H_FUNCTION, CW_H_BY_GUEST, 0, 5),
		cw_handle(CW_H_FUNCTION, CW_H_PRIMARY, 0, 0),
		cw_handle(CW_H_MODULE, CW_H_BY_WORKER, 0, 0),
		(uint64_t)CW_H_TYPES << 48,
		UINT64_MAX,
	};
	uint64_t launch[13] = { 0, 1, 1, 1, 1, 1, 1 }, device_0[1] = { 0 };
	uint64_t create[2] = { stream, 0 }, sync[1];
	struct raw c;

	raw_open(&c, &daemon_one);
	CHECK_EQ(raw_call(&c, cw_fn_hash("cuDevicePrimaryCtxRetain"), device_0, 1, NULL), 0);
	CHECK_EQ(raw_call(&c, cw_fn_hash("cuStreamCreate"), create, 2, NULL), 0);
	/* The same slot once more: taken. */
	CHECK(raw_call(&c, cw_fn_hash("cuStreamCreate"), create, 2, NULL) != 0);
	for (size_t i = 0; i < CW_ARRAY_SIZE(bad); i++) {
		launch[0] = bad[i];
		CHECK_EQ(raw_call(&c, CW_FN_LAUNCH, launch, 13, NULL), CUDA_ERROR_INVALID_HANDLE);
		sync[0] = bad[i];
		if (bad[i] > 2 && bad[i] != stream)
			CHECK_EQ(raw_call(&c, cw_fn_hash("cuStreamSynchronize"), sync, 1, NULL),
				 CUDA_ERROR_INVALID_HANDLE);
	}
	sync[0] = stream;
	CHECK_EQ(raw_call(&c, cw_fn_hash("cuStreamSynchronize"), sync, 1, NULL), 0);
	CHECK_EQ(raw_call(&c, cw_fn_hash("cuStreamDestroy"), sync, 1, NULL), 0);
	CHECK_EQ(raw_call(&c, cw_fn_hash("cuStreamSynchronize"), sync, 1, NULL),
		 CUDA_ERROR_INVALID_HANDLE);
	CHECK(raw_lives(&c));
	raw_close(&c);
}

/* Addresses that are not the client's: of the worker, of nobody, at the edges. */
static void addresses(struct raw *c, uint64_t own, uint64_t ret[12])
{
	uint64_t all[12] = {
		1, 4096, (uintptr_t)addresses, (uintptr_t)ret & ~15ull, 0x400000,
		RAW_DEVICE_BASE - 8, RAW_DEVICE_BASE + c->window_size - 4,
		RAW_DEVICE_BASE + c->window_size,
		RAW_REGION_BASE, own - 1, own + 4096, UINT64_MAX - 7,
	};

	memcpy(ret, all, sizeof(all));
}

TEST(an_address_that_is_not_the_clients_is_refused)
{
	uint64_t device_0[1] = { 0 }, size[1] = { 4096 }, own = 0, at[12];
	struct raw c;

	raw_open(&c, &daemon_one);
	CHECK_EQ(raw_call(&c, cw_fn_hash("cuDevicePrimaryCtxRetain"), device_0, 1, NULL), 0);
	CHECK_EQ(raw_call(&c, cw_fn_hash("cuMemAlloc"), size, 1, &own), 0);
	CHECK(own >= RAW_DEVICE_BASE);
	addresses(&c, own, at);
	for (size_t i = 0; i < CW_ARRAY_SIZE(at); i++) {
		uint64_t in[4] = { at[i], 0, 8, 0 }, out[3] = { at[i], 8, 0 };
		uint64_t to[4] = { at[i], own, 8, 0 }, from[4] = { own, at[i], 8, 0 };
		uint64_t copy[6] = { CW_COPY_HTOD, at[i], 8, 1, 8, 0 };
		uint64_t map[3] = { at[i], 4096, 0 };

		printf("# address 0x%llx\n", (unsigned long long)at[i]);
		CHECK(raw_call(&c, CW_FN_HTOD, in, 4, NULL) > 0);
		CHECK(raw_call(&c, CW_FN_DTOH, out, 3, NULL) > 0);
		CHECK(raw_call(&c, CW_FN_DTOD, to, 4, NULL) > 0);
		CHECK(raw_call(&c, CW_FN_DTOD, from, 4, NULL) > 0);
		CHECK(raw_call(&c, CW_FN_COPY_BEGIN, copy, 6, NULL) > 0);
		CHECK(raw_call(&c, CW_FN_MEM_FREE, at + i, 1, NULL) > 0);
		CHECK(raw_call(&c, CW_FN_REGION_MAP, map, 3, NULL) > 0);
		CHECK(raw_call(&c, CW_FN_REGION_UNMAP, at + i, 1, NULL) > 0);
	}
	CHECK(raw_lives(&c));
	raw_close(&c);
}

TEST(ids_of_copies_and_images_that_do_not_run_are_refused)
{
	static const uint64_t ids[] = { 0, 1, 255, 256, UINT64_MAX };
	uint64_t device_0[1] = { 0 };
	struct raw c;

	raw_open(&c, &daemon_one);
	CHECK_EQ(raw_call(&c, cw_fn_hash("cuDevicePrimaryCtxRetain"), device_0, 1, NULL), 0);
	for (size_t i = 0; i < CW_ARRAY_SIZE(ids); i++) {
		CHECK(raw_call(&c, CW_FN_COPY_END, ids + i, 1, NULL) > 0);
		CHECK(raw_call(&c, CW_FN_IMAGE_END, ids + i, 1, NULL) > 0);
		CHECK(raw_call(&c, CW_FN_UPCALL_DONE, ids + i, 1, NULL) > 0);
	}
	CHECK(raw_lives(&c));
	raw_close(&c);
}

/* ---- noise */

static uint64_t noise(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A word that is likely to mean something. */
static uint64_t noise_word(uint64_t *state)
{
	static const uint64_t likely[] = {
		0, 0, 0, 1, 2, 4, 32, 4096, RAW_DEVICE_BASE, RAW_DEVICE_BASE + 512, RAW_REGION_BASE,
		UINT32_MAX, 1ull << 32, UINT64_MAX,
	};
	uint64_t r = noise(state);

	switch (r & 3) {
	case 0:
		return cw_handle((r >> 8) % CW_H_TYPES, (r >> 16) & 3, 0, (r >> 24) & 7);
	case 1:
		return noise(state);
	default:
		return likely[(r >> 8) % CW_ARRAY_SIZE(likely)];
	}
}

static uint32_t noise_id(uint64_t *state)
{
	static const char *const names[] = {
		"cuMemAlloc", "cuMemsetD8Async", "cuMemsetD32", "cuStreamCreate", "cuStreamDestroy",
		"cuEventCreate", "cuEventDestroy", "cuStreamWaitEvent", "cuStreamQuery",
		"cuEventQuery", "cuCtxCreate", "cuCtxDestroy", "cuDevicePrimaryCtxRetain",
		"cuDevicePrimaryCtxRelease", "cuDevicePrimaryCtxReset", "cuModuleLoadDataEx",
		"cuModuleUnload", "cuModuleGetFunction", "cuModuleGetGlobal", "cuFuncGetAttribute",
		"cuFuncSetAttribute", "cuMemAllocAsync", "cuMemFreeAsync", "cuMemPoolCreate",
		"cuMemPoolSetAttribute", "cuEventElapsedTime", "cuLibraryLoadData",
		"cuMemAddressReserve", "cuMemCreate", "cuMemMap", "cuGraphCreate",
		"cuStreamBeginCapture", "cuThreadExchangeStreamCaptureMode", "cuMemAllocPitch",
	};
	uint64_t r = noise(state);
	uint32_t id = (uint32_t)((r >> 8) % 30);

	/* Not what holds the dispatcher: that takes time and shows nothing. */
	if (r & 1 && id != CW_FN_TEST_HOOK && id)
		return id;
	return cw_fn_hash(names[(r >> 8) % CW_ARRAY_SIZE(names)]);
}

TEST(noise_ends_its_client_or_is_answered)
{
	uint64_t clients = getenv("CAUSEWAY_TEST_LONG") ? FUZZ_CLIENTS_LONG : FUZZ_CLIENTS;
	int alive = 0, sent = 0;

	for (uint64_t seed = 1; seed <= clients; seed++) {
		uint64_t state = seed * 0x9e3779b97f4a7c15ull, words[40];
		struct raw c;
		int i;

		raw_open(&c, &daemon_one);
		for (i = 0; i < FUZZ_COMMANDS; i++) {
			uint32_t n = 40 - (noise(&state) % 8 ? 0 : noise(&state) % 40);
			uint32_t id = noise_id(&state);

			for (uint32_t k = 0; k < n; k++)
				words[k] = noise_word(&state);
			raw_command(&c, id, 1 + (uint32_t)(noise(&state) % 120), words, n * 8);
			raw_publish(&c, c.tail);
			if (!raw_lives(&c))
				break;
		}
		alive += i == FUZZ_COMMANDS;
		sent += i;
		raw_close(&c);
	}
	printf("# %d clients, %d came through, %d commands\n", (int)clients, alive, sent);
	/* A worker may end its client; what it may not do is crash. */
	CHECK(sock_workers_become(&daemon_one, 1));
	CHECK_EQ(sock_log_count(&daemon_one, "signal="), 0);
}

int main(int argc, char **argv)
{
	pid_t other;
	int r;

	sock_daemon_start(&daemon_one, NULL);
	others_go = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	other = sock_client(&daemon_one, other_client, NULL, NULL);
	r = tap_run(argc > 1 ? argv[1] : NULL);
	*others_go = 1;
	if (sock_end(other)) {
		printf("# another client was hurt\n");
		r = 1;
	}
	return sock_daemon_stop(&daemon_one) ? r : 1;
}
