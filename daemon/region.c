/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions of a client.
 *
 * At most CD_REGIONS_ASKED messages are with the worker at one time, which is
 * less than its socket holds, so a send never has to be retried; the rest queues
 * in the order it came. The worker answers in that order, so one clock, that of
 * the oldest, runs for no other.
 */
#include "daemon/region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/broker.h"
#include "daemon/codes.h"
#include "daemon/daemon.h"

#define PAGE_MASK 4095ull

static bool overlaps(uint64_t va, uint64_t len, uint64_t base, uint64_t size)
{
	return va < base + size && base < va + len;
}

/*
 * Pinned and managed memory lies in the arena of regions. Registered memory is
 * the program's own and lies anywhere else; whether the worker has room there
 * is for the worker to say, which takes no address twice.
 */
static bool place_ok(const struct cd_client *c, uint64_t va, uint64_t len)
{
	const struct cd_open *o = &c->open;

	if (va + len < va)
		return false;
	if (va >= o->region_base && cw_range_ok(va - o->region_base, len, o->region_size))
		return true;
	return !overlaps(va, len, o->region_base, o->region_size) &&
	       !overlaps(va, len, o->device_base, o->device_size);
}

static uint32_t spec_check(const struct cd_client *c, const struct cd_region_spec *s)
{
	uint64_t sum = 0;

	if (!s->id || (s->flags & ~VIRTIO_CUDA_REGION_READONLY) || !s->nr_segs ||
	    ((s->va | s->len) & PAGE_MASK) || !s->len)
		return VIRTIO_CUDA_ERR_MALFORMED;
	for (uint32_t i = 0; i < s->nr_segs; i++) {
		if (!s->seg[i].len || (s->seg[i].len & PAGE_MASK) || s->seg[i].len > s->len - sum)
			return VIRTIO_CUDA_ERR_MALFORMED;
		sum += s->seg[i].len;
	}
	if (sum != s->len)
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (!place_ok(c, s->va, s->len))
		return VIRTIO_CUDA_ERR_ADDRESS;
	if (s->nr_segs > VIRTIO_CUDA_MAX_REGION_RUNS || c->nr_regions >= c->d->opt.max_regions ||
	    s->nr_segs > c->d->opt.max_runs - c->nr_runs)
		return VIRTIO_CUDA_ERR_LIMIT;
	for (struct cd_region *r = c->regions; r; r = r->next) {
		if (r->id == s->id)
			return VIRTIO_CUDA_ERR_MALFORMED;
		if (s->va < r->va + r->len && r->va < s->va + s->len)
			return VIRTIO_CUDA_ERR_ADDRESS;
	}
	return VIRTIO_CUDA_OK;
}

/*
 * A channel is mapped where the worker likes. If its pages could be a region
 * too, nobody could tell whether the region is unmapped.
 */
static bool is_channel(const struct cd_client *c, const struct cd_region *r)
{
	for (uint32_t i = 0; i < r->nr_segs; i++) {
		for (uint32_t k = 0; k < CD_CHANNEL_SEGS; k++) {
			if (cd_ranges_overlap(&r->range[i], &c->channel[k]))
				return true;
		}
	}
	return false;
}

static void region_drop_fds(struct cd_region *r)
{
	cd_close_all(r->fds, r->nr_fds);
	r->nr_fds = 0;
}

static void region_destroy(struct cd_region *r)
{
	if (!r)
		return;
	region_drop_fds(r);
	free(r->range);
	free(r);
}

/* Place of a piece's file in the worker's list of guest memory; -1: not there. */
static int ram_index(const struct cd_client *c, const struct cd_file_range *range)
{
	for (uint32_t i = 0; i < c->open.nr_ram; i++) {
		if (c->open.ram_file[i].dev == range->dev && c->open.ram_file[i].ino == range->ino)
			return (int)i;
	}
	return -1;
}

/*
 * Guest memory is with the worker since its start: pieces of it are named by
 * their place in START, and no descriptor goes with them. Memory that the guest
 * was given later has none; where a broker watches, it gets none either, as the
 * broker can't tell what its number was a moment before.
 */
static bool region_name_ram(const struct cd_client *c, struct cd_region *r)
{
	uint32_t reads = r->flags & VIRTIO_CUDA_REGION_READONLY ? 1 : 0;

	for (uint32_t i = 0; i < r->nr_segs; i++) {
		if (ram_index(c, &r->range[i]) < 0)
			return !c->open.nr_ram || c->fd_broker < 0;
	}
	for (uint32_t i = 0; i < r->nr_segs; i++)
		r->seg[i].fd = CW_SEG_RAM | (2 * (uint32_t)ram_index(c, &r->range[i]) + reads);
	r->guarded = true;
	region_drop_fds(r);
	return true;
}

static struct cd_region *region_create(const struct cd_client *c, const struct cd_region_spec *s)
{
	struct cd_region *r = calloc(1, sizeof(*r) + s->nr_segs * sizeof(r->seg[0]));

