// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a device: queues and HELLO, death, reset, the gate.
 *
 * Theory of operation: life_lock makes start, stop and reset one at a time.
 * A device dies when it leaves PINGs unanswered while a call waits, when its
 * queue breaks, or when it breaks the rules. From that moment nothing is
 * posted and every wait ends; life_work then resets it, which is what frees
 * the pages it had been granted, sets up new queues and says HELLO, and tries
 * again every vcuda_retry_period(). No message ever goes onto the old queues.
 */
#include <linux/idr.h>
#include <linux/slab.h>
#include <linux/virtio_ring.h>

#include "vcuda.h"

static DEFINE_IDA(vcuda_numbers);

/**
 * vcuda_enter() - Pass the gate that remove() shuts
 * @dev:	device, referenced
 * @ret_idx:	for vcuda_exit()
 *
 * Context: Process. May sleep inside; what sleeps there ends when the device
 * is gone.
 * Return: false where the device has been removed.
 */
bool vcuda_enter(struct vcuda_device *dev, int *ret_idx)
{
	int idx = srcu_read_lock(&dev->srcu);

	if (READ_ONCE(dev->gone)) {
		srcu_read_unlock(&dev->srcu, idx);
		return false;
	}
	*ret_idx = idx;
	/* For sparse, which knows no conditional lock: balanced here. */
	__release(&dev->srcu);
	return true;
}

/**
 * vcuda_exit() - Leave what vcuda_enter() entered
 * @dev:	device
 * @idx:	from vcuda_enter()
 */
void vcuda_exit(struct vcuda_device *dev, int idx)
{
	__acquire(&dev->srcu);
	srcu_read_unlock(&dev->srcu, idx);
}

/**
 * vcuda_watch_get() - A call begins to wait for the device
 * @dev:	device
 *
 * Context: Any.
 */
void vcuda_watch_get(struct vcuda_device *dev)
{
	if (atomic_inc_return(&dev->watched) == 1)
		queue_delayed_work(vcuda_wq, &dev->watch_work, HZ);
}

/**
 * vcuda_watch_put() - A call has ended its wait
 * @dev:	device
 *
 * Context: Any.
 */
void vcuda_watch_put(struct vcuda_device *dev)
{
	atomic_dec(&dev->watched);
}

/*
 * Once a second while a call waits. Ticks are counted, not time: a guest that
 * was paused comes back to one late tick, not to a dead device.
 */
static void vcuda_watch_work(struct work_struct *work)
{
	struct vcuda_device *dev = container_of(to_delayed_work(work), struct vcuda_device,
						watch_work);
	bool out, broken;

	spin_lock_irq(&dev->vq_lock);
	if (dev->state != VCUDA_LIVE || !atomic_read(&dev->watched)) {
		dev->ping_missed = 0;
		spin_unlock_irq(&dev->vq_lock);
		return;
	}
	broken = virtqueue_is_broken(dev->ctl) || virtqueue_is_broken(dev->ev);
	out = dev->ping->state == VCUDA_MSG_QUEUED || dev->ping->state == VCUDA_MSG_POSTED;
	dev->ping_missed = out ? dev->ping_missed + 1 : 0;
	if (broken)
		vcuda_device_die_locked(dev, "broke a queue");
	else if (dev->ping_missed >= vcuda_patience())
		vcuda_device_die_locked(dev, "does not answer");
	if (!out)
		vcuda_msg_rearm(dev->ping);
	spin_unlock_irq(&dev->vq_lock);
	if (!out)
		vcuda_msg_submit(dev->ping);
	queue_delayed_work(vcuda_wq, &dev->watch_work, HZ);
}

/**
 * vcuda_device_die_locked() - Stop believing in the device; vq_lock is held
 * @dev:	device
 * @why:	for the log: "the device <why>"
 *
 * Context: Any.
 */
void vcuda_device_die_locked(struct vcuda_device *dev, const char *why)
{
	unsigned long now = jiffies, next = dev->reset_at + vcuda_retry_period();

	if (dev->state != VCUDA_LIVE)
		return;
	dev->state = VCUDA_DEAD;
	dev_err_ratelimited(&dev->vdev->dev, "the device %s; resetting it\n", why);
	mod_delayed_work(vcuda_wq, &dev->life_work, time_before(now, next) ? next - now : 0);
	/* What waits must not wait for the reset. */
	queue_work(vcuda_wq, &dev->death_work);
}

/**
 * vcuda_device_die() - Stop believing in the device
 * @dev:	device
 * @why:	for the log: "the device <why>"
 *
 * Context: Any.
 */
