/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bulk copies between guest pages and the window.
 */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/vhost/t_daemon_guest.h"

#define MIB (1u << 20)

static struct t_req *copy_request(struct t_vm_client *c, uint16_t type, const struct t_grant *g)
{
	struct t_req *r = t_guest_request(c->g, type, c->id);

	*(struct virtio_cuda_copy *)t_guest_body(c->g, r) = (struct virtio_cuda_copy){
		.id = g->id, .offset = g->offset, .len = (uint32_t)g->len
	};
	return r;
}

/* Cuts len bytes at gpa into n data segments. */
static void segments(struct vq_buf *buf, int n, uint64_t gpa, uint32_t len)
{
	for (int i = 0; i < n; i++) {
		uint32_t part = i == n - 1 ? len : len / (uint32_t)(n - i);

		buf[i] = (struct vq_buf){ gpa, part };
		gpa += part;
		len -= part;
	}
}

static struct t_req *post_in(struct t_vm_client *c, const struct t_grant *g, uint64_t gpa, int n)
{
	struct t_req *r = copy_request(c, VIRTIO_CUDA_COPY_IN, g);

	segments(r->out, r->nr_out = n, gpa, (uint32_t)g->len);
	t_guest_post(c->g, r, sizeof(struct virtio_cuda_copy), 0);
	return r;
}

static struct t_req *post_out(struct t_vm_client *c, const struct t_grant *g, uint64_t gpa, int n)
{
	struct t_req *r = copy_request(c, VIRTIO_CUDA_COPY_OUT, g);

	segments(r->in, r->nr_in = n, gpa, (uint32_t)g->len);
	t_guest_post(c->g, r, sizeof(struct virtio_cuda_copy), 0);
	return r;
}

static uint32_t copy_in(struct t_vm_client *c, struct t_grant g, uint64_t gpa, int n)
{
	return t_guest_wait(c->g, post_in(c, &g, gpa, n));
}

static uint32_t copy_out(struct t_vm_client *c, struct t_grant g, uint64_t gpa, int n)
{
	return t_guest_wait(c->g, post_out(c, &g, gpa, n));
}

/* In through one grant and out through another: bytes must be the same. */
static bool round_trip(struct t_vm_client *c, uint32_t len, int segs)
{
	struct t_guest *g = c->g;
	struct t_grant in = { 1, 4096, len, 1 }, out = { 2, 4096, len, 0 };
	uint64_t src = front_alloc(&g->f, len, 1), dst = front_alloc(&g->f, len, 1);
	uint8_t *p = front_ptr(&g->f, src), *q = front_ptr(&g->f, dst);

	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + i / 251);
	memset(q, 0, len);
	return t_vm_client_grant(c, in) && !copy_in(c, in, src, segs) &&
	       t_vm_client_grant(c, out) && !copy_out(c, out, dst, segs) && !memcmp(p, q, len);
}

TEST(bytes_come_back_whatever_the_size_and_the_cut)
{
	static const uint32_t sizes[] = { 1, 4095, 32768, 32769, MIB, 4 * MIB };
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	for (size_t i = 0; i < CW_ARRAY_SIZE(sizes); i++)
		CHECK(round_trip(&c, sizes[i], sizes[i] < 8 ? 1 : 7));
	t_guest_end(g);
}

TEST(copy_is_served_inside_its_grant_only)
{
	static const struct t_grant grant = { 7, 64 << 10, 64 << 10, 1 };
	static const struct t_grant bad[] = {
		{ 8, 64 << 10, 4096, 1 },	    /* no such id */
		{ 7, (64 << 10) - 1, 4096, 1 },	    /* begins before */
		{ 7, 127 << 10, 4096, 1 },	    /* ends behind */
		{ 7, UINT64_MAX - 100, 4096, 1 },
		{ 7, T_WINDOW, 4096, 1 },
	};
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	struct t_grant back = grant;
	uint64_t gpa = front_alloc(&g->f, MIB, 4096);

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK_EQ(copy_in(&c, grant, gpa, 1), VIRTIO_CUDA_ERR_RANGE);
	CHECK(t_vm_client_grant(&c, grant));
	for (size_t i = 0; i < CW_ARRAY_SIZE(bad); i++)
		CHECK_EQ(copy_in(&c, bad[i], gpa, 1), VIRTIO_CUDA_ERR_RANGE);
	CHECK_EQ(copy_out(&c, grant, gpa, 1), VIRTIO_CUDA_ERR_RANGE);
	CHECK_EQ(copy_in(&c, grant, gpa, 2), VIRTIO_CUDA_OK);
	back.len = 0;
	CHECK(t_vm_client_grant(&c, back));
	CHECK_EQ(copy_in(&c, grant, gpa, 1), VIRTIO_CUDA_ERR_RANGE);
	t_guest_end(g);
}

