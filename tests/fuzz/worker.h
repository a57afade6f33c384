/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included ahead of all of each worker file that fuzz_wire is made of.
 *
 * A worker is a process: its state is in variables, its memory goes with it,
 * and who has to wait blocks. A fuzz target does thousands in one process: it
 * sets the variables back, which clang puts into sections of their own, frees
 * what is left, and who would wait, or exit, ends the input.
 */
#ifndef TESTS_FUZZ_WORKER_H
#define TESTS_FUZZ_WORKER_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __clang__
#pragma clang section bss = "fz_bss" data = "fz_data"
#endif

void *fz_malloc(size_t size);
void *fz_calloc(size_t n, size_t size);
void *fz_realloc(void *p, size_t size);
char *fz_strdup(const char *s);
void fz_free(void *p);
int fz_wait(void);

#undef strdup
#define _exit(status) fz_wait()
#define malloc fz_malloc
#define calloc fz_calloc
#define realloc fz_realloc
#define strdup fz_strdup
#define free fz_free
#define pthread_cond_wait(cond, mutex) fz_wait()
#define pthread_cond_timedwait(cond, mutex, until) fz_wait()

#endif
