/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each vhost-user message does.
 *
 * Theory of operation: size, number of descriptors, state and negotiated
 * feature were judged by the table in vhost/messages.h; a handler judges the
 * contents. It may be run again for the same message after -EAGAIN, so what it
 * did before is either done or harmless to repeat.
 */
#include "vhost/internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "cw/util.h"

typedef int vu_handler(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply);

static uint64_t offered_features(const struct vu_backend *b)
{
	return b->p.features | 1ULL << VU_F_PROTOCOL_FEATURES;
}

static uint64_t offered_protocol(const struct vu_backend *b)
{
	return VU_BASE_PROTOCOL_FEATURES | b->p.protocol_features;
}

static int reply_u64(struct vu_msg *reply, uint64_t value)
{
	reply->u64 = value;
	reply->hdr.size = sizeof(value);
	return 0;
}

static struct vu_ring *ring_at(struct vu_backend *b, uint64_t index)
{
	return index < b->p.nr_queues ? &b->ring[index] : NULL;
}

static int on_GET_FEATURES(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	return reply_u64(reply, offered_features(b));
}

static int on_SET_FEATURES(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	if (m->u64 & ~offered_features(b))
		return -EINVAL;
	if (m->u64 != b->features && vu_rings_active(b))
		return -EBUSY;
	b->features = m->u64;
	b->negotiated = true;
	for (unsigned int i = 0; i < b->p.nr_queues; i++) {
		/* Without protocol features there is no message to enable. */
		if (!(m->u64 & 1ULL << VU_F_PROTOCOL_FEATURES))
			b->ring[i].enabled = true;
	}
	if (b->p.ops->features)
		b->p.ops->features(b->p.dev, m->u64);
	vu_rings_update(b);
	return 0;
}

static int on_SET_OWNER(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	b->owned = true;
	return 0;
}

/* Deprecated; the specification leaves "disable all rings". */
static int on_RESET_OWNER(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	return vu_rings_stop(b);
}

static int on_SET_MEM_TABLE(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	size_t need = offsetof(struct vu_mem_table, region) +
		      (uint64_t)m->table.n * sizeof(m->table.region[0]);
	int ret;

	if (m->table.n > VU_TABLE_REGIONS || need > m->hdr.size || m->table.n != b->rx.nr_fds)
		return -EINVAL;
	ret = vu_regions_set(b, &m->table, &b->rx);
	if (ret != -EAGAIN)
		vu_rings_update(b);
	return ret;
}

static int on_SET_VRING_NUM(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	struct vu_ring *r = ring_at(b, m->state.index);

	bool packed = b->features & (1ULL << VIRTIO_F_RING_PACKED);

	if (!r || !m->state.num || m->state.num > VU_MAX_QUEUE_SIZE ||
	    (!packed && !cw_is_pow2(m->state.num)))
		return -EINVAL;
	if (r->active)
		return -EBUSY;
	r->num = m->state.num;
	return 0;
}

static int on_SET_VRING_ADDR(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	struct vu_ring *r = ring_at(b, m->addr.index);
	int ret;

	/* The one flag there is asks for a dirty log, which is not offered. */
	if (!r || m->addr.flags || m->addr.desc & (vq_area_align(VQ_AREA_DESC, 0) - 1) ||
	    m->addr.avail & (vq_area_align(VQ_AREA_DRIVER, 0) - 1) ||
	    m->addr.used & (vq_area_align(VQ_AREA_DEVICE, 0) - 1))
		return -EINVAL;
	if (r->active)
		return -EBUSY;
	r->addr = m->addr;
	r->has_addr = true;
	ret = vu_ring_update(r);
	if (ret)
		r->has_addr = false;
	return ret;
}

static int on_SET_VRING_BASE(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	struct vu_ring *r = ring_at(b, m->state.index);

	bool packed = b->features & (1ULL << VIRTIO_F_RING_PACKED);

	if (!r || (!packed && m->state.num > UINT16_MAX))
		return -EINVAL;
	if (r->active)
		return -EBUSY;
	r->base = m->state.num;
	r->has_base = true;
	return 0;
}

static int on_GET_VRING_BASE(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	struct vu_ring *r = ring_at(b, m->state.index);
	int ret;

	if (!r)
		return -EINVAL;
	r->armed = false;
	ret = vu_ring_quiesce(r);
	if (ret)
		return ret;
	reply->state = (struct vu_vring_state){m->state.index, r->base};
	reply->hdr.size = sizeof(reply->state);
	return 0;
}

