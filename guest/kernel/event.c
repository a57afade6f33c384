// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventq: the device wakes slots and reports dead workers.
 *
 * A buffer is copied, cleared and posted again before its event is delivered,
 * so that the device never runs out of buffers because a delivery is slow. A
 * device that floods us with events gets one ring's worth per interrupt; the
 * rest waits for a work item.
 */
#include <linux/scatterlist.h>

#include "vcuda.h"
#include "trace.h"

static int vcuda_event_post(struct vcuda_device *dev, struct virtio_cuda_event *event)
{
	struct scatterlist sg;

	memset(event, 0, sizeof(*event));
	sg_init_one(&sg, event, sizeof(*event));
	return virtqueue_add_inbuf(dev->ev, &sg, 1, event, GFP_ATOMIC);
}

/**
 * vcuda_event_fill() - Post every event buffer
 * @dev:	starting
 *
 * Context: Process.
 * Return: 0, or -errno where not even one could be posted.
 */
int vcuda_event_fill(struct vcuda_device *dev)
{
	unsigned int want = min_t(unsigned int, VIRTIO_CUDA_VQ_SIZE,
				  virtqueue_get_vring_size(dev->ev));
	bool notify;
	int err = 0;

	spin_lock_irq(&dev->vq_lock);
	for (dev->nr_events = 0; dev->nr_events < want; dev->nr_events++) {
		err = vcuda_event_post(dev, &dev->events[dev->nr_events]);
		if (err)
			break;
	}
	notify = virtqueue_kick_prepare(dev->ev);
	spin_unlock_irq(&dev->vq_lock);
	if (notify)
		virtqueue_notify(dev->ev);
	return dev->nr_events ? 0 : err;
}

static void vcuda_event_wake(struct vcuda_client *client, const struct virtio_cuda_event *event)
{
	unsigned int word, bit;

	for (word = 0; word < ARRAY_SIZE(event->slots); word++) {
		u64 mask = le64_to_cpu(event->slots[word]);

		while (mask) {
			bit = __ffs64(mask);
			mask &= mask - 1;
			if (!word && !bit) {
				set_bit(VCUDA_CLIENT_UPCALL, &client->flags);
				wake_up_all(&client->poll_wq);
			}
			atomic64_inc(&client->wakes);
			wake_up_all(&client->slots[word * 64 + bit]);
		}
	}
}

/* Acts on a copy of an event. One of an unknown client or epoch is late, not wrong. */
static void vcuda_event_deliver(struct vcuda_device *dev, const struct virtio_cuda_event *event)
{
	struct vcuda_client *client;

	BUILD_BUG_ON(sizeof(event->slots) * BITS_PER_BYTE != VCUDA_SLOTS);
	if (le64_to_cpu(event->epoch) != dev->epoch)
		return;
	trace_vcuda_event(le32_to_cpu(event->type), le32_to_cpu(event->client),
			  le64_to_cpu(event->slots[0]), le64_to_cpu(event->slots[1]));
	client = vcuda_client_find(dev, le32_to_cpu(event->client));
	if (!client)
		return;
	switch (le32_to_cpu(event->type)) {
	case VIRTIO_CUDA_EV_WAKE:
		vcuda_event_wake(client, event);
		break;
	case VIRTIO_CUDA_EV_DEAD:
		vcuda_client_kill(client);
		break;
	default:
		vcuda_device_die(dev, "sent an event of an unknown type");
	}
	vcuda_client_put(client);
}

/**
 * enum vcuda_event_found - What a look at eventq gave
 * @VCUDA_EVENT_NONE:	nothing, and callbacks are on (or the queue is broken)
 * @VCUDA_EVENT_BAD:	an event that is not delivered; the device is dead
 * @VCUDA_EVENT_GOOD:	an event
 */
enum vcuda_event_found {
	VCUDA_EVENT_NONE,
	VCUDA_EVENT_BAD,
	VCUDA_EVENT_GOOD,
};

/* Copies one event out and posts its buffer again. */
static enum vcuda_event_found vcuda_event_next(struct vcuda_device *dev,
					       struct virtio_cuda_event *ret_event)
{
	enum vcuda_event_found found = VCUDA_EVENT_NONE;
	struct virtio_cuda_event *event = NULL;
	struct virtqueue *vq;
	unsigned long irqs;
	u32 used = 0;

	spin_lock_irqsave(&dev->vq_lock, irqs);
	vq = dev->ev;
	if (vq) {
		do {
			event = virtqueue_get_buf(vq, &used);
		} while (!event && !virtqueue_is_broken(vq) && !virtqueue_enable_cb(vq));
	}
	if (event) {
		found = used == sizeof(*event) ? VCUDA_EVENT_GOOD : VCUDA_EVENT_BAD;
		*ret_event = *event;
		if (found == VCUDA_EVENT_BAD)
			vcuda_device_die_locked(dev, "sent an event of a wrong length");
		if (vcuda_event_post(dev, event))
			vcuda_device_die_locked(dev, "broke its event queue");
	}
	spin_unlock_irqrestore(&dev->vq_lock, irqs);
	return found;
}

/*
 * Delivers up to a ring's worth of events.
 *
 * Return: true if there are none left.
 */
static bool vcuda_event_drain(struct vcuda_device *dev)
{
	enum vcuda_event_found found = VCUDA_EVENT_BAD;
	struct virtio_cuda_event event;
	struct virtqueue *vq = NULL;
	unsigned int budget;
	unsigned long irqs;

	for (budget = VIRTIO_CUDA_VQ_SIZE; budget && found; budget--) {
		found = vcuda_event_next(dev, &event);
		if (found == VCUDA_EVENT_GOOD)
			vcuda_event_deliver(dev, &event);
	}
	spin_lock_irqsave(&dev->vq_lock, irqs);
	if (dev->ev && virtqueue_kick_prepare(dev->ev))
		vq = dev->ev;
	spin_unlock_irqrestore(&dev->vq_lock, irqs);
	if (vq)
		virtqueue_notify(vq);
	return !found;
}

/* Interrupt of eventq. */
void vcuda_event_irq(struct virtqueue *vq)
{
	struct vcuda_device *dev = vq->vdev->priv;

	atomic64_inc(&dev->interrupts);
	virtqueue_disable_cb(vq);
	if (!vcuda_event_drain(dev))
		queue_work(vcuda_wq, &dev->event_work);
}

/* Goes on where an interrupt stopped. */
void vcuda_event_work(struct work_struct *work)
{
	struct vcuda_device *dev = container_of(work, struct vcuda_device, event_work);
	bool done;

	rcu_read_lock();
	done = vcuda_event_drain(dev);
	rcu_read_unlock();
	if (!done)
		queue_work(vcuda_wq, &dev->event_work);
}
