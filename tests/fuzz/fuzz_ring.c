/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that writes what it likes to a ring of either format, and a device that pops
 * and pushes. Also the other way round: a device that lies to our driver side.
 *
 * Covers: virtio/queue.c virtio/chain.c virtio/split.c virtio/packed.c virtio/mem.c
 * virtio/iov.c virtio/driver.c virtio/driver_split.c virtio/driver_packed.c
 */
#include <errno.h>

#include <linux/virtio_config.h>

#include "tests/fuzz/fuzz.h"
#include "virtio/driver.h"
#include "virtio/queue.h"

#define RAM_GPA 0x100000ull
#define RAM_SIZE 0x4000u
#define RAM_SEAM (RAM_GPA + RAM_SIZE / 2)
#define TABLE_AT 0x3000u /* where indirect tables like to lie */
#define TOUCH_MAX 4096u
#define HELD_MAX 8

struct ring {
	struct fz_input in;
	struct vq q;
	struct vq_mem mem;
	struct vq_driver drv;
	struct vq_setup setup;
	struct vq_elem *held[HELD_MAX];
	unsigned int nr_held;
	uint8_t *ram;
};

static bool is_packed(const struct ring *r)
{
	return r->setup.features & (1ull << VIRTIO_F_RING_PACKED);
}

static void on_fault(struct vq *q)
{
	FZ_REQUIRE(q->fault > VQ_FAULT_NONE && q->fault < VQ_FAULT_COUNT);
	FZ_REQUIRE(vq_fault_str(q->fault) != NULL);
}

/* A guest address: mostly one that means something. */
static uint64_t address(struct ring *r)
{
	switch (fz_u8(&r->in) % 6) {
	case 0:
		return RAM_SEAM - 16 + fz_u8(&r->in);
	case 1:
		return RAM_GPA + RAM_SIZE - fz_u8(&r->in);
	case 2:
		return RAM_GPA + TABLE_AT + fz_u8(&r->in) % 32 * 16;
	case 3:
		return fz_u64(&r->in);
	default:
		return RAM_GPA + fz_u16(&r->in);
	}
}

static struct vring_desc descriptor(struct ring *r)
{
	struct vring_desc d = { .addr = address(r) };
	uint8_t shape = fz_u8(&r->in);

	d.len = shape & 0x80 ? fz_u32(&r->in) : shape & 0x40 ? 16u * (shape & 15) : fz_u16(&r->in);
	d.flags = shape & 0x20 ? fz_u16(&r->in) : shape & 7;
	d.next = fz_u8(&r->in);
	return d;
}

static void ring_start(struct ring *r, uint16_t size, uint64_t features)
{
	uint32_t at = 0;

	r->setup = (struct vq_setup){ .mem = &r->mem, .features = features, .size = size,
				      .base = vq_fresh_base(features),
				      .big_endian = true };
	for (int i = 0; i < VQ_AREA_COUNT; i++) {
		r->setup.area[i] = r->ram + at;
		at += (uint32_t)((vq_area_size(i, size, features) + 63) & ~63ul);
		FZ_REQUIRE(vq_area_align(i, features) <= 64);
	}
	FZ_REQUIRE(at <= TABLE_AT);
	FZ_REQUIRE(!vq_driver_init(&r->drv, r->setup.area, size, features));
	FZ_REQUIRE(!vq_start(&r->q, &r->setup));
}

/* All of an element lies in RAM, and its lengths are those of its segments. */
static void element_check(struct ring *r, struct vq_elem *e)
{
	const struct vq_segs *side[2] = { &e->out, &e->in };
	uint32_t len[2] = { e->out_len, e->in_len };
	uint8_t buf[TOUCH_MAX];

	FZ_REQUIRE(e->out.n + e->in.n <= VQ_MAX_SEGS && e->out.n + e->in.n);
	for (int s = 0; s < 2; s++) {
		FZ_REQUIRE(vq_iov_size(side[s]->seg, side[s]->n) == len[s]);
		for (size_t i = 0; i < side[s]->n; i++) {
			uint8_t *at = side[s]->seg[i].addr;

			FZ_REQUIRE(side[s]->seg[i].len && at >= r->ram &&
				   at + side[s]->seg[i].len <= r->ram + RAM_SIZE);
		}
	}
	vq_iov_to_buf(e->out.seg, e->out.n, buf, sizeof(buf));
}