void vcuda_device_die(struct vcuda_device *dev, const char *why)
{
	unsigned long irqs;

	spin_lock_irqsave(&dev->vq_lock, irqs);
	vcuda_device_die_locked(dev, why);
	spin_unlock_irqrestore(&dev->vq_lock, irqs);
}

static void vcuda_death_work(struct work_struct *work)
{
	struct vcuda_device *dev = container_of(work, struct vcuda_device, death_work);

	if (vcuda_device_live(dev))
		return;
	vcuda_client_kill_all(dev);
	vcuda_control_release_waiters(dev);
}

/* Copies what HELLO said; life_lock held. */
static int vcuda_hello_judge(struct vcuda_device *dev)
{
	struct virtio_cuda_hello_resp resp;
	u32 max_clients, max_copy, max_runs, max_chains;
	u16 shift;

	memcpy(&resp, vcuda_msg_answer(dev->hello), sizeof(resp));
	if (le16_to_cpu(resp.version) != VIRTIO_CUDA_VERSION)
		return -EPROTONOSUPPORT;
	shift = le16_to_cpu(resp.granule_shift);
	max_clients = le32_to_cpu(resp.max_clients);
	max_copy = le32_to_cpu(resp.max_copy);
	max_runs = le32_to_cpu(resp.max_region_runs);
	max_chains = le32_to_cpu(resp.max_chains);
	if (shift > PAGE_SHIFT + VCUDA_TOP_ORDER || !max_clients || max_copy < PAGE_SIZE ||
	    !max_runs)
		return -EPROTO;
	dev->wire_version = VIRTIO_CUDA_VERSION;
	dev->granule_shift = max_t(u16, shift, PAGE_SHIFT);
	dev->max_clients = min_t(u32, max_clients, VIRTIO_CUDA_MAX_CLIENTS - 1);
	dev->max_copy = min_t(u32, max_copy, VIRTIO_CUDA_MAX_COPY) & PAGE_MASK;
	dev->max_region_runs = min_t(u32, max_runs, VIRTIO_CUDA_MAX_REGION_RUNS);
	dev->max_chains = max_chains ? min_t(u32, max_chains, VIRTIO_CUDA_MAX_CHAINS)
				     : VIRTIO_CUDA_MAX_CHAINS;
	dev->abilities = le64_to_cpu(resp.abilities);
	dev->window_size = le64_to_cpu(resp.window_size);
	dev->epoch = le64_to_cpu(dev->hello->resp->epoch);
	return 0;
}

static int vcuda_device_hello(struct vcuda_device *dev)
{
	struct virtio_cuda_hello *body = vcuda_msg_body(dev->hello);
	int err;

	vcuda_msg_rearm(dev->hello);
	body->version_min = cpu_to_le16(VIRTIO_CUDA_VERSION);
	body->version_max = cpu_to_le16(VIRTIO_CUDA_VERSION);
	body->page_size = cpu_to_le32(PAGE_SIZE);
	body->doorbell_addr = cpu_to_le64(virt_to_phys(dev->bells));
	err = vcuda_msg_submit(dev->hello);
	if (err)
		return err;
	if (!wait_for_completion_timeout(&dev->hello->done, vcuda_patience() * HZ))
		return -ETIMEDOUT;
	if (dev->hello->err)
		return dev->hello->err;
	return vcuda_hello_judge(dev);
}

static int vcuda_device_find_queues(struct vcuda_device *dev)
{
	static vq_callback_t *const callbacks[] = { vcuda_control_irq, vcuda_event_irq };
	static const char *const names[] = { "control", "event" };
	struct virtqueue *vqs[VIRTIO_CUDA_NUM_VQS];
	unsigned int size;
	int err = vcuda_find_two_vqs(dev->vdev, vqs, callbacks, names);

	if (err)
		return err;
	size = virtqueue_get_vring_size(vqs[VIRTIO_CUDA_VQ_CONTROL]);
	if (size < VCUDA_MIN_RING) {
		dev_err(&dev->vdev->dev, "queue of %u entries, need %u\n", size, VCUDA_MIN_RING);
		dev->vdev->config->del_vqs(dev->vdev);
		return -ENODEV;
	}
	spin_lock_irq(&dev->vq_lock);
	dev->ctl = vqs[VIRTIO_CUDA_VQ_CONTROL];
	dev->ev = vqs[VIRTIO_CUDA_VQ_EVENT];
	dev->ring_size = size;
	dev->indirect = virtio_has_feature(dev->vdev, VIRTIO_RING_F_INDIRECT_DESC);
	dev->max_segs = dev->indirect ? min_t(unsigned int, VIRTIO_CUDA_MAX_COPY_SEGS, size - 2) :
					VCUDA_DIRECT_SEGS;
	dev->irq_on = true;
	dev->state = VCUDA_STARTING;
	spin_unlock_irq(&dev->vq_lock);
	return 0;
}

