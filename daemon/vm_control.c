/* SPDX-License-Identifier: Apache-2.0 */
/*
 * controlq: takes requests, judges their form, hands them on, answers them.
 *
 * Header and fixed body are copied out of guest memory once, judged from the
 * copy, and only the copy is used. What follows them, runs or payload, must be
 * exactly as long as the body says. A request that has no room for an answer
 * is given back without one.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/region.h"
#include "daemon/vm.h"

/* Requests before the other descriptors get their turn. */
#define CONTROL_BATCH 512
#define BODY_MAX 64

static struct vq *controlq(struct cd_vm *vm)
{
	return vu_queue(vm->b, VIRTIO_CUDA_VQ_CONTROL);
}

/**
 * cd_vm_hold() - The answer to a request comes later
 * @req:	request
 * @waits:	it counts for VIRTIO_CUDA_MAX_WAITING
 */
void cd_vm_hold(struct cd_vm_req *req, bool waits)
{
	req->waits = waits;
	req->vm->nr_held++;
	req->vm->nr_waiting += waits;
}

static void req_push(struct cd_vm_req *req, uint32_t written)
{
	vq_push(controlq(req->vm), &req->elem, written);
	req->vm->pushed = true;
}

static void req_put(struct cd_vm_req *req)
{
	req->next = req->vm->spare;
	req->vm->spare = req;
}

static struct cd_vm_req *req_get(struct cd_vm *vm)
{
	struct cd_vm_req *req = vm->spare;

	if (req)
		vm->spare = req->next;
	else
		req = calloc(1, sizeof(*req));
	if (req)
		req->vm = vm;
	return req;
}

/* Writes an answer; returns its bytes. */
static uint32_t write_answer(struct cd_vm_req *req, uint32_t status, const void *body, uint32_t len)
{
	struct virtio_cuda_resp resp = {
		.status = status, .len = status ? 0 : len, .epoch = req->vm->epoch
	};

	vq_iov_put(&req->elem.in, &resp, sizeof(resp));
	if (!resp.len)
		return sizeof(resp);
	vq_iov_put(&req->elem.in, body, len);
	return sizeof(resp) + len;
}

/**
 * cd_vm_dropped() - Forget a held request: its front end gets no answers any more
 * @req:	request; gone on return
 */
void cd_vm_dropped(struct cd_vm_req *req)
{
	req->vm->nr_held--;
	req->vm->nr_waiting -= req->waits;
	req_put(req);
}

/**
 * cd_vm_answered() - Give back a held request whose answer is written
 * @req:	request; gone on return
 * @written:	bytes of its writable part that were written
 */
void cd_vm_answered(struct cd_vm_req *req, uint32_t written)
{
	req_push(req, written);
	cd_vm_dropped(req);
}

/**
 * cd_vm_answer() - Answer a held request
 * @req:	request; gone on return
 * @status:	VIRTIO_CUDA_*
 * @body:	body of the answer
 * @len:	its bytes; nothing of it is sent unless @status is VIRTIO_CUDA_OK
 */
void cd_vm_answer(struct cd_vm_req *req, uint32_t status, const void *body, uint32_t len)
{
	cd_vm_answered(req, write_answer(req, status, body, len));
}

static uint32_t on_hello(struct cd_vm_req *req, const void *body)
{
	const struct virtio_cuda_hello *h = body;
	struct cd_vm *vm = req->vm;

	if (h->version_min > VIRTIO_CUDA_VERSION || h->version_max < VIRTIO_CUDA_VERSION)
		return VIRTIO_CUDA_ERR_VERSION;
	if (h->reserved[0] || h->reserved[1])
		return VIRTIO_CUDA_ERR_MALFORMED;
	/* A bit per client, and the words are exchanged as such. */
	if ((h->doorbell_addr & 63) ||
	    !vq_mem_ptr(vu_mem(vm->b), h->doorbell_addr, VIRTIO_CUDA_MAX_CLIENTS / 8))
		return VIRTIO_CUDA_ERR_ADDRESS;
	vm->doorbell_gpa = h->doorbell_addr;
	vm->epoch = 0;
	vm->parked = false;
	cd_vm_hold(req, false);
	vm->hello = req;
	/* Who said HELLO knows of no client: those there are belong to nobody. */
	cd_vm_kill_all(vm);
	cd_vm_hello_finish(vm);
	return CD_PENDING;
}

