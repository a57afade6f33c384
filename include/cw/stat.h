/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of the guest library, for tests and the bench.
 *
 * Reached by cuGetExportTable() with a UUID of ours, so that no symbol is
 * exported beside the driver API.
 */
#ifndef CW_STAT_H
#define CW_STAT_H

#include <stdint.h>

#include "cw/cuda.h"

/* Bytes of the UUID: readable in a trace. */
#define CW_STAT_UUID_BYTES                                                                         \
	{                                                                                          \
		'c', 'a', 'u', 's', 'e', 'w', 'a', 'y', '-', 's', 't', 'a', 't', '-', '0', '1'     \
	}

/**
 * struct cw_guest_stat - What the library has done since cuInit
 * @commands:	appended to the ring
 * @waits:	of them, whose caller waited for the answer
 * @kicks:	doorbells rung
 * @sleeps:	times a thread went to sleep for an answer
 * @copied:	bytes moved by cw_copy() in this process
 * @credits:	of the waits, those for launches to end (SEMANTICS 1, credits)
 * @full:	times a thread found the ring full and paused
 */
struct cw_guest_stat {
	uint64_t commands;
	uint64_t waits;
	uint64_t kicks;
	uint64_t sleeps;
	uint64_t copied;
	uint64_t credits;
	uint64_t full;
};

/**
 * struct cw_worker_stat - The same of the worker
 * @commands:	issued
 * @launches:	of them, kernels
 * @idles:	times the dispatcher went to sleep
 * @wakes:	threads woken
 * @copied:	bytes moved by cw_copy() in the worker and in a software GPU there
 */
struct cw_worker_stat {
	uint64_t commands;
	uint64_t launches;
	uint64_t idles;
	uint64_t wakes;
	uint64_t copied;
};

/**
 * struct cw_device_stat - Counters of driver and daemon; only in a VM
 * @kicks:	doorbells of this client
 * @interrupts:	of the device, for all clients
 * @copied:	bytes of bulk data that the daemon copied for this client
 * @bounced:	of them, bytes that the driver copied once more
 */
struct cw_device_stat {
	uint64_t kicks;
	uint64_t interrupts;
	uint64_t copied;
	uint64_t bounced;
};

/**
 * struct cw_stat_table - The export table
 * @size:	of the table in bytes
 * @guest:	counters of this process
 * @worker:	counters of its worker; one crossing
 * @hold:	keep the dispatcher busy for so many milliseconds; only where the
 *		daemon runs with CAUSEWAY_TEST_HOOKS=1
 * @device:	counters of driver and daemon: one request on controlq and its
 *		answer, nothing else; CUDA_ERROR_NOT_SUPPORTED over a socket
 * @spin:	whether callers may spin for an answer (default) or sleep at once
 */
struct cw_stat_table {
	size_t size;
	void (*guest)(struct cw_guest_stat *ret);
	CUresult (*worker)(struct cw_worker_stat *ret);
	CUresult (*hold)(uint32_t ms);
	CUresult (*device)(struct cw_device_stat *ret);
	void (*spin)(int on);
};

#endif
