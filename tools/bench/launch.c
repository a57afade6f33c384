/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch: what an asynchronous launch costs its caller, and the rate of an
 * unbroken loop beside that of the back end without a crossing.
 */
#include "tools/bench/bench.h"
#include "tools/bench/cuda.h"
#include "tools/bench/measure.h"
#include "tools/ct.h"

#define BURSTS 500
#define BURST 200
#define LOOP 2000

static CUresult launch(struct bench_cuda *cu)
{
	void *params[] = { &cu->counter };

	return cu->cuLaunchKernel(cu->count_kernel, 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL);
}

static bool counted(struct bench_cuda *cu, uint32_t wanted)
{
	uint32_t count = 0;

	if (!BENCH_OK(cu->cuMemcpyDtoH_v2(&count, cu->counter, sizeof(count))))
		return false;
	if (count != wanted)
		ct_error("%u launches were counted, %u were made", count, wanted);
	return count == wanted;
}

static int bursts(struct bench_cuda *cu, struct bench_series *s)
{
	double sum = 0;

	if (!BENCH_OK(cu->cuMemsetD32_v2(cu->counter, 0, 1)))
		return -1;
	for (int b = 0; b < BURSTS; b++) {
		uint64_t start = bench_now();

		for (int i = 0; i < BURST; i++) {
			if (launch(cu))
				return -1;
		}
		sum += (double)(bench_now() - start) / BURST;
		if (b % (BURSTS / BENCH_SAMPLES) == BURSTS / BENCH_SAMPLES - 1) {
			bench_add(s, sum / (BURSTS / BENCH_SAMPLES));
			sum = 0;
		}
		if (!BENCH_OK(cu->cuCtxSynchronize()))
			return -1;
	}
	return counted(cu, BURSTS * BURST) ? 0 : -1;
}

static double loop(struct bench_cuda *cu)
{
	uint64_t start = bench_now();

	for (int i = 0; i < LOOP; i++) {
		if (launch(cu))
			return -1;
	}
	cu->cuCtxSynchronize();
	return (double)(bench_now() - start) / LOOP;
}

int bench_launch(void)
{
	struct bench_series burst = { .name = "launch, in the caller (500 x 200)" },
			    guest = { .name = "launch, unbroken loop with sync" },
			    native = { .name = "the same, back end alone" };
	/* In a VM the back end is outside: there is nothing to load it from. */
	bool vm = bench_in_vm();
	struct bench_cuda *cu = bench_guest(), *soft = vm ? NULL : bench_native();

	if (!cu || (!soft && !vm) || bursts(cu, &burst))
		return -1;
	bench_count("launches counted in device memory", BURSTS * BURST, "of 100000");
	for (int i = 0; i < BENCH_SAMPLES; i++) {
		if (soft)
			bench_add(&native, loop(soft));
		bench_add(&guest, loop(cu));
	}
	bench_print(&burst, NULL);
	if (soft)
		bench_print(&native, NULL);
	bench_print(&guest, soft ? &native : NULL);
	return 0;
}
