/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map broker.
 *
 * Theory of operation: a worker has descriptors of all of its guest's memory,
 * and is granted pieces. A filter of the worker announces each mmap() of a file
 * here before it is made (seccomp user notification), with all arguments, which
 * are registers: nothing that is judged lies in the worker's memory, where it
 * could change after the look.
 *
 * What does live on is the descriptor's number. The answer is "go on", and the
 * kernel looks the number up once more. So it must not become guest memory in
 * between: those descriptors come with START and none after it, and the worker
 * has no call that duplicates one or makes one at a number of its choice
 * (worker/syscalls.c).
 *
 * A piece of a region may be mapped once, at its address, in the order of its
 * pieces, while its ATTACH is under way. An allowed mapping that is not made yet
 * could come after a later DETACH was verified. Only the next call of the same
 * thread shows that it is over: so one thread at a time maps regions, it makes
 * one more (of no bytes, always refused) after the last piece, and ATTACH is not
 * taken for done before that.
 *
 * The loop is never held up: reading an announcement that poll() has seen does
 * not wait, and the rest is looking at /proc.
 */
#include "daemon/broker.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/msg.h"
#include "daemon/region.h"

/* A worker that keeps asking for what it may not have is ended. */
#define REFUSED_MAX 64

/**
 * struct mapping - What a worker wants to do
 * @tid:	thread, as it is called here
 * @at, @len, @prot, @flags, @fd, @offset: of mmap(2)
 * @dev, @ino:	file
 * @writable:	the descriptor is open for writing
 * @region:	it was allowed as the next piece of that
 */
struct mapping {
	pid_t tid;
	uint64_t at;
	uint64_t len;
	uint64_t prot;
	uint64_t flags;
	int fd;
	uint64_t offset;
	dev_t dev;
	ino_t ino;
	bool writable;
	struct cd_region *region;
};

static bool file_look(struct mapping *m)
{
	char path[48];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", m->tid, m->fd);
	if (stat(path, &st))
		return false;
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	/* The link's own mode says how it is open. */
	if (lstat(path, &st))
		return false;
	m->writable = st.st_mode & S_IWUSR;
	return true;
}

static bool is_file(const struct mapping *m, int fd)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && st.st_dev == m->dev && st.st_ino == m->ino;
}

/* The window is the client's own; it may be mapped at any time. */
static bool window_grants(const struct cd_client *c, const struct mapping *m)
{
	return !(m->prot & PROT_EXEC) && is_file(m, c->fd_window) &&
	       cw_range_ok(m->offset, m->len, c->d->opt.window_size);
}

/* The next piece of a region that is being attached, just as it was granted. */
static bool region_grants(const struct cd_region *r, const struct mapping *m)
{
	const struct cd_file_range *want = &r->range[r->nr_mapped];
	bool reads = r->flags & VIRTIO_CUDA_REGION_READONLY;
	uint64_t prot = reads ? PROT_READ : PROT_READ | PROT_WRITE;

	if (r->state != CD_REGION_ATTACHING || r->nr_mapped == r->nr_segs)
		return false;
	/* A descriptor to write would let mprotect() undo the protection. */
	if (reads && m->writable && r->guarded)
		return false;
	return m->dev == want->dev && m->ino == want->ino && m->offset == want->offset &&
	       m->len == want->len && m->at == r->va + r->mapped_len && !(m->prot & ~prot) &&
	       m->flags == (MAP_SHARED | MAP_FIXED);
}

static bool regions_grant(struct cd_client *c, struct mapping *m)
{
	for (struct cd_region *r = c->regions; r; r = r->next) {
		if (!region_grants(r, m))
			continue;
		if (c->mapping_tid)
			return false; /* another thread's is under way */
		r->mapped_len += m->len;
		r->nr_mapped++;
		c->mapping_tid = m->tid;
		m->region = r;
		return true;
	}
	return false;
}

static bool is_guest_memory(const struct cd_client *c, const struct mapping *m)
{
	for (uint32_t i = 0; i < c->open.nr_ram; i++) {
		if (c->open.ram_file[i].dev == m->dev && c->open.ram_file[i].ino == m->ino)
			return true;
	}
	return false;
}

