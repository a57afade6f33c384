// SPDX-License-Identifier: GPL-2.0-only
/*
 * controlq: requests and their answers.
 *
 * Theory of operation: a message is submitted into the queue of its class,
 * and vcuda_pump() moves messages from there to the virtqueue as far as the
 * rules allow: copies leave VCUDA_KEEP_SLOTS descriptors free and take turns
 * by client, slow messages are at most VIRTIO_CUDA_MAX_WAITING, and two
 * descriptors are always left for the doorbell. The pump runs after each
 * submission and after each drain of the used ring, so nothing polls.
 *
 * A message has one reference of its creator and one of the queue. Whoever
 * drops the last one frees it: usually the caller who waited; after a kill
 * the reaper, once the device has given the message back. Pages that travel
 * with a message are freed with it and so never before.
 *
 * What the device writes is judged in one place, vcuda_msg_judge(). A wrong
 * answer is no acknowledgement: the message ends with -EIO, the device is
 * declared dead, and what it was granted stays granted until the reset.
 */
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "vcuda.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* What an answer's status means to the caller. */
static const int vcuda_status_errno[] = {
	[VIRTIO_CUDA_OK] = 0,
	[VIRTIO_CUDA_ERR_UNSPEC] = -EIO,
	[VIRTIO_CUDA_ERR_MALFORMED] = -EPROTO,
	[VIRTIO_CUDA_ERR_STALE] = -EIO,
	[VIRTIO_CUDA_ERR_NO_CLIENT] = -EIO,
	[VIRTIO_CUDA_ERR_BUSY] = -EBUSY,
	[VIRTIO_CUDA_ERR_ADDRESS] = -EADDRINUSE,
	[VIRTIO_CUDA_ERR_LIMIT] = -ENOMEM,
	[VIRTIO_CUDA_ERR_VERSION] = -EPROTONOSUPPORT,
	[VIRTIO_CUDA_ERR_WORKER] = -EIO,
	[VIRTIO_CUDA_ERR_RANGE] = -ERANGE,
	[VIRTIO_CUDA_ERR_NO_DEVICE] = -ENXIO,
	[VIRTIO_CUDA_ERR_AGAIN] = -EAGAIN,
};

/**
 * vcuda_msg_init() - Make a message that lies inside another structure
 * @msg:	zeroed
 * @dev:	device
 * @type:	VIRTIO_CUDA_HELLO ...
 * @body:	bytes of body to send
 * @room:	bytes of body expected in an answer that says OK
 *
 * Context: Process. The creator's reference is taken.
 * Return: 0 or -ENOMEM.
 */
int vcuda_msg_init(struct vcuda_msg *msg, struct vcuda_device *dev, u16 type, size_t body,
		   size_t room)
{
	size_t req_len = sizeof(*msg->req) + body;
	size_t resp_len = sizeof(*msg->resp) + room;

	msg->req = kzalloc(ALIGN(req_len, 8) + resp_len, GFP_KERNEL_ACCOUNT);
	if (!msg->req)
		return -ENOMEM;
	msg->resp = (void *)msg->req + ALIGN(req_len, 8);
	msg->req_len = req_len;
	msg->resp_len = resp_len;
	msg->req->type = cpu_to_le16(type);
	msg->dev = dev;
	msg->class = VCUDA_MSG_NOW;
	refcount_set(&msg->ref, 1);
	init_completion(&msg->done);
	INIT_LIST_HEAD(&msg->link);
	return 0;
}

/**
 * vcuda_msg_fini() - Undo vcuda_msg_init(), for a release() of one's own
 * @msg:	without references
 *
 * Context: Process.
 */
void vcuda_msg_fini(struct vcuda_msg *msg)
{
	kfree(msg->req);
	if (msg->client)
		vcuda_client_put(msg->client);
}

static void vcuda_msg_release(struct vcuda_msg *msg)
{
	vcuda_msg_fini(msg);
	kfree(msg);
}

