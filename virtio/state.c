/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feature negotiation and device status.
 *
 * Theory of operation: the driver walks ACKNOWLEDGE, DRIVER, FEATURES_OK,
 * DRIVER_OK in that order (virtio 1.3, 3.1.1), may give up with FAILED at any
 * point, and goes back only through 0. A step out of order is refused and
 * leaves everything as it was. FEATURES_OK sticks only where the driver asked
 * for a subset of what is offered and took VERSION_1; the driver reads the
 * status back to learn that. A reset is asked for here and finished by
 * vq_status_reset_done(): the status reads 0 only when nothing of the device
 * runs any more (2.1.2).
 */
#include "virtio/state.h"

#include <errno.h>

#include <linux/virtio_config.h>

#include "cw/util.h"

/**
 * vq_state_init() - A device after power on
 * @s:		state
 * @offered:	features that the device offers
 */
void vq_state_init(struct vq_state *s, uint64_t offered)
{
	*s = (struct vq_state){.offered = offered};
}

/**
 * vq_features_subset() - Whether a driver's choice of features is legal
 * @offered:	features of the device
 * @driver:	features of the driver
 *
 * Return: true if nothing was accepted that was not offered (2.2.1).
 */
bool vq_features_subset(uint64_t offered, uint64_t driver)
{
	return !(driver & ~offered);
}

/**
 * vq_features_read() - What a transport shows as offered
 * @s:		state
 * @word:	0 for bits 0 to 31, 1 for 32 to 63; further words are 0
 *
 * Return: the word.
 */
uint32_t vq_features_read(const struct vq_state *s, unsigned int word)
{
	return word < 2 ? s->offered >> (32 * word) : 0;
}

/**
 * vq_features_write() - The driver says which features it takes
 * @s:		state
 * @word:	0 or 1; others are ignored, since nothing is offered there
 * @value:	bits, untrusted: judged when FEATURES_OK is set
 *
 * Return: 0, or -EPERM after FEATURES_OK or before DRIVER (3.1.1).
 */
int vq_features_write(struct vq_state *s, unsigned int word, uint32_t value)
{
	if (s->resetting || !(s->status & VIRTIO_CONFIG_S_DRIVER) ||
	    s->status & VIRTIO_CONFIG_S_FEATURES_OK)
		return -EPERM;
	if (word < 2) {
		s->driver &= ~(0xffffffffULL << (32 * word));
		s->driver |= (uint64_t)value << (32 * word);
	}
	return 0;
}

static bool state_features_ok(const struct vq_state *s)
{
	/* 6.1: a device that offers VERSION_1 may fail without it, and does. */
	uint64_t v1 = 1ULL << VIRTIO_F_VERSION_1;

	return vq_features_subset(s->offered, s->driver) && (s->driver & v1) == (s->offered & v1);
}

/* Whether the bits @set may be added to @old in one write. */
static bool state_step_ok(uint8_t old, uint8_t set, bool legacy)
{
	static const struct {
		uint8_t bit;
		uint8_t needs;
	} steps[] = {
		{VIRTIO_CONFIG_S_ACKNOWLEDGE, 0},
		{VIRTIO_CONFIG_S_DRIVER, VIRTIO_CONFIG_S_ACKNOWLEDGE},
		/* Each of these is judged on its own: the driver reads it back. */
		{VIRTIO_CONFIG_S_FEATURES_OK, VIRTIO_CONFIG_S_DRIVER},
		{VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_FEATURES_OK},
	};
	uint8_t have = old;

	if (legacy && set & VIRTIO_CONFIG_S_FEATURES_OK)
		return false;
	for (unsigned int i = 0; i < CW_ARRAY_SIZE(steps); i++) {
		uint8_t bit = steps[i].bit, needs = steps[i].needs;

		if (!(set & bit))
			continue;
		if (legacy && bit == VIRTIO_CONFIG_S_DRIVER_OK)
			needs = VIRTIO_CONFIG_S_DRIVER;
		if ((have & needs) != needs)
			return false;
		/* Two of the first steps may share a write, later ones not. */
		if (bit < VIRTIO_CONFIG_S_DRIVER_OK)
			have |= bit;
		set &= ~bit;
	}
	return !(set & ~VIRTIO_CONFIG_S_FAILED);
}

/**
 * vq_status_write() - The driver writes the status register
 * @s:		state
 * @value:	what it wrote, untrusted
 *
 * Return: what follows, VQ_STATUS_* bits, 0 for nothing; -EINVAL where the
 * write is out of order and was ignored. Where FEATURES_OK was asked for and
 * the features don't do, 0 is returned and the bit does not stick.
 */
int vq_status_write(struct vq_state *s, uint8_t value)
{
	uint8_t sticky = s->status & VIRTIO_CONFIG_S_NEEDS_RESET;
	uint8_t old = s->status & ~VIRTIO_CONFIG_S_NEEDS_RESET;
	uint8_t set;
	int what = 0;

	if (!value) {
		s->resetting = true;
		return VQ_STATUS_RESET;
	}
	/* NEEDS_RESET is the device's bit: what the driver writes there is nothing. */
	value &= ~VIRTIO_CONFIG_S_NEEDS_RESET;
	set = value & ~old;
	/* 2.1.1: a bit goes away by reset only. */
	if (s->resetting || (old & ~value) || !state_step_ok(old, set, s->legacy))
		return -EINVAL;
	if (set & VIRTIO_CONFIG_S_FEATURES_OK && !state_features_ok(s)) {
		value &= ~VIRTIO_CONFIG_S_FEATURES_OK;
		set &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	}
	if (set & (s->legacy ? VIRTIO_CONFIG_S_DRIVER_OK : VIRTIO_CONFIG_S_FEATURES_OK))
		what |= VQ_STATUS_FEATURES;
	if (set & VIRTIO_CONFIG_S_DRIVER_OK)
		what |= VQ_STATUS_LIVE;
	if (set & VIRTIO_CONFIG_S_FAILED)
		what |= VQ_STATUS_FAILED;
	s->status = value | sticky;
	return what;
}

/**
 * vq_status_reset_done() - Everything of the device has stopped
 * @s:		state; back to that after power on
 */
void vq_status_reset_done(struct vq_state *s)
{
	bool legacy = s->legacy;

	vq_state_init(s, s->offered);
	s->legacy = legacy;
}

/**
 * vq_status_needs_reset() - The device can't go on
 * @s:		state
 *
 * Return: true if the driver is to get a configuration change notification:
 * it is live and has not been told (2.1.2).
 */
bool vq_status_needs_reset(struct vq_state *s)
{
	bool tell =
		s->status & VIRTIO_CONFIG_S_DRIVER_OK && !(s->status & VIRTIO_CONFIG_S_NEEDS_RESET);

	s->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	return tell;
}

/**
 * vq_features_final() - Whether what the driver wrote is what is negotiated
 * @s:	state
 *
 * Return: true from FEATURES_OK on; for a legacy driver, which says no such
 * thing, from DRIVER on.
 */
bool vq_features_final(const struct vq_state *s)
{
	return s->status & (s->legacy ? VIRTIO_CONFIG_S_DRIVER : VIRTIO_CONFIG_S_FEATURES_OK);
}

/**
 * vq_state_has() - Whether a feature is negotiated
 * @s:		state
 * @bit:	feature number
 *
 * Return: true if so; false for all of them before FEATURES_OK.
 */
bool vq_state_has(const struct vq_state *s, unsigned int bit)
{
	return vq_features_final(s) && s->driver & (1ULL << bit);
}
