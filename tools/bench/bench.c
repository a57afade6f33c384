/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causeway bench: runs the benchmarks of a table.
 */
#include "tools/bench/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/cuda.h"
#include "tools/bench/measure.h"
#include "tools/ct.h"

const struct ct_bench ct_benches[] = {
	{ "latency", "a call and its answer, against the machine's own round trips",
	  bench_latency },
	{ "launch", "an asynchronous launch; a loop of them against the back end alone",
	  bench_launch },
	{ "copy", "64 MiB each way, against memcpy", bench_copy },
	{ "trace", "what a framework does: crossings that wait", bench_trace },
	{ "start", "a fresh process to its first answers", bench_start },
	{ "beside", "the same on a libcuda natively and through the boundary", bench_beside },
	{ 0 },
};

static int bench_list(void *ctx, const char *value)
{
	*(bool *)ctx = true;
	return 0;
}

static int bench_format(void *ctx, const char *value)
{
	if (strcmp(value, "table") && strcmp(value, "json")) {
		ct_error("--format is table or json, not '%s'", value);
		return -EINVAL;
	}
	bench_set_json(!strcmp(value, "json"));
	return 0;
}

static int bench_native_is(void *ctx, const char *value)
{
	bench_set_native(value);
	return 0;
}

static int bench_samples_are(void *ctx, const char *value)
{
	int n = atoi(value);

	if (n < 1 || n > BENCH_SAMPLES) {
		ct_error("--samples is 1 to %d, not '%s'", BENCH_SAMPLES, value);
		return -EINVAL;
	}
	bench_set_samples(n);
	return 0;
}

static const struct ct_option bench_options[] = {
	{ "format", "table|json", bench_format, "how results are printed (default: table)" },
	{ "native", "PATH", bench_native_is,
	  "libcuda that is called without a crossing (default: the software GPU)" },
	{ "samples", "N", bench_samples_are, "of each thing, for beside (default: 25)" },
	{ "list", NULL, bench_list, "print the names of the benchmarks" },
	{ 0 },
};

static int bench_run(const struct ct_command *cmd, int argc, char **argv)
{
	const char *wanted;
	bool list = false;
	int first = ct_options_parse(cmd, &list, argc, argv);
	int n = 0, status = 0;

	if (first < 0)
		return -1 - first;
	wanted = first < argc ? argv[first] : NULL;
	for (const struct ct_bench *b = ct_benches; b->name; b++) {
		if (wanted && strcmp(wanted, b->name))
			continue;
		n++;
		if (list)
			printf("%-16s %s\n", b->name, b->summary);
		else if (b->run())
			status = 1;
	}
	if (!n && !list) {
		ct_error("no such benchmark; causeway bench --list shows what there is");
		return CT_EXIT_USAGE;
	}
	return status;
}

const struct ct_command ct_cmd_bench = {
	.name = "bench",
	.usage = "[OPTION...] [NAME]",
	.summary = "Measures, and prints ratios of two things of the same run.",
	.options = bench_options,
	.run = bench_run,
};