/**
 * cd_vm_hello_finish() - Answer HELLO, if it only waits for clients to be gone
 * @vm:	device
 */
void cd_vm_hello_finish(struct cd_vm *vm)
{
	struct cd_vm_req *req = vm->hello;
	struct virtio_cuda_hello_resp resp = {
		.version = VIRTIO_CUDA_VERSION,
		.granule_shift = (uint16_t)cd_vm_granule_shift(vm),
		.max_clients = vm->d->opt.max_clients,
		.max_copy = VIRTIO_CUDA_MAX_COPY,
		.max_region_runs = VIRTIO_CUDA_MAX_REGION_RUNS,
		.window_size = vm->d->opt.window_size,
		.max_chains = (uint32_t)vm->d->opt.max_chains,
	};

	if (!req || vm->nr_clients)
		return;
	while (!vm->epoch) {
		if (getrandom(&vm->epoch, sizeof(vm->epoch), 0) != sizeof(vm->epoch))
			vm->epoch = 0;
	}
	vm->hello = NULL;
	cd_vm_answer(req, VIRTIO_CUDA_OK, &resp, sizeof(resp));
	cd_vm_wake(vm);
}

static uint32_t on_ping(struct cd_vm_req *req, const void *body)
{
	return VIRTIO_CUDA_OK;
}

/**
 * struct request_type - What a request looks like
 * @body:	bytes of its fixed body
 * @answer:	bytes of its answer's body
 * @client:	names a client that must be there
 * @handle:	carries it out: a status, or CD_PENDING where it is held
 */
struct request_type {
	uint16_t body;
	uint16_t answer;
	bool client;
	uint32_t (*handle)(struct cd_vm_req *req, const void *body);
};

static const struct request_type types[] = {
	[VIRTIO_CUDA_HELLO] = { sizeof(struct virtio_cuda_hello),
				sizeof(struct virtio_cuda_hello_resp), false, on_hello },
	[VIRTIO_CUDA_PING] = { 0, 0, false, on_ping },
	[VIRTIO_CUDA_OPEN] = { sizeof(struct virtio_cuda_open),
			       sizeof(struct virtio_cuda_open_resp), false, cd_vm_open },
	[VIRTIO_CUDA_CLOSE] = { 0, 0, true, cd_vm_close },
	[VIRTIO_CUDA_ATTACH] = { sizeof(struct virtio_cuda_attach), 0, true, cd_vm_attach },
	[VIRTIO_CUDA_DETACH] = { sizeof(struct virtio_cuda_detach), 0, true, cd_vm_detach },
	[VIRTIO_CUDA_COPY_IN] = { sizeof(struct virtio_cuda_copy), 0, true, cd_vm_copy },
	[VIRTIO_CUDA_COPY_OUT] = { sizeof(struct virtio_cuda_copy), 0, true, cd_vm_copy },
	[VIRTIO_CUDA_STAT] = { 0, sizeof(struct virtio_cuda_stat), true, cd_vm_stat },
};
_Static_assert(sizeof(struct virtio_cuda_open) <= BODY_MAX &&
		       sizeof(struct virtio_cuda_hello) <= BODY_MAX &&
		       sizeof(struct virtio_cuda_attach) <= BODY_MAX,
	       "bodies fit");

/* The bytes behind the fixed body, as the body announces them. */
static uint64_t tail_length(uint16_t type, const void *body)
{
	if (type == VIRTIO_CUDA_OPEN)
		return ((const struct virtio_cuda_open *)body)->nr_runs *
		       (uint64_t)sizeof(struct virtio_cuda_run);
	if (type == VIRTIO_CUDA_ATTACH)
		return ((const struct virtio_cuda_attach *)body)->nr_runs *
		       (uint64_t)sizeof(struct virtio_cuda_run);
	if (type == VIRTIO_CUDA_COPY_IN)
		return ((const struct virtio_cuda_copy *)body)->len;
	return 0;
}

static void complain(struct cd_vm *vm, const struct virtio_cuda_req *head, uint32_t status)
{
	if (status != VIRTIO_CUDA_ERR_MALFORMED || vm->complaints <= 0)
		return;
	vm->complaints--;
	cd_complain(CW_LOG_WARN, CD_E_VM_REQUEST, "type=%u client=%u", head->type, head->client);
}

