/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's life: one process per client.
 *
 *	spawner: fork, exec "vhost-user-cuda --worker", socket at CW_WORKER_FD
 *	  START     descriptors and addresses; channel mapped, arenas taken,
 *		    device table written into the channel, back end loaded,
 *		    sandbox closed
 *	  STARTED   the client may use its channel
 *	  serving   dispatcher (this thread), control thread, helpers
 *	  end       end of file on the socket, or the client broke the rules
 */
#include "worker/main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cw/gauge.h"
#include "cw/log.h"
#include "worker/internal.h"
#include "worker/sandbox.h"

#define START_MAX (sizeof(struct cw_worker_start) + 64 * sizeof(struct cw_worker_seg))
#define SIGNAL_PAGE_SIZE 4096u
#define FD_NONE UINT32_MAX

static struct wk_worker worker = {
	.fd_control = CW_WORKER_FD,
	.fd_window = -1,
	.store_lock = PTHREAD_RWLOCK_INITIALIZER,
	.pause_gate = PTHREAD_MUTEX_INITIALIZER,
};

struct wk_worker *wk_self(void)
{
	return &worker;
}

static uint32_t started(uint32_t status)
{
	struct cw_worker_started s = {
		.head = { CW_WORKER_VERSION, CW_WORKER_STARTED }, .status = status,
	};

	wk_control_send(&s, sizeof(s));
	return status;
}

/* The variables that the client may set for its back end (SEMANTICS 6). */
static void start_env(const char *env, uint32_t len)
{
	const char *end = env + len;

	while (env < end && *env) {
		size_t n = strnlen(env, (size_t)(end - env));
		char *copy = n < (size_t)(end - env) && strchr(env, '=') ? strdup(env) : NULL;

		if (copy)
			putenv(copy);
		env += n + 1;
	}
}

/* The device table, with the memory that this client sees. */
static void start_info(const struct cw_worker_start *s)
{
	struct cw_info *info = (void *)((char *)worker.channel + VCUDA_INFO_OFFSET);

	memcpy(info, worker.info, VCUDA_INFO_SIZE);
	for (uint32_t i = 0; i < CW_INFO_DEVICES; i++) {
		uint64_t *total = &info->device[i].total_mem;

		if (s->direct)
			*total = s->window_size;
		if (s->max_memory)
			*total = cw_min(*total, s->max_memory);
	}
}

static int start_maps(const struct cw_worker_start *s, const struct cw_worker_seg *segs,
		      const int *fds, uint32_t nfds)
{
	struct cw_worker_seg info = { .fd = s->fd_info, .len = VCUDA_INFO_SIZE };
	struct cw_worker_seg page = { .fd = s->fd_signal_page, .len = SIGNAL_PAGE_SIZE };
	struct cw_worker_seg gauge = { .fd = s->fd_gauge, .len = CW_GAUGE_SIZE };

	worker.ring_size = s->ring_size;
	worker.channel_size = VCUDA_CHANNEL_SIZE(s->ring_size);
	worker.channel = wk_map_channel(segs, s->nr_segs, fds, nfds);
	worker.info = wk_map_segs(&info, 1, fds, nfds, NULL, VCUDA_INFO_SIZE, PROT_READ);
	worker.gauge = wk_map_segs(&gauge, 1, fds, nfds, NULL, CW_GAUGE_SIZE,
				   PROT_READ | PROT_WRITE);
	if (!worker.channel || !worker.info || !worker.gauge)
		return VIRTIO_CUDA_ERR_WORKER;
	if (s->fd_signal_page != FD_NONE) {
		worker.signal_page = wk_map_segs(&page, 1, fds, nfds, NULL, SIGNAL_PAGE_SIZE,
						 PROT_READ | PROT_WRITE);
		if (!worker.signal_page)
			return VIRTIO_CUDA_ERR_WORKER;
	}
	if (wk_reserve(s->region_base, s->region_size))
		return VIRTIO_CUDA_ERR_ADDRESS;
	/* The back end will map the window there; see now that it can. */
	if (s->direct) {
		if (wk_reserve(s->device_base, s->window_size))
			return VIRTIO_CUDA_ERR_ADDRESS;
		munmap((void *)(uintptr_t)s->device_base, s->window_size);
	}
	start_info(s);
	return VIRTIO_CUDA_OK;
}

