/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The back end judged by others: QEMU is the front end and SeaBIOS the driver.
 * A small disk of ours is on the socket; its boot sector says a word on the
 * debug port and switches the machine off.
 */
#include "vhost/backend.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>

#include "tests/tap.h"

#define SECTORS 4096 /* SeaBIOS reads by cylinder and wants one at least */
#define QEMU "qemu-system-x86_64"

struct disk {
	struct vu_backend *b;
	int epoll;
	struct vq_elem elem;
	uint8_t data[SECTORS * 512];
	int reads;
	int stops;
	const char *why;
};

/* 16-bit code at 7c00: each byte of "causeway\n" to port 402, then off by 501. */
static const uint8_t boot_code[] = {
	0xfa, 0x31, 0xc0, 0x8e, 0xd8,	    /* cli; xor ax,ax; mov ds,ax */
	0xbe, 0x1b, 0x7c, 0xba, 0x02, 0x04, /* mov si,7c1b; mov dx,402 */
	0xac, 0x84, 0xc0, 0x74, 0x03,	    /* lodsb; test al,al; jz +3 */
	0xee, 0xeb, 0xf8,		    /* out dx,al; jmp lodsb */
	0xba, 0x01, 0x05, 0xb0, 0x10,	    /* mov dx,501; mov al,10 */
	0xee, 0xf4, 0xf4,		    /* out dx,al; hlt; hlt */
	'c',  'a',  'u',  's',	'e',  'w',  'a', 'y', '\n', 0,
};

static int disk_get_config(void *dev, uint32_t off, void *buf, uint32_t len)
{
	struct virtio_blk_config c = { .capacity = SECTORS, .blk_size = 512 };

	memset(buf, 0, len);
	if (off < sizeof(c))
		memcpy(buf, (char *)&c + off, len < sizeof(c) - off ? len : sizeof(c) - off);
	return 0;
}

static uint32_t disk_read(struct disk *d, struct vq_elem *e, uint64_t sector)
{
	size_t len = vq_iov_size(e->in.seg, e->in.n) - 1;
	uint8_t status = VIRTIO_BLK_S_OK;

	if (sector < SECTORS && len <= sizeof(d->data) - sector * 512)
		vq_iov_put(&e->in, d->data + sector * 512, len);
	else
		status = VIRTIO_BLK_S_IOERR;
	vq_iov_put(&e->in, &status, 1);
	d->reads++;
	return len + 1;
}

static void disk_kicked(void *dev, unsigned int i)
{
	struct disk *d = dev;
	struct vq *q = vu_queue(d->b, i);

	do {
		while (vq_pop(q, &d->elem) > 0) {
			struct virtio_blk_outhdr hdr;
			uint32_t written = 0;

			if (!vq_iov_pull(&d->elem.out, &hdr, sizeof(hdr)) && d->elem.in_len &&
			    hdr.type == VIRTIO_BLK_T_IN)
				written = disk_read(d, &d->elem, hdr.sector);
			vq_push(q, &d->elem, written);
		}
	} while (vq_enable_notify(q));
	vu_notify(d->b, i);
}

static int disk_stopped(void *dev, unsigned int i)
{
	((struct disk *)dev)->stops++;
	return 0;
}

static void disk_disconnected(void *dev, const char *why)
{
	((struct disk *)dev)->why = why;
}

static const struct vu_ops disk_ops = {
	.get_config = disk_get_config,
	.queue_kicked = disk_kicked,
	.queue_stopped = disk_stopped,
	.disconnected = disk_disconnected,
};

static int epoll_add(void *opaque, struct vu_watch *w)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = w };

	return epoll_ctl(((struct disk *)opaque)->epoll, EPOLL_CTL_ADD, w->fd, &ev) ? -errno : 0;
}

static void epoll_del(void *opaque, struct vu_watch *w)
{
	epoll_ctl(((struct disk *)opaque)->epoll, EPOLL_CTL_DEL, w->fd, NULL);
}

static pid_t start_qemu(const char *sock, const char *log)
{
	char chardev[160], console[160];
	pid_t pid;

	snprintf(chardev, sizeof(chardev), "socket,id=c,path=%s", sock);
	snprintf(console, sizeof(console), "file,id=d,path=%s", log);
	pid = fork();
	if (pid)
		return pid;
	execlp(QEMU, QEMU, "-machine", "q35,memory-backend=m", "-accel", "tcg", "-m", "64",
	       "-object", "memory-backend-memfd,id=m,size=64M,share=on", "-nodefaults",
	       "-no-user-config", "-display", "none", "-chardev", chardev, "-device",
	       "vhost-user-blk-pci,chardev=c,bootindex=0", "-chardev", console, "-device",
	       "isa-debugcon,iobase=0x402,chardev=d", "-device",
	       "isa-debug-exit,iobase=0x501,iosize=1", NULL);
	_exit(127);
}

/* Serves QEMU until it hangs up or a minute has passed. */
static void serve(struct disk *d)
{
	time_t end = time(NULL) + 60;

	while (vu_connected(d->b) && time(NULL) < end) {
		struct epoll_event ev[8];
		int n = epoll_wait(d->epoll, ev, 8, 1000);

		for (int i = 0; i < n; i++) {
			struct vu_watch *w = ev[i].data.ptr;

			w->ready(w);
		}
	}
}

static bool log_has(const char *path, const char *word)
{
	static char buf[65536];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(buf, 1, sizeof(buf) - 1, f) : 0;

	if (f)
		fclose(f);
	buf[n] = 0;
	return strstr(buf, word);
}

TEST(seabios_under_qemu_boots_from_a_disk_of_ours)
{
	static struct disk d;
	struct vu_params p = {
		.ops = &disk_ops,
		.dev = &d,
		.loop = { epoll_add, epoll_del, &d },
		.features = 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_INDIRECT_DESC |
			    1ull << VIRTIO_RING_F_EVENT_IDX,
		.nr_queues = 1,
	};
	char dir[] = "/tmp/t_qemu.XXXXXX", sock[64], log[64];
	int fd, conn, status = -1;
	pid_t pid;

	if (system("command -v " QEMU " >/dev/null"))
		SKIP(QEMU " is not installed");
	memcpy(d.data, boot_code, sizeof(boot_code));
	d.data[510] = 0x55;
	d.data[511] = 0xaa;
	d.epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK(mkdtemp(dir));
	snprintf(sock, sizeof(sock), "%s/sock", dir);
	snprintf(log, sizeof(log), "%s/log", dir);
	CHECK_EQ(vu_create(&p, &d.b), 0);
	fd = vu_listen(sock, SOCK_STREAM, 0600);
	CHECK(fd >= 0);
	pid = start_qemu(sock, log);
	while ((conn = vu_accept(fd)) == -EAGAIN && !waitpid(pid, &status, WNOHANG))
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	CHECK(conn >= 0);
	CHECK_EQ(vu_attach(d.b, conn), 0);
	serve(&d);
	/* QEMU hangs up some time before it ends: 10 s for what is left of it. */
	for (int i = 0; !waitpid(pid, &status, WNOHANG); i++) {
		if (i == 1000)
			kill(pid, SIGKILL);
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	CHECK(log_has(log, "causeway"));
	/* isa-debug-exit makes (value << 1 | 1) of what the code wrote. */
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0x21);
	CHECK(d.reads > 0);
	CHECK(d.stops > 0);
	CHECK_STR(d.why, "closed");
	vu_destroy(d.b);
	unlink(sock);
	unlink(log);
	rmdir(dir);
}

TAP_MAIN()
