/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker for tests of the daemon: obeys commands that a test writes to the
 * start of the ring, and misbehaves where a test asks for it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cw/channel.h"
#include "cw/device_info.h"
#include "cw/worker_proto.h"
#include "daemon/msg.h"
#include "tests/vhost/t_daemon_worker.h"
#include "uapi/linux/virtio_cuda.h"
#include "worker/main.h"

union message {
	struct cw_worker_head head;
	struct cw_worker_attach attach;
	struct cw_worker_detach detach;
	struct cw_worker_park park;
	char room[sizeof(struct cw_worker_attach) +
		  CW_WORKER_MAX_SEGS * sizeof(struct cw_worker_seg)];
};

static struct cw_worker_start start;
static uint8_t *channel;
static int doorbell, signal_fd = -1;
static int ram[2 * CW_WORKER_MAX_RAM];
static _Atomic uint64_t *signal_page;
static bool parked;
static struct { uint32_t id; void *at; size_t len; } regions[64];

static void send_msg(const void *msg, size_t len)
{
	if (send(CW_WORKER_FD, msg, len, MSG_NOSIGNAL) < 0)
		_exit(0);
}

static void send_done(uint32_t type, uint32_t region, uint32_t status)
{
	struct cw_worker_done done = {
		.head = { CW_WORKER_VERSION, CW_WORKER_DONE },
		.type = type, .region = region, .status = status,
	};

	send_msg(&done, sizeof(done));
}

static int wants(const char *how)
{
	const char *e = start.env_len ? strstr(start.env, "CUDA_MODULE_LOADING=") : NULL;

	return e && !strcmp(e + strlen("CUDA_MODULE_LOADING="), how);
}

static void *map_segs(const struct cw_worker_seg *seg, uint32_t n, const int *fds, void *want)
{
	uint64_t len = 0;
	uint8_t *at;

	for (uint32_t i = 0; i < n; i++)
		len += seg[i].len;
	at = mmap(want, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (uint32_t i = 0; i < n; at += seg[i++].len) {
		uint32_t fd = seg[i].fd;

		if (mmap(at, seg[i].len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 fd & CW_SEG_RAM ? ram[fd & ~CW_SEG_RAM] : fds[fd],
			 (off_t)seg[i].offset) == MAP_FAILED)
			_exit(9);
	}
	return at - len;
}

static void on_attach(const union message *m, const int *fds)
{
	const struct cw_worker_attach *a = &m->attach;

	if (a->region == T_REGION_MUTE)
		return;
	if (a->region == T_REGION_ODD) {
		send_done(CW_WORKER_ATTACH, a->region, VIRTIO_CUDA_ERR_STALE);
		return;
	}
	for (int i = 0; i < 64; i++) {
		if (regions[i].id)
			continue;
		regions[i].id = a->region;
		regions[i].at = map_segs((const void *)(a + 1), a->nr_segs, fds,
					 (void *)(uintptr_t)a->va);
		regions[i].len = a->len;
		break;
	}
	send_done(CW_WORKER_ATTACH, a->region, 0);
}

static void *answer_later(void *arg)
{
	usleep(200000);
	send_done(CW_WORKER_DETACH, T_REGION_HIDE, 0);
	pause();
	return NULL;
}

static void on_detach(const union message *m)
{
	uint32_t id = m->detach.region;
	pthread_t thread;

	if (id == T_REGION_HIDE && !pthread_create(&thread, NULL, answer_later, NULL))
		syscall(SYS_exit, 0); /* of this thread alone */
	for (int i = 0; i < 64; i++) {
		if (regions[i].id != id)
			continue;
		if (id == T_REGION_LIAR) {
			mremap(regions[i].at, regions[i].len, regions[i].len,
			       MREMAP_MAYMOVE | MREMAP_FIXED, (char *)regions[i].at + (1 << 30));
		} else {
			munmap(regions[i].at, regions[i].len);
		}
		regions[i].id = 0;
	}
	send_done(CW_WORKER_DETACH, id, 0);
}

static void on_socket(void)
{
	static union message m;
	int fds[CD_MSG_MAX_FDS];
	size_t nfds;
	ssize_t n = cd_msg_recv(CW_WORKER_FD, &m, sizeof(m), fds, &nfds);

	if (n == -EAGAIN)
		return;
	if (n <= 0)
		_exit(0);
	if (m.head.type == CW_WORKER_ATTACH)
		on_attach(&m, fds);
	else if (m.head.type == CW_WORKER_DETACH)
		on_detach(&m);
	else if (m.head.type == CW_WORKER_PARK || m.head.type == CW_WORKER_RESUME)
		parked = m.head.type == CW_WORKER_PARK;
	cw_channel_slot(channel, T_SLOT_PARKED)->len = parked;
	if (m.head.type == CW_WORKER_PARK || m.head.type == CW_WORKER_RESUME)
		send_done(m.head.type, m.park.seq, 0);
	cd_close_all(fds, nfds);
}

/* Answers in slot 1, as a worker does; T_CMD_ENV: with the client's variables. */
static void reply(const void *data, uint32_t len)
{
	struct cw_slot *slot = cw_channel_slot(channel, 1);
	uint64_t one = 1;

	memcpy(slot->data, data, len);
	slot->len = len;
	atomic_fetch_add(&slot->seq, 1);
	if (atomic_exchange(&slot->sleeping, 0))
		syscall(SYS_futex, &slot->sleeping, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	if (signal_page)
		atomic_fetch_or(signal_page, 1 << 1);
	if (signal_fd >= 0 && write(signal_fd, &one, sizeof(one)) != sizeof(one))
		_exit(9);
}

static void on_granted(void)
{
	struct t_grant *g = (void *)(cw_channel_ring(channel) + 8);
	struct cw_worker_granted msg = {
		.head = { CW_WORKER_VERSION, CW_WORKER_GRANTED },
		.id = g->id, .offset = g->offset, .len = g->len, .write = g->write,
	};
	uint32_t pid = (uint32_t)getpid();

	send_msg(&msg, sizeof(msg));
	reply(&pid, sizeof(pid));
}

/* As the test knows it: in here it may have another number. */
static uint32_t outer_pid(void)
{
	char text[16] = "";

	return readlink("/proc/self", text, sizeof(text) - 1) > 0 ? (uint32_t)atoi(text) : 0;
}

static void on_doorbell(void)
{
	uint32_t pid = outer_pid();
	uint64_t count;

	if (read(doorbell, &count, sizeof(count)) != sizeof(count))
		_exit(9);
	switch (*(volatile uint32_t *)cw_channel_ring(channel)) {
	case T_CMD_PID:
		reply(&pid, sizeof(pid));
		break;
	case T_CMD_ENV:
		reply(start.env, cw_min(start.env_len, CW_REPLY_MAX));
		break;
	case T_CMD_SEGV:
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
		break;
	case T_CMD_GARBAGE:
		send_msg(&pid, sizeof(pid));
		break;
	case T_CMD_GRANT:
		on_granted();
		break;
	case T_CMD_PEEK:
		reply(*(void *volatile *)(cw_channel_ring(channel) + 8), 8);
		break;
	}
}

static int fds_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = -1; /* the directory itself */

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n - 2; /* . and .. */
}

static void worker_start(void)
{
	char buf[sizeof(start) + 8 * sizeof(struct cw_worker_seg)];
	struct cw_worker_started started = { { CW_WORKER_VERSION, CW_WORKER_STARTED } };
	struct pollfd p = { .fd = CW_WORKER_FD, .events = POLLIN };
	int fds[CD_MSG_MAX_FDS];
	size_t nfds;

	/* 0, 1, 2, CW_WORKER_FD, and maybe a root. */
	if (fds_open() != 4 + (fcntl(CW_WORKER_ROOT_FD, F_GETFD) >= 0))
		_exit(10);
	poll(&p, 1, -1);
	if (cd_msg_recv(CW_WORKER_FD, buf, sizeof(buf), fds, &nfds) < (ssize_t)sizeof(start))
		_exit(11);
	memcpy(&start, buf, sizeof(start));
	if (wants("die"))
		_exit(3);
	if (wants("hang"))
		pause();
	if (wants("address")) {
		started.status = VIRTIO_CUDA_ERR_ADDRESS;
		send_msg(&started, sizeof(started));
		_exit(0);
	}
	channel = map_segs((const void *)(buf + sizeof(start)), start.nr_segs, fds, NULL);
	if (pread(fds[start.fd_info], channel + VCUDA_INFO_OFFSET, VCUDA_INFO_SIZE, 0) !=
	    VCUDA_INFO_SIZE)
		_exit(12);
	doorbell = fds[start.fd_doorbell];
	memcpy(ram, fds + start.fd_ram, start.nr_ram * sizeof(ram[0]));
	if (start.fd_signal != UINT32_MAX) {
		signal_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
				   fds[start.fd_signal_page], 0);
		signal_fd = fds[start.fd_signal];
	}
	send_msg(&started, sizeof(started));
}

