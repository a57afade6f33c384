/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all devices have in common.
 */
#include "device/device.h"

#include <errno.h>

/**
 * dev_destroy() - Free a device
 * @d:	device whose queues are stopped, or NULL
 */
void dev_destroy(struct dev *d)
{
	if (d)
		d->ops->destroy(d);
}

/**
 * dev_set_features() - The driver chose its features
 * @d:		device without running queues
 * @features:	a subset of what is offered
 */
void dev_set_features(struct dev *d, uint64_t features)
{
	d->features = features & d->offered;
	if (d->ops->features)
		d->ops->features(d);
}

/**
 * dev_config_write() - The driver writes the configuration space
 * @d:		device
 * @off:	first byte, untrusted
 * @buf:	source
 * @len:	bytes
 *
 * Return: 0, or -EPERM where that is not for the driver to write.
 */
int dev_config_write(struct dev *d, uint32_t off, const void *buf, uint32_t len)
{
	int ret = vq_config_write(&d->config, off, buf, len);

	if (!ret && d->ops->config_written)
		d->ops->config_written(d, off, len);
	return ret;
}

/**
 * dev_config_update() - The device changes its configuration space
 * @d:		device
 * @off:	first byte
 * @buf:	source
 * @len:	bytes
 *
 * Return: 0, or -ERANGE.
 */
int dev_config_update(struct dev *d, uint32_t off, const void *buf, uint32_t len)
{
	int ret = vq_config_update(&d->config, off, buf, len);

	if (!ret)
		d->host->config_changed(d);
	return ret;
}

/**
 * dev_queue_start() - A queue runs
 * @d:	device
 * @i:	queue
 * @q:	it
 */
void dev_queue_start(struct dev *d, unsigned int i, struct vq *q)
{
	d->queue[i] = q;
	if (d->ops->queue_started)
		d->ops->queue_started(d, i);
}

/**
 * dev_queue_stop() - A queue is to stop
 * @d:	device
 * @i:	queue
 *
 * Return: 0 when the device has let go of it, -EAGAIN to be called again after
 * the host's proceed().
 */
int dev_queue_stop(struct dev *d, unsigned int i)
{
	if (d->queue[i] && d->ops->queue_stopped && d->ops->queue_stopped(d, i)) {
		d->putting_off = true;
		return -EAGAIN;
	}
	d->queue[i] = NULL;
	return 0;
}

/**
 * dev_queue_kick() - The driver kicked, or may have
 * @d:	device
 * @i:	queue
 */
void dev_queue_kick(struct dev *d, unsigned int i)
{
	if (d->queue[i])
		d->ops->queue_kicked(d, i);
}

/**
 * dev_drain() - Give back every element, since guest memory is to change
 * @d:	device
 *
 * Return: 0, or -EAGAIN to be called again after the host's proceed().
 */
int dev_drain(struct dev *d)
{
	if (d->ops->drain && d->ops->drain(d)) {
		d->putting_off = true;
		return -EAGAIN;
	}
	return 0;
}

/**
 * dev_reset() - Back to the state after power on
 * @d:	device whose queues are stopped
 */
void dev_reset(struct dev *d)
{
	d->features = 0;
	if (d->ops->reset)
		d->ops->reset(d);
}

/**
 * dev_push() - Give an element back
 * @d:		device
 * @i:		queue
 * @e:		element
 * @written:	bytes written to it
 *
 * The driver is signalled by d->host->notify(), once per batch.
 */
void dev_push(struct dev *d, unsigned int i, const struct vq_elem *e, uint32_t written)
{
	if (d->queue[i])
		vq_push(d->queue[i], e, written);
}

/**
 * dev_continue() - What was put off may be possible now
 * @d:	device; call when the last held element was pushed
 */
void dev_continue(struct dev *d)
{
	if (!d->putting_off)
		return;
	d->putting_off = false;
	d->host->proceed(d);
}
