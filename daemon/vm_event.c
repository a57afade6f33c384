/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eventq: which slots to wake, whose worker is dead.
 *
 * Theory of operation: a worker sets bits in its signal page and writes its
 * eventfd. The bits move to the client's mask, and from there into an event,
 * one per client at a time: the next waits until the driver has taken that one
 * and made its buffer available again. So a worker that signals as fast as it
 * can fills neither the ring nor the guest's interrupt handler.
 *
 * All buffers of eventq are popped as they come. Which of them comes back
 * tells whose event was taken: a driver that posts a buffer again before it
 * looks at the next uses the same descriptor. For one that does not, all
 * events count as taken when all buffers are back.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/vm.h"

static struct vq *eventq(struct cd_vm *vm)
{
	return vu_queue(vm->b, VIRTIO_CUDA_VQ_EVENT);
}

/* The i-th oldest buffer. */
static struct cd_vm_event_buf *event_buf(struct cd_vm *vm, uint32_t i)
{
	return &vm->event_buf[(vm->event_head + i) % VU_MAX_QUEUE_SIZE];
}

static void owner_clear(struct cd_vm *vm, uint16_t id)
{
	uint16_t owner = vm->event_owner[id];

	vm->event_owner[id] = 0;
	if (owner && vm->client[owner - 1])
		vm->client[owner - 1]->in_flight = false;
}

static void all_taken(struct cd_vm *vm)
{
	memset(vm->event_owner, 0, sizeof(vm->event_owner));
	for (int i = 0; i < VIRTIO_CUDA_MAX_CLIENTS; i++) {
		if (vm->client[i])
			vm->client[i]->in_flight = false;
	}
}

static void buffers_take(struct cd_vm *vm)
{
	struct vq_elem *e = &vm->scratch;
	struct vq *q = eventq(vm);

	while (vq_pop(q, e) > 0) {
		if (e->out_len || e->in.n != 1 || e->in_len < sizeof(struct virtio_cuda_event)) {
			vq_break(q, VQ_FAULT_DEVICE);
			cd_complain(CW_LOG_WARN, CD_E_VM_QUEUE, "queue=1 why=\"bad event buffer\"");
			return;
		}
		*event_buf(vm, vm->nr_event_bufs++) =
			(struct cd_vm_event_buf){ e->id, e->in.seg[0].addr };
		owner_clear(vm, e->id);
	}
	if (vm->nr_event_bufs > vm->max_event_bufs)
		vm->max_event_bufs = vm->nr_event_bufs;
	if (vm->nr_event_bufs == vm->max_event_bufs)
		all_taken(vm);
}

static void event_send(struct cd_vm *vm, struct cd_vm_client *vc)
{
	struct cd_vm_event_buf buf = *event_buf(vm, 0);
	struct virtio_cuda_event ev = {
		.type = vc->dead ? VIRTIO_CUDA_EV_DEAD : VIRTIO_CUDA_EV_WAKE,
		.client = vc->id,
		.epoch = vm->epoch,
		.slots = { vc->slots[0], vc->slots[1] },
	};

	vm->event_head = (vm->event_head + 1) % VU_MAX_QUEUE_SIZE;
	vm->nr_event_bufs--;
	/* DEAD ends every wait of the client: a WAKE before it adds nothing. */
	if (!vc->dead)
		vc->stat.wakes++;
	vc->dead = false;
	vc->slots[0] = vc->slots[1] = 0;
	vc->in_flight = true;
	vm->event_owner[buf.id] = (uint16_t)(vc->id + 1);
	memcpy(buf.at, &ev, sizeof(ev));
	vm->scratch.id = buf.id;
	vm->scratch.generation = vm->event_gen;
	vm->scratch.in_len = sizeof(ev);
	vq_push(eventq(vm), &vm->scratch, sizeof(ev));
}

/* Sends what can be sent; returns whether something has to wait for a buffer. */
static bool events_send(struct cd_vm *vm)
{
	struct cd_vm_client *vc = vm->event_first;
	struct cd_vm_client *wait = NULL, **wait_end = &wait;

	vm->event_first = NULL;
	vm->event_last = NULL;
	while (vc) {
		struct cd_vm_client *next = vc->event_next;

		vc->event_next = NULL;
		if (vc->in_flight || !vm->nr_event_bufs) {
			*wait_end = vc;
			wait_end = &vc->event_next;
			vm->event_last = vc;
		} else {
			vc->queued = false;
			event_send(vm, vc);
		}
		vc = next;
	}
	vm->event_first = wait;
	return wait;
}

