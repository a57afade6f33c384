/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What docs/coverage.md says of the software GPU, function by function:
 * NOT_SUPPORTED is the answer of those that are refused and of no other.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "soft_calls.h"
#include "tests/softgpu/soft.h"

/* Location 0 is no device: these refuse that, not everything. */
static const char *const zeros_refused[] = {
	"cuMemGetDefaultMemPool",
	"cuMemGetMemPool",
	"cuMemSetMemPool",
};

void *soft_call_zeros(void)
{
	return mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static bool may_refuse_zeros(const char *symbol)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(zeros_refused); i++) {
		if (!strcmp(zeros_refused[i], symbol))
			return true;
	}
	return false;
}

/* In a process of its own, since some of them end contexts. */
static int answer(const struct soft_call *c)
{
	CUcontext ctx;
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (cuInit(0) || cuDevicePrimaryCtxRetain(&ctx, 0) || cuCtxSetCurrent(ctx))
			_exit(2);
		_exit(c->call() == CUDA_ERROR_NOT_SUPPORTED);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		return -1;
	return WEXITSTATUS(status);
}

/* The first function of a kind that does not do as the page says, or "". */
static const char *first_liar(int refused)
{
	for (unsigned int i = 0; i < soft_calls_count; i++) {
		const struct soft_call *c = &soft_calls[i];

		if (c->refused == refused && answer(c) != refused && !may_refuse_zeros(c->symbol))
			return c->symbol;
	}
	return "";
}

TEST(what_is_marked_refused_answers_not_supported)
{
	CHECK_STR(first_liar(1), "");
}

TEST(what_is_marked_done_does_not_answer_not_supported)
{
	CHECK_STR(first_liar(0), "");
}

TAP_MAIN()