static void op_pop(struct ring *r)
{
	struct vq_elem *e;
	int ret;

	if (r->nr_held == HELD_MAX)
		return;
	e = malloc(sizeof(*e));
	ret = vq_pop(&r->q, e);
	FZ_REQUIRE(ret == 1 || !ret || (ret == -EINVAL && (r->q.fault || !vq_running(&r->q))));
	if (ret <= 0) {
		free(e);
		return;
	}
	element_check(r, e);
	r->held[r->nr_held++] = e;
	fz_plant(e->out.n == 3 && e->in.n == 2 && e->in_len == 64);
}

static struct vq_elem *take_held(struct ring *r)
{
	unsigned int i = r->nr_held ? fz_u8(&r->in) % r->nr_held : 0;
	struct vq_elem *e = r->nr_held ? r->held[i] : NULL;

	if (e)
		r->held[i] = r->held[--r->nr_held];
	return e;
}

static void op_push(struct ring *r)
{
	struct vq_elem *e = take_held(r);
	uint8_t buf[64] = { 1 };
	int ret;

	if (!e)
		return;
	vq_iov_from_buf(e->in.seg, e->in.n, buf, fz_u8(&r->in) % sizeof(buf));
	ret = vq_push(&r->q, e, fz_u16(&r->in));
	FZ_REQUIRE(!ret || ret == -ESTALE || ret == -EINVAL);
	if (fz_u8(&r->in) & 1)
		FZ_REQUIRE(vq_push(&r->q, e, 0) < 0); /* given back already */
	free(e);
}

static void op_consume(struct ring *r)
{
	struct vq_elem *e = take_held(r);
	uint8_t what = fz_u8(&r->in), buf[256] = { 0 };
	size_t len = fz_u8(&r->in), size;
	struct vq_segs *s;

	if (!e)
		return;
	s = what & 1 ? &e->in : &e->out;
	size = vq_iov_size(s->seg, s->n);
	switch (what / 2 % 4) {
	case 0:
		FZ_REQUIRE(vq_iov_discard_front(s, len) == cw_min(len, size));
		break;
	case 1:
		FZ_REQUIRE(vq_iov_discard_back(s, len) == cw_min(len, size));
		break;
	case 2:
		FZ_REQUIRE(!vq_iov_pull(s, buf, len) == (len <= size));
		break;
	default:
		FZ_REQUIRE(!vq_iov_put(s, buf, len) == (len <= size));
		break;
	}
	FZ_REQUIRE(vq_iov_size(s->seg, s->n) <= size);
	r->held[r->nr_held++] = e;
}

static void op_unpop(struct ring *r)
{
	struct vq_elem *e = take_held(r);

	if (e)
		vq_unpop(&r->q, e);
	free(e);
}

/* A setup with one thing wrong with it. */
static void start_refused(struct ring *r, uint8_t what)
{
	struct vq_setup bad = r->setup;
	void **area = &bad.area[what / 4 % VQ_AREA_COUNT];

	switch (what % 4) {
	case 0:
		bad.size = what & 4 || is_packed(r) ? 0 : 3;
		break;
	case 1:
		bad.size = VQ_MAX_SIZE + 1;
		break;
	case 2:
		*area = (char *)*area + 1;
		break;
	default:
		*area = NULL;
		break;
	}
	FZ_REQUIRE(vq_start(&r->q, &bad) < 0);
}

static void op_restart(struct ring *r)
{
	r->setup.base = vq_stop(&r->q);
	if (fz_u8(&r->in) & 1) {
		uint64_t gpa = fz_u8(&r->in) & 1 ? RAM_SEAM : address(r);

		if (!vq_mem_del(&r->mem, gpa, RAM_SIZE / 2))
			FZ_REQUIRE(!vq_mem_add(&r->mem, gpa, RAM_SIZE / 2,
					       r->ram + (gpa - RAM_GPA)));
		FZ_REQUIRE(vq_mem_add(&r->mem, RAM_GPA, 1 + fz_u16(&r->in), r->ram) < 0);
	}
	if (fz_u8(&r->in) & 1) {
		uint16_t base = fz_u16(&r->in);
		bool beyond = (base & 0x7fff) >= r->setup.size;

		r->setup.base = base;
		if (is_packed(r))
			r->setup.base = beyond ? vq_fresh_base(r->setup.features) :
						 base | (uint32_t)base << 16;
	}
	if (fz_u8(&r->in) & 1)
		start_refused(r, fz_u8(&r->in));
	FZ_REQUIRE(!vq_start(&r->q, &r->setup));
}