/**
 * cd_vm_events() - Send events, as far as the driver takes them
 * @vm:	device
 *
 * Kicks of eventq are wanted only while something waits for a buffer.
 */
void cd_vm_events(struct cd_vm *vm)
{
	struct vq *q = eventq(vm);

	if (!vq_running(q) || vm->event_gen != q->generation)
		return;
	do {
		vq_disable_notify(q);
		buffers_take(vm);
	} while (events_send(vm) && vq_enable_notify(q));
	vu_notify(vm->b, VIRTIO_CUDA_VQ_EVENT);
}

/**
 * cd_vm_event_queue() - A client has something to tell
 * @vc:	client with bits in @slots, or @dead
 */
void cd_vm_event_queue(struct cd_vm_client *vc)
{
	struct cd_vm *vm = vc->vm;

	if (!vc->queued) {
		vc->queued = true;
		vc->event_next = NULL;
		if (vm->event_first)
			vm->event_last->event_next = vc;
		else
			vm->event_first = vc;
		vm->event_last = vc;
	}
	cd_vm_events(vm);
}

/**
 * cd_vm_event_forget() - A client goes: it has nothing to tell any more
 * @vc:	client
 */
void cd_vm_event_forget(struct cd_vm_client *vc)
{
	struct cd_vm *vm = vc->vm;
	struct cd_vm_client **at = &vm->event_first, *last = NULL;

	while (*at) {
		if (*at == vc)
			*at = vc->event_next;
		else
			at = &(last = *at)->event_next;
	}
	vm->event_last = last;
	vc->queued = false;
}

/*
 * Reads without waiting, whatever the flags of the descriptor: the worker
 * shares them, and the counter, too. Before Linux 5.8 there is no such way.
 */
static void counter_take(int fd)
{
	uint64_t count;
	struct iovec iov = { .iov_base = &count, .iov_len = sizeof(count) };

	if (preadv2(fd, &iov, 1, -1, RWF_NOWAIT) < 0 && errno == EOPNOTSUPP &&
	    read(fd, &count, sizeof(count)) < 0)
		cw_debug("signal of a worker: errno=%d", errno);
}

/**
 * cd_vm_signalled() - A worker has written its eventfd
 * @c:	client in a VM
 *
 * The page is the worker's to write, so its words are taken and nothing else
 * is believed.
 */
void cd_vm_signalled(struct cd_client *c)
{
	struct cd_vm_client *vc = c->front;

	counter_take(c->fd_signal);
	for (int i = 0; i < 2; i++)
		vc->slots[i] |= atomic_exchange(&vc->signal[i], 0);
	if (vc->slots[0] | vc->slots[1])
		cd_vm_event_queue(vc);
}

/**
 * cd_vm_events_start() - eventq runs
 * @vm:	device
 *
 * Whether the driver took what it was sent before a pause is not known; one
 * event too many is allowed, one too few is not.
 */
void cd_vm_events_start(struct cd_vm *vm)
{
	vm->event_head = 0;
	vm->nr_event_bufs = 0;
	vm->max_event_bufs = 0;
	vm->event_gen = eventq(vm)->generation;
	all_taken(vm);
}

/**
 * cd_vm_events_stop() - Give unused buffers back to eventq
 * @vm:	device
 *
 * For a queue that stops, and for memory that goes: buffers are kept as
 * addresses, which the next look at the queue finds anew.
 */
void cd_vm_events_stop(struct cd_vm *vm)
{
	/*
	 * Buffers are used oldest first, so those that are left are the newest
	 * elements of the ring, and going back over them newest first ends right
	 * behind the last one that was used.
	 */
	while (vm->nr_event_bufs) {
		vm->scratch.id = event_buf(vm, --vm->nr_event_bufs)->id;
		vm->scratch.generation = vm->event_gen;
		vq_unpop(eventq(vm), &vm->scratch);
	}
}
