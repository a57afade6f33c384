/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device configuration space.
 */
#include "virtio/config.h"

#include <errno.h>
#include <string.h>

#include "cw/util.h"

/**
 * vq_config_init() - Set up a configuration space that the driver can't write
 * @c:		space
 * @data:	contents
 * @size:	bytes, at most VQ_CONFIG_MAX
 *
 * Return: 0, or -EINVAL where it is too large.
 */
int vq_config_init(struct vq_config *c, const void *data, size_t size)
{
	if (size > VQ_CONFIG_MAX)
		return -EINVAL;
	memset(c, 0, sizeof(*c));
	memcpy(c->data, data, size);
	c->size = size;
	return 0;
}

/**
 * vq_config_read() - Read as the driver does
 * @c:		space
 * @off:	first byte, untrusted
 * @buf:	destination; bytes that do not exist read as 0
 * @len:	bytes of @buf
 *
 * Return: 0, or -ERANGE where part of the range does not exist.
 */
int vq_config_read(const struct vq_config *c, uint32_t off, void *buf, uint32_t len)
{
	uint32_t have = off < c->size ? cw_min(len, c->size - off) : 0;

	memset(buf, 0, len);
	if (have)
		memcpy(buf, c->data + off, have);
	return have == len ? 0 : -ERANGE;
}

/**
 * vq_config_write() - Write as the driver does
 * @c:		space
 * @off:	first byte, untrusted
 * @buf:	source
 * @len:	bytes
 *
 * Return: 0, or -EPERM where part of the range is not for the driver; then
 * nothing is written.
 */
int vq_config_write(struct vq_config *c, uint32_t off, const void *buf, uint32_t len)
{
	if (off < c->write_off || !cw_range_ok(off - c->write_off, len, c->write_len) ||
	    !cw_range_ok(off, len, c->size))
		return -EPERM;
	memcpy(c->data + off, buf, len);
	return 0;
}

/**
 * vq_config_update() - Change the space from the device's side
 * @c:		space; its generation moves on
 * @off:	first byte
 * @buf:	source
 * @len:	bytes
 *
 * The caller sends a configuration change notification.
 *
 * Return: 0, or -ERANGE where the range does not exist.
 */
int vq_config_update(struct vq_config *c, uint32_t off, const void *buf, uint32_t len)
{
	if (!cw_range_ok(off, len, c->size))
		return -ERANGE;
	memcpy(c->data + off, buf, len);
	c->generation++;
	return 0;
}
