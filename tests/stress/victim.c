/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/stress/victim.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cuda_proto.h"
#include "cw/cuda.h"
#include "cw/stat.h"

/* Only a test that fails waits so long. */
#define PATIENCE_S 300
#define INLINE_BYTES (16u << 10)
/* Three quarters of a ring. */
#define INLINE_COPIES 48
#define BULK_BYTES (8u << 20)
#define WORDS 4096u
#define HOLD_MS 10000
#define HOLDS 60

const char *const victim_state_names[V_STATES] = {
	[V_NONE] = "none",	   [V_ENCODING] = "encoding", [V_FULL] = "ring full",
	[V_BULK] = "bulk",	   [V_WAIT] = "wait",	      [V_CALLBACK] = "callback",
	[V_OPEN] = "open",	   [V_CLOSE] = "close",
};

static const char ptx[] = ".version 6.3\n.target sm_75\n.address_size 64\n"
			  ".visible .entry spin(.param .u64 p)\n{\n"
			  "	.reg .pred %p<2>;\n	.reg .b64 %rd<2>;\n	.reg .b32 %r<2>;\n"
			  "	ld.param.u64 %rd1, [p];\n"
			  "AGAIN:\n"
			  "	ld.volatile.global.u32 %r1, [%rd1];\n"
			  "	setp.eq.u32 %p1, %r1, 0;\n"
			  "	@%p1 bra AGAIN;\n"
			  "	ret;\n}\n"
			  ".visible .entry add(.param .u64 p, .param .u32 by)\n{\n"
			  "	.reg .b64 %rd<4>;\n	.reg .b32 %r<7>;\n"
			  "	ld.param.u64 %rd1, [p];\n"
			  "	ld.param.u32 %r1, [by];\n"
			  "	mov.u32 %r2, %ctaid.x;\n"
			  "	mov.u32 %r3, %ntid.x;\n"
			  "	mov.u32 %r4, %tid.x;\n"
			  "	mad.lo.s32 %r5, %r2, %r3, %r4;\n"
			  "	mul.wide.u32 %rd2, %r5, 4;\n"
			  "	add.s64 %rd3, %rd1, %rd2;\n"
			  "	ld.global.u32 %r6, [%rd3];\n"
			  "	add.u32 %r6, %r6, %r1;\n"
			  "	st.global.u32 [%rd3], %r6;\n"
			  "	ret;\n}\n";

/* What a process has of the device. */
struct gear {
	CUcontext ctx;
	CUmodule module;
	CUfunction spin, add;
	CUstream stream;
	CUdeviceptr data;
	const struct cw_stat_table *stat;
	struct victim *v;
	void *host;
};

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

static void enter(struct victim *v, enum victim_state state)
{
	v->state = state;
	v->entered = 1;
}

#define TRY(call)                                                                                  \
	do {                                                                                       \
		CUresult try_r_ = (call);                                                          \
		if (try_r_)                                                                        \
			return try_r_;                                                             \
	} while (0)

