/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client for the tests in a VM, with the driver API alone:
 *
 *	client work FILE	computes and checks until FILE exists
 *	client wait MS		sleeps in cuCtxSynchronize, the dispatcher held for MS
 *	client idle		makes a context and does nothing
 *	client copies		64 MiB each way: bytes that were moved
 *	client launches		200 launches while the dispatcher is held
 *	client kills N		that many processes are killed, survivors beside them
 *	client workers N	the same with workers, which who reads stdout kills: a
 *				line for each wish, an answer to it on stdin
 *	client cycles N		that many processes that open, work and end
 *
 * Exit status: 0; 1: a wrong result; 3: an error from CUDA, which is printed.
 * The dispatcher can be held where the daemon has CAUSEWAY_TEST_HOOKS=1.
 */
#include <cuda.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cw/stat.h"
#include "tests/stress/kills.h"

#define WORDS (64u << 10)
#define COPY_BYTES (64u << 20)
#define LAUNCHES 200
#define TRIES 20
#define SURVIVORS 2

static const char ptx[] = ".version 6.3\n.target sm_75\n.address_size 64\n"
			  ".visible .entry add(.param .u64 data, .param .u32 by)\n{\n"
			  "	.reg .b32 %r<8>;\n	.reg .b64 %rd<5>;\n"
			  "	ld.param.u64 %rd1, [data];\n"
			  "	ld.param.u32 %r1, [by];\n"
			  "	mov.u32 %r2, %ctaid.x;\n"
			  "	mov.u32 %r3, %ntid.x;\n"
			  "	mov.u32 %r4, %tid.x;\n"
			  "	mad.lo.s32 %r5, %r2, %r3, %r4;\n"
			  "	cvta.to.global.u64 %rd2, %rd1;\n"
			  "	mul.wide.u32 %rd3, %r5, 4;\n"
			  "	add.s64 %rd4, %rd2, %rd3;\n"
			  "	ld.global.u32 %r6, [%rd4];\n"
			  "	add.u32 %r6, %r6, %r1;\n"
			  "	st.global.u32 [%rd4], %r6;\n"
			  "	ret;\n}\n";

static CUfunction add;
static const struct cw_stat_table *stat_table;

static void must(CUresult r, const char *what)
{
	if (!r)
		return;
	printf("error %d from %s\n", (int)r, what);
	/* Not exit(): nothing more is to be asked of a client that is dead. */
	fflush(stdout);
	_exit(3);
}
#define MUST(call) must(call, #call)

static void client_begin(void)
{
	static const CUuuid id = { CW_STAT_UUID_BYTES };
	CUcontext ctx;
	CUmodule module;

	MUST(cuInit(0));
	MUST(cuDevicePrimaryCtxRetain(&ctx, 0));
	MUST(cuCtxSetCurrent(ctx));
	MUST(cuModuleLoadData(&module, ptx));
	MUST(cuModuleGetFunction(&add, module, "add"));
	MUST(cuGetExportTable((const void **)&stat_table, &id));
}

static CUresult launch(CUdeviceptr data, unsigned int blocks, unsigned int by)
{
	void *params[] = { &data, &by };

	return cuLaunchKernel(add, blocks, 1, 1, 64, 1, 1, 0, NULL, params, NULL);
}

/* One round: up, two kernels, down, look. */
static int work_round(unsigned int *host, CUdeviceptr data, unsigned int salt)
{
	for (unsigned int i = 0; i < WORDS; i++)
		host[i] = i * salt;
	MUST(cuMemcpyHtoD(data, host, WORDS * 4));
	MUST(launch(data, 64, salt));
	MUST(launch(data, 32, 5));
	memset(host, 0, WORDS * 4);
	MUST(cuMemcpyDtoH(host, data, WORDS * 4));
	for (unsigned int i = 0; i < WORDS; i++) {
		unsigned int want = i * salt + (i < 4096 ? salt : 0) + (i < 2048 ? 5 : 0);

		if (host[i] != want) {
			printf("word %u is %u, not %u\n", i, host[i], want);
			return 1;
		}
	}
	return 0;
}

static int work(const char *until)
{
	unsigned int *host = malloc(WORDS * 4), salt = (unsigned int)getpid();
	CUdeviceptr data;
	int rounds = 0;

	MUST(cuMemAlloc(&data, WORDS * 4));
	do {
		if (work_round(host, data, salt + (unsigned int)rounds))
			return 1;
		if (++rounds == 2) {
			printf("busy\n");
			fflush(stdout);
		}
	} while (rounds < 2 || access(until, F_OK));
	MUST(cuMemFree(data));
	printf("right\n");
	return 0;
}

static int wait_asleep(uint32_t ms)
{
	struct rusage before, after;

	MUST(cuCtxSynchronize());
	MUST(stat_table->hold(ms));
	printf("asleep\n");
	fflush(stdout);
	getrusage(RUSAGE_SELF, &before);
	MUST(cuCtxSynchronize());
	getrusage(RUSAGE_SELF, &after);
	printf("switches %ld\n", after.ru_nvcsw + after.ru_nivcsw - before.ru_nvcsw -
					 before.ru_nivcsw);
	return 0;
}

