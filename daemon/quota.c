/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device memory of clients, and of the VM they belong to (PROTOCOL 7).
 *
 * Theory of operation (cw/gauge.h). cd_client.ledger is what a client was
 * given, cd_daemon.given the sum of it. Of that, the client's slack is not in
 * use: it can be had back at any time by an exchange. So whoever asks is given
 * what is free, then what others do not use, and is refused only where every
 * byte is in use. Once a second each client's memory is measured; more than the
 * ledger says is the client's end.
 */
#include "daemon/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cw/gauge.h"
#include "daemon/client.h"
#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/memory.h"
#include "daemon/meter.h"
#include "daemon/msg.h"

/* What a client gets beyond what it asks for, so that it need not ask so often. */
#define QUOTA_AHEAD (2ull << 20)
/* More than any card has: sums of it stay inside 64 bits. */
#define QUOTA_MAX (1ull << 47)

/**
 * cd_quota_init() - Make the page that daemon and worker share
 * @c:	client that is about to get a worker
 *
 * Return: 0 or -errno.
 */
int cd_quota_init(struct cd_client *c)
{
	c->fd_gauge = cd_memfd_create("causeway-gauge", CW_GAUGE_SIZE,
				      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	if (c->fd_gauge < 0)
		return c->fd_gauge;
	c->gauge = mmap(NULL, CW_GAUGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd_gauge, 0);
	if (c->gauge == MAP_FAILED) {
		c->gauge = NULL;
		return -errno;
	}
	return 0;
}

/**
 * cd_quota_finish() - The worker is reaped: all that the client had is free
 * @c:	client, also one that was never given anything
 */
void cd_quota_finish(struct cd_client *c)
{
	c->d->given -= c->ledger;
	c->ledger = 0;
	if (c->gauge)
		munmap(c->gauge, CW_GAUGE_SIZE);
	c->gauge = NULL;
	cd_close(&c->fd_gauge);
}

/* What the client says it does not use; never more than it was given. */
static uint64_t quota_slack(const struct cd_client *c)
{
	return c->gauge ? cw_min(atomic_load(&c->gauge->slack), c->ledger) : 0;
}

/* Takes back what a client does not use. */
static void quota_reclaim(struct cd_client *c)
{
	uint64_t slack = c->gauge ? atomic_exchange(&c->gauge->slack, 0) : 0;

	slack = cw_min(slack, c->ledger);
	c->ledger -= slack;
	c->d->given -= slack;
}

static uint64_t vm_limit(const struct cd_daemon *d)
{
	return d->opt.vm_memory ? d->opt.vm_memory : QUOTA_MAX;
}

static uint64_t client_limit(const struct cd_daemon *d)
{
	return cw_min(d->opt.client_memory ? d->opt.client_memory : QUOTA_MAX, vm_limit(d));
}

/**
 * cd_quota_used() - Device memory that a client uses
 * @c:	client
 *
 * Return: bytes, as the client says; the ledger bounds them.
 */
uint64_t cd_quota_used(const struct cd_client *c)
{
	return c->ledger - quota_slack(c);
}

/**
 * cd_quota_vm_used() - Device memory that all clients use
 * @d:	daemon
 *
 * Return: bytes.
 */
uint64_t cd_quota_vm_used(const struct cd_daemon *d)
{
	uint64_t used = d->given;

	for (int i = 0; i < CD_MAX_CLIENTS; i++)
		used -= d->client[i] ? quota_slack(d->client[i]) : 0;
	return used;
}

/* Whether @c may have @bytes more; then they are in its ledger. */
static bool quota_give(struct cd_client *c, uint64_t bytes)
{
	struct cd_daemon *d = c->d;
	uint64_t ahead;

	quota_reclaim(c);
	if (bytes > QUOTA_MAX || c->ledger + bytes > client_limit(d))
		return false;
	for (int i = 0; i < CD_MAX_CLIENTS && d->given + bytes > vm_limit(d); i++) {
		if (d->client[i])
			quota_reclaim(d->client[i]);
	}
	if (d->given + bytes > vm_limit(d))
		return false;
	ahead = cw_min(client_limit(d) - c->ledger, vm_limit(d) - d->given) - bytes;
	ahead = cw_min(ahead, QUOTA_AHEAD);
	c->ledger += bytes + ahead;
	d->given += bytes + ahead;
	atomic_fetch_add(&c->gauge->slack, ahead);
	return true;
}

/**
 * cd_quota_ask() - A worker wants credit, or to know how much there is
 * @c:		client, open
 * @m:		what it wants
 *
 * Return: 0: answered in the gauge.
 */
int cd_quota_ask(struct cd_client *c, const struct cw_worker_credit *m)
{
	struct cw_gauge *g = c->gauge;
	uint64_t used, vm_used;
	bool given = !m->bytes || quota_give(c, m->bytes);

	used = cd_quota_used(c);
	vm_used = cd_quota_vm_used(c->d);
	atomic_store(&g->free_bytes,
		     cw_min(client_limit(c->d) - used, vm_limit(c->d) - vm_used));
	atomic_store(&g->status, !given);
	/* Release: the answer is there before its number is. */
	atomic_store_explicit(&g->answered, m->seq, memory_order_release);
	syscall(SYS_futex, &g->answered, FUTEX_WAKE, 1, NULL, NULL, 0);
	return 0;
}

/* A worker's own memory, without what it shares: the window counts elsewhere. */
static uint64_t worker_size(pid_t pid)
{
	unsigned long long resident = 0, shared = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%*u %llu %llu", &resident, &shared) != 2 || shared > resident)
		resident = shared = 0;
	fclose(f);
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void client_check(struct cd_client *c)
{
	uint64_t bytes;

	if (!cd_meter_memory(c, &bytes) && bytes > c->ledger) {
		cd_complain(CW_LOG_WARN, CD_E_WORKER_MEMORY,
			    "client=%u pid=%d bytes=%llu given=%llu", c->index, c->worker_pid,
			    (unsigned long long)bytes, (unsigned long long)c->ledger);
		cd_client_kill(c);
		return;
	}
	bytes = worker_size(c->worker_pid);
	if (bytes > c->d->opt.worker_memory) {
		cd_complain(CW_LOG_WARN, CD_E_WORKER_SIZE, "client=%u pid=%d bytes=%llu", c->index,
			    c->worker_pid, (unsigned long long)bytes);
		cd_client_kill(c);
	}
}

/**
 * cd_quota_check() - Look whether anybody has more than it was given
 * @d:	daemon
 *
 * The client at the socket has the window mapped itself and may fill it without
 * asking; a worker may do as it likes: what counts is what the kernel says.
 */
void cd_quota_check(struct cd_daemon *d)
{
	for (int i = 0; i < CD_MAX_CLIENTS; i++) {
		if (d->client[i] && d->client[i]->state == CD_CLIENT_OPEN)
			client_check(d->client[i]);
	}
}
