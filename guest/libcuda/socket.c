/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport without a VM: the daemon's client socket (include/cw/client_proto.h).
 *
 * After the channel is open the socket carries regions only. A kick is a write
 * to the worker's eventfd; a sleeping thread waits on the futex in its reply
 * slot; bulk data is one memcpy into or out of the window, which is mapped
 * here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cw/client_proto.h"
#include "cw/copy.h"
#include "cw/log.h"
#include "guest/libcuda/client.h"
#include "uapi/linux/virtio_cuda.h"

/* A daemon answers OPEN sooner, if only with an error; something else may not. */
#define OPEN_TIMEOUT_MS 60000
/* A sleeper looks this often whether the other side is still there. */
#define WAIT_LOOK_S 1

static struct {
	int fd;
	int doorbell;
	uint8_t *window;
	uint64_t window_size;
	uint32_t regions;
	pthread_mutex_t lock; /* one request and its answer at a time */
} sock = { .fd = -1, .doorbell = -1, .lock = PTHREAD_MUTEX_INITIALIZER };

static struct cw_client_head head_of(enum cw_client_type type)
{
	return (struct cw_client_head){ CW_CLIENT_MAGIC, CW_CLIENT_VERSION, (uint16_t)type };
}

static int sock_send(const void *msg, size_t len, int fd)
{
	char ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (void *)msg, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		struct cmsghdr *c;

		mh.msg_control = ctl;
		mh.msg_controllen = sizeof(ctl);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do {
		n = sendmsg(sock.fd, &mh, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Bytes of one packet, or -errno; descriptors that are not there become -1. */
static int sock_recv(void *msg, size_t len, int fds[2])
{
	char ctl[CMSG_SPACE(2 * sizeof(int))];
	struct iovec iov = { msg, len };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	struct cmsghdr *c;
	ssize_t n;

	fds[0] = fds[1] = -1;
	do {
		n = recvmsg(sock.fd, &mh, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -ECONNRESET;
	c = CMSG_FIRSTHDR(&mh);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), cw_min(c->cmsg_len - CMSG_LEN(0), 2 * sizeof(int)));
	return (int)n;
}

static int memfd_sealed(const char *name, uint64_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int sock_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(addr.sun_path)) {
		cg_complain("socket path is too long path=\"%s\"", path);
		return -ENAMETOOLONG;
	}
	strcpy(addr.sun_path, path);
	sock.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock.fd < 0)
		return -errno;
	if (connect(sock.fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int err = -errno;

		if (err == -EPROTOTYPE)
			cg_complain("CAUSEWAY_SOCKET is not a client socket: start the daemon with "
				 "--client-socket path=\"%s\"", path);
		else
			cg_complain("no daemon answers at CAUSEWAY_SOCKET: start it with "
				 "'causeway serve --socket %s' why=\"%s\"", path, strerror(-err));
		close(sock.fd);
		sock.fd = -1;
		return err == -EADDRINUSE ? -EIO : err;
	}
	return 0;
}

/* The variables that a back end may see (SEMANTICS 6). */
static uint32_t env_pack(char *buf, size_t size)
{
	static const char *const names[] = {
		"CUDA_DEVICE_MAX_CONNECTIONS", "CUDA_MODULE_LOADING", "CUDA_DISABLE_PTX_JIT",
		"CUDA_FORCE_PTX_JIT", "CAUSEWAY_LOG", "CAUSEWAY_SOFT_CC", "CAUSEWAY_SOFT_THREADS",
	};
	size_t used = 0;

	for (size_t i = 0; i < CW_ARRAY_SIZE(names); i++) {
		const char *value = secure_getenv(names[i]);
		size_t n = value ? strlen(names[i]) + strlen(value) + 2 : 0;

		if (!n || n > size - used)
			continue;
		snprintf(buf + used, size - used, "%s=%s", names[i], value);
		used += n;
	}
	return (uint32_t)used;
}

static int opened(const struct cw_client_opened *r, const int fds[2], struct cg_open *open)
{
	switch (r->status) {
	case VIRTIO_CUDA_OK:
		break;
	case VIRTIO_CUDA_ERR_ADDRESS:
		return -EADDRINUSE;
	case VIRTIO_CUDA_ERR_VERSION:
		cg_complain("daemon speaks another version: install both of one release");
		return -EPROTO;
	case VIRTIO_CUDA_ERR_LIMIT:
	case VIRTIO_CUDA_ERR_BUSY:
		cg_complain("the GPU has as many clients as it may have");
		return -EBUSY;
	default:
		cg_complain("daemon refuses this client, its log says why status=%u", r->status);
		return -EIO;
	}
	if (fds[0] < 0 || fds[1] < 0 || !r->window_size || r->window_size > open->device_size)
		return -EPROTO;
	sock.window = mmap(NULL, r->window_size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	if (sock.window == MAP_FAILED)
		return -errno;
	madvise(sock.window, r->window_size, MADV_DONTFORK);
	sock.window_size = r->window_size;
	sock.doorbell = fds[1];
	open->window_size = r->window_size;
	open->granule = 4096;
	open->direct = r->direct;
	return 0;
}

static int sock_open_channel(struct cg_open *open)
{
	uint64_t size = VCUDA_CHANNEL_SIZE(open->ring_size);
	struct cw_client_open m = {
		.head = head_of(CW_CLIENT_OPEN),
		.channel_version = VCUDA_CHANNEL_VERSION, .ring_size = open->ring_size,
		.region_base = open->region_base, .region_size = open->region_size,
		.device_base = open->device_base, .device_size = open->device_size,
		.pid = (uint32_t)getpid(),
	};
	struct cw_client_opened r;
	int fd = memfd_sealed("causeway-channel", size);
	struct pollfd answer = { .fd = sock.fd, .events = POLLIN };
	int fds[2] = { -1, -1 }, err;

	if (fd < 0)
		return fd;
	m.env_len = env_pack(m.env, sizeof(m.env));
	open->channel = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	err = open->channel == MAP_FAILED ? -errno : sock_send(&m, sizeof(m), fd);
	if (err == -EPIPE)
		err = 0; /* it hung up at once; maybe it said why */
	close(fd);
	while (!err && !(answer.revents & (POLLIN | POLLHUP))) {
		if (poll(&answer, 1, OPEN_TIMEOUT_MS) == 0)
			err = -EPROTO;
	}
	if (!err) {
		err = sock_recv(&r, sizeof(r), fds);
		/* It hung up without reading ours: what it said comes after that. */
		if (err == -ECONNRESET)
			err = sock_recv(&r, sizeof(r), fds);
		err = err == sizeof(r) && r.head.magic == CW_CLIENT_MAGIC ? opened(&r, fds, open)
									  : -EPROTO;
	}
	if (err && err != -EADDRINUSE && err != -EBUSY)
		cg_complain("what listens at CAUSEWAY_SOCKET gave no proper answer to OPEN "
			    "why=\"%s\"", strerror(-err));
	if (fds[0] >= 0)
		close(fds[0]);
	if (err && open->channel != MAP_FAILED)
		munmap(open->channel, size);
	if (err && fds[1] >= 0)
		close(fds[1]);
	if (!err)
		madvise(open->channel, size, MADV_DONTFORK);
	return err;
}

static int sock_open(struct cg_open *open)
{
	int err = sock_connect(secure_getenv("CAUSEWAY_SOCKET"));

	if (err)
		return err;
	err = sock_open_channel(open);
	if (err) {
		close(sock.fd);
		sock.fd = -1;
	}
	return err;
}

static void sock_kick(void)
{
	uint64_t one = 1;

	if (write(sock.doorbell, &one, sizeof(one)) < 0)
		cw_debug("kick failed errno=%d", errno);
}

static bool sock_dead(void)
{
	struct pollfd p = { .fd = sock.fd };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

/* The parent's connection ends with the parent, not with its last child. */
static void sock_forked(void)
{
	close(sock.fd);
	close(sock.doorbell);
	sock.fd = sock.doorbell = -1;
}

static int sock_wait(uint32_t slot, uint64_t seq)
{
	struct cw_slot *s = cw_channel_slot(cg_client()->channel, slot);
	const struct timespec look = { .tv_sec = WAIT_LOOK_S };

	if (syscall(SYS_futex, &s->sleeping, FUTEX_WAIT, 1, &look, NULL, 0) < 0 &&
	    errno == ETIMEDOUT && sock_dead())
		return -EIO;
	return 0;
}

static int sock_copy(enum cw_copy_dir dir, void *user, uint64_t offset, uint64_t len, uint64_t id)
{
	if (!cw_range_ok(offset, len, sock.window_size))
		return -ERANGE;
	if (dir == CW_COPY_HTOD)
		cw_copy(sock.window + offset, user, len);
	else
		cw_copy(user, sock.window + offset, len);
	return 0;
}

/* Sends a request about a region and waits for its answer. */
static int region_ask(const void *msg, size_t len, int fd)
{
	struct cw_client_done d;
	int fds[2], err;

	pthread_mutex_lock(&sock.lock);
	err = sock_send(msg, len, fd);
	if (!err) {
		err = sock_recv(&d, sizeof(d), fds);
		if (err >= 0)
			err = err != sizeof(d)	  ? -EPROTO
			      : d.status == VIRTIO_CUDA_OK ? 0
							   : -ENOMEM;
	}
	pthread_mutex_unlock(&sock.lock);
	return err;
}

static int sock_region_alloc(uint64_t va, uint64_t len, uint32_t *ret_region)
{
	struct cw_client_attach m = {
		.head = head_of(CW_CLIENT_ATTACH), .va = va, .len = len,
	};
	int fd = memfd_sealed("causeway-region", len), err;
	void *at = (void *)(uintptr_t)va;

	if (fd < 0)
		return fd;
	m.region = __atomic_add_fetch(&sock.regions, 1, __ATOMIC_RELAXED);
	err = region_ask(&m, sizeof(m), fd);
	if (!err && mmap(at, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
			    MAP_FAILED)
		err = -errno;
	close(fd);
	if (!err)
		*ret_region = m.region;
	return err;
}

/* No page of the process can be shared after the fact: tracking only. */
static int sock_region_register(uint64_t addr, uint64_t len, bool readonly, uint32_t *ret_region)
{
	return -EOPNOTSUPP;
}

static int sock_region_free(uint32_t region, uint64_t va, uint64_t len, bool registered)
{
	struct cw_client_detach m = { .head = head_of(CW_CLIENT_DETACH), .region = region };
	int err = region_ask(&m, sizeof(m), -1);

	mmap((void *)(uintptr_t)va, len, PROT_NONE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	return err;
}

const struct cg_transport cg_transport_socket = {
	.name = "socket",
	.open = sock_open,
	.kick = sock_kick,
	.wait = sock_wait,
	.dead = sock_dead,
	.forked = sock_forked,
	.copy = sock_copy,
	.region_alloc = sock_region_alloc,
	.region_register = sock_region_register,
	.region_free = sock_region_free,
};