/**
 * vcuda_msg_create() - Make a message
 * @dev:	device
 * @type:	VIRTIO_CUDA_HELLO ...
 * @body:	bytes of body to send
 * @room:	bytes of body expected in an answer that says OK
 *
 * Context: Process.
 * Return: the message, or NULL.
 */
struct vcuda_msg *vcuda_msg_create(struct vcuda_device *dev, u16 type, size_t body, size_t room)
{
	struct vcuda_msg *msg = kzalloc(sizeof(*msg), GFP_KERNEL_ACCOUNT);

	if (!msg)
		return NULL;
	if (vcuda_msg_init(msg, dev, type, body, room)) {
		kfree(msg);
		return NULL;
	}
	msg->release = vcuda_msg_release;
	return msg;
}

/**
 * vcuda_msg_set_client() - Say whose message it is
 * @msg:	idle message without a client
 * @client:	owner; a reference is taken
 * @id:		its id with the device
 *
 * Context: Any.
 */
void vcuda_msg_set_client(struct vcuda_msg *msg, struct vcuda_client *client, u32 id)
{
	vcuda_client_get(client);
	msg->client = client;
	msg->req->client = cpu_to_le32(id);
}

/**
 * vcuda_msg_rearm() - Make an answered message ready for another use
 * @msg:	done or idle; only the creator's reference exists
 *
 * Context: Any.
 */
void vcuda_msg_rearm(struct vcuda_msg *msg)
{
	memset(msg->resp, 0, msg->resp_len);
	reinit_completion(&msg->done);
	msg->err = 0;
	msg->acked = false;
	msg->state = VCUDA_MSG_IDLE;
}

/**
 * vcuda_msg_put() - Drop a reference; frees with the last one
 * @msg:	message or NULL
 *
 * Context: Process.
 */
void vcuda_msg_put(struct vcuda_msg *msg)
{
	if (msg && refcount_dec_and_test(&msg->ref))
		msg->release(msg);
}

/**
 * vcuda_msg_drop() - Drop a reference where nothing may sleep
 * @msg:	message
 *
 * Context: Any. The last reference is freed by dev->reap_work.
 */
void vcuda_msg_drop(struct vcuda_msg *msg)
{
	struct vcuda_device *dev = msg->dev;

	if (!refcount_dec_and_test(&msg->ref))
		return;
	/* msg may be gone once it is in the list; dev is kept by its client. */
	if (llist_add(&msg->reap, &dev->reap))
		queue_work(vcuda_wq, &dev->reap_work);
}

/* Frees what vcuda_msg_drop() left. */
void vcuda_reap_work(struct work_struct *work)
{
	struct vcuda_device *dev = container_of(work, struct vcuda_device, reap_work);
	struct vcuda_msg *msg, *next;

	/* The last client, and the device with it, may go with a message. */
	kref_get(&dev->ref);
	llist_for_each_entry_safe(msg, next, llist_del_all(&dev->reap), reap) {
		msg->release(msg);
		cond_resched();
	}
	vcuda_device_put(dev);
}

static bool vcuda_msg_is_copy(const struct vcuda_msg *msg)
{
	return msg->class == VCUDA_MSG_COPY;
}

/* Messages that count as "a call waits": all with a client. */
static bool vcuda_msg_is_watched(const struct vcuda_msg *msg)
{
	return msg->client;
}

/*
 * Whether an honest answer gives back what was granted. CLOSE and DETACH may
 * find the client or its worker gone, which is as good as success; any other
 * refusal leaves the pages where they are.
 */
static bool vcuda_status_acks(const struct vcuda_msg *msg, u32 status)
{
	u16 type = le16_to_cpu(msg->req->type);

	if (type != VIRTIO_CUDA_CLOSE && type != VIRTIO_CUDA_DETACH)
		return true;
	return status == VIRTIO_CUDA_OK || status == VIRTIO_CUDA_ERR_NO_CLIENT ||
	       status == VIRTIO_CUDA_ERR_WORKER;
}

