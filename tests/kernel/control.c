// SPDX-License-Identifier: Apache-2.0
/*
 * controlq of the scripted device: one handler per type of message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "cw/log.h"
#include "cw/util.h"
#include "tests/kernel/testdev.h"

/**
 * struct request - A message being carried out
 * @req:	its header, copied
 * @elem:	its chain; the header is consumed
 * @answer:	body of the answer
 * @answer_len:	bytes of it
 * @data_len:	bulk bytes written behind the answer
 */
struct request {
	struct virtio_cuda_req req;
	struct vq_elem *elem;
	struct td_client *client;
	uint8_t answer[128];
	uint32_t answer_len;
	uint32_t data_len;
};

static uint32_t do_hello(struct td *td, struct request *r)
{
	struct virtio_cuda_hello_resp resp = {
		.version = VIRTIO_CUDA_VERSION,
		.granule_shift = (uint16_t)td->granule_shift,
		.max_clients = 64,
		.max_copy = VIRTIO_CUDA_MAX_COPY,
		.max_region_runs = VIRTIO_CUDA_MAX_REGION_RUNS,
		.window_size = SCRIPT_WINDOW,
	};
	struct virtio_cuda_hello hello;

	if (vq_iov_pull(&r->elem->out, &hello, sizeof(hello)))
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (hello.version_min > VIRTIO_CUDA_VERSION || hello.version_max < VIRTIO_CUDA_VERSION)
		return VIRTIO_CUDA_ERR_VERSION;
	td_reset(td);
	if (!vq_mem_ptr(vu_mem(td->backend), hello.doorbell_addr, 4096))
		return VIRTIO_CUDA_ERR_ADDRESS;
	td->bells_gpa = hello.doorbell_addr;
	if (getrandom(&td->epoch, sizeof(td->epoch), 0) != sizeof(td->epoch))
		abort();
	td->hellos++;
	memcpy(r->answer, &resp, sizeof(resp));
	r->answer_len = sizeof(resp);
	return VIRTIO_CUDA_OK;
}

static uint32_t do_ping(struct td *td, struct request *r)
{
	td->pings++;
	return VIRTIO_CUDA_OK;
}

/* Copies and checks @n runs that follow in the chain; their sum in @ret_len. */
static uint32_t take_runs(struct td *td, struct request *r, struct td_run *runs, uint32_t n,
			  uint64_t *ret_len)
{
	uint64_t len = 0, mask = (1ull << td->granule_shift) - 1;

	for (uint32_t i = 0; i < n; i++) {
		struct virtio_cuda_run run;

		if (vq_iov_pull(&r->elem->out, &run, sizeof(run)) || run.zero || !run.len ||
		    run.addr & mask || run.len & mask)
			return VIRTIO_CUDA_ERR_MALFORMED;
		if (!vq_mem_ptr(vu_mem(td->backend), run.addr, run.len))
			return VIRTIO_CUDA_ERR_ADDRESS;
		runs[i] = (struct td_run){ run.addr, run.len };
		len += run.len;
	}
	*ret_len = len;
	return r->elem->out.n ? VIRTIO_CUDA_ERR_MALFORMED : VIRTIO_CUDA_OK;
}

