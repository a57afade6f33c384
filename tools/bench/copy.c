/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy: 64 MiB between malloc'ed memory and the device, against memcpy of the
 * same bytes. Contents change after every return and are checksummed.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/bench/bench.h"
#include "tools/bench/cuda.h"
#include "tools/bench/measure.h"
#include "tools/ct.h"

#define BYTES (64u << 20)
#define WORDS (BYTES / 8)

static uint64_t sum_of(const uint64_t *p)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < WORDS; i++)
		sum = sum * 31 + p[i];
	return sum;
}

static void change(uint64_t *p, uint64_t seed)
{
	for (size_t i = 0; i < WORDS; i++)
		p[i] = (i + seed) * 0x9e3779b97f4a7c15ull;
}

struct buffers {
	uint64_t *host, *other, *back;
	CUdeviceptr device;
};

static int once(struct bench_cuda *cu, struct buffers *b, struct bench_series *s, uint64_t seed)
{
	uint64_t wanted, start;

	change(b->host, seed);
	wanted = sum_of(b->host);
	start = bench_now();
	memcpy(b->other, b->host, BYTES);
	bench_add(&s[0], (double)(bench_now() - start));
	start = bench_now();
	if (!BENCH_OK(cu->cuMemcpyHtoD_v2(b->device, b->host, BYTES)))
		return -1;
	bench_add(&s[1], (double)(bench_now() - start));
	/* What was copied must not depend on what the buffer holds now. */
	memset(b->host, (int)seed, BYTES);
	memset(b->back, 0x55, BYTES);
	start = bench_now();
	if (!BENCH_OK(cu->cuMemcpyDtoH_v2(b->back, b->device, BYTES)))
		return -1;
	bench_add(&s[2], (double)(bench_now() - start));
	if (sum_of(b->back) == wanted)
		return 0;
	ct_error("the bytes that came back are not those that went");
	return -1;
}

int bench_copy(void)
{
	struct bench_series s[] = { { .name = "memcpy 64 MiB" }, { .name = "HtoD 64 MiB" },
				    { .name = "DtoH 64 MiB" } };
	struct bench_cuda *cu = bench_guest();
	struct buffers b = { malloc(BYTES), malloc(BYTES), malloc(BYTES), 0 };
	struct cw_guest_stat before, after;
	int err = -1;

	if (!cu || !b.host || !b.other || !b.back || !BENCH_OK(cu->cuMemAlloc_v2(&b.device, BYTES)))
		goto out;
	memset(b.other, 1, BYTES);
	if (once(cu, &b, (struct bench_series[3]){ 0 }, 99))
		goto out;
	cu->stat->guest(&before);
	for (uint64_t i = 0; i < BENCH_SAMPLES; i++) {
		if (once(cu, &b, s, i))
			goto out;
	}
	cu->stat->guest(&after);
	bench_print(&s[0], NULL);
	bench_print(&s[1], &s[0]);
	bench_print(&s[2], &s[0]);
	bench_count("bytes through cw_copy in this process",
		    (after.copied - before.copied) / (2ull * BYTES * BENCH_SAMPLES),
		    "per byte copied");
	err = 0;
out:
	if (cu && b.device)
		cu->cuMemFree_v2(b.device);
	free(b.host);
	free(b.other);
	free(b.back);
	return err;
}
