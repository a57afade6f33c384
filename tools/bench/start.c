/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start: from the first call of a fresh process to the first answer about a
 * device, and to the first answer of a worker that has a context.
 *
 * Each sample is a process of its own: a client is opened once per process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tools/bench/cuda.h"
#include "tools/bench/measure.h"
#include "tools/ct.h"

/* Nanoseconds to the device's name and to free memory. */
struct times {
	double device;
	double context;
};

static int measure(struct times *t)
{
	struct bench_cuda cu;
	size_t free_bytes, total;
	char name[128];
	uint64_t start;

	if (bench_cuda_bind(&cu))
		return -1;
	start = bench_now();
	if (!BENCH_OK(cu.cuInit(0)) || !BENCH_OK(cu.cuDeviceGetName(name, sizeof(name), 0)))
		return -1;
	t->device = (double)(bench_now() - start);
	if (!BENCH_OK(cu.cuDevicePrimaryCtxRetain(&cu.ctx, 0)) ||
	    !BENCH_OK(cu.cuCtxSetCurrent(cu.ctx)) ||
	    !BENCH_OK(cu.cuMemGetInfo_v2(&free_bytes, &total)))
		return -1;
	t->context = (double)(bench_now() - start);
	return 0;
}

static int in_child(struct times *t)
{
	int fd[2], status;
	pid_t pid;

	if (pipe(fd))
		return -1;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		bool ok = !measure(t) && write(fd[1], t, sizeof(*t)) == sizeof(*t);

		_exit(ok ? 0 : 1);
	}
	close(fd[1]);
	if (pid < 0 || read(fd[0], t, sizeof(*t)) != sizeof(*t))
		pid = -1;
	close(fd[0]);
	while (wait(&status) > 0 && pid < 0)
		;
	return pid < 0 ? -1 : 0;
}

int bench_start(void)
{
	struct bench_series device = { .name = "open to first device query" },
			    context = { .name = "open to first answer in a context" };
	struct times t;

	if (bench_way_to_gpu())
		return -1;
	for (int i = 0; i < BENCH_SAMPLES; i++) {
		if (in_child(&t))
			return -1;
		bench_add(&device, t.device);
		bench_add(&context, t.context);
	}
	bench_print(&device, NULL);
	bench_print(&context, NULL);
	return 0;
}
