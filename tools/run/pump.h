/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves bytes from one descriptor to another inside a poll() loop. Used on both
 * sides of the guest's ports.
 */
#ifndef TOOLS_RUN_PUMP_H
#define TOOLS_RUN_PUMP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CT_PUMP_ROOM 65536

/**
 * struct ct_pump - One direction
 * @in:		read from here
 * @out:	write to here
 * @chunk:	most bytes per write: PIPE_BUF for a descriptor that blocks and
 *		is not ours to change, where poll() vouches for that many
 * @taken:	bytes read so far
 * @end:	bytes there will be; UINT64_MAX while unknown
 * @eof:	nothing more comes from @in
 * @broken:	@out takes no more; what comes is dropped
 */
struct ct_pump {
	int in;
	int out;
	size_t chunk;
	uint64_t taken;
	uint64_t end;
	bool eof;
	bool broken;
	size_t head;
	size_t len;
	char buf[CT_PUMP_ROOM];
};

void ct_pump_init(struct ct_pump *p, int in, int out, size_t chunk);

/**
 * ct_pump_prepare() - What to poll for
 * @p:		pump
 * @pfd:	two entries, filled: source and sink
 */
void ct_pump_prepare(const struct ct_pump *p, struct pollfd *pfd);

/**
 * ct_pump_step() - Move what can be moved without blocking
 * @p:		pump
 * @pfd:	the two entries after poll()
 */
void ct_pump_step(struct ct_pump *p, const struct pollfd *pfd);

/* Whether all bytes up to @end, or to the end of @in, have left. */
bool ct_pump_done(const struct ct_pump *p);

#endif
