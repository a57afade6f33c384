/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: launches and their errors.
 */
#include "probe.h"

/*
 * What worker/credit.c lets a stream, and a client, have under way. Each gate
 * here is two launches of its stream.
 */
#define STREAMS 3
#define PER_STREAM (256 - 2)
#define DEPTH_MAX 4096

static CUresult launch(CUfunction f, unsigned int threads, CUstream stream)
{
	return cuLaunchKernel(f, 1, 1, 1, threads, 1, 1, 0, stream, NULL, NULL);
}

struct queue {
	struct probe_gate gate[STREAMS];
	CUfunction f;
	int streams;
	int wanted; /* launches of each */
	atomic_int launched;
};

static void fill(void *arg)
{
	struct queue *q = arg;

	for (int i = 0; i < q->streams; i++) {
		for (int n = 0; n < q->wanted; n++) {
			if (launch(q->f, 1, q->gate[i].stream))
				return;
			q->launched++;
		}
	}
}

static bool queue_takes(struct queue *q, int ms)
{
	bool all;

	probe_begin();
	q->f = probe_kernel("nothing");
	for (int i = 0; i < q->streams; i++)
		probe_gate_shut(&q->gate[i]);
	q->gate[0].watch = &q->launched;
	all = probe_returns(&q->gate[0], fill, q, ms);
	for (int i = 0; i < q->streams; i++)
		probe_gate_open(&q->gate[i]);
	PROBE(cuCtxSynchronize());
	return all;
}

/* Where all are taken, the answer comes at once. */
static void queue_stream(void)
{
	struct queue q = { .streams = 1, .wanted = PER_STREAM };

	probe_say(queue_takes(&q, 60000) ? "yes" : "no");
}

static void queue_client(void)
{
	struct queue q = { .streams = STREAMS, .wanted = PER_STREAM };

	probe_say(queue_takes(&q, 60000) ? "yes" : "no");
}

/* For the record, so it does not wait for long. */
static void queue_depth(void)
{
	struct queue q = { .streams = 1, .wanted = DEPTH_MAX };

	probe_say("%s", queue_takes(&q, 500) ? "at least " : "");
	probe_say("%d", q.gate[0].seen);
}

static void block_too_large(void)
{
	probe_begin();
	probe_say_result("", launch(probe_kernel("nothing"), 2048, NULL));
}

static void block_beyond_kernel(void)
{
	CUfunction f;

	probe_begin();
	f = probe_kernel("wide");
	probe_say_result("", launch(f, 1024, NULL));
}

static void refusal_is_not_sticky(void)
{
	CUfunction f;

	probe_begin();
	f = probe_kernel("wide");
	probe_say(launch(f, 1024, NULL) ? "refused" : "taken");
	probe_say_result("then", launch(f, 32, NULL));
	probe_say_result("sync", cuCtxSynchronize());
}

static void fault_is_sticky(void)
{
	CUcontext ctx;
	CUdeviceptr p;

	probe_begin();
	PROBE(launch(probe_kernel("wild"), 1, NULL));
	probe_say_result("sync", cuCtxSynchronize());
	probe_say_result("alloc", cuMemAlloc(&p, 64));
	probe_say_result("reset", cuDevicePrimaryCtxReset(0));
	PROBE(cuDevicePrimaryCtxRetain(&ctx, 0));
	PROBE(cuCtxSetCurrent(ctx));
	probe_say_result("alloc", cuMemAlloc(&p, 64));
}

const struct probe probes_launch[] = {
	{ "queue_stream", "1", "does a stream that stands still take 256 launches?", "yes",
	  "a stream's launch credits are more than its queue holds: the dispatcher blocks",
	  queue_stream },
	{ "queue_client", "1", "and three of them 768?", "yes",
	  "a client's launch credits are more than the driver's queue holds", queue_client },
	{ "queue_depth", "1", "how many launches does a stream that stands still take?", "*",
	  "for the record: over the socket it is the credit, less the gate's own", queue_depth },
	{ "block_2048", "3", "cuLaunchKernel with 2,048 threads a block?", "INVALID_VALUE (1)",
	  "the guest's own check answers another number than the driver", block_too_large },
	{ "block_1024", "3", "1,024 threads on a kernel made for 256 (.maxntid)?",
	  "LAUNCH_OUT_OF_RESOURCES (701)", "the soft GPU answers another number than a card",
	  block_beyond_kernel },
	{ "refusal_is_not_sticky", "3", "does a refused launch leave the next ones alone?",
	  "refused, then SUCCESS (0), sync SUCCESS (0)",
	  "a refused launch must be treated as the end of its context", refusal_is_not_sticky },
	{ "fault_is_sticky", "3", "is a wild store the end of a context, until its reset?",
	  "sync ILLEGAL_ADDRESS (700), alloc ILLEGAL_ADDRESS (700), reset *",
	  "the error word of a context must be cleared, or set, elsewhere", fault_is_sticky },
	{ 0 },
};
