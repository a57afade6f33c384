/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measuring workers. With the software GPU the window is device memory and
 * processor time is compute time: the kernel knows both.
 */
#include "daemon/meter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cw/log.h"
#include "daemon/client.h"
#include "daemon/daemon.h"

#define SHMEM_HUGE "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/*
 * Whether shared memory comes in huge pages without being asked for: then a
 * byte that was given may bring 2 MiB along, and blocks say nothing.
 */
static bool huge_pages(void)
{
	char text[128] = "";
	FILE *f = fopen(SHMEM_HUGE, "re");
	bool huge;

	if (!f)
		return false;
	huge = fgets(text, sizeof(text), f) &&
	       (strstr(text, "[always]") || strstr(text, "[within_size]") ||
		strstr(text, "[force]"));
	fclose(f);
	return huge;
}

static int soft_init(struct cd_daemon *d)
{
	if (!huge_pages())
		return 0;
	cw_info("shared memory has huge pages: a client is bounded by its window alone");
	return -ENOTSUP;
}

static int soft_memory(struct cd_client *c, uint64_t *ret_bytes)
{
	struct stat st;

	if (!c->d->probe.direct || fstat(c->fd_window, &st))
		return -EBADF;
	*ret_bytes = (uint64_t)st.st_blocks * 512;
	return 0;
}

static int soft_time(struct cd_client *c, uint64_t *ret_ns)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(c->worker_pid, &clock) || clock_gettime(clock, &ts))
		return -ESRCH;
	*ret_ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	return 0;
}

const struct cd_meter_ops cd_meter_soft = {
	.init = soft_init,
	.memory = soft_memory,
	.time = soft_time,
};

/**
 * cd_meter_init() - Find out how this daemon's workers are measured
 * @d:	daemon
 */
void cd_meter_init(struct cd_daemon *d)
{
	d->meter = d->opt.soft ? &cd_meter_soft : &cd_meter_nvml;
	d->meter_memory = !d->meter->init(d);
}

/**
 * cd_meter_refresh() - Read what is read for all workers at once
 * @d:	daemon
 */
void cd_meter_refresh(struct cd_daemon *d)
{
	if (d->meter->refresh)
		d->meter->refresh();
}

/**
 * cd_meter_memory() - Device memory that a worker has
 * @c:		client with a worker
 * @ret_bytes:	how much
 *
 * Return: 0 or -errno: not known.
 */
int cd_meter_memory(struct cd_client *c, uint64_t *ret_bytes)
{
	return c->d->meter_memory ? c->d->meter->memory(c, ret_bytes) : -ENOTSUP;
}

/**
 * cd_meter_time() - Compute time that a worker has used
 * @c:		client with a worker
 * @ret_ns:	since the worker's beginning
 *
 * Return: 0 or -errno: not known.
 */
int cd_meter_time(struct cd_client *c, uint64_t *ret_ns)
{
	return c->worker_pid ? c->d->meter->time(c, ret_ns) : -ESRCH;
}

/**
 * cd_meter_finish() - Give back what cd_meter_init() took
 * @d:	daemon
 */
void cd_meter_finish(struct cd_daemon *d)
{
	if (d->meter && d->meter->finish)
		d->meter->finish();
}