/* START is the daemon's word, but a size of it came from the guest. */
static bool start_valid(const struct cw_worker_start *s, size_t len, uint32_t nfds)
{
	return len >= sizeof(*s) && s->head.version == CW_WORKER_VERSION &&
	       s->head.type == CW_WORKER_START && s->nr_segs <= 64 &&
	       len == sizeof(*s) + s->nr_segs * sizeof(struct cw_worker_seg) &&
	       cw_is_pow2(s->ring_size) && s->ring_size >= VCUDA_RING_MIN &&
	       s->ring_size <= VCUDA_RING_MAX && s->fd_window < nfds && s->fd_doorbell < nfds &&
	       s->fd_gauge < nfds && s->granule_shift < 48 &&
	       (s->fd_signal == FD_NONE || s->fd_signal < nfds) &&
	       s->env_len <= sizeof(s->env) && memchr(s->back_end, 0, sizeof(s->back_end));
}

/* Whether a range of the packet's descriptors is one. */
static bool ram_valid(const struct cw_worker_start *s, uint32_t nfds)
{
	return s->nr_ram <= CW_ARRAY_SIZE(worker.ram) && cw_range_ok(s->fd_ram, s->nr_ram, nfds);
}

/* Gives a descriptor a number that no rule of the filter opens by chance. */
static int guard(int fd, uint32_t place)
{
	int guarded = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, WK_GUARDED_FD + (int)place);

	if (fd >= 0)
		close(fd);
	return guarded;
}

static bool start_guard(void)
{
	const struct cw_worker_start *s = &worker.start;
	bool ok = true;

	for (uint32_t i = 0; i < s->nr_ram; i++) {
		worker.ram[i] = guard(worker.ram[i], i);
		ok = ok && worker.ram[i] >= 0;
	}
	worker.nr_ram = s->nr_ram;
	worker.fd_control = guard(worker.fd_control, s->nr_ram);
	worker.fd_doorbell = guard(worker.fd_doorbell, s->nr_ram + 1);
	if (worker.fd_signal >= 0)
		worker.fd_signal = guard(worker.fd_signal, s->nr_ram + 2);
	return ok && worker.fd_doorbell >= 0 && worker.fd_control >= 0;
}

/* Keeps of the packet's descriptors what is used later, and closes the others. */
static bool start_files(const struct cw_worker_start *s, int *fds, uint32_t nfds)
{
	worker.fd_doorbell = fds[s->fd_doorbell];
	worker.fd_signal = s->fd_signal == FD_NONE ? -1 : fds[s->fd_signal];
	worker.fd_window = fds[s->fd_window];
	memcpy(worker.ram, fds + s->fd_ram, s->nr_ram * sizeof(fds[0]));
	for (uint32_t i = 0; i < nfds; i++) {
		if (i - s->fd_ram >= s->nr_ram && fds[i] != worker.fd_doorbell &&
		    fds[i] != worker.fd_signal && fds[i] != worker.fd_window)
			close(fds[i]);
	}
	return start_guard();
}

static uint32_t start(void)
{
	static char buf[START_MAX];
	const struct cw_worker_start *s = (void *)buf;
	int fds[CW_WORKER_MAX_FDS];
	uint32_t nfds, status;
	int n = wk_control_recv(buf, sizeof(buf), fds, &nfds);

	if (n <= 0 || !start_valid(s, (size_t)n, nfds) || !ram_valid(s, nfds))
		return VIRTIO_CUDA_ERR_MALFORMED;
	worker.start = *s;
	start_env(worker.start.env, s->env_len);
	status = start_maps(s, (const void *)(s + 1), fds, nfds);
	if (!start_files(s, fds, nfds) && !status)
		status = VIRTIO_CUDA_ERR_WORKER;
	return status;
}

/* From here on nothing is done that a guest could not do as well. */
static uint32_t start_sandbox(void)
{
	const struct cw_worker_start *s = &worker.start;
	struct wk_sandbox sb;

	wk_sandbox_begin(&sb, s->sandbox, s->soft);
	sb.memory = s->memory;
	sb.mapped = s->window_size + s->ram_size;
	wk_backend_open(s->back_end);
	wk_sandbox_leave(&sb);
	if (!s->soft)
		wk_backend_init();
	return wk_sandbox_close(&sb) ? VIRTIO_CUDA_ERR_WORKER : VIRTIO_CUDA_OK;
}

int wk_main(void)
{
	uint32_t status;

	cw_log_name = "worker";
	prctl(PR_SET_NAME, "causeway-worker");
	if (wk_printf_start())
		return 1;
	status = start();
	if (!status)
		status = start_sandbox();
	if (!status && wk_control_start())
		status = VIRTIO_CUDA_ERR_WORKER;
	if (started(status))
		return 1;
	wk_dispatch_run();
	/* Not exit(): helpers may be inside the back end, which holds locks. */
	_exit(1);
}