static CUresult gear_up(struct gear *g)
{
	static const CUuuid id = { CW_STAT_UUID_BYTES };

	TRY(cuDevicePrimaryCtxRetain(&g->ctx, 0));
	TRY(cuCtxSetCurrent(g->ctx));
	TRY(cuModuleLoadData(&g->module, ptx));
	TRY(cuModuleGetFunction(&g->spin, g->module, "spin"));
	TRY(cuModuleGetFunction(&g->add, g->module, "add"));
	TRY(cuStreamCreate(&g->stream, CU_STREAM_NON_BLOCKING));
	TRY(cuMemAlloc_v2(&g->data, BULK_BYTES));
	TRY(cuMemsetD8_v2(g->data, 0, BULK_BYTES));
	/* The stream does not wait for that. */
	TRY(cuCtxSynchronize());
	TRY(cuGetExportTable((const void **)&g->stat, &id));
	g->host = calloc(1, BULK_BYTES);
	return g->host ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

static CUresult add(struct gear *g, unsigned int by)
{
	void *params[] = { &g->data, &by };

	return cuLaunchKernel(g->add, WORDS / 64, 1, 1, 64, 1, 1, 0, g->stream, params, NULL);
}

/* ---- victims: each returns the first error, and none without one */

static CUresult at_encoding(struct gear *g)
{
	for (;;) {
		enter(g->v, V_ENCODING);
		for (int i = 0; i < INLINE_COPIES; i++)
			TRY(cuMemcpyHtoDAsync_v2(g->data, g->host, INLINE_BYTES, g->stream));
		g->v->state = V_WAIT;
		TRY(cuStreamSynchronize(g->stream));
	}
}

/* A thread that never calls: the other does not come back. */
static void *see_full(void *arg)
{
	struct gear *g = arg;
	struct cw_guest_stat s;

	do {
		nap();
		g->stat->guest(&s);
	} while (!s.full);
	enter(g->v, V_FULL);
	return NULL;
}

static CUresult hold(struct gear *g)
{
	for (int i = 0; i < HOLDS; i++)
		TRY(g->stat->hold(HOLD_MS));
	return CUDA_SUCCESS;
}

static CUresult at_full(struct gear *g)
{
	pthread_t thread;

	TRY(hold(g));
	if (pthread_create(&thread, NULL, see_full, g))
		return CUDA_ERROR_OPERATING_SYSTEM;
	pthread_detach(thread);
	for (;;)
		TRY(cuMemcpyHtoDAsync_v2(g->data, g->host, INLINE_BYTES, g->stream));
}

static CUresult at_bulk(struct gear *g)
{
	enter(g->v, V_BULK);
	for (;;) {
		TRY(cuMemcpyHtoD_v2(g->data, g->host, BULK_BYTES));
		TRY(cuMemcpyDtoH_v2(g->host, g->data, BULK_BYTES));
	}
}

/* Behind a dispatcher that is held, or behind a kernel that never ends. */
static CUresult at_wait(struct gear *g)
{
	void *params[] = { &g->data };

	if (g->v->pid % 4)
		TRY(hold(g));
	else
		TRY(cuLaunchKernel(g->spin, 1, 1, 1, 1, 1, 1, 0, g->stream, params, NULL));
	enter(g->v, V_WAIT);
	for (;;)
		TRY(cuStreamSynchronize(g->stream));
}

static void never_returns(void *arg)
{
	enter(arg, V_CALLBACK);
	for (;;)
		pause();
}

static CUresult at_callback(struct gear *g)
{
	TRY(cuLaunchHostFunc(g->stream, never_returns, g->v));
	for (;;)
		TRY(cuStreamSynchronize(g->stream));
}

/* After cuInit it goes on with calls that are answered. */
static CUresult at_open(struct gear *g)
{
	enter(g->v, V_OPEN);
	TRY(cuInit(0));
	g->v->state = V_WAIT;
	TRY(gear_up(g));
	for (;;)
		TRY(cuStreamSynchronize(g->stream));
}

static CUresult at_close(struct gear *g)
{
	TRY(cuMemcpyHtoDAsync_v2(g->data, g->host, INLINE_BYTES, g->stream));
	TRY(add(g, 1));
	enter(g->v, V_CLOSE);
	/* Whoever is hit here may get an error or none. */
	cuMemFree_v2(g->data);
	cuStreamDestroy_v2(g->stream);
	cuModuleUnload(g->module);
	cuDevicePrimaryCtxRelease_v2(0);
	exit(VICTIM_CLOSED);
}

static CUresult (*const victims[V_STATES])(struct gear *g) = {
	[V_ENCODING] = at_encoding, [V_FULL] = at_full, [V_BULK] = at_bulk, [V_WAIT] = at_wait,
	[V_CALLBACK] = at_callback, [V_OPEN] = at_open, [V_CLOSE] = at_close,
};

static int victim_main(struct victim *v, enum victim_state state)
{
	struct gear g = { .v = v };
	int out = state == V_OPEN ? 0 : VICTIM_REFUSED;
	CUresult r = CUDA_SUCCESS;

	if (state != V_OPEN)
		r = cuInit(0);
	if (!r && state != V_OPEN)
		r = gear_up(&g);
	if (!r)
		r = victims[state](&g);
	if (v->entered)
		out = 0;
	if (out)
		printf("# a victim at %s: error %d\n", victim_state_names[state], (int)r);
	return out;
}

/* ---- survivors */

/* Up, twice a kernel, down, look. */
static CUresult survivor_round(struct gear *g, unsigned int salt, bool *right)
{
	unsigned int *words = g->host;

	for (unsigned int i = 0; i < WORDS; i++)
		words[i] = i * salt;
	TRY(cuMemcpyHtoDAsync_v2(g->data, words, WORDS * 4, g->stream));
	TRY(add(g, salt));
	TRY(add(g, 5));
	memset(words, 0, WORDS * 4);
	TRY(cuMemcpyDtoHAsync_v2(words, g->data, WORDS * 4, g->stream));
	TRY(cuStreamSynchronize(g->stream));
	for (unsigned int i = 0; i < WORDS; i++) {
		if (words[i] != i * salt + salt + 5) {
			printf("# word %u is %u, not %u; salt %u, round %d\n", i, words[i],
			       i * salt + salt + 5, salt, g->v->rounds);
			return CUDA_SUCCESS;
		}
	}
	*right = true;
	return CUDA_SUCCESS;
}

static int survivor_main(struct victim *v)
{
	struct gear g = { .v = v };
	CUresult r = cuInit(0);
	bool right = true;

	if (!r)
		r = gear_up(&g);
	while (!r && right && !v->stop) {
		nap();
		if (v->limit && v->rounds >= v->limit)
			continue;
		right = false;
		r = survivor_round(&g, (unsigned int)(v->pid + v->rounds), &right);
		v->rounds++;
	}
	if (r)
		printf("# a survivor: error %d in round %d\n", (int)r, v->rounds);
	return r ? VICTIM_REFUSED : right ? 0 : VICTIM_WRONG;
}

/* ---- for the test */

struct victim *victims_new(int n)
{
	struct victim *v = mmap(NULL, (size_t)n * sizeof(*v), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (v == MAP_FAILED) {
		printf("Bail out! victims: %s\n", strerror(errno));
		exit(1);
	}
	return v;
}

/* Whether this is the new process. */
static bool start(struct victim *v)
{
	pid_t pid;
	int null;

	*v = (struct victim){ 0 };
	fflush(stdout);
	pid = fork();
	if (pid) {
		v->pid = pid;
		return false;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	v->pid = getpid();
	/* "The GPU has gone away", a thousand times. */
	null = getenv("VICTIM_STDERR") ? -1 : memfd_create("stderr", MFD_CLOEXEC);
	if (null >= 0)
		dup2(null, 2);
	return true;
}

void victim_start(struct victim *v, enum victim_state state)
{
	int status;

	if (!start(v))
		return;
	status = victim_main(v, state);
	fflush(stdout);
	/* Not exit(): nothing more is to be asked of a client that is dead. */
	_exit(status);
}

void survivor_start(struct victim *v, int limit)
{
	if (!start(v))
		return;
	v->limit = limit;
	exit(survivor_main(v));
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

int victim_end(struct victim *v)
{
	double until = now() + PATIENCE_S;
	int status = 0;
	pid_t got;

	while (!(got = waitpid(v->pid, &status, WNOHANG)) && now() < until)
		nap();
	if (got != v->pid) {
		kill(v->pid, SIGKILL);
		waitpid(v->pid, &status, 0);
		return -1;
	}
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool victim_await(const struct victim *v, const _Atomic int *word, int n)
{
	double until = now() + PATIENCE_S;
	siginfo_t info = { 0 };

	while (*word < n && now() < until) {
		/* Looked at, not taken: that is victim_end()'s part. */
		if (!waitid(P_PID, (id_t)v->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid)
			break;
		nap();
	}
	return *word >= n;
}