/**
 * vcuda_device_start() - Set up queues and say HELLO
 * @dev:	reset and negotiated; life_lock held
 *
 * Context: Process.
 * Return: 0 and the device lives; or -errno and it is dead, to be stopped by
 * the caller or retried by vcuda_device_retry().
 */
int vcuda_device_start(struct vcuda_device *dev)
{
	int err = vcuda_device_find_queues(dev);

	if (!err) {
		virtio_device_ready(dev->vdev);
		err = vcuda_event_fill(dev);
	}
	if (!err)
		err = vcuda_device_hello(dev);
	spin_lock_irq(&dev->vq_lock);
	if (!err)
		dev->state = VCUDA_LIVE;
	else
		dev->state = VCUDA_DEAD;
	spin_unlock_irq(&dev->vq_lock);
	return err;
}

/**
 * vcuda_device_stop() - Reset the device and take back what it had
 * @dev:	device in any state; life_lock held
 * @state:	what it is from now on; not LIVE
 *
 * After the reset the device owns no page of ours: every message ends, and
 * the graveyard is emptied without asking.
 *
 * Context: Process. Needs no answer of the device.
 */
void vcuda_device_stop(struct vcuda_device *dev, enum vcuda_state state)
{
	LIST_HEAD(msgs);
	bool had;

	spin_lock_irq(&dev->vq_lock);
	dev->state = state;
	had = dev->ctl;
	spin_unlock_irq(&dev->vq_lock);
	vcuda_client_kill_all(dev);
	if (had) {
		virtio_reset_device(dev->vdev);
		vcuda_control_collect(dev, &msgs);
		/* Whoever still notifies or handles an interrupt ends here. */
		synchronize_rcu();
		cancel_work_sync(&dev->event_work);
		dev->vdev->config->del_vqs(dev->vdev);
	}
	dev->reset_at = jiffies;
	vcuda_control_abort(dev, &msgs);
	queue_work(vcuda_wq, &dev->bury_work);
}

/*
 * Brings a device that was reset to FEATURES_OK again. The core does this for
 * probe and restore only. A daemon that came back may offer less than before.
 */
static int vcuda_device_negotiate(struct vcuda_device *dev)
{
	const u64 transport = GENMASK_ULL(VIRTIO_TRANSPORT_F_END - 1, VIRTIO_TRANSPORT_F_START) &
			      ~BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);
	struct virtio_device *vdev = dev->vdev;
	u64 offered = vdev->config->get_features(vdev);
	int err;

	/* As at probe: what is the transport's own is the transport's to decline. */
	vdev->features = (vdev->features & offered) | (offered & transport);
	if (!(vdev->features & BIT_ULL(VIRTIO_F_VERSION_1)))
		return -ENODEV;
	virtio_add_status(vdev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_add_status(vdev, VIRTIO_CONFIG_S_DRIVER);
	err = vdev->config->finalize_features(vdev);
	if (err)
		return err;
	virtio_add_status(vdev, VIRTIO_CONFIG_S_FEATURES_OK);
	if (!(vdev->config->get_status(vdev) & VIRTIO_CONFIG_S_FEATURES_OK))
		return -ENODEV;
	return 0;
}

/**
 * vcuda_device_retry() - Reset a dead device and try again, later
 * @dev:	dead
 *
 * Context: Any.
 */
void vcuda_device_retry(struct vcuda_device *dev)
{
	queue_delayed_work(vcuda_wq, &dev->life_work, vcuda_retry_period());
}

/* Resets a dead device and tries to bring it back. */
static void vcuda_life_work(struct work_struct *work)
{
	struct vcuda_device *dev = container_of(to_delayed_work(work), struct vcuda_device,
						life_work);
	int err;

	mutex_lock(&dev->life_lock);
	if (READ_ONCE(dev->state) != VCUDA_DEAD) {
		mutex_unlock(&dev->life_lock);
		return;
	}
	vcuda_device_stop(dev, VCUDA_DEAD);
	virtio_reset_device(dev->vdev);
	err = vcuda_device_negotiate(dev);
	if (!err)
		err = vcuda_device_start(dev);
	if (!err)
		dev_info(&dev->vdev->dev, "the device is back\n");
	else
		vcuda_device_retry(dev);
	mutex_unlock(&dev->life_lock);
}

/**
 * vcuda_device_free_number() - Let the next device have this one's name
 * @dev:	without a node: the structure may live on with its open files
 *
 * Context: Process.
 */
void vcuda_device_free_number(struct vcuda_device *dev)
{
	if (dev->number >= 0)
		ida_free(&vcuda_numbers, dev->number);
	dev->number = -1;
}

