/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fuzz targets share: reading an input as a sequence of choices.
 *
 * A target is a file fuzz_NAME.c with LLVMFuzzerTestOneInput(). libFuzzer calls
 * it with inputs of its own, replay.c with those of corpus/NAME. A target has
 * no memory from one input to the next.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cw/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input says. */
#define FZ_REQUIRE(expr)                                                                           \
	do {                                                                                       \
		if (!(expr)) {                                                                     \
			dprintf(2, "%s:%d: FZ_REQUIRE(%s) failed\n", __FILE__, __LINE__, #expr);   \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* What the code under test says on stderr goes nowhere; sanitizers still speak. */
static inline void fz_quiet(void)
{
	if (fileno(stderr) == 2)
		stderr = fopen("/dev/null", "we");
}

/* The number that the next descriptor will get: what is left open moves it. */
static inline int fz_next_fd(void)
{
	int fd = dup(2);

	close(fd);
	return fd;
}

/**
 * struct fz_input - The rest of an input
 * @p:	next byte
 * @n:	bytes left
 */
struct fz_input {
	const uint8_t *p;
	size_t n;
};

/* Takes up to @len bytes into @dst; what is missing is zero. */
static inline size_t fz_take(struct fz_input *in, void *dst, size_t len)
{
	size_t got = cw_min(len, in->n);

	memset(dst, 0, len);
	if (got)
		memcpy(dst, in->p, got);
	in->p += got;
	in->n -= got;
	return got;
}

static inline uint8_t fz_u8(struct fz_input *in)
{
	uint8_t v;

	fz_take(in, &v, sizeof(v));
	return v;
}

static inline uint16_t fz_u16(struct fz_input *in)
{
	uint16_t v;

	fz_take(in, &v, sizeof(v));
	return v;
}

static inline uint32_t fz_u32(struct fz_input *in)
{
	uint32_t v;

	fz_take(in, &v, sizeof(v));
	return v;
}

static inline uint64_t fz_u64(struct fz_input *in)
{
	uint64_t v;

	fz_take(in, &v, sizeof(v));
	return v;
}

#ifdef CW_PLANT
/*
 * The planted bug of a target: a write past the end of a heap block, once the
 * target has seen what it calls @deep. Only in builds with -Dplant=NAME, to
 * see that fuzzing finds what is there to be found.
 */
static inline void fz_plant(int deep)
{
	volatile char *block = malloc(8);

	if (deep && block)
		block[8] = 1;
	free((void *)block);
}
#else
#define fz_plant(deep) ((void)0)
#endif

#endif
