/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe [--strict] [--list] [NAME]: asks a driver what the design relies on.
 *
 * One line per probe: name, whether the answer is the expected one, answer;
 * tests/gpu/report makes the table of it. With --strict another answer than
 * the expected one is a failure: against a driver that is known.
 */
#include "probe.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX 480
#define CANNOT 77
/* Ends a probe whose driver never answers. */
#define LIMIT_S 240

/*
 * gate: returns when the word is not 0. nothing: returns. wide: the same, for
 * at most 256 threads a block. wild: stores where nothing is.
 */
const char probe_ptx[] =
	".version 6.3\n.target sm_75\n.address_size 64\n"
	".visible .entry gate(.param .u64 word)\n{\n"
	"	.reg .pred %p;\n	.reg .b32 %r;\n	.reg .b64 %a;\n"
	"	ld.param.u64 %a, [word];\n"
	"AGAIN:\n"
	"	ld.volatile.u32 %r, [%a];\n"
	"	setp.eq.u32 %p, %r, 0;\n"
	"	@%p bra AGAIN;\n"
	"	ret;\n}\n"
	".visible .entry nothing()\n{\n	ret;\n}\n"
	".visible .entry wide()\n.maxntid 256, 1, 1\n{\n	ret;\n}\n"
	".visible .entry wild()\n{\n"
	"	.reg .b64 %a;\n	mov.u64 %a, 0;\n	st.global.u32 [%a], 1;\n	ret;\n}\n";

static char answer[ANSWER_MAX];

static const struct probe *const tables[] = {
	probes_launch, probes_stream, probes_module, probes_runtime,
};

void probe_say(const char *fmt, ...)
{
	size_t used = strlen(answer);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(answer + used, sizeof(answer) - used, fmt, ap);
	va_end(ap);
}

void probe_say_result(const char *what, CUresult r)
{
	const char *name = NULL;

	cuGetErrorName(r, &name);
	if (name && !strncmp(name, "CUDA_ERROR_", 11))
		name += 11;
	else if (name && !strncmp(name, "CUDA_", 5))
		name += 5;
	probe_say("%s%s%s%s (%d)", *answer ? ", " : "", what, *what ? " " : "",
		  name ? name : "unknown", (int)r);
}

void probe_cannot(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(answer, sizeof(answer), fmt, ap);
	va_end(ap);
	printf("%s", answer);
	fflush(stdout);
	_exit(CANNOT);
}

void probe_must(CUresult r, const char *what)
{
	if (r)
		probe_cannot("error %d from %.200s", (int)r, what);
}

CUcontext probe_begin(void)
{
	CUcontext ctx;

	PROBE(cuInit(0));
	PROBE(cuDevicePrimaryCtxRetain(&ctx, 0));
	PROBE(cuCtxSetCurrent(ctx));
	return ctx;
}

CUfunction probe_kernel(const char *name)
{
	static CUmodule module;
	CUfunction f;

	if (!module)
		PROBE(cuModuleLoadData(&module, probe_ptx));
	PROBE(cuModuleGetFunction(&f, module, name));
	return f;
}

void probe_gate_shut(struct probe_gate *g)
{
	CUfunction gate = probe_kernel("gate");
	void *word, *params[1];
	CUdeviceptr device;

	*g = (struct probe_gate){ 0 };
	PROBE(cuMemHostAlloc(&word, 4096, CU_MEMHOSTALLOC_DEVICEMAP));
	g->word = word;
	*g->word = 0;
	PROBE(cuMemHostGetDevicePointer(&device, word, 0));
	PROBE(cuStreamCreate(&g->stream, CU_STREAM_NON_BLOCKING));
	/* Once through: the code is there before anything stands still. */
	*g->word = 1;
	params[0] = &device;
	PROBE(cuLaunchKernel(gate, 1, 1, 1, 1, 1, 1, 0, g->stream, params, NULL));
	PROBE(cuStreamSynchronize(g->stream));
	*g->word = 0;
	PROBE(cuLaunchKernel(gate, 1, 1, 1, 1, 1, 1, 0, g->stream, params, NULL));
}

