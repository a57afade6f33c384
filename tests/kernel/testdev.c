// SPDX-License-Identifier: Apache-2.0
/*
 * A virtio-cuda device for tests of the driver: honest unless told otherwise.
 *
 * usage: testdev SOCKET
 *
 * Environment: TESTDEV_FEATURES (bits offered), TESTDEV_MAGIC, TESTDEV_GRANULE
 * (log2 of what runs must be multiples of: 12; 21 on huge pages).
 *
 * Theory of operation: it implements the messages of virtio_cuda.h to the
 * letter over a vhost-user socket, and in place of a worker it carries out the
 * script that the test program in the guest writes into its channel
 * (script.h). The script can also tell the device to lie in its next answers,
 * to be silent, or to write nonsense into its rings; what the kernel makes of
 * that is what the tests look at. It ends when the front end does.
 */
#include "tests/kernel/testdev.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cw/log.h"
#include "cw/util.h"
#include "vhost/proto.h"

uint64_t td_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void region_drop(struct td_region *r)
{
	free(r->runs);
	memset(r, 0, sizeof(*r));
}

/**
 * td_client_close() - Forget a client
 * @c:		open or not
 */
void td_client_close(struct td_client *c)
{
	if (!c->open)
		return;
	for (unsigned int i = 0; i < TD_REGIONS; i++)
		region_drop(&c->region[i]);
	munmap(c->window, SCRIPT_WINDOW);
	memset(c, 0, sizeof(*c));
}

/**
 * td_reset() - Forget all of before: a reset or a HELLO
 * @td:		device
 */
void td_reset(struct td *td)
{
	for (unsigned int i = 0; i < TD_CLIENTS; i++)
		td_client_close(&td->client[i]);
	for (unsigned int i = 0; i < td->nr_held; i++)
		free(td->held[i]);
	memset(td->delayed, 0, sizeof(td->delayed));
	td->nr_held = 0;
	td->hang_until_ms = 0;
	td->trick_left = 0;
	td->flood_left = 0;
	td->bells_gpa = 0;
}

static void *runs_ptr(struct td *td, const struct td_run *runs, uint32_t n, uint64_t *offset,
		      uint64_t *ret_len)
{
	for (uint32_t i = 0; i < n; i++) {
		if (*offset < runs[i].len) {
			*ret_len = runs[i].len - *offset;
			return vq_mem_ptr(vu_mem(td->backend), runs[i].gpa + *offset, *ret_len);
		}
		*offset -= runs[i].len;
	}
	return NULL;
}

/**
 * td_channel() - Part of a client's channel
 * @td:		device
 * @c:		client
 * @offset:	of it
 * @len:	bytes, within a page
 *
 * Return: address, or NULL.
 */
void *td_channel(struct td *td, struct td_client *c, uint64_t offset, uint64_t len)
{
	uint64_t have;
	void *p = runs_ptr(td, c->runs, c->nr_runs, &offset, &have);

	return p && have >= len ? p : NULL;
}

/**
 * td_region_ptr() - Guest memory at an address of a region
 * @td:		device
 * @c:		client
 * @va:		address in both processes
 * @ret_len:	bytes contiguous from there
 *
 * Return: address, or NULL where no region is attached.
 */
void *td_region_ptr(struct td *td, struct td_client *c, uint64_t va, uint64_t *ret_len)
{
	for (unsigned int i = 0; i < TD_REGIONS; i++) {
		struct td_region *r = &c->region[i];
		uint64_t offset = va - r->va;

		if (r->id && va >= r->va && offset < r->len)
			return runs_ptr(td, r->runs, r->nr_runs, &offset, ret_len);
	}
	return NULL;
}

static int loop_add(void *opaque, struct vu_watch *w)
{
	struct td *td = opaque;

	if (td->nr_watch == CW_ARRAY_SIZE(td->watch))
		return -ENOSPC;
	td->watch[td->nr_watch++] = w;
	return 0;
}

static void loop_del(void *opaque, struct vu_watch *w)
{
	struct td *td = opaque;

	for (unsigned int i = 0; i < td->nr_watch; i++) {
		if (td->watch[i] == w) {
			td->watch[i] = td->watch[--td->nr_watch];
			return;
		}
	}
}

