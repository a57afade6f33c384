/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framing of vhost-user messages.
 *
 * Theory of operation: a message arrives in any number of pieces and is put
 * together without ever blocking the loop. Descriptors belong to the message
 * they came with; whoever does not take one out finds it closed, on every
 * path. The kernel closes those that do not fit the control buffer and says
 * so (MSG_CTRUNC): such a message is refused.
 */
#include "vhost/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cw/util.h"

static void rx_keep_fds(struct vu_rx *rx, struct msghdr *mh)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (rx->nr_fds < VU_MAX_FDS) {
				rx->fds[rx->nr_fds++] = fd;
			} else {
				close(fd);
				rx->surplus = true;
			}
		}
	}
	if (mh->msg_flags & MSG_CTRUNC)
		rx->surplus = true;
}

/* Bytes of the message that are known to come. */
static size_t rx_want(const struct vu_rx *rx)
{
	size_t hdr = sizeof(rx->msg.hdr);

	return rx->got < hdr ? hdr : hdr + rx->msg.hdr.size;
}

/**
 * vu_rx_read() - Receive more of a message
 * @fd:		socket
 * @rx:		message so far; zeroed for a new one
 *
 * Return: 1 when it is whole, 0 when the socket has no more for now,
 * -ECONNRESET when the peer is gone, -EMSGSIZE for a payload larger than any.
 */
int vu_rx_read(int fd, struct vu_rx *rx)
{
	while (rx->got < rx_want(rx)) {
		char control[CMSG_SPACE(VU_MAX_FDS * sizeof(int))];
		struct iovec iov = {(char *)&rx->msg.hdr + rx->got, rx_want(rx) - rx->got};
		struct msghdr mh = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -ECONNRESET;
		rx_keep_fds(rx, &mh);
		if (!n)
			return -ECONNRESET;
		rx->got += n;
		if (rx->got >= sizeof(rx->msg.hdr) &&
		    rx->msg.hdr.size > sizeof(rx->msg) - offsetof(struct vu_msg, u64))
			return -EMSGSIZE;
	}
	return 1;
}

/**
 * vu_rx_done() - Forget a message and close what is left of its descriptors
 * @rx:		message, ready for the next one afterwards
 */
void vu_rx_done(struct vu_rx *rx)
{
	for (unsigned int i = 0; i < rx->nr_fds; i++) {
		if (rx->fds[i] >= 0)
			close(rx->fds[i]);
	}
	memset(rx, 0, sizeof(*rx));
}

/**
 * vu_rx_take_fd() - Take a descriptor out of a message
 * @rx:		message
 * @i:		which
 *
 * Return: the descriptor, now the caller's, or -1 where there is none.
 */
int vu_rx_take_fd(struct vu_rx *rx, unsigned int i)
{
	int fd = i < rx->nr_fds ? rx->fds[i] : -1;

	if (i < rx->nr_fds)
		rx->fds[i] = -1;
	return fd;
}

/**
 * vu_send() - Send a message without descriptors
 * @fd:		socket
 * @msg:	message, its size in the header
 *
 * A front end that does not read its answers fills the socket's buffer; it is
 * then taken for gone rather than waited for.
 *
 * Return: 0, or -ECONNRESET.
 */
int vu_send(int fd, const struct vu_msg *msg)
{
	size_t len = sizeof(msg->hdr) + msg->hdr.size;
	ssize_t n;

	do {
		n = send(fd, &msg->hdr, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)len ? 0 : -ECONNRESET;
}
