/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace: what a framework does when it runs eagerly (SEMANTICS 9).
 *
 * Per operation 1 launch, 3 pointer attributes, 1 capture status, 1 event
 * query; every 50 an event record and a stream wait; every 500 a 4-byte copy
 * to the host. Crossings that wait should be the copies, and nothing else.
 */
#include "tools/bench/bench.h"
#include "tools/bench/cuda.h"
#include "tools/bench/measure.h"
#include "tools/ct.h"

#define OPS 10000

static CUresult op(struct bench_cuda *cu, CUstream stream, CUevent event)
{
	CUresult r = cu->cuEventQuery(event);

	CUstreamCaptureStatus capture;
	unsigned int type;
	void *params[] = { &cu->counter };

	if (r && r != CUDA_ERROR_NOT_READY)
		return r;
	for (int i = 0; i < 3; i++) {
		if (cu->cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
					      cu->counter))
			return CUDA_ERROR_UNKNOWN;
	}
	if (cu->cuStreamIsCapturing(stream, &capture))
		return CUDA_ERROR_UNKNOWN;
	return cu->cuLaunchKernel(cu->count_kernel, 1, 1, 1, 1, 1, 1, 0, stream, params, NULL);
}

int bench_trace(void)
{
	struct bench_cuda *cu = bench_guest();
	struct cw_guest_stat before, after;
	uint64_t start, copies = 0;
	struct bench_series per_op = { .name = "framework trace, per operation" };
	CUstream stream, other;
	CUevent event;
	uint32_t word;

	if (!cu || !BENCH_OK(cu->cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING)) ||
	    !BENCH_OK(cu->cuStreamCreate(&other, CU_STREAM_NON_BLOCKING)) ||
	    !BENCH_OK(cu->cuEventCreate(&event, CU_EVENT_DISABLE_TIMING)) ||
	    !BENCH_OK(op(cu, stream, event)) || !BENCH_OK(cu->cuStreamSynchronize(stream)))
		return -1;
	cu->stat->guest(&before);
	start = bench_now();
	for (int i = 1; i <= OPS; i++) {
		CUresult r = op(cu, stream, event);

		if (!r && i % 50 == 0)
			r = cu->cuEventRecord(event, stream);
		if (!r && i % 50 == 0)
			r = cu->cuStreamWaitEvent(other, event, 0);
		if (!r && i % 500 == 0) {
			r = cu->cuMemcpyDtoH_v2(&word, cu->counter, sizeof(word));
			copies++;
		}
		if (!BENCH_OK(r))
			return -1;
		if (i % (OPS / BENCH_SAMPLES) == 0) {
			bench_add(&per_op, (double)(bench_now() - start) / (OPS / BENCH_SAMPLES));
			start = bench_now();
		}
	}
	cu->stat->guest(&after);
	bench_print(&per_op, NULL);
	bench_count("4-byte copies to the host", copies, "");
	bench_count("crossings that wait",
		    after.waits - before.waits - (after.credits - before.credits), "");
	/* A device slower than the program makes it wait, as natively. */
	bench_count("waits for launch credit", after.credits - before.credits, "");
	bench_count("kicks", after.kicks - before.kicks, "");
	return 0;
}
