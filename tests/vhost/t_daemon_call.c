/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/vhost/t_daemon_call.h"

#include <string.h>
#include <unistd.h>

#include "wire/handle.h"

#define SLOT 1

void t_call_begin(struct t_call *call)
{
	cw_enc_init(&call->enc, call->args, sizeof(call->args));
}

uint64_t t_call_seq(struct t_vm_client *c)
{
	return atomic_load(&cw_channel_slot(c->channel, SLOT)->seq);
}

bool t_call_wait(struct t_vm_client *c, uint64_t seq)
{
	struct cw_channel *ch = c->channel;

	for (int ms = 0; ms < 120000 && t_call_seq(c) != seq; ms++) {
		if (atomic_load(&ch->status) & CW_CH_FATAL)
			return false;
		usleep(1000);
	}
	return t_call_seq(c) == seq;
}

static void put(struct t_vm_client *c, uint64_t at, const void *bytes, size_t len)
{
	memcpy(cw_channel_ring(c->channel) + (at & (VCUDA_RING_MIN - 1)), bytes, len);
}

void t_call_append(struct t_vm_client *c, struct t_call *call, uint32_t id, uint64_t seq)
{
	size_t len = (size_t)(call->enc.p - call->args);
	struct cw_channel *ch = c->channel;
	uint64_t tail = ch->tail;
	uint64_t left = VCUDA_RING_MIN - (tail & (VCUDA_RING_MIN - 1));
	struct cw_cmd cmd = {
		.size = (uint32_t)cw_align_up(sizeof(cmd) + len, CW_CMD_ALIGN), .id = id,
		.slot = SLOT, .flags = seq ? CW_CMD_REPLY : 0, .seq = seq,
	};
	struct cw_cmd pad = { .size = (uint32_t)left };

	/* Before there is a context nothing could be made current. */
	if (id != cw_fn_hash("cuDevicePrimaryCtxRetain"))
		cmd.ctx = cw_handle(CW_H_CONTEXT, CW_H_PRIMARY, 0, 0);
	if (cmd.size > left) {
		put(c, tail, &pad, sizeof(pad));
		tail += left;
	}
	put(c, tail, &cmd, sizeof(cmd));
	put(c, tail + sizeof(cmd), call->args, len);
	atomic_store(&ch->tail, tail + cmd.size);
}

void t_call_ring(struct t_vm_client *c)
{
	struct t_req *r = t_guest_request(c->g, VIRTIO_CUDA_DOORBELL, 0);
	_Atomic uint64_t *bells = front_ptr(&c->g->f, c->g->bells);

	atomic_fetch_or(&bells[c->id / 64], 1ull << c->id % 64);
	t_guest_post(c->g, r, 0, 0);
	t_guest_wait(c->g, r);
}

int t_call(struct t_vm_client *c, struct t_call *call, uint32_t id, uint64_t *ret)
{
	struct cw_slot *slot = cw_channel_slot(c->channel, SLOT);
	uint64_t seq = t_call_seq(c) + 1;

	t_call_append(c, call, id, seq);
	t_call_ring(c);
	if (!t_call_wait(c, seq))
		return -1;
	if (ret)
		memcpy(ret, slot->data, sizeof(*ret));
	return (int)slot->result;
}

uint64_t t_call_load(struct t_vm_client *c, const char *ptx, const char *name)
{
	uint64_t module = 0, function = 0;
	struct t_call call;

	t_call_begin(&call);
	cw_enc_i64(&call.enc, 0); /* device */
	if (t_call(c, &call, cw_fn_hash("cuDevicePrimaryCtxRetain"), NULL))
		return 0;
	t_call_begin(&call);
	cw_enc_u64(&call.enc, 0); /* no image of before: the bytes follow */
	cw_enc_bytes(&call.enc, ptx, strlen(ptx) + 1);
	if (t_call(c, &call, cw_fn_hash("cuModuleLoadDataEx"), &module))
		return 0;
	t_call_begin(&call);
	cw_enc_u64(&call.enc, module);
	cw_enc_str(&call.enc, name);
	return t_call(c, &call, cw_fn_hash("cuModuleGetFunction"), &function) ? 0 : function;
}

uint64_t t_call_map(struct t_vm_client *c, uint64_t va, uint64_t len)
{
	struct t_call call;
	uint64_t dev = 0;

	t_call_begin(&call);
	cw_enc_u64(&call.enc, va);
	cw_enc_u64(&call.enc, len);
	cw_enc_u32(&call.enc, 0);
	return t_call(c, &call, CW_FN_REGION_MAP, &dev) ? 0 : dev;
}

int t_call_launch(struct t_vm_client *c, uint64_t function, uint32_t blocks, uint64_t param)
{
	const uint32_t dim[6] = { blocks, 1, 1, 1, 1, 1 };
	struct t_call call;

	t_call_begin(&call);
	cw_enc_u64(&call.enc, function);
	for (int i = 0; i < 6; i++)
		cw_enc_u32(&call.enc, dim[i]);
	cw_enc_u32(&call.enc, 0); /* shared memory */
	cw_enc_u32(&call.enc, 0); /* cooperative */
	cw_enc_u64(&call.enc, 0); /* stream */
	cw_enc_u32(&call.enc, 0); /* credit */
	cw_enc_u32(&call.enc, 0); /* attributes */
	cw_enc_bytes(&call.enc, &param, sizeof(param));
	return t_call(c, &call, CW_FN_LAUNCH, NULL);
}
