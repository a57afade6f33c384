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

/**
 * struct trace - A trace under way in a library
 * @ops:	operations so far
 * @copies:	4-byte copies to the host so far
 */
struct trace {
	const struct bench_cuda *cu;
	CUstream stream, other;
	CUevent event;
	uint64_t ops, copies;
};

/* One for each of two libraries; NULL after a line on stderr. */
static struct trace *trace_of(struct bench_cuda *cu)
{
	static struct trace traces[2];
	struct trace *t = &traces[traces[0].cu && traces[0].cu != cu];

	if (t->cu)
		return t;
	if (!BENCH_OK(cu->cuStreamCreate(&t->stream, CU_STREAM_NON_BLOCKING)) ||
	    !BENCH_OK(cu->cuStreamCreate(&t->other, CU_STREAM_NON_BLOCKING)) ||
	    !BENCH_OK(cu->cuEventCreate(&t->event, CU_EVENT_DISABLE_TIMING)) ||
	    !BENCH_OK(op(cu, t->stream, t->event)) || !BENCH_OK(cu->cuStreamSynchronize(t->stream)))
		return NULL;
	t->cu = cu;
	return t;
}

double bench_trace_once(struct bench_cuda *cu, int n)
{
	struct trace *t = trace_of(cu);
	uint64_t start = bench_now();
	uint32_t word;

	for (int i = 0; t && i < n; i++) {
		CUresult r = op(cu, t->stream, t->event);

		t->ops++;
		if (!r && t->ops % 50 == 0)
			r = cu->cuEventRecord(t->event, t->stream);
		if (!r && t->ops % 50 == 0)
			r = cu->cuStreamWaitEvent(t->other, t->event, 0);
		if (!r && t->ops % 500 == 0) {
			r = cu->cuMemcpyDtoH_v2(&word, cu->counter, sizeof(word));
			t->copies++;
		}
		if (!BENCH_OK(r))
			return -1;
	}
	return t ? (double)(bench_now() - start) / n : -1;
}

int bench_trace(void)
{
	struct bench_cuda *cu = bench_guest();
	struct cw_guest_stat before, after;
	struct bench_series per_op = { .name = "framework trace, per operation" };
	struct trace *t = cu ? trace_of(cu) : NULL;

	if (!t)
		return -1;
	cu->stat->guest(&before);
	for (int i = 0; i < BENCH_SAMPLES; i++) {
		bench_add(&per_op, bench_trace_once(cu, OPS / BENCH_SAMPLES));
		if (per_op.ns[i] < 0)
			return -1;
	}
	cu->stat->guest(&after);
	bench_print(&per_op, NULL);
	bench_count("4-byte copies to the host", t->copies, "");
	bench_count("crossings that wait",
		    after.waits - before.waits - (after.credits - before.credits), "");
	/* A device slower than the program makes it wait, as natively. */
	bench_count("waits for launch credit", after.credits - before.credits, "");
	bench_count("kicks", after.kicks - before.kicks, "");
	return 0;
}
