/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples, medians and their lines.
 */
#include "tools/bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int json;
static int samples = BENCH_SAMPLES;

int bench_samples(void)
{
	return samples;
}

void bench_set_samples(int n)
{
	samples = n;
}

void bench_set_json(int on)
{
	json = on;
}

uint64_t bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

void bench_add(struct bench_series *s, double ns)
{
	if (s->n < BENCH_SAMPLES)
		s->ns[s->n++] = ns;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double rank(const double *values, int n, int percent)
{
	double sorted[BENCH_SAMPLES];

	if (!n)
		return 0;
	memcpy(sorted, values, (size_t)n * sizeof(sorted[0]));
	qsort(sorted, (size_t)n, sizeof(sorted[0]), compare);
	return sorted[(n - 1) * percent / 100];
}

static double ranked(const struct bench_series *s, int percent)
{
	return rank(s->ns, s->n, percent);
}

/* Of the samples pair by pair, so that a machine that slows down midway slows
 * both sides of a pair. */
static double ratio_of(const struct bench_series *s, const struct bench_series *to)
{
	double ratios[BENCH_SAMPLES];
	int n = s->n < to->n ? s->n : to->n;

	for (int i = 0; i < n; i++)
		ratios[i] = to->ns[i] > 0 ? s->ns[i] / to->ns[i] : 0;
	return rank(ratios, n, 50);
}

double bench_median(const struct bench_series *s)
{
	return ranked(s, 50);
}

double bench_min(const struct bench_series *s)
{
	return ranked(s, 0);
}

double bench_max(const struct bench_series *s)
{
	return ranked(s, 100);
}

static void print_ns(double ns)
{
	if (ns < 1e4)
		printf("%9.0f ns", ns);
	else if (ns < 1e7)
		printf("%9.1f us", ns / 1e3);
	else
		printf("%9.1f ms", ns / 1e6);
}

void bench_print(const struct bench_series *s, const struct bench_series *to)
{
	double ratio = to ? ratio_of(s, to) : 0;

	if (json) {
		printf("{\"name\": \"%s\", \"median_ns\": %.1f, \"min_ns\": %.1f, "
		       "\"max_ns\": %.1f, \"samples\": %d",
		       s->name, bench_median(s), bench_min(s), bench_max(s), s->n);
		if (to)
			printf(", \"to\": \"%s\", \"ratio\": %.3f", to->name, ratio);
		puts("}");
		return;
	}
	printf("%-44s", s->name);
	print_ns(bench_median(s));
	printf("  [");
	print_ns(bench_min(s));
	printf(" ..");
	print_ns(bench_max(s));
	printf(" ]");
	if (to)
		printf("  = %.2f x %s", ratio, to->name);
	putchar('\n');
	fflush(stdout);
}

void bench_count(const char *name, uint64_t value, const char *what)
{
	if (json)
		printf("{\"name\": \"%s\", \"count\": %llu, \"of\": \"%s\"}\n", name,
		       (unsigned long long)value, what);
	else
		printf("%-44s%9llu %s\n", name, (unsigned long long)value, what);
	fflush(stdout);
}