/*
 * What an answer is worth. 0 or -errno of an honest answer; -EBADMSG for one
 * that breaks the rules. The response is copied once and judged from the copy.
 */
static int vcuda_msg_judge(struct vcuda_device *dev, struct vcuda_msg *msg, u32 used,
			   bool *ret_acks)
{
	u32 room = msg->resp_len + (msg->data_in ? msg->data_len : 0);
	struct virtio_cuda_resp resp;
	u32 status;

	if (used < sizeof(resp) || used > room)
		return -EBADMSG;
	memcpy(&resp, msg->resp, sizeof(resp));
	status = le32_to_cpu(resp.status);
	if (status >= ARRAY_SIZE(vcuda_status_errno))
		return -EBADMSG;
	if (msg == dev->hello)
		return status ? vcuda_status_errno[status] : used < room ? -EBADMSG : 0;
	if (status == VIRTIO_CUDA_ERR_STALE || le64_to_cpu(resp.epoch) != dev->epoch)
		return -EBADMSG;
	if (status == VIRTIO_CUDA_ERR_AGAIN && msg->req->type != cpu_to_le16(VIRTIO_CUDA_OPEN))
		return -EBADMSG;
	*ret_acks = vcuda_status_acks(msg, status);
	if (status == VIRTIO_CUDA_OK &&
	    (used < room || le32_to_cpu(resp.len) != msg->resp_len - sizeof(resp)))
		return -EBADMSG;
	return vcuda_status_errno[status];
}

/* Ends a message that the device or a reset has given back. vq_lock held. */
static void vcuda_msg_finish(struct vcuda_msg *msg, int err, bool acked)
{
	struct vcuda_device *dev = msg->dev;
	struct vcuda_client *client = msg->client;

	if (msg->state == VCUDA_MSG_POSTED) {
		dev->expecting--;
		if (msg->class == VCUDA_MSG_SLOW)
			dev->slow_posted--;
		if (vcuda_msg_is_copy(msg)) {
			/* Out of dev->full, if that is where it was. */
			if (client->nr_posted-- >= dev->max_chains &&
			    !list_empty(&client->copies))
				list_move_tail(&client->copying, &dev->copiers);
		}
	}
	list_del_init(&msg->link);
	msg->err = err;
	msg->acked = acked;
	msg->state = VCUDA_MSG_DONE;
	trace_vcuda_msg_done(msg, err);
	if (vcuda_msg_is_watched(msg))
		vcuda_watch_put(dev);
	if (msg->on_done)
		msg->on_done(msg);
	complete_all(&msg->done);
	vcuda_msg_drop(msg);
}

/* Takes every used buffer off controlq. vq_lock held. */
static void vcuda_control_drain(struct vcuda_device *dev)
{
	struct vcuda_msg *msg;
	u32 used;

	while ((msg = virtqueue_get_buf(dev->ctl, &used))) {
		bool acks = true;
		int err;

		if (msg == dev->bell) {
			msg->state = VCUDA_MSG_IDLE;
			continue;
		}
		err = vcuda_msg_judge(dev, msg, used, &acks);
		if (err == -EBADMSG) {
			vcuda_msg_finish(msg, -EIO, false);
			if (msg != dev->hello)
				vcuda_device_die_locked(dev, "broke the rules in an answer");
			continue;
		}
		/* Before the message ends and may be gone. */
		if (!acks && msg->req->type == cpu_to_le16(VIRTIO_CUDA_CLOSE))
			vcuda_device_die_locked(dev, "refused to end a client");
		vcuda_msg_finish(msg, err, acks);
	}
	if (!dev->expecting && dev->irq_on) {
		virtqueue_disable_cb(dev->ctl);
		dev->irq_on = false;
	}
}

