/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/vhost/fake_device.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cw/util.h"

static void note(struct fake *d, const char *what, int i)
{
	size_t len = strlen(d->diary);
	const char *space = len ? " " : "";

	if (i < 0)
		snprintf(d->diary + len, sizeof(d->diary) - len, "%s%s", space, what);
	else
		snprintf(d->diary + len, sizeof(d->diary) - len, "%s%s%d", space, what, i);
}

static bool puts_off(struct fake *d)
{
	if (!d->put_off)
		return false;
	d->put_off--;
	note(d, "later", -1);
	return true;
}

static void on_features(void *dev, uint64_t features)
{
	note(dev, "features", -1);
}

static int on_get_config(void *dev, uint32_t off, void *buf, uint32_t len)
{
	struct fake *d = dev;

	memset(buf, 0, len);
	for (uint32_t i = 0; i < len && off + i < sizeof(d->config); i++)
		((uint8_t *)buf)[i] = d->config[off + i];
	return 0;
}

static int on_set_config(void *dev, uint32_t off, const void *buf, uint32_t len)
{
	struct fake *d = dev;

	if (!cw_range_ok(off, len, sizeof(d->config)))
		return -EINVAL;
	memcpy(d->config + off, buf, len);
	return 0;
}

static void on_started(void *dev, unsigned int i, struct vq *q)
{
	note(dev, "start", i);
}

static int on_stopped(void *dev, unsigned int i)
{
	struct fake *d = dev;

	if (puts_off(d))
		return -EAGAIN;
	while (d->nr_held) {
		vq_push(vu_queue(d->b, i), &d->held[--d->nr_held], 0);
		vu_notify(d->b, i);
	}
	note(d, "stop", i);
	return 0;
}

static void echo(struct fake *d, struct vq *q, unsigned int i)
{
	static struct vq_elem elem;
	static char buf[65536];

	while ((!d->hold || d->nr_held < 2) &&
	       vq_pop(q, d->hold ? &d->held[d->nr_held] : &elem) > 0) {
		size_t len;

		if (d->hold) {
			d->nr_held++;
			continue;
		}
		len = vq_iov_to_buf(elem.out.seg, elem.out.n, buf, sizeof(buf));
		len = vq_iov_from_buf(elem.in.seg, elem.in.n, buf, len);
		vq_push(q, &elem, len);
	}
}

static void on_kicked(void *dev, unsigned int i)
{
	struct fake *d = dev;
	struct vq *q = vu_queue(d->b, i);

	note(d, "kick", i);
	do {
		echo(d, q, i);
	} while (!d->hold && vq_enable_notify(q));
	vu_notify(d->b, i);
}

static int on_mem_added(void *dev, const struct vu_region *r)
{
	struct fake *d = dev;

	if (d->refuse_memory)
		return -EPERM;
	note(d, "add", -1);
	return 0;
}

static int on_mem_removing(void *dev, const struct vu_region *r)
{
	if (puts_off(dev))
		return -EAGAIN;
	note(dev, "remove", -1);
	return 0;
}

static void on_status(void *dev, uint8_t status)
{
	((struct fake *)dev)->status = status;
}

static int on_reset(void *dev)
{
	if (puts_off(dev))
		return -EAGAIN;
	note(dev, "reset", -1);
	return 0;
}

static void on_disconnected(void *dev, const char *why)
{
	((struct fake *)dev)->why = why;
	note(dev, "gone", -1);
}

static const struct vu_ops fake_ops = {
	.features = on_features,
	.get_config = on_get_config,
	.set_config = on_set_config,
	.queue_started = on_started,
	.queue_stopped = on_stopped,
	.queue_kicked = on_kicked,
	.mem_added = on_mem_added,
	.mem_removing = on_mem_removing,
	.status = on_status,
	.reset = on_reset,
	.disconnected = on_disconnected,
};

static int loop_add(void *opaque, struct vu_watch *w)
{
	struct fake *d = opaque;
	struct pollfd p = {w->fd, POLLIN, 0};

	/* As epoll does for a descriptor that can't be waited for. */
	if (poll(&p, 1, 0) < 0 || p.revents & POLLNVAL)
		return -EPERM;
	assert(d->nr_watch < FAKE_WATCHES);
	d->watch[d->nr_watch++] = w;
	return 0;
}

