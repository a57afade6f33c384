/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: streams, copies, host functions, captures.
 */
#include "probe.h"

#include <stdlib.h>

/* ---- in a host function */

static CUcontext outer;
static CUresult inner[6];

static void call_inside(void *arg)
{
	unsigned int type;
	CUdeviceptr p;
	CUcontext ctx;

	inner[0] = cuCtxSetCurrent(outer);
	inner[1] = cuCtxGetCurrent(&ctx);
	inner[2] = cuMemAlloc(&p, 64);
	inner[3] = cuEventQuery(arg);
	inner[4] = cuStreamQuery(NULL);
	inner[5] = cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, 64);
}

static void in_host_function(int which)
{
	CUstream stream;
	CUevent event;

	outer = probe_begin();
	PROBE(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	PROBE(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
	PROBE(cuLaunchHostFunc(stream, call_inside, event));
	PROBE(cuStreamSynchronize(stream));
	probe_say_result("", inner[which]);
}

static void callback_set_current(void)
{
	in_host_function(0);
}

static void callback_get_current(void)
{
	in_host_function(1);
}

static void callback_alloc(void)
{
	in_host_function(2);
}

static void callback_event_query(void)
{
	in_host_function(3);
}

static void callback_stream_query(void)
{
	in_host_function(4);
}

static void callback_pointer(void)
{
	in_host_function(5);
}

/* ---- calls beside a stream that stands still */

struct copy {
	struct probe_gate gate;
	CUdeviceptr device;
	void *host;
	size_t size;
	CUresult r;
};

static void copy_begin(struct copy *c, size_t size)
{
	probe_begin();
	*c = (struct copy){ .size = size, .host = calloc(1, size) };
	PROBE(cuMemAlloc(&c->device, size));
	probe_gate_shut(&c->gate);
}

static void to_device(void *arg)
{
	struct copy *c = arg;

	c->r = cuMemcpyHtoDAsync(c->device, c->host, c->size, c->gate.stream);
}

static void to_host(void *arg)
{
	struct copy *c = arg;

	c->r = cuMemcpyDtoHAsync(c->host, c->device, c->size, c->gate.stream);
}

static void free_device(void *arg)
{
	struct copy *c = arg;

	c->r = cuMemFree(c->device);
}

static void host_free(void *arg)
{
	struct copy *c = arg;

	c->r = cuMemFreeHost(c->host);
}

static void say_returned(struct copy *c, bool returned)
{
	probe_say(returned ? "returns" : "waits");
	if (c->r)
		probe_say_result("", c->r);
}

static void small_copy_in(void)
{
	struct copy c;

	copy_begin(&c, 16 << 10);
	say_returned(&c, probe_returns(&c.gate, to_device, &c, 60000));
}

static void pageable_copy_out(void)
{
	struct copy c;

	copy_begin(&c, 4 << 10);
	say_returned(&c, probe_returns(&c.gate, to_host, &c, 300));
}

static void free_waits(void)
{
	struct copy c;

	copy_begin(&c, 1 << 20);
	say_returned(&c, probe_returns(&c.gate, free_device, &c, 300));
}

static void free_pinned_waits(void)
{
	struct copy c;

	copy_begin(&c, 1 << 20);
	free(c.host);
	PROBE(cuMemHostAlloc(&c.host, c.size, 0));
	say_returned(&c, probe_returns(&c.gate, host_free, &c, 300));
}

/* ---- the rest */

static void event_unrecorded(void)
{
	CUevent event;

	probe_begin();
	PROBE(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
	probe_say_result("", cuEventQuery(event));
}

static void register_twice(void)
{
	void *p = aligned_alloc(4096, 8192);

	probe_begin();
	PROBE(cuMemHostRegister(p, 8192, 0));
	probe_say_result("", cuMemHostRegister((char *)p + 4096, 4096, 0));
}

static void capture_pageable(void)
{
	CUdeviceptr device;
	CUgraph graph = NULL;
	CUstream stream;
	CUresult r;
	char host[64] = { 0 };

	probe_begin();
	PROBE(cuMemAlloc(&device, sizeof(host)));
	PROBE(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	r = cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED);
	if (r == CUDA_ERROR_NOT_SUPPORTED)
		probe_cannot("no captures");
	PROBE(r);
	probe_say_result("copy", cuMemcpyHtoDAsync(device, host, sizeof(host), stream));
	probe_say_result("end", cuStreamEndCapture(stream, &graph));
}

static void attribute_unknown(void)
{
	int value = -1;
	CUresult r;

	probe_begin();
	r = cuDeviceGetAttribute(&value, (CUdevice_attribute)9999, 0);
	probe_say_result("", r);
}

#define REFUSED "NOT_PERMITTED (800)"

const struct probe probes_stream[] = {
	{ "callback_set_current", "8", "cuCtxSetCurrent inside a host function?", "SUCCESS (0)",
	  "what works here is refused natively: the guest should refuse it, too",
	  callback_set_current },
	{ "callback_get_current", "8", "cuCtxGetCurrent inside a host function?", "SUCCESS (0)",
	  "a look-up that is refused natively is answered here", callback_get_current },
	{ "callback_alloc", "8", "cuMemAlloc inside a host function?", REFUSED,
	  "what is refused here works natively", callback_alloc },
	{ "callback_event_query", "8", "cuEventQuery inside a host function?", REFUSED,
	  "what is refused here works natively", callback_event_query },
	{ "callback_stream_query", "8", "cuStreamQuery inside a host function?", REFUSED,
	  "what is refused here works natively", callback_stream_query },
	{ "callback_pointer", "8", "attribute of an unknown pointer inside a host function?",
	  REFUSED, "a look-up that works natively is refused here", callback_pointer },
	{ "small_copy_in", "1",
	  "HtoDAsync of 16 KiB from pageable memory into a stream that stands still?", "returns",
	  "small copies may not be asynchronous: programs that change the bytes too early differ",
	  small_copy_in },
	{ "pageable_copy_out", "4", "DtoHAsync to pageable memory likewise?", "waits",
	  "a copy that writes pageable memory need not be synchronous", pageable_copy_out },
	{ "free_waits", "4", "cuMemFree beside a kernel that runs?", "waits",
	  "freeing need not wait for the device", free_waits },
	{ "free_pinned_waits", "4", "cuMemFreeHost beside a kernel that runs?", "waits",
	  "freeing pinned memory need not wait for the device", free_pinned_waits },
	{ "event_unrecorded", "1", "cuEventQuery of an event that was never recorded?",
	  "SUCCESS (0)", "the guest answers it from shared memory, and otherwise",
	  event_unrecorded },
	{ "register_twice", "7", "cuMemHostRegister of memory that is registered?",
	  "HOST_MEMORY_ALREADY_REGISTERED (712)", "the guest's own check answers otherwise",
	  register_twice },
	{ "capture_pageable", "4", "HtoDAsync from pageable memory on a capturing stream?",
	  "copy STREAM_CAPTURE_UNSUPPORTED (900), *",
	  "pageable operands are captured natively: they need a region here", capture_pageable },
	{ "attribute_unknown", "6", "a device attribute that the driver does not know?",
	  "INVALID_VALUE (1)", "the guest answers otherwise for unlisted attributes",
	  attribute_unknown },
	{ 0 },
};
