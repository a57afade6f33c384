/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compute time of one card, shared by two VMs: measured by the work they get
 * done. What one does not want the other has.
 *
 * CAUSEWAY_TEST_LONG: 60 s, within 5 points; only then, since it measures.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cw/card.h"
#include "tests/socket/sock.h"
#include "tests/socket/sock_cuda.h"
#include "tests/tap.h"

#define PATIENCE_S 300
#define LONG_S 60
#define BLOCKS 64
/* Kernels ahead: a client that gets no processor for a while still wants time. */
#define AHEAD 32

static const char ptx[] =
	".version 6.3\n.target sm_75\n.address_size 64\n"
	".visible .entry work(.param .u64 p, .param .u32 n)\n{\n"
	"\t.reg .pred %p<2>;\n\t.reg .b64 %rd<2>;\n\t.reg .b32 %r<4>;\n"
	"\tld.param.u64 %rd1, [p];\n"
	"\tld.param.u32 %r1, [n];\n"
	"\tmov.u32 %r2, 0;\n"
	"AGAIN:\n"
	"\tmad.lo.s32 %r2, %r2, 1664525, %r1;\n"
	"\tsub.s32 %r1, %r1, 1;\n"
	"\tsetp.ne.s32 %p1, %r1, 0;\n"
	"\t@%p1 bra AGAIN;\n"
	"\tst.global.u32 [%rd1], %r2;\n"
	"\tret;\n}\n";

/**
 * struct vm - What a client of one daemon does and is told
 * @blocks:	of each kernel
 * @turns:	of each thread
 * @done:	kernels done
 * @ready:	it works
 * @quit:	end
 */
struct vm {
	uint32_t blocks;
	uint32_t turns;
	_Atomic uint64_t done;
	_Atomic uint32_t ready;
	_Atomic uint32_t quit;
};

struct pair {
	struct sock_daemon d[2];
	struct vm *vm[2];
	pid_t pid[2];
};

static char card_dir[] = "/tmp/causeway-share-XXXXXX";

static int client(void *arg)
{
	struct vm *vm = arg;
	CUevent events[AHEAD];
	CUdeviceptr word;
	CUcontext ctx;
	CUmodule mod;
	CUfunction fn;
	void *params[] = { &word, &vm->turns };

	OK(cuInit(0));
	OK(cuDevicePrimaryCtxRetain(&ctx, 0));
	OK(cuCtxSetCurrent(ctx));
	OK(cuModuleLoadData(&mod, ptx));
	OK(cuModuleGetFunction(&fn, mod, "work"));
	OK(cuMemAlloc_v2(&word, 4));
	for (int i = 0; i < AHEAD; i++)
		OK(cuEventCreate(&events[i], CU_EVENT_DISABLE_TIMING | CU_EVENT_BLOCKING_SYNC));
	for (uint64_t n = 0; !vm->quit; n++) {
		if (n >= AHEAD) {
			OK(cuEventSynchronize(events[n % AHEAD]));
			vm->done++;
			vm->ready = 1;
		}
		OK(cuLaunchKernel(fn, vm->blocks, 1, 1, 32, 1, 1, 0, NULL, params, NULL));
		OK(cuEventRecord(events[n % AHEAD], NULL));
	}
	OK(cuCtxSynchronize());
	return 0;
}

static struct vm *vm_new(void)
{
	struct vm *vm = mmap(NULL, sizeof(*vm), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	vm->blocks = BLOCKS;
	vm->turns = 8000;
	return vm;
}

static void daemons_start(struct pair *p, const char *share0, const char *share1)
{
	const char *shares[] = { share0, share1 };
	char dir[64];

	snprintf(dir, sizeof(dir), "--card-dir=%s", card_dir);
	for (int i = 0; i < 2; i++) {
		const char *args[] = { dir, shares[i], NULL };

		sock_daemon_start_with(&p->d[i], args);
		p->vm[i] = vm_new();
	}
}

static void client_start(struct pair *p, int i)
{
	double until = sock_now() + PATIENCE_S;

	p->pid[i] = sock_client(&p->d[i], client, p->vm[i], NULL);
	while (!p->vm[i]->ready && sock_now() < until)
		sock_nap();
}

static void pair_end(struct pair *p)
{
	int status[2] = { 0, 0 };

	for (int i = 0; i < 2; i++)
		p->vm[i]->quit = 1;
	for (int i = 0; i < 2; i++)
		status[i] = p->pid[i] ? sock_end(p->pid[i]) : 0;
	for (int i = 0; i < 2; i++)
		CHECK(sock_daemon_stop(&p->d[i]));
	CHECK_EQ(status[0], 0);
	CHECK_EQ(status[1], 0);
}

/* Percent of the work that was done by the first while both want all. */
static double measure(struct pair *p)
{
	double start = sock_now(), until = start + PATIENCE_S;
	uint64_t from[2], n[2];

	/* Both are at it, and have seen each other. */
	for (int i = 0; i < 2; i++) {
		while (p->vm[i]->done < 3 * AHEAD && sock_now() < until)
			sock_nap();
	}
	for (int i = 0; i < 2; i++)
		from[i] = p->vm[i]->done;
	start = sock_now();
	until = start + LONG_S;
	do {
		usleep(20000);
		for (int i = 0; i < 2; i++)
			n[i] = p->vm[i]->done - from[i];
	} while (sock_now() < until);
	printf("# %llu and %llu kernels in %.1f s: %.1f %%\n", (unsigned long long)n[0],
	       (unsigned long long)n[1], sock_now() - start,
	       100.0 * (double)n[0] / (double)(n[0] + n[1]));
	return 100.0 * (double)n[0] / (double)(n[0] + n[1]);
}

TEST(work_is_shared_as_the_shares_say)
{
	bool thorough = getenv("CAUSEWAY_TEST_LONG");
	struct pair p = { 0 };
	double part;

	if (!thorough)
		SKIP("what a busy machine lets each do is no measure: check --long has it");
	daemons_start(&p, "--share=30", "--share=70");
	client_start(&p, 0);
	client_start(&p, 1);
	part = measure(&p);
	pair_end(&p);
	CHECK(part > 25 && part < 35);
}

int main(int argc, char **argv)
{
	char cmd[64];
	int failed;

	if (!mkdtemp(card_dir))
		return 1;
	/* The amount of work is one for the interpreter. */
	setenv("CAUSEWAY_SOFT_JIT", "0", 1);
	failed = tap_run(argc > 1 ? argv[1] : NULL);
	snprintf(cmd, sizeof(cmd), "%s/" CW_CARD_FILE, card_dir);
	unlink(cmd);
	return rmdir(card_dir) ? 1 : failed;
}
