/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control thread: what the daemon wants, while the dispatcher serves.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cw/log.h"
#include "worker/internal.h"

/* START, or ATTACH with every run it may have. */
#define CONTROL_MAX                                                                                \
	(sizeof(struct cw_worker_start) + CW_WORKER_MAX_SEGS * sizeof(struct cw_worker_seg))

/**
 * wk_control_recv() - One packet from the daemon
 * @buf, @size:	where it goes
 * @fds:	room for CW_WORKER_MAX_FDS descriptors
 * @nfds:	how many came
 *
 * Return: bytes, 0 at end of file, -errno.
 */
int wk_control_recv(void *buf, size_t size, int *fds, uint32_t *nfds)
{
	char ctl[CMSG_SPACE(CW_WORKER_MAX_FDS * sizeof(int))];
	struct iovec iov = { buf, size };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	struct cmsghdr *c;
	ssize_t n;

	*nfds = 0;
	do {
		n = recvmsg(wk_self()->fd_control, &mh, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	for (c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		*nfds = (uint32_t)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), *nfds * sizeof(int));
	}
	return (int)n;
}

/* Thread: any; a packet is sent whole or not at all. */
int wk_control_send(const void *msg, size_t size)
{
	ssize_t n;

	do {
		n = send(wk_self()->fd_control, msg, size, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static void done(uint32_t type, uint32_t region, uint32_t status)
{
	struct cw_worker_done d = {
		.head = { CW_WORKER_VERSION, CW_WORKER_DONE },
		.type = type, .region = region, .status = status,
	};

	wk_control_send(&d, sizeof(d));
}

static void attach(const void *buf, size_t len, const int *fds, uint32_t nfds)
{
	const struct cw_worker_attach *a = buf;
	uint32_t status = VIRTIO_CUDA_ERR_MALFORMED;

	if (len >= sizeof(*a) && a->nr_segs <= CW_WORKER_MAX_SEGS &&
	    len == sizeof(*a) + a->nr_segs * sizeof(struct cw_worker_seg))
		status = wk_region_attach(a, (const void *)(a + 1), fds, nfds);
	done(CW_WORKER_ATTACH, len >= sizeof(*a) ? a->region : 0, status);
}

static void park(const struct cw_worker_park *p)
{
	wk_pause(p->head.type == CW_WORKER_PARK);
	done(p->head.type, p->seq, VIRTIO_CUDA_OK);
}

static void handle(const void *buf, size_t len, const int *fds, uint32_t nfds)
{
	const struct cw_worker_head *head = buf;

	if (len < sizeof(*head) || head->version != CW_WORKER_VERSION)
		return;
	switch (head->type) {
	case CW_WORKER_ATTACH:
		attach(buf, len, fds, nfds);
		break;
	case CW_WORKER_DETACH: {
		const struct cw_worker_detach *d = buf;

		if (len == sizeof(*d))
			done(CW_WORKER_DETACH, d->region, wk_region_detach(d->region));
		break;
	}
	case CW_WORKER_PARK:
	case CW_WORKER_RESUME:
		if (len == sizeof(struct cw_worker_park))
			park(buf);
		break;
	default:
		cw_warn("unknown control message type=%u", head->type);
	}
}

static void *control_main(void *arg)
{
	char *buf = malloc(CONTROL_MAX);
	int fds[CW_WORKER_MAX_FDS];
	uint32_t nfds;
	int n;

	while (buf && (n = wk_control_recv(buf, CONTROL_MAX, fds, &nfds)) > 0) {
		handle(buf, (size_t)n, fds, nfds);
		for (uint32_t i = 0; i < nfds; i++)
			close(fds[i]);
	}
	/* The daemon closed the socket: the client is over, whatever runs. */
	_exit(0);
	return NULL;
}

/**
 * wk_control_start() - Start the control thread
 *
 * Return: 0 or -errno.
 */
int wk_control_start(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256u << 10);
	err = pthread_create(&thread, &attr, control_main, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}
