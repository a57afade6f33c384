/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker in which hostile code runs gets nothing: one test per attack of
 * evil.h, from inside a worker whose sandbox is closed, in profile soft, with a
 * VM's memory at hand. Afterwards the same attacks with --sandbox=off, where
 * they must succeed: an attack that can't is no test.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cw/sandbox.h"
#include "tests/sandbox/confined.h"
#include "tests/sandbox/evil.h"
#include "tests/tap.h"
#include "tests/vhost/t_daemon_guest.h"
#include "wire/fn.h"

static struct t_guest *guest;
static struct t_vm_client client;
static uint64_t last_seq;

static void doorbell(void)
{
	struct t_req *r = t_guest_request(guest, VIRTIO_CUDA_DOORBELL, 0);
	_Atomic uint64_t *bells = front_ptr(&guest->f, guest->bells);

	atomic_fetch_or(&bells[client.id / 64], 1ull << client.id % 64);
	t_guest_post(guest, r, 0, 0);
	t_guest_wait(guest, r);
}

static void post(const char *name, uint64_t word)
{
	struct cw_channel *ch = client.channel;
	uint8_t *at = cw_channel_ring(client.channel) + (ch->tail & (VCUDA_RING_MIN - 1));
	struct cw_cmd cmd = {
		.size = 64, .id = cw_fn_hash(name), .slot = 1, .flags = CW_CMD_REPLY,
		.seq = ++last_seq,
	};

	memset(at, 0, cmd.size);
	memcpy(at, &cmd, sizeof(cmd));
	memcpy(at + sizeof(cmd), &word, sizeof(word));
	atomic_fetch_add(&ch->tail, cmd.size);
	doorbell();
}

/* One command with one word, and the first word of its answer; -1: none came. */
static int64_t call(const char *name, uint64_t word)
{
	struct cw_slot *slot = cw_channel_slot(client.channel, 1);
	int64_t answer = -1;

	post(name, word);
	for (int ms = 0; ms < 60000 && atomic_load(&slot->seq) != last_seq; ms++) {
		usleep(1000);
	}
	if (atomic_load(&slot->seq) == last_seq && !slot->result)
		memcpy(&answer, slot->data, sizeof(answer));
	return answer;
}

/* The same where the worker is to die of it. */
static bool call_ends(const char *name, uint64_t word)
{
	post(name, word);
	return t_guest_event(guest) && guest->last_event.type == VIRTIO_CUDA_EV_DEAD;
}

static uint32_t attach(uint32_t region, uint32_t flags, uint64_t gpa, uint64_t va)
{
	struct t_req *r = t_guest_request(guest, VIRTIO_CUDA_ATTACH, client.id);
	struct virtio_cuda_attach *body = t_guest_body(guest, r);

	*body = (struct virtio_cuda_attach){
		.region = region, .flags = flags, .va = va, .len = 2 * EVIL_PIECE, .nr_runs = 2,
	};
	for (uint32_t i = 0; i < 2; i++)
		body->runs[i] = (struct virtio_cuda_run){ gpa + i * 2 * EVIL_PIECE, EVIL_PIECE, 0 };
	return t_guest_call(guest, r, (uint32_t)(sizeof(*body) + 2 * sizeof(body->runs[0])), 0);
}

static void end(void)
{
	if (!guest)
		return;
	t_vm_client_close(&client);
	t_guest_end(guest);
	guest = NULL;
}

/* A daemon, a VM, a client with two regions, and the evil back end in its worker. */
static bool begin(const char *sandbox)
{
	uint64_t gpa;

	if (guest)
		return true;
	guest = t_guest_start_with_two("--backend=soft", sandbox);
	client = t_vm_client(guest, 1);
	last_seq = 0;
	gpa = front_alloc(&guest->f, 8 * EVIL_PIECE, 4096);
	memset(front_ptr(&guest->f, gpa), 'x', 8 * EVIL_PIECE);
	return t_vm_client_open(&client) == VIRTIO_CUDA_OK &&
	       attach(1, 0, gpa, EVIL_REGION) == VIRTIO_CUDA_OK &&
	       attach(2, VIRTIO_CUDA_REGION_READONLY, gpa + 4 * EVIL_PIECE, EVIL_READS) ==
		       VIRTIO_CUDA_OK &&
	       call("cuCtxGetLimit", EVIL_COUNT + (gpa - FRONT_GPA) / 4096) == 0;
}