/* Hands a message to the virtqueue, leaving @keep descriptors. vq_lock held. */
static int vcuda_msg_post(struct vcuda_device *dev, struct vcuda_msg *msg, unsigned int keep)
{
	struct scatterlist req, resp, *sgs[4];
	unsigned int need = dev->indirect ? 1 : 2 + msg->nr_data;
	unsigned int out = 0, in = 0;
	int err;

	if (dev->ctl->num_free < need + keep)
		return -ENOSPC;
	msg->req->epoch = msg == dev->hello ? 0 : cpu_to_le64(dev->epoch);
	sg_init_one(&req, msg->req, msg->req_len);
	sgs[out++] = &req;
	if (msg->data && !msg->data_in)
		sgs[out++] = msg->data;
	/* The doorbell has no answer. */
	sg_init_one(&resp, msg->resp, msg->resp_len);
	if (msg != dev->bell)
		sgs[out + in++] = &resp;
	if (msg->data && msg->data_in)
		sgs[out + in++] = msg->data;
	err = virtqueue_add_sgs(dev->ctl, sgs, out, in, msg, GFP_ATOMIC);
	if (err)
		return err;
	trace_vcuda_msg_post(msg);
	msg->state = VCUDA_MSG_POSTED;
	if (msg == dev->bell)
		return 0;
	list_move_tail(&msg->link, &dev->posted);
	dev->expecting++;
	return 0;
}

static int vcuda_pump_now(struct vcuda_device *dev)
{
	struct vcuda_msg *msg;
	int err;

	while ((msg = list_first_entry_or_null(&dev->now, struct vcuda_msg, link))) {
		err = vcuda_msg_post(dev, msg, VCUDA_KEEP_BELL);
		if (err)
			return err;
	}
	while (dev->slow_posted < VIRTIO_CUDA_MAX_WAITING &&
	       (msg = list_first_entry_or_null(&dev->slow, struct vcuda_msg, link))) {
		err = vcuda_msg_post(dev, msg, VCUDA_KEEP_BELL);
		if (err)
			return err;
		dev->slow_posted++;
	}
	return 0;
}

static int vcuda_pump_copies(struct vcuda_device *dev)
{
	struct vcuda_client *client;
	struct vcuda_msg *msg;
	int err;

	while ((client = list_first_entry_or_null(&dev->copiers, struct vcuda_client, copying))) {
		msg = list_first_entry(&client->copies, struct vcuda_msg, link);
		if (client->nr_posted >= dev->max_chains) {
			list_move_tail(&client->copying, &dev->full);
			continue;
		}
		err = vcuda_msg_post(dev, msg, VCUDA_KEEP_SLOTS);
		if (err)
			return err;
		client->nr_posted++;
		if (list_empty(&client->copies))
			list_del_init(&client->copying);
		else
			list_move_tail(&client->copying, &dev->copiers);
	}
	return 0;
}

/*
 * Posts the doorbell buffer where it is owed. It needs one descriptor, which is
 * kept for it; but a chain whose indirect table found no memory may have taken
 * every one there was. Then the return of that chain brings us here again.
 */
static int vcuda_pump_bell(struct vcuda_device *dev)
{
	int err;

	if (!dev->bell_owed || dev->bell->state != VCUDA_MSG_IDLE)
		return 0;
	err = vcuda_msg_post(dev, dev->bell, 0);
	if (!err)
		dev->bell_owed = false;
	return err;
}

/*
 * Posts what may be posted. vq_lock held.
 *
 * Return: true if the device must be notified, after vq_lock is dropped.
 */
