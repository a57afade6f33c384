/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feature bits that belong to no device type: their names, and which of them
 * this layer keeps the promise of.
 */
#include "virtio/feature.h"

#include <stddef.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "virtio/queue.h"

#include "cw/util.h"

#define FIRST 24 /* below are the device's own, and again from 50 on */

static const struct {
	const char *name;
	bool kept;
} features[] = {
	[VIRTIO_F_NOTIFY_ON_EMPTY - FIRST] = {"NOTIFY_ON_EMPTY", false},
	[VIRTIO_F_ANY_LAYOUT - FIRST] = {"ANY_LAYOUT", true},
	[VIRTIO_RING_F_INDIRECT_DESC - FIRST] = {"INDIRECT_DESC", true},
	[VIRTIO_RING_F_EVENT_IDX - FIRST] = {"EVENT_IDX", true},
	[30 - FIRST] = {"PROTOCOL_FEATURES", true}, /* vhost-user's */
	[VIRTIO_F_VERSION_1 - FIRST] = {"VERSION_1", true},
	[VIRTIO_F_ACCESS_PLATFORM - FIRST] = {"ACCESS_PLATFORM", false},
	[VIRTIO_F_RING_PACKED - FIRST] = {"RING_PACKED", true},
	[VIRTIO_F_IN_ORDER - FIRST] = {"IN_ORDER", true},
	[VIRTIO_F_ORDER_PLATFORM - FIRST] = {"ORDER_PLATFORM", true},
	[VIRTIO_F_SR_IOV - FIRST] = {"SR_IOV", false},
	[VQ_F_NOTIFICATION_DATA - FIRST] = {"NOTIFICATION_DATA", true},
	[39 - FIRST] = {"NOTIF_CONFIG_DATA", false},
	[VIRTIO_F_RING_RESET - FIRST] = {"RING_RESET", true},
	[41 - FIRST] = {"ADMIN_VQ", false},
	[43 - FIRST] = {"SUSPEND", false},
};

/**
 * vq_feature_name() - Name of a feature that belongs to no device type
 * @bit:	feature number
 *
 * Return: the specification's name without its prefix, NULL where it has none.
 */
const char *vq_feature_name(unsigned int bit)
{
	return bit >= FIRST && bit - FIRST < CW_ARRAY_SIZE(features) ? features[bit - FIRST].name :
								       NULL;
}

/**
 * vq_feature_refused() - What a device may not offer over this layer
 * @offered:	features to be offered
 *
 * Return: the name of the first such feature, NULL where there is none.
 */
const char *vq_feature_refused(uint64_t offered)
{
	for (unsigned int i = 0; i < CW_ARRAY_SIZE(features); i++)
		if (offered & (1ULL << (i + FIRST)) && !features[i].kept)
			return features[i].name ? features[i].name : "a reserved feature";
	return NULL;
}