/*
 * The worker's grant and the guest's chain reach the daemon on two ways. Here
 * the chain is the first that it sees, though it was made after the grant.
 */
TEST(copy_that_overtakes_its_grant_is_served)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	struct t_grant grant = { 1, 0, 64, 1 };
	uint64_t gpa = front_alloc(&g->f, 4096, 4096), seq;
	struct t_req *r;
	pid_t worker;

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	worker = t_vm_client_worker(&c);
	CHECK(worker > 0);
	seq = atomic_load(&cw_channel_slot(c.channel, 1)->seq);
	kill(worker, SIGSTOP);
	memcpy(cw_channel_ring(c.channel) + 8, &grant, sizeof(grant));
	t_vm_client_ring(&c, T_CMD_GRANT);
	kill(g->d.pid, SIGSTOP);
	r = post_in(&c, &grant, gpa, 1);
	kill(worker, SIGCONT);
	/* The grant is sent before the answer. */
	while (atomic_load(&cw_channel_slot(c.channel, 1)->seq) == seq)
		usleep(1000);
	kill(g->d.pid, SIGCONT);
	CHECK_EQ(t_guest_wait(g, r), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

TEST(grant_outside_the_window_ends_the_worker)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	struct t_grant grant = { 1, T_WINDOW - 4096, 8192, 1 };

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	memcpy(cw_channel_ring(c.channel) + 8, &grant, sizeof(grant));
	t_vm_client_ring(&c, T_CMD_GRANT);
	do
		CHECK(t_guest_event(g));
	while (g->last_event.type != VIRTIO_CUDA_EV_DEAD);
	CHECK_EQ(t_daemon_log_count(&g->d, "CW-E0202"), 1);
	t_guest_end(g);
}

TEST(copy_of_a_wrong_form_is_refused)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	struct t_grant grant = { 1, 0, 8 * MIB, 1 }, part = { 1, 0, 8192, 1 };
	uint64_t gpa = front_alloc(&g->f, 5 * MIB, 4096);
	struct t_req *r;

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK(t_vm_client_grant(&c, grant));
	part.len = 0;
	r = copy_request(&c, VIRTIO_CUDA_COPY_IN, &part);
	CHECK_EQ(t_guest_call(g, r, sizeof(struct virtio_cuda_copy), 0), VIRTIO_CUDA_ERR_MALFORMED);
	part.len = 4 * MIB + 4096;
	CHECK_EQ(copy_in(&c, part, gpa, 2), VIRTIO_CUDA_ERR_MALFORMED);
	part.len = 8192;
	for (int less = 0; less < 2; less++) {
		r = copy_request(&c, VIRTIO_CUDA_COPY_IN, &part);
		segments(r->out, r->nr_out = 1, gpa, less ? 8191 : 8193);
		t_guest_post(g, r, sizeof(struct virtio_cuda_copy), 0);
		CHECK_EQ(t_guest_wait(g, r), VIRTIO_CUDA_ERR_MALFORMED);
	}
	/* Room for more than the answer is no COPY_IN. */
	r = copy_request(&c, VIRTIO_CUDA_COPY_IN, &part);
	segments(r->out, r->nr_out = 1, gpa, 8192);
	t_guest_post(g, r, sizeof(struct virtio_cuda_copy), 8);
	CHECK_EQ(t_guest_wait(g, r), VIRTIO_CUDA_ERR_MALFORMED);
	CHECK_EQ(copy_in(&c, part, gpa, 1), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

/* CLOSE while eight chains are with the copy threads: all come back first. */
TEST(close_waits_for_chains_that_are_being_copied)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	struct t_grant grant = { 1, 0, T_WINDOW, 1 };
	uint64_t gpa = front_alloc(&g->f, 2 * MIB, 4096);
	struct t_req *r[VIRTIO_CUDA_MAX_CHAINS], *close;

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	for (int round = 0; round < 4; round++) {
		CHECK(t_vm_client_grant(&c, grant));
		for (uint32_t i = 0; i < VIRTIO_CUDA_MAX_CHAINS; i++) {
			struct t_grant part = { 1, i * 2 * MIB, 2 * MIB, 1 };

			r[i] = post_in(&c, &part, gpa, 3);
		}
		close = t_guest_request(g, VIRTIO_CUDA_CLOSE, 1);
		t_guest_post(g, close, 0, 0);
		CHECK_EQ(t_guest_wait(g, close), VIRTIO_CUDA_OK);
		for (int i = 0; i < VIRTIO_CUDA_MAX_CHAINS; i++) {
			CHECK(r[i]->done);
			CHECK_EQ(t_guest_wait(g, r[i]), VIRTIO_CUDA_OK);
		}
		CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	}
	t_guest_end(g);
}