	if (!r)
		return NULL;
	r->id = s->id;
	r->flags = s->flags;
	r->va = s->va;
	r->len = s->len;
	r->nr_segs = s->nr_segs;
	memcpy(r->seg, s->seg, s->nr_segs * sizeof(r->seg[0]));
	r->range = calloc(s->nr_segs, sizeof(r->range[0]));
	for (; r->nr_fds < s->nr_fds; r->nr_fds++) {
		r->fds[r->nr_fds] = fcntl(s->fds[r->nr_fds], F_DUPFD_CLOEXEC, 0);
		if (r->fds[r->nr_fds] < 0)
			break;
	}
	if (!r->range || r->nr_fds < s->nr_fds) {
		region_destroy(r);
		return NULL;
	}
	for (uint32_t i = 0; i < s->nr_segs; i++) {
		if (cd_file_range(r->fds[r->seg[i].fd], r->seg[i].offset, r->seg[i].len,
				  &r->range[i])) {
			region_destroy(r);
			return NULL;
		}
	}
	if (!region_name_ram(c, r)) {
		region_destroy(r);
		return NULL;
	}
	return r;
}

static int send_attach(struct cd_client *c, struct cd_region *r)
{
	struct cw_worker_attach msg = {
		.head = { .version = CW_WORKER_VERSION, .type = CW_WORKER_ATTACH },
		.region = r->id,
		.flags = r->flags,
		.va = r->va,
		.len = r->len,
		.nr_segs = r->nr_segs,
	};
	struct iovec iov[] = {
		{ .iov_base = &msg, .iov_len = sizeof(msg) },
		{ .iov_base = r->seg, .iov_len = r->nr_segs * sizeof(r->seg[0]) },
	};
	int ret = cd_msg_send(c->worker_sock, iov, 2, r->fds, r->nr_fds);

	region_drop_fds(r);
	return ret;
}

static int send_detach(struct cd_client *c, struct cd_region *r)
{
	struct cw_worker_detach msg = {
		.head = { .version = CW_WORKER_VERSION, .type = CW_WORKER_DETACH },
		.region = r->id,
	};
	struct iovec iov = { .iov_base = &msg, .iov_len = sizeof(msg) };

	return cd_msg_send(c->worker_sock, &iov, 1, NULL, 0);
}

/**
 * cd_region_pump() - Send what the worker may have now
 * @c:	client
 *
 * A worker that is gone is seen elsewhere; one that is stopped gets it later.
 */
void cd_region_pump(struct cd_client *c)
{
	while (c->state == CD_CLIENT_OPEN && c->queue && c->outstanding < CD_REGIONS_ASKED &&
	       c->pause != CD_PAUSE_STOPPING && c->pause != CD_PAUSE_STOPPED) {
		struct cd_region *r = c->queue;
		bool attach = r->state == CD_REGION_ATTACH_QUEUED;
		int ret = attach ? send_attach(c, r) : send_detach(c, r);

		c->queue = r->queue_next;
		r->state = attach ? CD_REGION_ATTACHING : CD_REGION_DETACHING;
		if (!c->outstanding)
			cd_client_wait(c, CD_CLOCK_REGION, true);
		c->asked[c->outstanding++] = r;
		if (ret)
			cd_client_lost(c);
	}
}

static void queue_add(struct cd_client *c, struct cd_region *r, void *token)
{
	r->token = token;
	c->owed++;
	r->queue_next = NULL;
	if (c->queue)
		c->queue_tail->queue_next = r;
	else
		c->queue = r;
	c->queue_tail = r;
	cd_region_pump(c);
}

/**
 * cd_region_attach() - Have the worker map memory of its process
 * @c:		client
 * @spec:	the memory; ids of @spec->seg[].fd are checked by the caller
 * @token:	for the answer
 *
 * Return: CD_PENDING: the answer comes through cd_client_ops.region; otherwise
 * VIRTIO_CUDA_ERR_*, and nothing has changed.
 */
uint32_t cd_region_attach(struct cd_client *c, const struct cd_region_spec *spec, void *token)
{
	struct cd_region *r;
	uint32_t status;

	if (c->state != CD_CLIENT_OPEN)
		return VIRTIO_CUDA_ERR_WORKER;
	status = spec_check(c, spec);
	if (status)
		return status;
	r = region_create(c, spec);
	if (!r)
		return VIRTIO_CUDA_ERR_LIMIT;
	if (is_channel(c, r)) {
		region_destroy(r);
		return VIRTIO_CUDA_ERR_MALFORMED;
	}
	r->next = c->regions;
	c->regions = r;
	c->nr_regions++;
	c->nr_runs += r->nr_segs;
	queue_add(c, r, token);
	return CD_PENDING;
}

/**
 * cd_region_detach() - Have the worker unmap a region
 * @c:		client
 * @id:		of the region
 * @token:	for the answer
 *
 * Return: CD_PENDING: the answer comes through cd_client_ops.region;
 * VIRTIO_CUDA_OK: nothing is mapped any more, as the worker is reaped; otherwise
 * VIRTIO_CUDA_ERR_*.
 */
