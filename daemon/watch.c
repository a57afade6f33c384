/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon does again and again while clients are active: look at their
 * memory, and share out compute time. Where nothing has used the processor for a
 * second it sleeps: until a client wants something of the daemon, or for a
 * minute, since a client at the socket can wake its worker by itself.
 */
#include "cw/util.h"
#include "daemon/client.h"
#include "daemon/daemon.h"
#include "daemon/meter.h"
#include "daemon/quota.h"
#include "daemon/share.h"

#define CHECK_NS 1000000000ull
#define QUIET_NS (60 * CHECK_NS)
/* Reading a card's own counters takes a while. */
#define REFRESH_NS 100000000ull

/**
 * cd_watch_start() - There is a client, or one that was quiet did something
 * @d:	daemon
 */
void cd_watch_start(struct cd_daemon *d)
{
	if (d->watch_at && !d->quiet)
		return;
	d->quiet = false;
	d->check_at = cd_now_ns() + CHECK_NS;
	d->watch_at = cd_now_ns() + cw_min(CHECK_NS, cd_share_interval(d));
}

/**
 * cd_watch_turn() - The time is there
 * @d:		daemon
 * @now:	of cd_now_ns()
 */
void cd_watch_turn(struct cd_daemon *d, uint64_t now)
{
	bool check = d->check_at <= now;

	if (check || (d->opt.share && now - d->refreshed_at >= REFRESH_NS)) {
		cd_meter_refresh(d);
		d->refreshed_at = now;
	}
	if (check || d->opt.share)
		cd_share_turn(d, now);
	if (check) {
		d->quiet = !d->share.active;
		d->check_at = now + (d->quiet ? QUIET_NS : CHECK_NS);
		cd_quota_check(d);
		cd_share_publish(d, now);
	}
	if (d->quiet && d->share.active) {
		d->quiet = false;
		d->check_at = now + CHECK_NS;
	}
	d->watch_at = d->nr_clients ? cw_min(d->check_at, now + cd_share_interval(d)) : 0;
	if (!d->nr_clients)
		cd_share_publish(d, now);
	d->quiet &= d->watch_at != 0;
}
