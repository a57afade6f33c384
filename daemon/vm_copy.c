/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bulk data: between guest pages and the window, in one copy.
 *
 * Theory of operation: a chain names a range of the window and carries data
 * segments. It is served only inside a range that the worker has granted for
 * that operation and direction. Small chains are copied at once; larger ones
 * go to the copy threads, which see nothing but segments and an address, and
 * come back over the copier's eventfd. The threads are made when there is a
 * first large copy.
 *
 * Clients take turns: the n-th chain that a client has waiting is due in the
 * n-th turn from now, behind those that others had due by then. Who waits for a
 * single copy does not wait for all that somebody else has queued.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/msg.h"
#include "daemon/region.h"
#include "daemon/vm.h"

/* Handing a copy to a thread costs more than copying this much. */
#define COPY_SMALL (32u << 10)
/* More bulk operations than helpers of a client could have under way. */
#define MAX_GRANTS 1024
/* Batches of a worker's messages: more than its socket holds at one time. */
#define GRANT_ROUNDS 64

static void copy_run(struct cd_vm_req *req)
{
	struct vq_elem *e = &req->elem;

	if (req->type == VIRTIO_CUDA_COPY_IN)
		vq_iov_to_buf(e->out.seg, e->out.n, req->window, req->len);
	else
		vq_iov_from_buf(e->in.seg, e->in.n, req->window, req->len);
}

static void *copy_thread(void *arg)
{
	struct cd_vm_copier *cp = arg;
	struct cd_vm_req *req;
	uint64_t one = 1;

	pthread_mutex_lock(&cp->lock);
	for (;;) {
		while (!cp->todo && !cp->quit)
			pthread_cond_wait(&cp->work, &cp->lock);
		if (cp->quit)
			break;
		req = cp->todo;
		cp->todo = req->next;
		cp->turn = req->turn;
		pthread_mutex_unlock(&cp->lock);
		copy_run(req);
		pthread_mutex_lock(&cp->lock);
		req->next = NULL;
		*(cp->done ? &cp->done_last->next : &cp->done) = req;
		cp->done_last = req;
		if (write(cp->wake_fd, &one, sizeof(one)) < 0)
			cw_debug("copies: wake failed errno=%d", errno);
	}
	pthread_mutex_unlock(&cp->lock);
	return NULL;
}

/**
 * cd_vm_wake() - Have the loop look at copies and controlq
 * @vm:	device
 */
void cd_vm_wake(struct cd_vm *vm)
{
	uint64_t one = 1;

	if (write(vm->copier.wake_fd, &one, sizeof(one)) < 0)
		cw_debug("wake failed errno=%d", errno);
}

/**
 * cd_vm_copier_init() - Prepare copying
 * @vm:	device
 *
 * Return: 0 or -errno.
 */
int cd_vm_copier_init(struct cd_vm *vm)
{
	struct cd_vm_copier *cp = &vm->copier;

	pthread_mutex_init(&cp->lock, NULL);
	pthread_cond_init(&cp->work, NULL);
	cp->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (cp->wake_fd < 0)
		return -errno;
	return cd_fd_watch(vm->d, cp->wake_fd, cd_fd_key(CD_FD_VM_WAKE, 0, 0));
}

/* The answer's head is written already; COPY_OUT has written its data, too. */
static void copy_finish(struct cd_vm_req *req)
{
	struct cd_vm_client *vc = req->vc;
	uint32_t data = req->type == VIRTIO_CUDA_COPY_OUT ? req->len : 0;

	vc->stat.copied_bytes += req->len;
	vc->copies--;
	cd_vm_answered(req, (uint32_t)sizeof(struct virtio_cuda_resp) + data);
	cd_vm_client_release(vc);
}

static void copies_finish(struct cd_vm_req **list)
{
	while (*list) {
		struct cd_vm_req *req = *list;

		*list = req->next;
		copy_finish(req);
	}
}

/* Copies that will not be made: they are not answered as if they were. */
static void copies_drop(struct cd_vm_req **list)
{
	while (*list) {
		struct cd_vm_req *req = *list;
		struct cd_vm_client *vc = req->vc;

		*list = req->next;
		vc->copies--;
		cd_vm_dropped(req);
		cd_vm_client_release(vc);
	}
}

/**
 * cd_vm_copier_finish() - End the copy threads; what they have is finished
 * @vm:	device; its front end gets no answers any more
 */
void cd_vm_copier_finish(struct cd_vm *vm)
{
	struct cd_vm_copier *cp = &vm->copier;

	pthread_mutex_lock(&cp->lock);
	cp->quit = true;
	pthread_cond_broadcast(&cp->work);
	pthread_mutex_unlock(&cp->lock);
	for (int i = 0; i < cp->nr_threads; i++)
		pthread_join(cp->thread[i], NULL);
	cp->nr_threads = 0;
	copies_finish(&cp->done);
	copies_drop(&cp->todo);
	cd_close(&cp->wake_fd);
	pthread_cond_destroy(&cp->work);
	pthread_mutex_destroy(&cp->lock);
}

/* Signals are blocked in the daemon and stay so in its threads. */
static bool copier_start(struct cd_vm_copier *cp)
{
	while (cp->nr_threads < CD_VM_COPY_THREADS) {
		if (pthread_create(&cp->thread[cp->nr_threads], NULL, copy_thread, cp))
			break;
		cp->nr_threads++;
	}
	return cp->nr_threads;
}