static uint64_t moved(void)
{
	struct cw_guest_stat guest;
	struct cw_worker_stat worker;
	struct cw_device_stat device;

	stat_table->guest(&guest);
	MUST(stat_table->worker(&worker));
	MUST(stat_table->device(&device));
	return guest.copied + worker.copied + device.copied + device.bounced;
}

static int copies(void)
{
	unsigned int *host = malloc(COPY_BYTES), *back = calloc(1, COPY_BYTES);
	uint64_t start, up, down;
	CUdeviceptr data;

	for (unsigned int i = 0; i < COPY_BYTES / 4; i++)
		host[i] = i * 2654435761u;
	MUST(cuMemAlloc(&data, COPY_BYTES));
	start = moved();
	MUST(cuMemcpyHtoD(data, host, COPY_BYTES));
	up = moved();
	MUST(cuMemcpyDtoH(back, data, COPY_BYTES));
	down = moved();
	printf("up %llu down %llu of %u\n", (unsigned long long)(up - start),
	       (unsigned long long)(down - up), COPY_BYTES);
	return memcmp(host, back, COPY_BYTES) || up - start != COPY_BYTES ||
	       down - up != COPY_BYTES;
}

/* Kicks and interrupts of 200 launches, less what asking for them costs. */
static void launches_held(CUdeviceptr data, uint64_t *kicks, uint64_t *interrupts)
{
	struct cw_device_stat none, before, after;

	MUST(cuCtxSynchronize());
	/* Time for the dispatcher to fall asleep: the hold is to wake it. */
	usleep(100000);
	MUST(stat_table->device(&none));
	MUST(stat_table->device(&before));
	MUST(stat_table->hold(1000));
	for (unsigned int i = 0; i < LAUNCHES; i++)
		MUST(launch(data, 1, 1));
	MUST(stat_table->device(&after));
	*kicks = after.kicks - before.kicks;
	*interrupts = after.interrupts - before.interrupts - (before.interrupts - none.interrupts);
}

static int launches(void)
{
	uint64_t kicks = 0, interrupts = 1;
	unsigned int count, total = 1;
	CUdeviceptr data;

	MUST(cuMemAlloc(&data, 256));
	MUST(cuMemsetD32(data, 0, 64));
	/* The first launch of a function asks for its parameters. */
	MUST(launch(data, 1, 1));
	/* On a busy machine the dispatcher may still have been awake, or the
	 * hold may be over before the last launch: then it was no measurement. */
	for (int i = 0; i < TRIES && (kicks != 1 || interrupts); i++) {
		launches_held(data, &kicks, &interrupts);
		total += LAUNCHES;
		printf("kicks %llu interrupts %llu\n", (unsigned long long)kicks,
		       (unsigned long long)interrupts);
	}
	MUST(cuMemcpyDtoH(&count, data, 4));
	printf("counted %u of %u\n", count, total);
	return count != total || kicks != 1 || interrupts;
}

/* A wish, numbered so that none is answered twice, and its answer. */
static int wishes;

static int wish(const char *what)
{
	char line[16] = "";

	printf("@%d %s\n", ++wishes, what);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) && !strcmp(line, "done\n") ? 0 : -1;
}

static void wish_mark(void *arg)
{
	wish("mark");
}

static int wish_kill(void *arg, const struct victim *v)
{
	return wish("kill");
}

static int kills(int wanted, bool workers)
{
	struct kills k = { .wanted = wanted, .seed = (unsigned int)getpid(), .spare = workers };
	struct victim *s = victims_new(SURVIVORS);
	bool ok = true;

	if (workers) {
		k.steady = true;
		k.mark = wish_mark;
		k.worker = wish_kill;
	}
	for (int i = 0; i < SURVIVORS; i++) {
		survivor_start(&s[i], 0);
		ok = ok && victim_await(&s[i], &s[i].rounds, 1);
	}
	ok = ok && kills_run(&k);
	for (int i = 0; i < SURVIVORS; i++) {
		ok = ok && victim_await(&s[i], &s[i].rounds, s[i].rounds + 2);
		s[i].stop = 1;
		if (victim_end(&s[i]))
			ok = false;
	}
	printf("survivors are %s\n", ok ? "right" : "wrong");
	if (workers)
		printf("@%d end\n", ++wishes);
	return !ok;
}

static int cycles(int n)
{
	struct victim *v = victims_new(1);

	for (int i = 0; i < n; i++) {
		victim_start(v, V_CLOSE);
		if (victim_end(v) != VICTIM_CLOSED)
			return 1;
	}
	printf("%d cycles\n", n);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	/* These fork: no client before that. */
	if (argc > 2 && !strcmp(what, "kills"))
		return kills(atoi(argv[2]), false);
	if (argc > 2 && !strcmp(what, "workers"))
		return kills(atoi(argv[2]), true);
	if (argc > 2 && !strcmp(what, "cycles"))
		return cycles(atoi(argv[2]));
	client_begin();
	if (!strcmp(what, "work") && argc > 2)
		return work(argv[2]);
	if (!strcmp(what, "wait") && argc > 2)
		return wait_asleep((uint32_t)atoi(argv[2]));
	if (!strcmp(what, "copies"))
		return copies();
	if (!strcmp(what, "launches"))
		return launches();
	if (!strcmp(what, "idle")) {
		printf("idle\n");
		fflush(stdout);
		pause();
	}
	return 2;
}
