/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of each kernel: kept for the life of the process, printed at its
 * end where CAUSEWAY_SOFT_STATS asks for it.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "softgpu/jit/run/unit.h"

static pthread_mutex_t stats_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sg_jit_record *stats_list;

static void stats_print(void)
{
	pthread_mutex_lock(&stats_lock);
	for (const struct sg_jit_record *r = stats_list; r; r = r->next) {
		fprintf(stderr, "kernel=\"%s\" %s=%" PRIu64 "us launches=%llu", r->name, r->origin,
			r->micros, (unsigned long long)atomic_load(&r->launches));
		if (r->reason[0])
			fprintf(stderr, " reason=\"%s\"\n", r->reason);
		else
			fprintf(stderr, " shape=%u insns=%u blocks=%u helped=%u bytes=%u%s\n",
				r->shape, r->insns, r->blocks, r->helped, r->bytes,
				r->careful ? " careful" : "");
	}
	pthread_mutex_unlock(&stats_lock);
}

/* A new record at the front of the list; NULL when out of memory. */
struct sg_jit_record *sg_jit_record_new(const char *name)
{
	struct sg_jit_record *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->name = strdup(name);
	r->origin = "interpreted";
	if (!r->name) {
		free(r);
		return NULL;
	}
	pthread_mutex_lock(&stats_lock);
	if (!stats_list && secure_getenv("CAUSEWAY_SOFT_STATS"))
		atexit(stats_print);
	r->next = stats_list;
	stats_list = r;
	pthread_mutex_unlock(&stats_lock);
	return r;
}

/* The newest first; records are never freed. */
const struct sg_jit_record *sg_jit_records(void)
{
	const struct sg_jit_record *r;

	pthread_mutex_lock(&stats_lock);
	r = stats_list;
	pthread_mutex_unlock(&stats_lock);
	return r;
}