/*
 * Index and descriptor of a SET_VRING_{KICK,CALL,ERR}: -1 for none. The
 * descriptor is not yet taken out of the message.
 */
static struct vu_ring *ring_and_fd(struct vu_backend *b, const struct vu_msg *m, bool *ret_fd)
{
	bool fd = !(m->u64 & VU_NOFD);

	if (m->u64 & ~(uint64_t)(VU_INDEX_MASK | VU_NOFD) || b->rx.nr_fds != fd)
		return NULL;
	*ret_fd = fd;
	return ring_at(b, m->u64 & VU_INDEX_MASK);
}

static int on_SET_VRING_KICK(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	bool fd;
	struct vu_ring *r = ring_and_fd(b, m, &fd);
	int ret;

	/* No descriptor would mean that we poll the ring: we don't. */
	if (!r || !fd)
		return -EINVAL;
	ret = vu_ring_set_kick(r, vu_rx_take_fd(&b->rx, 0));
	if (!ret)
		ret = vu_ring_update(r);
	if (ret)
		r->armed = false;
	return ret;
}

static int on_SET_VRING_CALL(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	bool fd;
	struct vu_ring *r = ring_and_fd(b, m, &fd);

	if (!r)
		return -EINVAL;
	vu_ring_set_call(r, fd ? vu_rx_take_fd(&b->rx, 0) : -1);
	return 0;
}

static int on_SET_VRING_ERR(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	bool fd;
	struct vu_ring *r = ring_and_fd(b, m, &fd);

	if (!r)
		return -EINVAL;
	vu_ring_set_err(r, fd ? vu_rx_take_fd(&b->rx, 0) : -1);
	return 0;
}

static int on_GET_PROTOCOL_FEATURES(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	return reply_u64(reply, offered_protocol(b));
}

static int on_SET_PROTOCOL_FEATURES(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	if (m->u64 & ~offered_protocol(b))
		return -EINVAL;
	b->protocol_features = m->u64;
	return 0;
}

static int on_GET_QUEUE_NUM(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	return reply_u64(reply, b->p.nr_queues);
}

static int on_SET_VRING_ENABLE(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	struct vu_ring *r = ring_at(b, m->state.index);
	int ret;

	if (!r || m->state.num > 1 || !(b->features & 1ULL << VU_F_PROTOCOL_FEATURES))
		return -EINVAL;
	r->enabled = m->state.num;
	ret = vu_ring_update(r);
	if (ret && ret != -EAGAIN)
		r->enabled = false;
	return ret;
}

static int on_SET_BACKEND_REQ_FD(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	if (b->rx.nr_fds != 1)
		return -EINVAL;
	if (b->request_fd >= 0)
		close(b->request_fd);
	b->request_fd = vu_rx_take_fd(&b->rx, 0);
	return 0;
}

static bool config_ok(const struct vu_msg *m)
{
	return m->hdr.size == VU_CONFIG_HDR + (uint64_t)m->config.size &&
	       cw_range_ok(m->config.offset, m->config.size, VU_CONFIG_MAX);
}

/* A reply without payload is how this message says "no". */
static int on_GET_CONFIG(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	memset(&reply->config, 0, sizeof(reply->config));
	if (!config_ok(m) || !b->p.ops->get_config ||
	    b->p.ops->get_config(b->p.dev, m->config.offset, reply->config.data, m->config.size)) {
		reply->hdr.size = 0;
		return 0;
	}
	reply->config.offset = m->config.offset;
	reply->config.size = m->config.size;
	reply->config.flags = m->config.flags;
	reply->hdr.size = m->hdr.size;
	return 0;
}

static int on_SET_CONFIG(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	if (!config_ok(m) || !b->p.ops->set_config)
		return -EINVAL;
	return b->p.ops->set_config(b->p.dev, m->config.offset, m->config.data, m->config.size);
}

static int on_RESET_DEVICE(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	int ret = vu_rings_stop(b);

	if (!ret && b->p.ops->reset)
		ret = b->p.ops->reset(b->p.dev);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < b->p.nr_queues; i++)
		b->ring[i].enabled = false;
	b->status = 0;
	return 0;
}

static int on_GET_MAX_MEM_SLOTS(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	return reply_u64(reply, VU_MAX_REGIONS);
}

