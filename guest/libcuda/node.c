/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport in a VM: the driver's node (include/uapi/linux/vcuda.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cw/log.h"
#include "cw/stat.h"
#include "guest/libcuda/client.h"

#define NODE_DEFAULT "/dev/vcuda0"

static int node_fd = -1;

static int node_ioctl(unsigned long request, void *arg)
{
	int n;

	do {
		n = ioctl(node_fd, request, arg);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int node_open_file(void)
{
	const char *path = secure_getenv("CAUSEWAY_DEVICE");
	int err;

	if (!path)
		path = NODE_DEFAULT;
	node_fd = open(path, O_RDWR | O_CLOEXEC);
	err = errno;
	if (node_fd >= 0)
		return 0;
	if (err == ENOENT)
		cg_complain("no GPU: no %s (driver not loaded), CAUSEWAY_SOCKET is not set", path);
	else
		cg_complain("no GPU: cannot open %s why=\"%s\"", path, strerror(err));
	return -err;
}

static int node_open_channel(struct cg_open *o)
{
	struct vcuda_open m = {
		.size = sizeof(m), .version = VCUDA_CHANNEL_VERSION, .ring_size = o->ring_size,
		.region_base = o->region_base, .region_size = o->region_size,
		.device_base = o->device_base, .device_size = o->device_size,
	};
	struct vcuda_query q = { .size = sizeof(q) };
	int err = node_ioctl(VCUDA_IOC_OPEN, &m);

	if (!err)
		err = node_ioctl(VCUDA_IOC_QUERY, &q);
	if (err < 0) {
		if (err != -EADDRINUSE)
			cg_complain("driver cannot open a client why=\"%s\"", strerror(-err));
		return err;
	}
	o->channel = mmap(NULL, VCUDA_CHANNEL_SIZE(o->ring_size), PROT_READ | PROT_WRITE,
			  MAP_SHARED, node_fd, VCUDA_MMAP_CHANNEL);
	if (o->channel == MAP_FAILED)
		return -errno;
	o->window_size = m.window_size;
	o->direct = m.direct;
	o->granule = q.granule;
	return 0;
}

static int node_open(struct cg_open *o)
{
	int err = node_open_file();

	if (err)
		return err;
	err = node_open_channel(o);
	if (err) {
		close(node_fd);
		node_fd = -1;
	}
	return err;
}

static void node_kick(void)
{
	node_ioctl(VCUDA_IOC_KICK, NULL);
}

static int node_wait(uint32_t slot, uint64_t seq)
{
	struct vcuda_wait m = { .size = sizeof(m), .slot = slot, .seq = seq };

	return node_ioctl(VCUDA_IOC_WAIT, &m);
}

static bool node_dead(void)
{
	struct pollfd p = { .fd = node_fd };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

static int node_copy(enum cw_copy_dir dir, void *user, uint64_t offset, uint64_t len, uint64_t id)
{
	struct vcuda_copy m = {
		.size = sizeof(m), .flags = dir == CW_COPY_DTOH ? VCUDA_COPY_OUT : 0,
		.addr = (uintptr_t)user, .offset = offset, .len = len, .id = id,
	};

	return node_ioctl(VCUDA_IOC_COPY, &m);
}

static int node_region_alloc(uint64_t va, uint64_t len, uint32_t *ret_region)
{
	struct vcuda_region_alloc m = { .size = sizeof(m), .len = len, .va = va };
	int err = node_ioctl(VCUDA_IOC_REGION_ALLOC, &m);

	if (err)
		return err;
	if (mmap((void *)(uintptr_t)va, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 node_fd, (off_t)m.mmap_offset) == MAP_FAILED)
		return -errno;
	*ret_region = m.region;
	return 0;
}

static int node_region_register(uint64_t addr, uint64_t len, bool readonly, uint32_t *ret_region)
{
	struct vcuda_region_register m = {
		.size = sizeof(m), .flags = readonly ? VCUDA_REGISTER_READONLY : 0,
		.addr = addr, .len = len,
	};
	int err = node_ioctl(VCUDA_IOC_REGION_REGISTER, &m);

	if (!err)
		*ret_region = m.region;
	return err;
}

static int node_region_free(uint32_t region, uint64_t va, uint64_t len, bool registered)
{
	struct vcuda_region_free m = { .size = sizeof(m), .region = region };

	if (!registered)
		mmap((void *)(uintptr_t)va, len, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	return node_ioctl(VCUDA_IOC_REGION_FREE, &m);
}

static int node_stat(struct cw_device_stat *ret)
{
	struct vcuda_stat m = { .size = sizeof(m) };
	int err = node_ioctl(VCUDA_IOC_STAT, &m);

	if (!err)
		*ret = (struct cw_device_stat){
			.kicks = m.kicks, .interrupts = m.interrupts,
			.copied = m.dev_copied_bytes, .bounced = m.bounced_bytes,
		};
	return err;
}

const struct cg_transport cg_transport_node = {
	.name = "node",
	.open = node_open,
	.kick = node_kick,
	.wait = node_wait,
	.dead = node_dead,
	.copy = node_copy,
	.region_alloc = node_region_alloc,
	.region_register = node_region_register,
	.region_free = node_region_free,
	.stat = node_stat,
};
