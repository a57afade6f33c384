/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cw/worker_proto.h"
#include "daemon/client.h"
#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/memory.h"
#include "daemon/msg.h"
#include "daemon/sandbox.h"
#include "uapi/linux/virtio_cuda.h"

/* cuInit of a machine with eight cards and no persistence takes seconds. */
#define PROBE_NS (60ull * 1000000000)

static int probe_send(struct cd_daemon *d)
{
	struct cw_worker_probe msg = {
		.head = { .version = CW_WORKER_VERSION, .type = CW_WORKER_PROBE },
		.soft = d->opt.soft,
		.sandbox = d->opt.sandbox,
	};
	struct iovec iov = { .iov_base = &msg, .iov_len = sizeof(msg) };

	memcpy(msg.back_end, d->opt.back_end, sizeof(msg.back_end));
	return cd_msg_send(d->probe.sock, &iov, 1, &d->probe.fd_info, 1);
}

/**
 * cd_probe_start() - Start reading the devices
 * @d:	daemon, spawner running
 *
 * Return: 0: the answer comes through the loop; or -errno.
 */
int cd_probe_start(struct cd_daemon *d)
{
	struct cd_probe *p = &d->probe;
	int pair[2];
	int ret;

	p->state = CD_PROBE_RUNNING;
	p->fd_info = cd_memfd_create("causeway-info", VCUDA_INFO_SIZE, 0);
	if (p->fd_info < 0)
		return p->fd_info;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	p->sock = pair[0];
	p->cookie = ++d->last_cookie;
	p->deadline = cd_now_ns() + PROBE_NS;
	ret = probe_send(d);
	if (!ret)
		ret = cd_spawner_start(&d->spawner, p->cookie, true, pair[1]);
	if (!ret)
		ret = cd_fd_watch(d, p->sock, cd_fd_key(CD_FD_PROBE, 0, 0));
	close(pair[1]);
	return ret;
}

/* One line, then the end: a daemon without a back end is of no use. */
static void probe_failed(struct cd_daemon *d, const char *why)
{
	cd_complain(CW_LOG_ERROR, CD_E_BACK_END, "file=\"%s\" why=\"%s\"", d->opt.back_end, why);
	cd_daemon_fail(d);
}

static bool info_is_good(const struct cw_info *info)
{
	if (info->version != VCUDA_CHANNEL_VERSION || !info->count ||
	    info->count > CW_INFO_DEVICES || !memchr(info->back_end, 0, sizeof(info->back_end)))
		return false;
	for (uint32_t i = 0; i < info->count; i++) {
		const struct cw_device_info *dev = &info->device[i];

		if (!memchr(dev->name, 0, sizeof(dev->name)) ||
		    !memchr(dev->pci_bus_id, 0, sizeof(dev->pci_bus_id)))
			return false;
	}
	return true;
}

static void probe_drop_socket(struct cd_daemon *d)
{
	if (d->probe.sock < 0)
		return;
	cd_fd_unwatch(d, d->probe.sock);
	cd_close(&d->probe.sock);
}

union probe_msg {
	struct cw_worker_head head;
	struct cw_worker_sandboxed sandboxed;
	struct cw_worker_probed probed;
};

static void on_probed(struct cd_daemon *d, struct cw_worker_probed *msg)
{
	struct cd_probe *p = &d->probe;

	msg->reason[sizeof(msg->reason) - 1] = '\0';
	if (msg->status != VIRTIO_CUDA_OK) {
		probe_failed(d, msg->reason[0] ? msg->reason : "no device");
		return;
	}
	p->state = CD_PROBE_ANSWERED;
	p->deadline = cd_now_ns() + (uint64_t)d->opt.timeout_ms * 1000000;
}

/* Whether there may be more; anything else is its end, which says why. */
static bool probe_message(struct cd_daemon *d, union probe_msg *m, ssize_t n)
{
	if (n < (ssize_t)sizeof(m->head) || m->head.version != CW_WORKER_VERSION)
		return false;
	if (m->head.type == CW_WORKER_BROKER && n == sizeof(m->head))
		return true; /* it maps nothing that matters */
	if (m->head.type == CW_WORKER_SANDBOXED && n == sizeof(m->sandboxed)) {
		if (!cd_sandbox_take(&d->probe.sandbox, &m->sandboxed.report))
			return false;
		cd_sandbox_log(&d->probe.sandbox);
		return true;
	}
	if (m->head.type == CW_WORKER_PROBED && n == sizeof(m->probed))
		on_probed(d, &m->probed);
	return false;
}

/**
 * cd_probe_event() - The probe's socket has something
 * @d:	daemon
 */
void cd_probe_event(struct cd_daemon *d)
{
	int fds[CD_MSG_MAX_FDS];
	union probe_msg m;
	size_t nfds;
	ssize_t n;

	do {
		n = cd_msg_recv(d->probe.sock, &m, sizeof(m), fds, &nfds);
		cd_close_all(fds, nfds);
	} while (probe_message(d, &m, n));
	if (n != -EAGAIN)
		probe_drop_socket(d);
}

/**
 * cd_probe_exited() - The probe's process is gone
 * @d:		daemon
 * @status:	of waitpid(2)
 *
 * Only now nobody can write to the table any more, so it can be judged once
 * and for all, and sealed.
 */
void cd_probe_exited(struct cd_daemon *d, int status)
{
	const unsigned int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	struct cd_probe *p = &d->probe;
	struct cw_info info;
	char why[64];

	if (p->sock >= 0)
		cd_probe_event(d); /* an answer may still be there */
	p->deadline = 0;
	if (d->stop || p->state == CD_PROBE_READY)
		return;
	if (p->state == CD_PROBE_RUNNING) {
		snprintf(why, sizeof(why), "probe ended without an answer, status 0x%x", status);
		probe_failed(d, why);
		return;
	}
	if (fcntl(p->fd_info, F_ADD_SEALS, seals) ||
	    pread(p->fd_info, &info, sizeof(info), 0) != sizeof(info) || !info_is_good(&info)) {
		probe_failed(d, "probe left no usable table");
		return;
	}
	p->direct = info.direct == 1;
	p->state = CD_PROBE_READY;
	cw_info("back end \"%s\" is ready devices=%u first=\"%s\" direct=%d", info.back_end,
		info.count, info.device[0].name, p->direct);
	if (d->opt.print_sandbox) {
		cd_sandbox_print(&p->sandbox, stdout);
		d->status = fflush(stdout) ? 1 : 0;
		d->stop = true;
		return;
	}
	cd_clients_probed(d);
}

/**
 * cd_probe_expired() - The probe took too long
 * @d:	daemon
 */
void cd_probe_expired(struct cd_daemon *d)
{
	d->probe.deadline = 0;
	cd_spawner_kill(&d->spawner, d->probe.cookie);
	if (d->probe.state == CD_PROBE_RUNNING)
		probe_failed(d, "no answer in time");
}

/**
 * cd_probe_finish() - Free what the probe left
 * @d:	daemon
 */
void cd_probe_finish(struct cd_daemon *d)
{
	probe_drop_socket(d);
	cd_close(&d->probe.fd_info);
}
