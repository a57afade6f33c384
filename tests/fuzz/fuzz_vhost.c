/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vhost-user front end that says what it likes, descriptors included, to a
 * device that sometimes puts off.
 *
 * The input is a sequence of steps: a message that is nearly right, raw bytes
 * in pieces, a kick, a store to guest memory, the device being done.
 *
 * Covers: vhost/backend.c vhost/handlers.c vhost/region.c vhost/ring.c vhost/sock.c
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "tests/fuzz/fuzz.h"
#include "vhost/internal.h"

#define QUEUES 2
#define WATCHES 8
#define GPA 0x40000000ull
#define UVA 0x7f0000000000ull
#define MEM_SIZE 0x10000u
#define FILES 5
#define FEATURES                                                            \
	(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_INDIRECT_DESC | \
	 1ull << VIRTIO_RING_F_EVENT_IDX)

struct world {
	struct fz_input in;
	struct vu_backend *b;
	struct vu_watch *watch[WATCHES];
	int sock;
	int file[FILES];
	uint8_t *mem;
	bool running[QUEUES];
	struct vq_elem *held;
	unsigned int put_off;
	unsigned int refuse;
	unsigned int sessions;
};

static int watch_add(void *opaque, struct vu_watch *w)
{
	struct world *o = opaque;

	for (int i = 0; i < WATCHES && o->refuse != 1; i++) {
		if (o->watch[i])
			continue;
		o->watch[i] = w;
		return 0;
	}
	return -ENOSPC;
}

static void watch_del(void *opaque, struct vu_watch *w)
{
	struct world *o = opaque;

	for (int i = 0; i < WATCHES; i++) {
		if (o->watch[i] == w)
			o->watch[i] = NULL;
	}
}

static int later(struct world *o)
{
	if (!o->put_off)
		return 0;
	o->put_off--;
	return -EAGAIN;
}

static int on_config(void *dev, uint32_t off, const void *buf, uint32_t len)
{
	FZ_REQUIRE(off <= VU_CONFIG_MAX && len <= VU_CONFIG_MAX - off);
	return ((struct world *)dev)->refuse == 2 ? -EINVAL : 0;
}

static int on_get_config(void *dev, uint32_t off, void *buf, uint32_t len)
{
	memset(buf, 7, len);
	return on_config(dev, off, buf, len);
}

static void on_features(void *dev, uint64_t features)
{
	FZ_REQUIRE(!(features & ~(FEATURES | 1ull << VU_F_PROTOCOL_FEATURES)));
}

static void on_queue_started(void *dev, unsigned int i, struct vq *q)
{
	struct world *o = dev;

	FZ_REQUIRE(i < QUEUES && !o->running[i]);
	o->running[i] = true;
}

static int on_queue_stopped(void *dev, unsigned int i)
{
	struct world *o = dev;

	FZ_REQUIRE(i < QUEUES && o->running[i]);
	if (later(o))
		return -EAGAIN;
	if (!i && o->held)
		vq_push(vu_queue(o->b, 0), o->held, 0);
	if (!i) {
		free(o->held);
		o->held = NULL;
	}
	o->running[i] = false;
	return 0;
}

/* Queue 0 keeps one element for later, queue 1 answers at once. */
static void on_queue_kicked(void *dev, unsigned int i)
{
	struct world *o = dev;
	struct vq *q = vu_queue(o->b, i);
	struct vq_elem *e;
	uint8_t buf[64];

	FZ_REQUIRE(o->running[i]);
	vq_disable_notify(q);
	for (int n = 0; n < 64; n++) {
		e = malloc(sizeof(*e));
		if (vq_pop(q, e) <= 0) {
			free(e);
			break;
		}
		vq_iov_to_buf(e->out.seg, e->out.n, buf, sizeof(buf));
		vq_iov_from_buf(e->in.seg, e->in.n, buf, sizeof(buf));
		if (!i && !o->held) {
			o->held = e;
			continue;
		}
		FZ_REQUIRE(!vq_push(q, e, cw_min(e->in_len, 64u)));
		fz_plant(i == 1 && e->out_len == 100 && e->in_len == 28);
		free(e);
	}
	vq_enable_notify(q);
	vu_notify(o->b, i);
}

