// SPDX-License-Identifier: Apache-2.0
/*
 * The fake worker: carries out a client's script, and the device's events.
 */
#include <stdlib.h>
#include <string.h>

#include "cw/log.h"
#include "cw/util.h"
#include "tests/kernel/testdev.h"

/* Sends one event; false where the driver has left no buffer. */
static bool send_event(struct td *td, const struct virtio_cuda_event *event, uint32_t len)
{
	struct vq *q = vu_queue(td->backend, VIRTIO_CUDA_VQ_EVENT);
	static struct vq_elem elem;

	if (!q || !vq_running(q) || vq_pop(q, &elem) <= 0)
		return false;
	vq_iov_put(&elem.in, event, sizeof(*event));
	vq_push(q, &elem, len);
	vu_notify(td->backend, VIRTIO_CUDA_VQ_EVENT);
	return true;
}

/**
 * td_wake_flush() - Send the events that are due
 * @td:		device
 */
void td_wake_flush(struct td *td)
{
	for (uint32_t id = 1; id < TD_CLIENTS; id++) {
		struct td_client *c = &td->client[id];
		struct virtio_cuda_event event = {
			.type = VIRTIO_CUDA_EV_WAKE,
			.client = id,
			.epoch = td->epoch,
			.slots = { c->wake[0], c->wake[1] },
		};

		if (!(c->wake[0] | c->wake[1]) || !send_event(td, &event, sizeof(event)))
			continue;
		c->wakes += __builtin_popcountll(c->wake[0]) + __builtin_popcountll(c->wake[1]);
		c->wake[0] = c->wake[1] = 0;
	}
	for (; td->flood_left; td->flood_left--) {
		struct virtio_cuda_event event = {
			.type = VIRTIO_CUDA_EV_WAKE,
			.client = td->flood_client,
			.epoch = td->epoch,
			.slots = { 2 },
		};

		if (!send_event(td, &event, sizeof(event)))
			break;
	}
}

static void wake(struct td_client *c, uint32_t slot)
{
	c->wake[slot / 64] |= 1ull << slot % 64;
}

static void reply(struct td *td, struct td_client *c, const struct script_cmd *cmd,
		  uint64_t result)
{
	uint64_t offset = VCUDA_SLOT_OFFSET + (uint64_t)cmd->slot * VCUDA_SLOT_SIZE;
	struct vcuda_slot *slot;

	if (!cmd->slot || cmd->slot >= VCUDA_SLOTS)
		return;
	slot = td_channel(td, c, offset, VCUDA_SLOT_SIZE);
	if (!slot)
		return;
	memcpy((char *)slot + SCRIPT_RESULT, &result, sizeof(result));
	__atomic_store_n(&slot->seq, cmd->seq, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&slot->sleeping, __ATOMIC_RELAXED))
		wake(c, cmd->slot);
}

static uint64_t op_nop(struct td *td, struct td_client *c, const struct script_cmd *cmd)
{
	return cmd->a;
}

static uint64_t op_fill(struct td *td, struct td_client *c, const struct script_cmd *cmd)
{
	if (!cw_range_ok(cmd->a, cmd->b, SCRIPT_WINDOW))
		return 0;
	script_fill(c->window + cmd->a, cmd->b, cmd->c);
	return 1;
}

static uint64_t op_sum(struct td *td, struct td_client *c, const struct script_cmd *cmd)
{
	if (!cw_range_ok(cmd->a, cmd->b, SCRIPT_WINDOW))
		return 0;
	return script_sum(0, c->window + cmd->a, cmd->b);
}

static uint64_t op_region_fill(struct td *td, struct td_client *c, const struct script_cmd *cmd)
{
	uint64_t done = 0, len, i;

	while (done < cmd->b) {
		uint8_t *p = td_region_ptr(td, c, cmd->a + done, &len);

		if (!p)
			return 0;
		len = cw_min(len, cmd->b - done);
		for (i = 0; i < len; i++)
			p[i] = script_byte(cmd->c, done + i);
		done += len;
	}
	return 1;
}

static uint64_t op_region_sum(struct td *td, struct td_client *c, const struct script_cmd *cmd)
{
	uint64_t done = 0, len, sum = 0;

	while (done < cmd->b) {
		void *p = td_region_ptr(td, c, cmd->a + done, &len);

		if (!p)
			return 0;
		len = cw_min(len, cmd->b - done);
		sum = script_sum(sum, p, len);
		done += len;
	}
	return sum;
}

static uint64_t op_upcall(struct td *td, struct td_client *c, const struct script_cmd *cmd)
{
	struct vcuda_slot *slot = td_channel(td, c, VCUDA_SLOT_OFFSET, VCUDA_SLOT_SIZE);

	if (!slot)
		return 0;
	__atomic_fetch_add(&slot->seq, 1, __ATOMIC_SEQ_CST);
	wake(c, 0);
	return 1;
}

static uint64_t op_die(struct td *td, struct td_client *c, const struct script_cmd *cmd)
{
	struct virtio_cuda_event event = {
		.type = VIRTIO_CUDA_EV_DEAD,
		.client = c - td->client,
		.epoch = td->epoch,
	};

	c->dead = true;
	return send_event(td, &event, sizeof(event));
}

static uint64_t op_trick(struct td *td, struct td_client *c, const struct script_cmd *cmd)
{
	td->trick = cmd->a;
	td->trick_type = cmd->b;
	td->trick_left = cmd->c;
	return 1;
}

