/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of a client. The states are described in client.h.
 *
 * Rule: nothing that a client owned is given back before its worker is reaped,
 * so there is one place, client_reaped(), from which all answers go out that
 * follow a worker's end.
 */
#include "daemon/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "daemon/broker.h"
#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/memory.h"
#include "daemon/msg.h"
#include "daemon/quota.h"
#include "daemon/region.h"

/* First address that no process has with four levels of page tables. */
#define ADDRESS_END (1ull << 47)
#define PAGE_MASK 4095ull

/**
 * cd_client_new() - Take a place for a client
 * @d:		daemon
 * @ops:	its world
 * @front:	its world's own data
 *
 * Return: a client in CD_CLIENT_NEW, NULL where there are too many.
 */
struct cd_client *cd_client_new(struct cd_daemon *d, const struct cd_client_ops *ops, void *front)
{
	struct cd_client *c;
	uint32_t index = 0;

	if (d->nr_clients >= d->opt.max_clients)
		return NULL;
	while (d->client[index])
		index++;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->d = d;
	c->ops = ops;
	c->front = front;
	c->index = index;
	c->gen = ++d->last_gen;
	c->worker_sock = -1;
	c->fd_window = -1;
	c->fd_doorbell = -1;
	c->fd_ring = -1;
	c->fd_signal = -1;
	c->fd_signal_page = -1;
	c->fd_gauge = -1;
	c->fd_broker = -1;
	d->client[index] = c;
	d->nr_clients++;
	return c;
}

/* Whether [base, base + size) is a range of pages a process can have. */
static bool arena_is_good(uint64_t base, uint64_t size)
{
	if (!size)
		return !base;
	return !((base | size) & PAGE_MASK) && base && cw_range_ok(base, size, ADDRESS_END);
}

/**
 * cd_open_check() - Judge what a client asks for
 * @open:	all but @fds
 *
 * Return: VIRTIO_CUDA_OK or VIRTIO_CUDA_ERR_MALFORMED.
 */
uint32_t cd_open_check(const struct cd_open *open)
{
	uint64_t channel = 0;

	if (!cw_is_pow2(open->ring_size) || open->ring_size < VCUDA_RING_MIN ||
	    open->ring_size > VCUDA_RING_MAX)
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (!arena_is_good(open->region_base, open->region_size) ||
	    !arena_is_good(open->device_base, open->device_size))
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (open->region_base < open->device_base + open->device_size &&
	    open->device_base < open->region_base + open->region_size)
		return VIRTIO_CUDA_ERR_MALFORMED;
	if (open->env_len > sizeof(open->env) || (open->env_len && open->env[open->env_len - 1]))
		return VIRTIO_CUDA_ERR_MALFORMED;
	for (uint32_t i = 0; i < open->nr_segs; i++)
		channel += open->seg[i].len;
	return channel == cw_align_up(VCUDA_CHANNEL_SIZE(open->ring_size),
				      1ull << open->granule_shift) ?
		       VIRTIO_CUDA_OK :
		       VIRTIO_CUDA_ERR_MALFORMED;
}

static void clocks_stop(struct cd_client *c)
{
	memset(c->clock, 0, sizeof(c->clock));
	c->deadline = 0;
}

/* Everything that came with an open, and its worker's files. */
static void client_drop(struct cd_client *c)
{
	cd_link_close(c);
	cd_broker_stop(c);
	cd_regions_drop(c);
	cd_close_all(c->open.fds, c->open.nr_fds);
	c->open.nr_fds = 0;
	cd_close_all(c->open.ram, 2 * c->open.nr_ram);
	c->open.nr_ram = 0;
	cd_close(&c->fd_window);
	cd_close(&c->fd_doorbell);
	cd_close(&c->fd_ring);
	cd_close(&c->fd_signal);
	cd_close(&c->fd_signal_page);
	cd_quota_finish(c);
	c->time = 0;
	c->stopped = false;
	c->refused = 0;
	c->started = false;
	c->pause = CD_PAUSE_NONE;
	c->pause_wanted = false;
	c->worker_pid = 0;
	clocks_stop(c);
}

static void client_free(struct cd_client *c)
{
	struct cd_daemon *d = c->d;

	client_drop(c);
	c->ops->closed(c);
	d->client[c->index] = NULL;
	d->nr_clients--;
	free(c);
}

static void open_failed(struct cd_client *c, uint32_t status)
{
	client_drop(c);
	c->opening = false;
	c->state = CD_CLIENT_NEW;
	c->ops->opened(c, status);
}

