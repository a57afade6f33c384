// SPDX-License-Identifier: Apache-2.0
// CUDA in a parent and in a child that was forked before the parent began; a
// child of a process that already uses CUDA gets an error and no harm is done.
#include <cuda_runtime.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prog.h"

__global__ void add(int *p, int v)
{
	p[threadIdx.x] += v;
}

static int compute(int v)
{
	int host[32] = { 0 }, *p, bad;

	bad = cudaMalloc(&p, sizeof(host));
	bad |= cudaMemcpy(p, host, sizeof(host), cudaMemcpyHostToDevice);
	add<<<1, 32>>>(p, v);
	bad |= cudaMemcpy(host, p, sizeof(host), cudaMemcpyDeviceToHost);
	for (int i = 0; i < 32; i++)
		bad |= host[i] != v;
	return bad;
}

static int status_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	pid_t early, late;
	int *p;

	prog_begin(argc, argv, "fork", 1);
	early = fork();
	if (!early)
		_exit(compute(5) ? 1 : 0);
	CHECK(compute(6) == 0);
	late = fork();
	if (!late)
		_exit(cudaMalloc(&p, 4) == cudaErrorInitializationError ? 0 : 2);
	CHECK(status_of(late) == 0);
	CHECK(compute(7) == 0);
	CHECK(status_of(early) == 0);
	prog_int("processes", 3);
	return prog_end();
}
