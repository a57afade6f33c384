/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causeway bench: runs the benchmarks of a table.
 */
#include "tools/bench/bench.h"

#include <stdio.h>
#include <string.h>

#include "tools/ct.h"

const struct ct_bench ct_benches[] = {
	{ 0 },
};

static int bench_list(void *ctx, const char *value)
{
	*(bool *)ctx = true;
	return 0;
}

static const struct ct_option bench_options[] = {
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
