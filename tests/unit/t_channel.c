/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between `causeway run` and its agent, in pieces and damaged.
 */
#include "tools/run/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/tap.h"

static struct ct_channel channel;

/* Connects the channel; returns the other end. */
static int channel_start(void)
{
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	channel.fd = pair[0];
	channel.have = 0;
	return pair[1];
}

TEST(message_arrives_in_pieces_of_one_byte)
{
	struct {
		struct ct_msg_head head;
		char body[3];
	} __attribute__((packed)) msg = { { 7, 3 }, "ab" };
	int other = channel_start();

	for (size_t i = 0; i < sizeof(msg); i++) {
		CHECK_EQ(ct_channel_receive(&channel), 0);
		CHECK_EQ(write(other, (char *)&msg + i, 1), 1);
	}
	CHECK_EQ(ct_channel_receive(&channel), 1);
	CHECK_EQ(channel.head.type, 7);
	CHECK_STR(ct_channel_body(&channel, 3), "ab");
	CHECK(!ct_channel_body(&channel, 4));
	CHECK_EQ(ct_channel_receive(&channel), 0);
}

TEST(messages_back_to_back_come_one_by_one)
{
	struct ct_channel other = { .fd = channel_start() };

	CHECK_EQ(ct_channel_send(&other, 1, "x", 1), 0);
	CHECK_EQ(ct_channel_send(&other, 2, NULL, 0), 0);
	CHECK_EQ(ct_channel_send(&other, 3, "yz", 2), 0);
	for (uint32_t type = 1; type <= 3; type++) {
		CHECK_EQ(ct_channel_receive(&channel), 1);
		CHECK_EQ(channel.head.type, type);
	}
	CHECK_EQ(ct_channel_receive(&channel), 0);
}

TEST(longest_message_passes_and_a_longer_one_does_not)
{
	static char body[CT_MSG_MAX];
	struct ct_msg_head head = { .type = 1, .len = CT_MSG_MAX };
	int other = channel_start();

	CHECK_EQ(write(other, &head, sizeof(head)), sizeof(head));
	CHECK_EQ(write(other, body, sizeof(body)), sizeof(body));
	CHECK_EQ(ct_channel_receive(&channel), 1);
	head.len++;
	CHECK_EQ(write(other, &head, sizeof(head)), sizeof(head));
	CHECK_EQ(ct_channel_receive(&channel), -EBADMSG);
}

TEST(end_in_the_middle_of_a_message_is_an_error)
{
	int other = channel_start();

	CHECK_EQ(write(other, "\1\0", 2), 2);
	close(other);
	CHECK_EQ(ct_channel_receive(&channel), -EPIPE);
}

TAP_MAIN()
