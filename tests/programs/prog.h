/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every test program shares: options, checks, one line of JSON.
 *
 *	int main(int argc, char **argv)
 *	{
 *		int n = prog_begin(argc, argv, "name", 1024);
 *		...
 *		prog_int("n", n);
 *		return prog_end();
 *	}
 *
 * Options: --size N, --in FILE, --out FILE. The line on stdout has "program",
 * "ok", the fields the program gave, in order, which are the same in every
 * world, and "ms", which is not. Exit status: 0 if ok, else 1; 77 for a skip.
 * Plain C and C++, so that driver API programs in C share it.
 */
#ifndef PROGRAMS_PROG_H
#define PROGRAMS_PROG_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct prog {
	const char *name;
	const char *in;
	const char *out;
	int ok;
	char why[256];
	char fields[2048];
	size_t used;
	struct timespec start;
};

static struct prog prog;

static inline void prog_field(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(prog.fields + prog.used, sizeof(prog.fields) - prog.used, fmt, ap);
	va_end(ap);
	if (n > 0 && prog.used + (size_t)n < sizeof(prog.fields))
		prog.used += (size_t)n;
}

static inline void prog_int(const char *key, long long value)
{
	prog_field(",\"%s\":%lld", key, value);
}

static inline void prog_real(const char *key, double value)
{
	prog_field(",\"%s\":%.6g", key, value);
}

static inline void prog_str(const char *key, const char *value)
{
	prog_field(",\"%s\":\"%s\"", key, value);
}

/* Notes what is wrong; the first note is printed, the program goes on. */
static inline void prog_fail(const char *fmt, ...)
{
	va_list ap;

	if (prog.ok) {
		va_start(ap, fmt);
		vsnprintf(prog.why, sizeof(prog.why), fmt, ap);
		va_end(ap);
	}
	prog.ok = 0;
}

static inline int prog_end(void)
{
	struct timespec now;
	double ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (double)(now.tv_sec - prog.start.tv_sec) * 1e3 +
	     (double)(now.tv_nsec - prog.start.tv_nsec) / 1e6;
	if (!prog.ok)
		prog_str("why", prog.why);
	printf("{\"program\":\"%s\",\"ok\":%s%s,\"ms\":%.3f}\n", prog.name,
	       prog.ok ? "true" : "false", prog.fields, ms);
	fflush(stdout);
	return prog.ok ? 0 : 1;
}

static inline int prog_skip(const char *why)
{
	printf("{\"program\":\"%s\",\"ok\":true,\"skip\":\"%s\"}\n", prog.name, why);
	return 77;
}

/* Reads the options. Returns the size asked for, or the default. */
static inline int prog_begin(int argc, char **argv, const char *name, int size)
{
	prog.name = name;
	prog.ok = 1;
	clock_gettime(CLOCK_MONOTONIC, &prog.start);
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--size"))
			size = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--in"))
			prog.in = argv[i + 1];
		else if (!strcmp(argv[i], "--out"))
			prog.out = argv[i + 1];
	}
	return size > 0 ? size : 1;
}

#define CHECK(expr)                                                        \
	do {                                                               \
		if (!(expr))                                               \
			prog_fail("line %d: not so: %s", __LINE__, #expr); \
	} while (0)

/* A call that must succeed, or the program ends here. */
#define CUDA(call)                                                                              \
	do {                                                                                    \
		int prog_err_ = (int)(call);                                                    \
		if (prog_err_) {                                                                \
			prog_fail("line %d: error %d from %.120s", __LINE__, prog_err_, #call); \
			exit(prog_end());                                                       \
		}                                                                               \
	} while (0)

/* A call that must answer just this. */
#define CUDA_IS(call, wanted)                                                            \
	do {                                                                             \
		int prog_err_ = (int)(call);                                             \
		if (prog_err_ != (int)(wanted))                                          \
			prog_fail("line %d: error %d, wanted %d, from %.100s", __LINE__, \
				  prog_err_, (int)(wanted), #call);                      \
	} while (0)

/* The same numbers everywhere: a linear congruential generator (Knuth's). */
static inline unsigned int prog_random(unsigned long long *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(*state >> 33);
}

/* FNV-1a: the fingerprint of exact results. */
static inline unsigned long long prog_hash(const void *data, size_t size)
{
	const unsigned char *p = (const unsigned char *)data;
	unsigned long long h = 14695981039346656037ull;

	for (size_t i = 0; i < size; i++)
		h = (h ^ p[i]) * 1099511628211ull;
	return h & 0xffffffffffffull;
}

#endif