static void copier_give(struct cd_vm_copier *cp, struct cd_vm_req *req)
{
	struct cd_vm_req **at = &cp->todo;

	pthread_mutex_lock(&cp->lock);
	req->turn = req->vc->turn = cw_max(cp->turn, req->vc->turn + 1);
	while (*at && (*at)->turn <= req->turn)
		at = &(*at)->next;
	req->next = *at;
	*at = req;
	pthread_cond_signal(&cp->work);
	pthread_mutex_unlock(&cp->lock);
}

/**
 * cd_vm_copies_done() - The copier's eventfd was written
 * @vm:	device
 */
void cd_vm_copies_done(struct cd_vm *vm)
{
	struct cd_vm_copier *cp = &vm->copier;
	struct cd_vm_req *done;
	uint64_t count;

	if (read(cp->wake_fd, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&cp->lock);
	done = cp->done;
	cp->done = NULL;
	pthread_mutex_unlock(&cp->lock);
	copies_finish(&done);
	cd_vm_control(vm);
}

static struct cw_worker_granted *grant_find(struct cd_vm_client *vc, uint64_t id)
{
	for (uint32_t i = 0; i < vc->nr_grants; i++) {
		if (vc->grants[i].id == id)
			return &vc->grants[i];
	}
	return NULL;
}

/**
 * cd_vm_granted() - A worker lets a range of the window be copied
 * @c:	client
 * @g:	the range; a length of 0 takes the grant of that id back
 */
void cd_vm_granted(struct cd_client *c, const struct cw_worker_granted *g)
{
	struct cd_vm_client *vc = c->front;
	struct cw_worker_granted *old = grant_find(vc, g->id);

	if (!g->len) {
		if (old)
			*old = vc->grants[--vc->nr_grants];
		return;
	}
	if (!old && !vc->grants)
		vc->grants = calloc(MAX_GRANTS, sizeof(vc->grants[0]));
	if (!old && vc->grants && vc->nr_grants < MAX_GRANTS)
		old = &vc->grants[vc->nr_grants++];
	if (!old || g->write > 1 || !cw_range_ok(g->offset, g->len, c->d->opt.window_size)) {
		cd_complain(CW_LOG_WARN, CD_E_WORKER_MESSAGE, "client=%u type=%u", c->index,
			    CW_WORKER_GRANTED);
		cd_client_kill(c);
		return;
	}
	*old = *g;
}

static bool copy_is_granted(struct cd_vm_client *vc, const struct virtio_cuda_copy *in, bool write)
{
	const struct cw_worker_granted *g = grant_find(vc, in->id);

	return g && g->write == write && in->offset >= g->offset &&
	       cw_range_ok(in->offset - g->offset, in->len, g->len);
}

static bool window_map(struct cd_vm_client *vc)
{
	uint64_t size = vc->vm->d->opt.window_size;
	void *at;

	if (vc->window)
		return true;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
		  vc->c->fd_window, 0);
	if (at == MAP_FAILED)
		return false;
	madvise(at, size, MADV_DONTDUMP);
	vc->window = at;
	return true;
}

/**
 * cd_vm_window_drop() - Unmap a client's window
 * @vc:	client without copies
 */
void cd_vm_window_drop(struct cd_vm_client *vc)
{
	if (vc->window)
		munmap(vc->window, vc->vm->d->opt.window_size);
	vc->window = NULL;
}

static uint32_t copy_check(struct cd_vm_req *req, const struct virtio_cuda_copy *in)
{
	struct cd_vm_client *vc = req->vc;
	bool write = req->type == VIRTIO_CUDA_COPY_IN;
	uint32_t room = sizeof(struct virtio_cuda_resp) + (write ? 0 : in->len);
	int rounds = GRANT_ROUNDS;

	if (in->reserved || !in->len || in->len > VIRTIO_CUDA_MAX_COPY || req->elem.in_len != room)
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (!vc->c || vc->c->state != CD_CLIENT_OPEN)
		return VIRTIO_CUDA_ERR_WORKER;
	if (vc->copies >= req->vm->d->opt.max_chains)
		return VIRTIO_CUDA_ERR_LIMIT;
	/*
	 * The worker grants, then answers the guest, whose copy may be seen
	 * here first: what the worker has said by now counts.
	 */
	while (!copy_is_granted(vc, in, write) && rounds-- && cd_link_event(vc->c))
		;
	if (vc->c->state != CD_CLIENT_OPEN)
		return VIRTIO_CUDA_ERR_WORKER;
	if (!copy_is_granted(vc, in, write))
		return VIRTIO_CUDA_ERR_RANGE;
	return window_map(vc) ? VIRTIO_CUDA_OK : VIRTIO_CUDA_ERR_LIMIT;
}

/**
 * cd_vm_copy() - COPY_IN and COPY_OUT
 * @req:	request; behind the body of COPY_IN, and behind the answer's head of
 *		COPY_OUT, are the data segments
 * @body:	struct virtio_cuda_copy
 *
 * Return: status, or CD_PENDING.
 */
uint32_t cd_vm_copy(struct cd_vm_req *req, const void *body)
{
	const struct virtio_cuda_copy *in = body;
	struct virtio_cuda_resp resp = { .status = VIRTIO_CUDA_OK, .epoch = req->vm->epoch };
	uint32_t status = copy_check(req, in);

	if (status)
		return status;
	cd_vm_hold(req, false);
	req->vc->copies++;
	req->window = (char *)req->vc->window + in->offset;
	req->len = in->len;
	/* Nobody looks at it before the element is used: write it while at it. */
	vq_iov_put(&req->elem.in, &resp, sizeof(resp));
	if (in->len > COPY_SMALL && copier_start(&req->vm->copier)) {
		copier_give(&req->vm->copier, req);
	} else {
		copy_run(req);
		copy_finish(req);
	}
	return CD_PENDING;
}
