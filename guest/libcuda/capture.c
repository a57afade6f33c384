/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a capture is open in the process: while none is, capture status is
 * answered without a crossing (SEMANTICS 1).
 */
#include "guest/libcuda/client.h"

static _Atomic int captures_open;

void cg_capture_open(void)
{
	atomic_fetch_add(&captures_open, 1);
}

void cg_capture_close(void)
{
	atomic_fetch_sub(&captures_open, 1);
}

bool cg_capture_idle(void)
{
	return atomic_load_explicit(&captures_open, memory_order_relaxed) <= 0;
}