static uint8_t *window_create(void)
{
	int fd = memfd_create("window", MFD_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, SCRIPT_WINDOW))
		p = mmap(NULL, SCRIPT_WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static uint32_t do_open(struct td *td, struct request *r)
{
	struct virtio_cuda_open_resp resp = { .window_size = SCRIPT_WINDOW, .direct = 1 };
	struct td_client *c = &td->client[r->req.client];
	struct virtio_cuda_open open;
	uint64_t len = 0;
	uint32_t status;

	if (c->open)
		return VIRTIO_CUDA_ERR_BUSY;
	if (vq_iov_pull(&r->elem->out, &open, sizeof(open)) || !open.nr_runs ||
	    open.nr_runs > VIRTIO_CUDA_MAX_CHANNEL_RUNS)
		return VIRTIO_CUDA_ERR_MALFORMED;
	status = take_runs(td, r, c->runs, open.nr_runs, &len);
	if (status)
		return status;
	if (len != cw_align_up(VCUDA_CHANNEL_SIZE(open.ring_size), 1ull << td->granule_shift))
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (open.region_base == 0xdead000)
		return VIRTIO_CUDA_ERR_ADDRESS;
	c->nr_runs = open.nr_runs;
	c->ring_size = open.ring_size;
	c->window = window_create();
	if (!c->window)
		return VIRTIO_CUDA_ERR_LIMIT;
	c->open = true;
	memcpy(r->answer, &resp, sizeof(resp));
	r->answer_len = sizeof(resp);
	return VIRTIO_CUDA_OK;
}

static uint32_t do_close(struct td *td, struct request *r)
{
	td_client_close(r->client);
	td->closes++;
	return VIRTIO_CUDA_OK;
}

static struct td_region *region_find(struct td_client *c, uint32_t id)
{
	for (unsigned int i = 0; i < TD_REGIONS; i++) {
		if (c->region[i].id == id)
			return &c->region[i];
	}
	return NULL;
}

static uint32_t do_attach(struct td *td, struct request *r)
{
	struct virtio_cuda_attach attach;
	struct td_region *region;
	uint64_t len = 0;
	uint32_t status;

	if (vq_iov_pull(&r->elem->out, &attach, sizeof(attach)) || !attach.region ||
	    !attach.nr_runs || attach.nr_runs > VIRTIO_CUDA_MAX_REGION_RUNS)
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (region_find(r->client, attach.region))
		return VIRTIO_CUDA_ERR_BUSY;
	region = region_find(r->client, 0);
	if (!region)
		return VIRTIO_CUDA_ERR_LIMIT;
	region->runs = calloc(attach.nr_runs, sizeof(*region->runs));
	if (!region->runs)
		return VIRTIO_CUDA_ERR_LIMIT;
	status = take_runs(td, r, region->runs, attach.nr_runs, &len);
	if (!status && len != attach.len)
		status = VIRTIO_CUDA_ERR_MALFORMED;
	if (status) {
		free(region->runs);
		region->runs = NULL;
		return status;
	}
	region->id = attach.region;
	region->va = attach.va;
	region->len = attach.len;
	region->nr_runs = attach.nr_runs;
	return VIRTIO_CUDA_OK;
}

static uint32_t do_detach(struct td *td, struct request *r)
{
	struct virtio_cuda_detach detach;
	struct td_region *region;

	if (vq_iov_pull(&r->elem->out, &detach, sizeof(detach)) || !detach.region)
		return VIRTIO_CUDA_ERR_MALFORMED;
	region = region_find(r->client, detach.region);
	if (!region)
		return VIRTIO_CUDA_ERR_MALFORMED;
	free(region->runs);
	memset(region, 0, sizeof(*region));
	return VIRTIO_CUDA_OK;
}

static uint32_t take_copy(struct request *r, struct virtio_cuda_copy *copy)
{
	if (vq_iov_pull(&r->elem->out, copy, sizeof(*copy)) || !copy->len ||
	    copy->len > VIRTIO_CUDA_MAX_COPY || copy->reserved)
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (!cw_range_ok(copy->offset, copy->len, SCRIPT_WINDOW))
		return VIRTIO_CUDA_ERR_RANGE;
	return VIRTIO_CUDA_OK;
}

static uint32_t do_copy_in(struct td *td, struct request *r)
{
	struct virtio_cuda_copy copy;
	uint32_t status = take_copy(r, &copy);

	if (status)
		return status;
	if (vq_iov_size(r->elem->out.seg, r->elem->out.n) != copy.len)
		return VIRTIO_CUDA_ERR_MALFORMED;
	vq_iov_to_buf(r->elem->out.seg, r->elem->out.n, r->client->window + copy.offset, copy.len);
	r->client->copied += copy.len;
	return VIRTIO_CUDA_OK;
}

static uint32_t do_copy_out(struct td *td, struct request *r)
{
	struct virtio_cuda_copy copy;
	uint32_t status = take_copy(r, &copy);
	struct vq_segs in = r->elem->in;

	if (status)
		return status;
	vq_iov_discard_front(&in, sizeof(struct virtio_cuda_resp));
	if (vq_iov_size(in.seg, in.n) != copy.len)
		return VIRTIO_CUDA_ERR_MALFORMED;
	vq_iov_from_buf(in.seg, in.n, r->client->window + copy.offset, copy.len);
	r->client->copied += copy.len;
	r->data_len = copy.len;
	return VIRTIO_CUDA_OK;
}

static uint32_t do_stat(struct td *td, struct request *r)
{
	struct virtio_cuda_stat stat = {
		.commands = r->client->commands,
		.kicks = r->client->kicks,
		.wakes = r->client->wakes,
		.copied_bytes = r->client->copied,
	};

	memcpy(r->answer, &stat, sizeof(stat));
	r->answer_len = sizeof(stat);
	return VIRTIO_CUDA_OK;
}

/* Takes every bit and lets its client's worker run. */
static void scan_bells(struct td *td)
{
	uint64_t *bells = vq_mem_ptr(vu_mem(td->backend), td->bells_gpa, 4096);

	for (unsigned int w = 0; bells && w < TD_CLIENTS / 64; w++) {
		uint64_t mask = __atomic_exchange_n(&bells[w], 0, __ATOMIC_SEQ_CST);

		for (; mask; mask &= mask - 1) {
			uint32_t id = w * 64 + __builtin_ctzll(mask);

			td->client[id].kicks++;
			td_worker_run(td, id);
		}
	}
}

static const struct {
	uint32_t (*fn)(struct td *td, struct request *r);
	bool client; /* needs one that is open */
} handlers[] = {
	[VIRTIO_CUDA_HELLO] = { do_hello, false },
	[VIRTIO_CUDA_PING] = { do_ping, false },
	[VIRTIO_CUDA_OPEN] = { do_open, false },
	[VIRTIO_CUDA_CLOSE] = { do_close, true },
	[VIRTIO_CUDA_ATTACH] = { do_attach, true },
	[VIRTIO_CUDA_DETACH] = { do_detach, true },
	[VIRTIO_CUDA_COPY_IN] = { do_copy_in, true },
	[VIRTIO_CUDA_COPY_OUT] = { do_copy_out, true },
	[VIRTIO_CUDA_DOORBELL] = { do_ping, false },
	[VIRTIO_CUDA_STAT] = { do_stat, true },
};

static uint32_t carry_out(struct td *td, struct request *r)
{
	uint16_t type = r->req.type;

	if (!type || type >= CW_ARRAY_SIZE(handlers) || r->req.flags ||
	    r->req.client >= TD_CLIENTS)
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (type != VIRTIO_CUDA_HELLO && r->req.epoch != td->epoch)
		return VIRTIO_CUDA_ERR_STALE;
	r->client = &td->client[r->req.client];
	if (handlers[type].client && !r->client->open)
		return VIRTIO_CUDA_ERR_NO_CLIENT;
	return type == VIRTIO_CUDA_DOORBELL ? VIRTIO_CUDA_OK : handlers[type].fn(td, r);
}

/* vq_push() reports no more than there was room for: a lie is written past it. */
static void push_lie(struct vq *q, uint32_t len)
{
	struct td_used *used = q->setup.area[VQ_AREA_DEVICE];

	used->ring[(uint16_t)(used->idx - 1) % q->setup.size].len = len;
}

static void push(struct td *td, struct vq_elem *elem, uint32_t used)
{
	struct vq *q = vu_queue(td->backend, VIRTIO_CUDA_VQ_CONTROL);

	if (vq_push(q, elem, used))
		cw_warn("element of before");
	else if (used > elem->in_len)
		push_lie(q, used);
	free(elem);
	vu_notify(td->backend, VIRTIO_CUDA_VQ_CONTROL);
}

/**
 * td_release() - Answer what was held
 * @td:		device
 */
void td_release(struct td *td)
{
	for (unsigned int i = 0; i < td->nr_held; i++)
		push(td, td->held[i], td->held_used[i]);
	td->nr_held = 0;
}

static void hold(struct td *td, struct vq_elem *elem, uint32_t used)
{
	if (td->nr_held == TD_HELD) {
		push(td, elem, used);
		return;
	}
	td->held[td->nr_held] = elem;
	td->held_used[td->nr_held++] = used;
	td->max_held = cw_max(td->max_held, (uint64_t)td->nr_held);
}

/* Spoils an answer; returns true where it is not to be pushed now. */
static bool play_trick(struct td *td, struct virtio_cuda_resp *resp, uint32_t *used)
{
	td->trick_left--;
	switch (td->trick) {
	case TRICK_SHORT:
		*used = 3;
		break;
	case TRICK_LONG:
		*used = 1u << 30;
		break;
	case TRICK_STATUS:
		resp->status = 4711;
		break;
	case TRICK_EPOCH:
		resp->epoch ^= 1;
		break;
	case TRICK_STALE:
		resp->status = VIRTIO_CUDA_ERR_STALE;
		break;
	case TRICK_BODY:
		resp->len += 8;
		break;
	}
	return td->trick == TRICK_SILENT || td->trick == TRICK_HOLD;
}

/* Whether a request is turned down without being looked at. */
static bool refused(struct td *td, const struct request *r)
{
	return td->trick_left && td->trick == TRICK_REFUSE && r->req.type == td->trick_type;
}

static void answer(struct td *td, struct request *r, uint32_t status)
{
	struct virtio_cuda_resp resp = { .status = status, .epoch = td->epoch };
	uint32_t used = sizeof(resp);
	bool keep = false;

	if (r->req.type == VIRTIO_CUDA_DOORBELL) {
		push(td, r->elem, 0);
		/* The bits are scanned when the buffer is already back. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!status)
			scan_bells(td);
		return;
	}
	if (!status) {
		resp.len = r->answer_len;
		used += r->answer_len + r->data_len;
	}
	if (td->trick_left && r->req.type == td->trick_type)
		keep = play_trick(td, &resp, &used);
	if (vq_iov_put(&r->elem->in, &resp, sizeof(resp)) ||
	    (!status && vq_iov_put(&r->elem->in, r->answer, r->answer_len)))
		cw_warn("no room for an answer type=%u", r->req.type);
	if (keep)
		hold(td, r->elem, used);
	else
		push(td, r->elem, used);
}

/**
 * td_control() - Carry out what is on controlq
 * @td:		device
 */
void td_control(struct td *td)
{
	struct vq *q = vu_queue(td->backend, VIRTIO_CUDA_VQ_CONTROL);
	int ret = 0;

	if (!q || !vq_running(q) || td_now_ms() < td->hang_until_ms)
		return;
	do {
		struct request r = { 0 };

		r.elem = malloc(sizeof(*r.elem));
		if (!r.elem)
			abort();
		ret = vq_pop(q, r.elem);
		if (ret <= 0) {
			free(r.elem);
			break;
		}
		if (vq_iov_pull(&r.elem->out, &r.req, sizeof(r.req)))
			push(td, r.elem, 0);
		else
			answer(td, &r, refused(td, &r) ? VIRTIO_CUDA_ERR_LIMIT : carry_out(td, &r));
	} while (td_now_ms() >= td->hang_until_ms);
	if (ret < 0)
		cw_error("controlq fault=\"%s\"", vq_fault_str(q->fault));
}
