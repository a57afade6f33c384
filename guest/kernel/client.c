// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients: from open to the grave.
 *
 * Theory of operation: a client ends when its file is released or its owner's
 * mm exits. Neither may wait for the device, so the client goes to the
 * graveyard with its pages, its pins and its charge, and bury_work sends CLOSE
 * with a message made at OPEN. What the client had is freed when that is
 * answered or when the device has been reset: generation tells. An OPEN that
 * is still out when its client ends is waited for first, by the same work.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "vcuda.h"

static void vcuda_client_free_work(struct work_struct *work)
{
	struct vcuda_client *client = container_of(work, struct vcuda_client, free_work);
	struct vcuda_device *dev = client->dev;

	vcuda_owner_del(client->owner, client);
	vcuda_owner_put(client->owner);
	xa_destroy(&client->areas);
	xa_destroy(&client->regions);
	kfree(client);
	vcuda_device_put(dev);
}

static void vcuda_client_release(struct kref *ref)
{
	struct vcuda_client *client = container_of(ref, struct vcuda_client, ref);

	queue_work(vcuda_wq, &client->free_work);
}

/* Context: Any. */
void vcuda_client_get(struct vcuda_client *client)
{
	kref_get(&client->ref);
}

/* Context: Any. */
void vcuda_client_put(struct vcuda_client *client)
{
	kref_put(&client->ref, vcuda_client_release);
}

/**
 * vcuda_client_create() - Make a client for a file
 * @dev:	device; a reference is taken
 * @file:	being opened
 *
 * Context: Process.
 * Return: client with one reference, or an ERR_PTR().
 */
struct vcuda_client *vcuda_client_create(struct vcuda_device *dev, struct file *file)
{
	struct vcuda_client *client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!client)
		return ERR_PTR(-ENOMEM);
	client->owner = vcuda_owner_get(current->mm);
	if (IS_ERR(client->owner)) {
		int err = PTR_ERR(client->owner);

		kfree(client);
		return ERR_PTR(err);
	}
	kref_init(&client->ref);
	kref_get(&dev->ref);
	client->dev = dev;
	client->file = file;
	mutex_init(&client->lock);
	xa_init(&client->areas);
	xa_init_flags(&client->regions, XA_FLAGS_ALLOC1);
	INIT_LIST_HEAD(&client->copies);
	INIT_LIST_HEAD(&client->copying);
	INIT_LIST_HEAD(&client->grave);
	INIT_WORK(&client->free_work, vcuda_client_free_work);
	init_waitqueue_head(&client->poll_wq);
	for (i = 0; i < VCUDA_SLOTS; i++)
		init_waitqueue_head(&client->slots[i]);
	vcuda_owner_add(client->owner, client);
	mutex_lock(&dev->files_lock);
	list_add_tail(&client->of_device, &dev->files);
	mutex_unlock(&dev->files_lock);
	return client;
}

/**
 * vcuda_client_find() - Client by the id the device knows
 * @dev:	device
 * @id:		untrusted
 *
 * Context: Any.
 * Return: referenced client, or NULL.
 */
struct vcuda_client *vcuda_client_find(struct vcuda_device *dev, u32 id)
{
	struct vcuda_client *client;
	unsigned long irqs;

	xa_lock_irqsave(&dev->clients, irqs);
	client = xa_load(&dev->clients, id);
	if (client)
		vcuda_client_get(client);
	xa_unlock_irqrestore(&dev->clients, irqs);
	return client;
}

/**
 * vcuda_client_mine() - Whether the caller owns the client
 * @client:	client
 *
 * Context: Process.
 */
bool vcuda_client_mine(struct vcuda_client *client)
{
	return vcuda_owner_mm(client->owner) == current->mm;
}

/**
 * vcuda_client_kill() - End every wait of a client
 * @client:	client; its resources stay
 *
 * Context: Any.
 */
void vcuda_client_kill(struct vcuda_client *client)
{
	unsigned int i;

	if (test_and_set_bit(VCUDA_CLIENT_DEAD, &client->flags))
		return;
	wake_up_all(&client->poll_wq);
	for (i = 0; i < VCUDA_SLOTS; i++)
		wake_up_all(&client->slots[i]);
}

