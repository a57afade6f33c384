// SPDX-License-Identifier: GPL-2.0-only
/*
 * WAIT, KICK, poll: sleeping and waking, both ways.
 */
#include <linux/file.h>
#include <linux/hrtimer.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>

#include "vcuda.h"

/* Whether the slot has got there. The worker stores seq last. */
static bool vcuda_slot_ready(const u64 *seq, u64 want)
{
	return smp_load_acquire(seq) >= want;
}

/* Sleeps until the slot is ready, the client dies, the time is over. */
static int vcuda_slot_sleep(struct vcuda_client *client, const struct vcuda_wait *wait,
			    const u64 *seq)
{
	ktime_t deadline = min_t(u64, wait->deadline_ns, KTIME_MAX);
	wait_queue_head_t *head = &client->slots[wait->slot];
	DEFINE_WAIT(entry);
	int err = 0;

	for (;;) {
		prepare_to_wait(head, &entry, TASK_INTERRUPTIBLE);
		if (vcuda_slot_ready(seq, wait->seq))
			break;
		err = -EIO;
		if (vcuda_client_dead(client))
			break;
		err = -ERESTARTSYS;
		if (signal_pending(current))
			break;
		err = -ETIMEDOUT;
		if (!schedule_hrtimeout(wait->deadline_ns ? &deadline : NULL, HRTIMER_MODE_ABS))
			break;
		err = 0;
	}
	finish_wait(head, &entry);
	/* It may have come with the last breath. */
	return vcuda_slot_ready(seq, wait->seq) ? 0 : err;
}

/**
 * vcuda_call_wait() - VCUDA_IOC_WAIT
 * @client:	open
 * @arg:	struct vcuda_wait
 *
 * The deadline is absolute, so a signal restarts the call as it was. A wait on
 * slot 0, the upcalls, is not watched: the device may have nothing to say for
 * days.
 *
 * Context: Process; interruptible.
 * Return: 0; -ETIMEDOUT; -EIO where the worker or the device is dead; -EINVAL;
 * -ERESTARTSYS.
 */
int vcuda_call_wait(struct vcuda_client *client, void *arg)
{
	struct vcuda_wait *wait = arg;
	const u64 *seq;
	int err;

	if (wait->flags || wait->reserved || wait->slot >= VCUDA_SLOTS)
		return -EINVAL;
	seq = vcuda_area_ptr(client->channel, VCUDA_SLOT_OFFSET + wait->slot * VCUDA_SLOT_SIZE +
			     offsetof(struct vcuda_slot, seq));
	if (!wait->slot)
		clear_bit(VCUDA_CLIENT_UPCALL, &client->flags);
	if (vcuda_slot_ready(seq, wait->seq))
		return 0;
	atomic64_inc(&client->waits);
	if (wait->slot)
		vcuda_watch_get(client->dev);
	err = vcuda_slot_sleep(client, wait, seq);
	if (wait->slot)
		vcuda_watch_put(client->dev);
	if (!wait->slot && !err)
		clear_bit(VCUDA_CLIENT_UPCALL, &client->flags);
	return err;
}

/**
 * vcuda_call_kick() - VCUDA_IOC_KICK
 * @client:	open
 * @arg:	none
 *
 * Context: Process.
 * Return: 0, or -EIO where the worker or the device is dead.
 */
int vcuda_call_kick(struct vcuda_client *client, void *arg)
{
	if (vcuda_client_dead(client))
		return -EIO;
	atomic64_inc(&client->kicks);
	return vcuda_bell_ring(client);
}

/**
 * vcuda_poll_wake_all() - Let every poll see that the device is gone
 * @dev:	removed; clients that never opened are woken too
 *
 * Context: Process.
 */
void vcuda_poll_wake_all(struct vcuda_device *dev)
{
	struct vcuda_client *client;

	mutex_lock(&dev->files_lock);
	list_for_each_entry(client, &dev->files, of_device)
		wake_up_all(&client->poll_wq);
	mutex_unlock(&dev->files_lock);
}

/* IN: slot 0 was woken since the last WAIT on it. HUP|ERR: worker or device gone. */
__poll_t vcuda_poll(struct file *file, poll_table *table)
{
	struct vcuda_client *client = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &client->poll_wq, table);
	if (READ_ONCE(client->dev->gone) ||
	    (vcuda_client_opened(client) && vcuda_client_dead(client)))
		events |= EPOLLHUP | EPOLLERR;
	if (test_bit(VCUDA_CLIENT_UPCALL, &client->flags))
		events |= EPOLLIN | EPOLLRDNORM;
	return events;
}