uint32_t cd_region_detach(struct cd_client *c, uint32_t id, void *token)
{
	struct cd_region *r = c->regions;

	if (c->state == CD_CLIENT_DEAD)
		return VIRTIO_CUDA_OK;
	while (r && r->id != id)
		r = r->next;
	if (!r || r->state != CD_REGION_ATTACHED)
		return VIRTIO_CUDA_ERR_MALFORMED;
	r->state = CD_REGION_DETACH_QUEUED;
	queue_add(c, r, token);
	return CD_PENDING;
}

static void region_answer(struct cd_client *c, struct cd_region *r, uint32_t status)
{
	c->ops->region(c, r, status);
	c->owed--;
}

static void region_forget(struct cd_client *c, struct cd_region *r)
{
	struct cd_region **at = &c->regions;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	c->nr_regions--;
	c->nr_runs -= r->nr_segs;
	region_destroy(r);
}

/* Where the worker has its other regions: the same pages may be part of them. */
static struct cd_mapping *others_create(const struct cd_client *c, const struct cd_region *r,
					uint32_t *ret_n)
{
	struct cd_mapping *m = calloc(c->nr_runs + 1, sizeof(*m));

	*ret_n = 0;
	for (const struct cd_region *o = c->regions; m && o; o = o->next) {
		uint64_t va = o->va;

		if (o == r)
			continue;
		for (uint32_t i = 0; i < o->nr_segs; va += o->range[i++].len)
			m[(*ret_n)++] = (struct cd_mapping){ va, o->range[i] };
	}
	return m;
}

/* Whether nothing is mapped, as the worker says; not believed where maps say else. */
static int unmapped_verify(struct cd_client *c, struct cd_region *r)
{
	struct cd_maps_query q = {
		.pid = c->worker_pid, .range = r->range, .nr_ranges = r->nr_segs
	};
	struct cd_mapping *others;
	int ret = cd_maps_has(&q);

	if (ret == 1) {
		q.fine = others = others_create(c, r, &q.nr_fine);
		ret = others ? cd_maps_has(&q) : -ENOMEM;
		free(others);
	}
	if (!ret)
		return 0;
	cd_complain(CW_LOG_WARN, CD_E_WORKER_MAPPING, "client=%u pid=%d region=%u why=%d", c->index,
		    c->worker_pid, r->id, ret);
	return -EPROTO;
}

/*
 * What the client is told of an attach that failed: only a status that says
 * something of this region. The worker's own number could be any, and some
 * make a driver give up the whole device.
 */
static uint32_t attach_status(uint32_t status)
{
	if (!status || status == VIRTIO_CUDA_ERR_ADDRESS || status == VIRTIO_CUDA_ERR_LIMIT)
		return status;
	return VIRTIO_CUDA_ERR_UNSPEC;
}

/* The oldest question is answered; the next one's time begins. */
static void asked_shift(struct cd_client *c)
{
	c->outstanding--;
	memmove(c->asked, c->asked + 1, c->outstanding * sizeof(c->asked[0]));
	cd_client_wait(c, CD_CLOCK_REGION, c->outstanding);
}

/**
 * cd_region_done() - The worker has answered
 * @c:		client
 * @done:	the answer, of type ATTACH or DETACH
 *
 * Return: 0, or -EPROTO where it answers what was not asked, or lies.
 */
int cd_region_done(struct cd_client *c, const struct cw_worker_done *done)
{
	struct cd_region *r = c->outstanding ? c->asked[0] : NULL;
	bool attach = done->type == CW_WORKER_ATTACH;

	if (!r || r->id != done->region ||
	    r->state != (attach ? CD_REGION_ATTACHING : CD_REGION_DETACHING))
		return -EPROTO;
	/* What it may map it has mapped: nothing comes after this answer. */
	if (attach && !cd_broker_settled(c))
		return -EPROTO;
	/* A worker that can't unmap has no way to go on. */
	if (!attach && done->status)
		return -EPROTO;
	if ((!attach || done->status) && unmapped_verify(c, r))
		return -EPROTO;
	asked_shift(c);
	if (attach && !done->status)
		r->state = CD_REGION_ATTACHED;
	region_answer(c, r, attach_status(done->status));
	if (r->state != CD_REGION_ATTACHED)
		region_forget(c, r);
	cd_region_pump(c);
	return 0;
}

/**
 * cd_regions_drop() - The worker is reaped: no region is mapped any more
 * @c:	client
 *
 * Answers what is owed with VIRTIO_CUDA_ERR_WORKER, which to a detach means that
 * the pages are free, though not as it was meant to be.
 */
void cd_regions_drop(struct cd_client *c)
{
	c->outstanding = 0;
	c->queue = NULL;
	while (c->regions) {
		struct cd_region *r = c->regions;

		if (r->state != CD_REGION_ATTACHED)
			region_answer(c, r, VIRTIO_CUDA_ERR_WORKER);
		region_forget(c, r);
	}
}