/**
 * vcuda_client_kill_all() - End every wait of every client of a device
 * @dev:	device that is not there any more
 *
 * Context: Process.
 */
void vcuda_client_kill_all(struct vcuda_device *dev)
{
	struct vcuda_client *client;
	unsigned long id;

	xa_lock_irq(&dev->clients);
	xa_for_each(&dev->clients, id, client)
		vcuda_client_kill(client);
	xa_unlock_irq(&dev->clients);
	wake_up_all(&dev->grave_wq);
}

/**
 * vcuda_client_end() - Send a client to the graveyard, once
 * @client:	client without callers
 *
 * Context: Any but interrupts; does not wait.
 */
void vcuda_client_end(struct vcuda_client *client)
{
	struct vcuda_device *dev = client->dev;

	if (test_and_set_bit(VCUDA_CLIENT_ENDED, &client->flags))
		return;
	vcuda_client_kill(client);
	vcuda_copies_cancel(client);
	vcuda_client_get(client);
	client->grave_pages = atomic_long_read(&client->pages);
	atomic_long_add(client->grave_pages, &dev->grave_pages);
	spin_lock(&dev->grave_lock);
	list_add_tail(&client->grave, &dev->graveyard);
	spin_unlock(&dev->grave_lock);
	queue_work(vcuda_wq, &dev->bury_work);
}

/**
 * vcuda_client_release_file() - The file is gone
 * @client:	of the file
 *
 * Context: Process; does not wait for the device.
 */
void vcuda_client_release_file(struct vcuda_client *client)
{
	struct vcuda_device *dev = client->dev;

	mutex_lock(&dev->files_lock);
	list_del(&client->of_device);
	client->file = NULL;
	mutex_unlock(&dev->files_lock);
	vcuda_client_end(client);
	vcuda_client_put(client);
}

/* Frees all that a client had. The device holds none of it any more. */
static void vcuda_client_free_all(struct vcuda_client *client)
{
	struct vcuda_device *dev = client->dev;

	vcuda_regions_free(client);
	if (client->channel) {
		vcuda_area_withdraw(client, client->channel);
		vcuda_area_free_pages(client->channel);
		vcuda_area_put(client->channel);
		client->channel = NULL;
	}
	if (client->id)
		xa_erase_irq(&dev->clients, client->id);
	if (client->counted)
		atomic_dec(&dev->nr_clients);
	vcuda_msg_put(client->open_msg);
	vcuda_msg_put(client->close_msg);
	client->open_msg = NULL;
	client->close_msg = NULL;
	atomic_long_sub(client->grave_pages, &dev->grave_pages);
	wake_up_all(&dev->grave_wq);
}

/*
 * Brings an ended client one step further.
 *
 * Return: true if the device holds nothing of it.
 */
static bool vcuda_client_bury(struct vcuda_client *client)
{
	if (!client->id || !client->close_msg)
		return true;
	if (client->generation != READ_ONCE(client->dev->generation))
		return true;
	/* Its answer comes here again. */
	if (!vcuda_msg_acked(client->open_msg))
		return false;
	if (client->close_msg->state == VCUDA_MSG_IDLE) {
		/* Refused by a device that is not there: its reset comes here again. */
		vcuda_msg_submit(client->close_msg);
		return false;
	}
	return vcuda_msg_acked(client->close_msg);
}

/* Goes over the graveyard: after an end, an answer to OPEN or CLOSE, a reset. */
void vcuda_bury_work(struct work_struct *work)
{
	struct vcuda_device *dev = container_of(work, struct vcuda_device, bury_work);
	struct vcuda_client *client, *next;
	LIST_HEAD(all);
	LIST_HEAD(keep);

	kref_get(&dev->ref);
	spin_lock(&dev->grave_lock);
	list_splice_init(&dev->graveyard, &all);
	spin_unlock(&dev->grave_lock);
	list_for_each_entry_safe(client, next, &all, grave) {
		if (!vcuda_client_bury(client)) {
			list_move_tail(&client->grave, &keep);
			continue;
		}
		list_del(&client->grave);
		vcuda_client_free_all(client);
		vcuda_client_put(client);
		cond_resched();
	}
	spin_lock(&dev->grave_lock);
	list_splice(&keep, &dev->graveyard);
	spin_unlock(&dev->grave_lock);
	vcuda_device_put(dev);
}
