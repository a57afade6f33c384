/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of processes at the client socket, and of their workers.
 *
 * Covers: daemon/socket.c daemon/client.c daemon/link.c daemon/region.c
 * daemon/msg.c daemon/env.c
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "cw/client_proto.h"
#include "daemon/client.h"
#include "daemon/socket.h"
#include "tests/fuzz/daemon.h"

#define SOCKETS 4
#define RING 0x10000u
#define BASE 0x10000000000ull

enum { FILE_CHANNEL, FILE_REGION, FILE_UNSEALED, FILE_EVENT, FILES };

struct world {
	struct fz_daemon f;
	int sock[SOCKETS];
	int file[FILES];
};

static int memory_file(uint64_t size, int seals)
{
	int fd = memfd_create("client", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	FZ_REQUIRE(fd >= 0 && !ftruncate(fd, (off_t)size) &&
		   (!seals || !fcntl(fd, F_ADD_SEALS, seals)));
	return fd;
}

static void connect_one(struct world *o, unsigned int i)
{
	int pair[2];

	if (o->sock[i] >= 0)
		close(o->sock[i]);
	FZ_REQUIRE(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair));
	o->sock[i] = pair[0];
	cd_socket_adopt(&o->f.d, pair[1]);
}

static size_t make_open(struct fz_input *in, struct cw_client_open *m)
{
	static const char env[] = "CUDA_VISIBLE_DEVICES=0\0LD_PRELOAD=x\0CUDA_LAUNCH_BLOCKING=1";
	uint8_t shape = fz_u8(in);

	m->channel_version = VCUDA_CHANNEL_VERSION;
	m->ring_size = RING;
	m->region_base = BASE;
	m->region_size = 0x100000;
	m->device_base = 2 * BASE;
	m->device_size = FZ_WINDOW;
	if (shape & 1) {
		m->env_len = sizeof(env);
		memcpy(m->env, env, sizeof(env));
	}
	if (shape & 2) {
		m->env_len = fz_u16(in) % 1100;
		fz_take(in, m->env, cw_min((size_t)m->env_len, sizeof(m->env)));
	}
	if (shape & 4)
		m->ring_size = fz_u32(in);
	if (shape & 8)
		m->region_base = fz_u64(in);
	if (shape & 16)
		m->region_size = fz_u64(in);
	if (shape & 32)
		m->device_base = fz_u64(in);
	if (shape & 64)
		m->channel_version = fz_u8(in);
	return sizeof(*m);
}

static size_t make_attach(struct fz_input *in, struct cw_client_attach *m)
{
	uint8_t shape = fz_u8(in);

	m->region = shape & 7;
	m->flags = shape >> 3 & 1;
	m->va = BASE + (shape >> 4 & 3) * 0x4000ull;
	m->len = 0x4000;
	if (shape & 64)
		m->va = fz_u64(in);
	if (shape & 128)
		m->len = fz_u32(in);
	return sizeof(*m);
}

static void step_packet(struct world *o)
{
	struct fz_input *in = &o->f.in;
	uint8_t shape = fz_u8(in);
	unsigned int i = shape % SOCKETS;
	union {
		struct cw_client_head head;
		struct cw_client_open open;
		struct cw_client_attach attach;
		struct cw_client_detach detach;
		uint8_t bytes[2048];
	} m = { .head = { CW_CLIENT_MAGIC, CW_CLIENT_VERSION, 0 } };
	static const uint8_t types[] = { CW_CLIENT_OPEN, CW_CLIENT_ATTACH, CW_CLIENT_DETACH,
					 CW_CLIENT_STAT };
	size_t len = sizeof(m.head), nfds = 0;
	int fds[CD_MAX_CLIENTS];

	m.head.type = types[shape / 4 % 4];
	fds[0] = o->file[FILE_CHANNEL];
	if (m.head.type == CW_CLIENT_OPEN) {
		len = make_open(in, &m.open);
		nfds = 1;
	} else if (m.head.type == CW_CLIENT_ATTACH) {
		len = make_attach(in, &m.attach);
		fds[0] = o->file[FILE_REGION];
		nfds = 1;
	} else if (m.head.type == CW_CLIENT_DETACH) {
		m.detach.region = fz_u8(in) & 7;
		len = sizeof(m.detach);
	}
	if (shape & 16)
		fz_take(in, m.bytes + fz_u8(in), 4);
	if (shape & 32)
		len = fz_u16(in) % sizeof(m);
	if (shape & 64)
		nfds = fz_u8(in) % 40;
	for (size_t k = 0; k < nfds && shape & 64; k++)
		fds[k] = o->file[fz_u8(in) % FILES];
	if (o->sock[i] >= 0)
		fz_send(o->sock[i], &m, len, fds, cw_min(nfds, (size_t)30));
	if (!(shape & 128))
		fz_daemon_pump(&o->f);
}

/* What the process was told, and that descriptors came with a good answer only. */
static void read_answers(struct world *o, unsigned int i)
{
	struct cw_client_opened m;
	char control[CMSG_SPACE(8 * sizeof(int))];
	struct iovec iov = { &m, sizeof(m) };
	ssize_t n;

	for (;;) {
		struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				     .msg_controllen = sizeof(control) };
		struct cmsghdr *c;

		n = recvmsg(o->sock[i], &mh, MSG_DONTWAIT);
		if (n <= 0)
			return;
		c = CMSG_FIRSTHDR(&mh);
		FZ_REQUIRE(m.head.magic == CW_CLIENT_MAGIC);
		FZ_REQUIRE(!c == (m.head.type != CW_CLIENT_OPENED || m.status));
		for (size_t k = 0; c && k < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); k++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + k * sizeof(int), sizeof(fd));
			close(fd);
		}
		fz_plant(i == 3 && m.head.type == CW_CLIENT_DONE && m.status == 2 &&
			 o->f.d.nr_clients == 3);
	}
}

static void step(struct world *o)
{
	uint8_t what = fz_u8(&o->f.in);

	if (what % 8 < 4)
		step_packet(o);
	else if (what % 8 < 7)
		fz_daemon_worker_step(&o->f);
	else
		connect_one(o, what / 8 % SOCKETS);
	for (unsigned int i = 0; i < SOCKETS; i++) {
		if (o->sock[i] >= 0 && what < 200)
			read_answers(o, i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world o;
	int lowest;

	fz_quiet();
	lowest = fz_next_fd();
	memset(&o, 0, sizeof(o));
	o.f.in = (struct fz_input){ data, size };
	fz_daemon_open(&o.f);
	o.file[FILE_CHANNEL] = memory_file(VCUDA_CHANNEL_SIZE(RING), F_SEAL_SHRINK | F_SEAL_GROW);
	o.file[FILE_REGION] = memory_file(0x4000, F_SEAL_SHRINK);
	o.file[FILE_UNSEALED] = memory_file(VCUDA_CHANNEL_SIZE(RING), 0);
	o.file[FILE_EVENT] = eventfd(0, EFD_CLOEXEC);
	for (unsigned int i = 0; i < SOCKETS; i++)
		o.sock[i] = -1;
	for (unsigned int i = 0; i < 2; i++)
		connect_one(&o, i);
	while (o.f.in.n && !o.f.d.stop)
		step(&o);
	fz_daemon_close(&o.f);
	for (unsigned int i = 0; i < SOCKETS; i++) {
		if (o.sock[i] >= 0)
			close(o.sock[i]);
	}
	for (int i = 0; i < FILES; i++)
		close(o.file[i]);
	FZ_REQUIRE(fz_next_fd() == lowest);
	return 0;
}