/* Whether it may; what else a driver maps, devices and libraries, is not ours. */
static bool judge(struct cd_client *c, struct mapping *m)
{
	if (window_grants(c, m) || regions_grant(c, m))
		return true;
	return !c->d->opt.soft && !is_guest_memory(c, m);
}

static void refuse(struct cd_client *c, const struct mapping *m)
{
	if (!c->refused++)
		cd_complain(CW_LOG_WARN, CD_E_WORKER_BROKER,
			    "client=%u pid=%d fd=%d offset=0x%llx len=0x%llx", c->index,
			    c->worker_pid, m->fd, (unsigned long long)m->offset,
			    (unsigned long long)m->len);
	if (c->refused == REFUSED_MAX && c->state != CD_CLIENT_ENDING)
		cd_client_kill(c);
}

/* 0: the kernel may go on; otherwise -errno for the worker. */
static int answer(struct cd_client *c, const struct seccomp_notif *n, struct mapping *m)
{
	*m = (struct mapping){
		.tid = (pid_t)n->pid,
		.at = n->data.args[0],
		.len = n->data.args[1],
		.prot = n->data.args[2],
		.flags = n->data.args[3],
		.fd = (int)n->data.args[4],
		.offset = n->data.args[5],
	};

	/* That thread is through with whatever it was allowed before. */
	if (c->mapping_tid == m->tid)
		c->mapping_tid = 0;
	if (!m->len)
		return -EINVAL;
	if (!file_look(m))
		return -EBADF;
	/* What was looked at was this thread's only if the thread still waits. */
	if (ioctl(c->fd_broker, SECCOMP_IOCTL_NOTIF_ID_VALID, &n->id))
		return -EACCES;
	if (judge(c, m))
		return 0;
	refuse(c, m);
	return -EACCES;
}

/*
 * A signal came first, a mere SIGSTOP maybe: the mapping is not made, and the
 * thread, if it lives, will ask for it again.
 */
static void take_back(struct cd_client *c, const struct mapping *m)
{
	if (!m->region)
		return;
	m->region->nr_mapped--;
	m->region->mapped_len -= m->len;
	c->mapping_tid = 0;
}

/**
 * cd_broker_start() - Listen to a worker's mappings
 * @c:	client
 * @fd:	of the filter; taken over, also on failure
 *
 * Return: 0 or -errno.
 */
int cd_broker_start(struct cd_client *c, int fd)
{
	c->fd_broker = fd;
	return cd_fd_watch(c->d, fd, cd_fd_key(CD_FD_BROKER, c->index, c->gen));
}

/**
 * cd_broker_event() - A worker wants to map a file
 * @c:	client; still there afterwards
 */
void cd_broker_event(struct cd_client *c)
{
	struct pollfd p = { .fd = c->fd_broker, .events = POLLIN };
	struct seccomp_notif n = { 0 };
	struct seccomp_notif_resp resp = { 0 };
	struct mapping m;

	if (c->fd_broker < 0 || poll(&p, 1, 0) != 1)
		return;
	/* One whose threads are all gone has nothing more to say. */
	if (!(p.revents & POLLIN)) {
		cd_broker_stop(c);
		return;
	}
	if (ioctl(c->fd_broker, SECCOMP_IOCTL_NOTIF_RECV, &n))
		return; /* the thread was killed meanwhile */
	resp.id = n.id;
	resp.error = answer(c, &n, &m);
	resp.flags = resp.error ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (ioctl(c->fd_broker, SECCOMP_IOCTL_NOTIF_SEND, &resp))
		take_back(c, &m);
}

/**
 * cd_broker_settled() - Whether every mapping that was allowed is made
 * @c:	client
 *
 * Return: true if it is, or nobody was asked.
 */
bool cd_broker_settled(const struct cd_client *c)
{
	return !c->mapping_tid;
}

/**
 * cd_broker_stop() - Listen no more; all mappings of files fail from then on
 * @c:	client
 */
void cd_broker_stop(struct cd_client *c)
{
	if (c->fd_broker < 0)
		return;
	cd_fd_unwatch(c->d, c->fd_broker);
	cd_close(&c->fd_broker);
	c->mapping_tid = 0;
}
