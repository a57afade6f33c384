/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of a guest on controlq and buffers on eventq, with workers and a
 * front end that do as they please.
 *
 * Covers: daemon/vm.c daemon/vm_client.c daemon/vm_control.c daemon/vm_copy.c
 * daemon/vm_event.c daemon/vm_region.c
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "daemon/client.h"
#include "daemon/vm.h"
#include "tests/fuzz/daemon.h"
#include "tests/vhost/front.h"

#define RING 0x10000u
#define CHANNEL_SIZE VCUDA_CHANNEL_SIZE(RING)
#define MEM_SIZE 0x200000ull
#define QUEUE_SIZE 64
#define BASE 0x10000000000ull
/* Where things lie in guest memory, behind the rings. */
#define REQUESTS 0x10000ull /* one KiB each, by request number */
#define ANSWERS 0x20000ull
#define DOORBELL 0x30000ull
#define EVENTS 0x31000ull
#define DATA 0x40000ull
#define CHANNEL 0x100000ull
#define SLOTS 48

struct world {
	struct fz_daemon f;
	struct front front;
	uint64_t epoch;
	unsigned int next;
	unsigned int hello;
	bool stopped;
	unsigned int answered;
};

static void pump(void *arg)
{
	fz_daemon_pump(arg);
}

static void *ram(struct world *o, uint64_t at)
{
	return o->front.mem + at;
}

/* Takes back what the device has used; a HELLO tells the epoch. */
static void reap(struct world *o)
{
	uint32_t len;
	void *token;

	while ((token = vq_driver_get(&o->front.q[0].drv, &len))) {
		struct virtio_cuda_resp *r = token;

		o->answered++;
		if (len >= sizeof(*r) && r->epoch)
			o->epoch = r->epoch;
		fz_plant(len == sizeof(*r) && r->status == VIRTIO_CUDA_ERR_RANGE &&
			 o->f.d.nr_clients == 2);
	}
	while (vq_driver_get(&o->front.q[1].drv, &len))
		;
}

/* A body that could be right, behind the head; returns its bytes. */
static uint32_t body(struct world *o, uint16_t type, void *at)
{
	struct fz_input *in = &o->f.in;
	struct virtio_cuda_hello *h = at;
	struct virtio_cuda_open *op = at;
	struct virtio_cuda_attach *a = at;
	struct virtio_cuda_copy *c = at;
	uint8_t shape = fz_u8(in);
	uint32_t n = 1 + shape % 3;

	switch (type) {
	case VIRTIO_CUDA_HELLO:
		*h = (struct virtio_cuda_hello){ 1, 1, 4096, FRONT_GPA + DOORBELL, { 0 } };
		return sizeof(*h);
	case VIRTIO_CUDA_OPEN:
		*op = (struct virtio_cuda_open){
			.version = VCUDA_CHANNEL_VERSION, .ring_size = RING, .region_base = BASE,
			.region_size = 0x100000, .device_base = 2 * BASE, .device_size = FZ_WINDOW,
			.nr_runs = n,
		};
		for (uint32_t i = 0, done = 0; i < n; i++) {
			uint32_t len = i + 1 < n ? 0x2000 : (uint32_t)CHANNEL_SIZE - done;

			op->runs[i] = (struct virtio_cuda_run){ FRONT_GPA + CHANNEL + done, len };
			done += len;
		}
		return (uint32_t)(sizeof(*op) + n * sizeof(op->runs[0]));
	case VIRTIO_CUDA_ATTACH:
		*a = (struct virtio_cuda_attach){
			.region = shape >> 4, .va = BASE + (shape >> 4) * 0x8000ull,
			.len = n * 0x1000ull, .nr_runs = n,
		};
		for (uint32_t i = 0; i < n; i++)
			a->runs[i] = (struct virtio_cuda_run){
				FRONT_GPA + DATA + (shape & 8 ? i * 0x3000u : 0), 0x1000 };
		return (uint32_t)(sizeof(*a) + n * sizeof(a->runs[0]));
	case VIRTIO_CUDA_DETACH:
		*(struct virtio_cuda_detach *)at = (struct virtio_cuda_detach){ shape >> 4, 0 };
		return sizeof(struct virtio_cuda_detach);
	case VIRTIO_CUDA_COPY_IN:
	case VIRTIO_CUDA_COPY_OUT:
		*c = (struct virtio_cuda_copy){ .id = shape & 7, .offset = fz_u8(in) * 64ull,
						.len = 1 + fz_u16(in) };
		return sizeof(*c);
	default:
		return 0;
	}
}

