/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control port, from either side: messages out, messages in.
 */
#include "tools/run/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Only ends a wait for somebody who will never read again. */
#define CHANNEL_STUCK_MS 30000

static int channel_write(int fd, const char *p, size_t len)
{
	while (len) {
		struct pollfd pfd = { .fd = fd, .events = POLLOUT };
		ssize_t n = write(fd, p, len);

		if (n >= 0) {
			p += n;
			len -= n;
		} else if (errno == EAGAIN) {
			int ready = poll(&pfd, 1, CHANNEL_STUCK_MS);

			if (ready < 0 && errno != EINTR)
				return -errno;
			if (!ready)
				return -ETIMEDOUT;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

int ct_channel_send(struct ct_channel *ch, uint32_t type, const void *body, size_t len)
{
	struct ct_msg_head head = { .type = type, .len = len };
	int err = channel_write(ch->fd, (const char *)&head, sizeof(head));

	return err ? err : channel_write(ch->fd, body, len);
}

int ct_channel_receive(struct ct_channel *ch)
{
	/* A complete message was handed out last time: start over. */
	if (ch->have >= sizeof(ch->head) && ch->have == sizeof(ch->head) + ch->head.len)
		ch->have = 0;
	for (;;) {
		size_t want = sizeof(ch->head);
		ssize_t n;

		if (ch->have >= want) {
			if (ch->head.len > CT_MSG_MAX)
				return -EBADMSG;
			want += ch->head.len;
			if (ch->have == want)
				return 1;
		}
		n = read(ch->fd, ch->buf + ch->have, want - ch->have);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return -EPIPE;
		ch->have += n;
	}
}