/*
 * Whoever rings must not be made to sleep by a worker that fills the counter. A
 * process may be; the daemon has an end of its own, with flags of its own.
 */
static int client_make_doorbell(struct cd_client *c)
{
	int ends[2];

	/* Blocking for the worker: its dispatcher sleeps in read(). */
	if (!c->ops->granted) {
		c->fd_doorbell = eventfd(0, EFD_CLOEXEC);
		return c->fd_doorbell < 0 ? -errno : 0;
	}
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	c->fd_doorbell = ends[0];
	c->fd_ring = ends[1];
	return fcntl(c->fd_ring, F_SETFL, O_NONBLOCK) ? -errno : 0;
}

static int client_make_files(struct cd_client *c)
{
	int ret;

	const unsigned int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

	c->fd_window = cd_memfd_create("causeway-window", c->d->opt.window_size, seals);
	if (c->fd_window < 0)
		return c->fd_window;
	ret = client_make_doorbell(c);
	if (!ret)
		ret = cd_quota_init(c);
	if (ret)
		return ret;
	c->idle = CD_IDLE_ALL;
	if (!c->ops->granted)
		return 0; /* a process that has the window needs no messenger */
	c->fd_signal = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->fd_signal < 0)
		return -errno;
	c->fd_signal_page = cd_memfd_create("causeway-signal", PAGE_MASK + 1, seals);
	return c->fd_signal_page < 0 ? c->fd_signal_page : 0;
}

static void client_start(struct cd_client *c)
{
	int ret = client_make_files(c);

	if (!ret)
		ret = cd_link_start(c);
	if (ret) {
		cd_complain(CW_LOG_ERROR, CD_E_WORKER_SPAWN, "client=%u why=\"%s\"", c->index,
			    strerror(-ret));
		open_failed(c, VIRTIO_CUDA_ERR_WORKER);
		return;
	}
	c->state = CD_CLIENT_STARTING;
	c->told = false;
	c->open_status = VIRTIO_CUDA_ERR_WORKER;
	cd_client_wait(c, CD_CLOCK_LIFE, true);
}

/**
 * cd_client_open() - Give a client its worker
 * @c:		client, in CD_CLIENT_NEW
 * @open:	what it asks for, checked
 *
 * The answer comes through cd_client_ops.opened, maybe before the return.
 */
void cd_client_open(struct cd_client *c, const struct cd_open *open)
{
	c->open = *open;
	c->opening = true;
	memset(c->channel, 0, sizeof(c->channel));
	for (uint32_t i = 0; i < open->nr_segs; i++)
		cd_file_range(open->fds[open->seg[i].fd], open->seg[i].offset, open->seg[i].len,
			      &c->channel[i]);
	if (c->d->probe.state == CD_PROBE_READY) {
		client_start(c);
		return;
	}
	c->state = CD_CLIENT_WAITING;
	cd_client_wait(c, CD_CLOCK_LIFE, c->ops->retries);
}

/**
 * cd_client_put_off() - Have an open that waits for the probe asked again later
 * @c:	client, in CD_CLIENT_WAITING, of a world that asks again
 */
void cd_client_put_off(struct cd_client *c)
{
	open_failed(c, VIRTIO_CUDA_ERR_AGAIN);
}

/**
 * cd_clients_probed() - The probe is through: start those that wait for it
 * @d:	daemon
 */
void cd_clients_probed(struct cd_daemon *d)
{
	for (int i = 0; i < CD_MAX_CLIENTS; i++) {
		if (d->client[i] && d->client[i]->state == CD_CLIENT_WAITING)
			client_start(d->client[i]);
	}
}

/**
 * cd_client_up() - Looks whether a starting client has all it needs
 * @c:	client, in CD_CLIENT_STARTING
 *
 * The worker's own word and its pid, which the spawner tells, come on two
 * sockets in either order; without the pid no DETACH could be verified.
 */
void cd_client_up(struct cd_client *c)
{
	if (!c->started || !c->worker_pid)
		return;
	c->state = CD_CLIENT_OPEN;
	c->opening = false;
	cd_client_wait(c, CD_CLOCK_LIFE, false);
	cd_watch_start(c->d);
	c->ops->opened(c, VIRTIO_CUDA_OK);
}

/**
 * cd_client_wait() - Start or stop a clock for the worker
 * @c:		client
 * @clock:	which
 * @wait:	this is owed by the worker, from now on
 */