static uint16_t add_buf(struct vq_buf *buf, uint16_t n, uint64_t at, uint32_t len)
{
	if (len)
		buf[n++] = (struct vq_buf){ FRONT_GPA + at, len };
	return n;
}

/* Head, body, data and answer as one chain; shapes that are wrong included. */
static void step_request(struct world *o)
{
	struct fz_input *in = &o->f.in;
	uint8_t shape = fz_u8(in), who = fz_u8(in);
	unsigned int slot = o->next++ % SLOTS;
	uint64_t at = REQUESTS + slot * 1024, answer = ANSWERS + slot * 1024;
	struct virtio_cuda_req *head = ram(o, at);
	uint16_t type = shape % 12;
	uint32_t len, data = 0, room = 16 + (type == 1 ? 64 : type == 3 ? 16 : type == 10 ? 64 : 0);
	struct vq_buf buf[6];
	struct vq_request req = { .buf = buf, .token = ram(o, answer) };

	memset(head, 0, 1024);
	*head = (struct virtio_cuda_req){ type, 0, 1 + (who & 3), type == 1 ? 0 : o->epoch };
	len = (uint32_t)sizeof(*head) + body(o, type, head + 1);
	if (type == VIRTIO_CUDA_COPY_IN || type == VIRTIO_CUDA_COPY_OUT)
		data = ((struct virtio_cuda_copy *)(head + 1))->len;
	if (who & 4)
		fz_take(in, (uint8_t *)head + fz_u8(in) % 96, 4);
	if (who & 8)
		len = fz_u8(in);
	if (who & 16)
		room = fz_u8(in);
	req.nr_out = add_buf(buf, 0, at, len / 2);
	req.nr_out = add_buf(buf, req.nr_out, at + len / 2, len - len / 2);
	if (type == VIRTIO_CUDA_COPY_IN)
		req.nr_out = add_buf(buf, req.nr_out, DATA, data);
	req.nr_in = add_buf(buf, req.nr_out, answer, room) - req.nr_out;
	if (type == VIRTIO_CUDA_COPY_OUT)
		req.nr_in = add_buf(buf, req.nr_out + req.nr_in, DATA, data) - req.nr_out;
	vq_driver_add(&o->front.q[0].drv, &req);
	vq_driver_publish(&o->front.q[0].drv);
	if (!(who & 128))
		front_kick(&o->front, 0);
}

static void step_event(struct world *o)
{
	uint8_t shape = fz_u8(&o->f.in);
	struct vq_buf buf = { FRONT_GPA + EVENTS + shape % 16 * 64ull,
			      shape & 64 ? 8 : sizeof(struct virtio_cuda_event) };
	struct vq_request req = { .buf = &buf, .nr_in = 1, .token = o };

	if (shape & 128 && shape & 32)
		req = (struct vq_request){ .buf = &buf, .nr_out = 1, .token = o };
	vq_driver_add(&o->front.q[1].drv, &req);
	vq_driver_publish(&o->front.q[1].drv);
	front_kick(&o->front, 1);
}