int wk_main(void)
{
	struct pollfd p[2];

	worker_start();
	p[0] = (struct pollfd){ .fd = CW_WORKER_FD, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = doorbell, .events = POLLIN };
	for (;;) {
		p[1].fd = parked ? -1 : doorbell;
		poll(p, 2, -1);
		if (p[0].revents)
			on_socket();
		if (p[1].revents)
			on_doorbell();
	}
}

int wk_probe_main(void)
{
	struct cw_worker_probed msg = { { CW_WORKER_VERSION, CW_WORKER_PROBED } };
	const char *how = getenv("CAUSEWAY_TEST_PROBE");
	struct pollfd p = { .fd = CW_WORKER_FD, .events = POLLIN };
	struct cw_worker_probe probe;
	struct cw_info info = { .version = VCUDA_CHANNEL_VERSION, .count = 1, .direct = 1 };
	int fds[CD_MSG_MAX_FDS];
	size_t nfds;

	poll(&p, 1, -1);
	if (cd_msg_recv(CW_WORKER_FD, &probe, sizeof(probe), fds, &nfds) != sizeof(probe))
		return 11;
	if (how && !strcmp(how, "die"))
		return 3;
	if (how && !strcmp(how, "hang"))
		pause();
	if (how && !strcmp(how, "none")) {
		msg.status = VIRTIO_CUDA_ERR_NO_DEVICE;
		strcpy(msg.reason, "made to fail");
	}
	if (how && !strcmp(how, "table"))
		info.count = 1000;
	strcpy(info.back_end, "test");
	strcpy(info.device[0].name, "Test GPU");
	if (pwrite(fds[0], &info, sizeof(info), 0) != sizeof(info))
		return 12;
	send_msg(&msg, sizeof(msg));
	return 0;
}