static bool loop_has(const struct td *td, const struct vu_watch *w)
{
	for (unsigned int i = 0; i < td->nr_watch; i++) {
		if (td->watch[i] == w)
			return true;
	}
	return false;
}

/* One round: what is readable, then what is due. */
static void loop_round(struct td *td)
{
	struct pollfd fds[CW_ARRAY_SIZE(td->watch)];
	struct vu_watch *watch[CW_ARRAY_SIZE(td->watch)];
	unsigned int n = td->nr_watch;

	for (unsigned int i = 0; i < n; i++) {
		watch[i] = td->watch[i];
		fds[i] = (struct pollfd){ .fd = watch[i]->fd, .events = POLLIN };
	}
	poll(fds, n, 10);
	for (unsigned int i = 0; i < n; i++) {
		if (fds[i].revents && loop_has(td, watch[i]))
			watch[i]->ready(watch[i]);
	}
	td_worker_delayed(td);
	td_control(td);
	td_wake_flush(td);
}

static int dev_get_config(void *dev, uint32_t off, void *buf, uint32_t len)
{
	const char *magic = getenv("TESTDEV_MAGIC");
	struct virtio_cuda_config config = {
		.magic = magic ? strtoul(magic, NULL, 0) : VIRTIO_CUDA_MAGIC,
		.version = VIRTIO_CUDA_VERSION,
	};

	memset(buf, 0, len);
	if (off < sizeof(config))
		memcpy(buf, (char *)&config + off, cw_min(len, (uint32_t)sizeof(config) - off));
	return 0;
}

static int dev_queue_stopped(void *dev, unsigned int i)
{
	struct td *td = dev;

	/* A test device need not tell a pause from a reset: QEMU is not paused. */
	if (i == VIRTIO_CUDA_VQ_CONTROL)
		td_reset(td);
	return 0;
}

static void dev_queue_kicked(void *dev, unsigned int i)
{
	if (i == VIRTIO_CUDA_VQ_CONTROL)
		td_control(dev);
}

static void dev_disconnected(void *dev, const char *why)
{
	cw_info("front end gone why=\"%s\"", why);
}

static const struct vu_ops td_ops = {
	.get_config = dev_get_config,
	.queue_stopped = dev_queue_stopped,
	.queue_kicked = dev_queue_kicked,
	.disconnected = dev_disconnected,
};

/* Feature bits offered: TESTDEV_FEATURES, or VERSION_1, INDIRECT, EVENT_IDX. */
static uint64_t offered(void)
{
	const char *env = getenv("TESTDEV_FEATURES");

	return env ? strtoull(env, NULL, 0) : 1ull << 32 | 1ull << 28 | 1ull << 29;
}

int main(int argc, char **argv)
{
	static struct td td;
	struct vu_params params = {
		.ops = &td_ops,
		.dev = &td,
		.loop = { loop_add, loop_del, &td },
		.features = offered(),
		.protocol_features = 1ull << VU_PF_BACKEND_REQ,
		.nr_queues = VIRTIO_CUDA_NUM_VQS,
	};
	const char *granule = getenv("TESTDEV_GRANULE");
	int listener, fd;

	cw_log_name = "testdev";
	signal(SIGPIPE, SIG_IGN);
	td.granule_shift = granule ? (uint32_t)atoi(granule) : 12;
	if (argc != 2) {
		fprintf(stderr, "usage: testdev SOCKET\n");
		return 2;
	}
	listener = vu_listen(argv[1], SOCK_STREAM, 0600);
	if (listener < 0 || vu_create(&params, &td.backend)) {
		cw_error("cannot listen path=\"%s\"", argv[1]);
		return 1;
	}
	do {
		struct pollfd p = { .fd = listener, .events = POLLIN };

		poll(&p, 1, -1);
		fd = vu_accept(listener);
	} while (fd == -EAGAIN || fd == -EINTR);
	if (fd < 0 || vu_attach(td.backend, fd)) {
		cw_error("cannot serve path=\"%s\"", argv[1]);
		return 1;
	}
	while (vu_connected(td.backend))
		loop_round(&td);
	vu_destroy(td.backend);
	close(listener);
	unlink(argv[1]);
	return 0;
}
