/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol's own commands: one table, indexed by id.
 */
#include <stdlib.h>
#include <time.h>

#include "cu_driver.h"
#include "cw/copy.h"
#include "worker/internal.h"

/* Holds the dispatcher for a test; does nothing unless the daemon was told to
 * allow it (CAUSEWAY_TEST_HOOKS=1 in the worker's environment). */
static CUresult test_hook(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t ms = cw_dec_u64(in);
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	if (!cw_dec_ok(in) || ms > 10000)
		return wk_malformed(t);
	if (!getenv("CAUSEWAY_TEST_HOOKS"))
		return CUDA_ERROR_NOT_SUPPORTED;
	nanosleep(&ts, NULL);
	return CUDA_SUCCESS;
}

static CUresult stat(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	struct wk_worker *w = wk_self();

	cw_enc_u64(out, atomic_load(&w->commands));
	cw_enc_u64(out, atomic_load(&w->launches));
	cw_enc_u64(out, atomic_load(&w->idles));
	cw_enc_u64(out, atomic_load(&w->wakes));
	cw_enc_u64(out, atomic_load(&cw_copied_bytes) + wk_backend_copied());
	return CUDA_SUCCESS;
}

static CUresult mem_free(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t ptr = cw_dec_u64(in);

	return cw_dec_ok(in) ? wk_cu()->cuMemFree_v2(ptr) : wk_malformed(t);
}

#define ENTRY(fn_id, class, ctx, function)                                                         \
	[fn_id] = { .id = fn_id, .cls = class, .flags = ctx, .name = #fn_id, .fn = function }

static const struct wk_function protocol[CW_FN_RESERVED_MAX + 1] = {
	ENTRY(CW_FN_COPY_BEGIN, CW_SYNC, WK_FN_CTX, wk_copy_begin),
	ENTRY(CW_FN_COPY_END, CW_ASYNC, WK_FN_CTX, wk_copy_end),
	ENTRY(CW_FN_IMAGE_BEGIN, CW_SYNC, WK_FN_CTX, wk_image_begin),
	ENTRY(CW_FN_IMAGE_END, CW_ASYNC, WK_FN_CTX, wk_image_end),
	ENTRY(CW_FN_REGION_MAP, CW_SYNC, WK_FN_CTX, wk_region_map),
	ENTRY(CW_FN_REGION_UNMAP, CW_SYNC, WK_FN_CTX, wk_region_unmap),
	ENTRY(CW_FN_UPCALL_DONE, CW_ASYNC, 0, wk_upcall_done),
	ENTRY(CW_FN_PRINTF_FETCH, CW_INLINE, 0, wk_printf_fetch),
	ENTRY(CW_FN_CREDIT, CW_SYNC, WK_FN_CTX, wk_credit),
	ENTRY(CW_FN_TEST_HOOK, CW_ASYNC, 0, test_hook),
	ENTRY(CW_FN_STAT, CW_INLINE, 0, stat),
	ENTRY(CW_FN_LAUNCH, CW_ASYNC, WK_FN_CTX, wk_launch),
	ENTRY(CW_FN_HTOD, CW_ASYNC, WK_FN_CTX, wk_htod),
	ENTRY(CW_FN_DTOH, CW_SYNC, WK_FN_CTX, wk_dtoh),
	ENTRY(CW_FN_DTOD, CW_ASYNC, WK_FN_CTX, wk_dtod),
	ENTRY(CW_FN_COPY3D, CW_ASYNC, WK_FN_CTX, wk_copy3d),
	ENTRY(CW_FN_HOST_FUNC, CW_ASYNC, WK_FN_CTX, wk_host_func),
	ENTRY(CW_FN_MEM_FREE, CW_SYNC, WK_FN_CTX, mem_free),
	ENTRY(CW_FN_EVENT_RECORD, CW_ASYNC, WK_FN_CTX, wk_event_record),
	ENTRY(CW_FN_EVENT_POLL, CW_ASYNC, WK_FN_CTX, wk_event_poll),
	ENTRY(CW_FN_REPLY_REST, CW_INLINE, 0, wk_reply_rest),
	ENTRY(CW_FN_LOAD_OPTIONS, CW_ASYNC, 0, wk_load_set),
	ENTRY(CW_FN_LOAD_RESULT, CW_SYNC, 0, wk_load_tell),
};

/* Entry of a protocol command, NULL for a number that is none. */
const struct wk_function *wk_protocol_find(uint32_t id)
{
	return id <= CW_FN_RESERVED_MAX && protocol[id].fn ? &protocol[id] : NULL;
}
