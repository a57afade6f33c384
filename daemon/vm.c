/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device as vhost-user sees it: connection, queues, memory.
 *
 * Quiescing: before a queue stop, a memory change or a reset is answered, all
 * that holds guest memory has to let go. Members of vu_ops that find it is not
 * so start the letting go and say -EAGAIN; cd_vm_settle(), which the loop calls
 * after each round of events, has them called again. In between controlq
 * rests, so that nothing new begins.
 */
#include "daemon/vm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/msg.h"
#include "vhost/proto.h"

#define VM_FEATURES                                                                                \
	(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_INDIRECT_DESC |                        \
	 1ull << VIRTIO_RING_F_EVENT_IDX)
/* Lines that one front end's guest may cause in the log. */
#define VM_COMPLAINTS 16

static int put_off(struct cd_vm *vm)
{
	vm->put_off = true;
	return -EAGAIN;
}

static int watch_add(void *opaque, struct vu_watch *w)
{
	struct cd_vm *vm = opaque;

	for (uint32_t i = 0; i < CD_VM_WATCHES; i++) {
		int ret;

		if (vm->watch[i])
			continue;
		ret = cd_fd_watch(vm->d, w->fd, cd_fd_key(CD_FD_VM, i, ++vm->watch_gen[i]));
		if (!ret)
			vm->watch[i] = w;
		return ret;
	}
	return -ENOSPC;
}

static void watch_del(void *opaque, struct vu_watch *w)
{
	struct cd_vm *vm = opaque;

	for (uint32_t i = 0; i < CD_VM_WATCHES; i++) {
		if (vm->watch[i] != w)
			continue;
		cd_fd_unwatch(vm->d, w->fd);
		vm->watch[i] = NULL;
	}
}

/**
 * cd_vm_ready() - A descriptor of the back end has something
 * @vm:		device
 * @slot:	which
 * @gen:	of the watch when the event came
 */
void cd_vm_ready(struct cd_vm *vm, uint32_t slot, uint32_t gen)
{
	if (slot < CD_VM_WATCHES && vm->watch[slot] && vm->watch_gen[slot] == gen)
		vm->watch[slot]->ready(vm->watch[slot]);
}

static int on_get_config(void *dev, uint32_t off, void *buf, uint32_t len)
{
	const struct virtio_cuda_config config = {
		.magic = VIRTIO_CUDA_MAGIC, .version = VIRTIO_CUDA_VERSION
	};

	memset(buf, 0, len);
	if (off < sizeof(config))
		memcpy(buf, (const char *)&config + off,
		       cw_min(len, (uint32_t)sizeof(config) - off));
	return 0;
}

/* A pause keeps the ring's position; from the start there may be a new driver. */
static void on_queue_started(void *dev, unsigned int i, struct vq *q)
{
	struct cd_vm *vm = dev;

	if (i == VIRTIO_CUDA_VQ_EVENT) {
		cd_vm_events_start(vm);
		return;
	}
	vm->stopped = false;
	vm->broken = false;
	if (vm->parked && q->setup.base != vq_fresh_base(q->setup.features))
		cd_vm_park(vm, false);
}

static int on_queue_stopped(void *dev, unsigned int i)
{
	struct cd_vm *vm = dev;

	if (i == VIRTIO_CUDA_VQ_EVENT) {
		cd_vm_events_stop(vm);
		return 0;
	}
	if (!vm->stopped) {
		vm->stopped = true;
		cd_vm_park(vm, true);
	}
	return vm->nr_held || !cd_vm_quiet(vm) ? put_off(vm) : 0;
}

static void on_queue_kicked(void *dev, unsigned int i)
{
	if (i == VIRTIO_CUDA_VQ_EVENT)
		cd_vm_events(dev);
	else
		cd_vm_control(dev);
}

/* Copies, answers and event buffers that are held may lie in any memory. */
static int on_mem_removing(void *dev, const struct vu_region *r)
{
	struct cd_vm *vm = dev;

	cd_vm_events_stop(vm);
	return cd_vm_memory_used(vm, r) || vm->nr_held ? put_off(vm) : 0;
}

static void vm_forget(struct cd_vm *vm)
{
	vm->epoch = 0;
	vm->parked = false;
	cd_vm_kill_all(vm);
}

static int on_reset(void *dev)
{
	struct cd_vm *vm = dev;

	vm_forget(vm);
	return vm->nr_clients || vm->nr_held ? put_off(vm) : 0;
}

