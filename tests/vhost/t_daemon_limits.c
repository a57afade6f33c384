/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of a VM over vhost-user: as many as there may be, and one more. The
 * memory of clients with the worker that there is, on the software GPU.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/vhost/t_daemon_guest.h"
#include "wire/codec.h"
#include "wire/fn.h"
#include "wire/handle.h"

#define MIB (1ull << 20)

/* Most tests want the worker that obeys tests; memory, the one that there is. */
static const char *test_daemon;

TEST(one_region_too_many_is_refused)
{
	struct t_guest *g = t_guest_start_with("--max-regions=3");
	struct t_vm_client c = t_vm_client(g, 1);
	uint64_t page = front_alloc(&g->f, 1 << 20, 4096);

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 1; i <= 4; i++)
			CHECK_EQ(t_vm_client_attach(&c, i, page, 1),
				 i < 4 ? VIRTIO_CUDA_OK : VIRTIO_CUDA_ERR_LIMIT);
		for (uint32_t i = 1; i <= 3; i++)
			CHECK_EQ(t_vm_client_detach(&c, i), VIRTIO_CUDA_OK);
	}
	t_guest_end(g);
}

TEST(one_run_too_many_is_refused)
{
	struct t_guest *g = t_guest_start_with("--max-runs=10");
	struct t_vm_client c = t_vm_client(g, 1), other = t_vm_client(g, 2);
	uint64_t page = front_alloc(&g->f, 1 << 20, 4096);

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_open(&other), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_attach(&c, 1, page, 11), VIRTIO_CUDA_ERR_LIMIT);
	CHECK_EQ(t_vm_client_attach(&c, 1, page, 10), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_attach(&c, 2, page, 1), VIRTIO_CUDA_ERR_LIMIT);
	/* Each client has its own. */
	CHECK_EQ(t_vm_client_attach(&other, 1, page, 10), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_detach(&c, 1), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_attach(&c, 2, page, 4), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_attach(&c, 3, page, 7), VIRTIO_CUDA_ERR_LIMIT);
	CHECK_EQ(t_vm_client_attach(&c, 3, page, 6), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

static struct t_req *copy_post(struct t_vm_client *c, const struct t_grant *grant, uint64_t gpa)
{
	struct t_req *r = t_guest_request(c->g, VIRTIO_CUDA_COPY_IN, c->id);

	*(struct virtio_cuda_copy *)t_guest_body(c->g, r) = (struct virtio_cuda_copy){
		.id = grant->id, .offset = grant->offset, .len = (uint32_t)grant->len
	};
	r->out[0] = (struct vq_buf){ gpa, (uint32_t)grant->len };
	r->nr_out = 1;
	t_guest_post(c->g, r, sizeof(struct virtio_cuda_copy), 0);
	return r;
}

/* The daemon stands still while they are posted, so it sees them together. */
TEST(one_chain_too_many_is_refused)
{
	static const struct t_grant grant = { 1, 0, 4 << 20, 1 };
	struct t_guest *g = t_guest_start_with("--max-chains=2");
	struct t_vm_client c = t_vm_client(g, 1);
	uint64_t gpa = front_alloc(&g->f, 4 << 20, 4096);
	struct t_req *r[3];

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK(t_vm_client_grant(&c, grant));
	for (int round = 0; round < 3; round++) {
		CHECK(!kill(g->d.pid, SIGSTOP));
		for (int i = 0; i < 3; i++)
			r[i] = copy_post(&c, &grant, gpa);
		CHECK(!kill(g->d.pid, SIGCONT));
		for (int i = 0; i < 3; i++)
			CHECK_EQ(t_guest_wait(g, r[i]),
				 i < 2 ? VIRTIO_CUDA_OK : VIRTIO_CUDA_ERR_LIMIT);
	}
	t_guest_end(g);
}

/* ---- memory */

struct cuda {
	struct t_vm_client c;
	uint64_t tail;
	uint64_t seq;
};

static void ring(struct t_vm_client *c)
{
	struct t_req *r = t_guest_request(c->g, VIRTIO_CUDA_DOORBELL, 0);
	_Atomic uint64_t *bells = front_ptr(&c->g->f, c->g->bells);

	atomic_fetch_or(&bells[c->id / 64], 1ull << c->id % 64);
	t_guest_post(c->g, r, 0, 0);
	t_guest_wait(c->g, r);
}

/* A call with @n words, and its answer; the first words of it go to @ret. */
static int call(struct cuda *cu, uint32_t id, const uint64_t *words, uint32_t n, uint64_t *ret)
{
	struct cw_channel *ch = cu->c.channel;
	struct cw_slot *slot = cw_channel_slot(cu->c.channel, 1);
	uint8_t *at = cw_channel_ring(cu->c.channel) + cu->tail;
	struct cw_cmd cmd = {
		.size = 2 * sizeof(cmd), .id = id, .slot = 1, .flags = CW_CMD_REPLY,
		.seq = ++cu->seq, .ctx = cw_handle(CW_H_CONTEXT, CW_H_PRIMARY, 0, 0),
	};

	if (id == cw_fn_hash("cuDevicePrimaryCtxRetain"))
		cmd.ctx = 0;
	memset(at, 0, cmd.size);
	memcpy(at, &cmd, sizeof(cmd));
	if (n)
		memcpy(at + sizeof(cmd), words, n * sizeof(*words));
	cu->tail += cmd.size;
	atomic_store(&ch->tail, cu->tail);
	ring(&cu->c);
	for (int i = 0; i < 120000 && atomic_load(&slot->seq) != cu->seq; i++)
		usleep(1000);
	if (atomic_load(&slot->seq) != cu->seq)
		return -1;
	memcpy(ret, slot->data, 2 * sizeof(*ret));
	return (int)slot->result;
}

static struct cuda cuda_open(struct t_guest *g, uint32_t id)
{
	struct cuda cu = { .c = t_vm_client(g, id) };
	uint64_t zero = 0, none[2];

	CHECK_EQ(t_vm_client_open(&cu.c), VIRTIO_CUDA_OK);
	CHECK_EQ(call(&cu, cw_fn_hash("cuDevicePrimaryCtxRetain"), &zero, 1, none), 0);
	return cu;
}

static int alloc(struct cuda *cu, uint64_t bytes, uint64_t *ret)
{
	uint64_t words[2] = { 0 };
	int r = call(cu, cw_fn_hash("cuMemAlloc"), &bytes, 1, words);

	*ret = words[0];
	return r;
}

static uint64_t free_bytes(struct cuda *cu)
{
	uint64_t words[2] = { 0 };

	CHECK_EQ(call(cu, cw_fn_hash("cuMemGetInfo"), NULL, 0, words), 0);
	CHECK_EQ(words[1], T_WINDOW);
	return words[0];
}

TEST(clients_of_a_vm_share_its_memory_to_the_last_byte)
{
	struct t_guest *g;
	struct cuda a, b;
	uint64_t p, q, none[2];

	setenv("DAEMON", getenv("CAUSEWAY_DAEMON"), 1);
	g = t_guest_start_with_two("--backend=soft", "--vm-memory=20M");
	setenv("DAEMON", test_daemon, 1);
	a = cuda_open(g, 1);
	b = cuda_open(g, 2);
	CHECK_EQ(free_bytes(&a), T_WINDOW);
	CHECK_EQ(alloc(&a, T_WINDOW + 1, &p), 2);
	CHECK_EQ(alloc(&a, T_WINDOW, &p), 0);
	CHECK_EQ(free_bytes(&a), 0);
	CHECK_EQ(free_bytes(&b), 20 * MIB - T_WINDOW);
	CHECK_EQ(alloc(&b, 20 * MIB - T_WINDOW + 1, &q), 2);
	/* Pages of one, then of the other, until there is none. */
	CHECK_EQ(call(&a, CW_FN_MEM_FREE, &p, 1, none), 0);
	for (uint64_t sum = 0; sum < 20 * MIB; sum += 640 << 10)
		CHECK_EQ(alloc(sum / (640 << 10) % 2 ? &a : &b, 640 << 10, &p), 0);
	CHECK_EQ(free_bytes(&a), 0);
	CHECK_EQ(free_bytes(&b), 0);
	CHECK_EQ(alloc(&a, 1, &q), 2);
	CHECK_EQ(alloc(&b, 1, &q), 2);
	/* The end of one leaves its part to the other. */
	CHECK_EQ(t_vm_client_close(&a.c), VIRTIO_CUDA_OK);
	CHECK_EQ(free_bytes(&b), T_WINDOW - 10 * MIB);
	t_guest_end(g);
}

int main(int argc, char **argv)
{
	test_daemon = getenv("DAEMON");
	if (!test_daemon || !getenv("CAUSEWAY_DAEMON"))
		return 1;
	test_daemon = strdup(test_daemon);
	return tap_run(argc > 1 ? argv[1] : NULL);
}
