/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cwgen: makes C and documentation from the description of the CUDA API.
 *
 *	cwgen KIND[:FAMILY] OUTPUT FILE...
 *
 * Reads every FILE, checks all of it, and writes one output. Nothing is
 * written where there was an error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gen/emit.h"

static const struct {
	const char *name;
	void (*emit)(struct gen_out *o);
} kinds[] = {
	{ "proto", gen_emit_proto },
	{ "exports", gen_emit_exports },
	{ "ids", gen_emit_ids },
	{ "names", gen_emit_names },
	{ "procaddr", gen_emit_procaddr },
	{ "refused", gen_emit_refused },
	{ "answers", gen_emit_answers },
	{ "weak", gen_emit_weak },
	{ "soft-h", gen_emit_soft_h },
	{ "soft-c", gen_emit_soft_c },
	{ "soft-calls", gen_emit_soft_calls },
	{ "policy", gen_emit_policy },
	{ "results", gen_emit_results },
	{ "attrs", gen_emit_attrs },
	{ "guest", gen_emit_guest },
	{ "guest-h", gen_emit_guest_h },
	{ "guest-structs-h", gen_emit_guest_structs_h },
	{ "guest-structs-c", gen_emit_guest_structs_c },
	{ "worker", gen_emit_worker },
	{ "worker-h", gen_emit_worker_h },
	{ "worker-table", gen_emit_worker_table },
	{ "driver-h", gen_emit_driver_h },
	{ "driver-c", gen_emit_driver_c },
	{ "tests", gen_emit_tests },
	{ "coverage", gen_emit_coverage },
	{ "worker-structs-h", gen_emit_worker_structs_h },
	{ "worker-structs-c", gen_emit_worker_structs_c },
};

static int usage(void)
{
	fputs("usage: cwgen KIND[:FAMILY] OUTPUT FILE...\nkinds:", stderr);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		fprintf(stderr, " %s", kinds[i].name);
	fputc('\n', stderr);
	return 2;
}

static int emit(const struct gen_api *api, char *kind, const char *path)
{
	struct gen_out o = { .api = api, .family = strchr(kind, ':') };

	if (o.family)
		*strchr(kind, ':') = 0, o.family++;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, kind))
			continue;
		o.f = fopen(path, "w");
		if (!o.f) {
			fprintf(stderr, "%s: error: %s\n", path, strerror(errno));
			return 1;
		}
		kinds[i].emit(&o);
		return fclose(o.f) ? 1 : 0;
	}
	return usage();
}

int main(int argc, char **argv)
{
	struct gen_api api = { 0 };

	if (argc < 4)
		return usage();
	for (int i = 3; i < argc; i++) {
		struct gen_file file;

		if (!gen_scan(argv[i], &file))
			gen_parse(&api, &file);
	}
	gen_resolve(&api);
	gen_check(&api);
	if (gen_errors())
		return 1;
	return emit(&api, argv[1], argv[2]);
}
