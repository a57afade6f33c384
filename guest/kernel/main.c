// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio_cuda: CUDA calls of this guest's programs, run by the host.
 *
 * Theory of operation: the driver moves no calls. A process and its worker on
 * the host share a channel of guest pages; the driver makes that channel
 * (channel.c), wakes either side (wait.c, event.c), moves bulk data (copy.c)
 * and grants pages that both sides see at one address (region.c). Whatever is
 * granted stays granted until the device has given it back (client.c). The
 * device is not trusted to be right: what it writes is checked (control.c),
 * and one that is wrong or silent is reset (device.c).
 *
 * docs/virtio-cuda.md describes the device, include/uapi/linux/vcuda.h the
 * calls, docs/guest-kernel.md what an administrator needs.
 */
#include <linux/cc_platform.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <linux/virtio_ids.h>

#include "vcuda.h"

struct workqueue_struct *vcuda_wq;

static unsigned int alias;
module_param(alias, uint, 0444);
MODULE_PARM_DESC(alias,
		 "take the device under this id too, if config space says it is one (41, 2, 21)");

static unsigned long pin_limit;
module_param(pin_limit, ulong, 0644);
MODULE_PARM_DESC(pin_limit,
		 "MiB of memory a process may register whatever its rlimit (0: half of memory)");

/* Pages of registered memory that a process may pin whatever its rlimit. */
unsigned long vcuda_pin_limit_pages(void)
{
	unsigned long mib = READ_ONCE(pin_limit);

	if (!mib)
		return totalram_pages() / 2;
	return min(mib, ULONG_MAX >> 20) << (20 - PAGE_SHIFT);
}

static unsigned int patience = 5;
module_param(patience, uint, 0644);
MODULE_PARM_DESC(patience, "seconds in which the device has to answer (5)");

static unsigned int retry = 5;
module_param(retry, uint, 0644);
MODULE_PARM_DESC(retry, "seconds at least between two resets of a device that fails (5)");

/* Seconds, as PINGs go out once in each. */
unsigned int vcuda_patience(void)
{
	return clamp(READ_ONCE(patience), 1u, 3600u);
}

/* Jiffies; a reset costs, so not without a pause. */
unsigned long vcuda_retry_period(void)
{
	return max(min(READ_ONCE(retry), 3600u) * HZ, HZ / 10u);
}

static int vcuda_open_file(struct inode *inode, struct file *file)
{
	struct vcuda_device *dev = container_of(file->private_data, struct vcuda_device, misc);
	struct vcuda_client *client;

	/* misc_open() holds off misc_deregister(): dev is still probe's. */
	client = vcuda_client_create(dev, file);
	if (IS_ERR(client))
		return PTR_ERR(client);
	file->private_data = client;
	return nonseekable_open(inode, file);
}

static int vcuda_release_file(struct inode *inode, struct file *file)
{
	vcuda_client_release_file(file->private_data);
	return 0;
}

static const struct file_operations vcuda_fops = {
	.owner = THIS_MODULE,
	.open = vcuda_open_file,
	.release = vcuda_release_file,
	.unlocked_ioctl = vcuda_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcuda_mmap,
	.poll = vcuda_poll,
};

/*
 * Before features are final. An alias belongs to somebody else unless its
 * config space says otherwise; then we leave without a word.
 */
static int vcuda_validate(struct virtio_device *vdev)
{
	struct virtio_cuda_config config;

	virtio_cread_bytes(vdev, 0, &config, sizeof(config));
	if (le32_to_cpu(config.magic) != VIRTIO_CUDA_MAGIC) {
		if (vdev->id.device == VIRTIO_ID_CUDA)
			dev_err(&vdev->dev, "no magic in config space\n");
		return -ENODEV;
	}
	if (le16_to_cpu(config.version) < VIRTIO_CUDA_VERSION) {
		dev_err(&vdev->dev, "wire version %u, need %u\n", le16_to_cpu(config.version),
			VIRTIO_CUDA_VERSION);
		return -ENODEV;
	}
	if (!__virtio_test_bit(vdev, VIRTIO_F_VERSION_1)) {
		dev_err(&vdev->dev, "legacy devices are not supported\n");
		return -ENODEV;
	}
	/* Messages name guest pages; behind an IOMMU they would name nothing. */
	if (__virtio_test_bit(vdev, VIRTIO_F_ACCESS_PLATFORM) ||
	    cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT)) {
		dev_err(&vdev->dev, "ACCESS_PLATFORM and confidential guests are not supported\n");
		return -ENODEV;
	}
	return 0;
}

/* Whether a device that failed to start may still come to itself. */
static bool vcuda_start_may_retry(int err)
{
	return err == -ETIMEDOUT || err == -ENXIO || err == -EIO || err == -EPROTO;
}

static int vcuda_probe_start(struct vcuda_device *dev)
{
	int err;

	mutex_lock(&dev->life_lock);
	err = vcuda_device_start(dev);
	if (err && vcuda_start_may_retry(err)) {
		dev_warn(&dev->vdev->dev, "the device does not say HELLO (%d), trying again\n",
			 err);
		vcuda_device_retry(dev);
		err = 0;
	} else if (err) {
		vcuda_device_stop(dev, VCUDA_GONE);
	}
	mutex_unlock(&dev->life_lock);
	return err;
}

/* Ends all works; nothing starts one any more. */
static void vcuda_device_quiet(struct vcuda_device *dev)
{
	cancel_delayed_work_sync(&dev->life_work);
	cancel_delayed_work_sync(&dev->watch_work);
	cancel_delayed_work_sync(&dev->pump_work);
	cancel_work_sync(&dev->event_work);
	flush_work(&dev->death_work);
	flush_work(&dev->reap_work);
	flush_work(&dev->bury_work);
}

