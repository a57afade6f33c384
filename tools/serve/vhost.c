/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device of device/ behind vhost-user.
 *
 * Theory of operation: the back end of vhost/ calls operations of its own, and
 * each is one operation of the device; the way back is struct dev_host. What
 * the back end wants watched goes into the device's loop.
 */
#include "tools/serve/vhost.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/ct.h"
#include "vhost/backend.h"
#include "vhost/proto.h"

#include "cw/util.h"

/**
 * struct served - A device that is served
 * @dev:	device
 * @loop:	event loop
 * @b:		back end
 * @listener:	listening socket, or -1
 * @signals:	signalfd
 * @hangup:	of serve_vhost()
 * @status:	exit status
 */
struct served {
	struct dev *dev;
	struct dev_loop *loop;
	struct vu_backend *b;
	struct dev_watch listener;
	struct dev_watch signals;
	int (*hangup)(struct dev *dev);
	int status;
};

/* A watch of the back end in the loop. */
struct bridge {
	struct dev_watch watch;
	struct vu_watch *w;
	struct bridge *next;
};

static void bridge_ready(struct dev_watch *w, uint32_t events)
{
	struct vu_watch *to = CW_CONTAINER_OF(w, struct bridge, watch)->w;

	to->ready(to);
}

/* Bridges are few: a socket and one per queue. */
static struct bridge *bridges;

static int loop_add(void *opaque, struct vu_watch *w)
{
	struct served *s = opaque;
	struct bridge *br = calloc(1, sizeof(*br));
	int ret;

	if (!br)
		return -ENOMEM;
	*br = (struct bridge){ { w->fd, bridge_ready }, w, bridges };
	ret = dev_loop_add(s->loop, &br->watch, EPOLLIN);
	if (ret) {
		free(br);
		return ret;
	}
	bridges = br;
	return 0;
}

static void loop_del(void *opaque, struct vu_watch *w)
{
	struct served *s = opaque;

	for (struct bridge **at = &bridges; *at; at = &(*at)->next) {
		struct bridge *br = *at;

		if (br->w != w)
			continue;
		*at = br->next;
		dev_loop_del(s->loop, &br->watch);
		free(br);
		return;
	}
}

static void on_features(void *opaque, uint64_t features)
{
	dev_set_features(((struct served *)opaque)->dev, features);
}

/* 2.1: what is not there reads as zero; front ends ask for more than there is. */
static int on_get_config(void *opaque, uint32_t off, void *buf, uint32_t len)
{
	vq_config_read(&((struct served *)opaque)->dev->config, off, buf, len);
	return 0;
}

static int on_set_config(void *opaque, uint32_t off, const void *buf, uint32_t len)
{
	return dev_config_write(((struct served *)opaque)->dev, off, buf, len);
}

static void on_queue_started(void *opaque, unsigned int i, struct vq *q)
{
	dev_queue_start(((struct served *)opaque)->dev, i, q);
}

static int on_queue_stopped(void *opaque, unsigned int i)
{
	return dev_queue_stop(((struct served *)opaque)->dev, i);
}

static void on_queue_kicked(void *opaque, unsigned int i)
{
	dev_queue_kick(((struct served *)opaque)->dev, i);
}

static int on_mem_removing(void *opaque, const struct vu_region *r)
{
	return dev_drain(((struct served *)opaque)->dev);
}

static int on_reset(void *opaque)
{
	dev_reset(((struct served *)opaque)->dev);
	return 0;
}

static void on_disconnected(void *opaque, const char *why)
{
	struct served *s = opaque;

	if (strcmp(why, "closed"))
		ct_error("the front end was thrown out: %s", why);
	dev_reset(s->dev);
	if (s->listener.fd < 0)
		dev_loop_stop(s->loop);
	else
		dev_loop_change(s->loop, &s->listener, EPOLLIN);
}

