/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vhost-user front end for tests: queues and what travels on them.
 */
#include "tests/vhost/front.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cw/util.h"

/**
 * front_alloc() - Take guest memory; it is never given back
 * @f:		front end
 * @len:	bytes
 * @align:	power of two
 *
 * Return: guest address, 0 where there is no more.
 */
uint64_t front_alloc(struct front *f, uint64_t len, uint64_t align)
{
	uint64_t at = cw_align_up(f->next, align);

	if (!cw_range_ok(at, len, f->mem_size))
		return 0;
	f->next = at + len;
	return FRONT_GPA + at;
}

/**
 * front_ptr() - Our address of a guest address
 * @f:		front end
 * @gpa:	guest address from front_alloc()
 *
 * Return: the address.
 */
void *front_ptr(const struct front *f, uint64_t gpa)
{
	return f->mem + (gpa - FRONT_GPA);
}

/**
 * front_prepare_queue() - Make a queue's ring and descriptors, say nothing
 * @f:		front end
 * @i:		queue
 * @size:	descriptors
 *
 * Return: 0 or -errno.
 */
int front_prepare_queue(struct front *f, unsigned int i, uint16_t size)
{
	struct front_queue *q = &f->q[i];
	void *area[VQ_AREA_COUNT];

	for (int a = 0; a < VQ_AREA_COUNT; a++) {
		q->ring[a] = front_alloc(f, vq_area_size(a, size, f->features), 64);
		if (!q->ring[a])
			return -ENOMEM;
		area[a] = front_ptr(f, q->ring[a]);
	}
	q->size = size;
	q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return vq_driver_init(&q->drv, area, size, f->features);
}

static int front_set_fd(struct front *f, uint32_t request, unsigned int i, int fd)
{
	uint64_t index = i;

	return front_set(f, request, &index, sizeof(index), FRONT_FD(fd));
}

/**
 * front_describe_queue() - Tell the back end of a queue, all but "enable"
 * @f:		front end
 * @i:		prepared queue
 * @base:	index to start from
 *
 * Return: the first thing that was refused, as front_set().
 */
int front_describe_queue(struct front *f, unsigned int i, uint32_t base)
{
	struct front_queue *q = &f->q[i];
	struct vu_vring_state num = {i, q->size}, start = {i, base};
	struct vu_vring_addr addr = {
		.index = i,
		.desc = q->ring[VQ_AREA_DESC] - FRONT_GPA + FRONT_UVA,
		.avail = q->ring[VQ_AREA_DRIVER] - FRONT_GPA + FRONT_UVA,
		.used = q->ring[VQ_AREA_DEVICE] - FRONT_GPA + FRONT_UVA,
	};
	int ret = front_set(f, VU_SET_VRING_NUM, &num, sizeof(num), NULL);

	if (!ret)
		ret = front_set(f, VU_SET_VRING_BASE, &start, sizeof(start), NULL);
	if (!ret)
		ret = front_set(f, VU_SET_VRING_ADDR, &addr, sizeof(addr), NULL);
	if (!ret)
		ret = front_set_fd(f, VU_SET_VRING_ERR, i, q->err);
	if (!ret)
		ret = front_set_fd(f, VU_SET_VRING_KICK, i, q->kick);
	if (!ret)
		ret = front_set_fd(f, VU_SET_VRING_CALL, i, q->call);
	return ret;
}

/**
 * front_enable_queue() - Enable or disable a queue
 * @f:		front end
 * @i:		queue
 * @on:		which
 *
 * Return: as front_set().
 */
int front_enable_queue(struct front *f, unsigned int i, bool on)
{
	struct vu_vring_state s = {i, on};

	return front_set(f, VU_SET_VRING_ENABLE, &s, sizeof(s), NULL);
}

/**
 * front_start_queue() - Make a queue and let it run
 * @f:		front end
 * @i:		queue
 * @size:	descriptors
 *
 * Return: 0 or the first thing that went wrong.
 */
int front_start_queue(struct front *f, unsigned int i, uint16_t size)
{
	int ret = front_prepare_queue(f, i, size);

	if (!ret)
		ret = front_describe_queue(f, i, vq_fresh_base(f->features));
	if (!ret && f->features & 1ull << VU_F_PROTOCOL_FEATURES)
		ret = front_enable_queue(f, i, true);
	return ret;
}

/**
 * front_stop_queue() - Stop a queue
 * @f:		front end
 * @i:		queue
 *
 * Return: index to start from again, or -errno.
 */
int front_stop_queue(struct front *f, unsigned int i)
{
	struct vu_msg m = {.state = {i, 0}};
	int ret = front_get(f, VU_GET_VRING_BASE, &m, sizeof(m.state));

	if (ret)
		return ret;
	return m.hdr.size == sizeof(m.state) && m.state.index == i ? (int)m.state.num : -EPROTO;
}

/**
 * front_kick() - Kick a queue, whether or not the device wants it
 * @f:		front end
 * @i:		queue
 */
void front_kick(struct front *f, unsigned int i)
{
	f->q[i].kicks++;
	eventfd_write(f->q[i].kick, 1);
	if (f->pump)
		f->pump(f->pump_arg);
}

/**
 * front_submit() - Add a request, and kick if the device wants to hear of it
 * @f:		front end
 * @i:		queue
 * @req:	request
 *
 * Return: 0, -ENOSPC where the queue is full.
 */
int front_submit(struct front *f, unsigned int i, const struct vq_request *req)
{
	struct vq_driver *drv = &f->q[i].drv;
	int ret = vq_driver_add(drv, req);

	if (ret < 0)
		return ret;
	vq_driver_publish(drv);
	if (vq_driver_kick_needed(drv))
		front_kick(f, i);
	return 0;
}

/**
 * front_called() - Whether the device signalled since the last look
 * @f:		front end
 * @i:		queue
 *
 * Return: true if so.
 */
bool front_called(struct front *f, unsigned int i)
{
	eventfd_t n;

	return !eventfd_read(f->q[i].call, &n);
}

/**
 * front_wait() - Wait for a used element
 * @f:		front end
 * @i:		queue
 * @ret_len:	bytes written by the device
 *
 * Return: the request's token, NULL where none comes in time.
 */
void *front_wait(struct front *f, unsigned int i, uint32_t *ret_len)
{
	struct front_queue *q = &f->q[i];
	struct pollfd p = {q->call, POLLIN, 0};

	for (;;) {
		void *token = vq_driver_get(&q->drv, ret_len);

		if (token)
			return token;
		if (vq_driver_enable_cb(&q->drv))
			continue;
		if (f->pump)
			f->pump(f->pump_arg);
		if (poll(&p, 1, f->pump ? 0 : f->timeout_ms) != 1)
			return vq_driver_get(&q->drv, ret_len);
		front_called(f, i);
	}
}
