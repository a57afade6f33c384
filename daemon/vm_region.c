/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest pages that are granted to workers.
 *
 * A run is a guest address; a worker has no use for it. It is resolved to the
 * file that the front end shared the guest's memory with, and the worker maps
 * that piece of that file and nothing else. Files are named by (device, inode,
 * offset), so that a front end which comes back after a pause, or maps its
 * memory anew, names the same pages.
 */
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "daemon/codes.h"
#include "daemon/region.h"
#include "daemon/vm.h"

#define PAGE_SHIFT 12

/**
 * cd_vm_granule_shift() - What runs must be multiples of
 * @vm:	device
 *
 * Memory on huge pages can only be mapped by a worker in huge pages.
 *
 * Return: log2 of the bytes.
 */
uint32_t cd_vm_granule_shift(const struct cd_vm *vm)
{
	const struct vu_region *r = NULL;
	uint32_t shift = PAGE_SHIFT;
	struct statfs fs;

	while ((r = vu_region_next(vm->b, r))) {
		if (fstatfs(r->fd, &fs) || !cw_is_pow2((uint64_t)fs.f_bsize))
			continue;
		shift = cw_max(shift, (uint32_t)__builtin_ctzll((uint64_t)fs.f_bsize));
	}
	return shift;
}

/* Index of a file in @fds, added if it is not there; -1: too many. */
static int fd_index(int *fds, uint32_t max, int fd)
{
	for (uint32_t i = 0; i < max; i++) {
		if (fds[i] < 0)
			fds[i] = fd;
		if (fds[i] == fd)
			return (int)i;
	}
	return -1;
}

static const struct vu_region *region_at(const struct cd_vm *vm, uint64_t gpa)
{
	return vu_region_find(vm->b, gpa, 1);
}

/**
 * cd_vm_runs() - Resolve the runs that follow a request's body
 * @req:	request; its runs are consumed
 * @n:		runs there are; the chain is exactly that long
 * @segs:	room for @n pieces
 * @fds:	room for CD_CHANNEL_FDS files, all -1; stay the back end's
 *
 * A run lies in one region: neighbouring guest pages in different files have
 * no reason to be one run.
 *
 * Return: 0, or a negative VIRTIO_CUDA_ERR_*.
 */
int cd_vm_runs(struct cd_vm_req *req, uint32_t n, struct cw_worker_seg *segs, int *fds)
{
	uint64_t mask = (1ull << cd_vm_granule_shift(req->vm)) - 1;
	const struct vu_region *r;
	struct virtio_cuda_run run;
	int index;

	for (uint32_t i = 0; i < n; i++) {
		if (vq_iov_pull(&req->elem.out, &run, sizeof(run)) || run.zero || !run.len ||
		    ((run.addr | run.len) & mask))
			return -VIRTIO_CUDA_ERR_MALFORMED;
		r = region_at(req->vm, run.addr);
		if (!r || !cw_range_ok(run.addr - r->gpa, run.len, r->size))
			return -VIRTIO_CUDA_ERR_ADDRESS;
		index = fd_index(fds, CD_CHANNEL_FDS, r->fd);
		if (index < 0 || ((r->offset + (run.addr - r->gpa)) & mask))
			return -VIRTIO_CUDA_ERR_ADDRESS;
		segs[i] = (struct cw_worker_seg){
			.fd = (uint32_t)index,
			.offset = r->offset + (run.addr - r->gpa),
			.len = run.len,
		};
	}
	return 0;
}

/**
 * cd_vm_attach() - ATTACH
 * @req:	request
 * @body:	struct virtio_cuda_attach
 *
 * Return: status, or CD_PENDING.
 */
uint32_t cd_vm_attach(struct cd_vm_req *req, const void *body)
{
	static struct cw_worker_seg segs[VIRTIO_CUDA_MAX_REGION_RUNS];
	const struct virtio_cuda_attach *a = body;
	int fds[CD_CHANNEL_FDS];
	struct cd_region_spec spec = {
		.id = a->region, .flags = a->flags, .va = a->va, .len = a->len,
		.nr_segs = a->nr_runs, .seg = segs, .fds = fds,
	};
	uint32_t status;
	int ret;

	if (a->reserved)
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (a->nr_runs > VIRTIO_CUDA_MAX_REGION_RUNS)
		return VIRTIO_CUDA_ERR_LIMIT;
	memset(fds, -1, sizeof(fds));
	ret = cd_vm_runs(req, a->nr_runs, segs, fds);
	if (ret)
		return (uint32_t)-ret;
	while (spec.nr_fds < CD_CHANNEL_FDS && fds[spec.nr_fds] >= 0)
		spec.nr_fds++;
	cd_vm_hold(req, false);
	status = cd_region_attach(req->vc->c, &spec, req);
	if (status != CD_PENDING)
		cd_vm_answer(req, status, NULL, 0);
	return CD_PENDING;
}

/**
 * cd_vm_detach() - DETACH
 * @req:	request
 * @body:	struct virtio_cuda_detach
 *
 * Return: status, or CD_PENDING.
 */
uint32_t cd_vm_detach(struct cd_vm_req *req, const void *body)
{
	const struct virtio_cuda_detach *d = body;
	uint32_t status;

	if (d->reserved)
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (req->vm->nr_waiting >= VIRTIO_CUDA_MAX_WAITING)
		return VIRTIO_CUDA_ERR_LIMIT;
	cd_vm_hold(req, true);
	status = cd_region_detach(req->vc->c, d->region, req);
	if (status != CD_PENDING)
		cd_vm_answer(req, status, NULL, 0);
	return CD_PENDING;
}

static bool ranges_use(const struct cd_file_range *range, uint32_t n, const struct vu_region *r)
{
	for (uint32_t i = 0; i < n; i++) {
		if (range[i].dev == r->dev && range[i].ino == r->ino &&
		    range[i].offset < r->offset + r->size &&
		    r->offset < range[i].offset + range[i].len)
			return true;
	}
	return false;
}

/**
 * cd_vm_memory_used() - Whether RAM that is to go is still with a worker
 * @vm:	device
 * @r:	the RAM
 *
 * A worker that has it is killed: the driver took it out of the guest's memory
 * without asking for it back.
 *
 * Return: true while one has it.
 */
bool cd_vm_memory_used(struct cd_vm *vm, const struct vu_region *r)
{
	bool used = false;

	for (int i = 0; i < VIRTIO_CUDA_MAX_CLIENTS; i++) {
		struct cd_client *c = vm->client[i] ? vm->client[i]->c : NULL;
		bool has;

		if (!c || !c->cookie)
			continue;
		has = ranges_use(c->channel, CD_CHANNEL_SEGS, r);
		for (struct cd_region *reg = c->regions; reg && !has; reg = reg->next)
			has = ranges_use(reg->range, reg->nr_segs, r);
		if (!has)
			continue;
		used = true;
		if (c->state != CD_CLIENT_ENDING || c->deadline)
			cd_client_kill(c);
	}
	return used;
}