static const struct vu_ops vhost_ops = {
	.features = on_features,
	.get_config = on_get_config,
	.set_config = on_set_config,
	.queue_started = on_queue_started,
	.queue_stopped = on_queue_stopped,
	.queue_kicked = on_queue_kicked,
	.mem_removing = on_mem_removing,
	.reset = on_reset,
	.disconnected = on_disconnected,
};

static void host_notify(struct dev *d, unsigned int i)
{
	vu_notify(((struct served *)d->host_data)->b, i);
}

static void host_config_changed(struct dev *d)
{
	vu_config_changed(((struct served *)d->host_data)->b);
}

static void host_proceed(struct dev *d)
{
	vu_continue(((struct served *)d->host_data)->b);
}

static const struct dev_host vhost_host = {
	.notify = host_notify,
	.config_changed = host_config_changed,
	.proceed = host_proceed,
};

static void on_connection(struct dev_watch *w, uint32_t events)
{
	struct served *s = CW_CONTAINER_OF(w, struct served, listener);
	int fd = vu_accept(w->fd);

	if (fd < 0)
		return;
	if (vu_attach(s->b, fd)) {
		close(fd);
		return;
	}
	/* The next one waits in the backlog until this one is gone. */
	dev_loop_change(s->loop, &s->listener, 0);
}

static void on_signal(struct dev_watch *w, uint32_t events)
{
	struct served *s = CW_CONTAINER_OF(w, struct served, signals);
	struct signalfd_siginfo info;

	if (read(w->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGHUP)
		dev_loop_stop(s->loop);
	else if (s->hangup)
		s->hangup(s->dev);
}

static int signals_init(struct served *s)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);
	s->signals.ready = on_signal;
	s->signals.fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals.fd < 0)
		return -errno;
	return dev_loop_add(s->loop, &s->signals, EPOLLIN);
}

static int where_init(struct served *s, const struct serve_where *where)
{
	bool listening = true;
	int fd, ret;

	s->listener = (struct dev_watch){ -1, on_connection };
	fd = where->fd;
	if (where->socket_path)
		fd = vu_listen(where->socket_path, SOCK_STREAM, 0600);
	if (fd < 0)
		return fd;
	ret = vu_adopt_fd(fd, &listening);
	if (ret)
		return ret;
	if (!listening)
		return vu_attach(s->b, fd);
	s->listener.fd = fd;
	return dev_loop_add(s->loop, &s->listener, EPOLLIN);
}

/* The device lets go of everything, as when the front end leaves. */
static void let_go(struct served *s)
{
	s->listener.fd = -1;
	vu_detach(s->b, "closed");
	while (vu_connected(s->b) && dev_loop_turn(s->loop, -1) >= 0)
		;
}

int serve_vhost(struct dev_loop *loop, struct dev *dev, const struct serve_where *where,
		int (*hangup)(struct dev *dev))
{
	struct served s = { .dev = dev, .loop = loop, .hangup = hangup };
	struct vu_params p = {
		.ops = &vhost_ops,
		.dev = &s,
		.loop = { loop_add, loop_del, &s },
		.features = dev->offered,
		.protocol_features = 1ULL << VU_PF_BACKEND_REQ,
		.nr_queues = dev->nr_queues,
	};
	int ret = vu_create(&p, &s.b);

	if (ret) {
		ct_error("cannot serve: %s", strerror(-ret));
		return CT_EXIT_OWN;
	}
	dev->host = &vhost_host;
	dev->host_data = &s;
	ret = signals_init(&s);
	if (!ret) {
		ret = where_init(&s, where);
		if (ret && where->socket_path)
			ct_error("cannot listen at %s: %s", where->socket_path, strerror(-ret));
		else if (ret)
			ct_error("descriptor %d is no vhost-user socket: %s", where->fd,
				 strerror(-ret));
	}
	if (!ret)
		ret = dev_loop_run(loop);
	if (s.listener.fd >= 0 && where->socket_path)
		unlink(where->socket_path);
	let_go(&s);
	vu_destroy(s.b);
	return ret ? CT_EXIT_OWN : 0;
}
