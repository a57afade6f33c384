/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control port, from either side: messages out, messages in.
 */
#ifndef TOOLS_RUN_CHANNEL_H
#define TOOLS_RUN_CHANNEL_H

#include <stddef.h>

#include "tools/run/proto.h"

/**
 * struct ct_channel - One side of the control port
 * @fd:		non-blocking
 * @have:	bytes in @buf
 * @buf:	the message being received
 */
struct ct_channel {
	int fd;
	size_t have;
	union {
		struct ct_msg_head head;
		char buf[sizeof(struct ct_msg_head) + CT_MSG_MAX];
	};
};

/**
 * ct_channel_send() - Send a message; waits while the other side is slow
 * @ch:		channel
 * @type:	enum ct_msg_type
 * @body:	@len bytes, or NULL
 * @len:	at most CT_MSG_MAX
 *
 * Return: 0, or a negative errno where the other side is gone or takes nothing
 * for half a minute.
 */
int ct_channel_send(struct ct_channel *ch, uint32_t type, const void *body, size_t len);

/**
 * ct_channel_receive() - Take the next message if it is complete
 * @ch:		channel; after 1, @ch->head and the bytes behind it are the
 *		message, until the next call
 *
 * Return: 1, or 0 where there is none yet, -EPIPE at the end, -EBADMSG where
 * the head makes no sense.
 */
int ct_channel_receive(struct ct_channel *ch);

/**
 * ct_channel_body() - The body of the message just received
 * @ch:		channel
 * @size:	bytes it must have
 *
 * Return: the body, or NULL where it has another size.
 */
static inline const void *ct_channel_body(const struct ct_channel *ch, size_t size)
{
	return ch->head.len == size ? ch->buf + sizeof(ch->head) : NULL;
}

#endif
