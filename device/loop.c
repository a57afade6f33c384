/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event loop of a device.
 */
#include "device/loop.h"

#include <errno.h>
#include <unistd.h>

/**
 * dev_loop_init() - Make an empty loop
 * @l:	loop; dev_loop_finish() is due where 0 is returned
 *
 * Return: 0 or -errno.
 */
int dev_loop_init(struct dev_loop *l)
{
	*l = (struct dev_loop){.epoll = epoll_create1(EPOLL_CLOEXEC)};
	return l->epoll < 0 ? -errno : 0;
}

/**
 * dev_loop_finish() - Free a loop
 * @l:	loop; its watches are the caller's
 */
void dev_loop_finish(struct dev_loop *l)
{
	close(l->epoll);
	l->epoll = -1;
}

/**
 * dev_loop_add() - Look at a descriptor
 * @l:		loop
 * @w:		watch; its memory lives until dev_loop_del()
 * @events:	EPOLLIN, EPOLLOUT; level triggered
 *
 * Return: 0 or -errno.
 */
int dev_loop_add(struct dev_loop *l, struct dev_watch *w, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = w};

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, w->fd, &e) ? -errno : 0;
}

/**
 * dev_loop_change() - Look at a descriptor for something else
 * @l:		loop
 * @w:		watch that was added
 * @events:	as for dev_loop_add(); 0 for errors and hang-ups alone
 *
 * Return: 0 or -errno.
 */
int dev_loop_change(struct dev_loop *l, struct dev_watch *w, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = w};

	return epoll_ctl(l->epoll, EPOLL_CTL_MOD, w->fd, &e) ? -errno : 0;
}

/**
 * dev_loop_del() - No longer look at a descriptor
 * @l:	loop
 * @w:	watch that was added; its descriptor is still open
 */
void dev_loop_del(struct dev_loop *l, struct dev_watch *w)
{
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	for (int i = 0; i < l->nr; i++)
		if (l->event[i].data.ptr == w)
			l->event[i].data.ptr = NULL;
}

/**
 * dev_loop_turn() - Handle what is ready
 * @l:		loop
 * @timeout_ms:	how long to wait for something, -1 for ever
 *
 * Return: number of descriptors that were ready, or -errno.
 */
int dev_loop_turn(struct dev_loop *l, int timeout_ms)
{
	int n = epoll_wait(l->epoll, l->event, DEV_LOOP_BATCH, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	l->nr = n;
	for (int i = 0; i < n; i++) {
		struct dev_watch *w = l->event[i].data.ptr;

		if (w)
			w->ready(w, l->event[i].events);
	}
	l->nr = 0;
	return n;
}

/**
 * dev_loop_run() - Handle events until dev_loop_stop()
 * @l:	loop
 *
 * Return: 0 or -errno.
 */
int dev_loop_run(struct dev_loop *l)
{
	int ret = 0;

	while (!l->stop && ret >= 0)
		ret = dev_loop_turn(l, -1);
	return ret < 0 ? ret : 0;
}

/**
 * dev_loop_stop() - Let dev_loop_run() return after this turn
 * @l:	loop
 */
void dev_loop_stop(struct dev_loop *l)
{
	l->stop = true;
}