static uint64_t op_hang(struct td *td, struct td_client *c, const struct script_cmd *cmd)
{
	td->hang_until_ms = td_now_ms() + cmd->a;
	return 1;
}

static uint64_t op_raw(struct td *td, struct td_client *c, const struct script_cmd *cmd)
{
	struct vq *q = vu_queue(td->backend, VIRTIO_CUDA_VQ_CONTROL);
	struct td_used *used = q->setup.area[VQ_AREA_DEVICE];
	uint16_t at = used->idx % q->setup.size;

	used->ring[at].id = cmd->a == RAW_ID ? 0x5a5a5a5a : 0;
	used->ring[at].len = 1u << 31;
	__atomic_store_n(&used->idx, used->idx + (cmd->a == RAW_ID ? 1 : 20000),
			 __ATOMIC_RELEASE);
	return vu_notify(td->backend, VIRTIO_CUDA_VQ_CONTROL);
}

static uint64_t op_event(struct td *td, struct td_client *c, const struct script_cmd *cmd)
{
	struct virtio_cuda_event event = {
		.type = cmd->a == EVENT_TYPE ? 99 : VIRTIO_CUDA_EV_DEAD,
		.client = cmd->a == EVENT_CLIENT ? 0xffffffff : c - td->client,
		.epoch = cmd->a == EVENT_EPOCH ? ~td->epoch : td->epoch,
	};

	if (cmd->a == EVENT_FLOOD) {
		td->flood_client = c - td->client;
		td->flood_left = cmd->b;
		return 1;
	}
	return send_event(td, &event, cmd->a == EVENT_LENGTH ? 5 : sizeof(event));
}

static uint64_t op_count(struct td *td, struct td_client *c, const struct script_cmd *cmd)
{
	uint64_t clients = 0, regions = 0, max_held = td->max_held;

	for (unsigned int i = 0; i < TD_CLIENTS; i++) {
		clients += td->client[i].open;
		for (unsigned int k = 0; td->client[i].open && k < TD_REGIONS; k++)
			regions += td->client[i].region[k].id != 0;
	}
	switch (cmd->a) {
	case COUNT_HELLOS:
		return td->hellos;
	case COUNT_CLIENTS:
		return clients;
	case COUNT_CLOSES:
		return td->closes;
	case COUNT_REGIONS:
		return regions;
	case COUNT_PINGS:
		return td->pings;
	case COUNT_HELD:
		return td->nr_held;
	case COUNT_MAX_HELD:
		td->max_held = 0;
		return max_held;
	}
	return ~0ull;
}

static uint64_t op_release(struct td *td, struct td_client *c, const struct script_cmd *cmd)
{
	td->trick_left = 0;
	td_release(td);
	return 1;
}

static uint64_t (*const ops[])(struct td *td, struct td_client *c,
			       const struct script_cmd *cmd) = {
	[OP_NOP] = op_nop,
	[OP_DELAY] = op_nop,
	[OP_FILL] = op_fill,
	[OP_SUM] = op_sum,
	[OP_REGION_FILL] = op_region_fill,
	[OP_REGION_SUM] = op_region_sum,
	[OP_UPCALL] = op_upcall,
	[OP_DIE] = op_die,
	[OP_TRICK] = op_trick,
	[OP_HANG] = op_hang,
	[OP_RAW] = op_raw,
	[OP_EVENT] = op_event,
	[OP_COUNT] = op_count,
	[OP_RELEASE] = op_release,
};

static bool delay(struct td *td, uint32_t id, const struct script_cmd *cmd)
{
	for (unsigned int i = 0; i < TD_DELAYED; i++) {
		if (!td->delayed[i].at_ms) {
			td->delayed[i] = (struct td_delayed){ td_now_ms() + cmd->a, id, *cmd };
			return true;
		}
	}
	return false;
}

/**
 * td_worker_run() - Carry out what a client has written
 * @td:		device
 * @id:		client
 */
void td_worker_run(struct td *td, uint32_t id)
{
	struct td_client *c = &td->client[id];
	uint64_t *tail = c->open && !c->dead ? td_channel(td, c, 0, 8) : NULL;

	while (tail && c->open && c->head < __atomic_load_n(tail, __ATOMIC_ACQUIRE)) {
		uint64_t offset = VCUDA_RING_OFFSET +
				  c->head % SCRIPT_ENTRIES * sizeof(struct script_cmd);
		struct script_cmd *entry = td_channel(td, c, offset, sizeof(*entry)), cmd;

		if (!entry)
			return;
		cmd = *entry;
		c->head++;
		c->commands++;
		if (cmd.op == OP_DELAY && delay(td, id, &cmd))
			continue;
		if (cmd.op < CW_ARRAY_SIZE(ops))
			reply(td, c, &cmd, ops[cmd.op](td, c, &cmd));
	}
	td_wake_flush(td);
}

/**
 * td_worker_delayed() - Answer what is due
 * @td:		device
 */
void td_worker_delayed(struct td *td)
{
	for (unsigned int i = 0; i < TD_DELAYED; i++) {
		struct td_delayed *d = &td->delayed[i];

		if (!d->at_ms || td_now_ms() < d->at_ms)
			continue;
		d->at_ms = 0;
		if (td->client[d->client].open)
			reply(td, &td->client[d->client], &d->cmd, d->cmd.a);
	}
}
