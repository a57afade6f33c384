/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pauses: no worker stores to guest memory while its VM stands still.
 *
 * Theory of operation: enum cd_pause has the steps. First the worker itself is
 * asked (PARK): its dispatcher stops at a command, and what a GPU still does
 * comes to its end. Kernels of the software GPU are threads of the worker; they
 * need not end, and a hostile worker need not have told the truth: so then the
 * process is stopped by a signal, which no process can decline, and the pause
 * is there when the spawner, its parent, has seen it stopped. SIGCONT makes
 * every kernel go on where it was.
 *
 * Who wants a pause, or wants it over, sets @pause_wanted; cd_pause_step() goes
 * as far as it can without an answer. Each step has the worker's time; a worker
 * that takes longer is killed.
 */
#include "daemon/client.h"
#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/msg.h"
#include "daemon/region.h"
#include "daemon/spawner.h"

#include <errno.h>

static void enter(struct cd_client *c, enum cd_pause pause, bool waits)
{
	c->pause = pause;
	cd_client_wait(c, CD_CLOCK_PAUSE, waits);
}

static int tell(struct cd_client *c, enum cw_worker_type type)
{
	struct cw_worker_park msg = {
		.head = { .version = CW_WORKER_VERSION, .type = type },
		.seq = ++c->pause_seq,
	};
	struct iovec iov = { .iov_base = &msg, .iov_len = sizeof(msg) };

	return cd_msg_send(c->worker_sock, &iov, 1, NULL, 0);
}

/* Its threads run again, and it is told so. */
static int go_on(struct cd_client *c)
{
	int ret = 0;

	if (c->pause == CD_PAUSE_STOPPED)
		ret = cd_spawner_hold(&c->d->spawner, c->cookie, CD_HOLD_PAUSE, false);
	return ret ? ret : tell(c, CW_WORKER_RESUME);
}

/**
 * cd_pause_step() - Go on with a pause, or with its end
 * @c:	client, in CD_CLIENT_OPEN
 *
 * What waits for an answer is left alone: the answer calls here again.
 */
void cd_pause_step(struct cd_client *c)
{
	int ret = 0;

	if (c->state != CD_CLIENT_OPEN)
		return;
	if (c->pause == CD_PAUSE_NONE && c->pause_wanted) {
		enter(c, CD_PAUSE_PARKING, true);
		ret = tell(c, CW_WORKER_PARK);
	} else if (c->pause == CD_PAUSE_PARKED && c->pause_wanted) {
		if (c->owed)
			return;
		enter(c, CD_PAUSE_STOPPING, true);
		ret = cd_spawner_hold(&c->d->spawner, c->cookie, CD_HOLD_PAUSE, true);
	} else if ((c->pause == CD_PAUSE_PARKED || c->pause == CD_PAUSE_STOPPED) &&
		   !c->pause_wanted) {
		ret = go_on(c);
		enter(c, CD_PAUSE_RESUMING, true);
		if (!ret)
			cd_region_pump(c);
	}
	if (ret)
		cd_client_kill(c);
}

/**
 * cd_pause() - Keep a worker from guest memory, or let it go on
 * @c:		client, in CD_CLIENT_OPEN
 * @pause:	@c->pause becomes CD_PAUSE_STOPPED, or the worker is killed
 */
void cd_pause(struct cd_client *c, bool pause)
{
	c->pause_wanted = pause;
	cd_pause_step(c);
}

/**
 * cd_pause_done() - The worker has answered PARK or RESUME
 * @c:		client
 * @done:	the answer
 *
 * Return: 0, or -EPROTO where that was not asked.
 */
int cd_pause_done(struct cd_client *c, const struct cw_worker_done *done)
{
	bool park = done->type == CW_WORKER_PARK;

	if (c->pause != (park ? CD_PAUSE_PARKING : CD_PAUSE_RESUMING) ||
	    done->region != c->pause_seq || done->status)
		return -EPROTO;
	enter(c, park ? CD_PAUSE_PARKED : CD_PAUSE_NONE, false);
	cd_pause_step(c);
	return 0;
}

/**
 * cd_pause_stopped() - The spawner has seen the worker's process stopped
 * @c:	client
 */
void cd_pause_stopped(struct cd_client *c)
{
	if (c->state != CD_CLIENT_OPEN || c->pause != CD_PAUSE_STOPPING)
		return;
	enter(c, CD_PAUSE_STOPPED, false);
	cd_pause_step(c);
}
