/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/vhost/t_daemon_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GUEST_RAM (24u << 20)

static void check(int ret, const char *what)
{
	if (!ret)
		return;
	printf("Bail out! %s: %d\n", what, ret);
	exit(1);
}

void t_guest_event_post(struct t_guest *g, uint64_t *gpa)
{
	struct vq_buf buf = { *gpa, sizeof(struct virtio_cuda_event) };
	struct vq_request req = { .buf = &buf, .nr_in = 1, .token = gpa };

	check(front_submit(&g->f, VIRTIO_CUDA_VQ_EVENT, &req), "event buffer");
}

void t_guest_connect(struct t_guest *g)
{
	check(front_connect(&g->f, g->path), "connect");
	g->f.timeout_ms = 20000;
	check(front_negotiate(&g->f, FRONT_FEATURES), "negotiate");
	check(front_share(&g->f, GUEST_RAM), "share");
	check(front_start_queue(&g->f, VIRTIO_CUDA_VQ_EVENT, 64), "eventq");
	check(front_start_queue(&g->f, VIRTIO_CUDA_VQ_CONTROL, 256), "controlq");
	g->bells = front_alloc(&g->f, 4096, 4096);
	memset(g->req, 0, sizeof(g->req));
	for (int i = 0; i < T_GUEST_SLOTS; i++) {
		g->req[i].gpa = front_alloc(&g->f, T_GUEST_BODY, 64);
		g->req[i].resp = front_alloc(&g->f, 256, 64);
	}
	for (int i = 0; i < T_GUEST_EVENTS; i++) {
		g->event[i] = front_alloc(&g->f, sizeof(struct virtio_cuda_event), 8);
		t_guest_event_post(g, &g->event[i]);
	}
	g->epoch = 0;
}

struct t_guest *t_guest_start(void)
{
	return t_guest_start_with(NULL);
}

struct t_guest *t_guest_start_with(const char *option)
{
	return t_guest_start_with_two(option, NULL);
}

struct t_guest *t_guest_start_with_two(const char *one, const char *two)
{
	static struct t_guest guest;
	static int starts;
	struct t_guest *g = &guest;
	char arg[160];

	memset(g, 0, sizeof(*g));
	snprintf(g->path, sizeof(g->path), "/tmp/causeway-test-vm-%d-%d", getpid(),
		 starts++);
	snprintf(arg, sizeof(arg), "--socket-path=%.95s", g->path);
	g->d = t_daemon_start(arg, one, two, NULL);
	t_guest_connect(g);
	check((int)t_guest_hello(g, 1, 1), "hello");
	return g;
}

void t_guest_end(struct t_guest *g)
{
	front_close(&g->f);
	if (!t_daemon_stop(&g->d) || !access(g->path, F_OK))
		check(-1, "daemon did not end well");
}

struct t_req *t_guest_request(struct t_guest *g, uint16_t type, uint32_t client)
{
	struct t_req *r = g->req;
	struct virtio_cuda_req *head;

	while (r->used)
		r++;
	r->used = true;
	r->done = false;
	r->nr_out = r->nr_in = 0;
	memset(front_ptr(&g->f, r->gpa), 0, T_GUEST_BODY);
	memset(front_ptr(&g->f, r->resp), 0xaa, 256);
	head = t_guest_head(g, r);
	head->type = type;
	head->client = client;
	head->epoch = type == VIRTIO_CUDA_HELLO ? 0 : g->epoch;
	return r;
}

struct virtio_cuda_req *t_guest_head(struct t_guest *g, struct t_req *r)
{
	return front_ptr(&g->f, r->gpa);
}

void *t_guest_body(struct t_guest *g, struct t_req *r)
{
	return t_guest_head(g, r) + 1;
}

void t_guest_post(struct t_guest *g, struct t_req *r, uint32_t body, uint32_t room)
{
	struct vq_buf buf[20];
	struct vq_request req = { .buf = buf, .token = r };

	buf[req.nr_out++] = (struct vq_buf){ r->gpa, sizeof(struct virtio_cuda_req) + body };
	for (int i = 0; i < r->nr_out; i++)
		buf[req.nr_out++] = r->out[i];
	buf[req.nr_out + req.nr_in++] =
		(struct vq_buf){ r->resp, sizeof(struct virtio_cuda_resp) + room };
	for (int i = 0; i < r->nr_in; i++)
		buf[req.nr_out + req.nr_in++] = r->in[i];
	check(front_submit(&g->f, VIRTIO_CUDA_VQ_CONTROL, &req), "submit");
}

uint32_t t_guest_wait(struct t_guest *g, struct t_req *r)
{
	struct virtio_cuda_resp *resp = front_ptr(&g->f, r->resp);

	while (!r->done) {
		uint32_t len;
		struct t_req *got = front_wait(&g->f, VIRTIO_CUDA_VQ_CONTROL, &len);

		if (!got)
			return T_GUEST_TIMEOUT;
		got->done = true;
		got->written = len;
	}
	r->used = false;
	return r->written < sizeof(*resp) ? T_GUEST_TIMEOUT : resp->status;
}

uint32_t t_guest_call(struct t_guest *g, struct t_req *r, uint32_t body, uint32_t room)
{
	t_guest_post(g, r, body, room);
	return t_guest_wait(g, r);
}

uint32_t t_guest_hello(struct t_guest *g, uint16_t min, uint16_t max)
{
	struct t_req *r = t_guest_request(g, VIRTIO_CUDA_HELLO, 0);
	struct virtio_cuda_resp *resp = front_ptr(&g->f, r->resp);
	struct virtio_cuda_hello *body = t_guest_body(g, r);
	uint32_t status;

	body->version_min = min;
	body->version_max = max;
	body->page_size = 4096;
	body->doorbell_addr = g->bells;
	status = t_guest_call(g, r, sizeof(*body), sizeof(struct virtio_cuda_hello_resp));
	if (!status)
		g->epoch = resp->epoch;
	return status;
}