void probe_gate_open(struct probe_gate *g)
{
	__atomic_store_n(g->word, 1, __ATOMIC_SEQ_CST);
}

struct call {
	void (*fn)(void *arg);
	void *arg;
	CUcontext ctx;
	atomic_bool done;
};

static void *call_thread(void *arg)
{
	struct call *c = arg;

	PROBE(cuCtxSetCurrent(c->ctx));
	c->fn(c->arg);
	atomic_store(&c->done, true);
	return NULL;
}

bool probe_returns(struct probe_gate *g, void (*fn)(void *arg), void *arg, int ms)
{
	const struct timespec nap = { 0, 5000000 };
	struct call c = { .fn = fn, .arg = arg };
	pthread_t thread;
	bool returned;

	PROBE(cuCtxGetCurrent(&c.ctx));
	if (pthread_create(&thread, NULL, call_thread, &c))
		probe_cannot("no thread");
	for (int waited = 0; waited < ms && !atomic_load(&c.done); waited += 5)
		nanosleep(&nap, NULL);
	returned = atomic_load(&c.done);
	g->seen = g->watch ? atomic_load(g->watch) : 0;
	probe_gate_open(g);
	pthread_join(thread, NULL);
	return returned;
}

static bool as_expected(const struct probe *p, const char *text)
{
	const char *star = strchr(p->expected, '*');

	return star ? !strncmp(text, p->expected, (size_t)(star - p->expected))
		    : !strcmp(text, p->expected);
}

/* Runs a probe; its answer is in @text. Returns an exit status, or -signal. */
static int in_child(const struct probe *p, char text[ANSWER_MAX])
{
	int fd[2], status = 0;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	fflush(stdout);
	if (pipe(fd))
		return 1;
	pid = fork();
	if (!pid) {
		dup2(fd[1], 1);
		close(fd[0]);
		close(fd[1]);
		alarm(LIMIT_S);
		p->run();
		printf("%s", answer);
		fflush(stdout);
		_exit(0);
	}
	close(fd[1]);
	while (used < ANSWER_MAX - 1 &&
	       (n = read(fd[0], text + used, ANSWER_MAX - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	close(fd[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid < 0 ? 1 : WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Tab-separated: name, verdict, answer. Returns whether all is well. */
static bool ask(const struct probe *p, bool strict)
{
	char text[ANSWER_MAX];
	const char *verdict;
	int status = in_child(p, text);

	if (status == CANNOT)
		verdict = "cannot say";
	else if (status)
		verdict = "died";
	else
		verdict = as_expected(p, text) ? "yes" : "NO";
	if (status && status != CANNOT)
		snprintf(text, sizeof(text), "%s %d", status < 0 ? "signal" : "status",
			 abs(status));
	for (char *c = text; *c; c++) {
		if (*c == '\n' || *c == '\t' || *c == '|')
			*c = ' ';
	}
	printf("%s\t%s\t%s\n", p->name, verdict, text);
	return *verdict == 'y' || *verdict == 'c' || (!strict && *verdict == 'N');
}

int main(int argc, char **argv)
{
	bool strict = false, list = false, good = true;
	const char *only = NULL;
	int asked = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--strict"))
			strict = true;
		else if (!strcmp(argv[i], "--list"))
			list = true;
		else
			only = argv[i];
	}
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (const struct probe *p = tables[t]; p->name; p++) {
			if (only && strcmp(only, p->name))
				continue;
			asked++;
			if (list)
				printf("%s\t%s\t%s\t%s\t%s\n", p->name, p->section, p->question,
				       p->expected, p->meaning);
			else if (!ask(p, strict))
				good = false;
		}
	}
	if (!asked)
		fprintf(stderr, "no such probe; --list shows them\n");
	return asked && good ? 0 : 1;
}
