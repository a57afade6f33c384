/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Benchmarks of `causeway bench`: a table, one file each in this folder.
 */
#ifndef TOOLS_BENCH_BENCH_H
#define TOOLS_BENCH_BENCH_H

/**
 * struct ct_bench - A benchmark
 * @name:	word on the command line
 * @summary:	what is compared with what
 * @run:	measures and prints ratios; returns 0, or a negative errno after a
 *		line on stderr
 */
struct ct_bench {
	const char *name;
	const char *summary;
	int (*run)(void);
};

int bench_latency(void);
int bench_launch(void);
int bench_copy(void);
int bench_trace(void);
int bench_start(void);
int bench_beside(void);

/* Ended by an entry without a name; in bench.c. */
extern const struct ct_bench ct_benches[];

#endif
