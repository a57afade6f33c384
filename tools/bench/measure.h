/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measuring: pairs taken in turn, medians, spreads, ratios.
 */
#ifndef TOOLS_BENCH_MEASURE_H
#define TOOLS_BENCH_MEASURE_H

#include <stdint.h>

#define BENCH_SAMPLES 25

/**
 * struct bench_series - Samples of one thing, in nanoseconds
 */
struct bench_series {
	const char *name;
	double ns[BENCH_SAMPLES];
	int n;
};

uint64_t bench_now(void);
void bench_add(struct bench_series *s, double ns);
/* Median, least and greatest of what was added. */
double bench_median(const struct bench_series *s);
double bench_min(const struct bench_series *s);
double bench_max(const struct bench_series *s);

/**
 * bench_print() - One line: median, spread, and the median of the ratios to
 * another series, pair by pair
 * @s:		what was measured
 * @to:		what it is compared with, or NULL
 */
void bench_print(const struct bench_series *s, const struct bench_series *to);
/* One line for a count. */
void bench_count(const char *name, uint64_t value, const char *what);

/* Samples to take where --samples says so, else BENCH_SAMPLES. */
int bench_samples(void);
void bench_set_samples(int n);

/* Whether lines are JSON objects (--format=json). */
void bench_set_json(int on);

#endif
