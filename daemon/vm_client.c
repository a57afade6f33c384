/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients in the VM: what their requests do, and how answers find their way.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/msg.h"
#include "daemon/region.h"
#include "daemon/vm.h"

#define SIGNAL_PAGE 4096

static struct cd_vm_client *vm_front(const struct cd_client *c)
{
	return c->front;
}

/**
 * cd_vm_client_release() - Free a client whose worker and copies are done
 * @vc:	client; nothing happens while one of them is not
 *
 * This is where CLOSE is answered: nobody has the guest's pages any more.
 */
void cd_vm_client_release(struct cd_vm_client *vc)
{
	struct cd_vm *vm = vc->vm;

	if (vc->c || vc->copies)
		return;
	cd_vm_event_forget(vc);
	cd_vm_window_drop(vc);
	free(vc->grants);
	vm->client[vc->id] = NULL;
	vm->nr_clients--;
	if (vc->close_req)
		cd_vm_answer(vc->close_req, VIRTIO_CUDA_OK, NULL, 0);
	free(vc);
	cd_vm_hello_finish(vm);
}

static void vm_opened(struct cd_client *c, uint32_t status)
{
	struct cd_vm_client *vc = vm_front(c);
	struct cd_vm_req *req = vc->open_req;
	struct cd_vm *vm = vc->vm;
	struct virtio_cuda_open_resp resp = {
		.window_size = c->d->opt.window_size, .direct = c->d->probe.direct
	};
	void *page;

	vc->open_req = NULL;
	if (!status) {
		page = mmap(NULL, SIGNAL_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    c->fd_signal_page, 0);
		vc->signal = page == MAP_FAILED ? NULL : page;
		if (!vc->signal || cd_fd_watch(c->d, c->fd_signal,
					       cd_fd_key(CD_FD_VM_SIGNAL, c->index, c->gen)))
			status = VIRTIO_CUDA_ERR_WORKER;
	}
	if (status)
		cd_client_close(c); /* the driver does not know it, and never will */
	else if (vm->stopped)
		cd_pause(c, true);
	cd_vm_answer(req, status, &resp, sizeof(resp));
}

static void vm_region(struct cd_client *c, struct cd_region *r, uint32_t status)
{
	cd_vm_answer(r->token, status, NULL, 0);
}

static void signal_drop(struct cd_client *c)
{
	struct cd_vm_client *vc = vm_front(c);

	if (vc->signal) {
		cd_fd_unwatch(c->d, c->fd_signal);
		munmap(vc->signal, SIGNAL_PAGE);
	}
	vc->signal = NULL;
}

static void vm_died(struct cd_client *c)
{
	struct cd_vm_client *vc = vm_front(c);

	signal_drop(c);
	vc->dead = true;
	cd_vm_event_queue(vc);
}

static void vm_closed(struct cd_client *c)
{
	struct cd_vm_client *vc = vm_front(c);

	signal_drop(c);
	vc->c = NULL;
	if (vc->open_req)
		cd_vm_answer(vc->open_req, VIRTIO_CUDA_ERR_WORKER, NULL, 0);
	vc->open_req = NULL;
	cd_vm_client_release(vc);
}

static const struct cd_client_ops vm_ops = {
	.opened = vm_opened,
	.region = vm_region,
	.granted = cd_vm_granted,
	.retries = true,
	.died = vm_died,
	.closed = vm_closed,
};

/* What the channel consists of; fds belong to the back end. */
static uint32_t open_channel(struct cd_vm_req *req, const struct virtio_cuda_open *in,
			     struct cd_open *open)
{
	int ret;

	if (in->reserved || in->nr_runs > VIRTIO_CUDA_MAX_CHANNEL_RUNS)
		return VIRTIO_CUDA_ERR_MALFORMED;
	memset(open->fds, -1, sizeof(open->fds));
	ret = cd_vm_runs(req, in->nr_runs, open->seg, open->fds);
	if (ret)
		return (uint32_t)-ret;
	open->nr_segs = in->nr_runs;
	while (open->nr_fds < CD_CHANNEL_FDS && open->fds[open->nr_fds] >= 0)
		open->nr_fds++;
	return cd_open_check(open);
}

static struct cd_vm_client *vm_client_new(struct cd_vm *vm, uint32_t id)
{
	struct cd_vm_client *vc = calloc(1, sizeof(*vc));

