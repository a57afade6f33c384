/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pause of the VM with the worker that there is, on the software GPU.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/vhost/t_daemon_guest.h"
#include "wire/fn.h"

static uint64_t seq_of(struct t_vm_client *c)
{
	return atomic_load(&cw_channel_slot(c->channel, 1)->seq);
}

static bool wait_for(struct t_vm_client *c, uint64_t seq)
{
	for (int i = 0; i < 10000 && seq_of(c) != seq; i++)
		usleep(1000);
	return seq_of(c) == seq;
}

/* Appends a command; with a seq it is answered. */
static void append(struct t_vm_client *c, uint32_t id, uint64_t seq, uint64_t arg)
{
	struct cw_channel *ch = c->channel;
	uint8_t *at = cw_channel_ring(c->channel) + ch->tail;
	struct cw_cmd cmd = {
		.size = 2 * sizeof(cmd), .id = id, .slot = 1, .flags = seq ? CW_CMD_REPLY : 0,
		.seq = seq,
	};

	memcpy(at, &cmd, sizeof(cmd));
	memcpy(at + sizeof(cmd), &arg, sizeof(arg));
	atomic_fetch_add(&ch->tail, cmd.size);
}

/* A busy dispatcher, then what needs no answer but stores, then an answer. */
static void work(struct t_vm_client *c, uint64_t seq)
{
	append(c, CW_FN_TEST_HOOK, 0, 100);
	for (int i = 0; i < 50; i++)
		append(c, CW_FN_EVENT_POLL, 0, 0);
	append(c, CW_FN_STAT, seq, 0);
}

static void ring(struct t_vm_client *c)
{
	struct t_req *r = t_guest_request(c->g, VIRTIO_CUDA_DOORBELL, 0);
	_Atomic uint64_t *bells = front_ptr(&c->g->f, c->g->bells);

	atomic_fetch_or(&bells[c->id / 64], 1ull << c->id % 64);
	t_guest_post(c->g, r, 0, 0);
	t_guest_wait(c->g, r);
}

TEST(nothing_is_stored_while_the_vm_pauses)
{
	static uint8_t before[VCUDA_CHANNEL_SIZE(VCUDA_RING_MIN)];
	struct t_guest *g = t_guest_start_with("--backend=soft");
	struct t_vm_client c = t_vm_client(g, 1);
	int base[2];

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	for (uint64_t seq = 1; seq < 9; seq++) {
		work(&c, seq);
		ring(&c);
		/* Every other time it is asleep again, else at work. */
		CHECK(seq & 1 || wait_for(&c, seq));
		for (unsigned int i = 0; i < 2; i++) {
			base[i] = front_stop_queue(&g->f, i);
			CHECK(base[i] >= 0);
		}
		memcpy(before, c.channel, sizeof(before));
		usleep(200000);
		CHECK(!memcmp(before, c.channel, sizeof(before)));
		for (unsigned int i = 0; i < 2; i++) {
			CHECK_EQ(front_describe_queue(&g->f, i, (uint16_t)base[i]), 0);
			CHECK_EQ(front_enable_queue(&g->f, i, true), 0);
		}
		ring(&c);
		CHECK(wait_for(&c, seq));
	}
	CHECK_EQ(t_vm_client_close(&c), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

int main(int argc, char **argv)
{
	setenv("CAUSEWAY_TEST_HOOKS", "1", 1);
	return tap_run(argc > 1 ? argv[1] : NULL);
}
