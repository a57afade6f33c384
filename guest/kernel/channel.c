// SPDX-License-Identifier: GPL-2.0-only
/*
 * OPEN: a channel's pages, a worker on the other side.
 */
#include <linux/cred.h>
#include <linux/log2.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "vcuda.h"

/* How soon an OPEN is sent again that came too early for the device. */
#define VCUDA_AGAIN_PERIOD (HZ / 5)

static bool vcuda_arena_ok(u64 base, u64 size)
{
	return PAGE_ALIGNED(base) && PAGE_ALIGNED(size) && base + size >= base;
}

static int vcuda_open_check(const struct vcuda_open *open)
{
	if (open->flags)
		return -EINVAL;
	if (open->version != VCUDA_CHANNEL_VERSION)
		return -EPROTONOSUPPORT;
	if (!is_power_of_2(open->ring_size) || open->ring_size < VCUDA_RING_MIN ||
	    open->ring_size > VCUDA_RING_MAX)
		return -EINVAL;
	if (!vcuda_arena_ok(open->region_base, open->region_size) ||
	    !vcuda_arena_ok(open->device_base, open->device_size))
		return -EINVAL;
	return 0;
}

/* The graveyard looks again once OPEN or CLOSE is answered. */
static void vcuda_open_on_done(struct vcuda_msg *msg)
{
	queue_work(vcuda_wq, &msg->dev->bury_work);
}

static void vcuda_open_fill(struct vcuda_client *client, const struct vcuda_open *open,
			    struct virtio_cuda_open *body)
{
	body->version = cpu_to_le32(open->version);
	body->ring_size = cpu_to_le32(open->ring_size);
	body->region_base = cpu_to_le64(open->region_base);
	body->region_size = cpu_to_le64(open->region_size);
	body->device_base = cpu_to_le64(open->device_base);
	body->device_size = cpu_to_le64(open->device_size);
	body->uid = cpu_to_le32(from_kuid_munged(&init_user_ns, current_uid()));
	body->pid = cpu_to_le32(task_tgid_nr(current));
	body->nr_runs = cpu_to_le32(vcuda_area_nr_runs(client->channel));
	vcuda_area_fill_runs(client->channel, body->runs);
}

/* Makes the messages of a client; its end must not need memory. */
static int vcuda_open_messages(struct vcuda_client *client, const struct vcuda_open *open)
{
	struct vcuda_device *dev = client->dev;
	size_t body = sizeof(struct virtio_cuda_open) +
		      vcuda_area_nr_runs(client->channel) * sizeof(struct virtio_cuda_run);
	struct vcuda_msg *msg;

	msg = vcuda_msg_create(dev, VIRTIO_CUDA_OPEN, body, sizeof(struct virtio_cuda_open_resp));
	client->open_msg = msg;
	client->close_msg = vcuda_msg_create(dev, VIRTIO_CUDA_CLOSE, 0, 0);
	if (!msg || !client->close_msg)
		return -ENOMEM;
	msg->class = VCUDA_MSG_SLOW;
	msg->on_done = vcuda_open_on_done;
	vcuda_msg_set_client(msg, client, client->id);
	vcuda_open_fill(client, open, vcuda_msg_body(msg));
	msg = client->close_msg;
	msg->class = VCUDA_MSG_SLOW;
	msg->on_done = vcuda_open_on_done;
	vcuda_msg_set_client(msg, client, client->id);
	return 0;
}

/* Takes back what vcuda_open_prepare() did. The device holds nothing of it. */
static void vcuda_open_undo(struct vcuda_client *client)
{
	struct vcuda_device *dev = client->dev;

	vcuda_msg_put(client->open_msg);
	vcuda_msg_put(client->close_msg);
	client->open_msg = NULL;
	client->close_msg = NULL;
	if (client->id)
		xa_erase_irq(&dev->clients, client->id);
	client->id = 0;
	if (client->counted)
		atomic_dec(&dev->nr_clients);
	client->counted = false;
	if (client->channel) {
		atomic_long_sub(vcuda_area_nr_pages(client->channel), &client->pages);
		vcuda_area_free_pages(client->channel);
		vcuda_area_put(client->channel);
	}
	client->channel = NULL;
}