static void vcuda_device_free_work(struct work_struct *work)
{
	struct vcuda_device *dev = container_of(work, struct vcuda_device, free_work);

	cancel_work_sync(&dev->bury_work);
	cancel_work_sync(&dev->reap_work);
	cancel_work_sync(&dev->event_work);
	cancel_work_sync(&dev->death_work);
	vcuda_msg_put(dev->hello);
	vcuda_msg_put(dev->ping);
	vcuda_msg_put(dev->bell);
	free_page((unsigned long)dev->bells);
	kfree(dev->events);
	kfree(dev->misc.name);
	vcuda_device_free_number(dev);
	xa_destroy(&dev->clients);
	cleanup_srcu_struct(&dev->srcu);
	kfree(dev);
}

static void vcuda_device_release(struct kref *ref)
{
	struct vcuda_device *dev = container_of(ref, struct vcuda_device, ref);

	/* A work of the device's own may have dropped the last reference. */
	queue_work(vcuda_wq, &dev->free_work);
}

/**
 * vcuda_device_put() - Drop a reference
 * @dev:	device
 *
 * Context: Any.
 */
void vcuda_device_put(struct vcuda_device *dev)
{
	kref_put(&dev->ref, vcuda_device_release);
}

static void vcuda_device_init(struct vcuda_device *dev)
{
	kref_init(&dev->ref);
	dev->number = -1;
	mutex_init(&dev->life_lock);
	mutex_init(&dev->files_lock);
	spin_lock_init(&dev->vq_lock);
	spin_lock_init(&dev->grave_lock);
	init_waitqueue_head(&dev->grave_wq);
	INIT_LIST_HEAD(&dev->now);
	INIT_LIST_HEAD(&dev->slow);
	INIT_LIST_HEAD(&dev->copiers);
	INIT_LIST_HEAD(&dev->full);
	INIT_LIST_HEAD(&dev->posted);
	INIT_LIST_HEAD(&dev->files);
	INIT_LIST_HEAD(&dev->graveyard);
	init_llist_head(&dev->reap);
	xa_init_flags(&dev->clients, XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_IRQ);
	INIT_DELAYED_WORK(&dev->life_work, vcuda_life_work);
	INIT_DELAYED_WORK(&dev->watch_work, vcuda_watch_work);
	INIT_DELAYED_WORK(&dev->pump_work, vcuda_pump_work);
	INIT_WORK(&dev->death_work, vcuda_death_work);
	INIT_WORK(&dev->event_work, vcuda_event_work);
	INIT_WORK(&dev->bury_work, vcuda_bury_work);
	INIT_WORK(&dev->reap_work, vcuda_reap_work);
	INIT_WORK(&dev->free_work, vcuda_device_free_work);
	dev->reset_at = jiffies - vcuda_retry_period();
}

static int vcuda_device_alloc_parts(struct vcuda_device *dev)
{
	dev->hello = vcuda_msg_create(dev, VIRTIO_CUDA_HELLO, sizeof(struct virtio_cuda_hello),
				      sizeof(struct virtio_cuda_hello_resp));
	dev->ping = vcuda_msg_create(dev, VIRTIO_CUDA_PING, 0, 0);
	dev->bell = vcuda_msg_create(dev, VIRTIO_CUDA_DOORBELL, 0, 0);
	dev->bells = (void *)get_zeroed_page(GFP_KERNEL);
	dev->events = kcalloc(VIRTIO_CUDA_VQ_SIZE, sizeof(*dev->events), GFP_KERNEL);
	dev->number = ida_alloc(&vcuda_numbers, GFP_KERNEL);
	if (!dev->hello || !dev->ping || !dev->bell || !dev->bells || !dev->events ||
	    dev->number < 0)
		return -ENOMEM;
	dev->misc.name = kasprintf(GFP_KERNEL, "vcuda%d", dev->number);
	return dev->misc.name ? 0 : -ENOMEM;
}

/**
 * vcuda_device_create() - Make the driver's side of a device
 * @vdev:	found by the bus
 *
 * Context: Process.
 * Return: device with one reference, STOPPED; or an ERR_PTR().
 */
struct vcuda_device *vcuda_device_create(struct virtio_device *vdev)
{
	struct vcuda_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int err;

	if (!dev)
		return ERR_PTR(-ENOMEM);
	err = init_srcu_struct(&dev->srcu);
	if (err) {
		kfree(dev);
		return ERR_PTR(err);
	}
	vcuda_device_init(dev);
	dev->vdev = vdev;
	err = vcuda_device_alloc_parts(dev);
	if (err) {
		vcuda_device_put(dev);
		return ERR_PTR(err);
	}
	return dev;
}
