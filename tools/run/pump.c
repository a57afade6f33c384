/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves bytes from one descriptor to another inside a poll() loop.
 *
 * Theory of operation: one buffer, filled when it is empty and then emptied, so
 * that a sink that does not take bytes stops the source. Everything is driven
 * by poll(); the descriptors need not be non-blocking as long as @chunk is at
 * most what a ready sink takes.
 */
#include "tools/run/pump.h"

#include <errno.h>
#include <unistd.h>

#include "cw/util.h"

void ct_pump_init(struct ct_pump *p, int in, int out, size_t chunk)
{
	p->in = in;
	p->out = out;
	p->chunk = chunk;
	p->taken = 0;
	p->end = UINT64_MAX;
	p->eof = p->broken = false;
	p->head = p->len = 0;
}

void ct_pump_prepare(const struct ct_pump *p, struct pollfd *pfd)
{
	bool fill = !p->eof && !p->len && p->taken < p->end;

	pfd[0] = (struct pollfd){ .fd = fill ? p->in : -1, .events = POLLIN };
	pfd[1] = (struct pollfd){ .fd = p->len ? p->out : -1, .events = POLLOUT };
}

static void pump_fill(struct ct_pump *p)
{
	size_t want = cw_min((uint64_t)CT_PUMP_ROOM, p->end - p->taken);
	ssize_t n = read(p->in, p->buf, want);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		p->eof = true;
		return;
	}
	p->taken += n;
	if (!p->broken) {
		p->head = 0;
		p->len = n;
	}
}

static void pump_drain(struct ct_pump *p)
{
	ssize_t n = write(p->out, p->buf + p->head, cw_min(p->len, p->chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		p->broken = true;
		p->len = 0;
		return;
	}
	p->head += n;
	p->len -= n;
}

void ct_pump_step(struct ct_pump *p, const struct pollfd *pfd)
{
	if (pfd[0].fd >= 0 && pfd[0].revents)
		pump_fill(p);
	if (pfd[1].fd >= 0 && pfd[1].revents)
		pump_drain(p);
}

bool ct_pump_done(const struct ct_pump *p)
{
	return !p->len && (p->eof || p->taken >= p->end);
}