/*
 * Shutdown and kexec: the device must not write to pages of the next kernel.
 * Not driver.shutdown: some kernels have one of the bus, which wins, and
 * others have none.
 */
static int vcuda_reboot(struct notifier_block *nb, unsigned long action, void *unused)
{
	struct vcuda_device *dev = container_of(nb, struct vcuda_device, reboot);

	mutex_lock(&dev->life_lock);
	vcuda_device_stop(dev, VCUDA_STOPPED);
	mutex_unlock(&dev->life_lock);
	return NOTIFY_DONE;
}

static int vcuda_probe(struct virtio_device *vdev)
{
	struct vcuda_device *dev = vcuda_device_create(vdev);
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	vdev->priv = dev;
	err = vcuda_probe_start(dev);
	if (err)
		goto put;
	dev->misc.minor = MISC_DYNAMIC_MINOR;
	dev->misc.fops = &vcuda_fops;
	dev->misc.parent = &vdev->dev;
	dev->misc.mode = 0660;
	dev->reboot.notifier_call = vcuda_reboot;
	err = register_reboot_notifier(&dev->reboot);
	if (err)
		goto stop;
	err = misc_register(&dev->misc);
	if (err)
		goto unregister;
	return 0;
unregister:
	unregister_reboot_notifier(&dev->reboot);
stop:
	mutex_lock(&dev->life_lock);
	vcuda_device_stop(dev, VCUDA_GONE);
	mutex_unlock(&dev->life_lock);
put:
	vcuda_device_quiet(dev);
	vdev->priv = NULL;
	vcuda_device_put(dev);
	return err;
}

/* Takes every mapping away; what touches it next gets SIGBUS. */
static void vcuda_unmap_all(struct vcuda_device *dev)
{
	struct vcuda_client *client;

	mutex_lock(&dev->files_lock);
	list_for_each_entry(client, &dev->files, of_device)
		unmap_mapping_range(client->file->f_mapping, 0, 0, 1);
	mutex_unlock(&dev->files_lock);
}

static void vcuda_remove(struct virtio_device *vdev)
{
	struct vcuda_device *dev = vdev->priv;

	misc_deregister(&dev->misc);
	vcuda_device_free_number(dev);
	unregister_reboot_notifier(&dev->reboot);
	WRITE_ONCE(dev->gone, true);
	mutex_lock(&dev->life_lock);
	vcuda_device_stop(dev, VCUDA_GONE);
	mutex_unlock(&dev->life_lock);
	vcuda_poll_wake_all(dev);
	/* Every wait has ended, so everybody leaves the gate. */
	synchronize_srcu(&dev->srcu);
	vcuda_unmap_all(dev);
	vcuda_device_quiet(dev);
	vdev->priv = NULL;
	vcuda_device_put(dev);
}

#ifdef CONFIG_PM_SLEEP
/* Clients of before stay dead; the device forgets all pages with the reset. */
static int vcuda_freeze(struct virtio_device *vdev)
{
	struct vcuda_device *dev = vdev->priv;

	mutex_lock(&dev->life_lock);
	vcuda_device_stop(dev, VCUDA_STOPPED);
	mutex_unlock(&dev->life_lock);
	return 0;
}

static int vcuda_restore(struct virtio_device *vdev)
{
	struct vcuda_device *dev = vdev->priv;

	mutex_lock(&dev->life_lock);
	if (vcuda_device_start(dev))
		vcuda_device_retry(dev);
	mutex_unlock(&dev->life_lock);
	return 0;
}
#endif

/* The second entry is the alias, where there is one. */
static struct virtio_device_id vcuda_ids[] = {
	{ VIRTIO_ID_CUDA, VIRTIO_DEV_ANY_ID },
	{ 0 },
	{ 0 },
};

static const struct virtio_device_id vcuda_table[] = {
	{ VIRTIO_ID_CUDA, VIRTIO_DEV_ANY_ID },
	{ 0 },
};
MODULE_DEVICE_TABLE(virtio, vcuda_table);

static struct virtio_driver vcuda_driver = {
	.driver.name = KBUILD_MODNAME,
	.driver.owner = THIS_MODULE,
	.id_table = vcuda_ids,
	.validate = vcuda_validate,
	.probe = vcuda_probe,
	.remove = vcuda_remove,
#ifdef CONFIG_PM_SLEEP
	.freeze = vcuda_freeze,
	.restore = vcuda_restore,
#endif
};

static bool vcuda_alias_known(unsigned int id)
{
	/* gpio; block, for tests; signal distribution. */
	return id == 41 || id == 2 || id == 21;
}

static int __init vcuda_init(void)
{
	int err;

	if (alias && !vcuda_alias_known(alias)) {
		pr_err("alias=%u is none of 41, 2, 21\n", alias);
		return -EINVAL;
	}
	if (alias)
		vcuda_ids[1] = (struct virtio_device_id){ alias, VIRTIO_DEV_ANY_ID };
	vcuda_wq = alloc_workqueue("vcuda", WQ_UNBOUND, 0);
	if (!vcuda_wq)
		return -ENOMEM;
	err = register_virtio_driver(&vcuda_driver);
	if (err)
		destroy_workqueue(vcuda_wq);
	return err;
}

static void __exit vcuda_exit_module(void)
{
	unregister_virtio_driver(&vcuda_driver);
	/* Devices and clients are freed by works, owners after these. */
	destroy_workqueue(vcuda_wq);
	vcuda_owner_exit();
}

module_init(vcuda_init);
module_exit(vcuda_exit_module);

MODULE_DESCRIPTION("Virtio CUDA driver");
MODULE_AUTHOR("The Causeway authors");
MODULE_LICENSE("GPL");
