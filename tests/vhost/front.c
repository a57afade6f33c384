/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vhost-user front end for tests: messages, memory, negotiation. The queues
 * are in tests/vhost/front_queue.c.
 */
#include "tests/vhost/front.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cw/util.h"

/**
 * front_init() - A front end on a connected socket
 * @f:		front end
 * @sock:	socket, the front end's afterwards
 */
void front_init(struct front *f, int sock)
{
	memset(f, 0, sizeof(*f));
	f->sock = sock;
	f->memfd = -1;
	f->timeout_ms = 20000;
	for (int i = 0; i < FRONT_MAX_QUEUES; i++)
		f->q[i].kick = f->q[i].call = f->q[i].err = -1;
}

/**
 * front_connect() - Connect to a back end
 * @f:		front end, initialised here
 * @path:	its socket; waited for while the daemon starts
 *
 * Return: 0 or -errno.
 */
int front_connect(struct front *f, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret = -ETIMEDOUT;

	front_init(f, fd);
	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	for (int ms = 0; ms < f->timeout_ms; ms += 10) {
		if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
			return 0;
		ret = -errno;
		if (errno != ENOENT && errno != ECONNREFUSED && errno != EAGAIN)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	front_close(f);
	return ret;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/**
 * front_close() - Hang up and free everything
 * @f:		front end
 */
void front_close(struct front *f)
{
	close_fd(&f->sock);
	if (f->pump)
		f->pump(f->pump_arg);
	close_fd(&f->memfd);
	if (f->mem)
		munmap(f->mem, f->mem_size);
	f->mem = NULL;
	for (int i = 0; i < FRONT_MAX_QUEUES; i++) {
		close_fd(&f->q[i].kick);
		close_fd(&f->q[i].call);
		close_fd(&f->q[i].err);
		vq_driver_finish(&f->q[i].drv);
	}
}

/**
 * front_send() - Send a message as it is
 * @f:		front end
 * @m:		message, right or wrong
 * @fds:	descriptors to go with it, or NULL
 *
 * Return: 0 or -ECONNRESET.
 */
int front_send(struct front *f, const struct vu_msg *m, const struct front_fds *fds)
{
	char control[CMSG_SPACE(64 * sizeof(int))] = "";
	size_t max = sizeof(*m) - offsetof(struct vu_msg, u64);
	size_t len = sizeof(m->hdr) + cw_min((size_t)m->hdr.size, max);
	struct iovec iov = {(void *)&m->hdr, len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fds && fds->n) {
		struct cmsghdr *c = (struct cmsghdr *)control;

		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(fds->n * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fds->n * sizeof(int));
		memcpy(CMSG_DATA(c), fds->fd, fds->n * sizeof(int));
	}
	return sendmsg(f->sock, &mh, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -ECONNRESET;
}

static int front_read(struct front *f, void *buf, size_t len)
{
	for (size_t got = 0; got < len;) {
		struct pollfd p = {f->sock, POLLIN, 0};
		ssize_t n;

		if (f->pump)
			f->pump(f->pump_arg);
		if (poll(&p, 1, f->pump ? 0 : f->timeout_ms) != 1)
			return -ETIMEDOUT;
		n = read(f->sock, (char *)buf + got, len - got);
		if (n <= 0)
			return -ECONNRESET;
		got += n;
	}
	return 0;
}

/**
 * front_recv() - Receive an answer
 * @f:		front end
 * @m:		the answer
 *
 * Return: 0, -ECONNRESET, -ETIMEDOUT, -EPROTO for what is no answer.
 */
int front_recv(struct front *f, struct vu_msg *m)
{
	int ret = front_read(f, &m->hdr, sizeof(m->hdr));

	if (ret)
		return ret;
	if (m->hdr.flags != (VU_VERSION | VU_FLAG_REPLY) ||
	    m->hdr.size > sizeof(*m) - offsetof(struct vu_msg, u64))
		return -EPROTO;
	return front_read(f, &m->u64, m->hdr.size);
}

/**
 * front_set() - Send a message that has no answer of its own
 * @f:		front end
 * @request:	VU_*
 * @payload:	its payload
 * @size:	bytes of @payload
 * @fds:	descriptors to go with it, or NULL
 *
 * Return: 0; with REPLY_ACK -EREMOTEIO where it was refused; -ECONNRESET.
 */
int front_set(struct front *f, uint32_t request, const void *payload, uint32_t size,
	      const struct front_fds *fds)
{
	bool ack = f->protocol & 1ull << VU_PF_REPLY_ACK;
	struct vu_msg m = {.hdr = {request, VU_VERSION | (ack ? VU_FLAG_NEED_REPLY : 0), size}};
	int ret;

	if (size)
		memcpy(&m.u64, payload, size);
	ret = front_send(f, &m, fds);
	if (f->pump)
		f->pump(f->pump_arg);
	if (ret || !ack)
		return ret;
	ret = front_recv(f, &m);
	if (ret)
		return ret;
	if (m.hdr.request != request || m.hdr.size != 8)
		return -EPROTO;
	return m.u64 ? -EREMOTEIO : 0;
}

/**
 * front_get() - Send a message that has an answer of its own, and take it
 * @f:		front end
 * @request:	VU_*
 * @m:		payload to send, then the answer
 * @size:	bytes of payload to send
 *
 * Return: 0, -EPROTO where something else came, -ECONNRESET, -ETIMEDOUT.
 */
int front_get(struct front *f, uint32_t request, struct vu_msg *m, uint32_t size)
{
	int ret;

	m->hdr = (struct vu_hdr){request, VU_VERSION, size};
	ret = front_send(f, m, NULL);
	if (!ret)
		ret = front_recv(f, m);
	if (!ret && m->hdr.request != request)
		ret = -EPROTO;
	return ret;
}

/**
 * front_get_u64() - Ask for a number
 * @f:		front end
 * @request:	VU_GET_*
 * @ret_value:	the number
 *
 * Return: as front_get().
 */
int front_get_u64(struct front *f, uint32_t request, uint64_t *ret_value)
{
	struct vu_msg m = {.unused = 0};
	int ret = front_get(f, request, &m, 0);

	if (!ret && m.hdr.size != sizeof(m.u64))
		ret = -EPROTO;
	if (!ret)
		*ret_value = m.u64;
	return ret;
}

/**
 * front_set_u64() - Say a number
 * @f:		front end
 * @request:	VU_SET_*
 * @value:	the number
 *
 * Return: as front_set().
 */
int front_set_u64(struct front *f, uint32_t request, uint64_t value)
{
	return front_set(f, request, &value, sizeof(value), NULL);
}

/**
 * front_negotiate_as() - Agree on features, in QEMU's order
 * @f:		front end
 * @features:	virtio features wanted; what is not offered is left out
 * @protocol:	protocol features wanted, likewise
 *
 * Return: 0 or -errno.
 */
int front_negotiate_as(struct front *f, uint64_t features, uint64_t protocol)
{
	uint64_t offered;
	int ret = front_get_u64(f, VU_GET_FEATURES, &offered);

	if (ret)
		return ret;
	f->features = features & offered;
	if (f->features & 1ull << VU_F_PROTOCOL_FEATURES) {
		ret = front_get_u64(f, VU_GET_PROTOCOL_FEATURES, &offered);
		if (!ret)
			ret = front_set_u64(f, VU_SET_PROTOCOL_FEATURES, protocol & offered);
		if (ret)
			return ret;
		f->protocol = protocol & offered;
	}
	ret = front_set(f, VU_SET_OWNER, NULL, 0, NULL);
	return ret ? ret : front_set_u64(f, VU_SET_FEATURES, f->features);
}

/**
 * front_negotiate() - Agree on features
 * @f:		front end
 * @features:	virtio features wanted
 *
 * Return: 0 or -errno.
 */
int front_negotiate(struct front *f, uint64_t features)
{
	return front_negotiate_as(f, features, FRONT_PROTOCOL);
}

/**
 * front_region() - Part of guest memory, as a message names it
 * @f:		front end
 * @offset:	from the start of guest memory, bytes
 * @size:	bytes
 *
 * Return: the region.
 */
struct vu_mem_region front_region(const struct front *f, uint64_t offset, uint64_t size)
{
	return (struct vu_mem_region){FRONT_GPA + offset, size, FRONT_UVA + offset, offset};
}

/**
 * front_add_region() - Add a region of guest memory
 * @f:		front end
 * @r:		region
 * @fd:		its file
 *
 * Return: as front_set().
 */
int front_add_region(struct front *f, const struct vu_mem_region *r, int fd)
{
	struct vu_mem_one one = {0, *r};
	struct vu_mem_table table = {1, 0, {*r}};

	if (f->protocol & 1ull << VU_PF_CONFIGURE_MEM_SLOTS)
		return front_set(f, VU_ADD_MEM_REG, &one, sizeof(one), FRONT_FD(fd));
	return front_set(f, VU_SET_MEM_TABLE, &table, 8 + sizeof(*r), FRONT_FD(fd));
}

/**
 * front_rem_region() - Remove a region of guest memory
 * @f:		front end
 * @r:		region
 *
 * Return: as front_set().
 */
int front_rem_region(struct front *f, const struct vu_mem_region *r)
{
	struct vu_mem_one one = {0, *r};

	return front_set(f, VU_REM_MEM_REG, &one, sizeof(one), NULL);
}

/**
 * front_share() - Make guest memory and share it
 * @f:		front end
 * @size:	bytes, a multiple of the page size
 *
 * Return: 0 or -errno.
 */
int front_share(struct front *f, uint64_t size)
{
	struct vu_mem_region r = front_region(f, 0, size);

	f->memfd = memfd_create("guest", MFD_CLOEXEC);
	if (f->memfd < 0 || ftruncate(f->memfd, size))
		return -errno;
	f->mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f->memfd, 0);
	if (f->mem == MAP_FAILED)
		return -errno;
	f->mem_size = size;
	return front_add_region(f, &r, f->memfd);
}

/**
 * front_get_config() - Read the configuration space
 * @f:		front end
 * @off:	first byte
 * @buf:	destination
 * @len:	bytes
 *
 * Return: 0, -EREMOTEIO where the back end says no, or as front_get().
 */
int front_get_config(struct front *f, uint32_t off, void *buf, uint32_t len)
{
	struct vu_msg m = {.config = {.offset = off, .size = len}};
	int ret = front_get(f, VU_GET_CONFIG, &m, VU_CONFIG_HDR + len);

	if (ret)
		return ret;
	if (!m.hdr.size)
		return -EREMOTEIO;
	if (m.hdr.size != VU_CONFIG_HDR + len)
		return -EPROTO;
	memcpy(buf, m.config.data, len);
	return 0;
}
