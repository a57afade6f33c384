/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test harness: TAP 13 on stdout, so that Meson counts each test.
 *
 *	TEST(sentence_that_must_hold)
 *	{
 *		CHECK_EQ(add(1, 2), 3);
 *	}
 *	TAP_MAIN()
 *
 * A failed CHECK ends its test, not the program. SKIP("why") likewise. Tests
 * register themselves by constructor and run sorted by name, so the order does
 * not depend on the build. argv[1], where given, runs the tests whose name
 * contains it.
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAP_MAX 512

struct tap_test {
	const char *name;
	void (*fn)(void);
};

static struct tap_test tap_tests[TAP_MAX];
static int tap_count;
static jmp_buf tap_escape;
enum { TAP_FAIL = 1, TAP_SKIP = 2 };
static const char *tap_skip_reason = "";

#define TEST(id)                                                                                   \
	static void tap_##id(void);                                                                \
	__attribute__((constructor)) static void tap_reg_##id(void)                                \
	{                                                                                          \
		if (tap_count < TAP_MAX)                                                           \
			tap_tests[tap_count++] = (struct tap_test){ #id, tap_##id };               \
	}                                                                                          \
	static void tap_##id(void)

#define TAP_STOP(how) longjmp(tap_escape, how)

#define CHECK(expr)                                                                                \
	do {                                                                                       \
		if (!(expr)) {                                                                     \
			printf("# %s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #expr);          \
			TAP_STOP(TAP_FAIL);                                                        \
		}                                                                                  \
	} while (0)

#define CHECK_EQ(a, b)                                                                             \
	do {                                                                                       \
		long long tap_a_ = (long long)(a), tap_b_ = (long long)(b);                        \
		if (tap_a_ != tap_b_) {                                                            \
			printf("# %s:%d: %s is %lld (0x%llx), wanted %s = %lld (0x%llx)\n",        \
			       __FILE__, __LINE__, #a, tap_a_, tap_a_, #b, tap_b_, tap_b_);        \
			TAP_STOP(TAP_FAIL);                                                        \
		}                                                                                  \
	} while (0)

#define CHECK_STR(a, b)                                                                            \
	do {                                                                                       \
		const char *tap_a_ = (a), *tap_b_ = (b);                                           \
		if (strcmp(tap_a_, tap_b_)) {                                                      \
			printf("# %s:%d: %s is \"%s\", wanted \"%s\"\n", __FILE__, __LINE__, #a,   \
			       tap_a_, tap_b_);                                                    \
			TAP_STOP(TAP_FAIL);                                                        \
		}                                                                                  \
	} while (0)

#define SKIP(why)                                                                                  \
	do {                                                                                       \
		tap_skip_reason = (why);                                                           \
		TAP_STOP(TAP_SKIP);                                                                \
	} while (0)

static int tap_compare(const void *a, const void *b)
{
	return strcmp(((const struct tap_test *)a)->name, ((const struct tap_test *)b)->name);
}

static inline int tap_run(const char *filter)
{
	volatile int failed = 0; /* lives across longjmp() */

	setvbuf(stdout, NULL, _IOLBF, 0);
	qsort(tap_tests, tap_count, sizeof(tap_tests[0]), tap_compare);
	printf("1..%d\n", tap_count);
	for (int i = 0; i < tap_count; i++) {
		const char *name = tap_tests[i].name;
		int how;

		if (filter && !strstr(name, filter)) {
			printf("ok %d %s # SKIP filtered\n", i + 1, name);
			continue;
		}
		how = setjmp(tap_escape);
		if (!how)
			tap_tests[i].fn();
		if (how == TAP_SKIP) {
			printf("ok %d %s # SKIP %s\n", i + 1, name, tap_skip_reason);
			continue;
		}
		printf("%sok %d %s\n", how ? "not " : "", i + 1, name);
		failed += how == TAP_FAIL;
	}
	return failed ? 1 : 0;
}

#define TAP_MAIN()                                                                                 \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		return tap_run(argc > 1 ? argv[1] : NULL);                                         \
	}

#endif