	if (!vc)
		return NULL;
	vc->vm = vm;
	vc->id = id;
	vc->c = cd_client_new(vm->d, &vm_ops, vc);
	if (!vc->c) {
		free(vc);
		return NULL;
	}
	vm->client[id] = vc;
	vm->nr_clients++;
	return vc;
}

static bool open_has_ram(const struct cd_open *o, const struct vu_region *r)
{
	for (uint32_t i = 0; i < o->nr_ram; i++) {
		if (o->ram_file[i].dev == r->dev && o->ram_file[i].ino == r->ino)
			return true;
	}
	return false;
}

/*
 * The worker gets all of the guest's memory at its start, to map what it is
 * granted; a descriptor that can't write for what it is granted to read.
 */
static bool open_ram_file(struct cd_open *o, const struct vu_region *r)
{
	int *pair = o->ram + 2 * o->nr_ram;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", r->fd);
	pair[0] = fcntl(r->fd, F_DUPFD_CLOEXEC, 0);
	pair[1] = open(path, O_RDONLY | O_CLOEXEC);
	if (pair[0] < 0 || pair[1] < 0) {
		cd_close_all(pair, 2);
		return false;
	}
	o->ram_file[o->nr_ram++] = (struct cd_ram_file){ r->dev, r->ino };
	return true;
}

/* What does not fit, or can't be opened, is granted as it comes (daemon/region.c). */
static void open_ram(struct cd_vm *vm, struct cd_open *o)
{
	const struct vu_region *r = NULL;

	while ((r = vu_region_next(vm->b, r))) {
		o->ram_size += r->size;
		if (o->nr_ram < CW_WORKER_MAX_RAM && !open_has_ram(o, r))
			open_ram_file(o, r);
	}
}

/* The client gets descriptors of its own: RAM may go while it waits. */
static bool open_own_fds(struct cd_open *open)
{
	for (uint32_t i = 0; i < open->nr_fds; i++) {
		open->fds[i] = fcntl(open->fds[i], F_DUPFD_CLOEXEC, 0);
		if (open->fds[i] >= 0)
			continue;
		cd_close_all(open->fds, i);
		return false;
	}
	return true;
}

/**
 * cd_vm_open() - OPEN
 * @req:	request
 * @body:	struct virtio_cuda_open
 *
 * Return: status, or CD_PENDING.
 */
uint32_t cd_vm_open(struct cd_vm_req *req, const void *body)
{
	const struct virtio_cuda_open *in = body;
	struct cd_vm *vm = req->vm;
	struct cd_open open = {
		.ring_size = in->ring_size,
		.granule_shift = cd_vm_granule_shift(vm),
		.epoch = vm->epoch,
		.region_base = in->region_base,
		.region_size = in->region_size,
		.device_base = in->device_base,
		.device_size = in->device_size,
	};
	struct cd_vm_client *vc;
	uint32_t status;

	if (in->version != VCUDA_CHANNEL_VERSION)
		return VIRTIO_CUDA_ERR_VERSION;
	if (!req->client || req->client >= VIRTIO_CUDA_MAX_CLIENTS)
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (req->vc)
		return VIRTIO_CUDA_ERR_BUSY;
	if (vm->nr_waiting >= VIRTIO_CUDA_MAX_WAITING)
		return VIRTIO_CUDA_ERR_LIMIT;
	status = open_channel(req, in, &open);
	if (status)
		return status;
	vc = vm_client_new(vm, req->client);
	if (!vc)
		return VIRTIO_CUDA_ERR_BUSY;
	if (!open_own_fds(&open)) {
		cd_client_close(vc->c);
		return VIRTIO_CUDA_ERR_LIMIT;
	}
	open_ram(vm, &open);
	cd_vm_hold(req, true);
	vc->open_req = req;
	vc->stat.commands = 1;
	cd_client_open(vc->c, &open);
	return CD_PENDING;
}

/**
 * cd_vm_close() - CLOSE
 * @req:	request
 * @body:	none
 *
 * Return: status, or CD_PENDING.
 */
uint32_t cd_vm_close(struct cd_vm_req *req, const void *body)
{
	struct cd_vm_client *vc = req->vc;

	if (req->vm->nr_waiting >= VIRTIO_CUDA_MAX_WAITING)
		return VIRTIO_CUDA_ERR_LIMIT;
	cd_vm_hold(req, true);
	vc->close_req = req;
	if (vc->c)
		cd_client_close(vc->c);
	return CD_PENDING;
}