static int vcuda_open_prepare(struct vcuda_client *client, const struct vcuda_open *open)
{
	struct vcuda_device *dev = client->dev;
	struct vcuda_area *area;
	u32 id;
	int err;

	client->counted = atomic_add_unless(&dev->nr_clients, 1, dev->max_clients);
	if (!client->counted)
		return -EBUSY;
	area = vcuda_area_create(client, VCUDA_CHANNEL_SIZE((u64)open->ring_size),
				 VIRTIO_CUDA_MAX_CHANNEL_RUNS, VCUDA_TOP_ORDER);
	if (IS_ERR(area))
		return PTR_ERR(area);
	client->channel = area;
	atomic_long_add(vcuda_area_nr_pages(area), &client->pages);
	/* Ids go round, so that a late event of a dead client meets nobody. */
	err = xa_alloc_cyclic_irq(&dev->clients, &id, client,
				  XA_LIMIT(1, VIRTIO_CUDA_MAX_CLIENTS - 1), &dev->next_id,
				  GFP_KERNEL_ACCOUNT);
	if (err < 0)
		return err == -EBUSY ? -EBUSY : -ENOMEM;
	client->id = id;
	client->generation = READ_ONCE(dev->generation);
	return vcuda_open_messages(client, open);
}

/* An answered OPEN: what the process is told. */
static int vcuda_open_finish(struct vcuda_client *client, struct vcuda_open *open)
{
	struct virtio_cuda_open_resp resp;

	memcpy(&resp, vcuda_msg_answer(client->open_msg), sizeof(resp));
	open->window_size = le64_to_cpu(resp.window_size);
	open->direct = le32_to_cpu(resp.direct);
	open->client = client->id;
	client->window_size = open->window_size;
	client->arena_base = open->region_base;
	client->arena_size = open->region_size;
	client->next_pgoff = vcuda_area_nr_pages(client->channel) + 1;
	/* Pairs with vcuda_client_opened(): all of the above is there. */
	smp_store_release(&client->opened, true);
	return vcuda_area_publish(client, client->channel, VCUDA_MMAP_CHANNEL);
}

/*
 * An OPEN that was refused may leave a worker that is still ending. CLOSE says
 * when nothing of the channel is mapped any more; who has no such client says
 * so at once. Where no answer comes the graveyard takes it from here.
 */
static void vcuda_open_fail(struct vcuda_client *client)
{
	if (client->open_msg && client->open_msg->state != VCUDA_MSG_IDLE) {
		if (vcuda_msg_acked(client->open_msg))
			vcuda_msg_call(client->close_msg);
		if (!vcuda_msg_acked(client->open_msg) || !vcuda_msg_acked(client->close_msg)) {
			vcuda_client_kill(client);
			return;
		}
	}
	vcuda_open_undo(client);
}

/* OPEN waits so long for a full graveyard; a CLOSE may take 2 s. */
#define VCUDA_GRAVE_TIMEOUT (5 * HZ)

static bool vcuda_grave_full(struct vcuda_device *dev)
{
	return atomic_long_read(&dev->grave_pages) > totalram_pages() / 8;
}

/*
 * Clients of before are on their way out, with much memory. Usually that is a
 * matter of milliseconds: one program after the other.
 */
static int vcuda_open_wait(struct vcuda_device *dev)
{
	long left = wait_event_killable_timeout(dev->grave_wq,
						!vcuda_grave_full(dev) || !vcuda_device_live(dev),
						VCUDA_GRAVE_TIMEOUT);

	if (left < 0)
		return -EINTR;
	if (!vcuda_device_live(dev))
		return -ENODEV;
	return left ? 0 : -EBUSY;
}

static int vcuda_open_locked(struct vcuda_client *client, struct vcuda_open *open)
{
	struct vcuda_device *dev = client->dev;
	int err;

	if (client->id)
		return -EALREADY;
	if (!vcuda_device_live(dev))
		return -ENODEV;
	err = vcuda_open_wait(dev);
	if (err)
		return err;
	err = vcuda_open_prepare(client, open);
	if (!err)
		err = vcuda_msg_call(client->open_msg);
	if (!err)
		return vcuda_open_finish(client, open);
	vcuda_open_fail(client);
	return err == -EIO && !vcuda_device_live(dev) ? -ENODEV : err;
}

/**
 * vcuda_call_open() - VCUDA_IOC_OPEN
 * @client:	of the file
 * @arg:	struct vcuda_open
 *
 * Context: Process; killable.
 * Return: 0; -EALREADY; -ENODEV where the device is not there; -EBUSY for too
 * many clients or too much in the graveyard; -EADDRINUSE where an arena is not
 * free in the worker; -EPROTONOSUPPORT for another version; -ENXIO where the
 * host has no back end; -EINVAL, -ENOMEM, -EINTR, -EIO.
 */
int vcuda_call_open(struct vcuda_client *client, void *arg)
{
	struct vcuda_open *open = arg;
	int err = vcuda_open_check(open);

	if (err)
		return err;
	if (mutex_lock_killable(&client->lock))
		return -EINTR;
	do {
		err = vcuda_open_locked(client, open);
	} while (err == -EAGAIN && !schedule_timeout_killable(VCUDA_AGAIN_PERIOD) &&
		 !fatal_signal_pending(current));
	mutex_unlock(&client->lock);
	/* Killed; nobody sees it. */
	return err == -EAGAIN ? -EINTR : err;
}