static int on_ADD_MEM_REG(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	int ret;

	if (b->rx.nr_fds != 1)
		return -EINVAL;
	ret = vu_regions_add(b, &m->one.region, vu_rx_take_fd(&b->rx, 0));
	if (!ret)
		vu_rings_update(b);
	return ret;
}

static int on_REM_MEM_REG(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	return vu_regions_del(b, &m->one.region);
}

/*
 * Front ends write the status in an order of their own (QEMU sets FEATURES_OK
 * first and ACKNOWLEDGE with DRIVER_OK), so the steps are the transport's to
 * judge; here FEATURES_OK needs features and NEEDS_RESET stays.
 */
static int on_SET_STATUS(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	uint8_t status = m->u64;

	if (m->u64 > UINT8_MAX)
		return -EINVAL;
	if (!status) {
		int ret = vu_rings_stop(b);

		if (ret)
			return ret;
	} else {
		status |= b->status & VIRTIO_CONFIG_S_NEEDS_RESET;
		if (!b->negotiated)
			status &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	}
	b->status = status;
	if (b->p.ops->status)
		b->p.ops->status(b->p.dev, status);
	return 0;
}

static int on_GET_STATUS(struct vu_backend *b, struct vu_msg *m, struct vu_msg *reply)
{
	return reply_u64(reply, b->status);
}

enum need {
	NEED_ANY,
	NEED_OWNED,
	NEED_NEGOTIATED
};
enum answer {
	ANSWER_OWN,
	ANSWER_ACK
};

/* One row of the table in vhost/messages.h. */
struct row {
	uint16_t min;
	uint16_t max;
	uint8_t fds;
	uint8_t need;
	int8_t feature;
	uint8_t answer;
	vu_handler *fn;
};

static const struct row rows[] = {
#define VU_ROW(name, number, min, max, fds, need, feature, answer) \
	[number] = {min, max, fds, NEED_##need, feature, ANSWER_##answer, on_##name},
	VU_MESSAGES(VU_ROW)
#undef VU_ROW
};

static int row_check(const struct vu_backend *b, const struct row *row, const struct vu_rx *rx)
{
	const struct vu_hdr *hdr = &rx->msg.hdr;

	if (hdr->size < row->min || hdr->size > row->max)
		return -EINVAL;
	if (rx->surplus || rx->nr_fds > row->fds)
		return -EINVAL;
	if (row->feature >= 0 && !(b->protocol_features & 1ULL << row->feature))
		return -EPROTO;
	if (row->need >= NEED_OWNED && !b->owned)
		return -EPROTO;
	if (row->need >= NEED_NEGOTIATED && !b->negotiated)
		return -EPROTO;
	return 0;
}

/**
 * vu_handle() - Judge and carry out the message in b->rx
 * @b:		back end
 * @reply:	answer; its size is ~0 where none is to be sent
 *
 * Return: 0; -EAGAIN to be called again with the same message; -errno where
 * the message was refused and can't be answered so: the connection is to end.
 */
int vu_handle(struct vu_backend *b, struct vu_msg *reply)
{
	struct vu_rx *rx = &b->rx;
	struct vu_hdr *hdr = &rx->msg.hdr;
	const struct row *row = hdr->request < CW_ARRAY_SIZE(rows) ? &rows[hdr->request] : NULL;
	uint32_t known = VU_FLAG_VERSION_MASK | VU_FLAG_NEED_REPLY;
	uint64_t acks = b->protocol_features;
	int ret;

	if ((hdr->flags & VU_FLAG_VERSION_MASK) != VU_VERSION || hdr->flags & ~known)
		return -EPROTO;
	reply->hdr = (struct vu_hdr){hdr->request, VU_VERSION | VU_FLAG_REPLY, ~0u};
	if (!row || !row->fn)
		ret = -ENOSYS;
	else
		ret = row_check(b, row, rx);
	if (!ret)
		ret = row->fn(b, &rx->msg, reply);
	if (ret == -EAGAIN || (row && row->fn && row->answer == ANSWER_OWN))
		return ret;
	/* Linux (virtio_uml) wants the message acknowledged that turns this on. */
	acks |= b->protocol_features;
	if (!(hdr->flags & VU_FLAG_NEED_REPLY) || !(acks & 1ULL << VU_PF_REPLY_ACK))
		return ret;
	return reply_u64(reply, ret ? 1 : 0);
}