static bool vcuda_pump(struct vcuda_device *dev)
{
	int err = vcuda_pump_bell(dev);

	if (!err)
		err = vcuda_pump_now(dev);
	if (!err)
		err = vcuda_pump_copies(dev);
	if (err == -EIO)
		vcuda_device_die_locked(dev, "broke its control queue");
	/* No memory for an indirect table and nothing whose return would pump. */
	if (err && !dev->expecting && dev->state == VCUDA_LIVE)
		queue_delayed_work(vcuda_wq, &dev->pump_work, HZ / 100 + 1);

	/* From here on answers are wanted; whatever came before is drained. */
	while (dev->expecting && !dev->irq_on) {
		dev->irq_on = virtqueue_enable_cb(dev->ctl) || virtqueue_is_broken(dev->ctl);
		if (!dev->irq_on)
			vcuda_control_drain(dev);
	}
	return virtqueue_kick_prepare(dev->ctl);
}

/* Retries what found no memory. */
void vcuda_pump_work(struct work_struct *work)
{
	struct vcuda_device *dev = container_of(to_delayed_work(work), struct vcuda_device,
						pump_work);
	struct virtqueue *vq = NULL;

	rcu_read_lock();
	spin_lock_irq(&dev->vq_lock);
	if (dev->ctl && vcuda_pump(dev))
		vq = dev->ctl;
	spin_unlock_irq(&dev->vq_lock);
	if (vq)
		virtqueue_notify(vq);
	rcu_read_unlock();
}

/* Puts a message into the queue of its class. vq_lock held. */
static void vcuda_msg_enqueue(struct vcuda_device *dev, struct vcuda_msg *msg)
{
	struct vcuda_client *client = msg->client;

	refcount_inc(&msg->ref);
	msg->state = VCUDA_MSG_QUEUED;
	if (vcuda_msg_is_watched(msg))
		vcuda_watch_get(dev);
	switch (msg->class) {
	case VCUDA_MSG_NOW:
		list_add_tail(&msg->link, &dev->now);
		break;
	case VCUDA_MSG_SLOW:
		list_add_tail(&msg->link, &dev->slow);
		break;
	case VCUDA_MSG_COPY:
		list_add_tail(&msg->link, &client->copies);
		if (list_empty(&client->copying))
			list_add_tail(&client->copying, &dev->copiers);
		break;
	}
}

/*
 * Whether the device takes this message now: HELLO while it starts, others
 * once it lives, and never one of a client that the device does not know any
 * more. vq_lock held.
 */
static bool vcuda_msg_welcome(struct vcuda_device *dev, struct vcuda_msg *msg)
{
	if (msg == dev->hello)
		return dev->state == VCUDA_STARTING;
	if (dev->state != VCUDA_LIVE)
		return false;
	return !msg->client || msg->client->generation == dev->generation;
}

/**
 * vcuda_msg_submit() - Give a message to the device, now or when it is its turn
 * @msg:	idle
 *
 * Context: Any but the queues' own callbacks.
 * Return: 0, or -ENODEV where the device takes none; then no reference is held.
 */
int vcuda_msg_submit(struct vcuda_msg *msg)
{
	struct vcuda_device *dev = msg->dev;
	struct virtqueue *vq = NULL;
	unsigned long irqs;
	int err = -ENODEV;

	/* The queue lives until a grace period after dev->ctl is cleared. */
	rcu_read_lock();
	spin_lock_irqsave(&dev->vq_lock, irqs);
	if (vcuda_msg_welcome(dev, msg)) {
		vcuda_msg_enqueue(dev, msg);
		if (vcuda_pump(dev))
			vq = dev->ctl;
		err = 0;
	}
	spin_unlock_irqrestore(&dev->vq_lock, irqs);
	if (vq)
		virtqueue_notify(vq);
	rcu_read_unlock();
	return err;
}

/**
 * vcuda_msg_cancel() - Take a message back that the device has not seen
 * @msg:	submitted
 *
 * Context: Process.
 * Return: true if it was still queued: it is idle now.
 */
