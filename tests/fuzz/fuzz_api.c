/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A description of an API as the generator reads it: any text gives errors or
 * every output, never worse.
 *
 * Covers: gen/check.c gen/emit.c gen/emit_coverage.c gen/emit_crossing.c
 * gen/emit_driver.c gen/emit_export.c gen/emit_guest.c gen/emit_ids.c
 * gen/emit_struct.c gen/emit_tests.c gen/emit_trace.c gen/emit_worker.c
 * gen/model.c gen/parse.c gen/parse_func.c gen/scan.c
 */
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gen/emit.h"
#include "tests/fuzz/fuzz.h"

#define BLOCKS_MAX (1u << 20)

/* In place of gen/alloc.c: each block by itself, and all freed after an input. */
static void **blocks;
static size_t nr_blocks;

void *gen_alloc(size_t size)
{
	if (!blocks)
		blocks = calloc(BLOCKS_MAX, sizeof(*blocks));
	FZ_REQUIRE(nr_blocks < BLOCKS_MAX);
	blocks[nr_blocks] = calloc(1, size);
	FZ_REQUIRE(blocks[nr_blocks]);
	return blocks[nr_blocks++];
}

char *gen_strdup(const char *s)
{
	return strcpy(gen_alloc(strlen(s) + 1), s);
}

char *gen_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = gen_alloc((size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

static void (*const emitters[])(struct gen_out *o) = {
	gen_emit_proto,		 gen_emit_exports,	  gen_emit_ids,
	gen_emit_names,		 gen_emit_procaddr,	  gen_emit_refused,
	gen_emit_weak,		 gen_emit_policy,	  gen_emit_results,
	gen_emit_attrs,		 gen_emit_guest,	  gen_emit_guest_h,
	gen_emit_guest_structs_h, gen_emit_guest_structs_c, gen_emit_worker,
	gen_emit_worker_h,	 gen_emit_worker_table,	  gen_emit_driver_h,
	gen_emit_driver_c,	 gen_emit_tests,	  gen_emit_coverage,
	gen_emit_worker_structs_h, gen_emit_worker_structs_c,
};

static void emit_all(const struct gen_api *api)
{
	FILE *f = fopen("/dev/null", "w");

	for (size_t i = 0; i < CW_ARRAY_SIZE(emitters); i++) {
		struct gen_out o = { .f = f, .api = api };

		emitters[i](&o);
	}
	fclose(f);
	fz_plant(api->nfuncs == 3 && api->ntypes == 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int before = gen_errors(), fd = memfd_create("api", 0);
	struct gen_api api = { 0 };
	struct gen_file file;
	char path[64];

	fz_quiet();
	FZ_REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!gen_scan(path, &file))
		gen_parse(&api, &file);
	gen_resolve(&api);
	gen_check(&api);
	if (gen_errors() == before)
		emit_all(&api);
	close(fd);
	while (nr_blocks)
		free(blocks[--nr_blocks]);
	return 0;
}