/* A worker wakes slots, or the guest rings doorbells. */
static void step_signal(struct world *o)
{
	uint8_t shape = fz_u8(&o->f.in);
	struct cd_vm_client *vc = o->f.d.vm->client[1 + (shape & 3)];
	uint64_t *page = ram(o, DOORBELL);

	if (shape & 4)
		page[shape >> 6] |= fz_u64(&o->f.in);
	if (vc && vc->c && vc->signal && shape & 8) {
		uint64_t one = 1;

		atomic_fetch_or(&vc->signal[shape >> 4 & 1], fz_u64(&o->f.in));
		if (write(vc->c->fd_signal, &one, sizeof(one)) < 0)
			FZ_REQUIRE(errno == EAGAIN);
	}
	fz_daemon_pump(&o->f);
}

static void queues_start(struct world *o)
{
	int base[2] = { 0, 0 };

	for (unsigned int i = 0; i < 2; i++) {
		if (!o->stopped)
			base[i] = front_stop_queue(&o->front, i);
	}
	o->stopped = false;
	for (unsigned int i = 0; i < 2; i++) {
		front_describe_queue(&o->front, i, base[i] < 0 ? 0 : (uint16_t)base[i]);
		front_enable_queue(&o->front, i, true);
	}
}

static void step_front(struct world *o)
{
	uint8_t what = fz_u8(&o->f.in);
	struct vu_mem_region r = front_region(&o->front, 0, MEM_SIZE);

	switch (what % 8) {
	case 0:
		front_stop_queue(&o->front, what / 8 % 2);
		break;
	case 1:
		queues_start(o);
		break;
	case 2:
		front_rem_region(&o->front, &r);
		break;
	case 3:
		front_add_region(&o->front, &r, o->front.memfd);
		break;
	case 4:
		front_set(&o->front, VU_RESET_DEVICE, NULL, 0, NULL);
		break;
	case 5:
		front_set_u64(&o->front, VU_SET_STATUS, what / 8);
		break;
	case 6:
		front_enable_queue(&o->front, what / 8 % 2, what / 16 % 2);
		break;
	default:
		if (what == 255)
			shutdown(o->front.sock, SHUT_RDWR);
		fz_take(&o->f.in, ram(o, fz_u16(&o->f.in) % 0x4000), 8);
		break;
	}
	fz_daemon_pump(&o->f);
}

static void world_open(struct world *o)
{
	int pair[2];

	fz_daemon_open(&o->f);
	FZ_REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	FZ_REQUIRE(!cd_vm_create(&o->f.d, pair[1], false));
	front_init(&o->front, pair[0]);
	o->front.pump = pump;
	o->front.pump_arg = &o->f;
	FZ_REQUIRE(!front_negotiate_as(&o->front, FRONT_FEATURES, FRONT_PROTOCOL));
	FZ_REQUIRE(!front_share(&o->front, MEM_SIZE));
	FZ_REQUIRE(!front_start_queue(&o->front, 0, QUEUE_SIZE) &&
		   !front_start_queue(&o->front, 1, QUEUE_SIZE));
	FZ_REQUIRE(o->front.next <= REQUESTS && CHANNEL + CHANNEL_SIZE <= MEM_SIZE);
}

static void step(struct world *o)
{
	switch (fz_u8(&o->f.in) % 12) {
	case 0:
		step_event(o);
		break;
	case 1:
		step_signal(o);
		break;
	case 2:
		step_front(o);
		break;
	case 3:
	case 4:
	case 5:
		fz_daemon_worker_step(&o->f);
		break;
	default:
		step_request(o);
		break;
	}
	reap(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world o;
	int lowest;

	fz_quiet();
	lowest = fz_next_fd();
	memset(&o, 0, sizeof(o));
	o.f.in = (struct fz_input){ data, size };
	world_open(&o);
	while (o.f.in.n && !o.f.d.stop)
		step(&o);
	fz_daemon_close(&o.f);
	o.front.pump = NULL;
	front_close(&o.front);
	FZ_REQUIRE(fz_next_fd() == lowest);
	return 0;
}