/* Chains of another that come back before the only one of @b. */
static int chains_before(struct t_vm_client *a, struct t_vm_client *b, uint64_t gpa)
{
	struct t_grant whole = { 1, 0, 2 * MIB, 1 };
	struct t_req *r[VIRTIO_CUDA_MAX_CHAINS], *one;
	int before = 0;

	for (uint32_t i = 0; i < VIRTIO_CUDA_MAX_CHAINS; i++) {
		struct t_grant part = { 1, i * 2 * MIB, 2 * MIB, 1 };

		r[i] = post_in(a, &part, gpa, 3);
	}
	one = post_in(b, &whole, gpa, 3);
	CHECK_EQ(t_guest_wait(b->g, one), VIRTIO_CUDA_OK);
	for (int i = 0; i < VIRTIO_CUDA_MAX_CHAINS; i++)
		before += r[i]->done;
	for (int i = 0; i < VIRTIO_CUDA_MAX_CHAINS; i++)
		CHECK_EQ(t_guest_wait(a->g, r[i]), VIRTIO_CUDA_OK);
	return before;
}

/*
 * Two threads copy: two chains are under way when the other's comes, then it is
 * its turn, and a third may be made beside it. Were it to wait for all before it,
 * seven at least would be first. A loop that comes late sees them all gone: so
 * the best of many rounds counts.
 */
TEST(a_single_copy_does_not_wait_for_all_that_another_client_has_queued)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client a = t_vm_client(g, 1), b = t_vm_client(g, 2);
	struct t_grant grant = { 1, 0, T_WINDOW, 1 };
	uint64_t gpa = front_alloc(&g->f, 2 * MIB, 4096);
	int best = VIRTIO_CUDA_MAX_CHAINS;

	CHECK_EQ(t_vm_client_open(&a), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_open(&b), VIRTIO_CUDA_OK);
	CHECK(t_vm_client_grant(&a, grant) && t_vm_client_grant(&b, grant));
	for (int i = 0; i < 1000 && best > 3; i++)
		best = cw_min(best, chains_before(&a, &b, gpa));
	printf("# %d chains of another before the only one of this client\n", best);
	CHECK(best <= 3);
	t_guest_end(g);
}

TEST(sigterm_in_the_middle_of_copies_is_clean)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	struct t_grant grant = { 1, 0, T_WINDOW, 1 };
	uint64_t gpa = front_alloc(&g->f, 2 * MIB, 4096);

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK(t_vm_client_grant(&c, grant));
	for (uint32_t i = 0; i < VIRTIO_CUDA_MAX_CHAINS; i++) {
		struct t_grant part = { 1, i * 2 * MIB, 2 * MIB, 1 };

		post_in(&c, &part, gpa, 3);
	}
	CHECK(t_daemon_stop(&g->d));
	front_close(&g->f);
}

TAP_MAIN()