bool vcuda_msg_cancel(struct vcuda_msg *msg)
{
	struct vcuda_device *dev = msg->dev;
	bool queued;

	spin_lock_irq(&dev->vq_lock);
	queued = msg->state == VCUDA_MSG_QUEUED;
	if (queued) {
		list_del_init(&msg->link);
		msg->state = VCUDA_MSG_IDLE;
		if (vcuda_msg_is_copy(msg) && list_empty(&msg->client->copies))
			list_del_init(&msg->client->copying);
		if (vcuda_msg_is_watched(msg))
			vcuda_watch_put(dev);
	}
	spin_unlock_irq(&dev->vq_lock);
	if (queued)
		vcuda_msg_put(msg);
	return queued;
}

/**
 * vcuda_msg_wait() - Wait for the answer
 * @msg:	submitted
 *
 * Context: Process; killable.
 * Return: the answer's 0 or -errno; -EIO where the device died; -EINTR where the
 * caller was killed. In the two latter cases the message may still be with the
 * device.
 */
int vcuda_msg_wait(struct vcuda_msg *msg)
{
	struct vcuda_device *dev = msg->dev;
	int err;

	if (wait_for_completion_killable(&msg->done))
		return -EINTR;
	spin_lock_irq(&dev->vq_lock);
	err = msg->state == VCUDA_MSG_DONE ? msg->err : -EIO;
	spin_unlock_irq(&dev->vq_lock);
	return err;
}

/**
 * vcuda_msg_call() - Submit and wait
 * @msg:	idle
 *
 * Context: Process; killable.
 * Return: as vcuda_msg_submit() and vcuda_msg_wait().
 */
int vcuda_msg_call(struct vcuda_msg *msg)
{
	int err = vcuda_msg_submit(msg);

	return err ? err : vcuda_msg_wait(msg);
}

/**
 * vcuda_msg_acked() - Whether the device has given back what it was granted
 * @msg:	any
 *
 * Context: Process.
 * Return: true if the message was never posted, was answered by the rules, or
 * a reset came between.
 */
bool vcuda_msg_acked(struct vcuda_msg *msg)
{
	struct vcuda_device *dev = msg->dev;
	bool acked;

	spin_lock_irq(&dev->vq_lock);
	acked = msg->state == VCUDA_MSG_IDLE || (msg->state == VCUDA_MSG_DONE && msg->acked);
	spin_unlock_irq(&dev->vq_lock);
	return acked;
}

/**
 * vcuda_copies_cancel() - End a client's chains that the device has not seen
 * @client:	a client whose waits end
 *
 * Context: Any but the queues' own callbacks.
 */
void vcuda_copies_cancel(struct vcuda_client *client)
{
	struct vcuda_device *dev = client->dev;
	struct vcuda_msg *msg, *next;
	unsigned long irqs;

	spin_lock_irqsave(&dev->vq_lock, irqs);
	list_for_each_entry_safe(msg, next, &client->copies, link)
		vcuda_msg_finish(msg, -EIO, true);
	list_del_init(&client->copying);
	spin_unlock_irqrestore(&dev->vq_lock, irqs);
}

/**
 * vcuda_bell_ring() - Tell the device that a client's ring has work
 * @client:	an open client
 *
 * The device pushes the doorbell buffer, then scans the bits; we set the bit,
 * then look whether the buffer is back. With a full barrier between the two
 * steps on each side, one of us sees the other.
 *
 * Context: Process.
 * Return: 0, or -EIO where the device is not there.
 */
int vcuda_bell_ring(struct vcuda_client *client)
{
	struct vcuda_device *dev = client->dev;
	struct virtqueue *vq = NULL;
	int err = -EIO;

	set_bit_le(client->id, dev->bells);
	smp_mb();
	rcu_read_lock();
	spin_lock_irq(&dev->vq_lock);
	if (dev->state == VCUDA_LIVE) {
		vcuda_control_drain(dev);
		dev->bell_owed |= dev->bell->state == VCUDA_MSG_IDLE;
		if (vcuda_pump(dev))
			vq = dev->ctl;
		err = dev->state == VCUDA_LIVE ? 0 : -EIO;
	}
	spin_unlock_irq(&dev->vq_lock);
	if (vq)
		virtqueue_notify(vq);
	rcu_read_unlock();
	return err;
}

