/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/socket/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cw/client_proto.h"

#define RING VCUDA_RING_MIN

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void open_send(int sock, int fd)
{
	struct cw_client_open m = {
		.head = { CW_CLIENT_MAGIC, CW_CLIENT_VERSION, CW_CLIENT_OPEN },
		.channel_version = VCUDA_CHANNEL_VERSION, .ring_size = RING,
		.region_base = RAW_REGION_BASE, .region_size = RAW_ARENA,
		.device_base = RAW_DEVICE_BASE, .device_size = RAW_ARENA,
	};
	char ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &m, sizeof(m) };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	if (sendmsg(sock, &mh, MSG_NOSIGNAL) != sizeof(m))
		die("OPEN");
}

static void open_answer(struct raw *c)
{
	struct cw_client_opened m = { .status = 1 };
	char ctl[CMSG_SPACE(2 * sizeof(int))];
	struct iovec iov = { &m, sizeof(m) };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	int fds[2];

	if (recvmsg(c->sock, &mh, MSG_CMSG_CLOEXEC) != sizeof(m) || m.status || !CMSG_FIRSTHDR(&mh))
		die("OPENED");
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(fds));
	c->window_size = m.window_size;
	c->doorbell = fds[1];
	c->window = fds[0];
}

void raw_open(struct raw *c, const struct sock_daemon *d)
{
	size_t size = VCUDA_CHANNEL_SIZE(RING);
	int fd = memfd_create("raw", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	*c = (struct raw){ .sock = sock_connect(d) };
	if (fd < 0 || c->sock < 0 || ftruncate(fd, (off_t)size) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		die("raw client");
	c->channel = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (c->channel == MAP_FAILED)
		die("channel");
	open_send(c->sock, fd);
	close(fd);
	open_answer(c);
}

void raw_close(struct raw *c)
{
	close(c->sock);
	close(c->doorbell);
	close(c->window);
	munmap(c->channel, VCUDA_CHANNEL_SIZE(RING));
}

void raw_put(struct raw *c, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < len; i++, c->tail++)
		cw_channel_ring(c->channel)[c->tail & (RING - 1)] = from[i];
}

void raw_publish(struct raw *c, uint64_t tail)
{
	uint64_t one = 1;

	atomic_store(&c->channel->tail, tail);
	if (atomic_fetch_and(&c->channel->status, ~(uint32_t)CW_CH_IDLE) & CW_CH_IDLE &&
	    write(c->doorbell, &one, sizeof(one)) < 0)
		die("doorbell");
}

static void head_put(struct raw *c, struct cw_cmd cmd, const void *args, size_t len)
{
	static const uint8_t zeroes[CW_CMD_ALIGN];
	uint32_t left = RING - (uint32_t)(c->tail & (RING - 1));
	struct cw_cmd pad = { .size = left };

	cmd.size = (uint32_t)cw_align_up(sizeof(cmd) + len, CW_CMD_ALIGN);
	if (cmd.size > left) {
		raw_put(c, &pad, sizeof(pad));
		c->tail += left - sizeof(pad);
	}
	raw_put(c, &cmd, sizeof(cmd));
	raw_put(c, args, len);
	raw_put(c, zeroes, cmd.size - sizeof(cmd) - len);
}

void raw_command(struct raw *c, uint32_t id, uint32_t slot, const void *args, size_t len)
{
	struct cw_cmd cmd = {
		.id = id, .slot = (uint16_t)slot, .flags = CW_CMD_REPLY, .seq = ++c->seq,
		.ctx = cw_handle(CW_H_CONTEXT, CW_H_PRIMARY, 0, 0),
	};

	/* Before there is a context nothing could be made current. */
	if (id == cw_fn_hash("cuDevicePrimaryCtxRetain"))
		cmd.ctx = 0;
	head_put(c, cmd, args, len);
}

int raw_call_from(struct raw *c, uint32_t id, uint32_t slot, const uint64_t *words, size_t n,
		  uint64_t *ret)
{
	struct cw_slot *s = cw_channel_slot(c->channel, slot);
	double until = sock_now() + SOCK_PATIENCE_MS / 1000.0;
	uint64_t seq;

	raw_command(c, id, slot, words, n * 8);
	seq = c->seq;
	raw_publish(c, c->tail);
	while (atomic_load(&s->seq) != seq) {
		if (atomic_load(&c->channel->status) & CW_CH_FATAL || sock_now() > until)
			return -1;
		usleep(50);
	}
	if (ret)
		memcpy(ret, s->data, 8);
	return (int)s->result;
}

int raw_call(struct raw *c, uint32_t id, const uint64_t *words, size_t n, uint64_t *ret)
{
	return raw_call_from(c, id, 1, words, n, ret);
}

bool raw_ended(struct raw *c)
{
	struct pollfd p = { .fd = c->sock, .events = POLLIN };
	char byte;

	if (poll(&p, 1, SOCK_PATIENCE_MS) != 1 || read(c->sock, &byte, 1) > 0)
		return false;
	return atomic_load(&c->channel->status) & CW_CH_FATAL;
}

bool raw_lives(struct raw *c)
{
	return raw_call_from(c, CW_FN_STAT, RAW_ASK_SLOT, NULL, 0, NULL) == 0;
}