static int on_mem_added(void *dev, const struct vu_region *r)
{
	struct world *o = dev;

	FZ_REQUIRE(r->size && vu_region_find(o->b, r->gpa, r->size) == r);
	return o->refuse == 3 ? -ENOMEM : 0;
}

static int on_mem_removing(void *dev, const struct vu_region *r)
{
	return later(dev);
}

static int on_reset(void *dev)
{
	FZ_REQUIRE(!((struct world *)dev)->running[0]);
	return later(dev);
}

static void on_status(void *dev, uint8_t status)
{
}

static void on_disconnected(void *dev, const char *why)
{
	struct world *o = dev;

	FZ_REQUIRE(why && !o->running[0] && !o->running[1] && !vu_mem(o->b)->n);
	o->sessions++;
}

static const struct vu_ops ops = {
	.features = on_features,
	.get_config = on_get_config,
	.set_config = on_config,
	.queue_started = on_queue_started,
	.queue_stopped = on_queue_stopped,
	.queue_kicked = on_queue_kicked,
	.mem_added = on_mem_added,
	.mem_removing = on_mem_removing,
	.status = on_status,
	.reset = on_reset,
	.disconnected = on_disconnected,
};

/* Lets the back end run until it has nothing to do. */
static void pump(struct world *o)
{
	bool again = true;

	for (int rounds = 0; again && rounds < 32; rounds++) {
		again = false;
		for (int i = 0; i < WATCHES; i++) {
			struct pollfd p = { .events = POLLIN };

			if (!o->watch[i])
				continue;
			p.fd = o->watch[i]->fd;
			if (poll(&p, 1, 0) <= 0)
				continue;
			o->watch[i]->ready(o->watch[i]);
			again = true;
		}
	}
}

static void attach(struct world *o)
{
	int pair[2];

	if (vu_connected(o->b))
		return;
	close(o->sock);
	FZ_REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	o->sock = pair[0];
	if (vu_attach(o->b, pair[1]))
		close(pair[1]);
}

