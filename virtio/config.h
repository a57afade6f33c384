/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device configuration space with its generation (virtio 1.3, 2.5).
 */
#ifndef VIRTIO_CONFIG_H
#define VIRTIO_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#define VQ_CONFIG_MAX 256 /* what vhost-user front ends can carry */

/**
 * struct vq_config - Configuration space
 * @data:	contents, little endian fields of the device type
 * @size:	bytes of @data that exist
 * @generation:	changes with each vq_config_update(): a driver that reads more
 *		than one field reads it before and after
 * @write_off:	first byte the driver may write
 * @write_len:	bytes it may write, 0 for none
 */
struct vq_config {
	uint8_t data[VQ_CONFIG_MAX];
	uint32_t size;
	uint32_t generation;
	uint32_t write_off;
	uint32_t write_len;
};

int vq_config_init(struct vq_config *c, const void *data, size_t size);
int vq_config_read(const struct vq_config *c, uint32_t off, void *buf, uint32_t len);
int vq_config_write(struct vq_config *c, uint32_t off, const void *buf, uint32_t len);
int vq_config_update(struct vq_config *c, uint32_t off, const void *buf, uint32_t len);

#endif
