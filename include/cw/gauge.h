/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gauge: a page that daemon and one worker share, for limits.
 *
 * Memory credit (PROTOCOL 7). The daemon keeps the ledger of what each client
 * was given. @slack is the part of it that the worker does not use: it takes
 * from there and puts back there without asking, and asks (CW_WORKER_CREDIT)
 * only where it does not suffice. Where the VM's memory runs short the daemon
 * takes the slack of all clients back, by exchange, without waiting for anyone.
 * So credit is exact to the byte, and an allocation is a compare-and-swap.
 *
 * A worker that writes here what is not true only harms itself: slack that the
 * ledger does not know is not believed, and what it uses beyond the ledger is
 * seen and ends it.
 */
#ifndef CW_GAUGE_H
#define CW_GAUGE_H

#include <stdatomic.h>
#include <stdint.h>

#define CW_GAUGE_SIZE 4096u

/**
 * struct cw_gauge - The page
 * @slack:	bytes given and not in use; both sides change it
 * @free_bytes:	daemon's answer: bytes the client could still have
 * @status:	daemon's answer: 0, or 1 where credit is refused
 * @answered:	number of the last request answered, stored last; a futex
 * @hold:	daemon: not 0 while the VM's compute time rests; a futex
 * @idle:	worker: threads of the software GPU that have nothing to do
 * @threads:	worker: how many it has; 0: unknown
 */
struct cw_gauge {
	_Atomic uint64_t slack;
	_Atomic uint64_t free_bytes;
	_Atomic uint32_t status;
	_Atomic uint32_t answered;
	_Alignas(64) _Atomic uint32_t hold;
	_Alignas(64) _Atomic uint32_t idle;
	_Atomic uint32_t threads;
};
_Static_assert(sizeof(struct cw_gauge) <= CW_GAUGE_SIZE, "one page");

#endif
