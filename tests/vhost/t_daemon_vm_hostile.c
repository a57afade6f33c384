/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that break the rules of the device: refused, the device lives on.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/vhost/t_daemon_guest.h"

/* Posts what was prepared with a body of this size; the status. */
static uint32_t answer(struct t_guest *g, struct t_req *r, uint32_t body)
{
	return t_guest_call(g, r, body, 240 - sizeof(struct virtio_cuda_resp));
}

TEST(request_of_unknown_type_or_flags_is_malformed)
{
	static const uint16_t types[] = { 0, 11, 12, 255, 256, 65535 };
	struct t_guest *g = t_guest_start();
	struct t_req *r;

	for (size_t i = 0; i < CW_ARRAY_SIZE(types); i++) {
		r = t_guest_request(g, types[i], 0);
		CHECK_EQ(answer(g, r, 0), VIRTIO_CUDA_ERR_MALFORMED);
	}
	r = t_guest_request(g, VIRTIO_CUDA_PING, 0);
	t_guest_head(g, r)->flags = 1;
	CHECK_EQ(answer(g, r, 0), VIRTIO_CUDA_ERR_MALFORMED);
	CHECK_EQ(t_guest_ping(g), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

TEST(body_of_every_other_length_is_malformed)
{
	static const struct {
		uint16_t type;
		uint32_t size;
	} types[] = {
		{ VIRTIO_CUDA_HELLO, sizeof(struct virtio_cuda_hello) },
		{ VIRTIO_CUDA_PING, 0 },
		{ VIRTIO_CUDA_OPEN, sizeof(struct virtio_cuda_open) },
		{ VIRTIO_CUDA_CLOSE, 0 },
		{ VIRTIO_CUDA_ATTACH, sizeof(struct virtio_cuda_attach) },
		{ VIRTIO_CUDA_DETACH, sizeof(struct virtio_cuda_detach) },
		{ VIRTIO_CUDA_COPY_IN, sizeof(struct virtio_cuda_copy) },
		{ VIRTIO_CUDA_STAT, 0 },
	};
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	for (size_t i = 0; i < CW_ARRAY_SIZE(types); i++) {
		for (uint32_t size = 0; size < types[i].size + 9; size++) {
			struct t_req *r = t_guest_request(g, types[i].type, 1);

			if (size == types[i].size)
				r->used = false;
			else
				CHECK_EQ(answer(g, r, size), VIRTIO_CUDA_ERR_MALFORMED);
		}
	}
	CHECK(t_vm_client_worker(&c) > 0);
	t_guest_end(g);
}

TEST(guest_cannot_fill_the_log)
{
	struct t_guest *g = t_guest_start();

	for (int i = 0; i < 200; i++)
		answer(g, t_guest_request(g, 99, 0), 0);
	CHECK(t_daemon_log_count(&g->d, "CW-E0303") <= 16);
	CHECK(t_daemon_log_count(&g->d, "CW-E0303") > 0);
	t_guest_end(g);
}

TEST(request_without_room_for_the_answer_comes_back_empty)
{
	struct t_guest *g = t_guest_start();
	struct t_req *r = t_guest_request(g, VIRTIO_CUDA_PING, 0);
	struct vq_buf buf[2] = { { r->gpa, sizeof(struct virtio_cuda_req) }, { r->resp, 15 } };
	struct vq_request req = { .buf = buf, .nr_out = 1, .nr_in = 1, .token = r };

	CHECK_EQ(front_submit(&g->f, VIRTIO_CUDA_VQ_CONTROL, &req), 0);
	t_guest_wait(g, r);
	CHECK_EQ(r->written, 0);
	CHECK_EQ(t_guest_ping(g), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

static uint32_t broken_open(struct t_vm_client *c, int how)
{
	struct t_req *r = t_vm_client_open_request(c);
	struct virtio_cuda_open *o = t_guest_body(c->g, r);

	switch (how) {
	case 0: o->version = 9; break;
	case 1: o->ring_size += 1; break;
	case 2: o->reserved = 1; break;
	case 3: o->region_base += 1; break;
	case 4: o->device_base = o->region_base; break;
	case 5: o->runs[1].len -= 4096; break;
	case 6: o->runs[0].addr += 1; break;
	case 7: o->runs[0].len += 1; break;
	case 8: o->runs[0].zero = 1; break;
	case 9: o->runs[0].addr = 4096; break;
	case 10: o->runs[0].addr = UINT64_MAX & ~4095ull; break;
	case 11: o->runs[0].len = 0; break;
	case 12: t_guest_head(c->g, r)->client = VIRTIO_CUDA_MAX_CLIENTS; break;
	case 13: t_guest_head(c->g, r)->client = 0; break;
	}
	return t_guest_call(c->g, r, sizeof(*o) + 2 * sizeof(struct virtio_cuda_run),
			    sizeof(struct virtio_cuda_open_resp));
}

TEST(open_with_any_wrong_field_is_refused)
{
	static const uint32_t want[] = {
		VIRTIO_CUDA_ERR_VERSION,   VIRTIO_CUDA_ERR_MALFORMED, VIRTIO_CUDA_ERR_MALFORMED,
		VIRTIO_CUDA_ERR_MALFORMED, VIRTIO_CUDA_ERR_MALFORMED, VIRTIO_CUDA_ERR_MALFORMED,
		VIRTIO_CUDA_ERR_MALFORMED, VIRTIO_CUDA_ERR_MALFORMED, VIRTIO_CUDA_ERR_MALFORMED,
		VIRTIO_CUDA_ERR_ADDRESS,   VIRTIO_CUDA_ERR_ADDRESS,   VIRTIO_CUDA_ERR_MALFORMED,
		VIRTIO_CUDA_ERR_MALFORMED, VIRTIO_CUDA_ERR_MALFORMED,
	};
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	int fds;

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_close(&c), VIRTIO_CUDA_OK);
	fds = t_daemon_fds(&g->d);
	for (size_t i = 0; i < CW_ARRAY_SIZE(want); i++)
		CHECK_EQ(broken_open(&c, (int)i), want[i]);
	CHECK(t_daemon_settles(&g->d, fds));
	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

TEST(clients_beyond_the_limit_are_refused)
{
	struct t_guest *g = t_guest_start_with("--max-clients=3");
	struct t_vm_client c[4];

	for (uint32_t i = 0; i < 4; i++) {
		c[i] = t_vm_client(g, i + 1);
		CHECK_EQ(t_vm_client_open(&c[i]), i < 3 ? VIRTIO_CUDA_OK : VIRTIO_CUDA_ERR_BUSY);
	}
	CHECK_EQ(t_vm_client_close(&c[0]), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_open(&c[3]), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

TEST(doorbells_of_nobody_are_ignored)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	uint64_t *bells = front_ptr(&g->f, g->bells);

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	memset(bells, 0xff, 4096);
	CHECK(t_vm_client_worker(&c) > 0);
	CHECK_EQ(bells[0], 0);
	CHECK_EQ(bells[3], 0);
	CHECK_EQ(bells[4], UINT64_MAX);
	t_guest_end(g);
}

TEST(random_requests_do_not_harm)
{
	struct t_guest *g = t_guest_start();
	struct t_vm_client c = t_vm_client(g, 1);
	int fds;

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	fds = t_daemon_fds(&g->d);
	srandom(7);
	for (int i = 0; i < 3000; i++) {
		/* Any but those that end the client or begin anew. */
		static const uint16_t types[] = { 2, 3, 5, 6, 7, 8, 9, 10 };
		struct t_req *r = t_guest_request(g, types[random() % 8], random() % 4);
		uint32_t *body = t_guest_body(g, r);
		uint32_t size = (uint32_t)random() % 200;

		for (uint32_t k = 0; k < size / 4; k++)
			body[k] = random() % 3 ? (uint32_t)random() % 4 : (uint32_t)random() << 1;
		if (random() % 2) {
			r->in[0] = (struct vq_buf){ g->req[63].gpa, 1 + (uint32_t)random() % 4096 };
			r->nr_in = 1;
		}
		t_guest_post(g, r, size, (uint32_t)random() % 200);
		t_guest_wait(g, r);
	}
	CHECK_EQ(t_guest_ping(g), VIRTIO_CUDA_OK);
	CHECK(t_daemon_settles(&g->d, fds));
	CHECK(t_vm_client_worker(&c) > 0);
	t_guest_end(g);
}

TEST(loop_in_a_chain_breaks_the_queue_and_a_reset_mends_it)
{
	struct t_guest *g = t_guest_start();
	struct t_req *r = t_guest_request(g, VIRTIO_CUDA_PING, 0);
	struct vq_driver *drv = &g->f.q[VIRTIO_CUDA_VQ_CONTROL].drv;

	t_guest_post(g, r, 0, 0);
	CHECK_EQ(t_guest_wait(g, r), VIRTIO_CUDA_OK);
	for (int i = 0; i < 256; i++) {
		drv->split.desc[i].flags = VRING_DESC_F_NEXT;
		drv->split.desc[i].next = 0;
	}
	drv->split.avail->ring[drv->split.avail_idx % 256] = 0;
	drv->split.avail->idx = ++drv->split.avail_idx;
	front_kick(&g->f, VIRTIO_CUDA_VQ_CONTROL);
	CHECK(t_daemon_log_has(&g->d, "CW-E0302"));
	front_close(&g->f);
	t_guest_connect(g);
	CHECK_EQ(t_guest_hello(g, 1, 1), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

TEST(client_that_speaks_to_the_vm_socket_is_no_front_end)
{
	struct t_guest *g = t_guest_start();
	struct front wrong;
	struct cw_client_open m = t_open_message(NULL);

	front_close(&g->f);
	CHECK_EQ(front_connect(&wrong, g->path), 0);
	CHECK(write(wrong.sock, &m, sizeof(m)) > 0);
	CHECK(t_hung_up(wrong.sock));
	CHECK(t_daemon_log_has(&g->d, "CW-E0301"));
	front_close(&wrong);
	t_guest_connect(g);
	t_guest_end(g);
}

TAP_MAIN()