static void send_bytes(struct world *o, const void *buf, size_t len, const int *fds, size_t nr_fds)
{
	char control[CMSG_SPACE(32 * sizeof(int))] = { 0 };
	struct iovec iov = { (void *)buf, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (nr_fds) {
		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nr_fds * sizeof(int));
	}
	if (len)
		sendmsg(o->sock, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static struct vu_mem_region region(struct world *o)
{
	uint8_t shape = fz_u8(&o->in);
	uint64_t at = (shape & 3) * 0x4000ull;
	struct vu_mem_region r = { GPA + at, 0x4000, UVA + at, at };

	if (shape & 4)
		r.size = MEM_SIZE - at;
	if (shape & 8)
		r.size = fz_u32(&o->in);
	if (shape & 16)
		r.gpa = fz_u64(&o->in);
	if (shape & 32)
		r.offset ^= fz_u16(&o->in);
	if (shape & 64)
		r.uva += fz_u64(&o->in);
	return r;
}

/* A payload that could be right; returns its bytes. */
static uint32_t payload(struct world *o, struct vu_msg *m)
{
	uint8_t q = fz_u8(&o->in);
	uint64_t at = UVA + (q >> 1 & 3) * 0x1000ull;

	switch (m->hdr.request) {
	case VU_SET_FEATURES:
		m->u64 = (FEATURES | 1ull << VU_F_PROTOCOL_FEATURES) & ~(uint64_t)fz_u64(&o->in);
		break;
	case VU_SET_PROTOCOL_FEATURES:
		m->u64 = VU_BASE_PROTOCOL_FEATURES & ~(uint64_t)fz_u16(&o->in);
		break;
	case VU_SET_MEM_TABLE:
		m->table.n = q % 10;
		for (uint32_t i = 0; i < cw_min(m->table.n, 8u); i++)
			m->table.region[i] = region(o);
		return 8 + cw_min(m->table.n, 8u) * (uint32_t)sizeof(m->table.region[0]);
	case VU_ADD_MEM_REG:
	case VU_REM_MEM_REG:
		m->one.region = region(o);
		return sizeof(m->one);
	case VU_SET_VRING_NUM:
		m->state = (struct vu_vring_state){ q % 3, 1u << (q >> 4) };
		break;
	case VU_SET_VRING_ADDR:
		m->addr = (struct vu_vring_addr){ .index = q & 1, .desc = at, .avail = at + 0x400,
						  .used = at + 0x800 };
		if (q & 0x80)
			m->addr.used += fz_u64(&o->in);
		return sizeof(m->addr);
	case VU_SET_VRING_BASE:
	case VU_GET_VRING_BASE:
	case VU_SET_VRING_ENABLE:
		m->state = (struct vu_vring_state){ q % 3, fz_u8(&o->in) % 3 };
		break;
	case VU_SET_VRING_KICK:
	case VU_SET_VRING_CALL:
	case VU_SET_VRING_ERR:
		m->u64 = q % 3u;
		if (q & 16)
			m->u64 |= VU_NOFD;
		break;
	case VU_GET_CONFIG:
	case VU_SET_CONFIG:
		m->config.offset = fz_u8(&o->in);
		m->config.size = fz_u8(&o->in);
		return VU_CONFIG_HDR + m->config.size;
	case VU_SET_STATUS:
		m->u64 = q;
		break;
	default:
		return 0;
	}
	return 8;
}

static void step_message(struct world *o)
{
	static const uint8_t requests[] = {
#define NUMBER(name, number, ...) number,
		VU_MESSAGES(NUMBER)
#undef NUMBER
	};
	struct vu_msg m = { .hdr.flags = VU_VERSION };
	uint8_t shape = fz_u8(&o->in), want = 0;
	int fds[20];

	m.hdr.request = requests[fz_u8(&o->in) % CW_ARRAY_SIZE(requests)];
	m.hdr.size = payload(o, &m);
	if (m.hdr.request == VU_SET_MEM_TABLE)
		want = (uint8_t)cw_min(m.table.n, 8u);
	if (m.hdr.request == VU_ADD_MEM_REG ||
	    (m.hdr.request >= VU_SET_VRING_KICK && m.hdr.request <= VU_SET_VRING_ERR &&
	     !(m.u64 & VU_NOFD)))
		want = 1;
	if (shape & 1)
		m.hdr.flags |= VU_FLAG_NEED_REPLY;
	if (shape & 2)
		m.hdr.flags ^= fz_u32(&o->in);
	if (shape & 4)
		m.hdr.size = fz_u16(&o->in);
	if (shape & 8)
		m.hdr.request = fz_u8(&o->in);
	if (shape & 16)
		want = fz_u8(&o->in) % 20;
	if (shape & 32)
		fz_take(&o->in, (uint8_t *)&m.u64 + fz_u8(&o->in) % 200, 8);
	for (int i = 0; i < want; i++) {
		/* What memory wants is file 0, what queues want is file 1. */
		bool memory = m.hdr.request == VU_SET_MEM_TABLE || m.hdr.request == VU_ADD_MEM_REG;

		fds[i] = o->file[memory ? 0 : 1];
		if (shape & 64)
			fds[i] = o->file[fz_u8(&o->in) % FILES];
	}
	send_bytes(o, &m.hdr, sizeof(m.hdr) + cw_min((size_t)m.hdr.size, sizeof(m.table)), fds,
		   want);
	if (!(shape & 128))
		pump(o);
}

static void step_raw(struct world *o)
{
	uint8_t buf[64];
	size_t n = fz_take(&o->in, buf, fz_u8(&o->in) % sizeof(buf));
	int fd = o->file[fz_u8(&o->in) % FILES];

	send_bytes(o, buf, n, &fd, fz_u8(&o->in) & 1);
	pump(o);
}

/* Descriptors and heads of the ring at the start of a page of memory. */
static void step_ring(struct world *o)
{
	uint8_t *ring = o->mem + (fz_u8(&o->in) & 3) * 0x1000u;
	struct vring_desc *desc = (void *)ring;
	struct vring_avail *avail = (void *)(ring + 0x400);
	uint8_t i = fz_u8(&o->in) % 8, shape = fz_u8(&o->in);
	uint64_t one = 1;

	desc[i] = (struct vring_desc){ GPA + fz_u16(&o->in), fz_u8(&o->in), shape & 7,
				       shape >> 5 };
	if (shape & 8)
		avail->ring[avail->idx++ % 8] = i;
	if (shape & 16 && write(o->file[1], &one, sizeof(one)) < 0)
		FZ_REQUIRE(errno == EAGAIN);
	pump(o);
}

static void step(struct world *o)
{
	char drop[4096];

	switch (fz_u8(&o->in) % 10) {
	case 0:
		step_raw(o);
		break;
	case 1:
	case 2:
		step_ring(o);
		break;
	case 3:
		o->put_off = fz_u8(&o->in) % 4;
		break;
	case 4:
		vu_continue(o->b);
		pump(o);
		break;
	case 5:
		if (fz_u8(&o->in) % 8 == 0)
			shutdown(o->sock, SHUT_RDWR);
		o->refuse = fz_u8(&o->in) % 4;
		pump(o);
		attach(o);
		break;
	default:
		step_message(o);
		break;
	}
	while (recv(o->sock, drop, sizeof(drop), MSG_DONTWAIT) > 0)
		;
}

/* How an orderly front end begins, so that inputs need not find that first. */
static void greet(struct world *o)
{
	static const struct vu_msg hello[] = {
		{ .hdr = { VU_SET_OWNER, VU_VERSION, 0 } },
		{ .hdr = { VU_SET_PROTOCOL_FEATURES, VU_VERSION, 8 },
		  .u64 = VU_BASE_PROTOCOL_FEATURES },
		{ .hdr = { VU_SET_FEATURES, VU_VERSION, 8 },
		  .u64 = FEATURES | 1ull << VU_F_PROTOCOL_FEATURES },
		{ .hdr = { VU_ADD_MEM_REG, VU_VERSION, sizeof(struct vu_mem_one) },
		  .one.region = { GPA, MEM_SIZE, UVA, 0 } },
		{ .hdr = { VU_SET_VRING_NUM, VU_VERSION, 8 }, .state = { 1, 8 } },
		{ .hdr = { VU_SET_VRING_ADDR, VU_VERSION, sizeof(struct vu_vring_addr) },
		  .addr = { .index = 1, .desc = UVA, .avail = UVA + 0x400, .used = UVA + 0x800 } },
		{ .hdr = { VU_SET_VRING_KICK, VU_VERSION, 8 }, .u64 = 1 },
		{ .hdr = { VU_SET_VRING_CALL, VU_VERSION, 8 }, .u64 = 1 },
		{ .hdr = { VU_SET_VRING_ENABLE, VU_VERSION, 8 }, .state = { 1, 1 } },
	};
	uint8_t n = fz_u8(&o->in) % (CW_ARRAY_SIZE(hello) + 1);

	for (uint8_t i = 0; i < n; i++) {
		uint32_t request = hello[i].hdr.request;
		bool fd = request == VU_ADD_MEM_REG || request == VU_SET_VRING_KICK ||
			  request == VU_SET_VRING_CALL;

		send_bytes(o, &hello[i].hdr, sizeof(hello[i].hdr) + hello[i].hdr.size,
			   &o->file[request == VU_ADD_MEM_REG ? 0 : 1], fd);
	}
	pump(o);
}

static void world_open(struct world *o)
{
	struct vu_params params = {
		.ops = &ops, .dev = o, .loop = { watch_add, watch_del, o },
		.features = FEATURES, .nr_queues = QUEUES,
	};

	o->sock = -1;
	o->file[0] = memfd_create("ram", MFD_CLOEXEC);
	o->file[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	o->file[2] = memfd_create("small", MFD_CLOEXEC);
	o->file[3] = open("/dev/null", O_RDWR | O_CLOEXEC);
	o->file[4] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	FZ_REQUIRE(!ftruncate(o->file[0], MEM_SIZE) && !ftruncate(o->file[2], 0x1000));
	o->mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, o->file[0], 0);
	FZ_REQUIRE(o->mem != MAP_FAILED && !vu_create(&params, &o->b));
	attach(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world o = { .in = { data, size } };
	int lowest = fz_next_fd();

	world_open(&o);
	greet(&o);
	while (o.in.n)
		step(&o);
	o.put_off = 0;
	vu_detach(o.b, "over");
	vu_continue(o.b);
	FZ_REQUIRE(!vu_connected(o.b));
	vu_destroy(o.b);
	munmap(o.mem, MEM_SIZE);
	for (int i = 0; i < FILES; i++)
		close(o.file[i]);
	close(o.sock);
	FZ_REQUIRE(fz_next_fd() == lowest); /* no descriptor is left */
	return 0;
}
