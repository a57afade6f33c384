/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Launches. Parameters arrive packed, as the kernel's layout has them: the
 * guest learned it when the function was looked up.
 */
#include "cu_driver.h"
#include "worker/internal.h"

/* As many as an answer holds; CG_PARAMS_MAX in the guest. */
#define LAYOUT_MAX 240

struct launch {
	void *function;
	uint32_t dim[6];
	uint32_t shared;
	bool cooperative;
	uint64_t stream_handle;
	void *stream;
	uint32_t credit;
	uint32_t nr_attrs;
	CUlaunchAttribute attrs[CW_ATTR_MAX + 1];
	const void *params;
	size_t params_len;
};

static CUresult launch_attr_in(struct wk_thread *t, struct cw_dec *in, CUlaunchAttribute *a)
{
	uint64_t words[CW_ATTR_WORDS];

	a->id = cw_dec_u32(in);
	for (int i = 0; i < CW_ATTR_WORDS; i++)
		words[i] = cw_dec_u64(in);
	switch (a->id) {
	case CU_LAUNCH_ATTRIBUTE_IGNORE:
	case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
	case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
	case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
	case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION:
	case CU_LAUNCH_ATTRIBUTE_PRIORITY:
		memcpy(&a->value, words, sizeof(a->value));
		return CUDA_SUCCESS;
	default:
		/* May hold pointers or handles: never copied blind. */
		return CUDA_ERROR_NOT_SUPPORTED;
	}
}

static CUresult launch_in(struct wk_thread *t, struct cw_dec *in, struct launch *l)
{
	uint64_t function = cw_dec_u64(in);
	CUresult r = CUDA_SUCCESS;

	for (int i = 0; i < 6; i++)
		l->dim[i] = cw_dec_u32(in);
	l->shared = cw_dec_u32(in);
	l->cooperative = cw_dec_u32(in);
	l->stream_handle = cw_dec_u64(in);
	l->credit = cw_dec_u32(in);
	l->nr_attrs = cw_dec_u32(in);
	if (l->nr_attrs > CW_ATTR_MAX || l->credit >= CW_CREDITS)
		return wk_malformed(t);
	for (uint32_t i = 0; i < l->nr_attrs && !r; i++)
		r = launch_attr_in(t, in, &l->attrs[i]);
	l->params = cw_dec_bytes(in, CW_CMD_MAX, &l->params_len);
	if (!cw_dec_ok(in))
		return wk_malformed(t);
	if (r)
		return r;
	if (!wk_handle_in(t, CW_H_FUNCTION, function, &l->function) || !l->function)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!wk_handle_in(t, CW_H_STREAM, l->stream_handle, &l->stream))
		return CUDA_ERROR_INVALID_HANDLE;
	return CUDA_SUCCESS;
}

static CUresult launch_ex(struct launch *l, void **extra)
{
	CUlaunchConfig config = {
		.gridDimX = l->dim[0], .gridDimY = l->dim[1], .gridDimZ = l->dim[2],
		.blockDimX = l->dim[3], .blockDimY = l->dim[4], .blockDimZ = l->dim[5],
		.sharedMemBytes = l->shared, .hStream = l->stream,
		.attrs = l->attrs,
	};

	if (!wk_cu()->cuLaunchKernelEx)
		return CUDA_ERROR_NOT_SUPPORTED;
	if (l->cooperative) {
		l->attrs[l->nr_attrs].id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
		l->attrs[l->nr_attrs].value.cooperative = 1;
		l->nr_attrs++;
	}
	config.numAttrs = l->nr_attrs;
	return wk_cu()->cuLaunchKernelEx(&config, l->function, NULL, extra);
}

/**
 * wk_launch() - CW_FN_LAUNCH
 * @t:		guest thread
 * @in:		arguments, see enum cw_fn
 * @out:	nothing
 *
 * Return: what the back end says to the launch.
 */
CUresult wk_launch(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	struct launch l = { 0 };
	CUresult r = launch_in(t, in, &l);
	void *extra[] = {
		CU_LAUNCH_PARAM_BUFFER_POINTER, (void *)l.params,
		CU_LAUNCH_PARAM_BUFFER_SIZE, &l.params_len,
		CU_LAUNCH_PARAM_END,
	};
	void **params = l.params_len ? extra : NULL;

	if (r)
		return r;
	if (l.nr_attrs || l.cooperative)
		r = launch_ex(&l, params);
	else
		r = wk_cu()->cuLaunchKernel(l.function, l.dim[0], l.dim[1], l.dim[2], l.dim[3],
					    l.dim[4], l.dim[5], l.shared, l.stream, NULL, params);
	if (r)
		return r;
	atomic_fetch_add_explicit(&wk_self()->launches, 1, memory_order_relaxed);
	wk_credit_count(l.credit, l.stream);
	return CUDA_SUCCESS;
}

/* Parameters are asked for one by one until there is no further one. */
void wk_function_layout(struct wk_thread *t, CUfunction f, struct cw_enc *out)
{
	size_t offset[LAYOUT_MAX], size[LAYOUT_MAX];
	uint32_t n = 0;

	while (n < LAYOUT_MAX && wk_cu()->cuFuncGetParamInfo &&
	       !wk_cu()->cuFuncGetParamInfo(f, n, &offset[n], &size[n]))
		n++;
	cw_enc_u64(out, n);
	for (uint32_t i = 0; i < n; i++)
		cw_enc_u64(out, (uint64_t)size[i] << 32 | offset[i]);
}