/* Interrupt of controlq. */
void vcuda_control_irq(struct virtqueue *vq)
{
	struct vcuda_device *dev = vq->vdev->priv;
	unsigned long irqs;
	bool notify = false;

	atomic64_inc(&dev->interrupts);
	spin_lock_irqsave(&dev->vq_lock, irqs);
	if (dev->ctl == vq) {
		do {
			virtqueue_disable_cb(vq);
			dev->irq_on = false;
			vcuda_control_drain(dev);
			if (!dev->expecting || virtqueue_is_broken(vq))
				break;
			dev->irq_on = virtqueue_enable_cb(vq);
		} while (!dev->irq_on);
		notify = vcuda_pump(dev);
	}
	spin_unlock_irqrestore(&dev->vq_lock, irqs);
	if (notify)
		virtqueue_notify(vq);
}

/**
 * vcuda_control_release_waiters() - Wake all who wait for an answer
 * @dev:	a dead device
 *
 * The messages stay with the device; vcuda_msg_wait() sees that and returns
 * -EIO.
 *
 * Context: Process.
 */
void vcuda_control_release_waiters(struct vcuda_device *dev)
{
	struct vcuda_client *client;
	struct vcuda_msg *msg;

	spin_lock_irq(&dev->vq_lock);
	list_for_each_entry(msg, &dev->posted, link)
		complete_all(&msg->done);
	list_for_each_entry(msg, &dev->now, link)
		complete_all(&msg->done);
	list_for_each_entry(msg, &dev->slow, link)
		complete_all(&msg->done);
	list_splice_tail_init(&dev->full, &dev->copiers);
	list_for_each_entry(client, &dev->copiers, copying)
		list_for_each_entry(msg, &client->copies, link)
			complete_all(&msg->done);
	spin_unlock_irq(&dev->vq_lock);
}

/**
 * vcuda_control_collect() - Forget the queue after a reset
 * @dev:	device that has been reset
 * @ret_msgs:	gets every message that was queued or posted
 *
 * Context: Process. The caller waits for a grace period and deletes the
 * virtqueues, then calls vcuda_control_abort().
 */
void vcuda_control_collect(struct vcuda_device *dev, struct list_head *ret_msgs)
{
	struct vcuda_client *client, *next;

	spin_lock_irq(&dev->vq_lock);
	list_splice_tail_init(&dev->posted, ret_msgs);
	list_splice_tail_init(&dev->now, ret_msgs);
	list_splice_tail_init(&dev->slow, ret_msgs);
	list_splice_tail_init(&dev->full, &dev->copiers);
	list_for_each_entry_safe(client, next, &dev->copiers, copying) {
		list_splice_tail_init(&client->copies, ret_msgs);
		list_del_init(&client->copying);
	}
	dev->bell->state = VCUDA_MSG_IDLE;
	dev->bell_owed = false;
	dev->ctl = NULL;
	dev->ev = NULL;
	dev->irq_on = false;
	dev->generation++;
	spin_unlock_irq(&dev->vq_lock);
}

/**
 * vcuda_control_abort() - End the messages of before a reset
 * @dev:	device
 * @msgs:	from vcuda_control_collect()
 *
 * Context: Process.
 */
void vcuda_control_abort(struct vcuda_device *dev, struct list_head *msgs)
{
	struct vcuda_msg *msg;

	spin_lock_irq(&dev->vq_lock);
	while ((msg = list_first_entry_or_null(msgs, struct vcuda_msg, link)))
		vcuda_msg_finish(msg, -EIO, true);
	spin_unlock_irq(&dev->vq_lock);
}