void cd_client_wait(struct cd_client *c, enum cd_clock clock, bool wait)
{
	const struct cd_options *o = &c->d->opt;
	uint64_t ms = c->state == CD_CLIENT_STARTING ? o->start_ms : o->timeout_ms;

	c->clock[clock] = wait ? cd_now_ns() + ms * 1000000 : 0;
	c->deadline = 0;
	for (int i = 0; i < CD_CLOCKS; i++) {
		if (c->clock[i] && (!c->deadline || c->clock[i] < c->deadline))
			c->deadline = c->clock[i];
	}
}

/**
 * cd_client_lost() - The worker has hung up, or shall go by itself
 * @c:	client with a worker
 *
 * A worker ends at the end of file on its socket; one that does not is killed
 * when its time is over, one that is stopped by a pause at once.
 */
void cd_client_lost(struct cd_client *c)
{
	bool stopped = c->pause == CD_PAUSE_STOPPING || c->pause == CD_PAUSE_STOPPED;

	c->state = CD_CLIENT_ENDING;
	cd_link_close(c);
	clocks_stop(c);
	if (!stopped || cd_spawner_kill(&c->d->spawner, c->cookie))
		cd_client_wait(c, CD_CLOCK_LIFE, true);
}

/**
 * cd_client_kill() - The worker is not to be trusted any more
 * @c:	client with a worker
 */
void cd_client_kill(struct cd_client *c)
{
	cd_client_lost(c);
	c->told = true;
	/* Nothing survives SIGKILL: only an order that was not taken is tried again. */
	cd_client_wait(c, CD_CLOCK_LIFE, cd_spawner_kill(&c->d->spawner, c->cookie) != 0);
}

/**
 * cd_client_expired() - The worker's time is over
 * @c:	client with a worker, or one that waits for the probe
 */
void cd_client_expired(struct cd_client *c)
{
	if (c->state == CD_CLIENT_WAITING) {
		cd_client_put_off(c);
		return;
	}
	cd_complain(CW_LOG_WARN, CD_E_WORKER_TIMEOUT, "client=%u pid=%d state=%d", c->index,
		    c->worker_pid, c->state);
	cd_client_kill(c);
}

/**
 * cd_client_close() - End a client
 * @c:	client; in no state is this an error
 *
 * The answer comes through cd_client_ops.closed, maybe before the return, and
 * the client is gone then.
 */
void cd_client_close(struct cd_client *c)
{
	if (!c->cookie) {
		client_free(c);
		return;
	}
	c->closing = true;
	if (c->state != CD_CLIENT_ENDING)
		cd_client_lost(c);
}

static void client_reaped(struct cd_client *c, int status)
{
	c->cookie = 0;
	if (!c->closing && !c->told)
		cd_complain(CW_LOG_WARN, CD_E_WORKER_DIED, "client=%u pid=%d %s=%d", c->index,
			    c->worker_pid, WIFSIGNALED(status) ? "signal" : "exit",
			    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (c->closing) {
		client_free(c);
	} else if (c->opening) {
		open_failed(c, c->open_status);
	} else {
		c->state = CD_CLIENT_DEAD;
		clocks_stop(c);
		cd_link_close(c);
		cd_broker_stop(c);
		cd_regions_drop(c);
		c->ops->died(c);
	}
}

/**
 * cd_clients_spawned() - News of the spawner
 * @d:		daemon
 * @msg:	CD_SPAWN_STARTED, _STOPPED or _EXITED
 */
void cd_clients_spawned(struct cd_daemon *d, const struct cd_spawn_msg *msg)
{
	struct cd_client *c = NULL;

	for (int i = 0; i < CD_MAX_CLIENTS && !c; i++) {
		if (d->client[i] && d->client[i]->cookie == msg->cookie)
			c = d->client[i];
	}
	if (!c)
		return;
	if (msg->type == CD_SPAWN_EXITED) {
		client_reaped(c, msg->status);
		return;
	}
	if (msg->type == CD_SPAWN_STOPPED) {
		cd_pause_stopped(c);
		return;
	}
	c->worker_pid = msg->pid;
	if (c->state == CD_CLIENT_STARTING)
		cd_client_up(c);
}

/**
 * cd_clients_finish() - End all clients; the workers are dead already
 * @d:	daemon
 */
void cd_clients_finish(struct cd_daemon *d)
{
	for (int i = 0; i < CD_MAX_CLIENTS; i++) {
		struct cd_client *c = d->client[i];

		if (!c)
			continue;
		c->cookie = 0;
		if (c->state >= CD_CLIENT_STARTING) {
			c->state = CD_CLIENT_DEAD;
			c->ops->died(c);
		}
		if (d->client[i])
			cd_client_close(c);
	}
}