/**
 * cd_vm_stat() - STAT
 * @req:	request
 * @body:	none
 *
 * Return: CD_PENDING.
 */
uint32_t cd_vm_stat(struct cd_vm_req *req, const void *body)
{
	const struct cd_vm_client *vc = req->vc;
	struct virtio_cuda_stat stat = {
		.commands = vc->stat.commands,
		.kicks = vc->stat.kicks,
		.wakes = vc->stat.wakes,
		.copied_bytes = vc->stat.copied_bytes,
	};

	cd_vm_hold(req, false);
	cd_vm_answer(req, VIRTIO_CUDA_OK, &stat, sizeof(stat));
	return CD_PENDING;
}

/**
 * cd_vm_kill_all() - End all clients: the driver has forgotten them
 * @vm:	device
 */
void cd_vm_kill_all(struct cd_vm *vm)
{
	for (int i = 0; i < VIRTIO_CUDA_MAX_CLIENTS; i++) {
		struct cd_client *c = vm->client[i] ? vm->client[i]->c : NULL;

		if (!c)
			continue;
		if (c->cookie && (c->state != CD_CLIENT_ENDING || c->deadline))
			cd_client_kill(c);
		cd_client_close(c);
	}
}

/* One ring that was not heard yet announces all work there is. */
static void worker_kick(struct cd_vm_client *vc)
{
	struct pollfd p = { .fd = vc->c->fd_doorbell, .events = POLLIN };
	uint64_t one = 1;

	vc->stat.kicks++;
	if (poll(&p, 1, 0) == 0 && write(vc->c->fd_ring, &one, sizeof(one)) < 0)
		cw_debug("doorbell of client %u failed", vc->id);
}

/**
 * cd_vm_doorbell() - Pass on what the doorbell page says
 * @vm:	device; the doorbell buffer was given back before
 */
void cd_vm_doorbell(struct cd_vm *vm)
{
	const uint64_t size = VIRTIO_CUDA_MAX_CLIENTS / 8;
	_Atomic uint64_t *page = vq_mem_ptr(vu_mem(vm->b), vm->doorbell_gpa, size);

	/*
	 * Full fence: the buffer must be visible as used before the bits are
	 * read, or a driver that sets a bit now finds the buffer still taken,
	 * does not post it, and nobody looks. Pairs with the barrier between
	 * setting the bit and looking at the used ring.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	for (uint32_t i = 0; page && i < size / sizeof(*page); i++) {
		uint64_t bits = atomic_load(&page[i]) ? atomic_exchange(&page[i], 0) : 0;

		for (; bits; bits &= bits - 1) {
			struct cd_vm_client *vc = vm->client[i * 64 +
							     (uint32_t)__builtin_ctzll(bits)];

			if (vc && vc->c && vc->c->state == CD_CLIENT_OPEN)
				worker_kick(vc);
		}
	}
}

/**
 * cd_vm_park() - Keep all workers from touching guest memory, or let them go on
 * @vm:		device
 * @park:	cd_vm_quiet() becomes true; an OPEN that waits for the probe is to be
 *		sent again afterwards
 */
void cd_vm_park(struct cd_vm *vm, bool park)
{
	vm->parked = park;
	for (int i = 0; i < VIRTIO_CUDA_MAX_CLIENTS; i++) {
		struct cd_client *c = vm->client[i] ? vm->client[i]->c : NULL;

		if (c && c->state == CD_CLIENT_OPEN)
			cd_pause(c, park);
		else if (c && park && c->state == CD_CLIENT_WAITING)
			cd_client_put_off(c);
	}
}

/**
 * cd_vm_quiet() - Whether no worker touches guest memory
 * @vm:	device that was told to park
 *
 * Return: true if all are stopped or gone.
 */
bool cd_vm_quiet(const struct cd_vm *vm)
{
	for (int i = 0; i < VIRTIO_CUDA_MAX_CLIENTS; i++) {
		const struct cd_client *c = vm->client[i] ? vm->client[i]->c : NULL;

		if (c && c->cookie && c->pause != CD_PAUSE_STOPPED)
			return false;
	}
	return true;
}