static void on_disconnected(void *dev, const char *why)
{
	struct cd_vm *vm = dev;

	cw_info("front end has gone: %s", why);
	if (strcmp(why, "closed"))
		cd_complain(CW_LOG_WARN, CD_E_VM_FRONT, "why=\"%s\"", why);
	vm_forget(vm);
	if (vm->listen_fd < 0) {
		vm->d->stop = true;
		return;
	}
	if (!cd_fd_watch(vm->d, vm->listen_fd, cd_fd_key(CD_FD_VM_LISTEN, 0, 0)))
		vm->listening = true;
}

static const struct vu_ops vm_vu_ops = {
	.get_config = on_get_config,
	.queue_started = on_queue_started,
	.queue_stopped = on_queue_stopped,
	.queue_kicked = on_queue_kicked,
	.mem_removing = on_mem_removing,
	.reset = on_reset,
	.disconnected = on_disconnected,
};

/**
 * cd_vm_settle() - A round of events is over: is what was put off done now?
 * @vm:	device
 */
void cd_vm_settle(struct cd_vm *vm)
{
	if (vm->pushed) {
		vm->pushed = false;
		vu_notify(vm->b, VIRTIO_CUDA_VQ_CONTROL);
	}
	if (!vm->put_off)
		return;
	vm->put_off = false;
	vu_continue(vm->b);
	if (!vm->put_off)
		cd_vm_control(vm);
}

static int vm_attach(struct cd_vm *vm, int fd)
{
	vm->complaints = VM_COMPLAINTS;
	return vu_attach(vm->b, fd);
}

/**
 * cd_vm_accept() - A front end connects
 * @vm:	device; it has none
 *
 * While there is one, others wait in the backlog.
 */
void cd_vm_accept(struct cd_vm *vm)
{
	int fd = vu_accept(vm->listen_fd);

	if (fd < 0)
		return;
	if (vm_attach(vm, fd)) {
		close(fd);
		return;
	}
	cd_fd_unwatch(vm->d, vm->listen_fd);
	vm->listening = false;
}

static int vm_init(struct cd_vm *vm, int fd, bool listening)
{
	struct vu_params params = {
		.ops = &vm_vu_ops,
		.dev = vm,
		.loop = { watch_add, watch_del, vm },
		.features = VM_FEATURES,
		/* Nothing is asked of it, but User-mode Linux has no interrupt without. */
		.protocol_features = 1ull << VU_PF_BACKEND_REQ,
		.nr_queues = VIRTIO_CUDA_NUM_VQS,
	};
	int ret = vu_create(&params, &vm->b);

	if (!ret)
		ret = cd_vm_copier_init(vm);
	if (ret)
		return ret;
	vm->stopped = true;
	if (!listening)
		return vm_attach(vm, fd);
	vm->listen_fd = fd;
	ret = cd_fd_watch(vm->d, fd, cd_fd_key(CD_FD_VM_LISTEN, 0, 0));
	vm->listening = !ret;
	return ret;
}

/**
 * cd_vm_create() - Have a device
 * @d:		daemon
 * @fd:		SOCK_STREAM socket; taken over, also on failure
 * @listening:	front ends will connect to it; else it is one
 *
 * Return: 0 or -errno; cd_vm_destroy() is due if d->vm is set.
 */
int cd_vm_create(struct cd_daemon *d, int fd, bool listening)
{
	int ret;

	if (d->vm) {
		close(fd);
		return -EEXIST;
	}
	d->vm = calloc(1, sizeof(*d->vm));
	if (!d->vm) {
		close(fd);
		return -ENOMEM;
	}
	d->vm->d = d;
	d->vm->listen_fd = -1;
	d->vm->copier.wake_fd = -1;
	ret = vm_init(d->vm, fd, listening);
	if (ret && d->vm->listen_fd < 0)
		close(fd);
	return ret;
}

/**
 * cd_vm_destroy() - End it; workers and clients are gone already
 * @vm:	device or NULL
 *
 * What the front end learns is that the connection ends.
 */
void cd_vm_destroy(struct cd_vm *vm)
{
	if (!vm)
		return;
	cd_vm_copier_finish(vm);
	cd_close(&vm->listen_fd);
	if (vm->b) {
		vm->put_off = false;
		vu_detach(vm->b, "daemon ends");
		/* It may have been ending already, and been put off. */
		vu_continue(vm->b);
		if (!vu_connected(vm->b))
			vu_destroy(vm->b);
	}
	cd_vm_control_free(vm);
	free(vm);
}