/* Whether an attack got nothing; a worker that died of it got nothing either. */
static bool nothing(enum evil attack)
{
	int64_t answer;

	if (!begin("--sandbox=best"))
		return false;
	answer = call("cuCtxGetLimit", attack);
	if (answer < 0)
		end();
	else if (EVIL_GOT(answer))
		printf("# errno %d\n", EVIL_ERRNO(answer));
	return answer < 0 || !EVIL_GOT(answer);
}

/* What an attack meets beside the list of system calls. */
static const struct {
	enum evil attack;
	enum cw_sandbox_step step;
} also[] = {
	{ EVIL_look_at_passwd, CW_SB_FILES },	 { EVIL_big_memory, CW_SB_MEMORY },
	{ EVIL_big_space, CW_SB_MEMORY },	 { EVIL_map_memory, CW_SB_BROKER },
	{ EVIL_map_behind, CW_SB_BROKER },	 { EVIL_map_granted_again, CW_SB_BROKER },
	{ EVIL_map_granted_elsewhere, CW_SB_BROKER }, { EVIL_map_to_read, CW_SB_BROKER },
	{ EVIL_map_private, CW_SB_BROKER },	 { EVIL_map_executable, CW_SB_BROKER },
	{ EVIL_unprotect, CW_SB_BROKER },
};

/* A step that this machine does not have, and the attack needs; NULL: none. */
static const char *step_missing(enum evil attack)
{
	if (!confined(CW_SB_SYSCALLS))
		return "syscalls";
	for (size_t i = 0; i < CW_ARRAY_SIZE(also); i++) {
		if (also[i].attack == attack && !confined(also[i].step))
			return cw_sandbox_step_name(also[i].step);
	}
	return NULL;
}

#define EVIL_TEST(id, what)                                                                        \
	TEST(no_##id)                                                                              \
	{                                                                                          \
		if (step_missing(EVIL_##id))                                                       \
			SKIP("not to be had on this machine");                                     \
		CHECK(nothing(EVIL_##id));                                                         \
	}
EVIL_SURE(EVIL_TEST)
EVIL_MAYBE(EVIL_TEST)

TEST(no_system_call_of_another_architecture)
{
	if (!confined(CW_SB_SYSCALLS))
		SKIP("not to be had on this machine");
	CHECK(begin("--sandbox=best"));
	CHECK(call_ends("cuCtxGetCacheConfig", 0));
	end();
}

/* The daemon says it once, and has enough of it in the end. */
TEST(worker_that_keeps_asking_for_memory_is_ended)
{
	if (!confined(CW_SB_BROKER))
		SKIP("not to be had on this machine");
	end();
	CHECK(begin("--sandbox=best"));
	for (int i = 0; i < 63; i++)
		CHECK_EQ(call("cuCtxGetLimit", EVIL_map_memory), EACCES);
	CHECK(call_ends("cuCtxGetLimit", EVIL_map_memory));
	CHECK_EQ(t_daemon_log_count(&guest->d, "CW-E0209"), 1);
	end();
}

#define EVIL_WORD(id, what) [EVIL_##id] = what,
static const char *const words[] = { EVIL_SURE(EVIL_WORD) EVIL_MAYBE(EVIL_WORD) };
#define EVIL_COUNT_ONE(id, what) +1
#define EVIL_SURE_COUNT (0 EVIL_SURE(EVIL_COUNT_ONE))

/* The name puts it last: its daemon is another. */
TEST(z_each_attack_succeeds_where_nothing_stops_it)
{
	int failed = 0;

	end();
	CHECK(begin("--sandbox=off"));
	for (int i = 0; i < EVIL_SURE_COUNT; i++) {
		int64_t answer = call("cuCtxGetLimit", (uint64_t)i);

		if (answer >= 0 && EVIL_GOT(answer))
			continue;
		printf("# could not: %s, errno %d\n", words[i], EVIL_ERRNO(answer));
		failed++;
		CHECK(answer >= 0);
	}
	CHECK_EQ(failed, 0);
	end();
}

int main(int argc, char **argv)
{
	int r;

	setenv("CAUSEWAY_SOFT_LIBCUDA", getenv("EVIL"), 1);
	confined_begin();
	r = tap_run(argc > 1 ? argv[1] : NULL);
	end();
	return r;
}
