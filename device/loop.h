/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event loop of a device: descriptors and what to do when they are ready.
 */
#ifndef DEVICE_LOOP_H
#define DEVICE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#define DEV_LOOP_BATCH 16

/**
 * struct dev_watch - A descriptor that a loop looks at
 * @fd:		descriptor
 * @ready:	called with what epoll says of it. May drop this watch or any
 *		other: a dropped one is not called any more.
 */
struct dev_watch {
	int fd;
	void (*ready)(struct dev_watch *w, uint32_t events);
};

/**
 * struct dev_loop - The loop
 * @epoll:	descriptor of the epoll instance
 * @event:	events that were fetched and not yet handled
 * @nr:		number of them
 * @stop:	set by dev_loop_stop()
 *
 * Thread: one at a time.
 */
struct dev_loop {
	int epoll;
	struct epoll_event event[DEV_LOOP_BATCH];
	int nr;
	bool stop;
};

int dev_loop_init(struct dev_loop *l);
void dev_loop_finish(struct dev_loop *l);
int dev_loop_add(struct dev_loop *l, struct dev_watch *w, uint32_t events);
int dev_loop_change(struct dev_loop *l, struct dev_watch *w, uint32_t events);
void dev_loop_del(struct dev_loop *l, struct dev_watch *w);
int dev_loop_turn(struct dev_loop *l, int timeout_ms);
int dev_loop_run(struct dev_loop *l);
void dev_loop_stop(struct dev_loop *l);

#endif
