/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of the program that run in stream order.
 */
#include <stdlib.h>

#include "softgpu/api/state.h"

struct host_call {
	CUhostFn fn;
	CUstreamCallback callback;
	CUstream stream;
	void *data;
};

/* A host function is not called in a failed context; a callback is told. */
static void run_host(void *arg, int error)
{
	struct host_call *call = arg;

	sg_set_in_callback(true);
	if (call->callback)
		call->callback(call->stream, error > 0 ? (CUresult)error : CUDA_SUCCESS,
			       call->data);
	else if (!error)
		call->fn(call->data);
	sg_set_in_callback(false);
	free(call);
}

static CUresult submit(CUstream hstream, const struct host_call *call)
{
	struct host_call *copy;
	struct sg_stream *queue;
	struct sg_ctx *ctx;
	CUresult res;

	SG_CTX(ctx);
	res = sg_stream_queue(ctx, hstream, &queue);
	if (res)
		return res;
	if (!call->fn && !call->callback)
		return CUDA_ERROR_INVALID_VALUE;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*copy = *call;
	if (sg_submit_host(queue, run_host, copy)) {
		free(copy);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	return CUDA_SUCCESS;
}

SG_API cuLaunchHostFunc(CUstream stream, CUhostFn fn, void *data)
{
	return submit(stream, &(struct host_call){ .fn = fn, .data = data });
}

SG_API cuStreamAddCallback(CUstream stream, CUstreamCallback callback, void *data,
			   unsigned int flags)
{
	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	return submit(stream, &(struct host_call){ .callback = callback, .stream = stream,
						   .data = data });
}