uint32_t t_guest_ping(struct t_guest *g)
{
	return t_guest_call(g, t_guest_request(g, VIRTIO_CUDA_PING, 0), 0, 0);
}

uint64_t *t_guest_event_take(struct t_guest *g)
{
	uint32_t len = 0;
	uint64_t *gpa = front_wait(&g->f, VIRTIO_CUDA_VQ_EVENT, &len);

	if (!gpa || len != sizeof(g->last_event))
		return NULL;
	memcpy(&g->last_event, front_ptr(&g->f, *gpa), len);
	return gpa;
}

bool t_guest_event(struct t_guest *g)
{
	uint64_t *gpa = t_guest_event_take(g);

	if (!gpa)
		return false;
	t_guest_event_post(g, gpa);
	return g->last_event.epoch == g->epoch;
}

struct t_vm_client t_vm_client(struct t_guest *g, uint32_t id)
{
	struct t_vm_client c = { .g = g, .id = id };
	uint32_t size = VCUDA_CHANNEL_SIZE(VCUDA_RING_MIN);

	c.gpa = front_alloc(&g->f, size, 4096);
	c.channel = front_ptr(&g->f, c.gpa);
	memset(c.channel, 0, size);
	return c;
}

struct t_req *t_vm_client_open_request(struct t_vm_client *c)
{
	struct t_req *r = t_guest_request(c->g, VIRTIO_CUDA_OPEN, c->id);
	struct virtio_cuda_open *body = t_guest_body(c->g, r);
	uint32_t size = VCUDA_CHANNEL_SIZE(VCUDA_RING_MIN), half = size / 2 & ~4095u;

	*body = (struct virtio_cuda_open){
		.version = VCUDA_CHANNEL_VERSION,
		.ring_size = VCUDA_RING_MIN,
		.region_base = T_REGION_BASE,
		.region_size = T_REGION_SIZE,
		.device_base = T_DEVICE_BASE,
		.device_size = T_DEVICE_SIZE,
		.nr_runs = 2,
	};
	body->runs[0] = (struct virtio_cuda_run){ c->gpa, half, 0 };
	body->runs[1] = (struct virtio_cuda_run){ c->gpa + half, size - half, 0 };
	return r;
}

uint32_t t_vm_client_open(struct t_vm_client *c)
{
	return t_guest_call(c->g, t_vm_client_open_request(c),
			    sizeof(struct virtio_cuda_open) + 2 * sizeof(struct virtio_cuda_run),
			    sizeof(struct virtio_cuda_open_resp));
}

uint32_t t_vm_client_close(struct t_vm_client *c)
{
	return t_guest_call(c->g, t_guest_request(c->g, VIRTIO_CUDA_CLOSE, c->id), 0, 0);
}

void t_vm_client_ring(struct t_vm_client *c, enum t_cmd cmd)
{
	struct t_req *r = t_guest_request(c->g, VIRTIO_CUDA_DOORBELL, 0);
	_Atomic uint64_t *bells = front_ptr(&c->g->f, c->g->bells);

	*(volatile uint32_t *)cw_channel_ring(c->channel) = cmd;
	atomic_fetch_or(&bells[c->id / 64], 1ull << c->id % 64);
	t_guest_post(c->g, r, 0, 0);
	t_guest_wait(c->g, r);
}

bool t_vm_client_command(struct t_vm_client *c, enum t_cmd cmd)
{
	t_vm_client_ring(c, cmd);
	return t_guest_event(c->g) && c->g->last_event.type == VIRTIO_CUDA_EV_WAKE &&
	       c->g->last_event.client == c->id && c->g->last_event.slots[0] == 1 << 1;
}

pid_t t_vm_client_worker(struct t_vm_client *c)
{
	uint32_t pid = 0;

	if (t_vm_client_command(c, T_CMD_PID))
		memcpy(&pid, cw_channel_slot(c->channel, 1)->data, sizeof(pid));
	return (pid_t)pid;
}

bool t_vm_client_grant(struct t_vm_client *c, struct t_grant grant)
{
	memcpy(cw_channel_ring(c->channel) + 8, &grant, sizeof(grant));
	return t_vm_client_command(c, T_CMD_GRANT);
}

uint32_t t_vm_client_attach(struct t_vm_client *c, uint32_t region, uint64_t gpa, uint32_t runs)
{
	struct t_req *r = t_guest_request(c->g, VIRTIO_CUDA_ATTACH, c->id);
	struct virtio_cuda_attach *body = t_guest_body(c->g, r);

	body->region = region;
	body->va = T_REGION_BASE + region % 8 * (1ull << 32);
	body->len = runs * 8192ull;
	body->nr_runs = runs;
	/* Every other pair of pages, so that they are runs indeed. */
	for (uint32_t i = 0; i < runs; i++)
		body->runs[i] = (struct virtio_cuda_run){ gpa + i * 16384ull, 8192, 0 };
	return t_guest_call(c->g, r,
			    (uint32_t)(sizeof(*body) + runs * sizeof(struct virtio_cuda_run)), 0);
}

uint32_t t_vm_client_detach(struct t_vm_client *c, uint32_t region)
{
	struct t_req *r = t_guest_request(c->g, VIRTIO_CUDA_DETACH, c->id);

	((struct virtio_cuda_detach *)t_guest_body(c->g, r))->region = region;
	return t_guest_call(c->g, r, sizeof(struct virtio_cuda_detach), 0);
}