static void loop_del(void *opaque, struct vu_watch *w)
{
	struct fake *d = opaque;

	for (int i = 0; i < d->nr_watch; i++) {
		if (d->watch[i] == w) {
			d->watch[i] = d->watch[--d->nr_watch];
			return;
		}
	}
	assert(!"watch that was not added");
}

/**
 * fake_run() - Serve the back end's descriptors until none is ready
 * @arg:	the test's struct fake
 */
void fake_run(void *arg)
{
	struct fake *d = arg;
	bool busy = true;

	while (busy) {
		busy = false;
		for (int i = 0; i < d->nr_watch; i++) {
			struct pollfd p = {d->watch[i]->fd, POLLIN, 0};

			if (poll(&p, 1, 0) == 1) {
				d->watch[i]->ready(d->watch[i]);
				busy = true;
			}
		}
	}
}

/**
 * fake_open_fds() - Open descriptors of this process
 *
 * Return: their number.
 */
int fake_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/**
 * fake_open() - A back end with a front end that has said nothing yet
 *
 * Return: the test's state, of which there is one.
 */
struct fake *fake_open(void)
{
	static struct fake fake;
	struct fake *d = &fake;
	struct vu_params p = {
		.ops = &fake_ops,
		.dev = d,
		.loop = {loop_add, loop_del, d},
		.features = FRONT_FEATURES & ~(1ull << VU_F_PROTOCOL_FEATURES),
		.protocol_features = 1ull << VU_PF_BACKEND_REQ,
		.nr_queues = FAKE_QUEUES,
	};
	int pair[2], ret;

	memset(d, 0, sizeof(*d));
	memcpy(d->config, "\0\0CWabcd", 8);
	d->fds_before = fake_open_fds();
	ret = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	assert(!ret);
	ret = vu_create(&p, &d->b);
	assert(!ret);
	ret = vu_attach(d->b, pair[0]);
	assert(!ret);
	front_init(&d->f, pair[1]);
	d->f.pump = fake_run;
	d->f.pump_arg = d;
	return d;
}

/**
 * fake_open_running() - As fake_open(), and queue 0 of 8 descriptors runs
 *
 * Return: the test's state, its diary empty.
 */
struct fake *fake_open_running(void)
{
	struct fake *d = fake_open();
	int ret = front_negotiate(&d->f, FRONT_FEATURES);

	if (!ret)
		ret = front_share(&d->f, 1 << 20);
	if (!ret)
		ret = front_start_queue(&d->f, 0, 8);
	assert(!ret);
	fake_diary_clear(d);
	return d;
}

/**
 * fake_close() - End the test
 * @d:		the test's state
 *
 * Return: descriptors that were left open, by back end or loop: 0 is right.
 */
int fake_close(struct fake *d)
{
	front_close(&d->f);
	assert(!vu_connected(d->b));
	vu_destroy(d->b);
	return fake_open_fds() - d->fds_before + d->nr_watch;
}

/**
 * fake_diary_clear() - Start a new page
 * @d:		the test's state
 */
void fake_diary_clear(struct fake *d)
{
	d->diary[0] = 0;
}

/**
 * fake_echo() - Send bytes through a queue and compare what comes back
 * @d:		the test's state
 * @i:		queue
 * @len:	bytes
 *
 * Return: 0; -EIO where the bytes differ; -ETIMEDOUT where nothing comes.
 */
int fake_echo(struct fake *d, unsigned int i, uint32_t len)
{
	struct vq_buf buf[2] = {
		{front_alloc(&d->f, len, 1), len},
		{front_alloc(&d->f, len, 1), len},
	};
	struct vq_request req = {.buf = buf, .nr_out = 1, .nr_in = 1, .token = d};
	uint32_t got = 0;

	for (uint32_t k = 0; k < len; k++)
		((uint8_t *)front_ptr(&d->f, buf[0].gpa))[k] = k * 7 + len;
	if (front_submit(&d->f, i, &req) || !front_wait(&d->f, i, &got))
		return -ETIMEDOUT;
	if (got != len || memcmp(front_ptr(&d->f, buf[0].gpa), front_ptr(&d->f, buf[1].gpa), len))
		return -EIO;
	return 0;
}