static void op_head(struct ring *r)
{
	uint8_t head = fz_u8(&r->in);

	if (is_packed(r)) {
		struct vring_packed_desc *d = r->setup.area[VQ_AREA_DESC];

		d += r->q.packed.avail.pos % r->setup.size;
		d->id = head;
		d->flags &= ~(VQ_PACKED_AVAIL | VQ_PACKED_USED);
		d->flags |= vq_packed_avail_flags(r->q.packed.avail.wrap);
		return;
	}
	r->drv.split.avail->ring[r->drv.split.avail->idx % r->setup.size] = head;
	r->drv.split.avail->idx++;
}

/* The driver's orderly side, against whatever lies in the used ring. */
static void op_driver(struct ring *r)
{
	struct vq_buf buf[4];
	struct vq_request req = { .buf = buf, .token = r };
	uint8_t what = fz_u8(&r->in);
	uint32_t len;

	for (int i = 0; i < 4; i++)
		buf[i] = (struct vq_buf){ address(r), fz_u16(&r->in) };
	req.nr_out = what & 1;
	req.nr_in = what >> 1 & 3;
	if (what & 8) {
		req.table = (void *)(r->ram + TABLE_AT);
		req.table_gpa = RAM_GPA + TABLE_AT;
	}
	vq_driver_add(&r->drv, &req);
	vq_driver_publish(&r->drv);
	if (what & 16)
		vq_driver_kick_needed(&r->drv);
	if (what & 32)
		vq_driver_disable_cb(&r->drv);
	if (what & 64)
		vq_driver_enable_cb(&r->drv);
	if (what & 128 && vq_driver_pending(&r->drv))
		FZ_REQUIRE(vq_driver_get(&r->drv, &len) != &len);
}

static void op_store(struct ring *r)
{
	uint32_t at = fz_u16(&r->in) % RAM_SIZE;

	fz_take(&r->in, r->ram + at, cw_min(RAM_SIZE - at, (uint32_t)fz_u8(&r->in) % 32));
}

static void ring_op(struct ring *r)
{
	struct vring_desc d;

	switch (fz_u8(&r->in) % 13) {
	case 0:
	case 1:
		d = descriptor(r);
		((struct vring_desc *)r->setup.area[VQ_AREA_DESC])[fz_u8(&r->in) % r->setup.size] =
			d;
		break;
	case 2:
	case 3:
		d = descriptor(r);
		memcpy(r->ram + TABLE_AT + fz_u8(&r->in) % 128 * sizeof(d), &d, sizeof(d));
		break;
	case 4:
		op_head(r);
		break;
	case 5:
		op_pop(r);
		break;
	case 6:
		op_push(r);
		break;
	case 7:
		op_consume(r);
		break;
	case 8:
		op_unpop(r);
		break;
	case 9:
		if (fz_u8(&r->in) & 1)
			vq_disable_notify(&r->q);
		else if (!vq_enable_notify(&r->q))
			vq_should_notify(&r->q);
		break;
	case 10:
		op_driver(r);
		break;
	case 11:
		op_store(r);
		break;
	default:
		op_restart(r);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ring *r = calloc(1, sizeof(*r));
	uint64_t features = 1ull << VIRTIO_F_VERSION_1;
	uint8_t shape;

	r->in = (struct fz_input){ data, size };
	shape = fz_u8(&r->in);
	features |= (uint64_t)(shape >> 3 & 1) << VIRTIO_RING_F_INDIRECT_DESC;
	features |= (uint64_t)(shape >> 4 & 1) << VIRTIO_RING_F_EVENT_IDX;
	features |= (uint64_t)(shape >> 5 & 1) << VIRTIO_F_RING_PACKED;
	features |= (uint64_t)(shape >> 6 & 1) << VIRTIO_F_IN_ORDER;
	/* A legacy guest, and one of the other byte order. */
	if (shape >> 7 & 1)
		features &= ~(1ull << VIRTIO_F_VERSION_1);
	r->ram = aligned_alloc(4096, RAM_SIZE);
	memset(r->ram, 0, RAM_SIZE);
	vq_mem_init(&r->mem);
	FZ_REQUIRE(!vq_mem_add(&r->mem, RAM_GPA, RAM_SIZE / 2, r->ram));
	FZ_REQUIRE(!vq_mem_add(&r->mem, RAM_SEAM, RAM_SIZE / 2, r->ram + RAM_SIZE / 2));
	vq_init(&r->q, on_fault, r);
	ring_start(r, (uint16_t)(1u << (shape & 7)), features);
	while (r->in.n)
		ring_op(r);
	while (r->nr_held)
		free(r->held[--r->nr_held]);
	vq_stop(&r->q);
	vq_driver_finish(&r->drv);
	free(r->ram);
	free(r);
	return 0;
}
