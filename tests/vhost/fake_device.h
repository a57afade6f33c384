/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device for back end tests: echoes what it reads, writes a diary of what it
 * is told, puts off when asked to. With it, a loop that runs until idle and a
 * front end in this process.
 */
#ifndef TESTS_VHOST_FAKE_DEVICE_H
#define TESTS_VHOST_FAKE_DEVICE_H

#include "tests/vhost/front.h"
#include "vhost/backend.h"

#define FAKE_QUEUES 3
#define FAKE_WATCHES 16

/**
 * struct fake - Everything of one test
 * @b:		back end under test
 * @f:		front end that talks to it
 * @diary:	words like "start0 kick0 stop0 gone", in order
 * @put_off:	how often stop, remove and reset say -EAGAIN
 * @refuse_memory: mem_added() says no
 * @hold:	keep elements instead of echoing them
 * @held:	elements kept
 * @nr_held:	number of them
 * @config:	configuration space
 * @status:	last status told
 * @why:	last argument of disconnected()
 * @watch:	what the loop watches
 * @nr_watch:	number of them
 * @fds_before:	open descriptors of the process when the test began
 */
struct fake {
	struct vu_backend *b;
	struct front f;
	char diary[1024];
	int put_off;
	bool refuse_memory;
	bool hold;
	struct vq_elem held[2];
	int nr_held;
	uint8_t config[8];
	int status;
	const char *why;
	struct vu_watch *watch[FAKE_WATCHES];
	int nr_watch;
	int fds_before;
};

struct fake *fake_open(void);
struct fake *fake_open_running(void);
int fake_close(struct fake *d);
void fake_diary_clear(struct fake *d);
void fake_run(void *arg);
int fake_open_fds(void);
int fake_echo(struct fake *d, unsigned int i, uint32_t len);

#endif
