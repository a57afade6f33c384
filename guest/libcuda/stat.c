/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, as cw/stat.h describes them.
 */
#include "cw/stat.h"

#include "cw/copy.h"
#include "guest/libcuda/client.h"

static const struct cg_fn fn_stat = { .name = "stat", .flags = CG_FN_NO_CTX };

static void stat_guest(struct cw_guest_stat *ret)
{
	struct cg_client *cl = cg_client();

	*ret = (struct cw_guest_stat){
		.commands = cl->stat.commands, .waits = cl->stat.waits, .kicks = cl->stat.kicks,
		.sleeps = cl->stat.sleeps, .copied = cw_copied_bytes,
		.credits = cl->stat.credits, .full = cl->stat.full,
	};
}

static CUresult stat_worker(struct cw_worker_stat *ret)
{
	struct cg_call c;
	CUresult r = cg_call_begin(&c, &fn_stat);

	if (!r)
		r = cg_proto(&c, CW_FN_STAT, CW_INLINE);
	if (r)
		return r;
	ret->commands = cw_dec_u64(&c.dec);
	ret->launches = cw_dec_u64(&c.dec);
	ret->idles = cw_dec_u64(&c.dec);
	ret->wakes = cw_dec_u64(&c.dec);
	ret->copied = cw_dec_u64(&c.dec);
	return cw_dec_ok(&c.dec) ? CUDA_SUCCESS : CUDA_ERROR_UNKNOWN;
}

static CUresult stat_hold(uint32_t ms)
{
	struct cg_call c;
	CUresult r = cg_call_begin(&c, &fn_stat);

	if (r)
		return r;
	cw_enc_u64(&c.enc, ms);
	return cg_proto(&c, CW_FN_TEST_HOOK, CW_ASYNC);
}

static CUresult stat_device(struct cw_device_stat *ret)
{
	struct cg_call c;
	CUresult r = cg_call_begin(&c, &fn_stat);

	if (r)
		return r;
	if (!cg_client()->tr->stat)
		return CUDA_ERROR_NOT_SUPPORTED;
	return cg_client()->tr->stat(ret) ? CUDA_ERROR_OPERATING_SYSTEM : CUDA_SUCCESS;
}

static void stat_spin(int on)
{
	cg_client()->no_spin = !on;
}

const struct cw_stat_table cg_stat_table = {
	.size = sizeof(cg_stat_table),
	.guest = stat_guest,
	.worker = stat_worker,
	.hold = stat_hold,
	.device = stat_device,
	.spin = stat_spin,
};
