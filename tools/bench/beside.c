/* SPDX-License-Identifier: Apache-2.0 */
/*
 * beside: what programs do most, natively and through the boundary on the same
 * libcuda, in turn.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/bench/bench.h"
#include "tools/bench/cuda.h"
#include "tools/bench/measure.h"
#include "tools/ct.h"

#define CALLS 200
#define LOOP 2000
#define SMALL 4096u
#define LARGE (64u << 20)

/**
 * struct row - One thing that is measured
 * @name:	of it
 * @bytes:	of a copy
 * @run:	does it some times; nanoseconds of one, negative after a line on stderr
 */
struct row {
	const char *name;
	uint32_t bytes;
	double (*run)(struct bench_cuda *cu, const struct row *row);
};

static uint8_t *host;
/* By library: allocated at first use. */
static struct {
	const struct bench_cuda *cu;
	CUdeviceptr p;
} device[2];

static CUdeviceptr device_of(struct bench_cuda *cu)
{
	int i = device[0].cu && device[0].cu != cu;

	if (!device[i].cu && BENCH_OK(cu->cuMemAlloc_v2(&device[i].p, LARGE)))
		device[i].cu = cu;
	return device[i].p;
}

static double each(uint64_t start, int n)
{
	return (double)(bench_now() - start) / n;
}

static double query(struct bench_cuda *cu, const struct row *row)
{
	size_t left, total;
	uint64_t start = bench_now();

	for (int i = 0; i < CALLS; i++) {
		if (!BENCH_OK(cu->cuMemGetInfo_v2(&left, &total)))
			return -1;
	}
	return each(start, CALLS);
}

static double alloc(struct bench_cuda *cu, const struct row *row)
{
	uint64_t start = bench_now();
	CUdeviceptr p;

	for (int i = 0; i < CALLS; i++) {
		if (!BENCH_OK(cu->cuMemAlloc_v2(&p, 1 << 20)) || !BENCH_OK(cu->cuMemFree_v2(p)))
			return -1;
	}
	return each(start, CALLS);
}

static CUresult launch(struct bench_cuda *cu)
{
	void *params[] = { &cu->counter };

	return cu->cuLaunchKernel(cu->count_kernel, 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL);
}

/* What the caller spends, with few enough under way that it never waits. */
static double launch_alone(struct bench_cuda *cu, const struct row *row)
{
	uint64_t start = bench_now();
	double ns;

	for (int i = 0; i < CALLS; i++) {
		if (!BENCH_OK(launch(cu)))
			return -1;
	}
	ns = each(start, CALLS);
	return BENCH_OK(cu->cuCtxSynchronize()) ? ns : -1;
}

static double launch_loop(struct bench_cuda *cu, const struct row *row)
{
	uint64_t start = bench_now();

	for (int i = 0; i < LOOP; i++) {
		if (!BENCH_OK(launch(cu)))
			return -1;
	}
	return BENCH_OK(cu->cuCtxSynchronize()) ? each(start, LOOP) : -1;
}

static double launch_sync(struct bench_cuda *cu, const struct row *row)
{
	uint64_t start = bench_now();

	for (int i = 0; i < CALLS; i++) {
		if (!BENCH_OK(launch(cu)) || !BENCH_OK(cu->cuCtxSynchronize()))
			return -1;
	}
	return each(start, CALLS);
}

static double copy_in(struct bench_cuda *cu, const struct row *row)
{
	int n = row->bytes == LARGE ? 1 : CALLS;
	CUdeviceptr p = device_of(cu);
	uint64_t start = bench_now();

	for (int i = 0; i < n; i++) {
		if (!p || !BENCH_OK(cu->cuMemcpyHtoD_v2(p, host, row->bytes)))
			return -1;
	}
	return each(start, n);
}

/* What comes back must be what went in. */
static double copy_out(struct bench_cuda *cu, const struct row *row)
{
	int n = row->bytes == LARGE ? 1 : CALLS;
	CUdeviceptr p = device_of(cu);
	uint8_t seed = (uint8_t)bench_now();
	uint64_t start;
	double ns;

	memset(host, seed, row->bytes);
	if (!p || !BENCH_OK(cu->cuMemcpyHtoD_v2(p, host, row->bytes)))
		return -1;
	memset(host, seed + 1, row->bytes);
	start = bench_now();
	for (int i = 0; i < n; i++) {
		if (!BENCH_OK(cu->cuMemcpyDtoH_v2(host, p, row->bytes)))
			return -1;
	}
	ns = each(start, n);
	for (uint32_t i = 0; i < row->bytes; i += SMALL / 2) {
		if (host[i] != seed) {
			ct_error("%s: the bytes that came back are not those that went", row->name);
			return -1;
		}
	}
	return ns;
}

static double trace(struct bench_cuda *cu, const struct row *row)
{
	return bench_trace_once(cu, LOOP);
}

static const struct row rows[] = {
	{ "call that crosses (cuMemGetInfo)", 0, query },
	{ "cuMemAlloc and cuMemFree, 1 MiB", 0, alloc },
	{ "launch, in the caller", 0, launch_alone },
	{ "launch, unbroken loop", 0, launch_loop },
	{ "launch and synchronise", 0, launch_sync },
	{ "HtoD 4 KiB", SMALL, copy_in },
	{ "DtoH 4 KiB", SMALL, copy_out },
	{ "HtoD 64 MiB", LARGE, copy_in },
	{ "DtoH 64 MiB", LARGE, copy_out },
	{ "framework trace, per operation", 0, trace },
};

static int measure(const struct row *row, struct bench_cuda *native, struct bench_cuda *guest)
{
	struct bench_series alone = { .name = row->name },
			    through = { .name = "  over the socket" };

	/* Once for what is made at first use. */
	if (row->run(native, row) < 0 || row->run(guest, row) < 0)
		return -1;
	for (int i = 0; i < bench_samples(); i++) {
		bench_add(&alone, row->run(native, row));
		bench_add(&through, row->run(guest, row));
		if (alone.ns[i] < 0 || through.ns[i] < 0)
			return -1;
	}
	bench_print(&alone, NULL);
	bench_print(&through, &alone);
	return 0;
}

int bench_beside(void)
{
	struct bench_cuda *native = bench_native(), *guest = bench_guest();
	int err = native && guest ? 0 : -1;

	host = malloc(LARGE);
	if (!host)
		err = -1;
	for (size_t i = 0; !err && i < CW_ARRAY_SIZE(rows); i++)
		err = measure(&rows[i], native, guest);
	free(host);
	return err;
}
