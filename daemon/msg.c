/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/msg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cw/util.h"

union cd_control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int) * CD_MSG_MAX_FDS)];
};

/**
 * cd_msg_send() - Send one packet
 * @sock:	SOCK_SEQPACKET socket
 * @iov:	its bytes
 * @niov:	pieces of @iov
 * @fds:	descriptors that go with it; the caller keeps them
 * @nfds:	their number, at most CD_MSG_MAX_FDS
 *
 * Return: 0, or -errno; -EAGAIN where the peer does not read.
 */
int cd_msg_send(int sock, const struct iovec *iov, size_t niov, const int *fds, size_t nfds)
{
	union cd_control control;
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = niov };
	ssize_t n;

	if (nfds > CD_MSG_MAX_FDS)
		return -E2BIG;
	if (nfds) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * nfds);
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Takes every descriptor out of a message, also those that did not fit. */
static size_t take_fds(struct msghdr *msg, int *fds)
{
	size_t got = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		n = cw_min(n, (size_t)CD_MSG_MAX_FDS - got);
		memcpy(fds + got, CMSG_DATA(c), n * sizeof(int));
		got += n;
	}
	return got;
}

/**
 * cd_msg_recv() - Receive one packet
 * @sock:	SOCK_SEQPACKET socket
 * @buf:	where its bytes go
 * @size:	room in @buf
 * @fds:	CD_MSG_MAX_FDS places; the caller owns what arrives, close-on-exec
 * @nfds:	number that arrived; 0 on every failure
 *
 * Return: bytes; 0 where the peer is gone (or sent an empty packet, which no
 * protocol here knows); -EAGAIN where there is nothing; -EMSGSIZE where packet
 * or descriptors did not fit; another -errno.
 */
ssize_t cd_msg_recv(int sock, void *buf, size_t size, int *fds, size_t *nfds)
{
	union cd_control control;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	*nfds = 0;
	do
		n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*nfds = take_fds(&msg, fds);
	if (n > 0 && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return n;
	cd_close_all(fds, *nfds);
	*nfds = 0;
	return n ? -EMSGSIZE : 0;
}

/**
 * cd_close() - Close a descriptor and forget it
 * @fd:		-1 is fine, and what stays
 */
void cd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/**
 * cd_close_all() - Close an array of descriptors and forget them
 * @fds:	descriptors
 * @nfds:	their number
 */
void cd_close_all(int *fds, size_t nfds)
{
	for (size_t i = 0; i < nfds; i++)
		cd_close(&fds[i]);
}
