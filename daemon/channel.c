/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/channel.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cw/channel.h"

/**
 * cd_channel_fatal() - Tell a process over its channel that the worker is gone
 * @fd:	memory file of the channel, sealed against shrinking
 *
 * The closed socket says the same, but a thread that sleeps for a reply sleeps
 * on a futex.
 */
void cd_channel_fatal(int fd)
{
	void *at = mmap(NULL, VCUDA_UPCALL_OFFSET, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct cw_channel *ch = at;

	if (at == MAP_FAILED)
		return;
	atomic_fetch_or(&ch->status, CW_CH_FATAL);
	/*
	 * Full fence: FATAL must be visible before sleeping is taken, or a thread
	 * that sets sleeping now and then reads the status sees no end, and sleeps
	 * through a wake-up that came before.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	for (uint32_t i = 0; i < VCUDA_SLOTS; i++) {
		struct cw_slot *slot = cw_channel_slot(at, i);

		atomic_exchange(&slot->sleeping, 0);
		syscall(SYS_futex, &slot->sleeping, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	}
	munmap(at, VCUDA_UPCALL_OFFSET);
}