/* A request whose header is copied out: a status, or CD_PENDING. */
static uint32_t request_handle(struct cd_vm_req *req, const struct virtio_cuda_req *head)
{
	_Alignas(8) uint8_t body[BODY_MAX];
	struct cd_vm *vm = req->vm;
	const struct request_type *t = &types[head->type];
	bool hello = head->type == VIRTIO_CUDA_HELLO;

	if (head->epoch != (hello ? 0 : vm->epoch) || (!hello && !vm->epoch))
		return VIRTIO_CUDA_ERR_STALE;
	if (vq_iov_pull(&req->elem.out, body, t->body) ||
	    vq_iov_size(req->elem.out.seg, req->elem.out.n) != tail_length(head->type, body))
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (!hello && vm->parked)
		cd_vm_park(vm, false);
	req->vc = head->client < VIRTIO_CUDA_MAX_CLIENTS ? vm->client[head->client] : NULL;
	if (t->client && (!req->vc || req->vc->close_req))
		return VIRTIO_CUDA_ERR_NO_CLIENT;
	if (req->vc)
		req->vc->stat.commands++;
	return t->handle(req, body);
}

/* One element; its request is held, or given back, on return. */
static void request_take(struct cd_vm_req *req)
{
	struct cd_vm *vm = req->vm;
	struct virtio_cuda_req head = { 0 };
	uint32_t status = VIRTIO_CUDA_ERR_MALFORMED;
	bool formed = !vq_iov_pull(&req->elem.out, &head, sizeof(head)) && !head.flags;
	bool known = formed && head.type < CW_ARRAY_SIZE(types) && types[head.type].handle;
	size_t room = sizeof(struct virtio_cuda_resp) + (known ? types[head.type].answer : 0);

	if (formed && head.type == VIRTIO_CUDA_DOORBELL) {
		req_push(req, 0);
		if (vm->epoch && head.epoch == vm->epoch) {
			if (vm->parked)
				cd_vm_park(vm, false);
			cd_vm_doorbell(vm);
		}
		req_put(req);
		return;
	}
	if (req->elem.in_len < room) {
		complain(vm, &head, VIRTIO_CUDA_ERR_MALFORMED);
		req_push(req, 0);
		req_put(req);
		return;
	}
	req->type = head.type;
	req->client = head.client;
	if (known)
		status = request_handle(req, &head);
	if (status == CD_PENDING)
		return;
	complain(vm, &head, status);
	req_push(req, write_answer(req, status, NULL, 0));
	req_put(req);
}

static bool control_rests(const struct cd_vm *vm)
{
	return vm->stopped || vm->put_off || vm->hello;
}

/* Up to a batch of requests; false where there are more, or it must rest. */
static bool control_batch(struct cd_vm *vm, int *budget)
{
	struct vq *q = controlq(vm);
	struct cd_vm_req *req;
	int ret;

	while (!control_rests(vm) && *budget > 0) {
		req = req_get(vm);
		if (!req)
			return false;
		ret = vq_pop(q, &req->elem);
		if (ret > 0) {
			request_take(req);
			(*budget)--;
			continue;
		}
		req_put(req);
		if (ret < 0 && !vm->broken) {
			vm->broken = true;
			cd_complain(CW_LOG_WARN, CD_E_VM_QUEUE, "queue=0 why=\"%s\"",
				    vq_fault_str(q->fault));
		}
		return ret == 0;
	}
	return false;
}

/**
 * cd_vm_control() - Serve controlq
 * @vm:	device
 *
 * Safe to call at any time; what it may not do now it does when called again.
 */
void cd_vm_control(struct cd_vm *vm)
{
	struct vq *q = controlq(vm);
	int budget = CONTROL_BATCH;

	if (vq_running(q)) {
		vq_disable_notify(q);
		while (control_batch(vm, &budget) && vq_enable_notify(q))
			;
		if (budget <= 0)
			cd_vm_wake(vm);
	}
	if (vm->pushed) {
		vm->pushed = false;
		vu_notify(vm->b, VIRTIO_CUDA_VQ_CONTROL);
	}
}

/**
 * cd_vm_control_free() - Free what was kept for later requests
 * @vm:	device
 */
void cd_vm_control_free(struct cd_vm *vm)
{
	while (vm->spare) {
		struct cd_vm_req *req = vm->spare;

		vm->spare = req->next;
		free(req);
	}
}
